//! The shapes that a Tezos node answers in: whether it is bootstrapped, the header of its head, its
//! chain, its constants, its errors. Plain REST without an envelope; anything else is refused. Pure.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::probe::chain::head::Head;

/// What a node says of itself beside its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrapped {
    /// Whether it has caught up once since it started.
    pub bootstrapped: bool,
    /// How its head stands beside its peers' heads now.
    pub state: SyncState,
}

/// How a node's head stands beside its peers' heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncState {
    /// It is up to date.
    Synced,
    /// It lags behind.
    Unsynced,
    /// It is up to date with its peers, and none of them has a new head: the chain stands still.
    Stuck,
    /// The node does not say, or in a word that is not known.
    Untold,
}

/// The header of a block, as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Level and time.
    pub head: Head,
    /// The chain it belongs to, where the node says so.
    pub chain: Option<String>,
    /// The protocol that made it, where the node says so.
    pub protocol: Option<String>,
}

/// Why an answer is not of the shape that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeFault {
    /// Not JSON at all.
    #[error("the answer is not JSON")]
    NotJson,
    /// JSON, and not what was asked for.
    #[error("the answer has no {0}")]
    Lacks(&'static str),
    /// A time that is none.
    #[error("the head is dated with a text that is no time")]
    Time,
}

impl Bootstrapped {
    /// Reads the answer of `is_bootstrapped`.
    ///
    /// # Errors
    /// When it is not JSON or does not say whether the node is bootstrapped.
    pub fn read(body: &[u8]) -> Result<Self, ShapeFault> {
        let answer = json(body)?;
        let bootstrapped = answer.get("bootstrapped").and_then(Value::as_bool);
        let state = match answer.get("sync_state").and_then(Value::as_str) {
            Some("synced") => SyncState::Synced,
            Some("unsynced") => SyncState::Unsynced,
            Some("stuck") => SyncState::Stuck,
            _ => SyncState::Untold,
        };
        Ok(Self {
            bootstrapped: bootstrapped.ok_or(ShapeFault::Lacks("truth value `bootstrapped`"))?,
            state,
        })
    }
}

impl Header {
    /// Reads the header of a block.
    ///
    /// # Errors
    /// When it is not JSON, or has no level or no time.
    pub fn read(body: &[u8]) -> Result<Self, ShapeFault> {
        let answer = json(body)?;
        let level = answer.get("level").and_then(Value::as_u64);
        let level = level.ok_or(ShapeFault::Lacks("number `level`"))?;
        let time = answer.get("timestamp").and_then(Value::as_str);
        let time = time.ok_or(ShapeFault::Lacks("text `timestamp`"))?;
        let head = seconds(time)
            .and_then(|seconds| Head::dated(level, seconds))
            .ok_or(ShapeFault::Time)?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            head,
            chain: text("chain_id"),
            protocol: text("protocol"),
        })
    }
}

/// Reads the answer of `chain_id`.
///
/// # Errors
/// When it is not JSON or no text.
pub fn chain(body: &[u8]) -> Result<String, ShapeFault> {
    match json(body)? {
        Value::String(chain) => Ok(chain),
        _ => Err(ShapeFault::Lacks("text")),
    }
}

/// Reads the hash of a block.
///
/// # Errors
/// When it is not JSON or no text of letters and digits.
pub fn hash(body: &[u8]) -> Result<String, ShapeFault> {
    let plain =
        |hash: &String| !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_alphanumeric());
    chain(body).and_then(|hash| Some(hash).filter(plain).ok_or(ShapeFault::Lacks("hash")))
}

/// Reads the block time from a protocol's constants: a text of seconds, and of older protocols a
/// number.
///
/// # Errors
/// When it is not JSON, or has no `minimal_block_delay` of seconds.
pub fn delay(body: &[u8]) -> Result<Duration, ShapeFault> {
    let constants = json(body)?;
    let seconds = match constants.get("minimal_block_delay") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64(),
        _ => None,
    };
    let plausible = seconds.filter(|seconds| (1..=LONGEST_DELAY).contains(seconds));
    let delay = plausible.map(Duration::from_secs);
    delay.ok_or(ShapeFault::Lacks("`minimal_block_delay` in seconds"))
}

/// A day: no chain is as slow.
const LONGEST_DELAY: u64 = 86_400;

/// Counts the items of an array.
///
/// # Errors
/// When it is not JSON or no array.
pub fn count(body: &[u8]) -> Result<usize, ShapeFault> {
    match json(body)? {
        Value::Array(items) => Ok(items.len()),
        _ => Err(ShapeFault::Lacks("array")),
    }
}

/// The errors that a node explains itself with: `[{"kind":"temporary","id":"…"}]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The identifiers, as the node wrote them.
    pub ids: String,
    /// Whether the node expects that another try may pass.
    pub temporary: bool,
}

impl Complaint {
    /// Reads the body of a refusal; `None` when it explains nothing.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let Ok(Value::Array(errors)) = json(body) else {
            return None;
        };
        let text = |error: &Value, name: &str| error.get(name)?.as_str().map(str::to_owned);
        let ids: Vec<String> = errors
            .iter()
            .filter_map(|error| text(error, "id"))
            .collect();
        let temporary = errors
            .iter()
            .any(|error| text(error, "kind").as_deref() == Some("temporary"));
        (!ids.is_empty()).then(|| Self {
            ids: ids.join(", "),
            temporary,
        })
    }
}

fn json(body: &[u8]) -> Result<Value, ShapeFault> {
    serde_json::from_slice(body).map_err(|_| ShapeFault::NotJson)
}

fn seconds(time: &str) -> Option<u64> {
    let time: Timestamp = time.parse().ok()?;
    u64::try_from(time.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_node_says_of_itself_is_read() {
        let cases = [
            (
                r#"{"bootstrapped":true,"sync_state":"synced"}"#,
                true,
                SyncState::Synced,
            ),
            (
                r#"{"bootstrapped":true,"sync_state":"unsynced"}"#,
                true,
                SyncState::Unsynced,
            ),
            (
                r#"{"bootstrapped":false,"sync_state":"unsynced"}"#,
                false,
                SyncState::Unsynced,
            ),
            (
                r#"{"bootstrapped":true,"sync_state":"stuck"}"#,
                true,
                SyncState::Stuck,
            ),
            (
                r#"{"bootstrapped":true,"sync_state":"napping"}"#,
                true,
                SyncState::Untold,
            ),
            (r#"{"bootstrapped":true}"#, true, SyncState::Untold),
            (
                r#"{"bootstrapped":true,"sync_state":3}"#,
                true,
                SyncState::Untold,
            ),
        ];
        for (body, bootstrapped, state) in cases {
            let read = Bootstrapped::read(body.as_bytes()).unwrap();
            assert_eq!(
                (read.bootstrapped, read.state),
                (bootstrapped, state),
                "{body}"
            );
        }
        for body in [
            "",
            "true",
            "[]",
            "null",
            r#"{"bootstrapped":"true"}"#,
            "<html>",
        ] {
            assert!(Bootstrapped::read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn the_header_gives_level_time_and_chain() {
        let body = br#"{"protocol":"PtTALLiN","chain_id":"NetXdQprcVkpaWU","hash":"BLx",
            "level":11000000,"proto":24,"predecessor":"BLy","timestamp":"2026-11-21T08:47:04Z",
            "validation_pass":4,"operations_hash":"LLo","fitness":["02"],"context":"Co"}"#;
        let header = Header::read(body).unwrap();
        assert_eq!(header.head, Head::dated(11_000_000, 1_795_250_824).unwrap());
        assert_eq!(header.chain.as_deref(), Some("NetXdQprcVkpaWU"));
        let bare = Header::read(br#"{"level":1,"timestamp":"2026-11-21T10:47:04+02:00"}"#).unwrap();
        assert_eq!(bare.head, Head::dated(1, 1_795_250_824).unwrap());
        assert_eq!(bare.chain, None);
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let cases = [
            ("nonsense", ShapeFault::NotJson),
            ("null", ShapeFault::Lacks("number `level`")),
            (r#"{"level":"1"}"#, ShapeFault::Lacks("number `level`")),
            (r#"{"level":-1}"#, ShapeFault::Lacks("number `level`")),
            (r#"{"level":1}"#, ShapeFault::Lacks("text `timestamp`")),
            (
                r#"{"level":1,"timestamp":1795250824}"#,
                ShapeFault::Lacks("text `timestamp`"),
            ),
            (r#"{"level":1,"timestamp":"soon"}"#, ShapeFault::Time),
            (
                r#"{"level":1,"timestamp":"1960-01-01T00:00:00Z"}"#,
                ShapeFault::Time,
            ),
        ];
        for (body, fault) in cases {
            assert_eq!(Header::read(body.as_bytes()), Err(fault), "{body}");
        }
    }

    #[test]
    fn constants_hashes_and_connections_are_read() {
        let seconds = |body: &str| delay(body.as_bytes()).ok().map(|it| it.as_secs());
        assert_eq!(seconds(r#"{"minimal_block_delay":"8"}"#), Some(8));
        assert_eq!(seconds(r#"{"minimal_block_delay":15}"#), Some(15));
        for odd in [r#""0""#, r#""-8""#, "1.5", "null", r#""99999999""#] {
            assert_eq!(
                seconds(&format!(r#"{{"minimal_block_delay":{odd}}}"#)),
                None
            );
        }
        assert_eq!(hash(br#""BLx1""#).unwrap(), "BLx1");
        assert!(hash(br#""""#).is_err() && hash(br#""<b>""#).is_err() && hash(b"1").is_err());
        assert_eq!(count(b"[{},{}]"), Ok(2));
        assert!(count(b"{}").is_err());
    }

    #[test]
    fn errors_explain_themselves() {
        let body = br#"[{"kind":"temporary","id":"node.busy"},{"kind":"branch","id":"x.y"}]"#;
        let complaint = Complaint::read(body).unwrap();
        assert_eq!(complaint.ids, "node.busy, x.y");
        assert!(complaint.temporary);
        for body in ["", "[]", "{}", r#"[{"kind":"temporary"}]"#, "[1]", "<html>"] {
            assert_eq!(Complaint::read(body.as_bytes()), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_at_all_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Header::read(&body).is_err());
            prop_assert!(Bootstrapped::read(&body).is_err());
            prop_assert!(Complaint::read(&body).is_none());
        }

        #[test]
        fn no_time_makes_it_panic(time in "[0-9TZ:+. -]{0,40}") {
            let body = serde_json::json!({"level": 1, "timestamp": time}).to_string();
            if let Ok(header) = Header::read(body.as_bytes()) {
                prop_assert_eq!(header.head.height, 1);
            }
        }
    }
}
