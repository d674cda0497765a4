//! What an error of a Solana node means, and so whose fault it is. The codes are those of Agave
//! (`rpc-client-api/src/custom_error.rs`); the same numbers mean other things on EVM chains. Pure.

use crate::probe::chain::complaint::{Complaint, LIMITED, REFUSED};
use crate::sample::Reason;

/// The reason that an error stands for, and whether it may pass by itself.
#[must_use]
pub fn meaning(complaint: &Complaint) -> (Reason, bool) {
    match complaint.code {
        Some(UNHEALTHY) if slots_behind(complaint).is_some() => (Reason::Behind, false),
        // Without a number it has not caught up since it started; a gateway limits with words.
        Some(UNHEALTHY) if complaint.says(LIMITED) => (Reason::Throttled, true),
        Some(UNHEALTHY | -32016 | -32004 | -32014) => (Reason::NotReady, true),
        Some(-32001 | -32007 | -32009 | -32010 | -32011 | -32019) => (Reason::MissingData, false),
        Some(402 | 429 | -32429) => (Reason::Throttled, true),
        Some(401 | 403) => (Reason::Unauthorized, false),
        Some(-32601) => (Reason::UnsupportedMethod, false),
        _ if complaint.says(LIMITED) => (Reason::Throttled, true),
        _ if complaint.says(REFUSED) => (Reason::Unauthorized, false),
        _ => (Reason::ServerFault, false),
    }
}

/// How many slots a node says that it is behind, where this is that and it says so.
#[must_use]
pub fn slots_behind(complaint: &Complaint) -> Option<u64> {
    if complaint.code != Some(UNHEALTHY) {
        return None;
    }
    complaint.data.get("numSlotsBehind")?.as_u64()
}

/// The node calls itself behind or unhealthy.
pub const UNHEALTHY: i64 = -32005;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_codes_are_solana_s_own() {
        let cases = [
            (
                json!({"code": -32005, "data": {"numSlotsBehind": 42}}),
                Reason::Behind,
            ),
            (
                json!({"code": -32005, "data": {"numSlotsBehind": null}}),
                Reason::NotReady,
            ),
            (
                json!({"code": -32005, "message": "Node is unhealthy"}),
                Reason::NotReady,
            ),
            (
                json!({"code": -32005, "message": "Rate limit exceeded"}),
                Reason::Throttled,
            ),
            (
                json!({"code": -32004, "message": "Block not available"}),
                Reason::NotReady,
            ),
            (
                json!({"code": -32016, "data": {"contextSlot": 4}}),
                Reason::NotReady,
            ),
            (
                json!({"code": -32007, "message": "Slot 5 was skipped"}),
                Reason::MissingData,
            ),
            (
                json!({"code": -32001, "message": "cleaned up"}),
                Reason::MissingData,
            ),
            (
                json!({"code": 429, "message": "Too many requests"}),
                Reason::Throttled,
            ),
            (json!({"code": -32601}), Reason::UnsupportedMethod),
            (
                json!({"code": -32000, "message": "invalid api key"}),
                Reason::Unauthorized,
            ),
            (json!({"code": -32603}), Reason::ServerFault),
        ];
        for (error, reason) in cases {
            assert_eq!(meaning(&Complaint::read(&error)).0, reason, "{error}");
        }
    }
}
