//! What an error of an EVM node means, and so whose fault it is.
//!
//! The HTTP status was looked at before; here the code comes first, and the text only where the
//! code says nothing of its own: the same number means different things to different nodes. A
//! limit of our rate, and an unpaid bill, are no ill health of the node. Pure.

use crate::probe::chain::complaint::{Complaint, LIMITED, REFUSED};
use crate::sample::Reason;

/// The reason that an error stands for, and whether it may pass by itself.
#[must_use]
pub fn meaning(complaint: &Complaint) -> (Reason, bool) {
    match complaint.code {
        // -32016 is a rate limit to one proxy and a refused key to another: the text tells.
        Some(-32016) if complaint.says(REFUSED) => (Reason::Unauthorized, false),
        Some(402 | 429 | -32005 | -32012 | -32016) => (Reason::Throttled, true),
        Some(401 | 403) => (Reason::Unauthorized, false),
        Some(-32601 | -32004) => (Reason::UnsupportedMethod, false),
        // Before the codes that say "not found": proxies give one of them for pruned data as well.
        _ if complaint.says(PRUNED) => (Reason::MissingData, false),
        Some(-32001 | -32002 | -32010 | -32011 | -32018) => (Reason::NotReady, true),
        Some(-32015) => (Reason::ServerFault, true),
        _ if complaint.says(LIMITED) => (Reason::Throttled, true),
        _ if complaint.says(NOT_YET) => (Reason::NotReady, true),
        _ if complaint.says(UNSUPPORTED) => (Reason::UnsupportedMethod, false),
        _ if complaint.says(REFUSED) => (Reason::Unauthorized, false),
        _ => (Reason::ServerFault, false),
    }
}

/// The node does not keep that far back.
const PRUNED: &[&str] = &[
    "missing trie node",
    "historical state",
    "state is not available",
    "state not available",
    "state unavailable",
    "has been pruned",
    "pruned history",
    "archive node",
    "old data not available",
];

/// The node is there and does not have its head yet.
const NOT_YET: &[&str] = &[
    "header not found",
    "unknown block",
    "block not found",
    "no blocks",
    "not ready",
    "starting up",
];

/// The node, or the gateway before it, does not serve the method.
const UNSUPPORTED: &[&str] = &[
    "method not found",
    "not supported",
    "unsupported method",
    "is not available",
    "not whitelisted",
    "does not exist/is not",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Fault;
    use serde_json::json;

    fn fault(code: i64, message: &str) -> Fault {
        let complaint = Complaint::read(&json!({"code": code, "message": message}));
        complaint.fault("eth_x", meaning, str::to_owned)
    }

    #[test]
    fn the_code_speaks_before_the_text() {
        let cases = [
            (-32700, "parse error", Reason::ServerFault),
            (
                -32601,
                "the method eth_x does not exist/is not available",
                Reason::UnsupportedMethod,
            ),
            (-32601, "rate limit", Reason::UnsupportedMethod),
            (-32004, "method not supported", Reason::UnsupportedMethod),
            (-32005, "limit exceeded", Reason::Throttled),
            (-32005, "", Reason::Throttled),
            (-32016, "over rate limit", Reason::Throttled),
            (-32016, "unauthorized", Reason::Unauthorized),
            (-32012, "backend over capacity", Reason::Throttled),
            (402, "Payment Required", Reason::Throttled),
            (429, "", Reason::Throttled),
            (-32001, "resource not found", Reason::NotReady),
            (-32011, "no backends available", Reason::NotReady),
            (-32018, "backend is not healthy", Reason::NotReady),
            (-32015, "gateway timeout", Reason::ServerFault),
            (-32000, "header not found", Reason::NotReady),
            (
                -32000,
                "You have reached your daily credit limit",
                Reason::Throttled,
            ),
            (-32603, "Too Many Requests", Reason::Throttled),
            (-32600, "Must be authenticated!", Reason::Unauthorized),
            (
                -32000,
                "the method is not whitelisted",
                Reason::UnsupportedMethod,
            ),
            (-32603, "internal error", Reason::ServerFault),
            (3, "execution reverted", Reason::ServerFault),
            (
                -32000,
                "missing trie node 5c0f (path )",
                Reason::MissingData,
            ),
            (
                -32001,
                "required historical state unavailable",
                Reason::MissingData,
            ),
            (-32014, "state is not available", Reason::MissingData),
            (-32014, "too many batch calls", Reason::ServerFault),
            (-32005, "archive node required", Reason::Throttled),
        ];
        for (code, message, reason) in cases {
            assert_eq!(fault(code, message).reason, reason, "{code} {message}");
        }
    }

    #[test]
    fn only_what_may_pass_by_itself_is_transient() {
        let transient = |code: i64| fault(code, "").transient;
        assert!(transient(-32005) && transient(-32001) && transient(-32015));
        assert!(!transient(-32601) && !transient(-32603) && !transient(401));
    }
}
