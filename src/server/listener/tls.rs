//! Our certificate and the authorities of clients, read from files and read again when these change.
//!
//! A new pair that cannot be used changes nothing and is told in the log: connections go on with the
//! one before.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::plan::server::TlsPlan;
use crate::server::shared::Shared;

/// Why certificates or keys cannot be used. Nothing of a key is ever shown.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is no PEM.
    #[error("cannot read {what} from {}: {cause}", file.display())]
    Unreadable {
        /// What was looked for.
        what: &'static str,
        /// Where.
        file: PathBuf,
        /// Why not.
        cause: String,
    },
    /// It can be read, and does not fit.
    #[error("the certificate in {} cannot be used: {cause}", file.display())]
    Unusable {
        /// Where.
        file: PathBuf,
        /// Why not.
        cause: rustls::Error,
    },
    /// No certificate of a client could be checked.
    #[error("the authorities in {} cannot be used: {cause}", file.display())]
    Authorities {
        /// Where.
        file: PathBuf,
        /// Why not.
        cause: String,
    },
}

/// The certificates in force.
#[derive(Debug)]
pub struct Certificates {
    config: watch::Sender<Arc<ServerConfig>>,
    files: Vec<Vec<u8>>,
}

/// How often it is looked whether a file has changed: certificates are renewed days before they end.
const LOOK: Duration = Duration::from_secs(10);

impl Certificates {
    /// Reads what the settings name. `is_needed` says whether a client must show a certificate, which
    /// it need not where it may show a token.
    ///
    /// # Errors
    /// When something cannot be used.
    pub fn read(tls: &TlsPlan, is_needed: bool) -> Result<Self, TlsError> {
        let config = config(tls, is_needed)?;
        Ok(Self {
            config: watch::Sender::new(config),
            files: contents(tls),
        })
    }

    /// What the next connection uses.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config.borrow())
    }

    /// Looks after the files until the server stops.
    pub fn keep(&self, shared: &Shared, stop: &CancellationToken) -> AbortOnDropHandle<()> {
        let (config, mut known) = (self.config.clone(), self.files.clone());
        let (shared, stop) = (shared.clone(), stop.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            while stop
                .run_until_cancelled(tokio::time::sleep(LOOK))
                .await
                .is_some()
            {
                let settings = shared.settings();
                let Some(tls) = settings.tls.clone() else {
                    continue;
                };
                let is_needed = settings.tokens.is_empty();
                let read = tokio::task::spawn_blocking(move || again(&tls, is_needed, known));
                known = match read.await {
                    Ok((seen, renewed)) => {
                        take(&config, renewed);
                        seen
                    }
                    Err(_) => return,
                };
            }
        }))
    }
}

/// What the files hold now, and what became of it where that is new.
type Again = (Vec<Vec<u8>>, Option<Result<Arc<ServerConfig>, TlsError>>);

fn again(tls: &TlsPlan, is_needed: bool, known: Vec<Vec<u8>>) -> Again {
    let seen = contents(tls);
    let renewed = (seen != known).then(|| self::config(tls, is_needed));
    (seen, renewed)
}

fn take(
    config: &watch::Sender<Arc<ServerConfig>>,
    renewed: Option<Result<Arc<ServerConfig>, TlsError>>,
) {
    match renewed {
        Some(Ok(renewed)) => {
            config.send_replace(renewed);
            tracing::info!("the server's certificate was read again");
        }
        Some(Err(error)) => {
            tracing::error!(%error, "the server's new certificate is not used");
        }
        None => {}
    }
}

/// The name of the client whose certificate was checked: its common name, else its first DNS name.
#[must_use]
pub fn name_of(session: &ServerConnection) -> Option<Arc<str>> {
    let shown = session.peer_certificates()?.first()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(shown).ok()?;
    let common = certificate.subject().iter_common_name().next();
    let name = common.and_then(|name| name.as_str().ok());
    Some(Arc::from(name.unwrap_or("a client certificate")))
}

fn contents(tls: &TlsPlan) -> Vec<Vec<u8>> {
    let files = [
        Some(&tls.certificate),
        Some(&tls.key),
        tls.client_ca.as_ref(),
    ];
    let files = files.into_iter().flatten();
    // A file that is gone is as good as an empty one here: reading it properly says why.
    files
        .map(|file| std::fs::read(file).unwrap_or_default())
        .collect()
}

fn config(tls: &TlsPlan, is_needed: bool) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let unusable = |cause| TlsError::Unusable {
        file: tls.certificate.clone(),
        cause,
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let refused = |cause: String| TlsError::Authorities {
                file: file.clone(),
                cause,
            };
            let mut roots = RootCertStore::empty();
            for authority in certificates(file, "the authorities of clients")? {
                roots
                    .add(authority)
                    .map_err(|error| refused(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let verifier = match is_needed {
                true => verifier,
                false => verifier.allow_unauthenticated(),
            };
            let verifier = verifier
                .build()
                .map_err(|error| refused(error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = certificates(&tls.certificate, "a certificate")?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|_| TlsError::Unreadable {
        what: "an unencrypted key",
        file: tls.key.clone(),
        // The parser's words could repeat a line of the file.
        cause: "it is missing, unreadable, encrypted or no PEM".to_owned(),
    })?;
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(file: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |cause: String| TlsError::Unreadable {
        what,
        file: file.to_owned(),
        cause,
    };
    let all = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable(error.to_string()))?;
    match all.is_empty() {
        true => Err(unreadable("there is none".to_owned())),
        false => Ok(all),
    }
}
