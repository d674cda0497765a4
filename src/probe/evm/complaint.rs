//! What a node's error means, and so whose fault it is.
//!
//! The HTTP status was looked at before; here the code comes first, and the text only where the
//! code says nothing of its own: the same number means different things to different nodes. A
//! limit of our rate, and an unpaid bill, are no ill health of the node. Pure.

use serde_json::Value;

use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// The `error` member of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The code, where there is one.
    pub code: Option<i64>,
    /// The message as the node wrote it; empty when there is none.
    pub message: String,
}

impl Complaint {
    /// Reads the `error` member, whatever its shape.
    #[must_use]
    pub fn read(error: &Value) -> Self {
        let Value::Object(members) = error else {
            let text = error.as_str().unwrap_or("an error of an unknown form");
            return Self {
                code: None,
                message: text.to_owned(),
            };
        };
        let code = members.get("code").and_then(|code| match code {
            Value::String(text) => text.parse().ok(),
            code => code.as_i64(),
        });
        let message = members.get("message").and_then(Value::as_str);
        Self {
            code,
            message: message.unwrap_or_default().to_owned(),
        }
    }

    /// The fault that it stands for; `method` is what had been called, `masked` takes the secrets
    /// out of what the node said, before it is cut to one line: a cut secret would not be found.
    #[must_use]
    pub fn fault(&self, method: &str, masked: impl Fn(&str) -> String) -> Fault {
        let (reason, transient) = self.meaning();
        let message = one_line(&masked(&self.message));
        let code = self
            .code
            .map_or_else(String::new, |code| format!(" {code}"));
        let separator = if message.is_empty() { "" } else { ": " };
        let detail = format!("{method} answered error{code}{separator}{message}");
        let fault = Fault::new(reason, detail);
        if transient { fault.transient() } else { fault }
    }

    fn meaning(&self) -> (Reason, bool) {
        let message = self.message.to_lowercase();
        let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
        match self.code {
            // -32016 is a rate limit to one proxy and a refused key to another: the text tells.
            Some(-32016) if says(REFUSED) => (Reason::Unauthorized, false),
            Some(402 | 429 | -32005 | -32012 | -32016) => (Reason::Throttled, true),
            Some(401 | 403) => (Reason::Unauthorized, false),
            Some(-32601 | -32004) => (Reason::UnsupportedMethod, false),
            Some(-32001 | -32002 | -32010 | -32011 | -32018) => (Reason::NotReady, true),
            Some(-32015) => (Reason::ServerFault, true),
            _ if says(LIMITED) => (Reason::Throttled, true),
            _ if says(NOT_YET) => (Reason::NotReady, true),
            _ if says(UNSUPPORTED) => (Reason::UnsupportedMethod, false),
            _ if says(REFUSED) => (Reason::Unauthorized, false),
            _ => (Reason::ServerFault, false),
        }
    }
}

/// A third party limits us, or wants to be paid.
const LIMITED: &[&str] = &[
    "rate limit",
    "ratelimit",
    "too many requests",
    "has exceeded",
    "request limit reached",
    "limit exceeded",
    "reached the quota",
    "quota exceeded",
    "daily credit",
    "payment required",
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

/// Our credentials were not accepted.
const REFUSED: &[&str] = &[
    "unauthorized",
    "unauthenticated",
    "not authorized",
    "must be authenticated",
    "forbidden",
    "api key",
    "invalid project id",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
        ];
        for (code, message, reason) in cases {
            let complaint = Complaint::read(&json!({"code": code, "message": message}));
            assert_eq!(
                complaint.fault("eth_x", str::to_owned).reason,
                reason,
                "{code} {message}"
            );
        }
    }

    #[test]
    fn an_error_of_any_shape_is_read() {
        let cases = [
            (json!("rate limit"), "eth_x answered error: rate limit"),
            (json!({"code": "-32603"}), "eth_x answered error -32603"),
            (json!({"code": 1e300, "message": 5}), "eth_x answered error"),
            (json!({}), "eth_x answered error"),
            (
                json!(17),
                "eth_x answered error: an error of an unknown form",
            ),
            (
                json!({"code": -32000, "message": "two\nlines\u{1b}[31m"}),
                "eth_x answered error -32000: two lines [31m",
            ),
        ];
        for (error, detail) in cases {
            assert_eq!(
                Complaint::read(&error).fault("eth_x", str::to_owned).detail,
                detail
            );
        }
    }

    #[test]
    fn only_what_may_pass_by_itself_is_transient() {
        let transient = |code: i64| {
            let complaint = Complaint::read(&json!({"code": code, "message": ""}));
            complaint.fault("eth_x", str::to_owned).transient
        };
        assert!(transient(-32005) && transient(-32001) && transient(-32015));
        assert!(!transient(-32601) && !transient(-32603) && !transient(401));
    }
}
