//! Cookies on their way: added to a request that is a part of a flow, taken from every answer on the
//! way to the last one. A check by itself keeps none.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use url::Url;

use crate::probe::wire::exchange::{Answer, Request};
use crate::probe::wire::message::Prepared;
use crate::probe::{Attempt, Reply};

/// The request with the cookies that go where it goes, behind those that it declares itself; absent
/// where there are none.
pub fn with_cookies(attempt: &Attempt, request: &Request) -> Option<Box<Prepared>> {
    let kept = attempt
        .cookies()?
        .header(&request.url, attempt.calendar())?;
    let all = match request.headers.get(COOKIE).map(HeaderValue::to_str) {
        Some(Ok(declared)) => format!("{declared}; {kept}"),
        Some(Err(_)) | None => kept,
    };
    let mut value = HeaderValue::try_from(all).ok()?;
    value.set_sensitive(true);
    let mut request = request.clone();
    request.headers.insert(COOKIE, value);
    Some(Box::new(Prepared::new(request)))
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
