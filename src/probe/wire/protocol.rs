//! Which version of HTTP is spoken, and what is therefore offered to a target over TLS (ALPN,
//! RFC 7301). Over plain TCP there is nothing to negotiate: it is HTTP/1.1, or HTTP/2 where the
//! user knows that the target speaks it (RFC 9113, section 3.3).
//!
//! HTTP/3 is not spoken: see ARCHITECTURE.md.

use schemars::JsonSchema;

use crate::sample::{Fault, Reason};

/// Which version of HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HttpProtocol {
    /// HTTP/2 where the target takes it over TLS, else HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only: over TLS a target that does not take it is a failure; without TLS it is spoken
    /// without asking ("prior knowledge").
    Http2,
}

/// What is offered to a target over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Nothing: the protocol goes without saying.
    Nothing,
    /// A version of HTTP.
    Http(HttpProtocol),
}

impl HttpProtocol {
    /// Whether HTTP/2 is spoken over a connection on which the target `chose` a protocol by ALPN,
    /// or none; absent without TLS.
    ///
    /// # Errors
    /// [`Reason::Tls`] when HTTP/2 is declared and not what the target at `host` chose.
    pub fn is_two(self, over_tls: Option<Option<&[u8]>>, host: &str) -> Result<bool, Fault> {
        match over_tls {
            None => Ok(self == Self::Http2),
            Some(chosen) if chosen == Some(HTTP_2) => Ok(true),
            Some(_) if self == Self::Http2 => {
                let detail = format!(
                    "{host} does not take HTTP/2 (`h2` by ALPN), and the check declares `protocol: http2`"
                );
                Err(Fault::new(Reason::Tls, detail))
            }
            Some(_) => Ok(false),
        }
    }
}

impl Offer {
    /// All offers, each at its own place.
    pub const ALL: [Self; 4] = [
        Self::Nothing,
        Self::Http(HttpProtocol::Auto),
        Self::Http(HttpProtocol::Http1),
        Self::Http(HttpProtocol::Http2),
    ];

    /// Where in [`Offer::ALL`] this one is.
    #[must_use]
    pub const fn place(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Http(HttpProtocol::Auto) => 1,
            Self::Http(HttpProtocol::Http1) => 2,
            Self::Http(HttpProtocol::Http2) => 3,
        }
    }

    /// The names of the protocols, the preferred one first.
    #[must_use]
    pub const fn names(self) -> &'static [&'static [u8]] {
        match self {
            Self::Nothing => &[],
            Self::Http(HttpProtocol::Auto) => &[HTTP_2, HTTP_1],
            Self::Http(HttpProtocol::Http1) => &[HTTP_1],
            Self::Http(HttpProtocol::Http2) => &[HTTP_2],
        }
    }
}

const HTTP_1: &[u8] = b"http/1.1";
const HTTP_2: &[u8] = b"h2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offer_has_its_own_place() {
        for (place, offer) in Offer::ALL.into_iter().enumerate() {
            assert_eq!(offer.place(), place, "{offer:?}");
        }
    }

    #[test]
    fn what_is_spoken_follows_from_what_is_declared_and_what_the_target_chose() {
        use HttpProtocol::{Auto, Http1, Http2};
        // declared, chosen over TLS, whether it is HTTP/2; none for a fault
        for (declared, chosen, two) in [
            (Auto, None, Some(false)),
            (Http1, None, Some(false)),
            (Http2, None, Some(true)),
            (Auto, Some(Some(HTTP_2)), Some(true)),
            (Auto, Some(Some(HTTP_1)), Some(false)),
            (Auto, Some(None), Some(false)),
            (Http1, Some(None), Some(false)),
            (Http2, Some(Some(HTTP_2)), Some(true)),
            (Http2, Some(Some(HTTP_1)), None),
            (Http2, Some(None), None),
        ] {
            let found = declared.is_two(chosen, "api.test");
            assert_eq!(found.as_ref().ok().copied(), two, "{declared:?} {chosen:?}");
            if let Err(fault) = found {
                assert_eq!(fault.reason, Reason::Tls);
            }
        }
    }
}
