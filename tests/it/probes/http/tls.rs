//! TLS: good certificates pass and are measured; bad ones are named; HTTP/2 comes by negotiation.

use super::*;

fn ok() -> Does {
    Does::Answers(Arc::new(|_| answer("200 OK", &[], b"ok")))
}

#[tokio::test]
async fn a_good_certificate_passes_and_its_days_are_read() {
    let authority = Authority::new();
    let peer = Peer::start_tls(ok(), &authority.server()).await;
    for url in [peer.url("/"), peer.url_by_name("/")] {
        let sample = run(&*probe(
            json!({ "url": url, "tls": { "ca": authority.ca() } }),
        ))
        .await;
        assert_pass(&sample);
        assert!(reading(&sample, "cert_days").expect("it is read") > 1_000.0);
        assert!(sample.phases.get(Phase::Tls).is_some());
    }
    peer.all_closed().await;
}

#[tokio::test]
async fn a_bad_certificate_is_named_for_what_it_is() {
    let authority = Authority::new();
    let cases = [
        (authority.expired(), "has expired"),
        (
            authority.wrong_name(),
            "is not valid for the name localhost; it names elsewhere.test",
        ),
        (authority.self_signed(), "has an unknown issuer"),
        (
            authority.self_signed_as_authority(),
            "is that of an authority and not of a server: self-signed, made with CA:TRUE; \
             make it with `-addext basicConstraints=CA:FALSE`",
        ),
    ];
    for (certificate, detail) in cases {
        let peer = Peer::start_tls(ok(), &certificate).await;
        let url = peer.url_by_name("/");
        let strict = json!({ "url": url, "tls": { "ca": authority.ca() } });
        assert_fault(&run(&*probe(strict)).await, Reason::Certificate, detail);
        peer.all_closed().await;
        let lax = json!({ "url": url, "tls": { "verify": false } });
        assert_pass(&run(&*probe(lax)).await);
    }
}

#[tokio::test]
async fn the_system_does_not_trust_an_authority_of_our_own() {
    let authority = Authority::new();
    let peer = Peer::start_tls(ok(), &authority.server()).await;
    let sample = run(&*probe(json!({ "url": peer.url_by_name("/") }))).await;
    assert_fault(&sample, Reason::Certificate, "unknown issuer");
}

#[tokio::test]
async fn another_name_can_be_asked_for() {
    let authority = Authority::new();
    let peer = Peer::start_tls(ok(), &authority.wrong_name()).await;
    let sample = run(&*probe(json!({
        "url": peer.url("/"),
        "tls": { "ca": authority.ca(), "server_name": "elsewhere.test" }
    })))
    .await;
    assert_pass(&sample);
}

#[tokio::test]
async fn plain_text_where_tls_was_expected_and_the_reverse_are_told() {
    let plain = Peer::start(Does::SaysFirst(b"220 smtp ready\r\n")).await;
    let url = format!("https://{}/", plain.address());
    let sample = run(&*probe(json!({ "url": url }))).await;
    assert_fault(&sample, Reason::Tls, "does not speak TLS");
    plain.all_closed().await;

    let authority = Authority::new();
    let tls = Peer::start_tls(ok(), &authority.server()).await;
    let url = format!("http://{}/", tls.address());
    let sample = run(&*probe(json!({ "url": url }))).await;
    assert_fault(&sample, Reason::Malformed, "is not HTTP");
}

#[tokio::test]
async fn a_target_that_speaks_only_old_tls_is_told() {
    // A fatal alert, as such a server answers a client of today: protocol_version.
    let old = Peer::start(Does::SaysFirst(b"\x15\x03\x01\0\x02\x02\x46")).await;
    let url = format!("https://{}/", old.address());
    let sample = run(&*probe(json!({ "url": url }))).await;
    assert_fault(
        &sample,
        Reason::Tls,
        "it speaks neither TLS 1.2 nor TLS 1.3",
    );
    old.all_closed().await;
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_negotiated_and_leaves_no_task_behind() {
    let authority = Authority::new();
    let peer = Peer::start_http_2(&authority.server()).await;
    let sample = run(&*probe(json!({
        "url": peer.url_by_name("/"),
        "tls": { "ca": authority.ca() },
        "expect": { "json": { "$.version": "HTTP/2.0" } }
    })))
    .await;
    assert_pass(&sample);
    assert!(sample.phases.get(Phase::Ttfb).is_some());
    peer.all_closed().await;
}

#[tokio::test]
async fn a_kept_http_2_connection_is_used_again() {
    let authority = Authority::new();
    let peer = Peer::start_http_2(&authority.server()).await;
    let probe = probe(json!({
        "url": peer.url_by_name("/"),
        "tls": { "ca": authority.ca() },
        "connection": "keep_alive"
    }));
    for _ in 0..3 {
        assert_pass(&run(&*probe).await);
    }
    assert_eq!(peer.accepted(), 1);
    drop(probe);
    peer.all_closed().await;
}
