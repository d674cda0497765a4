//! What `getblockchaininfo` answers, in the shapes of old and new nodes. Pure.
//!
//! `warnings` is a text before version 28 and an array of texts since; `time` is absent from old
//! nodes. `verificationprogress` is never exactly 1, so nothing is judged by it.

use serde_json::Value;

/// What a node says of its chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// Its name: `main`, `test`, `regtest` …
    pub chain: String,
    /// The height of the newest block that it has.
    pub blocks: u64,
    /// The height of the newest header that it has.
    pub headers: u64,
    /// The hash of the newest block.
    pub best: String,
    /// When that was made, in seconds since 1970, where the node says so.
    pub time: Option<u64>,
    /// Whether it still downloads the chain for the first time.
    pub downloading: bool,
    /// How much of the chain it has verified, as it guesses; absent where it does not say.
    pub progress: Option<f64>,
    /// The lowest block that it keeps, where it prunes; the newest where it does not say.
    pub pruned_below: Option<u64>,
    /// What it warns of.
    pub warnings: Vec<String>,
}

/// What an answer lacks to be one of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer has no {0}")]
pub struct Lacks(&'static str);

impl Info {
    /// Reads the result of `getblockchaininfo`.
    ///
    /// # Errors
    /// What it lacks.
    pub fn read(result: &Value) -> Result<Self, Lacks> {
        let text = |name: &'static str| {
            let value = result.get(name).and_then(Value::as_str);
            value.map(str::to_owned).ok_or(Lacks(name))
        };
        let number = |name: &'static str| result.get(name).and_then(Value::as_u64);
        let truth = |name: &'static str| result.get(name).and_then(Value::as_bool);
        let blocks = number("blocks").ok_or(Lacks("number `blocks`"))?;
        let pruned = truth("pruned").unwrap_or(false);
        let progress = result.get("verificationprogress").and_then(Value::as_f64);
        Ok(Self {
            chain: text("chain")?,
            blocks,
            headers: number("headers").ok_or(Lacks("number `headers`"))?,
            best: text("bestblockhash")?,
            time: number("time"),
            downloading: truth("initialblockdownload").unwrap_or(false),
            progress: progress.filter(|progress| (0.0..=1.1).contains(progress)),
            pruned_below: pruned.then(|| number("pruneheight").unwrap_or(blocks)),
            warnings: warnings(result.get("warnings")),
        })
    }
}

fn warnings(value: Option<&Value>) -> Vec<String> {
    let texts: Vec<&str> = match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let told = texts.into_iter().filter(|text| !text.trim().is_empty());
    told.take(MOST_WARNINGS).map(str::to_owned).collect()
}

/// Whether a text is the hash of a block: 32 bytes in hexadecimal digits.
#[must_use]
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// More are not read.
const MOST_WARNINGS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn whole() -> Value {
        json!({
            "chain": "main", "blocks": 936_616, "headers": 936_617, "bestblockhash": "00ab",
            "difficulty": 1.0, "time": 1_770_076_300, "mediantime": 1_770_076_209,
            "verificationprogress": 0.999_993_979_4, "initialblockdownload": false,
            "chainwork": "00", "size_on_disk": 1, "pruned": false, "warnings": "",
        })
    }

    #[test]
    fn both_forms_of_warnings_and_pruning_are_read() {
        let info = Info::read(&whole()).unwrap();
        assert_eq!((info.blocks, info.headers), (936_616, 936_617));
        assert_eq!((info.time, info.pruned_below), (Some(1_770_076_300), None));
        assert!(info.warnings.is_empty() && !info.downloading);
        let cases = [
            (json!("old"), vec!["old"]),
            (json!(["a", "", "b"]), vec!["a", "b"]),
            (json!([]), vec![]),
            (json!(null), vec![]),
            (json!(["1", "2", "3", "4"]), vec!["1", "2", "3"]),
        ];
        for (value, read) in cases {
            let mut answer = whole();
            answer["warnings"] = value;
            assert_eq!(Info::read(&answer).unwrap().warnings, read);
        }
        let mut pruned = whole();
        pruned["pruned"] = json!(true);
        assert_eq!(Info::read(&pruned).unwrap().pruned_below, Some(936_616));
        pruned["pruneheight"] = json!(900_000);
        assert_eq!(Info::read(&pruned).unwrap().pruned_below, Some(900_000));
    }

    #[test]
    fn what_is_no_answer_of_a_node_says_what_it_lacks() {
        for name in ["chain", "blocks", "headers", "bestblockhash"] {
            let mut answer = whole();
            answer[name] = json!(true);
            let said = Info::read(&answer).unwrap_err().to_string();
            assert!(said.contains(name), "{said}");
        }
        assert!(Info::read(&json!(null)).is_err());
        assert!(is_hash(&"0a".repeat(32)) && !is_hash("00ab") && !is_hash(&"zz".repeat(32)));
    }

    proptest! {
        #[test]
        fn no_numbers_make_it_panic(blocks in any::<i64>(), progress in any::<f64>()) {
            let mut answer = whole();
            answer["blocks"] = json!(blocks);
            answer["verificationprogress"] = json!(progress);
            if let Ok(info) = Info::read(&answer) {
                prop_assert!(info.progress.is_none_or(f64::is_finite));
            }
        }
    }
}
