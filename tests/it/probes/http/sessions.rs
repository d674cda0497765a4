//! What a run talked over is in its sample: the address, the protocol, the TLS session, and whether
//! that one was resumed.

use std::net::{IpAddr, Ipv4Addr};

use smokejumper::sample::{Session, TlsSession};

use super::*;

const LOOPBACK: Option<IpAddr> = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));

fn ok() -> Does {
    Does::Answers(Arc::new(|_| answer("200 OK", &[], b"ok")))
}

#[track_caller]
fn session(sample: &Sample) -> &Session {
    sample
        .session
        .as_deref()
        .expect("it says what it talked over")
}

#[track_caller]
fn tls(sample: &Sample) -> &TlsSession {
    session(sample).tls.as_ref().expect("it was over TLS")
}

#[tokio::test]
async fn without_tls_the_address_and_the_protocol_are_known() {
    let peer = Peer::start(ok()).await;
    let probe = probe(json!({ "url": peer.url("/"), "connection": "keep_alive" }));
    let (first, again) = (run(&*probe).await, run(&*probe).await);
    let expected = Session {
        address: LOOPBACK,
        reused: false,
        protocol: Some("HTTP/1.1".to_owned()),
        tls: None,
    };
    assert_eq!(*session(&first), expected);
    let expected = Session {
        reused: true,
        ..expected
    };
    assert_eq!(*session(&again), expected);
}

#[tokio::test]
async fn equal_sessions_of_a_check_are_one() {
    let authority = Authority::new();
    let peer = Peer::start_tls(ok(), &authority.server()).await;
    let settings = json!({ "url": peer.url("/"), "tls": { "ca": authority.ca() } });
    let probe = probe(settings);
    let (first, second) = (run(&*probe).await, run(&*probe).await);
    let (first, second) = (
        first.session.expect("known"),
        second.session.expect("known"),
    );
    assert!(Arc::ptr_eq(&first, &second));
}

#[tokio::test]
async fn version_and_cipher_are_those_that_were_agreed_on() {
    let authority = Authority::new();
    for (versions, version, number) in [
        (&[&rustls::version::TLS12][..], "TLSv1.2", 1.2),
        (&[&rustls::version::TLS13], "TLSv1.3", 1.3),
    ] {
        let config = authority.server().server_config_of(&Manner {
            versions,
            ..Manner::default()
        });
        let peer = Peer::start_tls_of(ok(), config).await;
        let settings = json!({ "url": peer.url("/"), "tls": { "ca": authority.ca() } });
        let sample = run(&*probe(settings)).await;
        assert_pass(&sample);
        assert_eq!(tls(&sample).version, version);
        assert!(tls(&sample).cipher.starts_with("TLS"), "{sample:?}");
        assert_eq!(session(&sample).protocol.as_deref(), Some("HTTP/1.1"));
        assert_eq!(session(&sample).address, LOOPBACK);
        assert_eq!(reading(&sample, "tls_version"), Some(number));
    }
}

#[tokio::test]
async fn a_session_is_resumed_where_that_is_declared_and_then_shows_no_certificate() {
    let authority = Authority::new();
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        let config = authority.server().server_config_of(&Manner {
            versions,
            ..Manner::default()
        });
        let peer = Peer::start_tls_of(ok(), config).await;
        let settings = |resume| {
            let tls = json!({ "ca": authority.ca(), "resume": resume });
            json!({ "url": peer.url_by_name("/"), "tls": tls })
        };
        let resuming = probe(settings(true));
        for (run_number, resumed) in [(1, false), (2, true), (3, true)] {
            let sample = run(&*resuming).await;
            assert_pass(&sample);
            assert_eq!(
                tls(&sample).resumed,
                resumed,
                "run {run_number}: {sample:?}"
            );
            let number = if resumed { 1.0 } else { 0.0 };
            assert_eq!(reading(&sample, "tls_resumed"), Some(number));
            assert_eq!(reading(&sample, "cert_days").is_none(), resumed);
            assert_eq!(reading(&sample, "chain_days").is_none(), resumed);
        }
        // Another check has tickets of its own.
        assert!(!tls(&run(&*probe(settings(true))).await).resumed);
        let never = probe(settings(false));
        for _ in 0..3 {
            let sample = run(&*never).await;
            assert!(!tls(&sample).resumed);
            assert!(reading(&sample, "cert_days").is_some());
        }
    }
}
