//! What a session showed: the names, dates and signer of the certificate. Reads what a stranger
//! sent; judges it against what the check declares. Called by the kind alone.

use std::net::{Ipv4Addr, Ipv6Addr};

use rustls_pki_types::CertificateDer;
use serde_json::Value;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;

use super::Expectation;
use crate::clock::WallTime;
use crate::expect::{Answer, Inquiry, Matcher};
use crate::probe::Attempt;
use crate::probe::wire::tls::{Pin, TlsFacts, days_left};
use crate::sample::{Fault, Reason, Unit};

/// The reading that this kind gives beside those of every TLS session.
pub const CHAIN_LENGTH: (&str, Unit, &str) = (
    "chain_length",
    Unit::Number,
    "how many certificates the target shows; 1 where those between it and the authority are missing",
);

/// What a session showed.
pub struct Seen<'a> {
    chain: &'a [CertificateDer<'a>],
    session: &'a TlsFacts,
    names: Vec<String>,
    subject: String,
    issuer: String,
    pin: String,
}

impl<'a> Seen<'a> {
    /// Reads the certificate of `host`.
    ///
    /// # Errors
    /// [`Reason::Malformed`] where there is none, or none that can be read: a session that nobody
    /// verifies takes that.
    pub fn of(
        chain: &'a [CertificateDer<'a>],
        session: &'a TlsFacts,
        host: &str,
    ) -> Result<Self, Fault> {
        let unreadable = || {
            let detail = format!("the certificate of {host} cannot be read");
            Fault::new(Reason::Malformed, detail)
        };
        let leaf = chain.first().ok_or_else(unreadable)?;
        let (_, parsed) = x509_parser::parse_x509_certificate(leaf).map_err(|_| unreadable())?;
        Ok(Self {
            chain,
            session,
            names: names(&parsed),
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            pin: Pin::of(leaf).map_err(|_| unreadable())?.to_string(),
        })
    }

    /// Reports the readings that the session itself does not.
    pub fn report(&self, attempt: &mut Attempt) {
        let (name, unit, _) = CHAIN_LENGTH;
        let length = u32::try_from(self.chain.len()).map_or(f64::INFINITY, f64::from);
        attempt.reading(name, length, unit);
    }

    /// Whose key it is, who signed it and for which names: what stays the same until it is renewed
    /// with another key.
    pub fn in_words(&self) -> String {
        let names = self.names.join(", ");
        format!("{}; issued by {}; for {names}", self.pin, self.issuer)
    }

    /// Compares with what is expected.
    ///
    /// # Errors
    /// [`Reason::Expectation`] with the first that does not hold, and how many come after it. What
    /// does not depend on the clock is asked first.
    pub fn judge(&self, expected: &Expectation, now: WallTime) -> Result<(), Fault> {
        let mut inquiry = Inquiry::default();
        if let Some(matcher) = &expected.names {
            inquiry.ask(|| {
                let mismatch = matcher.judge(&self.names).mismatch()?;
                Some(format!("names: {mismatch}"))
            });
        }
        let texts = [
            ("subject", &expected.subject, self.subject.as_str()),
            ("issuer", &expected.issuer, &self.issuer),
            ("version", &expected.version, self.session.version),
            ("cipher", &expected.cipher, self.session.cipher),
        ];
        for (what, matcher, text) in texts {
            if let Some(matcher) = matcher {
                inquiry.ask_of(what, matcher, |matcher, _| matcher.judge_text(text));
            }
        }
        let days = |certificates: &[CertificateDer<'_>]| {
            let days = certificates.iter().filter_map(|one| days_left(one, now));
            days.min_by(f64::total_cmp)
        };
        let dated = [
            ("cert_days", &expected.cert_days, &self.chain[..1]),
            ("chain_days", &expected.chain_days, self.chain),
        ];
        for (what, matcher, certificates) in dated {
            if let Some(matcher) = matcher {
                inquiry.ask_dated(|| {
                    let mismatch = number(matcher, days(certificates)).mismatch()?;
                    Some(format!("{what}: {mismatch}"))
                });
            }
        }
        inquiry.end()
    }
}

/// Days as people compare them: to the hundredth, which is a quarter of an hour.
fn number(matcher: &Matcher, days: Option<f64>) -> Answer {
    match days {
        Some(days) => matcher.judge(&Value::from((days * 100.0).round() / 100.0)),
        None => matcher.judge_absent(),
    }
}

/// The subject alternative names that are hosts or addresses; what else may stand there names no
/// server.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let extension = certificate.subject_alternative_name().ok().flatten();
    let names = extension.iter().flat_map(|one| &one.value.general_names);
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    };
    names.filter_map(name).take(MOST_NAMES).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).to_string());
    }
    let six = <[u8; 16]>::try_from(bytes).ok()?;
    Some(Ipv6Addr::from(six).to_string())
}

/// How many names are read: public authorities allow a hundred in one certificate.
const MOST_NAMES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A certificate for two names and an address, valid until 2030-01-10.
    fn certificate() -> CertificateDer<'static> {
        let names = ["B.test", "a.test", "192.0.2.7"].map(str::to_owned);
        let mut params = rcgen::CertificateParams::new(names.to_vec()).unwrap();
        params.not_after = rcgen::date_time_ymd(2030, 1, 10);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Somebody");
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().clone()
    }

    fn judged(expected: &str) -> Result<(), Fault> {
        let chain = [certificate()];
        let session = TlsFacts::example();
        let seen = Seen::of(&chain, &session, "a.test")?;
        let three_days_before = Duration::from_secs(1_894_233_600 - 3 * 86_400);
        let now = WallTime::since_unix_epoch(three_days_before);
        seen.judge(&serde_json::from_str(expected).unwrap(), now)
    }

    #[test]
    fn each_expectation_is_judged_of_its_own_part() {
        for holds in [
            r#"{"cert_days": {"ge": 3}, "chain_days": {"lt": 4}}"#,
            r#"{"names": ["192.0.2.7", "a.test", "b.test"]}"#,
            r#"{"names": {"contains": "b.test"}}"#,
            r#"{"subject": {"contains": "CN=Somebody"}, "issuer": {"contains": "CN=Somebody"}}"#,
            r#"{"version": "TLSv1.3", "cipher": {"contains": "AES_256"}}"#,
        ] {
            assert!(judged(holds).is_ok(), "{holds}: {:?}", judged(holds));
        }
        for (fails, detail, dated) in [
            (
                r#"{"cert_days": {"ge": 14}}"#,
                "cert_days: expected { ge: 14 }, got 3",
                true,
            ),
            (
                r#"{"chain_days": {"ge": 14}}"#,
                "chain_days: expected { ge: 14 }, got 3",
                true,
            ),
            (
                r#"{"names": {"contains": "c.test"}}"#,
                "names: expected { contains: \"c.test\" }",
                false,
            ),
            (
                r#"{"version": "TLSv1.2"}"#,
                "version: expected \"TLSv1.2\", got \"TLSv1.3\"",
                false,
            ),
            (
                r#"{"cert_days": {"ge": 14}, "cipher": "x"}"#,
                "(1 more not evaluated)",
                false,
            ),
        ] {
            let fault = judged(fails).unwrap_err();
            assert_eq!(fault.reason, Reason::Expectation);
            assert!(fault.detail.contains(detail), "{}", fault.detail);
            assert_eq!(fault.dated, dated, "{}", fault.detail);
        }
    }

    #[test]
    fn what_is_no_certificate_is_called_so_and_nothing_panics() {
        let session = TlsFacts::example();
        let junk = [CertificateDer::from(vec![0x30, 0x82, 0xff])];
        for chain in [&junk[..], &[]] {
            let fault = Seen::of(chain, &session, "a.test").map(|_| ()).unwrap_err();
            assert_eq!(fault.reason, Reason::Malformed);
        }
    }
}
