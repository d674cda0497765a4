//! The request as it goes over the wire: the first line, and the headers that the protocol needs.

use std::sync::OnceLock;

use bytes::Bytes;
use http::Uri;
use http::header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderValue, USER_AGENT};
use http_body_util::Full;
use url::Url;

use super::exchange::Request;
use crate::sample::{Fault, Reason};

/// A request and what of its message takes time to make, which is made once for all the runs that
/// send it.
///
/// The message itself is put together for each run: a whole map of headers, kept for every check,
/// would be the largest thing that a check has, and copying it costs as much as filling it.
pub struct Prepared {
    request: Request,
    one: OnceLock<Box<Address>>,
    two: OnceLock<Box<Address>>,
}

/// Where a message goes, as it stands in it.
struct Address {
    target: Uri,
    /// Absent where the target says it.
    host: Option<HeaderValue>,
    authorization: Option<HeaderValue>,
}

/// What the client takes.
pub type Message = http::Request<Full<Bytes>>;

impl Prepared {
    /// Prepares a request.
    #[must_use]
    pub const fn new(request: Request) -> Self {
        Self {
            request,
            one: OnceLock::new(),
            two: OnceLock::new(),
        }
    }

    /// What is asked.
    #[must_use]
    pub const fn request(&self) -> &Request {
        &self.request
    }

    /// What is asked, without its message.
    #[must_use]
    pub fn into_request(self) -> Request {
        self.request
    }

    /// The message for HTTP/1.1, or for HTTP/2.
    ///
    /// # Errors
    /// [`Reason::Malformed`] for an address that no request can carry.
    pub fn message(&self, two: bool) -> Result<Message, Fault> {
        let made = if two { &self.two } else { &self.one };
        let address = match made.get() {
            Some(made) => made,
            None => {
                let address = Address::of(&self.request, two)?;
                made.get_or_init(|| Box::new(address))
            }
        };
        Ok(address.message(&self.request))
    }
}

/// The message of a request that is sent once.
///
/// # Errors
/// [`Reason::Malformed`] for an address that no request can carry.
pub fn message(request: &Request, two: bool) -> Result<Message, Fault> {
    Ok(Address::of(request, two)?.message(request))
}

impl Address {
    /// The address as the protocol wants it: HTTP/1.1 has the host in a header and only the path in
    /// the first line, HTTP/2 has both in the target.
    ///
    /// # Errors
    /// [`Reason::Malformed`] for an address that no request can carry.
    fn of(request: &Request, two: bool) -> Result<Self, Fault> {
        let unsendable =
            || Fault::new(Reason::Malformed, "the address cannot be sent in a request");
        let url = &request.url;
        let host = match request.headers.get(HOST) {
            Some(host) => host.clone(),
            None => HeaderValue::from_str(&authority(url)).map_err(|_| unsendable())?,
        };
        let path = path_and_query(url);
        let target = if two {
            let authority = host.to_str().unwrap_or_default();
            format!("{}://{authority}{path}", url.scheme())
        } else {
            path
        };
        Ok(Self {
            target: target.parse().map_err(|_| unsendable())?,
            host: (!two).then_some(host),
            authorization: basic(url).filter(|_| !request.headers.contains_key(AUTHORIZATION)),
        })
    }

    fn message(&self, request: &Request) -> Message {
        let mut headers = if request.headers.is_empty() {
            HeaderMap::with_capacity(USUAL_HEADERS)
        } else {
            request.headers.clone()
        };
        match &self.host {
            Some(host) => headers.insert(HOST, host.clone()),
            None => headers.remove(HOST),
        };
        if let Some(basic) = &self.authorization {
            headers.insert(AUTHORIZATION, basic.clone());
        }
        headers
            .entry(ACCEPT)
            .or_insert(HeaderValue::from_static("*/*"));
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(WHO_ASKS));
        let mut message = http::Request::new(Full::new(request.body.clone()));
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = self.target.clone();
        *message.headers_mut() = headers;
        message
    }
}

/// Room for the headers of a request that declares none: the host, credentials, and who asks for what.
const USUAL_HEADERS: usize = 4;

const WHO_ASKS: &str = concat!("smokejumper/", env!("CARGO_PKG_VERSION"));

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn path_and_query(url: &Url) -> String {
    url.query().map_or_else(
        || url.path().to_owned(),
        |query| format!("{}?{query}", url.path()),
    )
}

/// The header that the user and the password of an address stand for.
#[must_use]
pub fn basic(url: &Url) -> Option<HeaderValue> {
    use base64::Engine as _;
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut pair = percent_decoded(url.username());
    pair.push(b':');
    pair.extend(percent_decoded(url.password().unwrap_or_default()));
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    let mut value = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The bytes that a percent-encoded text stands for.
#[must_use]
pub fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        let pair = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(pair.unwrap_or(*first));
        rest = if pair.is_some() { &tail[2..] } else { tail };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_become_basic_authentication() {
        for (url, token) in [
            ("http://a.test/", None),
            (
                "http://smoke:p%40ss@a.test/",
                Some("Basic c21va2U6cEBzcw=="),
            ),
            ("http://smoke@a.test/", Some("Basic c21va2U6")),
            ("http://:100%@a.test/", Some("Basic OjEwMCU=")),
        ] {
            let value = basic(&url.parse().unwrap());
            assert_eq!(
                value.as_ref().map(|value| value.to_str().unwrap()),
                token,
                "{url}"
            );
            assert!(value.is_none_or(|value| value.is_sensitive()), "{url}");
        }
    }
}
