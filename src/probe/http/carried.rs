//! What one run adds to its request: its names in tracing systems, and cookies, which a part of a flow
//! sends and takes from every answer on the way to the last one. A check by itself keeps none.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::probe::wire::exchange::{Answer, Request};
use crate::probe::wire::message::Prepared;
use crate::probe::{Attempt, Reply};

/// The request with what this one run adds to it: the names that tracing systems know it by, where
/// they are to be sent, and the cookies that go where it goes, behind those that it declares itself;
/// absent where there is nothing of either.
pub fn with_what_is_carried(
    attempt: &Attempt,
    request: &Request,
    traced: bool,
) -> Option<Box<Prepared>> {
    let cookies = cookies(attempt, request);
    let trace = attempt.traceparent().filter(|_| traced);
    let trace = trace.and_then(|trace| HeaderValue::try_from(trace).ok());
    if cookies.is_none() && trace.is_none() {
        return None;
    }
    let mut request = request.clone();
    if let Some(cookies) = cookies {
        request.headers.insert(COOKIE, cookies);
    }
    if let Some(trace) = trace {
        request.headers.insert(TRACEPARENT, trace);
    }
    Some(Box::new(Prepared::new(request)))
}

/// The W3C's Trace Context: <https://www.w3.org/TR/trace-context/#traceparent-header>.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

fn cookies(attempt: &Attempt, request: &Request) -> Option<HeaderValue> {
    let kept = attempt
        .cookies()?
        .header(&request.url, attempt.calendar())?;
    let all = match request.headers.get(COOKIE).map(HeaderValue::to_str) {
        Some(Ok(declared)) => format!("{declared}; {kept}"),
        Some(Err(_)) | None => kept,
    };
    let mut value = HeaderValue::try_from(all).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Takes the cookies that an answer to a request of `url` sets.
pub fn take_cookies(attempt: &Attempt, url: &Url, headers: &HeaderMap) {
    if !headers.contains_key(SET_COOKIE) {
        return;
    }
    let Some(cookies) = attempt.cookies() else {
        return;
    };
    for value in headers.get_all(SET_COOKIE) {
        cookies.take(url, &latin(value), attempt.calendar());
    }
}

/// The answer, for whoever asked for it.
pub fn reply(answer: &Answer) -> Reply {
    let headers = answer.headers.iter();
    let headers = headers.map(|(name, value)| (name.as_str().to_owned(), latin(value)));
    Reply {
        status: Some(answer.status.as_u16()),
        headers: headers.collect(),
        body: answer.body.clone(),
    }
}

/// A header's value as a text: bytes beyond ASCII are Latin-1, so that every value is one.
fn latin(value: &HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}
