//! What `eth_syncing` answers, in the shapes that nodes really use.
//!
//! It is a hint, never a verdict: nodes answer `false` while days behind and `true` while two
//! blocks behind. The head's age decides. A shape that is not known says nothing, in either
//! direction. Pure.

use std::fmt;

use serde_json::{Map, Value};

use super::quantity::Quantity;

/// What the node says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syncing {
    /// It says that it is not in a cycle of syncing.
    No,
    /// It says that it is, and perhaps how many blocks it has to go.
    Yes {
        /// Highest known block minus current block.
        behind: Option<u64>,
    },
    /// It answered in a form that says nothing.
    Untold,
}

impl Syncing {
    /// Reads the result of `eth_syncing`.
    #[must_use]
    pub fn read(result: &Value) -> Self {
        match result {
            Value::Bool(syncing) => Self::from(*syncing),
            Value::String(word) if word.eq_ignore_ascii_case("false") => Self::No,
            Value::String(word) if word.eq_ignore_ascii_case("true") => Self::Yes { behind: None },
            Value::Object(progress) => Self::of_progress(progress),
            _ => Self::Untold,
        }
    }

    fn of_progress(progress: &Map<String, Value>) -> Self {
        let block = |name: &str| {
            let quantity = Quantity::read(progress.get(name)?).ok()?;
            quantity.to_u64()
        };
        if BLOCK_PROGRESS
            .iter()
            .any(|name| progress.contains_key(*name))
        {
            let behind = block("highestBlock")
                .zip(block("currentBlock"))
                .map(|(highest, current)| highest.saturating_sub(current));
            return Self::Yes { behind };
        }
        if BATCH_PROGRESS
            .iter()
            .any(|name| progress.contains_key(*name))
        {
            return Self::Yes { behind: None };
        }
        Self::Untold
    }
}

impl fmt::Display for Syncing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("the node says that it is not syncing"),
            Self::Yes { behind: None } => f.write_str("the node says that it is syncing"),
            Self::Yes {
                behind: Some(blocks),
            } => write!(
                f,
                "the node says that it is syncing, {blocks} blocks behind"
            ),
            Self::Untold => f.write_str("eth_syncing answered in a form that says nothing"),
        }
    }
}

impl From<bool> for Syncing {
    fn from(syncing: bool) -> Self {
        if syncing {
            Self::Yes { behind: None }
        } else {
            Self::No
        }
    }
}

/// The progress report of the execution clients.
const BLOCK_PROGRESS: [&str; 3] = ["currentBlock", "highestBlock", "startingBlock"];

/// The progress report of rollups, which count messages and batches.
const BATCH_PROGRESS: [&str; 4] = [
    "msgCount",
    "batchProcessed",
    "batchSeen",
    "syncTargetMsgCount",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_known_shape_is_told_and_no_other() {
        let behind = |blocks| Syncing::Yes {
            behind: Some(blocks),
        };
        let somehow = Syncing::Yes { behind: None };
        let cases = [
            (json!(false), Syncing::No),
            (json!("false"), Syncing::No),
            (json!(true), somehow),
            (json!("true"), somehow),
            (
                json!({"startingBlock":"0x0","currentBlock":"0x1518","highestBlock":"0x9567a3"}),
                behind(0x9567a3 - 0x1518),
            ),
            (
                json!({"currentBlock":"0x3b0bc5","highestBlock":"0x3b7698",
                       "knownStates":"0x21a679","pulledStates":"0x21a679","startingBlock":"0x3ad7a2"}),
                behind(0x3b7698 - 0x3b0bc5),
            ),
            (
                json!({"startingBlock":"0x0","currentBlock":"0x10","highestBlock":"0x10",
                       "syncedAccounts":"0x1","healingBytecode":"0x0"}),
                behind(0),
            ),
            (
                json!({"currentBlock":"0x12","highestBlock":"0x10"}),
                behind(0),
            ),
            (json!({"currentBlock":"12","highestBlock":null}), somehow),
            (json!({"msgCount":17}), somehow),
            (
                json!({"batchProcessed":1,"batchSeen":2,"syncTargetMsgCount":9}),
                somehow,
            ),
            (json!({"Ok":true}), Syncing::Untold),
            (json!({"ok":false}), Syncing::Untold),
            (json!({}), Syncing::Untold),
            (json!(null), Syncing::Untold),
            (json!("soon"), Syncing::Untold),
            (json!([false]), Syncing::Untold),
            (json!(0), Syncing::Untold),
        ];
        for (answer, told) in cases {
            assert_eq!(Syncing::read(&answer), told, "{answer}");
        }
    }
}
