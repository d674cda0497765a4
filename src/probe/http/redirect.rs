//! Where a redirect leads, and what may travel there.
//!
//! Credentials stay with the origin for which they were declared; a redirect that would carry a
//! body elsewhere, or leave TLS, is refused.

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE,
    HeaderName, LOCATION, USER_AGENT,
};
use http::{Method, StatusCode};
use url::Url;

use super::settings::Redirects;
use crate::probe::wire::exchange::{Answer, Request};
use crate::sample::{Fault, Reason};
use crate::secret::Mask;

/// The request to send next when `answer` points elsewhere; absent when it does not.
///
/// # Errors
/// [`Reason::Redirect`] when the place is none, is not allowed, or would learn too much.
pub fn next(
    request: &Request,
    answer: &Answer,
    policy: Redirects,
    mask: &Mask,
) -> Result<Option<Request>, Fault> {
    let Some(location) = answer.headers.get(LOCATION) else {
        return Ok(None);
    };
    if !is_redirect(answer.status) {
        return Ok(None);
    }
    let status = answer.status.as_u16();
    let refused = |why: String| Fault::new(Reason::Redirect, format!("{why} (status {status})"));
    // Many servers send names beyond ASCII as they are, and every browser goes there.
    let target = std::str::from_utf8(location.as_bytes())
        .ok()
        .and_then(|location| request.url.join(location).ok())
        .filter(|target| target.has_host())
        .ok_or_else(|| refused("redirected to what is no address".to_owned()))?;
    let place = place(&target, mask);
    if policy == Redirects::Refuse {
        return Err(refused(format!("redirected to {place}, which is refused")));
    }
    match (request.url.scheme(), target.scheme()) {
        ("https", "http") => {
            return Err(refused(format!("redirected from https to {place}")));
        }
        (_, "http" | "https") => {}
        _ => return Err(refused(format!("redirected to {place}, which is not HTTP"))),
    }
    let same_host = request.url.host() == target.host();
    if policy == Redirects::SameHost && !same_host {
        return Err(refused(format!("redirected to another host: {place}")));
    }
    let next = follow(request, target, answer.status);
    if !next.body.is_empty() && !trusted(&request.url, &next.url) {
        let why = format!("redirected to {place}, which would learn the body of the request");
        return Err(refused(why));
    }
    Ok(Some(next))
}

/// Whether the answer is a redirect that says where to.
pub fn points_elsewhere(answer: &Answer) -> bool {
    is_redirect(answer.status) && answer.headers.contains_key(LOCATION)
}

/// Whether two addresses lead to one origin: scheme, host and port.
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

const fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whether what was declared for `from` may be told to `to`: the same origin, or the same host
/// with TLS added.
fn trusted(from: &Url, to: &Url) -> bool {
    let gains_tls = from.host() == to.host()
        && (from.scheme(), to.scheme()) == ("http", "https")
        && from.port().is_none()
        && to.port().is_none();
    same_origin(from, to) || gains_tls
}

fn follow(request: &Request, mut target: Url, status: StatusCode) -> Request {
    let mut next = request.clone();
    if becomes_get(&request.method, status) {
        next.method = Method::GET;
        next.body = bytes::Bytes::new();
        next.headers.remove(CONTENT_TYPE);
    }
    if trusted(&request.url, &target) {
        keep_user(&request.url, &mut target);
    } else {
        let foreign: Vec<HeaderName> = next
            .headers
            .keys()
            .filter(|name| !HARMLESS.contains(name))
            .cloned()
            .collect();
        for name in foreign {
            next.headers.remove(name);
        }
        drop_user(&mut target);
    }
    next.url = target;
    next
}

/// Browsers turn a redirected POST into a GET, and every method after a 303 (RFC 9110, 15.4).
fn becomes_get(method: &Method, status: StatusCode) -> bool {
    match status.as_u16() {
        303 => !matches!(*method, Method::GET | Method::HEAD),
        301 | 302 => *method == Method::POST,
        _ => false,
    }
}

/// Headers that say nothing about who asks; any other may be a credential.
pub const HARMLESS: &[HeaderName] = &[
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_TYPE,
    USER_AGENT,
];

/// Both setters fail only on addresses that cannot have a user, which `http` and `https` can.
fn keep_user(from: &Url, to: &mut Url) {
    if to.username().is_empty() && to.password().is_none() {
        let kept = to
            .set_username(from.username())
            .and_then(|()| to.set_password(from.password()));
        debug_assert!(kept.is_ok());
    }
}

fn drop_user(url: &mut Url) {
    let dropped = url.set_username("").and_then(|()| url.set_password(None));
    debug_assert!(dropped.is_ok());
}

/// The address without user and query, which may hold secrets, and without what the target repeats
/// of those that `mask` knows: they are taken out before the path is cut, which could leave a half.
pub fn place(url: &Url, mask: &Mask) -> String {
    let port = url
        .port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let host = mask.apply(url.host_str().unwrap_or_default());
    let whole = mask.apply(url.path());
    let path: String = whole.chars().take(PATH_SHOWN).collect();
    // The mark by which the mask of the outputs knows that a secret may have lost its end here.
    let more = if path.len() < whole.len() { "…" } else { "" };
    format!("{}://{host}{port}{path}{more}", url.scheme())
}

/// How many characters of a path a message shows.
const PATH_SHOWN: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Surroundings;
    use crate::probe::wire::tls::{Tls, TlsSettings};
    use bytes::Bytes;
    use http::header::{AUTHORIZATION, HeaderValue};
    use http::{HeaderMap, Version};

    fn request(method: Method, url: &str) -> Request {
        let tls = Tls::new(&TlsSettings::default(), &Surroundings::default()).unwrap();
        let mut request = Request::get(url.parse().unwrap(), tls);
        request.headers = HeaderMap::from_iter([
            (AUTHORIZATION, HeaderValue::from_static("Bearer canary")),
            (
                HeaderName::from_static("x-api-key"),
                HeaderValue::from_static("canary"),
            ),
            (ACCEPT, HeaderValue::from_static("text/html")),
        ]);
        if method == Method::POST {
            request.body = Bytes::from_static(b"canary");
        }
        request.method = method;
        request
    }

    fn answer(status: u16, location: &str) -> Answer {
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::from_iter([(LOCATION, HeaderValue::from_str(location).unwrap())]),
            body: Bytes::new(),
            trailers: HeaderMap::new(),
            foreign_encoding: None,
            version: Version::HTTP_11,
        }
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        let asked = request(Method::GET, "http://user:secret@a.test/x");
        for (location, kept) in [
            ("/y", true),
            ("http://a.test/y", true),
            ("https://a.test/y", true),
            ("http://b.test/y", false),
            ("http://a.test:8080/y", false),
            ("//b.test/y", false),
        ] {
            let next = next(
                &asked,
                &answer(302, location),
                Redirects::Follow,
                &Mask::default(),
            )
            .unwrap()
            .unwrap();
            assert_eq!(next.headers.contains_key(AUTHORIZATION), kept, "{location}");
            assert_eq!(next.headers.contains_key("x-api-key"), kept, "{location}");
            assert_eq!(next.url.password().is_some(), kept, "{location}");
            assert!(next.headers.contains_key(ACCEPT), "{location}");
        }
    }

    #[test]
    fn what_is_not_allowed_is_refused() {
        use Redirects::{Follow, Refuse, SameHost};
        for (method, url, location, policy) in [
            (Method::GET, "https://a.test/", "http://a.test/", Follow),
            (Method::GET, "http://a.test/", "ftp://a.test/", Follow),
            (Method::GET, "http://a.test/", "file:///etc/passwd", Follow),
            (Method::GET, "http://a.test/", "http://", Follow),
            (Method::GET, "http://a.test/", "http://b.test/", SameHost),
            (Method::GET, "http://a.test/", "/y", Refuse),
            (Method::POST, "http://a.test/", "http://b.test/", Follow),
        ] {
            let fault = next(
                &request(method, url),
                &answer(307, location),
                policy,
                &Mask::default(),
            )
            .err()
            .unwrap_or_else(|| panic!("{url} to {location} is followed"));
            assert_eq!(fault.reason, Reason::Redirect);
            assert!(!fault.detail.contains("canary"));
        }
    }

    #[test]
    fn a_redirected_post_becomes_a_get_unless_it_must_not() {
        let asked = request(Method::POST, "http://a.test/x");
        for (status, method) in [
            (301, Method::GET),
            (302, Method::GET),
            (303, Method::GET),
            (307, Method::POST),
            (308, Method::POST),
        ] {
            let next = next(
                &asked,
                &answer(status, "/y"),
                Redirects::Follow,
                &Mask::default(),
            )
            .unwrap()
            .unwrap();
            assert_eq!(next.method, method, "{status}");
            assert_eq!(next.body.is_empty(), method == Method::GET, "{status}");
        }
    }

    #[test]
    fn an_answer_that_points_nowhere_is_final() {
        let asked = request(Method::GET, "http://a.test/x");
        for status in [200, 300, 304] {
            let next = next(
                &asked,
                &answer(status, "/y"),
                Redirects::Follow,
                &Mask::default(),
            )
            .unwrap();
            assert!(next.is_none(), "{status}");
        }
    }
}
