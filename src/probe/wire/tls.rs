//! TLS to a target: the session, what it tells, and what a refusal means. What the user can say of
//! it is in `settings`.
//!
//! One stack for the whole project: rustls with aws-lc-rs. Sessions are resumed only where a check
//! declares it: else each fresh connection sees the whole handshake and the certificate of the day.

pub mod binding;
mod identity;
mod pin;
mod settings;
mod trust;
mod validity;
mod verifier;
mod witness;

use std::sync::Arc;

use rustls::{ClientConfig, HandshakeKind, ProtocolVersion};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::trust::Trust;
use super::protocol::{HttpProtocol, Offer};
use super::session::{Facts, Sessions};
use super::{resolve, tls_fault};
use crate::probe::{Attempt, Misfit, Surroundings};
use crate::sample::{Fault, Phase, Reason, Unit};

pub use self::pin::{Pin, Pins};
pub use self::settings::TlsSettings;
pub use self::validity::{Validity, days_left};
pub use self::verifier::NotPinned;
pub use self::witness::witnessed;

/// What is needed to open sessions for one check, and the sessions that it met. Clones share it.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Terms>);

#[derive(Debug)]
struct Terms {
    trust: Arc<Trust>,
    server_name: Option<Box<ServerName<'static>>>,
    offer: Offer,
    met: Sessions,
}

impl Tls {
    /// Reads the files and checks the settings, once and not at each run. For a protocol that is
    /// not negotiated.
    ///
    /// # Errors
    /// A [`Misfit`] below `tls` for every setting that cannot work.
    pub fn new(settings: &TlsSettings, surroundings: &Surroundings) -> Result<Self, Vec<Misfit>> {
        Self::offering(Offer::Nothing, settings, surroundings)
    }

    /// The same for HTTP, whose version is negotiated.
    ///
    /// # Errors
    /// As [`Tls::new`].
    pub fn for_http(
        protocol: HttpProtocol,
        settings: &TlsSettings,
        surroundings: &Surroundings,
    ) -> Result<Self, Vec<Misfit>> {
        Self::offering(Offer::Http(protocol), settings, surroundings)
    }

    fn offering(
        offer: Offer,
        settings: &TlsSettings,
        surroundings: &Surroundings,
    ) -> Result<Self, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let server_name = settings.server_name.as_ref().map(|name| {
            ServerName::try_from(name.clone()).map_err(|_| {
                let message = format!("`{name}` is not a host name");
                misfits.push(Misfit::at(&["tls", "server_name"], message));
            })
        });
        let trust = Trust::read(settings, surroundings).map_err(|more| misfits.extend(more));
        match (server_name.transpose(), trust) {
            (Ok(server_name), Ok(trust)) => Ok(Self(Arc::new(Terms {
                trust,
                server_name: server_name.map(Box::new),
                offer,
                met: Sessions::default(),
            }))),
            _ => Err(misfits),
        }
    }

    /// Makes ready now what the first session needs, the system's authorities above all: for a
    /// target of which it is known that it speaks TLS, so that no run has to wait for it.
    pub fn prepare(&self) {
        self.0.trust.config(self.0.offer);
    }

    /// The settings of the session, for clients that open it themselves.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(self.0.trust.config(self.0.offer))
    }

    /// Which version of HTTP is spoken.
    #[must_use]
    pub fn http_protocol(&self) -> HttpProtocol {
        match self.0.offer {
            Offer::Http(protocol) => protocol,
            Offer::Nothing => HttpProtocol::Http1,
        }
    }

    /// Says over what a run of this check talks.
    pub fn over(&self, attempt: &mut Attempt, facts: &Facts, reused: bool) {
        attempt.over(self.0.met.share(facts, reused));
    }

    /// The name to ask for at `host`: the declared one, else the host itself.
    ///
    /// # Errors
    /// [`Reason::Tls`] when the host cannot be a name in a certificate.
    pub fn server_name(&self, host: &str) -> Result<ServerName<'static>, Fault> {
        if let Some(name) = &self.0.server_name {
            return Ok(ServerName::clone(name));
        }
        ServerName::try_from(resolve::bare(host).to_owned())
            .map_err(|_| Fault::new(Reason::Tls, format!("`{host}` cannot be in a certificate")))
    }

    /// Opens a session over `stream`; enters [`Phase::Tls`]. Tells the attempt what the server
    /// showed of itself, also when that is refused: `cert_days`, `chain_days`; and what came about:
    /// `tls_version`, `tls_resumed`.
    ///
    /// # Errors
    /// [`Reason::Certificate`] when the certificate is not acceptable, [`Reason::Tls`] when no
    /// session comes about for another reason, else what the connection met.
    pub async fn connect(
        &self,
        attempt: &mut Attempt,
        stream: TcpStream,
        host: &str,
    ) -> Result<(TlsStream<TcpStream>, TlsFacts), Fault> {
        let name = self.server_name(host)?;
        let connector = TlsConnector::from(self.config());
        attempt.enter(Phase::Tls);
        let (opened, shown) = witnessed(attempt, connector.connect(name, stream)).await;
        let opened = opened.map_err(|error| tls_fault::of_handshake(&error, host))?;
        let facts = TlsFacts::of(opened.get_ref().1, shown);
        facts.report(attempt);
        Ok((opened, facts))
    }
}

/// What a TLS session is, as long as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// The version: `TLSv1.3`.
    pub version: &'static str,
    /// The cipher suite: `TLS13_AES_256_GCM_SHA384`.
    pub cipher: &'static str,
    /// Whether an earlier session was resumed, so that no certificate was shown.
    pub resumed: bool,
    /// How long the certificates that were shown are valid.
    pub shown: Option<Validity>,
}

impl TlsFacts {
    /// The facts of an open session in which the server showed this.
    #[must_use]
    pub fn of(session: &rustls::ClientConnection, shown: Option<Validity>) -> Self {
        let version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => TLS_1_3,
            Some(ProtocolVersion::TLSv1_2) => TLS_1_2,
            _ => UNKNOWN,
        };
        let cipher = session.negotiated_cipher_suite();
        Self {
            version,
            cipher: cipher
                .and_then(|cipher| cipher.suite().as_str())
                .unwrap_or(UNKNOWN),
            resumed: session.handshake_kind() == Some(HandshakeKind::Resumed),
            shown,
        }
    }

    /// Tells `attempt` the numbers of the session. For a kept connection again in each run: days
    /// pass, and its certificate is the one under which the run is answered.
    pub fn report(&self, attempt: &mut Attempt) {
        let version = match self.version {
            TLS_1_3 => Some(1.3),
            TLS_1_2 => Some(1.2),
            _ => None,
        };
        if let Some(version) = version {
            attempt.latest("tls_version", version, Unit::Number);
        }
        let resumed = if self.resumed { 1.0 } else { 0.0 };
        attempt.latest("tls_resumed", resumed, Unit::Number);
        if let Some(shown) = &self.shown {
            shown.report(attempt);
        }
    }

    /// A session, for tests.
    #[cfg(test)]
    pub const fn example() -> Self {
        Self {
            version: TLS_1_3,
            cipher: "TLS13_AES_256_GCM_SHA384",
            resumed: false,
            shown: None,
        }
    }
}

/// The readings of every kind that opens TLS sessions, with their meaning.
pub const READINGS: [(&str, Unit, &str); 4] = [
    (
        "cert_days",
        Unit::Days,
        "how long the certificate of the target is still valid, also when it is refused; negative \
         once it has expired",
    ),
    (
        "chain_days",
        Unit::Days,
        "how long the first of all certificates that the target shows to expire is still valid",
    ),
    (
        "tls_version",
        Unit::Number,
        "the version of TLS, 1.2 or 1.3",
    ),
    (
        "tls_resumed",
        Unit::Number,
        "1 when an earlier TLS session was resumed, 0 when not",
    ),
];

const TLS_1_3: &str = "TLSv1.3";
const TLS_1_2: &str = "TLSv1.2";
/// What the library should have said and did not.
const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests;
