//! The kind `tls`: the certificate that a port shows, and the session that comes about.
//!
//! It proves that a client which trusts what the check trusts can open a TLS session now: the chain
//! leads to a known authority, the dates and the name fit, a safe version and cipher are agreed on.
//! It tells for how many days that will stay so, also when the certificate is refused. Where the
//! protocol begins in the clear, it asks for TLS in that protocol's words (`starttls`).
//!
//! It does not prove that anything answers behind the session, that the certificate has not been
//! revoked, nor that a server which asks for a client certificate accepts ours: under TLS 1.3 it
//! says so only afterwards. A session is never resumed: a resumed one shows no certificate.

mod seen;
mod starttls;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::seen::Seen;
use self::starttls::Starttls;
use super::wire::address::place_name;
use super::wire::dial;
use super::wire::host_port::HostPort;
use super::wire::session::Facts;
use super::wire::tls::{READINGS, Tls, TlsSettings};
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::expect::{Undated, Unordered};
use crate::sample::Fault;

/// The kind `tls`.
#[derive(Clone, Copy, Debug)]
pub struct Certificate;

/// What a check of kind `tls` declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The host and the port, as `api.example.com:443`. Without a port: 443, or the usual one of
    /// the protocol that `starttls` names.
    pub address: HostPort,
    /// The protocol in whose words TLS is asked for, where the port begins in the clear. Without
    /// it, TLS begins with the first byte.
    #[serde(default)]
    pub starttls: Option<Starttls>,
    /// How the certificate is checked, and what we show of our own.
    #[serde(default)]
    pub tls: TlsSettings,
    /// What the certificate and the session must be besides acceptable.
    #[serde(default)]
    pub expect: Option<Expectation>,
}

/// What the certificate and the session must be. Each is judged only of a session that came about.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// For how many days the certificate must still be valid: `{ ge: 14 }`. A threshold on the
    /// reading of that name warns as well, at two levels.
    #[serde(default)]
    pub cert_days: Option<Undated>,
    /// The same for the first of all certificates that are shown to expire.
    #[serde(default)]
    pub chain_days: Option<Undated>,
    /// The names for which the certificate is valid (subject alternative names: hosts in lower
    /// case, addresses): a list in any order, or `{ contains: api.example.com }`.
    #[serde(default)]
    pub names: Option<Unordered>,
    /// Who the certificate is of, as `CN=api.example.com, O=Example`.
    #[serde(default)]
    pub subject: Option<Undated>,
    /// Who has signed it, as `C=US, O=Let's Encrypt, CN=R11`.
    #[serde(default)]
    pub issuer: Option<Undated>,
    /// The version that is agreed on: `TLSv1.3` or `TLSv1.2`.
    #[serde(default)]
    pub version: Option<Undated>,
    /// The cipher suite that is agreed on, as `TLS13_AES_256_GCM_SHA384`.
    #[serde(default)]
    pub cipher: Option<Undated>,
}

struct CertificateProbe {
    host: String,
    port: u16,
    starttls: Option<Starttls>,
    tls: Tls,
    expected: Expectation,
}

impl Kind for Certificate {
    const NAME: &'static str = "tls";
    const SUMMARY: &'static str =
        "a port shows a certificate that is acceptable, and for how long it is valid";
    const READINGS: Readings = Readings {
        named: &[
            READINGS[0],
            READINGS[1],
            READINGS[2],
            READINGS[3],
            seen::CHAIN_LENGTH,
        ],
        open: false,
    };
    const OBSERVES: bool = true;
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if settings.tls.resume {
            misfits.push(
                Misfit::at(&["tls", "resume"], "a resumed session shows no certificate")
                    .hint("leave `resume` out"),
            );
        }
        if settings.expect == Some(Expectation::default()) {
            let hint = "leave `expect` out: that the certificate is acceptable is always expected";
            misfits.push(Misfit::at(&["expect"], "nothing is expected").hint(hint));
        }
        let host = settings.address.host;
        let tls = Tls::new(&settings.tls, surroundings).map_err(|more| misfits.extend(more));
        let Some(tls) = tls.ok().filter(|_| misfits.is_empty()) else {
            return Err(misfits);
        };
        tls.server_name(&host)
            .map_err(|fault| vec![Misfit::at(&["address"], fault.detail)])?;
        tls.prepare();
        let usual = settings.starttls.map_or(HTTPS, Starttls::usual_port);
        Ok(Box::new(CertificateProbe {
            host,
            port: settings.address.port.unwrap_or(usual),
            starttls: settings.starttls,
            tls,
            expected: settings.expect.unwrap_or_default(),
        }))
    }
}

/// The port of HTTPS, where most certificates are.
const HTTPS: u16 = 443;

#[async_trait]
impl Probe for CertificateProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let mut stream = dial::tcp(attempt, &self.host, self.port).await?;
        let mut facts = Facts::of(&stream);
        if let Some(starttls) = self.starttls {
            starttls.ask(attempt, &mut stream, &self.host).await?;
        }
        let (stream, session) = self.tls.connect(attempt, stream, &self.host).await?;
        attempt.stop();
        facts.tls = Some(session);
        self.tls.over(attempt, &facts, false);
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let seen = Seen::of(shown, &session, &self.host)?;
        seen.report(attempt);
        attempt.observe(|| Some(seen.in_words()));
        seen.judge(&self.expected, attempt.wall())
    }

    fn target(&self) -> Option<Target> {
        Some(Target {
            name: place_name("tls", &self.host, self.port).into(),
            at_once: None,
        })
    }
}
