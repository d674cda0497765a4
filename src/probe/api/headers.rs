//! The headers that a check declares, lowered. A value may be a secret: no message repeats it.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::probe::Misfit;
use crate::secret::Secret;

/// The headers as declared; names and values that cannot be sent are misfits.
pub fn lower(declared: &BTreeMap<String, Secret>, misfits: &mut Vec<Misfit>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in declared {
        let mut wrong = |message: String| misfits.push(Misfit::at(&["headers", name], message));
        let Ok(key) = HeaderName::try_from(name.as_str()) else {
            wrong(format!("`{name}` is not the name of a header"));
            continue;
        };
        if OURS.contains(&key.as_str()) {
            wrong(format!("`{name}` is set by the protocol"));
            continue;
        }
        let Ok(mut value) = HeaderValue::try_from(value.reveal()) else {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_cannot_be_sent_is_named_and_its_value_is_not() {
        let declared = [
            ("x-good", "canary"),
            ("bad name", "canary"),
            ("content-length", "1"),
            ("x-bad", "canary\n"),
        ];
        let declared = declared.map(|(name, value)| (name.to_owned(), Secret::new(value)));
        let mut misfits = Vec::new();
        let headers = lower(&BTreeMap::from(declared), &mut misfits);
        assert_eq!(headers.len(), 1);
        let paths: Vec<String> = misfits.iter().map(|misfit| misfit.path.join(".")).collect();
        assert_eq!(
            paths,
            [
                "headers.bad name",
                "headers.content-length",
                "headers.x-bad"
            ]
        );
        assert!(!format!("{misfits:?}").contains("canary"));
    }
}
