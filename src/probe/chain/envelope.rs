//! The envelope of JSON-RPC: whether a body answers our request, with a result or with an error.
//!
//! It refuses what cannot be trusted (another request's answer, an array, both result and error)
//! and tolerates, with a note, what is merely sloppy. Pure; called by [`super::rpc`].

use serde_json::{Map, Value, json};

use super::complaint::Complaint;

/// What the envelope held.
#[derive(Debug, PartialEq)]
pub struct Opened {
    /// The node's result, or its error.
    pub content: Result<Value, Complaint>,
    /// Sloppiness that was tolerated.
    pub quirks: Vec<&'static str>,
}

/// Why a body is no answer to our request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// Not JSON at all.
    #[error("the answer is not JSON")]
    NotJson,
    /// An array: a batch, which was not asked for.
    #[error("the answer is an array, though one request was sent")]
    Batch,
    /// A text, a number, a truth value or null.
    #[error("the answer is not a JSON-RPC envelope")]
    NoEnvelope,
    /// The identifier is missing or that of another request.
    #[error("the answer bears another id than the request")]
    Id,
    /// Both a result and an error.
    #[error("the answer has both a result and an error")]
    Both,
    /// Neither a result nor an error.
    #[error("the answer has neither a result nor an error")]
    Neither,
}

/// Which version of JSON-RPC is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Version 2.0.
    Two,
    /// Version 1.0, whose answers bear no mark and both members, one of them `null`.
    One,
}

/// Writes a request.
#[must_use]
pub fn request(dialect: Dialect, id: u64, method: &str, params: Value) -> Vec<u8> {
    let version = match dialect {
        Dialect::Two => "2.0",
        Dialect::One => "1.0",
    };
    json!({"jsonrpc": version, "id": id, "method": method, "params": params})
        .to_string()
        .into_bytes()
}

/// Opens the answer to the request `id`.
///
/// # Errors
/// When the body is no envelope, or not the one of this request.
pub fn open(dialect: Dialect, body: &[u8], id: u64) -> Result<Opened, EnvelopeFault> {
    let value: Value = serde_json::from_slice(body).map_err(|_| EnvelopeFault::NotJson)?;
    let mut envelope = match value {
        Value::Object(envelope) => envelope,
        Value::Array(_) => return Err(EnvelopeFault::Batch),
        _ => return Err(EnvelopeFault::NoEnvelope),
    };
    let error = envelope.remove("error").filter(|error| !error.is_null());
    let result = envelope.remove("result");
    let mut quirks = Vec::new();
    let marked = envelope.get("jsonrpc").and_then(Value::as_str) == Some("2.0");
    if dialect == Dialect::Two && !marked {
        quirks.push("the node does not mark its answers as JSON-RPC 2.0");
    }
    // An error may come without an identifier: the node could not read the request that far.
    quirks.extend(identified(&envelope, id, error.is_some())?);
    let content = match (result, error) {
        (None | Some(Value::Null), Some(error)) => Err(Complaint::read(&error)),
        (Some(_), Some(_)) => return Err(EnvelopeFault::Both),
        (Some(result), None) => Ok(result),
        (None, None) => return Err(EnvelopeFault::Neither),
    };
    Ok(Opened { content, quirks })
}

fn identified(
    envelope: &Map<String, Value>,
    sent: u64,
    may_be_absent: bool,
) -> Result<Option<&'static str>, EnvelopeFault> {
    let id = envelope.get("id").unwrap_or(&Value::Null);
    match id {
        Value::Number(number) if number.as_u64() == Some(sent) => Ok(None),
        Value::String(text) if *text == sent.to_string() => {
            Ok(Some("the node answers with its id as a text"))
        }
        Value::Null if may_be_absent => Ok(None),
        _ => Err(EnvelopeFault::Id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn result_of(body: &str) -> Result<Value, EnvelopeFault> {
        open(Dialect::Two, body.as_bytes(), 7).map(|opened| opened.content.unwrap())
    }

    #[test]
    fn a_result_is_taken_out() {
        let opened = open(
            Dialect::Two,
            br#"{"jsonrpc":"2.0","id":7,"result":"0x36"}"#,
            7,
        )
        .unwrap();
        assert_eq!(opened.content, Ok(json!("0x36")));
        assert!(opened.quirks.is_empty());
        let null = result_of(r#"{"jsonrpc":"2.0","id":7,"result":null}"#);
        assert_eq!(null, Ok(Value::Null));
        let bitcoin_style = result_of(r#"{"jsonrpc":"2.0","id":7,"result":1,"error":null}"#);
        assert_eq!(bitcoin_style, Ok(json!(1)));
    }

    #[test]
    fn sloppiness_is_tolerated_and_told() {
        for body in [
            r#"{"id":7,"result":1}"#,
            r#"{"jsonrpc":"1.0","id":7,"result":1}"#,
            r#"{"jsonrpc":2.0,"id":7,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":"7","result":1}"#,
        ] {
            let opened = open(Dialect::Two, body.as_bytes(), 7).unwrap();
            assert_eq!(opened.content, Ok(json!(1)), "{body}");
            assert_eq!(opened.quirks.len(), 1, "{body}");
        }
    }

    #[test]
    fn what_is_no_answer_to_the_request_is_refused() {
        let cases = [
            ("", EnvelopeFault::NotJson),
            ("<html>busy</html>", EnvelopeFault::NotJson),
            (
                r#"{"jsonrpc":"2.0","id":7,"result":"0x3"#,
                EnvelopeFault::NotJson,
            ),
            (
                r#"[{"jsonrpc":"2.0","id":7,"result":1}]"#,
                EnvelopeFault::Batch,
            ),
            ("[]", EnvelopeFault::Batch),
            ("null", EnvelopeFault::NoEnvelope),
            ("\"0x36\"", EnvelopeFault::NoEnvelope),
            (r#"{"jsonrpc":"2.0","id":8,"result":1}"#, EnvelopeFault::Id),
            (
                r#"{"jsonrpc":"2.0","id":null,"result":1}"#,
                EnvelopeFault::Id,
            ),
            (r#"{"jsonrpc":"2.0","result":1}"#, EnvelopeFault::Id),
            (
                r#"{"jsonrpc":"2.0","id":8,"error":{"code":1}}"#,
                EnvelopeFault::Id,
            ),
            (
                r#"{"jsonrpc":"2.0","id":7,"result":1,"error":{"code":1}}"#,
                EnvelopeFault::Both,
            ),
            (r#"{"jsonrpc":"2.0","id":7}"#, EnvelopeFault::Neither),
            (
                r#"{"jsonrpc":"2.0","id":7,"error":null}"#,
                EnvelopeFault::Neither,
            ),
        ];
        for (body, fault) in cases {
            assert_eq!(result_of(body), Err(fault), "{body}");
        }
    }

    #[test]
    fn an_error_may_lack_the_id() {
        let opened = open(
            Dialect::Two,
            br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}"#,
            7,
        )
        .unwrap();
        assert_eq!(opened.content.unwrap_err().code, Some(-32700));
    }

    #[test]
    fn a_request_is_written_as_the_protocol_asks() {
        let written: Value =
            serde_json::from_slice(&request(Dialect::Two, 1, "eth_chainId", json!([]))).unwrap();
        let expected = json!({"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]});
        assert_eq!(written, expected);
    }

    #[test]
    fn the_first_version_bears_no_mark() {
        let body = br#"{"result":{"blocks":5},"error":null,"id":7}"#;
        let opened = open(Dialect::One, body, 7).unwrap();
        assert_eq!(opened.content, Ok(json!({"blocks": 5})));
        assert!(opened.quirks.is_empty());
        let refused = br#"{"result":null,"error":{"code":-28,"message":"Loading"},"id":7}"#;
        let opened = open(Dialect::One, refused, 7).unwrap();
        assert_eq!(opened.content.unwrap_err().code, Some(-28));
        let written = request(Dialect::One, 1, "getblockcount", json!([]));
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(written["jsonrpc"], "1.0");
    }

    proptest! {
        #[test]
        fn no_bytes_at_all_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(open(Dialect::Two, &body, 1).is_err());
        }
    }
}
