//! A real `serve` with a service that is rolled back and one that fails in every way, scraped by a real
//! Prometheus that has the rules of `dashboards/`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use smokejumper::rehearsal::incident::Incident;
use smokejumper::rehearsal::toy::Ailment;

use super::promql::{self, Matcher};
use crate::cli::page::page;
use crate::cli::serve::Serving;
use crate::cli::watch::{CONFIGURATION, program, settings, stage};
use crate::harness::http_peer::Peer;
use crate::harness::prometheus::Prometheus;

/// A second service: one check of each verdict. Nobody listens at port 1, so that nothing is ever learnt
/// of the last one.
const CHECKS: &str = r#"checks:
  works: { service: web, http: { url: "${WEB_URL}/" }, every: 500ms, timeout: 490ms }
  odd:
    service: web
    http: { url: "${WEB_URL}/" }
    thresholds: { status: { warning: "> 100" } }
    every: 500ms
    timeout: 490ms
  broken: { service: web, http: { url: "${WEB_URL}/", expect: { status: 418 } }, every: 500ms, timeout: 490ms }
  blind: { service: web, prometheus: { url: "http://127.0.0.1:1", read: { users: count(up) } }, every: 500ms, timeout: 490ms }
"#;

/// Labels whose values are all there from the beginning, so that a query can ask for no other.
const CLOSED: [&str; 4] = ["outcome", "verdict", "state", "action"];

/// The label names of each metric, and the values of each.
type Known = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Everything that runs.
pub struct Scene {
    pub prometheus: Prometheus,
    /// In seconds since 1970.
    pub from: u64,
    pub known: Known,
    pub serving: Serving,
    _incident: Incident,
    _web: Peer,
}

impl Scene {
    /// Plays a bad release to its end, and waits until Prometheus has seen all of it.
    pub async fn play() -> Self {
        let incident = stage(Ailment::Outage, settings()).await;
        let web = page("200 OK", "ok").await;
        let program = program(&incident, &configuration()).env("WEB_URL", &web.url(""));
        let serving = Serving::start(&program);
        serving
            .until_told("watching 2 services with 6 checks")
            .await;
        let rules = ["recording.rules.yaml", "alerting.rules.yaml"].map(super::file);
        let targets = [serving.address()];
        let prometheus = Prometheus::with_rules(&targets, &rules, &[]).await;
        prometheus.has("smokejumper_build_info").await;
        // The second in which it was first scraped began before that.
        let from = now(&prometheus).await + 1;
        incident.release().expect("deployed");
        serving.until_told("is over: fail").await;
        for done in [
            "smokejumper_rollbacks_total{outcome=\"rolled_back_verified\"} == 1",
            "smokejumper_check_verdict{check=\"odd\",verdict=\"warn\"} == 1",
            "smokejumper_check_verdict{check=\"broken\",verdict=\"fail\"} == 1",
            "smokejumper_check_verdict{check=\"blind\",verdict=\"inconclusive\"} == 1",
        ] {
            prometheus.has(done).await;
        }
        let known = known(&prometheus).await;
        Self {
            prometheus,
            from,
            known,
            serving,
            _incident: incident,
            _web: web,
        }
    }

    /// The series that a query found at any time of the scene.
    pub async fn found(&self, query: &str) -> Vec<Value> {
        // What was scraped within this second as well.
        let to = now(&self.prometheus).await + 1;
        let (from, to) = (self.from.to_string(), to.to_string());
        let parameters = [
            ("query", query),
            ("start", &from),
            ("end", &to),
            ("step", "1"),
        ];
        let mut data = self.prometheus.api("query_range", &parameters).await;
        let result = data["result"].take();
        serde_json::from_value(result).expect("a list of series")
    }

    /// Fails where a query names what is not exported.
    pub fn assert_known(&self, query: &str) {
        let named = promql::named(query);
        for selector in &named.selectors {
            let labels = self.known.get(&selector.metric);
            let labels = labels.unwrap_or_else(|| panic!("no {} in {query}", selector.metric));
            for Matcher {
                label,
                value,
                is_pattern,
            } in &selector.matchers
            {
                let values = labels.get(label);
                let values = values.unwrap_or_else(|| panic!("no label {label} in {query}"));
                if CLOSED.contains(&label.as_str()) {
                    let alternatives = value.split(|c| *is_pattern && c == '|');
                    for one in alternatives {
                        assert!(values.contains(one), "no {label} is {one}: {query}");
                    }
                }
            }
            for label in &named.groupings {
                assert!(labels.contains_key(label), "no label {label}: {query}");
            }
        }
    }
}

fn configuration() -> String {
    let (services, rest) = CONFIGURATION.split_once("checks:\n").expect("checks");
    let own = rest
        .replace("  health:\n", "  health:\n    service: shop\n")
        .replace("  orders:\n", "  orders:\n    service: shop\n")
        // On a busy machine only what fails counts, not what is slow.
        .replace(
            "      p95: { warning: \"> 60ms\", critical: \"> 120ms\" }\n",
            "",
        );
    format!("{services}  web: {{}}\n{CHECKS}{own}server: {{ listen: \"127.0.0.1:0\" }}\n")
}

async fn now(prometheus: &Prometheus) -> u64 {
    let data = prometheus.api("query", &[("query", "time()")]).await;
    let at = data["result"][0].as_f64().expect("a time");
    at.to_string()
        .split('.')
        .next()
        .and_then(|whole| whole.parse().ok())
        .expect("seconds")
}

/// What is exported, as Prometheus has it after a scrape.
async fn known(prometheus: &Prometheus) -> Known {
    let all = r#"{__name__=~"smokejumper_.*"}"#;
    let series = prometheus.api("series", &[("match[]", all)]).await;
    let mut known = Known::new();
    for one in series.as_array().expect("a list of series") {
        let labels = one.as_object().expect("labels");
        let name = labels["__name__"].as_str().expect("a name");
        let metric = known.entry(name.to_owned()).or_default();
        for (label, value) in labels {
            let value = value.as_str().expect("a text").to_owned();
            metric.entry(label.clone()).or_default().insert(value);
        }
    }
    known
}
