//! Connections behind TLS: our certificate, those of clients, and new ones in the place of old ones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use rustls::ClientConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::json;
use smokejumper::plan::server::{Scope, ServerPlan, TlsPlan};
use smokejumper::server::{BindError, Server};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::client::Asking;
use super::stage::{READER, guarded_plan, stage};
use crate::harness::certificates::{Authority, ServerCertificate};

fn plan(server: &ServerCertificate, clients: Option<&Authority>) -> TlsPlan {
    TlsPlan {
        certificate: server.certificate.clone(),
        key: server.key.clone(),
        client_ca: clients.map(Authority::ca),
        client_scope: Scope::Act,
    }
}

/// A connection of a client that trusts the authority, and shows a certificate or none.
async fn connect(
    address: SocketAddr,
    trusted: &Authority,
    shown: Option<&ServerCertificate>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(trusted.ca()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        None => builder.with_no_client_auth(),
        Some(shown) => {
            let chain = vec![CertificateDer::from_pem_file(&shown.certificate).unwrap()];
            let key = PrivateKeyDer::from_pem_file(&shown.key).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

fn status() -> Asking {
    Asking::new(Method::GET, "/api/v1/status")
}

#[tokio::test]
async fn without_tokens_no_connection_is_made_without_a_certificate() {
    let (ours, theirs, strangers) = (Authority::new(), Authority::new(), Authority::new());
    let settings = ServerPlan {
        tls: Some(plan(&ours.server(), Some(&theirs))),
        ..ServerPlan::default()
    };
    let stage = stage(settings).await;
    let client = theirs.client();
    let stream = connect(stage.address, &ours, Some(&client))
        .await
        .expect("a handshake");
    let freeze = Asking::new(Method::POST, "/api/v1/freeze").json(&json!({ "frozen": true }));
    let answer = freeze.over(stream, "localhost").await.expect("an answer");
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let whose = stage.scripted(|script| script.orders[0].0.name.clone());
    assert_eq!(whose, "smokejumper");
    for shown in [None, Some(strangers.client())] {
        // With TLS 1.3 the client hears of it after its handshake.
        let answered = match connect(stage.address, &ours, shown.as_ref()).await {
            Ok(stream) => status().over(stream, "localhost").await.is_ok(),
            Err(_) => false,
        };
        assert!(!answered);
    }
}

#[tokio::test]
async fn with_tokens_either_will_do() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let settings = ServerPlan {
        tls: Some(TlsPlan {
            client_scope: Scope::Read,
            ..plan(&ours.server(), Some(&theirs))
        }),
        ..guarded_plan()
    };
    let stage = stage(settings).await;
    let client = theirs.client();
    let freeze = || Asking::new(Method::POST, "/api/v1/freeze").json(&json!({ "frozen": true }));
    let cases = [
        (None, status(), 401),
        (None, status().token(READER), 200),
        (Some(&client), status(), 200),
        (Some(&client), freeze(), 403),
        (Some(&client), status().token("wrong-token-0123456789"), 401),
    ];
    for (number, (shown, asking, expected)) in cases.into_iter().enumerate() {
        let stream = connect(stage.address, &ours, shown)
            .await
            .expect("a handshake");
        let answer = asking.over(stream, "localhost").await.expect("an answer");
        assert_eq!(
            answer.status.as_u16(),
            expected,
            "{number}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn who_speaks_no_tls_or_hangs_in_its_handshake_keeps_nobody_out() {
    let ours = Authority::new();
    let settings = ServerPlan {
        tls: Some(plan(&ours.server(), None)),
        ..guarded_plan()
    };
    let stage = stage(settings).await;
    let mut hung = Vec::new();
    for _ in 0..50 {
        hung.push(TcpStream::connect(stage.address).await.expect("it listens"));
    }
    let plain = TcpStream::connect(stage.address).await.expect("it listens");
    assert!(status().over(plain, "localhost").await.is_err());
    let stream = connect(stage.address, &ours, None)
        .await
        .expect("a handshake");
    let answer = status()
        .token(READER)
        .over(stream, "localhost")
        .await
        .expect("an answer");
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_new_certificate_takes_the_place_of_the_old_one_and_a_broken_one_does_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let files = old.server();
    let settings = ServerPlan {
        tls: Some(plan(&files, None)),
        ..guarded_plan()
    };
    let stage = stage(settings).await;
    connect(stage.address, &old, None)
        .await
        .expect("the old one");
    std::fs::write(&files.certificate, "no certificate").unwrap();
    stage.current.send_modify(|_| {});
    connect(stage.address, &old, None)
        .await
        .expect("still the old one");
    let renewed = new.server();
    std::fs::copy(&renewed.key, &files.key).unwrap();
    std::fs::copy(&renewed.certificate, &files.certificate).unwrap();
    stage.current.send_modify(|_| {});
    let renewed = async {
        while connect(stage.address, &new, None).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), renewed)
        .await
        .expect("the new one");
}

#[tokio::test]
async fn a_server_that_anyone_could_tell_what_to_do_does_not_begin() {
    let current = |settings: ServerPlan| smokejumper::server::Current {
        mask: Default::default(),
        settings: Arc::new(settings),
    };
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    let open = ServerPlan {
        listen: everywhere,
        ..ServerPlan::default()
    };
    let refused = Server::bind(&current(open))
        .await
        .expect_err("nobody is asked who it is");
    assert!(matches!(refused, BindError::Open(_)), "{refused}");
    let guarded = ServerPlan {
        listen: everywhere,
        ..guarded_plan()
    };
    let first = Server::bind(&current(guarded.clone()))
        .await
        .expect("tokens are asked for");
    let taken = ServerPlan {
        listen: first.address(),
        ..guarded
    };
    let refused = Server::bind(&current(taken))
        .await
        .expect_err("it is taken");
    assert!(
        refused.to_string().starts_with("cannot listen on 0.0.0.0:"),
        "{refused}"
    );
    let (ours, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let (server, other) = (ours.server(), ours.client());
    let missing = folder.path().join("none.pem");
    let cases = [
        TlsPlan {
            certificate: missing.clone(),
            ..plan(&server, None)
        },
        TlsPlan {
            key: missing.clone(),
            ..plan(&server, None)
        },
        TlsPlan {
            key: other.key,
            ..plan(&server, None)
        },
        TlsPlan {
            client_ca: Some(missing),
            ..plan(&server, None)
        },
        TlsPlan {
            certificate: server.key.clone(),
            ..plan(&server, None)
        },
    ];
    for tls in cases {
        let settings = ServerPlan {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: Some(tls),
            ..ServerPlan::default()
        };
        let refused = Server::bind(&current(settings))
            .await
            .expect_err("a file is wrong");
        assert!(matches!(refused, BindError::Tls(_)), "{refused}");
        assert!(!refused.to_string().contains("BEGIN"), "{refused}");
    }
}
