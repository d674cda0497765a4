//! TLS to a target: the settings that every kind shares, the session, and what a refusal means.
//!
//! One stack for the whole project: rustls with aws-lc-rs, passed explicitly, so that nothing
//! depends on what the process installed as its default. Sessions are never resumed: each fresh
//! connection sees the whole handshake and the certificate of the day.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::{resolve, tls_fault, unverified};
use crate::clock::WallTime;
use crate::probe::{Attempt, Misfit, Surroundings};
use crate::sample::{Fault, Phase, Reason};

/// How the target's certificate is checked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct TlsSettings {
    /// A PEM file with the authorities to trust instead of the system's; relative to this file.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// Whether the certificate must be valid for the host. Switch it off only where nothing else
    /// helps: anybody may then answer in the target's place.
    #[serde(default = "yes")]
    pub verify: bool,
    /// The name to ask for and to expect in the certificate, where it is not the host's.
    #[serde(default)]
    pub server_name: Option<String>,
}

const fn yes() -> bool {
    true
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            ca: None,
            verify: true,
            server_name: None,
        }
    }
}

/// What is needed to open TLS sessions for one check. Clones share it.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl Tls {
    /// Reads the authorities and checks the settings. A file is read here, once, not at each run.
    ///
    /// # Errors
    /// A [`Misfit`] below `tls` for a CA file that cannot be used and for a name that is none.
    pub fn new(settings: &TlsSettings, surroundings: &Surroundings) -> Result<Self, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let server_name = settings.server_name.as_ref().and_then(|name| {
            let parsed = ServerName::try_from(name.clone());
            parsed
                .map_err(|_| {
                    let message = format!("`{name}` is not a host name");
                    misfits.push(Misfit::at(&["tls", "server_name"], message));
                })
                .ok()
        });
        let config = match (&settings.ca, settings.verify) {
            (_, false) => Ok(Arc::clone(&UNVERIFIED)),
            (None, true) => Ok(Arc::clone(&SYSTEM)),
            (Some(file), true) => roots_of(&surroundings.folder.join(file))
                .map(|roots| Arc::new(trusting(roots)))
                .map_err(|message| Misfit::at(&["tls", "ca"], message)),
        };
        match config {
            Ok(config) if misfits.is_empty() => Ok(Self {
                config,
                server_name,
            }),
            Ok(_) => Err(misfits),
            Err(misfit) => {
                misfits.push(misfit);
                Err(misfits)
            }
        }
    }

    /// The settings of the session, for clients that open it themselves.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// The name to ask for at `host`: the declared one, else the host itself.
    ///
    /// # Errors
    /// [`Reason::Tls`] when the host cannot be a name in a certificate.
    pub fn server_name(&self, host: &str) -> Result<ServerName<'static>, Fault> {
        if let Some(name) = &self.server_name {
            return Ok(name.clone());
        }
        ServerName::try_from(resolve::bare(host).to_owned())
            .map_err(|_| Fault::new(Reason::Tls, format!("`{host}` cannot be in a certificate")))
    }

    /// Opens a session over `stream`; enters [`Phase::Tls`].
    ///
    /// `alpn` lists the protocols to offer, the preferred one first; an empty list offers none.
    ///
    /// # Errors
    /// [`Reason::Certificate`] when the certificate is not acceptable, [`Reason::Tls`] when no
    /// session comes about for another reason, else what the connection met.
    pub async fn connect(
        &self,
        attempt: &mut Attempt,
        stream: TcpStream,
        host: &str,
        alpn: &[&[u8]],
    ) -> Result<TlsStream<TcpStream>, Fault> {
        attempt.enter(Phase::Tls);
        let name = self.server_name(host)?;
        let config = if alpn.is_empty() {
            self.config()
        } else {
            let mut config = ClientConfig::clone(&self.config);
            config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
            Arc::new(config)
        };
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| tls_fault::of_handshake(&error, host))
    }
}

/// How many days the leaf certificate of a session is still valid; negative when it has expired,
/// absent when it cannot be read.
#[must_use]
pub fn cert_days<S>(stream: &TlsStream<S>, wall: WallTime) -> Option<f64> {
    let leaf = stream.get_ref().1.peer_certificates()?.first()?;
    days_left(leaf, wall)
}

/// How many days a certificate is still valid at `wall`.
#[must_use]
pub fn days_left(certificate: &CertificateDer<'_>, wall: WallTime) -> Option<f64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let not_after = parsed.validity().not_after.timestamp();
    let seconds_left = not_after.checked_sub(i64::try_from(wall.unix().as_secs()).ok()?)?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a date within 100,000 years is exact in a float"
    )]
    let seconds_left = seconds_left as f64;
    Some(seconds_left / SECONDS_A_DAY)
}

const SECONDS_A_DAY: f64 = 86_400.0;

/// Trusts what the operating system trusts; shared by all checks that ask for nothing else.
static SYSTEM: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| Arc::new(trusting(system_roots())));

/// Trusts whoever answers; shared by all checks that ask for it.
static UNVERIFIED: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let provider = provider();
    let verifier = Arc::new(unverified::AcceptsAnyName::new(&provider));
    let config = versions(provider)
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Arc::new(never_resuming(config))
});

fn trusting(roots: RootCertStore) -> ClientConfig {
    let config = versions(provider())
        .with_root_certificates(roots)
        .with_no_client_auth();
    never_resuming(config)
}

fn never_resuming(mut config: ClientConfig) -> ClientConfig {
    config.resumption = rustls::client::Resumption::disabled();
    config
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn versions(
    provider: Arc<CryptoProvider>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has cipher suites for TLS 1.2 and 1.3: both are compiled in")
}

/// The system's authorities; where it has none (an image without a bundle), Mozilla's.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let (usable, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn roots_of(file: &Path) -> Result<RootCertStore, String> {
    let shown = file.display();
    let certificates = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("cannot read certificates from {shown}: {error}"))?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(certificate)
            .map_err(|error| format!("a certificate in {shown} cannot be used: {error}"))?;
    }
    if roots.is_empty() {
        return Err(format!("there is no certificate in {shown}"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misfit_of(settings: &TlsSettings, folder: &Path) -> Vec<Misfit> {
        let surroundings = Surroundings {
            folder: folder.to_owned(),
        };
        Tls::new(settings, &surroundings).unwrap_err()
    }

    #[test]
    fn a_ca_file_that_cannot_be_used_is_named_at_load() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("empty.pem"), "no certificate").unwrap();
        for (file, message) in [
            ("missing.pem", "cannot read certificates from"),
            ("empty.pem", "there is no certificate in"),
        ] {
            let settings = TlsSettings {
                ca: Some(file.into()),
                ..TlsSettings::default()
            };
            let misfits = misfit_of(&settings, folder.path());
            assert_eq!(misfits.len(), 1, "{misfits:?}");
            assert_eq!(misfits[0].path, ["tls", "ca"]);
            assert!(misfits[0].message.starts_with(message), "{misfits:?}");
        }
    }

    #[test]
    fn all_misfits_are_named_at_once() {
        let settings = TlsSettings {
            ca: Some("missing.pem".into()),
            verify: true,
            server_name: Some("not a name".to_owned()),
        };
        assert_eq!(misfit_of(&settings, Path::new("/nowhere")).len(), 2);
    }
}
