//! What an error of the HTTP client says about the target.

use std::error::Error as _;
use std::io;

use super::{dial, tls_fault};
use crate::sample::{Fault, Reason};

/// The fault that an error met with `host` stands for; `doing` says what was going on.
#[must_use]
pub fn of(error: &hyper::Error, host: &str, doing: &str) -> Fault {
    if let Some(io) = io_inside(error) {
        return tls_fault::inside(io).map_or_else(
            || dial::fault(io, doing),
            |tls| tls_fault::of_session(tls, host),
        );
    }
    if error.is_parse_too_large() {
        let detail = format!("the headers of the answer of {host} are larger than allowed");
        return Fault::new(Reason::TooLarge, detail);
    }
    if error.is_parse() {
        let detail = format!("the answer of {host} is not HTTP: {error}");
        return Fault::new(Reason::Malformed, detail);
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Fault::new(Reason::Closed, format!("connection closed while {doing}"));
    }
    let cause = error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string);
    of_http_2(&cause, host, doing)
}

/// Whether the target said of a request over HTTP/2 that it has not looked at it and never will
/// (RFC 9113, sections 6.8 and 8.7): it was leaving the connection when the request came.
#[must_use]
pub fn is_turned_away(error: &hyper::Error) -> bool {
    let says = |cause: &dyn std::error::Error| {
        let words = cause.to_string();
        TURNED_AWAY.iter().any(|known| words.starts_with(known))
    };
    // Without a cause it was never sent, because the leaving was noticed before.
    error.source().map_or_else(|| error.is_canceled(), says)
}

/// GOAWAY without an error, for a request that came after the last one it names; and a refusal.
const TURNED_AWAY: &[&str] = &[
    "connection error received: not a result of an error",
    "stream error received: refused stream before processing any application logic",
];

/// HTTP/2 has errors of its own, which its library tells apart by their words only. What the target
/// adds to them is left out: it may be long, and may repeat what we sent.
fn of_http_2(cause: &str, host: &str, doing: &str) -> Fault {
    let words = cause.split(" (b\"").next().unwrap_or_default();
    match words.split_once(" error detected: ") {
        Some((_, what)) => Fault::new(
            Reason::Malformed,
            format!("the answer of {host} is not HTTP/2: {what} while {doing}"),
        ),
        None => Fault::new(Reason::Reset, format!("{words} while {doing}")),
    }
}

/// The I/O error among the causes; a bad chunk is one too, of kind `InvalidInput`.
fn io_inside(error: &hyper::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io);
        }
        cause = error.source();
    }
    None
}
