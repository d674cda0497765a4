//! Whom a check trusts and what it shows of itself, and the client settings made of that: once for
//! each list of protocols, and once for all checks that ask for nothing special.
//!
//! The system's authorities are some hundred certificates: they are read when the first `https`
//! target is met, and not at the start of a program that may meet none.

use std::path::Path;
use std::sync::{Arc, LazyLock, OnceLock};

use rustls::client::{ResolvesClientCert, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};

use super::super::protocol::Offer;
use super::identity;
use super::pin::Pins;
use super::settings::TlsSettings;
use super::verifier::Verifier;
use crate::probe::{Misfit, Surroundings};

/// Whom a check trusts, and what it shows of itself.
#[derive(Debug)]
pub struct Trust {
    authorities: Authorities,
    pins: Pins,
    identity: Option<Arc<dyn ResolvesClientCert>>,
    resumes: bool,
    /// Where handshakes are verified; one for all offers, since a session may only be resumed
    /// under the verifier that accepted it.
    verifier: OnceLock<Arc<Verifier>>,
    configs: [OnceLock<Arc<ClientConfig>>; Offer::ALL.len()],
}

/// Who must vouch for a certificate.
#[derive(Debug)]
enum Authorities {
    System,
    Declared(Arc<RootCertStore>),
    Nobody,
}

impl Trust {
    /// Reads the files that the settings name. The same trust is shared by all checks that ask for
    /// nothing but the system's authorities, and by all that ask for none.
    ///
    /// # Errors
    /// A [`Misfit`] below `tls` for every setting that cannot work.
    pub fn read(
        settings: &TlsSettings,
        surroundings: &Surroundings,
    ) -> Result<Arc<Self>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let authorities = authorities(settings, surroundings).map_err(|it| misfits.push(it));
        let identity = identity::read(settings, surroundings).map_err(|it| misfits.extend(it));
        let (Ok(authorities), Ok(identity)) = (authorities, identity) else {
            return Err(misfits);
        };
        let special = identity.is_some() || settings.resume || !settings.pin.is_empty();
        Ok(match authorities {
            Authorities::System if !special => Arc::clone(&SYSTEM),
            Authorities::Nobody if !special => Arc::clone(&NOBODY),
            authorities => Arc::new(Self {
                pins: settings.pin.clone(),
                identity,
                resumes: settings.resume,
                ..Self::of(authorities)
            }),
        })
    }

    const fn of(authorities: Authorities) -> Self {
        Self {
            authorities,
            pins: Pins::NONE,
            identity: None,
            resumes: false,
            verifier: OnceLock::new(),
            configs: [const { OnceLock::new() }; Offer::ALL.len()],
        }
    }

    /// The client settings that offer these protocols. Made when they are first asked for.
    pub fn config(&self, offer: Offer) -> &Arc<ClientConfig> {
        self.configs[offer.place()].get_or_init(|| {
            let verifier = self.verifier.get_or_init(|| Arc::new(self.verifier()));
            let verifier = Arc::clone(verifier);
            let builder = ClientConfig::builder_with_provider(provider())
                .with_safe_default_protocol_versions()
                .expect("the provider has cipher suites for TLS 1.2 and 1.3: both are compiled in")
                .dangerous()
                .with_custom_certificate_verifier(verifier);
            let mut config = match &self.identity {
                Some(identity) => builder.with_client_cert_resolver(Arc::clone(identity)),
                None => builder.with_no_client_auth(),
            };
            config.resumption = if self.resumes {
                Resumption::in_memory_sessions(SESSIONS)
            } else {
                Resumption::disabled()
            };
            config.alpn_protocols = offer.names().iter().map(|name| name.to_vec()).collect();
            Arc::new(config)
        })
    }

    fn verifier(&self) -> Verifier {
        let roots = match &self.authorities {
            Authorities::System => Some(Arc::clone(&SYSTEM_ROOTS)),
            Authorities::Declared(roots) => Some(Arc::clone(roots)),
            Authorities::Nobody => None,
        };
        let provider = provider();
        let algorithms = provider.signature_verification_algorithms;
        let authorities = roots.map(|roots| {
            WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .expect("there is an authority: files without one are refused, the system's list is filled up")
        });
        Verifier {
            authorities,
            pins: self.pins.clone(),
            algorithms,
        }
    }
}

/// How many tickets a check keeps: eight for each of four servers, which is as many as a check with
/// fallbacks meets.
const SESSIONS: usize = 32;

/// Trusts what the operating system trusts; shared by all checks that ask for nothing else.
static SYSTEM: LazyLock<Arc<Trust>> = LazyLock::new(|| Arc::new(Trust::of(Authorities::System)));

/// Trusts whoever answers; shared by all checks that ask for it.
static NOBODY: LazyLock<Arc<Trust>> = LazyLock::new(|| Arc::new(Trust::of(Authorities::Nobody)));

/// The system's authorities; where it has none (an image without a bundle), Mozilla's.
static SYSTEM_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let (usable, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if usable == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    Arc::new(roots)
});

/// The cryptography of all sessions, passed explicitly, so that nothing depends on what the process
/// installed as its default.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}

fn authorities(settings: &TlsSettings, surroundings: &Surroundings) -> Result<Authorities, Misfit> {
    match (&settings.ca, settings.verifies()) {
        (None, true) => Ok(Authorities::System),
        (None, false) => Ok(Authorities::Nobody),
        (Some(file), true) => roots_of(&surroundings.folder.join(file))
            .map(|roots| Authorities::Declared(Arc::new(roots)))
            .map_err(|message| Misfit::at(&["tls", "ca"], message)),
        (Some(_), false) => Err(Misfit::at(
            &["tls", "ca"],
            "with `verify: false` no authority is asked, and so none of this file",
        )
        .hint("leave out `verify`, or `ca`")),
    }
}

fn roots_of(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in identity::chain_of(file)? {
        roots.add(certificate).map_err(|error| {
            format!(
                "a certificate in {} cannot be used: {error}",
                file.display()
            )
        })?;
    }
    Ok(roots)
}
