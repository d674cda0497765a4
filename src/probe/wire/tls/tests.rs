//! Settings that cannot work are all named at load; trust that is common is shared.

use std::path::Path;

use super::*;

/// A folder with a certificate, its key in several forms, and another key.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec!["client.test".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let other = rcgen::KeyPair::generate().unwrap();
        for (name, text) in [
            ("client.pem", certificate.pem()),
            ("client.key", key.serialize_pem()),
            ("other.key", other.serialize_pem()),
            (
                "encrypted.key",
                key.serialize_pem()
                    .replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"),
            ),
            ("empty.pem", "nothing of use".to_owned()),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            folder: self.0.path().to_owned(),
            ..Surroundings::default()
        }
    }

    fn misfits(&self, settings: &TlsSettings) -> Vec<Misfit> {
        Tls::new(settings, &self.surroundings()).unwrap_err()
    }
}

fn with_ca(file: &str) -> TlsSettings {
    TlsSettings {
        ca: Some(file.into()),
        ..TlsSettings::default()
    }
}

fn with_client(certificate: Option<&str>, key: Option<&str>) -> TlsSettings {
    TlsSettings {
        certificate: certificate.map(Into::into),
        key: key.map(Into::into),
        ..TlsSettings::default()
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named_at_load() {
    let files = Files::new();
    let client = |certificate, key| with_client(Some(certificate), Some(key));
    // settings, the place, how the message begins
    for (settings, place, message) in [
        (
            with_ca("missing.pem"),
            "ca",
            "cannot read certificates from",
        ),
        (with_ca("empty.pem"), "ca", "there is no certificate in"),
        (
            client("missing.pem", "client.key"),
            "certificate",
            "cannot read certificates from",
        ),
        (
            client("client.key", "client.key"),
            "certificate",
            "there is no certificate in",
        ),
        (
            client("client.pem", "missing.key"),
            "key",
            "cannot read a key from",
        ),
        (
            client("client.pem", "empty.pem"),
            "key",
            "there is no key in",
        ),
        (client("client.pem", "encrypted.key"), "key", "the key in"),
        (client("client.pem", "other.key"), "key", "the key in"),
        (
            with_client(Some("client.pem"), None),
            "certificate",
            "a client shows a certificate",
        ),
        (
            with_client(None, Some("client.key")),
            "key",
            "a client shows a certificate",
        ),
    ] {
        let misfits = files.misfits(&settings);
        assert_eq!(misfits.len(), 1, "{misfits:?}");
        assert_eq!(misfits[0].path, ["tls", place], "{misfits:?}");
        assert!(misfits[0].message.starts_with(message), "{misfits:?}");
    }
    let usable = client("client.pem", "client.key");
    assert!(Tls::new(&usable, &files.surroundings()).is_ok());
}

#[test]
fn an_encrypted_key_and_one_of_another_certificate_are_told_apart() {
    let files = Files::new();
    let told = |key| {
        let misfits = files.misfits(&with_client(Some("client.pem"), Some(key)));
        misfits[0].message.clone()
    };
    assert!(told("encrypted.key").ends_with("is encrypted"));
    assert!(told("other.key").contains("it is not the key of the first certificate"));
}

#[test]
fn all_misfits_are_named_at_once() {
    let settings = TlsSettings {
        ca: Some("missing.pem".into()),
        server_name: Some("not a name".to_owned()),
        certificate: Some("missing.pem".into()),
        key: Some("missing.key".into()),
        ..TlsSettings::default()
    };
    let surroundings = Surroundings {
        folder: Path::new("/nowhere").to_owned(),
        ..Surroundings::default()
    };
    assert_eq!(Tls::new(&settings, &surroundings).unwrap_err().len(), 4);
}

#[test]
fn an_authority_that_nobody_asks_is_refused() {
    let settings = TlsSettings {
        verify: Some(false),
        ..with_ca("client.pem")
    };
    let misfits = Files::new().misfits(&settings);
    assert_eq!(misfits[0].path, ["tls", "ca"]);
}

#[test]
fn checks_that_ask_for_nothing_special_share_their_settings_and_others_do_not() {
    let tls = |settings: &TlsSettings| Tls::new(settings, &Surroundings::default()).unwrap();
    let same =
        |settings: &TlsSettings| Arc::ptr_eq(&tls(settings).config(), &tls(settings).config());
    assert!(same(&TlsSettings::unverified()));
    let resuming = TlsSettings {
        resume: true,
        ..TlsSettings::unverified()
    };
    assert!(!same(&resuming), "tickets are kept for each check");
    let one = tls(&resuming);
    assert!(Arc::ptr_eq(&one.config(), &one.clone().config()));
}

#[test]
fn each_version_of_http_is_offered_by_its_names() {
    for (protocol, names) in [
        (HttpProtocol::Auto, &[&b"h2"[..], b"http/1.1"][..]),
        (HttpProtocol::Http1, &[b"http/1.1"]),
        (HttpProtocol::Http2, &[b"h2"]),
    ] {
        let settings = TlsSettings::unverified();
        let tls = Tls::for_http(protocol, &settings, &Surroundings::default()).unwrap();
        assert_eq!(tls.config().alpn_protocols, names, "{protocol:?}");
        assert_eq!(tls.http_protocol(), protocol);
    }
}
