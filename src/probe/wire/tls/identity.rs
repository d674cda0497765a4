//! Who we are to a server that asks for a client certificate: a chain and its key, from two PEM
//! files. Read once, at load; what cannot be used is said there, and nothing of a key is ever shown.

use std::path::Path;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::settings::TlsSettings;
use super::trust::provider;
use crate::probe::{Misfit, Surroundings};

/// Reads the client certificate and its key, where the settings name them.
///
/// # Errors
/// A [`Misfit`] below `tls` where one is named without the other, for a file that cannot be used,
/// for a key that is encrypted or is not that of the certificate.
pub fn read(
    settings: &TlsSettings,
    surroundings: &Surroundings,
) -> Result<Option<Arc<dyn ResolvesClientCert>>, Vec<Misfit>> {
    let (certificate, key) = match (&settings.certificate, &settings.key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(_), None) => return Err(vec![alone("certificate", "key")]),
        (None, Some(_)) => return Err(vec![alone("key", "certificate")]),
    };
    let chain = chain_of(&surroundings.folder.join(certificate))
        .map_err(|message| Misfit::at(&["tls", "certificate"], message));
    let file = surroundings.folder.join(key);
    let (chain, key) = match (chain, key_of(&file)) {
        (Ok(chain), Ok(key)) => (chain, key),
        (chain, key) => return Err(chain.err().into_iter().chain(key.err()).collect()),
    };
    let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(|error| {
        let message = format!(
            "the key in {} cannot be used: {}",
            file.display(),
            why(&error)
        );
        vec![Misfit::at(&["tls", "key"], message)]
    })?;
    Ok(Some(Arc::new(SingleCertAndKey::from(certified))))
}

fn alone(there: &str, missing: &str) -> Misfit {
    let message =
        format!("a client shows a certificate and proves it with its key: `{missing}` is missing");
    Misfit::at(&["tls", there], message).hint(format!("write `{missing}: FILE` beside `{there}`"))
}

fn why(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => {
            "it is not the key of the first certificate in `certificate`".to_owned()
        }
        other => other.to_string(),
    }
}

/// The certificates of a PEM file, in their order.
///
/// # Errors
/// A fragment that names the file.
pub fn chain_of(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = file.display();
    let chain = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| format!("cannot read certificates from {shown}: {error}"))?;
    if chain.is_empty() {
        return Err(format!("there is no certificate in {shown}"));
    }
    Ok(chain)
}

fn key_of(file: &Path) -> Result<PrivateKeyDer<'static>, Misfit> {
    let shown = file.display();
    let misfit = |message: String| Misfit::at(&["tls", "key"], message);
    let text = std::fs::read(file)
        .map_err(|error| misfit(format!("cannot read a key from {shown}: {error}")))?;
    if is_encrypted(&text) {
        let hint = "write it without its passphrase: openssl pkey -in FILE -out PLAIN, readable by \
                    this user only";
        return Err(misfit(format!("the key in {shown} is encrypted")).hint(hint));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        rustls_pki_types::pem::Error::NoItemsFound => misfit(format!("there is no key in {shown}")),
        // Its words could repeat a line of the file.
        _ => misfit(format!("the text in {shown} is no PEM")),
    })
}

/// PKCS #8 says it in the label (RFC 7468, section 11), the older forms in a header (RFC 1421).
fn is_encrypted(pem: &[u8]) -> bool {
    let says = |words: &[u8]| pem.windows(words.len()).any(|window| window == words);
    says(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || says(b"Proc-Type: 4,ENCRYPTED")
}
