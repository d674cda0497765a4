//! What a request is answered with, before it is written in the words of a protocol.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;

use super::fault::Fault;
use super::operations::Refusal;

/// An answer, or what happens instead of one.
#[derive(Debug)]
pub(super) enum Reply {
    Done(Value),
    Error {
        status: StatusCode,
        code: &'static str,
        message: String,
    },
    Html,
    Reset,
    Never,
    /// After a while.
    Late(Duration, Box<Self>),
}

impl Reply {
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self::Error {
            status: StatusCode::BAD_REQUEST,
            code: refusal.code,
            message: refusal.message.clone(),
        }
    }

    pub(super) fn of_fault(fault: &Fault) -> Self {
        let (status, code, message) = match fault {
            Fault::Throttle => (
                StatusCode::BAD_REQUEST,
                "ThrottlingException",
                "Rate exceeded",
            ),
            Fault::ServerError => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "ServerException",
                "Service Unavailable. Please try again later.",
            ),
            Fault::InvalidAction => (
                StatusCode::BAD_REQUEST,
                "InvalidAction",
                "The action is not known.",
            ),
            Fault::AccessDenied => (
                StatusCode::BAD_REQUEST,
                "AccessDeniedException",
                "User: arn:aws:iam::000000000000:user/rehearsal is not authorized to perform it.",
            ),
            Fault::Refuse(code) => (StatusCode::BAD_REQUEST, *code, "It is refused."),
            Fault::Html => return Self::Html,
            Fault::Reset | Fault::DoneThenReset => return Self::Reset,
            Fault::Hang
            | Fault::DoneThenHang
            | Fault::Slow(_)
            | Fault::Stale
            | Fault::Altered(_)
            | Fault::Meanwhile(_) => return Self::Never,
        };
        Self::Error {
            status,
            code,
            message: message.to_owned(),
        }
    }
}
