//! What a TLS error says, in words that name the remedy: expired, unknown issuer, wrong name.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};

use super::dial;
use super::tls::NotPinned;
use crate::quantity::human;
use crate::sample::{Fault, Reason};

/// The fault that an error of the handshake with `host` stands for.
#[must_use]
pub fn of_handshake(error: &io::Error, host: &str) -> Fault {
    inside(error).map_or_else(
        || dial::fault(error, &format!("negotiating TLS with {host}")),
        |error| of_session(error, host),
    )
}

/// The TLS error inside an I/O error, if there is one.
#[must_use]
pub fn inside(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref::<Error>()
}

/// The fault that a TLS error met with `host` stands for.
#[must_use]
pub fn of_session(error: &Error, host: &str) -> Fault {
    match error {
        Error::InvalidCertificate(why) => {
            let detail = format!("certificate of {host} {}", certificate(why));
            let fault = Fault::new(Reason::Certificate, detail);
            match is_about_dates(why) {
                true => fault.dated(),
                false => fault,
            }
        }
        Error::InvalidMessage(_) => Fault::new(
            Reason::Tls,
            format!("{host} does not speak TLS on this port"),
        ),
        Error::FailedToGetRandomBytes | Error::FailedToGetCurrentTime => Fault::new(
            Reason::Exhausted,
            format!("our own machine could not negotiate TLS: {error}"),
        ),
        Error::AlertReceived(alert) => Fault::new(
            Reason::Tls,
            format!("{host} refused the TLS session: {}", refusal(*alert)),
        ),
        _ => Fault::new(Reason::Tls, format!("no TLS session with {host}: {error}")),
    }
}

/// Whether the certificate would be acceptable at another time.
const fn is_about_dates(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
    )
}

fn refusal(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::ProtocolVersion => {
            "it speaks neither TLS 1.2 nor TLS 1.3, and older ones are not safe".to_owned()
        }
        AlertDescription::HandshakeFailure => "no cipher suite suits both sides".to_owned(),
        AlertDescription::UnrecognisedName => "it does not know the name".to_owned(),
        AlertDescription::CertificateRequired => {
            "it asks for a client certificate (`tls.certificate`)".to_owned()
        }
        AlertDescription::UnknownCA => {
            "it knows no authority for our client certificate".to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => {
            format!("it does not accept our client certificate ({alert:?})")
        }
        AlertDescription::NoApplicationProtocol => {
            "it speaks none of the protocols that are offered (ALPN)".to_owned()
        }
        other => format!("{other:?}"),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired => "has expired".to_owned(),
        CertificateError::ExpiredContext { time, not_after } => {
            let ago = time.as_secs().saturating_sub(not_after.as_secs());
            let ago = human(std::time::Duration::from_secs(ago));
            format!("has expired {ago} ago")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "has an unknown issuer: neither the system nor `tls.ca` trusts it".to_owned()
        }
        CertificateError::NotValidForName => "is not valid for that name".to_owned(),
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names = if presented.is_empty() {
                "no name at all".to_owned()
            } else {
                names(presented)
            };
            let expected = expected.to_str();
            format!("is not valid for the name {expected}; it names {names}")
        }
        CertificateError::Revoked => "is revoked".to_owned(),
        CertificateError::BadSignature => {
            "has a bad signature; keys too short to be safe (RSA below 2048 bits) end here too"
                .to_owned()
        }
        CertificateError::BadEncoding => "cannot be read".to_owned(),
        CertificateError::Other(other) if other.0.is::<NotPinned>() => other.to_string(),
        // The usual way of making a self-signed certificate; rustls has no word of its own for it.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "is that of an authority and not of a server: self-signed, made with CA:TRUE; \
             make it with `-addext basicConstraints=CA:FALSE`"
                .to_owned()
        }
        other => format!("is not acceptable: {other}"),
    }
}

/// The first names, without the words that rustls puts around them.
fn names(presented: &[String]) -> String {
    let plain = |name: &String| -> String {
        name.trim_start_matches("DnsName(")
            .trim_start_matches("IpAddress(")
            .trim_matches(|c| c == ')' || c == '"')
            .to_owned()
    };
    let shown: Vec<String> = presented.iter().take(SHOWN).map(plain).collect();
    let rest = presented.len() - shown.len();
    let shown = shown.join(", ");
    if rest == 0 {
        shown
    } else {
        format!("{shown} and {rest} more")
    }
}

/// How many names of a certificate a message lists.
const SHOWN: usize = 3;
