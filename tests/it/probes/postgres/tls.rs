//! TLS between the kind `postgres` and a real server: who insists on what, and whom one believes.

use serde_json::{Value, json};
use smokejumper::sample::{Phase, Reason};

use super::keeps_its_secret;
use crate::harness::certificates::Authority;
use crate::harness::postgres::{Postgres, Tls};
use crate::harness::probing::{fault, passed, reading, run};

#[tokio::test]
async fn over_tls_the_certificate_is_verified_against_the_declared_authority() {
    let server = Postgres::start_with(Tls::Required, &[]).await;
    let query = "select ssl::text, version from pg_stat_ssl where pid = pg_backend_pid()";
    let expect = json!({"row": {"ssl": "true", "version": "TLSv1.3"}});
    let ca = json!({"ca": server.ca()});
    for (tail, tls) in [
        ("", ca.clone()),
        ("?sslmode=verify-full", ca.clone()),
        ("?sslmode=require", ca.clone()),
        ("?sslmode=require&channel_binding=require", ca),
        ("?sslmode=require", Value::Null),
        ("?sslmode=prefer", Value::Null),
        ("", Value::Null),
        ("", json!({"verify": false})),
    ] {
        let url = server.url(tail);
        let settings = json!({"url": url, "query": query, "expect": expect, "tls": tls});
        let sample = run("postgres", settings).await;
        passed(&sample);
        assert!(sample.phases.get(Phase::Tls).is_some());
        assert!(reading(&sample, "cert_days") > 30.0);
        assert!(reading(&sample, "chain_days") > 30.0);
    }
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_a_fault_of_the_certificate() {
    let server = Postgres::start_with(Tls::Offered, &[]).await;
    let other = Authority::new();
    for settings in [
        json!({"url": server.url("?sslmode=verify-full")}),
        json!({"url": server.url(""), "tls": {"ca": other.ca()}}),
        json!({"url": server.url(""), "tls": {"ca": server.ca(), "server_name": "elsewhere.test"}}),
    ] {
        let sample = run("postgres", settings).await;
        fault(&sample, Reason::Certificate);
        assert!(reading(&sample, "cert_days") > 30.0);
        keeps_its_secret(&sample);
    }
}

#[tokio::test]
async fn tls_that_is_insisted_on_and_not_offered_sends_no_password() {
    let server = Postgres::start_with(Tls::Off, &[("log_connections", "on")]).await;
    for settings in [
        json!({"url": server.url("?sslmode=require")}),
        json!({"url": server.url(""), "tls": {"verify": false}}),
    ] {
        let sample = run("postgres", settings).await;
        let fault = fault(&sample, Reason::Tls);
        assert_eq!(
            fault.detail,
            "the server offers no TLS, and the check insists on it"
        );
    }
    assert!(
        !server.log().contains("connection authorized"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn a_server_that_insists_on_tls_refuses_who_comes_without() {
    let server = Postgres::start_with(Tls::Required, &[]).await;
    let sample = run("postgres", json!({"url": server.url("?sslmode=disable")})).await;
    let fault = fault(&sample, Reason::Unauthorized);
    assert!(fault.detail.contains("SQLSTATE 28000"), "{}", fault.detail);
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_its_days_are_there() {
    let server = Postgres::start_with(Tls::Expired, &[]).await;
    let settings = json!({"url": server.url(""), "tls": {"ca": server.ca()}});
    let sample = run("postgres", settings).await;
    let fault = fault(&sample, Reason::Certificate);
    assert!(fault.detail.contains("has expired"), "{}", fault.detail);
    assert!(fault.dated);
    assert!(reading(&sample, "cert_days") < 0.0);
    keeps_its_secret(&sample);
}
