//! What the status of an answer says before anybody reads the document: a gateway that limits our
//! rate answers with HTML, and that is no malformed document.

use http::StatusCode;

use super::{Source, said};
use crate::probe::wire::exchange::Answer;
use crate::sample::{Fault, Reason};

/// Why an answer is no document, by its status; nothing for one from 200 to 299.
#[must_use]
pub fn refusal(source: &Source, answer: &Answer) -> Option<Fault> {
    let status = answer.status;
    if status.is_success() {
        return None;
    }
    let shown = shown_status(status);
    let host = source.host();
    let fault = match status.as_u16() {
        429 => Fault::new(
            Reason::Throttled,
            format!("{host} limits our rate of requests: status {shown}"),
        ),
        401 | 403 => Fault::new(
            Reason::Unauthorized,
            format!("{host} refused our credentials: status {shown}"),
        ),
        300..=399 => Fault::new(
            Reason::Status,
            format!(
                "expected status 2xx, got {shown}: redirects are not followed here, write the final address"
            ),
        ),
        code => {
            let words = said(source, &answer.body);
            let words = if words.is_empty() {
                words
            } else {
                format!(": {words}")
            };
            let fault = Fault::new(
                Reason::Status,
                format!("expected status 2xx, got {shown}{words}"),
            );
            if matches!(code, 502..=504) {
                fault.transient()
            } else {
                fault
            }
        }
    };
    Some(fault)
}

/// The same of somebody who is asked about the target: no status of theirs is the target's fault.
#[must_use]
pub fn secondhand_refusal(source: &Source, answer: &Answer) -> Option<Fault> {
    let fault = refusal(source, answer)?;
    Some(match fault.reason {
        Reason::Status => Fault {
            reason: Reason::ServerFault,
            ..fault
        },
        _ => fault,
    })
}

/// A status with the words that go with it: `503 Service Unavailable`.
fn shown_status(status: StatusCode) -> String {
    match status.canonical_reason() {
        Some(words) => format!("{} {words}", status.as_u16()),
        None => status.as_u16().to_string(),
    }
}
