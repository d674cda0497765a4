//! One HTTP request to whoever passes messages on, and the beginning of the answer: the way of all
//! channels that speak HTTP.
//!
//! Follows no redirect (what is sent holds secrets), tries nothing twice, reads no more of an answer than
//! a person would, and names of an address its host alone: the rest of it may be a secret. The proxy of
//! the environment (`HTTPS_PROXY`, `NO_PROXY`) is honoured.

use std::error::Error as _;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use jiff::fmt::rfc2822;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use super::Unsent;
use super::notice::cut;
use crate::quantity::Span;

/// A client that keeps one connection to whom it sends.
pub(super) struct Exchange {
    client: OnceLock<reqwest::Client>,
    deadline: Duration,
}

/// What is sent. Not `Debug`: the address, the headers and the body may hold secrets.
pub(super) struct Message {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What is answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// How long nothing may be sent, where that was said.
    pub(super) retry_after: Option<Duration>,
    /// The beginning of the body.
    pub(super) body: Bytes,
    /// Who answered.
    pub(super) host: String,
}

/// More of an answer is not read.
const LARGEST_ANSWER: usize = 64 * 1_024;
/// More of an answer is not told.
const LONGEST_WORDS: usize = 200;
/// A connection that nobody used for so long is closed: whoever is there has mostly done so.
const UNUSED: Duration = Duration::from_secs(30);
/// The longest deadline that can be declared.
const LONGEST_DEADLINE: Duration = Duration::from_secs(120);

impl Message {
    /// A `POST` of JSON.
    pub(super) fn json(url: Url, body: &serde_json::Value) -> Self {
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(CONTENT_TYPE, json);
        Self {
            method: Method::POST,
            url,
            headers,
            body: Bytes::from(body.to_string()),
        }
    }
}

impl Exchange {
    pub(super) const fn within(deadline: Duration) -> Self {
        Self {
            client: OnceLock::new(),
            deadline,
        }
    }

    pub(super) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Sends a message and reads the answer. Any status but a redirect is an answer.
    pub(super) async fn send(&self, message: Message) -> Result<Answer, Unsent> {
        let host = message.url.host_str().unwrap_or_default().to_owned();
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let made =
                    client().map_err(|error| Unsent::Refused(words(&error, "making a client")))?;
                self.client.get_or_init(|| made)
            }
        };
        let sending = client
            .request(message.method, message.url)
            .headers(message.headers)
            .body(message.body)
            .timeout(self.deadline);
        let passing = |error: reqwest::Error| Unsent::Passing(words(&error, &host));
        let mut answer = sending.send().await.map_err(passing)?;
        let status = answer.status();
        if status.is_redirection() {
            let status = status.as_u16();
            let why = format!(
                "{host} sends us elsewhere ({status}), where no secret is sent: write the address that it leads to"
            );
            return Err(Unsent::Refused(why));
        }
        let retry_after = retry_after(answer.headers());
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(passing)? {
            let room = LARGEST_ANSWER.saturating_sub(body.len());
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if body.len() >= LARGEST_ANSWER {
                break;
            }
        }
        Ok(Answer {
            status,
            retry_after,
            body: Bytes::from(body),
            host,
        })
    }
}

impl Answer {
    /// What was answered, in a few words.
    pub(super) fn said(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let text = text.split_whitespace().collect::<Vec<&str>>().join(" ");
        let (host, status) = (&self.host, self.status.as_u16());
        match text.is_empty() {
            true => format!("{host} answered {status}"),
            false => format!("{host} answered {status}: {}", cut(&text, LONGEST_WORDS)),
        }
    }

    /// What a status means that no channel gives a meaning of its own.
    pub(super) fn judged(&self) -> Result<(), Unsent> {
        match self.status.as_u16() {
            200..=299 => Ok(()),
            429 => Err(Unsent::Throttled {
                why: self.said(),
                after: self.retry_after,
            }),
            // Not in time, too early, and their own faults.
            408 | 425 | 500..=599 => match self.retry_after {
                Some(after) => Err(Unsent::Throttled {
                    why: self.said(),
                    after: Some(after),
                }),
                None => Err(Unsent::Passing(self.said())),
            },
            _ => Err(Unsent::Refused(self.said())),
        }
    }
}

/// The deadline that a channel declares, or the usual one.
pub(super) fn deadline(declared: Option<Span>, misfits: &mut Vec<super::Misfit>) -> Duration {
    let deadline = declared.map_or(super::DEADLINE, |span| span.0);
    if deadline.is_zero() || deadline > LONGEST_DEADLINE {
        let message = "a sending takes some time, and at most 2m";
        misfits.push(super::Misfit::at(&["timeout"], message));
    }
    deadline
}

/// An address to send to, from a text that may be a secret and is not repeated.
pub(super) fn address(text: &str, path: &[&str], misfits: &mut Vec<super::Misfit>) -> Option<Url> {
    let url = Url::parse(text.trim()).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if url.is_none() {
        let misfit = super::Misfit::at(path, "this is no address of HTTP");
        misfits.push(misfit.hint("write it whole, as https://…"));
    }
    url
}

fn client() -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(ClientConfig::clone(&TLS))
        .user_agent(concat!("smokejumper/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .pool_max_idle_per_host(1)
        .pool_idle_timeout(UNUSED)
        .build()
}

/// TLS as the probes speak it by default: the system's authorities, or those that are compiled in where
/// the image has none.
static TLS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for TLS 1.2 and 1.3: both are compiled in")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
});

/// What went wrong, down to its cause, without the address.
fn words(error: &reqwest::Error, host: &str) -> String {
    let doing = if error.is_timeout() {
        return format!("{host} did not answer in time");
    } else if error.is_connect() {
        "no connection to"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off:"
    } else {
        "no answer from"
    };
    let mut cause = error.source();
    let mut last = String::new();
    while let Some(one) = cause {
        last = one.to_string();
        cause = one.source();
    }
    match last.is_empty() {
        true => format!("{doing} {host}"),
        false => format!("{doing} {host}: {}", cut(&last, LONGEST_WORDS)),
    }
}

/// `Retry-After`: seconds, or a date, which is read beside the date of the same answer, so that our own
/// clock does not matter (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let after = text(RETRY_AFTER)?;
    if let Ok(seconds) = after.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let (now, then) = (date(text(DATE)?)?, date(after)?);
    let seconds = then.as_second().saturating_sub(now.as_second());
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait_is_read_in_both_ways_of_writing_it() {
        let cases = [
            (&[("retry-after", "30")][..], Some(30)),
            (&[("retry-after", " 0 ")], Some(0)),
            (
                &[
                    ("date", "Sun, 22 Nov 2026 06:00:00 GMT"),
                    ("retry-after", "Sun, 22 Nov 2026 06:01:30 GMT"),
                ],
                Some(90),
            ),
            (
                &[
                    ("date", "Sun, 22 Nov 2026 06:00:00 GMT"),
                    ("retry-after", "Sun, 22 Nov 2026 05:00:00 GMT"),
                ],
                Some(0),
            ),
            (&[("retry-after", "Sun, 22 Nov 2026 06:01:30 GMT")], None),
            (&[("retry-after", "soon")], None),
            (&[("retry-after", "-5")], None),
            (&[], None),
        ];
        for (given, expected) in cases {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            let expected = expected.map(Duration::from_secs);
            assert_eq!(retry_after(&headers), expected, "{given:?}");
        }
    }

    #[test]
    fn a_status_says_who_is_to_blame() {
        let answer = |status: u16, retry_after| Answer {
            status: StatusCode::from_u16(status).expect("a status"),
            retry_after,
            body: Bytes::from_static(b"so\n  it is"),
            host: "host".to_owned(),
        };
        let said = |status: u16| format!("host answered {status}: so it is");
        for status in [200, 202, 204] {
            assert_eq!(answer(status, None).judged(), Ok(()));
        }
        for status in [400, 401, 403, 404, 410, 413, 422] {
            assert_eq!(
                answer(status, None).judged(),
                Err(Unsent::Refused(said(status)))
            );
        }
        for status in [408, 425, 500, 502, 503] {
            assert_eq!(
                answer(status, None).judged(),
                Err(Unsent::Passing(said(status)))
            );
        }
        let after = Some(Duration::from_secs(7));
        for status in [429, 503] {
            let why = said(status);
            assert_eq!(
                answer(status, after).judged(),
                Err(Unsent::Throttled { why, after })
            );
        }
    }
}
