//! The names of blackbox_exporter, as a Prometheus that honours our labels has them, for the queries that
//! teams have.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::page::page;
use crate::cli::program::Program;
use crate::cli::serve::Serving;
use crate::harness::certificates::Authority;
use crate::harness::http_peer::{Does, Peer, answer};
use crate::harness::prometheus::Prometheus;

fn configuration(names: &str) -> String {
    format!(
        r#"
services: {{ web: {{}} }}
defaults: {{ every: 500ms, timeout: 490ms }}
checks:
  works: {{ http: {{ url: "${{WEB_URL}}" }} }}
  broken: {{ http: {{ url: "${{WEB_URL}}", expect: {{ status: 418 }} }} }}
  gone: {{ http: {{ url: "http://127.0.0.1:1/" }} }}
  port: {{ tcp: {{ address: "${{WEB_ADDRESS}}" }} }}
  secure: {{ http: {{ url: "${{TLS_URL}}", tls: {{ ca: "${{TEST_CA}}" }} }} }}
  blind: {{ prometheus: {{ url: "http://127.0.0.1:1", read: {{ users: count(up) }} }} }}
server: {{ listen: "127.0.0.1:0" }}
telemetry: {{ names: {names} }}
"#
    )
}

/// What a query finds, by `instance`.
async fn found(prometheus: &Prometheus, query: &str) -> BTreeMap<String, f64> {
    let data = prometheus.api("query", &[("query", query)]).await;
    let result = data["result"].as_array().expect("series").iter();
    let series = result.map(|one| {
        let value: &Value = &one["value"][1];
        let value = value.as_str().and_then(|value| value.parse().ok());
        let instance = one["metric"]["instance"].as_str().expect("an instance");
        (instance.to_owned(), value.expect("a number"))
    });
    series.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_for_blackbox_exporter_find_the_last_runs() {
    let web = page("200 OK", "ok").await;
    let authority = Authority::new();
    let secure = Peer::start_tls(
        Does::Answers(std::sync::Arc::new(|_| answer("200 OK", &[], b"ok"))),
        &authority.server(),
    )
    .await;
    let program = Program::with(&configuration("blackbox"))
        .env("WEB_URL", &web.url("/"))
        .env("WEB_ADDRESS", &web.address().to_string())
        .env("TLS_URL", &secure.url_by_name("/"))
        .env("TEST_CA", authority.ca().to_str().expect("a path"));
    let serving = Serving::start(&program);
    serving.until_told("watching 1 service with 6 checks").await;
    let prometheus = Prometheus::honouring(&[serving.address()]).await;
    prometheus.has("count(probe_success) == 5").await;

    let success = found(&prometheus, "probe_success{job=\"web\"}").await;
    let expected = [
        ("broken", 0.0),
        ("gone", 0.0),
        ("port", 1.0),
        ("secure", 1.0),
        ("works", 1.0),
    ];
    let expected = expected.map(|(instance, value)| (instance.to_owned(), value));
    assert_eq!(
        success,
        expected.into(),
        "and nothing of what taught nothing"
    );
    let status = found(&prometheus, "probe_http_status_code").await;
    let expected = [
        ("broken", 200.0),
        ("gone", 0.0),
        ("secure", 200.0),
        ("works", 200.0),
    ];
    let expected = expected.map(|(instance, value)| (instance.to_owned(), value));
    assert_eq!(status, expected.into(), "of the kind http alone");
    let durations = found(&prometheus, "probe_duration_seconds > 0").await;
    assert_eq!(durations.len(), 5, "{durations:?}");
    let parts =
        "sum by (instance) (probe_http_duration_seconds) <= on (instance) probe_duration_seconds";
    assert!(found(&prometheus, parts).await.contains_key("works"));
    let tls = "probe_http_duration_seconds{phase=\"tls\"} > 0";
    assert_eq!(
        found(&prometheus, tls)
            .await
            .into_keys()
            .collect::<Vec<_>>(),
        ["secure"]
    );
    let phases = "count by (instance) (probe_http_duration_seconds)";
    assert_eq!(found(&prometheus, phases).await["works"], 5.0);
    let expiry = found(&prometheus, "probe_ssl_earliest_cert_expiry - time()").await;
    assert_eq!(expiry.keys().collect::<Vec<_>>(), ["secure"]);
    assert!(expiry["secure"] > 0.0, "{expiry:?}");
    let lookups = found(&prometheus, "probe_dns_lookup_time_seconds").await;
    assert!(
        lookups.contains_key("secure") && !lookups.contains_key("works"),
        "{lookups:?}"
    );

    // The names are read again like everything else.
    let file = program.folder.path().join("smokejumper.yaml");
    std::fs::write(&file, configuration("own")).expect("written");
    serving.signal("-HUP");
    serving.until_told("no check is declared otherwise").await;
    let own = serving.asked("/metrics").await;
    assert!(
        !own.contains("\nprobe_") && own.contains("smokejumper_probe_total"),
        "{own}"
    );
    std::fs::write(&file, configuration("blackbox")).expect("written");
    prometheus.has("count(probe_success) == 5").await;
}
