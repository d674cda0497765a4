//! What a check sends, from its settings.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::settings::HttpSettings;
use crate::probe::Misfit;

/// The headers as declared; names and values that cannot be sent are misfits.
pub fn headers(settings: &HttpSettings, misfits: &mut Vec<Misfit>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let mut wrong = |message: String| misfits.push(Misfit::at(&["headers", name], message));
        let Ok(key) = HeaderName::try_from(name.as_str()) else {
            wrong(format!("`{name}` is not the name of a header"));
            continue;
        };
        if OURS.contains(&key.as_str()) {
            wrong(format!("`{name}` is set by the protocol"));
            continue;
        }
        // The value may be a secret: it is not repeated, and never printed by the client.
        let Ok(mut value) = HeaderValue::try_from(value.as_str()) else {
            wrong(format!(
                "the value of `{name}` has characters that no header can carry"
            ));
            continue;
        };
        value.set_sensitive(true);
        if headers.insert(key, value).is_some() {
            wrong(format!("`{name}` is declared twice"));
        }
    }
    headers
}

/// Headers that frame the message: a declared one would contradict the real one.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
];

/// The body as declared, and the content type that goes with JSON.
pub fn body(settings: &HttpSettings, headers: &mut HeaderMap, misfits: &mut Vec<Misfit>) -> Bytes {
    match (&settings.body, &settings.json) {
        (None, None) => Bytes::new(),
        (Some(text), None) => Bytes::from(text.clone()),
        (None, Some(value)) => {
            headers
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
            Bytes::from(value.to_string())
        }
        (Some(_), Some(_)) => {
            misfits.push(Misfit::at(
                &["json"],
                "a request has one body: `body` or `json`",
            ));
            Bytes::new()
        }
    }
}
