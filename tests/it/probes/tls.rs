//! The kind `tls` against real servers, certificates of every sort, and peers that misbehave.

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Phase, Reason, Sample};

use crate::harness::certificates::{Authority, Manner, ServerCertificate};
use crate::harness::postgres::free_port;
use crate::harness::probing::{build, fault, passed, reading, run};
use crate::harness::talk_peer::{Step, TalkPeer, begins_tls};

mod misbehaving;
mod starttls;

/// Looks once at a port that shows this certificate.
async fn looked_at(certificate: &ServerCertificate, tls: Value, expect: Value) -> Sample {
    let peer = TalkPeer::start(vec![begins_tls(certificate)]).await;
    let mut settings = json!({"address": peer.address(), "tls": tls});
    if !expect.is_null() {
        settings["expect"] = expect;
    }
    run("tls", settings).await
}

#[tokio::test]
async fn an_acceptable_certificate_passes_and_tells_how_long_it_is_valid() {
    let authority = Authority::new();
    let expect = json!({
        "cert_days": {"ge": 14},
        "names": ["localhost", "127.0.0.1"],
        "subject": {"contains": "CN=localhost"},
        "issuer": {"contains": "CN=Smokejumper Test Authority"},
        "version": "TLSv1.3",
        "cipher": {"starts_with": "TLS13_"}
    });
    let tls = json!({"ca": authority.ca()});
    let sample = looked_at(&authority.server(), tls, expect).await;
    passed(&sample);
    assert!(reading(&sample, "cert_days") > 30.0);
    assert_eq!(
        reading(&sample, "cert_days"),
        reading(&sample, "chain_days")
    );
    assert_eq!(reading(&sample, "tls_version"), 1.3);
    assert_eq!(reading(&sample, "tls_resumed"), 0.0);
    assert_eq!(reading(&sample, "chain_length"), 1.0);
    for phase in [Phase::Dns, Phase::Connect, Phase::Tls] {
        assert!(sample.phases.get(phase).is_some(), "{phase:?}");
    }
    let session = sample.session.as_deref().expect("it is known");
    assert_eq!(session.tls.as_ref().expect("over TLS").version, "TLSv1.3");
}

#[tokio::test]
async fn the_first_of_a_chain_to_expire_is_told_apart() {
    let authority = Authority::new();
    let certificate = authority.below_one_until(2100);
    let tls = json!({"ca": authority.ca()});
    let expect = json!({"issuer": {"contains": "Intermediate"}});
    let sample = looked_at(&certificate, tls, expect).await;
    passed(&sample);
    assert_eq!(reading(&sample, "chain_length"), 2.0);
    assert!(reading(&sample, "chain_days") < reading(&sample, "cert_days"));
}

#[tokio::test]
async fn a_certificate_that_is_refused_still_says_how_long_it_is_valid() {
    let authority = Authority::new();
    let trusting = json!({"ca": authority.ca()});
    let other = Authority::called("Another Authority");
    for (certificate, tls, says, days_left) in [
        (authority.expired(), &trusting, "has expired", false),
        (authority.wrong_name(), &trusting, "elsewhere.test", true),
        (authority.self_signed(), &trusting, "unknown issuer", true),
        (
            authority.server(),
            &json!({"ca": other.ca()}),
            "unknown issuer",
            true,
        ),
        (authority.server(), &json!({}), "unknown issuer", true),
    ] {
        let sample = looked_at(&certificate, tls.clone(), Value::Null).await;
        let detail = &fault(&sample, Reason::Certificate).detail;
        assert!(detail.contains(says), "{detail}");
        assert_eq!(sample.outcome, Outcome::Error);
        assert_eq!(reading(&sample, "cert_days") > 0.0, days_left, "{sample:?}");
        assert_eq!(
            reading(&sample, "chain_days") > 0.0,
            days_left,
            "{sample:?}"
        );
    }
}

#[tokio::test]
async fn what_is_not_as_expected_is_a_wrong_answer() {
    let authority = Authority::new();
    for (expect, detail) in [
        (
            json!({"cert_days": {"lt": 14}}),
            "cert_days: expected { lt: 14 }, got ",
        ),
        (
            json!({"chain_days": {"gt": 1_000_000}}),
            "chain_days: expected { gt: ",
        ),
        (
            json!({"names": "api.test"}),
            r#"names: expected ["api.test"] in any order, got ["127.0.0.1","localhost"]"#,
        ),
        (json!({"subject": "CN=api.test"}), "subject: expected"),
        (
            json!({"issuer": {"contains": "Let's Encrypt"}}),
            "issuer: expected",
        ),
        (
            json!({"version": "TLSv1.2"}),
            r#"version: expected "TLSv1.2", got "TLSv1.3""#,
        ),
        (
            json!({"cipher": {"contains": "CHACHA"}}),
            "cipher: expected",
        ),
    ] {
        let tls = json!({"ca": authority.ca()});
        let sample = looked_at(&authority.server(), tls, expect).await;
        let told = fault(&sample, Reason::Expectation);
        assert!(told.detail.starts_with(detail), "{}", told.detail);
        assert!(reading(&sample, "cert_days") > 30.0);
    }
}

#[tokio::test]
async fn whoever_is_trusted_by_nobody_may_be_looked_at_without_trust() {
    let authority = Authority::new();
    let tls = json!({"verify": false});
    let sample = looked_at(&authority.expired(), tls.clone(), Value::Null).await;
    passed(&sample);
    assert!(reading(&sample, "cert_days") < -2_000.0);
    let sample = looked_at(&authority.expired(), tls, json!({"cert_days": {"ge": 0}})).await;
    assert!(fault(&sample, Reason::Expectation).dated);
    let pinned = authority.server();
    let sample = looked_at(&pinned, json!({"pin": pinned.pin()}), Value::Null).await;
    passed(&sample);
    let other = authority.self_signed();
    let sample = looked_at(&other, json!({"pin": pinned.pin()}), Value::Null).await;
    let detail = &fault(&sample, Reason::Certificate).detail;
    assert!(detail.contains("not pinned"), "{detail}");
}

#[tokio::test]
async fn old_versions_are_seen_and_a_client_certificate_is_shown_where_it_is_asked_for() {
    let authority = Authority::new();
    let manner = Manner {
        versions: &[&rustls::version::TLS12],
        clients_of: Some(&authority),
        ..Manner::default()
    };
    let config = authority.server().server_config_of(&manner);
    let peer = TalkPeer::start(vec![Step::BeginsTls(config)]).await;
    let mut tls = json!({"ca": authority.ca()});
    let settings = |tls: &Value| json!({"address": peer.address(), "tls": tls});
    let sample = run("tls", settings(&tls)).await;
    let detail = &fault(&sample, Reason::Tls).detail;
    assert!(detail.contains("client certificate"), "{detail}");
    let client = authority.client();
    tls["certificate"] = json!(client.certificate);
    tls["key"] = json!(client.key);
    let sample = run("tls", settings(&tls)).await;
    passed(&sample);
    assert_eq!(reading(&sample, "tls_version"), 1.2);
}

#[test]
fn settings_that_cannot_work_are_named_and_no_secret_is_shown() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key = folder.path().join("client.key");
    std::fs::write(&key, "canary-key").expect("it can be written");
    for (settings, path) in [
        (
            json!({"address": "a.test", "tls": {"resume": true}}),
            "resume",
        ),
        (json!({"address": "a.test", "expect": {}}), "expect"),
        (json!({"address": "a.test", "tls": {"key": key}}), "key"),
        (
            json!({"address": "a.test", "tls": {"key": key, "certificate": key}}),
            "certificate",
        ),
    ] {
        let misfits = build("tls", settings.clone())
            .err()
            .expect("it cannot work");
        assert!(
            misfits
                .iter()
                .any(|it| it.path.last().is_some_and(|last| last == path))
        );
        assert!(!format!("{misfits:?}").contains("canary"), "{misfits:?}");
    }
    let probe = build("tls", json!({"address": "[::1]"})).expect("the port is the usual one");
    let target = probe.target().expect("it asks one place");
    assert_eq!(&*target.name, "tls://[::1]:443");
}

#[tokio::test]
async fn nobody_listens() {
    let sample = run(
        "tls",
        json!({"address": format!("127.0.0.1:{}", free_port())}),
    )
    .await;
    assert!(fault(&sample, Reason::Refused).transient);
}
