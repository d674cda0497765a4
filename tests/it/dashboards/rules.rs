//! The rules: as `promtool` sees them, and as a Prometheus that has loaded them asks.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::panels;
use super::scene::Scene;
use crate::harness::tools;

/// Whether what each alert is about is there in the scene; of the last ones it depends on how busy the
/// machine is.
const FOUND: [(&str, Option<bool>); 13] = [
    ("SmokejumperCheckFailing", Some(true)),
    ("SmokejumperCheckWarning", Some(true)),
    ("SmokejumperCheckInconclusive", Some(true)),
    ("SmokejumperRolledBack", Some(true)),
    ("SmokejumperRollbackFailed", Some(false)),
    ("SmokejumperRollbackRefused", Some(false)),
    ("SmokejumperHeld", Some(false)),
    ("SmokejumperWindowOpenTooLong", Some(true)),
    ("SmokejumperGone", Some(false)),
    ("SmokejumperCannotLook", Some(true)),
    ("SmokejumperConfigurationRefused", Some(false)),
    ("SmokejumperLate", None),
    ("SmokejumperSamplesLost", None),
];

fn promtool(arguments: &[&str]) -> String {
    let output = Command::new(tools::program("promtool", &[]))
        .args(arguments)
        .current_dir(super::file(""))
        .output()
        .expect("promtool runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
    said
}

#[test]
fn promtool_takes_the_rules_and_their_unit_tests_hold() {
    promtool(&[
        "check",
        "rules",
        "--lint-fatal",
        "recording.rules.yaml",
        "alerting.rules.yaml",
    ]);
    let said = promtool(&["test", "rules", "rules.test.yaml"]);
    assert!(said.contains("SUCCESS"), "{said}");
}

/// The text of `/metrics` as `promtool` sees it: form, names, units, help.
fn assert_well_formed(metrics: &str) {
    let mut child = Command::new(tools::program("promtool", &[]))
        .args(["check", "metrics", "--extended"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    let mut stdin = child.stdin.take().expect("piped");
    stdin
        .write_all(metrics.as_bytes())
        .expect("it reads all of it");
    drop(stdin);
    let output = child.wait_with_output().expect("promtool ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
    let counted = String::from_utf8_lossy(&output.stdout);
    assert!(
        counted.contains("smokejumper_probe_duration_seconds"),
        "{counted}"
    );
}

#[test]
fn every_alert_has_a_unit_test() {
    let rules = std::fs::read_to_string(super::file("alerting.rules.yaml")).expect("the rules");
    let tests = std::fs::read_to_string(super::file("rules.test.yaml")).expect("their tests");
    for (alert, _) in FOUND {
        assert!(rules.contains(&format!("- alert: {alert}\n")), "{alert}");
        let tested = format!("alertname: {alert}\n");
        let whole = tests.split(&tested).skip(1);
        let fires = whole.filter(|rest| rest.trim_start().starts_with("exp_alerts:\n"));
        assert!(fires.count() > 0, "{alert} is never seen to fire");
    }
    assert_eq!(rules.matches("- alert: ").count(), FOUND.len());
}

/// The rules that Prometheus has loaded, of a type.
async fn loaded(scene: &Scene, kind: &str) -> Vec<Value> {
    let data = scene.prometheus.api("rules", &[("type", kind)]).await;
    let groups = data["groups"].as_array().expect("groups").iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().expect("rules").clone());
    rules.collect()
}

pub async fn every_recording_rule_records(scene: &Scene) -> Vec<(String, String)> {
    let mut recorded = Vec::new();
    for rule in loaded(scene, "record").await {
        let text = |key: &str| rule[key].as_str().expect("a text").to_owned();
        let (name, query) = (text("name"), text("query"));
        scene.assert_known(&query);
        assert!(!scene.found(&query).await.is_empty(), "nothing for {name}");
        recorded.push((name, query));
    }
    assert_eq!(recorded.len(), 5, "{recorded:?}");
    recorded
}

/// Each alert by what it asks, the recorded series written out: a rule is evaluated twice a minute, and
/// the scene lasts no longer.
pub async fn every_alert_can_be_asked(scene: &Scene, recorded: &[(String, String)]) {
    let mut alerts = loaded(scene, "alert").await;
    assert_eq!(alerts.len(), FOUND.len());
    for (name, is_found) in FOUND {
        let at = alerts.iter().position(|alert| alert["name"] == name);
        let alert = alerts.swap_remove(at.unwrap_or_else(|| panic!("{name} is loaded")));
        let query = alert["query"].as_str().expect("a query");
        let query = recorded.iter().fold(query.to_owned(), |query, (name, by)| {
            query.replace(name, &format!("({by})"))
        });
        scene.assert_known(&query);
        let series = scene.found(&query).await;
        let finds = !series.is_empty();
        assert_eq!(
            finds,
            is_found.unwrap_or(finds),
            "{name}: {query}: {series:?}"
        );
        for (_, words) in alert["annotations"].as_object().expect("annotations") {
            for label in panels::shown(words.as_str().expect("a text")) {
                let label = label.strip_prefix("$labels.").expect("a label");
                let has = |one: &Value| one["metric"][label].is_string();
                assert!(series.iter().all(has), "no {label}: {name}: {series:?}");
                // What found nothing here still says by which labels it would be told.
                let grouped = super::promql::named(&query).groupings;
                assert!(
                    finds || grouped.iter().any(|one| one == label),
                    "no {label}: {query}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_that_scrapes_a_daemon_finds_all_that_is_asked_for() {
    let scene = Scene::play().await;
    panels::every_panel_shows_something(&scene).await;
    panels::every_mark_is_seen(&scene).await;
    panels::every_variable_has_values(&scene).await;
    let recorded = every_recording_rule_records(&scene).await;
    every_alert_can_be_asked(&scene, &recorded).await;
    let metrics = scene.serving.asked("/metrics").await;
    let (_, body) = metrics.split_once("\r\n\r\n").expect("a body");
    assert_well_formed(body);
}
