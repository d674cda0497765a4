//! Where a request comes from: what browsers say of it, and which machine it thinks it speaks to.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, Uri, Version};

use crate::server::problem::Problem;

/// Lets through what names this machine by a name that leads nowhere else. A page of somebody else
/// whose own name was made to lead here (DNS rebinding) still says that name.
///
/// # Errors
/// For any other name.
pub fn names_this_machine(request: &Request) -> Result<(), Problem> {
    let named = authority(request.headers(), request.uri());
    let is_here = match &named {
        Some(authority) => is_loopback(authority.host()),
        // Before HTTP/1.1 no name was sent; no browser speaks it.
        None => request.version() == Version::HTTP_10,
    };
    if is_here {
        return Ok(());
    }
    let shown = named.map_or_else(|| "nothing".to_owned(), |named| named.host().to_owned());
    let detail = format!(
        "`{shown}` is not this machine: without tokens only requests to localhost are answered"
    );
    let status = StatusCode::MISDIRECTED_REQUEST;
    Err(Problem::new(status, "misdirected", detail))
}

/// Lets through what no other page has sent.
///
/// # Errors
/// When the browser says that another one has.
pub fn is_ours(headers: &HeaderMap, uri: &Uri) -> Result<(), Problem> {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let is_foreign = match said("sec-fetch-site") {
        Some("same-origin" | "none") | None => {
            let origin = said(ORIGIN.as_str());
            origin.is_some_and(|origin| !is_same(origin, authority(headers, uri).as_ref()))
        }
        Some(_) => true,
    };
    if is_foreign {
        let detail = "another page sent this: only pages of this server may act";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign", detail));
    }
    Ok(())
}

/// The host that a request names: in its own line with HTTP/2, in a header before.
fn authority(headers: &HeaderMap, uri: &Uri) -> Option<Authority> {
    let named = uri.authority().cloned();
    named.or_else(|| headers.get(HOST)?.to_str().ok()?.parse().ok())
}

fn is_same(origin: &str, own: Option<&Authority>) -> bool {
    let origin: Option<Uri> = origin.parse().ok();
    let origin = origin.as_ref().and_then(Uri::authority);
    origin.is_some() && origin == own
}

fn is_loopback(host: &str) -> bool {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    // Names below localhost lead nowhere else (RFC 6761, section 6.3).
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        let cases = [
            ("localhost", true),
            ("LocalHost.", true),
            ("page.localhost", true),
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("[::1]", true),
            ("0.0.0.0", false),
            ("localhost.example.com", false),
            ("127.0.0.1.example.com", false),
            ("10.0.0.1", false),
            ("", false),
        ];
        for (host, expected) in cases {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }

    #[test]
    fn what_another_page_sends_is_known() {
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[], true),
            (&[("origin", "http://127.0.0.1:9717")], true),
            (&[("origin", "http://127.0.0.1:9718")], false),
            (&[("origin", "http://evil.example")], false),
            (&[("origin", "null")], false),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "http://127.0.0.1:9717"),
                ],
                true,
            ),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (
                &[
                    ("sec-fetch-site", "same-site"),
                    ("origin", "http://127.0.0.1:9717"),
                ],
                false,
            ),
        ];
        for (sent, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "127.0.0.1:9717".parse().unwrap());
            for (name, value) in sent {
                headers.insert(*name, value.parse().unwrap());
            }
            let let_through = is_ours(&headers, &Uri::from_static("/")).is_ok();
            assert_eq!(let_through, expected, "{sent:?}");
        }
    }
}
