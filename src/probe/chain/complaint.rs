//! The `error` member of an answer, whatever its shape, and the message that it makes.
//!
//! What the code means is not decided here: the same number means different things to different
//! families of chains, so each kind brings its own [`Meaning`]. Pure.

use serde_json::{Map, Value};

use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// The `error` member of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// The code, where there is one.
    pub code: Option<i64>,
    /// The message as the node wrote it; empty when there is none.
    pub message: String,
    /// The members of `data`, where that is an object.
    pub data: Map<String, Value>,
}

/// What an error of a family of chains means: its reason, and whether it may pass by itself.
pub type Meaning = fn(&Complaint) -> (Reason, bool);

impl Complaint {
    /// Reads the `error` member, whatever its shape.
    #[must_use]
    pub fn read(error: &Value) -> Self {
        let Value::Object(members) = error else {
            let text = error.as_str().unwrap_or("an error of an unknown form");
            return Self {
                code: None,
                message: text.to_owned(),
                data: Map::new(),
            };
        };
        let code = members.get("code").and_then(|code| match code {
            Value::String(text) => text.parse().ok(),
            code => code.as_i64(),
        });
        let message = members.get("message").and_then(Value::as_str);
        let data = members.get("data").and_then(Value::as_object);
        Self {
            code,
            message: message.unwrap_or_default().to_owned(),
            data: data.cloned().unwrap_or_default(),
        }
    }

    /// The fault that it stands for; `method` is what had been called, `masked` takes the secrets
    /// out of what the node said, before it is cut to one line: a cut secret would not be found.
    #[must_use]
    pub fn fault(&self, method: &str, meaning: Meaning, masked: impl Fn(&str) -> String) -> Fault {
        let (reason, transient) = meaning(self);
        let message = one_line(&masked(&self.message));
        let code = self
            .code
            .map_or_else(String::new, |code| format!(" {code}"));
        let separator = if message.is_empty() { "" } else { ": " };
        let detail = format!("{method} answered error{code}{separator}{message}");
        let fault = Fault::new(reason, detail);
        if transient { fault.transient() } else { fault }
    }

    /// Whether the message has one of these phrases, which are in lower case.
    #[must_use]
    pub fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }
}

/// What gateways before nodes of any family say when a third party limits us, or wants to be paid.
pub const LIMITED: &[&str] = &[
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

/// What they say when our credentials were not accepted.
pub const REFUSED: &[&str] = &[
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

    fn fault_of(error: &Value) -> Fault {
        let meaning: Meaning = |complaint| (Reason::ServerFault, complaint.code == Some(-28));
        Complaint::read(error).fault("eth_x", meaning, str::to_owned)
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
            assert_eq!(fault_of(&error).detail, detail);
        }
    }

    #[test]
    fn what_comes_with_it_is_kept_and_what_it_means_is_the_kind_s() {
        let error = json!({"code": -28, "message": "Warming UP", "data": {"slots": 4}});
        let complaint = Complaint::read(&error);
        assert_eq!(complaint.data.get("slots"), Some(&json!(4)));
        assert!(complaint.says(&["warming up"]) && !complaint.says(LIMITED));
        assert!(fault_of(&error).transient && !fault_of(&json!({"code": 1})).transient);
        assert!(
            Complaint::read(&json!({"data": "0x08c379a0"}))
                .data
                .is_empty()
        );
    }
}
