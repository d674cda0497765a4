//! The days that certificates are still valid are read whether or not they are accepted.

use super::*;

fn ok() -> Does {
    Does::Answers(Arc::new(|_| answer("200 OK", &[], b"ok")))
}

async fn looked_at(
    certificate: &crate::harness::certificates::ServerCertificate,
    tls: Value,
) -> Sample {
    let peer = Peer::start_tls(ok(), certificate).await;
    run(&*probe(json!({ "url": peer.url_by_name("/"), "tls": tls }))).await
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_its_days_are_there() {
    let authority = Authority::new();
    let sample = looked_at(&authority.expired(), json!({ "ca": authority.ca() })).await;
    assert_fault(&sample, Reason::Certificate, "has expired");
    // It expired on the first day of 2020.
    let days = reading(&sample, "cert_days").expect("it is read");
    assert!(days < -2_000.0, "{days}");
    assert_eq!(reading(&sample, "chain_days"), Some(days));
    assert!(sample.phases.get(Phase::Tls).is_some());
}

#[tokio::test]
async fn whoever_is_not_trusted_still_says_how_long_its_certificate_is_valid() {
    let authority = Authority::new();
    for (certificate, tls) in [
        (authority.server(), json!({})),
        (authority.wrong_name(), json!({ "ca": authority.ca() })),
        (authority.self_signed(), json!({ "ca": authority.ca() })),
    ] {
        let sample = looked_at(&certificate, tls).await;
        assert_eq!(sample.outcome, Outcome::Error, "{sample:?}");
        assert!(reading(&sample, "cert_days") > Some(1_000.0), "{sample:?}");
        assert!(reading(&sample, "chain_days") > Some(1_000.0), "{sample:?}");
    }
}

#[tokio::test]
async fn the_chain_is_valid_as_long_as_the_first_of_it_to_expire() {
    let authority = Authority::new();
    let certificate = authority.below_one_until(2100);
    let sample = looked_at(&certificate, json!({ "ca": authority.ca() })).await;
    assert_pass(&sample);
    let leaf = reading(&sample, "cert_days").expect("it is read");
    let chain = reading(&sample, "chain_days").expect("it is read");
    // 26 years, of which six are leap years: 2100 is none.
    let days = 26.0 * 365.0 + 6.0;
    assert!((leaf - chain - days).abs() < 1e-6, "{leaf} {chain}");
}

#[tokio::test]
async fn an_intermediate_that_expired_is_seen_beside_a_leaf_that_did_not() {
    let authority = Authority::new();
    let certificate = authority.below_one_until(2020);
    let sample = looked_at(&certificate, json!({ "ca": authority.ca() })).await;
    assert_fault(&sample, Reason::Certificate, "");
    assert!(reading(&sample, "cert_days") > Some(1_000.0), "{sample:?}");
    assert!(
        reading(&sample, "chain_days") < Some(-2_000.0),
        "{sample:?}"
    );
}

#[tokio::test]
async fn without_tls_there_are_no_days() {
    let peer = Peer::start(ok()).await;
    let sample = run(&*probe(json!({ "url": peer.url("/") }))).await;
    assert_pass(&sample);
    for name in ["cert_days", "chain_days", "tls_version", "tls_resumed"] {
        assert_eq!(reading(&sample, name), None, "{name}");
    }
}

#[tokio::test]
async fn after_a_redirect_the_days_are_those_of_the_last_target_and_told_once() {
    let authority = Authority::new();
    let last = Peer::start_tls(ok(), &authority.below_one_until(2100)).await;
    let there = format!("location: {}", last.url("/"));
    let first = answer("302 Found", &[&there], b"");
    let first = Does::Answers(Arc::new(move |_| first.clone()));
    let first = Peer::start_tls(first, &authority.server()).await;
    let settings = json!({ "url": first.url("/"), "tls": { "ca": authority.ca() } });
    let sample = run(&*probe(settings)).await;
    assert_pass(&sample);
    let told = sample
        .readings
        .iter()
        .filter(|it| &*it.name == "chain_days");
    assert_eq!(told.count(), 1);
    assert!(reading(&sample, "chain_days") < reading(&sample, "cert_days"));
}

#[tokio::test]
async fn a_kept_connection_tells_the_days_in_each_run() {
    let authority = Authority::new();
    let peer = Peer::start_tls(ok(), &authority.server()).await;
    let probe = probe(json!({
        "url": peer.url("/"),
        "tls": { "ca": authority.ca() },
        "connection": "keep_alive"
    }));
    for _ in 0..3 {
        let sample = run(&*probe).await;
        assert_pass(&sample);
        assert!(reading(&sample, "cert_days") > Some(1_000.0), "{sample:?}");
        assert_eq!(reading(&sample, "tls_version"), Some(1.3));
    }
    assert_eq!(peer.accepted(), 1);
}
