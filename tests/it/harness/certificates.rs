//! Certificates that the tests make: an authority, and what it signs for servers that are well,
//! expired, or called otherwise, and for clients.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::SupportedProtocolVersion;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use smokejumper::probe::wire::tls::Pin;

/// An authority in a folder of its own, deleted when it is dropped.
pub struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and key, as PEM files.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    /// The certificate file.
    pub certificate: PathBuf,
    /// The private key's file, readable by its owner only: PostgreSQL refuses others.
    pub key: PathBuf,
}

impl Authority {
    /// Makes an authority; its certificate is at [`Authority::ca`].
    pub fn new() -> Self {
        Self::called("Smokejumper Test Authority")
    }

    /// Makes one of another name. Who knows only one of the two does not know the issuer of what
    /// the other signs; under one name, the signature is what is wrong.
    pub fn called(name: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut params = params(&[], name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a self-signed certificate");
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).expect("ca.pem is written");
        Self {
            folder,
            issuer: Issuer::new(params, key),
        }
    }

    /// The file with the authority's certificate: what a check's `tls.ca` names.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for `localhost` and `127.0.0.1` that is valid today.
    pub fn server(&self) -> ServerCertificate {
        self.signed("server", params(&["localhost", "127.0.0.1"], "localhost"))
    }

    /// A certificate that expired years ago.
    pub fn expired(&self) -> ServerCertificate {
        let mut params = params(&["localhost", "127.0.0.1"], "localhost");
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.signed("expired", params)
    }

    /// A certificate for another host.
    pub fn wrong_name(&self) -> ServerCertificate {
        self.signed("wrong-name", params(&["elsewhere.test"], "elsewhere.test"))
    }

    /// A certificate that no authority signed.
    pub fn self_signed(&self) -> ServerCertificate {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(&["localhost", "127.0.0.1"], "localhost")
            .self_signed(&key)
            .expect("a self-signed certificate");
        self.written("self-signed", &certificate.pem(), &key)
    }

    /// A certificate that signs itself and says that it is an authority, as `openssl req -x509`
    /// makes it.
    pub fn self_signed_as_authority(&self) -> ServerCertificate {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(&["localhost", "127.0.0.1"], "localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a self-signed certificate");
        self.written("self-signed-as-authority", &certificate.pem(), &key)
    }

    /// A certificate that no authority signed and that expired years ago.
    pub fn expired_self_signed(&self) -> ServerCertificate {
        let key = KeyPair::generate().expect("a key");
        let mut params = params(&["localhost", "127.0.0.1"], "localhost");
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
        let certificate = params.self_signed(&key).expect("a self-signed certificate");
        self.written("expired-self-signed", &certificate.pem(), &key)
    }

    /// A certificate that is valid until 2126, shown together with the one of an authority in
    /// between, which is valid until the first day of this year.
    pub fn below_one_until(&self, year: i32) -> ServerCertificate {
        let mut between = params(&[], "Smokejumper Test Intermediate");
        between.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        between.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        between.not_before = date_time_ymd(2019, 1, 1);
        between.not_after = date_time_ymd(year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let signed = between.signed_by(&key, &self.issuer);
        let above = signed.expect("a signed certificate").pem();
        let issuer = Issuer::new(between, key);
        let key = KeyPair::generate().expect("a key");
        let leaf = params(&["localhost", "127.0.0.1"], "localhost").signed_by(&key, &issuer);
        let leaf = leaf.expect("a signed certificate").pem();
        self.written("chained", &format!("{leaf}{above}"), &key)
    }

    /// A certificate with which a client says who it is.
    pub fn client(&self) -> ServerCertificate {
        let mut params = params(&[], "smokejumper");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.signed("client", params)
    }

    fn signed(&self, name: &str, params: CertificateParams) -> ServerCertificate {
        let key = KeyPair::generate().expect("a key");
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("a signed certificate");
        self.written(name, &certificate.pem(), &key)
    }

    fn written(&self, name: &str, certificate: &str, key: &KeyPair) -> ServerCertificate {
        let files = ServerCertificate {
            certificate: self.folder.path().join(format!("{name}.pem")),
            key: self.folder.path().join(format!("{name}.key")),
        };
        std::fs::write(&files.certificate, certificate).expect("the certificate is written");
        std::fs::write(&files.key, key.serialize_pem()).expect("the key is written");
        owner_only(&files.key);
        files
    }
}

/// What a TLS server does beside showing its certificate.
pub struct Manner<'a> {
    /// The protocols that it speaks, as it says by ALPN.
    pub protocols: &'a [&'a [u8]],
    /// The versions of TLS that it speaks.
    pub versions: &'a [&'static SupportedProtocolVersion],
    /// The authority of which every client must show a certificate.
    pub clients_of: Option<&'a Authority>,
}

impl Default for Manner<'_> {
    fn default() -> Self {
        Self {
            protocols: &[],
            versions: rustls::ALL_VERSIONS,
            clients_of: None,
        }
    }
}

impl ServerCertificate {
    /// The pin of its key, as a check declares it.
    pub fn pin(&self) -> String {
        let certificate = CertificateDer::from_pem_file(&self.certificate);
        let certificate = certificate.expect("the certificate can be read");
        Pin::of(&certificate).expect("it has a key").to_string()
    }

    /// The settings of a TLS server that presents this certificate and speaks `protocols`.
    pub fn server_config(&self, protocols: &[&[u8]]) -> Arc<rustls::ServerConfig> {
        self.server_config_of(&Manner {
            protocols,
            ..Manner::default()
        })
    }

    /// The same for a server of particular manners.
    pub fn server_config_of(&self, manner: &Manner<'_>) -> Arc<rustls::ServerConfig> {
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .expect("the certificate is there")
            .collect::<Result<Vec<_>, _>>()
            .expect("the certificate can be read");
        let key = PrivateKeyDer::from_pem_file(&self.key).expect("the key can be read");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(manner.versions)
            .expect("the versions are compiled in");
        let builder = match manner.clients_of {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = rustls::RootCertStore::empty();
                let certificate = CertificateDer::from_pem_file(authority.ca());
                roots
                    .add(certificate.expect("the certificate can be read"))
                    .expect("it is that of an authority");
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .expect("certificate and key fit");
        config.alpn_protocols = manner.protocols.iter().map(|name| name.to_vec()).collect();
        Arc::new(config)
    }
}

/// Valid until 2126, so that the tests do not expire.
fn params(names: &[&str], common_name: &str) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("the names are valid");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2126, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

#[cfg(unix)]
fn owner_only(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
        .expect("permissions can be set");
}

#[cfg(not(unix))]
fn owner_only(_: &Path) {}
