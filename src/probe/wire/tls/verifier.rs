//! Who is believed: the authorities where they are asked, a pinned key where one is declared,
//! anybody where the user wants it so. The handshake itself must be sound in any case: the server
//! has to sign it with the key of the certificate that it shows.
//!
//! Built once per set of settings by [`super::trust`], called by the TLS library. What the server
//! shows is noted before it is judged.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::pin::{Pin, Pins};
use super::validity::Validity;
use super::witness;

/// What a certificate has to withstand.
#[derive(Debug)]
pub struct Verifier {
    /// Those that must vouch for the certificate, its dates and its name; nobody when absent.
    pub authorities: Option<Arc<WebPkiServerVerifier>>,
    /// The keys of which the certificate must have one; any when empty.
    pub pins: Pins,
    /// How handshakes may be signed.
    pub algorithms: WebPkiSupportedAlgorithms,
}

/// The certificate is of a key that is not pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPinned {
    /// The key that it is of.
    pub seen: Pin,
}

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is of a key that is not pinned: {}", self.seen)
    }
}

impl std::error::Error for NotPinned {}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        witness::saw(Validity::of(certificate, intermediates));
        if let Some(authorities) = &self.authorities {
            authorities.verify_server_cert(certificate, intermediates, name, ocsp, now)?;
        }
        if !self.pins.is_empty() {
            let seen = Pin::of(certificate)?;
            if !self.pins.contains(&seen) {
                let other = OtherError(Arc::new(NotPinned { seen }));
                return Err(CertificateError::Other(other).into());
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
