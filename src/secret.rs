//! Secrets as values that do not print themselves, and the mask that keeps them out of every output.
//!
//! `config` collects what must not be seen while it reads; `cli` masks every byte it writes.

use std::fmt;
use std::sync::{Arc, RwLock};

use serde::{Deserialize, Deserializer};

/// A text that must not be printed; only [`Secret::reveal`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// Shows the text, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A text that is masked in every output; usually `${NAME}` or `${file:PATH}`."
        })
    }
}

/// What a masked secret looks like.
pub const MASKED: &str = "***";

/// The set of texts that may appear in no output. Clones share the set.
#[derive(Clone, Default)]
pub struct Mask(Arc<RwLock<Vec<String>>>);

impl Mask {
    /// Adds a secret in the forms in which it may travel: as it is, percent-encoded, JSON-escaped.
    ///
    /// Texts shorter than [`SHORTEST`] characters are left out: masking them would make every
    /// output unreadable and hide nothing.
    pub fn hide(&self, secret: &str) {
        let mut forms = vec![secret.to_owned(), secret.trim().to_owned()];
        forms.push(percent_encoded(secret));
        forms.push(secret.replace('\\', "\\\\").replace('"', "\\\""));
        forms.extend(secret.lines().map(str::to_owned));
        let mut hidden = self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for form in forms {
            if form.chars().count() >= SHORTEST && !hidden.contains(&form) {
                hidden.push(form);
            }
        }
        // The longest first, so that a secret that contains another is masked whole.
        hidden.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// The text with every hidden secret replaced by [`MASKED`]: as it is, broken into lines at its
    /// blanks, or cut off by an ellipsis.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let hidden = self
            .0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let secret = hidden.iter().filter_map(|secret| begins(rest, secret));
            let skipped = match secret.max() {
                Some(length) => {
                    masked.push_str(MASKED);
                    length
                }
                None => {
                    masked.push(first);
                    first.len_utf8()
                }
            };
            rest = &rest[skipped..];
        }
        masked
    }
}

/// How many bytes of the text's beginning are the secret, if they are. Its blanks may have become
/// others, and an ellipsis may have taken the place of its end.
fn begins(text: &str, secret: &str) -> Option<usize> {
    let mut found = text.char_indices().peekable();
    let mut expected = secret.chars().peekable();
    let mut matched = 0;
    while let Some(wanted) = expected.next() {
        let (place, seen) = *found.peek()?;
        if seen == '…' && wanted != '…' && matched >= SHORTEST {
            return Some(place);
        }
        if wanted.is_whitespace() && seen.is_whitespace() {
            while expected.next_if(|blank| blank.is_whitespace()).is_some() {}
            while found.next_if(|(_, blank)| blank.is_whitespace()).is_some() {}
        } else if wanted == seen {
            found.next();
        } else {
            return None;
        }
        matched += 1;
    }
    Some(found.peek().map_or(text.len(), |(place, _)| *place))
}

impl Mask {
    /// The ranges of the text that hold hidden secrets, for those who must keep count of columns.
    /// They may overlap.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        let hidden = self
            .0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = hidden.iter().flat_map(|secret| {
            let places = text.match_indices(secret.as_str());
            places.map(|(at, secret)| at..at + secret.len())
        });
        found.collect()
    }
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(…)")
    }
}

/// Shorter texts are not masked.
pub const SHORTEST: usize = 4;

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_masked() {
        let mask = Mask::default();
        mask.hide("p@ss\"word");
        for form in ["p@ss\"word", "p%40ss%22word", "p@ss\\\"word"] {
            assert_eq!(mask.apply(&format!("a {form} b")), "a *** b");
        }
    }

    #[test]
    fn the_longer_secret_wins_and_short_ones_are_left() {
        let mask = Mask::default();
        mask.hide("abcd");
        mask.hide("abcdefgh");
        mask.hide("a");
        assert_eq!(mask.apply("abcdefgh a abcd"), "*** a ***");
    }

    #[test]
    fn a_secret_that_was_wrapped_or_cut_off_is_masked() {
        let mask = Mask::default();
        mask.hide("correct horse battery");
        let cases = [
            ("a correct horse battery b", "a *** b"),
            ("a correct horse\n      battery b", "a *** b"),
            ("a correct\thorse  battery b", "a *** b"),
            (
                "got \"correct horse b…\" (90 characters)",
                "got \"***…\" (90 characters)",
            ),
            ("got \"correct horse…\"", "got \"***…\""),
            ("got \"cor…\"", "got \"cor…\""),
            ("correct horses", "correct horses"),
            ("incorrect horse battery", "in***"),
        ];
        for (text, masked) in cases {
            assert_eq!(mask.apply(text), masked);
        }
    }

    #[test]
    fn the_places_of_secrets_are_found() {
        let mask = Mask::default();
        mask.hide("canary");
        assert_eq!(mask.find("a canary, canary"), [2..8, 10..16]);
        assert!(mask.find("none").is_empty());
    }

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", Secret::new("canary")), "Secret(***)");
    }
}
