//! Whom a check believes, and as whom it comes: pins, authorities beside them, client certificates.

use super::*;

fn ok() -> Does {
    Does::Answers(Arc::new(|_| answer("200 OK", &[], b"ok")))
}

#[tokio::test]
async fn a_pin_alone_is_the_trust_whoever_issued_the_certificate_for_whatever_name_and_time() {
    let authority = Authority::new();
    let other = authority.server().pin();
    for certificate in [
        authority.server(),
        authority.self_signed(),
        authority.expired_self_signed(),
        authority.wrong_name(),
        authority.self_signed_as_authority(),
    ] {
        let peer = Peer::start_tls(ok(), &certificate).await;
        let url = peer.url_by_name("/");
        for pin in [json!(certificate.pin()), json!([other, certificate.pin()])] {
            let tls = json!({ "pin": pin });
            assert_pass(&run(&*probe(json!({ "url": url, "tls": tls }))).await);
            let tls = json!({ "pin": pin, "verify": false });
            assert_pass(&run(&*probe(json!({ "url": url, "tls": tls }))).await);
        }
    }
}

#[tokio::test]
async fn a_key_that_is_not_pinned_is_refused_and_named() {
    let authority = Authority::new();
    let (certificate, other) = (authority.self_signed(), authority.server().pin());
    let peer = Peer::start_tls(ok(), &certificate).await;
    let settings = json!({ "url": peer.url_by_name("/"), "tls": { "pin": other } });
    let sample = run(&*probe(settings)).await;
    let part = format!("is of a key that is not pinned: {}", certificate.pin());
    assert_fault(&sample, Reason::Certificate, &part);
    assert!(reading(&sample, "cert_days") > Some(1_000.0));
    peer.all_closed().await;
    assert!(peer.asked().is_empty(), "nothing is said to a stranger");
}

#[tokio::test]
async fn beside_authorities_a_pin_is_one_more_demand() {
    let authority = Authority::new();
    let certificate = authority.server();
    let stranger = Authority::called("Another Authority");
    let peer = Peer::start_tls(ok(), &certificate).await;
    let (right, wrong) = (certificate.pin(), stranger.server().pin());
    // settings, what is said; nothing where it passes
    for (tls, part) in [
        (json!({ "pin": right, "ca": authority.ca() }), None),
        (
            json!({ "pin": wrong, "ca": authority.ca() }),
            Some("not pinned"),
        ),
        (
            json!({ "pin": right, "ca": stranger.ca() }),
            Some("unknown issuer"),
        ),
        (
            json!({ "pin": right, "verify": true }),
            Some("unknown issuer"),
        ),
    ] {
        let settings = json!({ "url": peer.url_by_name("/"), "tls": tls });
        let sample = run(&*probe(settings)).await;
        match part {
            None => assert_pass(&sample),
            Some(part) => assert_fault(&sample, Reason::Certificate, part),
        }
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_client_certificate_gets_the_declared_one() {
    let authority = Authority::new();
    let (client, stranger) = (authority.client(), Authority::called("Another Authority"));
    let strange = stranger.client();
    for versions in [&[&rustls::version::TLS12][..], &[&rustls::version::TLS13]] {
        let config = authority.server().server_config_of(&Manner {
            versions,
            clients_of: Some(&authority),
            ..Manner::default()
        });
        let peer = Peer::start_tls_of(ok(), config).await;
        let url = peer.url_by_name("/");
        let with = |certificate: Value, key: Value| {
            let tls = json!({ "ca": authority.ca(), "certificate": certificate, "key": key });
            probe(json!({ "url": url, "tls": tls }))
        };
        let right = with(json!(client.certificate), json!(client.key));
        assert_pass(&run(&*right).await);

        let none = run(&*with(Value::Null, Value::Null)).await;
        let fault = none.fault.as_ref().expect("nobody is let in without one");
        assert_eq!(fault.reason, Reason::Tls, "{fault:?}");
        assert!(
            fault.detail.contains("refused the TLS session"),
            "{fault:?}"
        );

        let wrong = run(&*with(json!(strange.certificate), json!(strange.key))).await;
        let fault = wrong.fault.as_ref().expect("strangers are not let in");
        assert_eq!(fault.reason, Reason::Tls, "{fault:?}");
        assert!(fault.detail.contains("client certificate"), "{fault:?}");

        for sample in [&none, &wrong] {
            assert!(reading(sample, "cert_days") > Some(1_000.0), "{sample:?}");
        }
        assert_eq!(peer.asked().len(), 1);
    }
}
