//! Pins: the keys that a server may have, named by the SHA-256 of what their certificates say of
//! them (`SubjectPublicKeyInfo`, RFC 7469, section 2.4). A certificate may be renewed and keep its
//! key, and so its pin.
//!
//! Read from settings at load, compared by [`super::verifier`] at each handshake.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::server::ParsedCertificate;
use rustls_pki_types::CertificateDer;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

/// The SHA-256 of a public key as certificates carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin([u8; DIGEST]);

/// How many bytes SHA-256 gives.
const DIGEST: usize = 32;

impl Pin {
    /// Reads `sha256/BASE64`, or 64 hex digits; absent for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digest = match text.strip_prefix("sha256/") {
            Some(encoded) => STANDARD.decode(encoded).ok()?,
            None => of_hex(text)?,
        };
        digest.try_into().ok().map(Self)
    }

    /// The pin of a certificate.
    ///
    /// # Errors
    /// [`rustls::Error`] for a certificate that cannot be read. It is read by the code that then
    /// checks the handshake's signature with the same key, so that the two never see two keys.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, rustls::Error> {
        let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
        let digest = sha256(&key).ok_or_else(|| {
            rustls::Error::General("this build has no SHA-256, which pins are made of".to_owned())
        })?;
        Ok(Self(digest))
    }
}

/// The hash of a cipher suite that is compiled in is a hash for everyone: no other crate is needed.
fn sha256(bytes: &[u8]) -> Option<[u8; DIGEST]> {
    let SupportedCipherSuite::Tls13(suite) = TLS13_AES_128_GCM_SHA256 else {
        return None;
    };
    let digest = suite.common.hash_provider.hash(bytes);
    digest.as_ref().try_into().ok()
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 2 * DIGEST || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("`{text}` is no pin; {FORM}")))
    }
}

/// What a pin looks like.
const FORM: &str = "write sha256/ and the 44 characters of a SHA-256 in base64, or its 64 hex \
                    digits, of the key (SubjectPublicKeyInfo) and not of the certificate";

/// The pins of a check: one, or several so that a key can be changed; empty where none is declared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins(Vec<Pin>);

impl Pins {
    /// None at all.
    pub const NONE: Self = Self(Vec::new());

    /// Whether none is declared.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is this.
    #[must_use]
    pub fn contains(&self, pin: &Pin) -> bool {
        self.0.contains(pin)
    }
}

impl<'de> Deserialize<'de> for Pins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Pins;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a pin or a list of pins")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Pins, E> {
                let text = de::value::StrDeserializer::new(text);
                Pin::deserialize(text).map(|pin| Pins(vec![pin]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Pins, A::Error> {
                let mut pins = Vec::new();
                while let Some(pin) = items.next_element()? {
                    pins.push(pin);
                }
                if pins.is_empty() {
                    return Err(de::Error::custom(
                        "an empty list pins nothing; write a pin, or leave `pin` out",
                    ));
                }
                Ok(Pins(pins))
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

impl JsonSchema for Pins {
    fn schema_name() -> Cow<'static, str> {
        "Pins".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let pin = json_schema!({
            "type": "string",
            "examples": ["sha256/YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg="]
        });
        json_schema!({
            "description": "The SHA-256 of a public key (SubjectPublicKeyInfo), as sha256/BASE64 \
                            or 64 hex digits; one, or a list of those that will do.",
            "anyOf": [pin, { "type": "array", "items": pin, "minItems": 1 }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pin of the digest 0x00, 0x01, … 0x1f.
    const COUNTING: &str = "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn both_forms_mean_the_same_pin() {
        let hex = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
        let pin = Pin::parse(hex).unwrap();
        assert_eq!(Pin::parse(COUNTING), Some(pin));
        assert_eq!(pin.to_string(), COUNTING);
    }

    #[test]
    fn what_is_no_sha256_is_no_pin() {
        for text in [
            "",
            "sha256/",
            "sha256/AAEC",
            "sha256//AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "sha1/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "00:01:02:03",
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
            "é00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e",
        ] {
            assert_eq!(Pin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn one_or_several_are_read_and_none_is_refused() {
        let read = |json: serde_json::Value| serde_json::from_value::<Pins>(json);
        let pin = Pin::parse(COUNTING).unwrap();
        let one = read(serde_json::json!(COUNTING)).unwrap();
        assert!(one.contains(&pin) && !one.is_empty());
        let several = read(serde_json::json!(["0".repeat(64), COUNTING])).unwrap();
        assert!(several.contains(&pin));
        assert!(read(serde_json::json!([])).is_err());
        assert!(read(serde_json::json!({ "sha256": COUNTING })).is_err());
    }

    #[test]
    fn the_pin_of_a_certificate_is_the_hash_of_its_key() {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let expected = sha256(&rcgen::PublicKeyData::subject_public_key_info(&key)).unwrap();
        assert_eq!(Pin::of(certificate.der()), Ok(Pin(expected)));
        assert!(Pin::of(&CertificateDer::from(vec![0x30])).is_err());
    }

    /// RFC 6234, section 8.5: the digest of `abc`.
    #[test]
    fn the_hash_is_sha_256() {
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Pin::parse(digest), sha256(b"abc").map(Pin));
    }
}
