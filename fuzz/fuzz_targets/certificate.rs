//! Certificates: a server shows the fuzzer's bytes as its certificate in a real handshake, and the
//! same bytes are read for the day on which they expire. Whether the key fits is the client's
//! business to find out.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{default_provider, sign::any_supported_type};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use smokejumper::clock::WallTime;
use smokejumper::probe::wire::tls::days_left;
use smokejumper::sample::{Outcome, Reason};
use smokejumper_fuzz::Arena;
use smokejumper_fuzz::peer::{Manner, is_request};
use tokio_rustls::TlsAcceptor;

/// The key of the seeds; it guards nothing.
const KEY: &[u8] = include_bytes!("../certificate-key.pem");

static ARENA: LazyLock<Arena> = LazyLock::new(|| {
    let settings = |port| {
        json!({
            "url": format!("https://127.0.0.1:{port}/"),
            "expect": { "status": 200 },
        })
    };
    let manner = Manner {
        parts: |_| vec![b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_vec()],
        is_asked: is_request,
        tls: Some(acceptor),
        ..Manner::default()
    };
    Arena::new("http", settings, manner)
});

fuzz_target!(|data: &[u8]| {
    let now = WallTime::since_unix_epoch(Duration::from_secs(1_790_000_000));
    let days = days_left(&CertificateDer::from(data), now);
    assert!(days.is_none_or(f64::is_finite), "{days:?}");
    let sample = ARENA.run(data);
    let reason = sample.fault.as_ref().map(|fault| fault.reason);
    // Nobody trusts these, however they look.
    assert_ne!(sample.outcome, Outcome::Pass);
    let expected = [
        Reason::Certificate,
        Reason::Tls,
        Reason::Closed,
        Reason::Reset,
    ];
    assert!(
        reason.is_some_and(|reason| expected.contains(&reason)),
        "{:?}",
        sample.fault
    );
});

#[derive(Debug)]
struct Shows(Arc<CertifiedKey>);

impl ResolvesServerCert for Shows {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn acceptor(data: &[u8]) -> Option<TlsAcceptor> {
    let key = PrivateKeyDer::from_pem_slice(KEY).ok()?;
    let chain = vec![CertificateDer::from(data.to_vec())];
    let shown = CertifiedKey::new(chain, any_supported_type(&key).ok()?);
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Shows(Arc::new(shown))));
    Some(TlsAcceptor::from(Arc::new(config)))
}
