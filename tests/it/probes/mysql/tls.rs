//! TLS between the kind `mysql` and a real server: who insists on what, and whom one believes.

use serde_json::{Value, json};
use smokejumper::sample::{Phase, Reason};

use super::keeps_its_secret;
use crate::harness::certificates::Authority;
use crate::harness::mariadb::MariaDb;
use crate::harness::probing::{fault, passed, reading, run};

#[tokio::test]
async fn over_tls_the_certificate_is_verified_against_the_declared_authority() {
    let server = MariaDb::start_with_tls(Authority::server).await;
    let query = "select variable_value as cipher from information_schema.session_status \
                 where variable_name = 'Ssl_cipher'";
    let expect = json!({"row": {"cipher": {"len": {"gt": 0}}}});
    let ca = json!({"ca": server.ca()});
    for (tail, tls) in [
        ("", ca.clone()),
        ("?ssl-mode=VERIFY_IDENTITY", ca.clone()),
        ("?ssl-mode=required", ca),
        ("?ssl-mode=required", Value::Null),
        ("", Value::Null),
        ("", json!({"verify": false})),
    ] {
        let url = server.url(tail);
        let settings = json!({"url": url, "query": query, "expect": expect, "tls": tls});
        let sample = run("mysql", settings).await;
        passed(&sample);
        assert!(sample.phases.get(Phase::Tls).is_some());
        assert!(reading(&sample, "cert_days") > 30.0);
    }
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_a_fault_of_the_certificate() {
    let server = MariaDb::start_with_tls(Authority::server).await;
    let other = Authority::new();
    for settings in [
        json!({"url": server.url("?ssl-mode=verify_identity")}),
        json!({"url": server.url(""), "tls": {"ca": other.ca()}}),
        json!({"url": server.url(""), "tls": {"ca": server.ca(), "server_name": "elsewhere.test"}}),
    ] {
        let sample = run("mysql", settings).await;
        fault(&sample, Reason::Certificate);
        assert!(reading(&sample, "cert_days") > 30.0);
        keeps_its_secret(&sample);
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_its_days_are_there() {
    let server = MariaDb::start_with_tls(Authority::expired).await;
    let settings = json!({"url": server.url(""), "tls": {"ca": server.ca()}});
    let sample = run("mysql", settings).await;
    let fault = fault(&sample, Reason::Certificate);
    assert!(fault.detail.contains("has expired"), "{}", fault.detail);
    assert!(fault.dated);
    assert!(reading(&sample, "cert_days") < 0.0);
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn tls_that_is_insisted_on_and_not_offered_sends_no_password() {
    let server = MariaDb::start_with(None, &["--skip-ssl"]).await;
    for settings in [
        json!({"url": server.url("?ssl-mode=required")}),
        json!({"url": server.url(""), "tls": {"verify": false}}),
    ] {
        let sample = run("mysql", settings).await;
        let told = fault(&sample, Reason::Tls);
        assert_eq!(
            told.detail,
            "the server offers no TLS, and the check insists on it"
        );
    }
}
