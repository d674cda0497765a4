//! Every query of every dashboard, asked of a Prometheus that has seen a deployment fail.

use std::collections::BTreeSet;

use serde_json::Value;

use super::drawn::{self, dashboard, list, text};
use super::scene::Scene;

/// What Grafana puts in the place of variables; each to what the scene has.
const VARIABLES: [(&str, &str); 6] = [
    ("\"$service\"", "\"shop\""),
    ("$service", ".*"),
    ("$check", "orders"),
    ("$instance", ".*"),
    ("$__rate_interval", "15s"),
    // An annotation asks for a minute at each minute; the scene lasts no longer.
    ("[1m]", "[15s]"),
];

/// A query as Grafana sends it. `=~"$service"` may be all of them, `="$service"` is one.
fn filled(query: &str) -> String {
    let query = query.replace("=~\"$service\"", "=~\".*\"");
    let query = VARIABLES
        .iter()
        .fold(query, |query, (name, value)| query.replace(name, value));
    assert!(!query.contains('$'), "what is {query}?");
    query
}

/// The labels that a legend, a title or an annotation shows: `{{label}}`.
pub fn shown(template: &str) -> Vec<&str> {
    let parts = template.split("{{").skip(1);
    let names = parts.map(|part| part.split("}}").next().expect("an end").trim());
    names.collect()
}

fn assert_shows(template: &str, series: &[Value], query: &str) {
    for label in shown(template) {
        let has = |one: &Value| one["metric"][label].is_string();
        assert!(
            series.iter().all(has),
            "no {label} to show of {query}: {series:?}"
        );
    }
}

/// The metric, with its matchers, and the label of a `label_values(metric, label)`.
fn values_of(definition: &str) -> (&str, &str) {
    let inner = definition.strip_prefix("label_values(");
    let inner = inner.and_then(|inner| inner.strip_suffix(')'));
    let split = inner.and_then(|inner| inner.rsplit_once(','));
    split.unwrap_or_else(|| panic!("{definition} is no question for values of a label"))
}

pub async fn every_panel_shows_something(scene: &Scene) {
    let mut panels = 0;
    for name in drawn::ALL {
        let dashboard = dashboard(name);
        for panel in list(&dashboard, "panels") {
            for target in list(panel, "targets") {
                let query = filled(text(target, "expr"));
                scene.assert_known(&query);
                let series = scene.found(&query).await;
                let title = text(panel, "title");
                assert!(!series.is_empty(), "{name}: {title}: nothing for {query}");
                assert_shows(text(target, "legendFormat"), &series, &query);
                panels += 1;
            }
        }
    }
    assert!(panels > 30, "{panels}");
}

pub async fn every_mark_is_seen(scene: &Scene) {
    for name in drawn::ALL {
        let dashboard = dashboard(name);
        for mark in list(&dashboard["annotations"], "list") {
            let query = filled(text(mark, "expr"));
            scene.assert_known(&query);
            let series = scene.found(&query).await;
            assert!(!series.is_empty(), "{name}: nothing for {query}");
            assert_shows(text(mark, "titleFormat"), &series, &query);
        }
    }
}

pub async fn every_variable_has_values(scene: &Scene) {
    for name in drawn::ALL {
        let dashboard = dashboard(name);
        let variables = list(&dashboard["templating"], "list").iter();
        for variable in variables.filter(|one| text(one, "type") == "query") {
            let definition = text(variable, "definition");
            assert_eq!(text(&variable["query"], "query"), definition, "{name}");
            let (metric, label) = values_of(definition);
            let query = filled(metric);
            scene.assert_known(&query);
            let series = scene.found(&query).await;
            let values: BTreeSet<&str> = series
                .iter()
                .filter_map(|one| one["metric"][label].as_str())
                .collect();
            assert!(!values.is_empty(), "{name}: no {label} in {query}");
        }
    }
}
