//! Answers of the query protocol: members become elements, lists repeat `member`.

use http::StatusCode;
use serde_json::Value;

/// The answer of an operation.
pub(super) fn answer(operation: &str, answer: &Value) -> String {
    let mut text = format!("<{operation}Response><{operation}Result>");
    content(answer, &mut text);
    text.push_str(&format!("</{operation}Result></{operation}Response>"));
    text
}

/// A refusal.
pub(super) fn refusal(status: StatusCode, code: &str, message: &str) -> String {
    let blamed = if status.is_server_error() {
        "Receiver"
    } else {
        "Sender"
    };
    let mut text = String::from("<ErrorResponse><Error>");
    for (name, value) in [("Type", blamed), ("Code", code), ("Message", message)] {
        element(name, &Value::from(value), &mut text);
    }
    text.push_str("</Error></ErrorResponse>");
    text
}

fn element(name: &str, value: &Value, text: &mut String) {
    if value.is_null() {
        return;
    }
    text.push_str(&format!("<{name}>"));
    content(value, text);
    text.push_str(&format!("</{name}>"));
}

fn content(value: &Value, text: &mut String) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (name, member) in members {
                element(name, member, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                element("member", item, text);
            }
        }
        Value::String(value) => text.push_str(&escaped(value)),
        Value::Bool(_) | Value::Number(_) => text.push_str(&value.to_string()),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_become_elements_and_lists_repeat_member() {
        assert_eq!(
            answer(
                "Look",
                &json!({ "Found": [{ "Id": "a<b", "Port": 80 }], "None": null })
            ),
            "<LookResponse><LookResult><Found><member><Id>a&lt;b</Id><Port>80</Port></member></Found></LookResult></LookResponse>"
        );
        assert_eq!(
            refusal(StatusCode::BAD_REQUEST, "Throttling", "Rate exceeded"),
            "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>"
        );
    }
}
