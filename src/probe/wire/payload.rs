//! Bytes as a person writes them: a text as it stands, or hex digits. They may be a secret, so they
//! do not print themselves. Shared by the kinds that send what their checks say.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::secret::Mask;

/// Bytes to send or to wait for.
#[derive(Clone, PartialEq, Eq)]
pub enum Payload {
    /// A text as it stands.
    Text(String),
    /// What hex digits stand for.
    Bytes(Vec<u8>),
}

impl Payload {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Hides what is sent, line by line, and each of its words by itself: it may be a credential. A
    /// first word that looks like a command is left.
    pub fn hide(&self, mask: &Mask) {
        for line in String::from_utf8_lossy(self.bytes()).lines() {
            let mut words = line.split_whitespace().peekable();
            let command = words.next_if(|word| is_command(word));
            if command.is_none() || words.peek().is_some() {
                mask.hide(line.trim());
            }
            words.for_each(|word| mask.hide(word));
        }
        mask.hide(&hex(self.bytes()));
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload(***)")
    }
}

/// Whether a word may be a command of a protocol, a few letters and nothing else, or begins JSON, of
/// which whoever sends it hides what is a credential.
fn is_command(word: &str) -> bool {
    /// `CAPABILITIES` of NNTP is the longest that is in use.
    const LONGEST: usize = 12;
    let is_short = word.len() <= LONGEST;
    is_short && word.bytes().all(|byte| byte.is_ascii_alphabetic()) || word.starts_with(['{', '['])
}

/// The bytes of hex digits; white space between them means nothing, `0x` before them neither.
fn of_hex(text: &str) -> Option<Vec<u8>> {
    let text: String = text.split_whitespace().collect();
    let digits = text.strip_prefix("0x").unwrap_or(&text).as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok();
    digits.chunks_exact(2).map(byte).collect()
}

/// Bytes as hex digits in lower case, as they are compared and shown.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrHex;

        impl<'de> Visitor<'de> for TextOrHex {
            type Value = Payload;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or `{ hex: \"0d 0a\" }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Payload, E> {
                Ok(Payload::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
                let mut bytes = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != "hex" {
                        return Err(de::Error::unknown_field(&key, &["hex"]));
                    }
                    // The text may be a secret: the error does not repeat it.
                    bytes = Some(of_hex(&map.next_value::<String>()?).ok_or_else(|| {
                        de::Error::custom("not hex digits: write two for each byte, as \"0d 0a\"")
                    })?);
                }
                bytes
                    .map(Payload::Bytes)
                    .ok_or_else(|| de::Error::missing_field("hex"))
            }
        }

        deserializer.deserialize_any(TextOrHex)
    }
}

impl JsonSchema for Payload {
    fn schema_name() -> Cow<'static, str> {
        "Payload".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Bytes: a text as it stands, or hex digits.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": {
                        "hex": {
                            "type": "string",
                            "description": "Two hex digits for each byte; white space between them means nothing."
                        }
                    },
                    "required": ["hex"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_itself_and_hex_digits_for_their_bytes() {
        for (written, bytes) in [
            (r#""PING\r\n""#, Some(&b"PING\r\n"[..])),
            (r#"{"hex": "0d0A"}"#, Some(b"\r\n")),
            (r#"{"hex": " 0x00 ff\n10 "}"#, Some(b"\x00\xff\x10")),
            (r#"{"hex": "0"}"#, None),
            (r#"{"hex": "0g"}"#, None),
            (r#"{"hex": "+1"}"#, None),
            (r#"{"hex": "ä"}"#, None),
            (r#"{"hexa": "00"}"#, None),
            ("{}", None),
            ("5", None),
        ] {
            let read: Option<Payload> = serde_json::from_str(written).ok();
            assert_eq!(read.as_ref().map(Payload::bytes), bytes, "{written}");
        }
        assert_eq!(hex(b"\x00\xff\x10"), "00ff10");
    }

    #[test]
    fn every_word_of_what_is_sent_is_hidden_but_a_command() {
        for (sent, said, shown) in [
            ("PING\r\n", "PING?", "PING?"),
            ("AUTH canary-pass\r\n", "no AUTH canary-pass", "no ***"),
            ("AUTH canary-pass\r\n", "not canary-pass", "not ***"),
            ("c2VjcmV0canary\r\n", "bad c2VjcmV0canary", "bad ***"),
            (r#"{"n":1}"#, r#"{"n":1}"#, r#"{"n":1}"#),
            ("EHLO a.test\r\ncanary1\r\n", "bad canary1", "bad ***"),
        ] {
            let mask = Mask::default();
            Payload::Text(sent.to_owned()).hide(&mask);
            assert_eq!(mask.apply(said), shown, "{sent:?}");
        }
    }
}
