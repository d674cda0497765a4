//! One endpoint of a chain node: where requests go, and what of that nobody may read.
//!
//! Providers put the key into the path (`/v3/<key>`) or the query, so everything of the URL but
//! host and port is a secret: messages name the place only, and what a node echoes is masked.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::probe::Misfit;
use crate::sample::Fault;
use crate::secret::{Mask, Secret};

/// Where a node is reached.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    place: String,
    headers: HeaderMap,
    mask: Mask,
}

impl Endpoint {
    /// The address with all its secrets, for the one place that sends it.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The address of what lies below this endpoint: its path, then `path`, then its query.
    #[must_use]
    pub fn below(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let joined = format!("{}{path}", self.url.path().trim_end_matches('/'));
        url.set_path(&joined);
        url
    }

    /// The declared headers, which go with every request.
    #[must_use]
    pub const fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Host and port: all of the address that a message may say.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The text with whatever the URL keeps secret masked.
    #[must_use]
    pub fn masked(&self, text: &str) -> String {
        self.mask.apply(text)
    }

    /// The fault as a message may say it: masked, and with the place in front.
    #[must_use]
    pub fn blame(&self, mut fault: Fault) -> Fault {
        fault.detail = format!("{}: {}", self.place, self.masked(&fault.detail));
        fault
    }

    fn read(text: &str, headers: &HeaderMap) -> Result<Self, EndpointFault> {
        let mut url = Url::parse(text.trim()).map_err(EndpointFault::Form)?;
        match url.scheme() {
            "http" | "https" => {}
            "ws" | "wss" => return Err(EndpointFault::WebSocket),
            other => return Err(EndpointFault::Scheme(other.to_owned())),
        }
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(EndpointFault::Host);
        };
        let place = format!("{host}:{port}");
        let mask = mask_of(&url, headers);
        url.set_fragment(None);
        Ok(Self {
            url,
            place,
            headers: headers.clone(),
            mask,
        })
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.place)
    }
}

/// The endpoints of a check in their order, as declared by `url` or `endpoints`, `headers` given.
///
/// # Errors
/// A [`Misfit`] for everything that cannot work.
pub fn lower(
    url: Option<&Secret>,
    endpoints: Option<&[Secret]>,
    headers: &BTreeMap<String, Secret>,
) -> Result<Vec<Endpoint>, Vec<Misfit>> {
    let mut misfits = Vec::new();
    let headers = lower_headers(headers, &mut misfits);
    let declared: Vec<(Vec<String>, &Secret)> = match (url, endpoints) {
        (Some(_), Some(_)) => {
            let hint = "put all of them below `endpoints`, the preferred one first";
            misfits.push(Misfit::at(&["url"], "both `url` and `endpoints` are given").hint(hint));
            Vec::new()
        }
        (None, None | Some([])) => {
            let message = "no endpoint is given";
            let hint = "write `url: http://…`, or `endpoints:` with the preferred one first";
            misfits.push(Misfit::at(&["endpoints"], message).hint(hint));
            Vec::new()
        }
        (Some(url), None) => vec![(vec!["url".to_owned()], url)],
        (None, Some(urls)) => urls
            .iter()
            .enumerate()
            .map(|(index, url)| (vec!["endpoints".to_owned(), index.to_string()], url))
            .collect(),
    };
    let mut lowered = Vec::with_capacity(declared.len());
    for (path, url) in declared {
        match Endpoint::read(url.reveal(), &headers) {
            Ok(endpoint) => lowered.push(endpoint),
            Err(fault) => misfits.push(Misfit {
                path,
                message: fault.to_string(),
                hint: None,
            }),
        }
    }
    if misfits.is_empty() {
        Ok(lowered)
    } else {
        Err(misfits)
    }
}

/// Reads an address with headers of its own: those of a check are for its own node. Misfits are told
/// by where they lie below the setting that holds both.
///
/// # Errors
/// A [`Misfit`] for everything that cannot work, without repeating it.
pub fn read_alone(
    url: &Secret,
    headers: &BTreeMap<String, Secret>,
) -> Result<Endpoint, Vec<Misfit>> {
    let mut misfits = Vec::new();
    let headers = lower_headers(headers, &mut misfits);
    match Endpoint::read(url.reveal(), &headers) {
        Ok(endpoint) if misfits.is_empty() => Ok(endpoint),
        read => {
            misfits.extend(read.err().map(|it| Misfit::at(&["url"], it.to_string())));
            Err(misfits)
        }
    }
}

/// Why a text is no endpoint; says nothing of the text, which may be a secret.
#[derive(Debug, thiserror::Error)]
enum EndpointFault {
    #[error("this is no URL: {0}")]
    Form(#[source] url::ParseError),
    #[error("WebSocket endpoints are not probed; give the node's http or https endpoint")]
    WebSocket,
    #[error("`{0}` is not a scheme of a chain endpoint; write http or https")]
    Scheme(String),
    #[error("the URL has no host")]
    Host,
}

fn lower_headers(declared: &BTreeMap<String, Secret>, misfits: &mut Vec<Misfit>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in declared {
        let Ok(header) = HeaderName::try_from(name.as_str()) else {
            misfits.push(Misfit::at(&["headers", name], "this is no header name"));
            continue;
        };
        match HeaderValue::from_str(value.reveal()) {
            Ok(mut value) => {
                value.set_sensitive(true);
                headers.insert(header, value);
            }
            Err(_) => misfits.push(Misfit::at(
                &["headers", name],
                "the value has characters that no header may have",
            )),
        }
    }
    headers
}

fn mask_of(url: &Url, headers: &HeaderMap) -> Mask {
    let mask = Mask::default();
    let mut hide = |part: &str| {
        mask.hide(part);
        mask.hide(&String::from_utf8_lossy(&percent_decoded(part)));
    };
    hide(url.username());
    hide(url.password().unwrap_or_default());
    hide(url.path().trim_matches('/'));
    url.path().split('/').for_each(&mut hide);
    hide(url.query().unwrap_or_default());
    url.query_pairs().for_each(|(_, value)| hide(&value));
    for value in headers.values().filter_map(|value| value.to_str().ok()) {
        hide(value);
        // `Bearer <token>`: the token may be repeated without its scheme.
        value.split_whitespace().skip(1).for_each(&mut hide);
    }
    // User and password also travel as the token of a header.
    let mut pair = percent_decoded(url.username());
    pair.push(b':');
    pair.extend(percent_decoded(url.password().unwrap_or_default()));
    if pair.len() > 1 {
        hide(&base64::engine::general_purpose::STANDARD.encode(pair));
    }
    mask
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let [first, tail @ ..] = rest {
        let escaped = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Reason;

    fn read(url: &str) -> Endpoint {
        Endpoint::read(url, &HeaderMap::new()).unwrap()
    }

    #[test]
    fn messages_name_the_place_and_nothing_else() {
        let urls = [
            "https://bob:canary%40pass@node.example/v3/canary-key?apikey=canary-query",
            "https://canary%40pass@node.example:443/canary-key/",
        ];
        for url in urls {
            let endpoint = read(url);
            assert_eq!(endpoint.place(), "node.example:443");
            assert_eq!(format!("{endpoint:?}"), "Endpoint(node.example:443)");
            let echoed = format!("no key canary-key for canary@pass; asked {url}");
            let blamed = endpoint.blame(Fault::new(Reason::Status, echoed));
            assert!(!blamed.detail.contains("canary"), "{}", blamed.detail);
        }
        assert_eq!(read("http://[::1]:8545").place(), "[::1]:8545");
    }

    #[test]
    fn paths_are_joined_below_the_declared_one() {
        let cases = [
            ("http://n:1", "http://n:1/chains/main"),
            ("http://n:1/", "http://n:1/chains/main"),
            ("http://n:1/v1/key/", "http://n:1/v1/key/chains/main"),
            ("http://n:1/v1?k=1", "http://n:1/v1/chains/main?k=1"),
        ];
        for (base, joined) in cases {
            assert_eq!(read(base).below("/chains/main").as_str(), joined);
        }
    }

    #[test]
    fn what_cannot_work_is_refused_without_repeating_it() {
        let secret = |text: &str| Secret::new(text);
        let none = BTreeMap::new();
        let urls = [
            secret("canary"),
            secret("wss://node/canary"),
            secret("ftp://node/canary"),
            secret("http://"),
        ];
        let misfits = lower(None, Some(&urls), &none).unwrap_err();
        let paths: Vec<_> = misfits.iter().map(|misfit| misfit.path.join(".")).collect();
        assert_eq!(
            paths,
            ["endpoints.0", "endpoints.1", "endpoints.2", "endpoints.3"]
        );
        assert!(!format!("{misfits:?}").contains("canary"));
        assert!(lower(Some(&urls[0]), Some(&urls), &none).is_err());
        assert!(lower(None, Some(&[]), &none).is_err());
        assert!(lower(None, None, &none).is_err());
        let headers = BTreeMap::from([("bad name".to_owned(), secret("x"))]);
        assert!(lower(Some(&secret("http://n")), None, &headers).is_err());
    }
}
