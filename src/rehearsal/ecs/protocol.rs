//! The ways in which AWS services are spoken to: which operation a request asks for, its parameters
//! as JSON, and how an answer or a refusal is written. What an operation does is not known here.

mod cbor;
mod form;
mod xml;

use http::StatusCode;
use serde_json::{Value, json};

use super::operations::Refusal;

/// A protocol, with where the operation's name is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// AWS JSON 1.1: `X-Amz-Target` is a prefix and the operation.
    Json { prefix: &'static str },
    /// AWS query: a form with `Action`, answered in XML.
    Query,
    /// RPC v2 CBOR: the path is a prefix and the operation.
    Cbor { prefix: &'static str },
}

/// What of a request's head says what it asks for.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) path: String,
    pub(super) content_type: String,
    pub(super) target: String,
}

/// A body with its content type.
pub(super) type Written = (&'static str, Vec<u8>);

impl Protocol {
    /// The operation and its parameters.
    pub(super) fn read(self, head: &Head, body: &[u8]) -> Result<(String, Value), Refusal> {
        if head.content_type != self.content_type() {
            return Err(broken("The content type is not that of the service."));
        }
        let unknown = || {
            Refusal::new(
                "UnknownOperationException",
                "No operation of it.".to_owned(),
            )
        };
        match self {
            Self::Json { prefix } => {
                let operation = head.target.strip_prefix(prefix).ok_or_else(unknown)?;
                match serde_json::from_slice(body) {
                    Ok(input @ Value::Object(_)) => Ok((operation.to_owned(), input)),
                    _ => Err(broken("The body is no JSON object.")),
                }
            }
            Self::Query => form::read(body).ok_or_else(unknown),
            Self::Cbor { prefix } => {
                let operation = head.path.strip_prefix(prefix).ok_or_else(unknown)?;
                match cbor::read(body) {
                    Some(input @ Value::Object(_)) => Ok((operation.to_owned(), input)),
                    _ => Err(broken("The body is no CBOR map.")),
                }
            }
        }
    }

    /// The answer of an operation.
    pub(super) fn write(self, operation: &str, answer: &Value) -> Written {
        let body = match self {
            Self::Json { .. } => answer.to_string().into_bytes(),
            Self::Query => xml::answer(operation, answer).into_bytes(),
            Self::Cbor { .. } => cbor::write(answer),
        };
        (self.answer_type(), body)
    }

    /// A refusal, by its code.
    pub(super) fn refuse(self, status: StatusCode, code: &str, message: &str) -> Written {
        let told = json!({ "__type": code, "message": message });
        let body = match self {
            Self::Json { .. } => told.to_string().into_bytes(),
            Self::Query => xml::refusal(status, code, message).into_bytes(),
            Self::Cbor { .. } => cbor::write(&told),
        };
        (self.answer_type(), body)
    }

    /// Whether answers carry the name of the protocol in a header of their own.
    pub(super) const fn header(self) -> Option<&'static str> {
        match self {
            Self::Json { .. } | Self::Query => None,
            Self::Cbor { .. } => Some("rpc-v2-cbor"),
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json { .. } => "application/x-amz-json-1.1",
            Self::Query => "application/x-www-form-urlencoded",
            Self::Cbor { .. } => "application/cbor",
        }
    }

    const fn answer_type(self) -> &'static str {
        match self {
            Self::Json { .. } | Self::Cbor { .. } => self.content_type(),
            Self::Query => "text/xml",
        }
    }
}

fn broken(message: &str) -> Refusal {
    Refusal::new("SerializationException", message.to_owned())
}
