//! The newest block as a node answers it, and the head that it makes. Pure.

use serde_json::Value;

use super::quantity::Quantity;
use crate::probe::chain::head::Head;
use crate::sample::{Fault, Reason};

/// A head, and whether the node wrote its quantities as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Number and time.
    pub head: Head,
    /// Whether both quantities were canonical.
    pub canonical: bool,
}

impl Newest {
    /// Reads the result of `eth_getBlockByNumber`.
    ///
    /// # Errors
    /// [`Reason::NotReady`] when there is no block yet, [`Reason::Malformed`] when the result is
    /// no block with a number and a time in seconds.
    pub fn read(result: &Value) -> Result<Self, Fault> {
        let block = match result {
            Value::Object(block) => block,
            Value::Null => {
                let detail = "the node has no newest block yet";
                return Err(Fault::new(Reason::NotReady, detail));
            }
            _ => {
                let detail = "eth_getBlockByNumber answered something else than a block";
                return Err(Fault::new(Reason::Malformed, detail));
            }
        };
        let read = |name: &str, what: &str| {
            let value = block.get(name).unwrap_or(&Value::Null);
            let quantity = quantity(what, value)?;
            let number = quantity.to_u64().ok_or_else(|| {
                let detail = format!("{what} cannot be true: {quantity}");
                Fault::new(Reason::Malformed, detail)
            })?;
            Ok((number, quantity.canonical))
        };
        let (height, plain_height) = read("number", "the number of the newest block")?;
        let (made, plain_time) = read("timestamp", "the time of the newest block")?;
        let head = Head::dated(height, made).ok_or_else(|| {
            let detail = format!("the newest block is dated {made}, which is no number of seconds");
            Fault::new(Reason::Malformed, detail)
        })?;
        Ok(Self {
            head,
            canonical: plain_height && plain_time,
        })
    }
}

/// Reads the hash of a block that was asked for by its number; nothing where there is no such block.
///
/// # Errors
/// [`Reason::Malformed`] when it is no block, or has no hash of 32 bytes.
pub fn hash(result: &Value) -> Result<Option<String>, Fault> {
    if result.is_null() {
        return Ok(None);
    }
    let hash = result.get("hash").and_then(Value::as_str);
    let digits = hash.and_then(|hash| hash.strip_prefix("0x"));
    let whole = |digits: &&str| {
        digits.len() == HASH_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match digits.filter(whole) {
        Some(digits) => Ok(Some(digits.to_ascii_lowercase())),
        None => {
            let detail = "a block has no hash of 32 bytes";
            Err(Fault::new(Reason::Malformed, detail))
        }
    }
}

/// Reads the number of a block that was asked for by its mark; nothing where there is no such block.
///
/// # Errors
/// [`Reason::Malformed`] when it is no block, or has no number.
pub fn marked(mark: &str, result: &Value) -> Result<Option<u64>, Fault> {
    if result.is_null() {
        return Ok(None);
    }
    let what = format!("the number of the {mark} block");
    let number = quantity(&what, result.get("number").unwrap_or(&Value::Null))?;
    let detail = || format!("{what} cannot be true: {number}");
    let height = number.to_u64();
    height
        .map(Some)
        .ok_or_else(|| Fault::new(Reason::Malformed, detail()))
}

/// Two for each of 32 bytes.
const HASH_DIGITS: usize = 64;

/// Reads a quantity; `what` is its name in the message.
///
/// # Errors
/// [`Reason::Malformed`] when the node answered something else.
pub fn quantity(what: &str, value: &Value) -> Result<Quantity, Fault> {
    Quantity::read(value).map_err(|fault| {
        let detail = format!("{what} cannot be read: the node answered {fault}");
        Fault::new(Reason::Malformed, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::chain::complaint::Complaint;
    use crate::probe::chain::envelope::{self, Dialect};
    use crate::probe::evm::meaning::meaning;
    use crate::probe::evm::syncing::Syncing;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_block_gives_its_head() {
        let block = json!({"number": "0x36", "hash": "0xd2", "timestamp": "0x6701a2b3"});
        let newest = Newest::read(&block).unwrap();
        assert_eq!(newest.head, Head::dated(54, 0x6701_a2b3).unwrap());
        assert!(newest.canonical);
        let sloppy = json!({"number": 54, "timestamp": "0x06701a2b3"});
        assert_eq!(Newest::read(&sloppy).unwrap().head, newest.head);
        assert!(!Newest::read(&sloppy).unwrap().canonical);
    }

    #[test]
    fn what_is_no_block_says_why() {
        let cases = [
            (json!(null), Reason::NotReady, "no newest block yet"),
            (json!([]), Reason::Malformed, "something else than a block"),
            (
                json!({}),
                Reason::Malformed,
                "the number of the newest block cannot be read",
            ),
            (
                json!({"number": "54"}),
                Reason::Malformed,
                "a quantity without its 0x",
            ),
            (
                json!({"number": "0x1"}),
                Reason::Malformed,
                "the time of the newest block",
            ),
            (
                json!({"number": "0x1ffffffffffffffff", "timestamp": "0x1"}),
                Reason::Malformed,
                "cannot be true: 0x1ffffffffffffffff",
            ),
            (
                json!({"number": "0x1", "timestamp": "0x1a1fed4b290"}),
                Reason::Malformed,
                "no number of seconds",
            ),
        ];
        for (result, reason, says) in cases {
            let fault = Newest::read(&result).unwrap_err();
            assert_eq!(fault.reason, reason, "{result}");
            assert!(fault.detail.contains(says), "{}", fault.detail);
        }
    }

    #[test]
    fn hashes_and_marks_are_read_where_there_is_a_block() {
        let whole = format!("0x{}", "Ab".repeat(32));
        let read = hash(&json!({"hash": whole})).unwrap();
        assert_eq!(read, Some("ab".repeat(32)));
        assert_eq!(hash(&json!(null)), Ok(None));
        assert_eq!(marked("safe", &json!(null)), Ok(None));
        assert_eq!(marked("safe", &json!({"number": "0x36"})), Ok(Some(54)));
        for odd in [
            json!({}),
            json!("0x1"),
            json!({"hash": "0x12", "number": "12"}),
        ] {
            assert!(
                hash(&odd).is_err() && marked("safe", &odd).is_err(),
                "{odd}"
            );
        }
        let huge = json!({"number": "0x1ffffffffffffffff"});
        assert!(marked("safe", &huge).is_err());
    }

    /// JSON with the names that our readers look for, and any values behind them.
    fn any_json() -> impl Strategy<Value = Value> {
        let names = "number|timestamp|currentBlock|highestBlock|msgCount|code|message|id|jsonrpc|\
                     result|error|[a-z]{0,3}";
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "(0x)?[0-9a-fA-F]{0,70}".prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((names, inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_at_all_makes_a_reader_panic(value in any_json()) {
            if let Ok(newest) = Newest::read(&value) {
                prop_assert!(value.is_object());
                prop_assert!(newest.head.made.unwrap().unix().as_secs() < 100_000_000_000);
            }
            let told = Syncing::read(&value);
            prop_assert!(!told.to_string().is_empty());
            let fault = Complaint::read(&value).fault("eth_x", meaning, str::to_owned);
            prop_assert!(fault.detail.lines().count() == 1);
            prop_assert!(fault.detail.chars().count() < 300);
            let body = value.to_string();
            if envelope::open(Dialect::Two, body.as_bytes(), 1).is_ok() {
                prop_assert!(value.is_object());
            }
        }
    }
}
