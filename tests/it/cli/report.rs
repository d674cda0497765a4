//! `report`: a window out of the history of a daemon, rendered again.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::clock::{Moment, WallTime};
use smokejumper::event::Verdict;
use smokejumper::sample::{CheckId, Fault, Outcome, Phases, Reason, Sample};
use smokejumper::store::history::{Batch, Happening, History as _, Seen, StoredWindow};
use smokejumper::store::sqlite::history::SqliteHistory;

use super::program::Program;

const CONFIGURATION: &str = r#"
services: { api: { policy: quick } }
checks:
  health: { http: { url: "https://h/" }, every: 1s, timeout: 500ms }
policies:
  quick: { bake: 60s, warm_up: 5s, min_samples: 20 }
"#;

const FAILED: &str = "01JD0000000000000000000001";
const OPEN: &str = "01JD0000000000000000000002";

fn at(seconds: u64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_secs(1_795_250_400 + seconds))
}

/// A run of the check; from the thirtieth second on it fails.
fn seen(second: u64) -> Seen {
    let fault = (second >= 30).then(|| Fault::new(Reason::Status, "got 500, expected 200"));
    Seen {
        at: at(second),
        service: Arc::from("api"),
        window: Some(Arc::from(FAILED)),
        sample: Sample {
            check: CheckId::new("health"),
            started: Moment::ORIGIN,
            latency: Duration::from_millis(20),
            phases: Phases::default(),
            outcome: fault
                .as_ref()
                .map_or(Outcome::Pass, |fault| fault.reason.outcome()),
            fault,
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        },
    }
}

fn window(id: &str, report: Option<Value>) -> StoredWindow {
    let is_over = report.is_some();
    StoredWindow {
        id: Arc::from(id),
        service: Arc::from("api"),
        opened: at(0),
        closed: is_over.then(|| at(60)),
        verdict: is_over.then_some(Verdict::Fail),
        revision: Some("api:42".to_owned()),
        action: is_over.then(|| "hold".to_owned()),
        rollback: None,
        detected_after: is_over.then(|| Duration::from_secs(35)),
        report,
    }
}

/// A folder with a history, and perhaps a configuration.
async fn remembered(configuration: &str) -> Program {
    let program = Program::with(configuration);
    let state = program.folder.path().join("state");
    std::fs::create_dir_all(&state).expect("a folder");
    let history = SqliteHistory::open(&state.join("history.sqlite"))
        .await
        .expect("a history");
    let report = json!({
        "schema": "smokejumper.report/1", "command": "serve", "window": FAILED, "service": "api",
        "started": "2026-11-21T08:40:00Z", "finished": "2026-11-21T08:41:00Z", "judge": "sequential",
        "verdict": "fail", "exit_code": 1,
        "checks": [{ "id": "health", "kind": "http", "service": "api", "verdict": "fail",
            "samples": 60, "failed": 30, "errored": 0, "unknown": 0, "error_rate": 0.5,
            "latency_ms": { "p50": 20.0, "p90": 20.0, "p95": 20.0, "p99": null, "max": 20.0 },
            "phases_ms": {}, "readings": {},
            "limits": [
                { "subject": "error_rate", "level": "critical", "limit": 0.05, "text": "> 5 %" },
                { "subject": "p95", "level": "critical", "limit": 0.025, "text": "> 25 ms" }],
            "reasons": [{ "code": "error_rate", "level": "critical", "measured": 0.5, "limit": 0.05,
                "samples": 60, "text": "error rate 50 % over 60 samples, limit 5 %" }] }],
        "decision": { "action": "hold", "because": ["health: error_rate"] }
    });
    let happening = Happening {
        id: "01JD0000000000000000000003".to_owned(),
        at: at(35),
        service: Some(Arc::from("api")),
        window: Some(Arc::from(FAILED)),
        check: None,
        kind: "decided",
        text: "held: health: error_rate".to_owned(),
        facts: json!({ "action": "hold" }),
    };
    let batch = Batch {
        samples: (0..60).map(seen).collect(),
        happenings: vec![happening],
        windows: vec![window(FAILED, Some(report)), window(OPEN, None)],
    };
    history.keep(&batch).await.expect("kept");
    program.env("SMOKEJUMPER_STATE", "state")
}

#[tokio::test]
async fn a_window_is_told_again_in_every_form() {
    let program = remembered(CONFIGURATION).await;
    let text = program.run(&["report", FAILED]).await;
    assert_eq!(text.code, 0, "{}", text.stderr);
    assert!(
        text.stdout.contains("api (api:42): fail; decided: hold"),
        "{}",
        text.stdout
    );
    assert!(text.stdout.contains("error rate 50 %"), "{}", text.stdout);
    let json = program.run(&["report", FAILED, "--report", "json"]).await;
    let report: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(report["window"], json!(FAILED));
    let html = program
        .run(&["report", FAILED, "--report", "html=window.html"])
        .await;
    assert_eq!(html.code, 0, "{}", html.stderr);
    let page = program.read("window.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("error rate 50 %"));
    let junit = program.run(&["report", FAILED, "--report", "junit"]).await;
    assert_eq!(junit.code, 0, "{}", junit.stderr);
    let counted = "tests=\"1\" failures=\"1\" errors=\"0\"";
    assert!(junit.stdout.contains(counted), "{}", junit.stdout);
    let markdown = program.run(&["report", "--report", "markdown", FAILED]);
    let markdown = markdown.await.stdout;
    assert!(markdown.starts_with("## ❌ fail: api\n"), "{markdown}");
    assert!(markdown.contains("held for a person"), "{markdown}");
}

#[tokio::test]
async fn its_samples_are_judged_again_to_the_same_verdict() {
    let program = remembered(CONFIGURATION).await;
    let samples = program
        .run(&["report", FAILED, "--report", "samples=window.ndjson"])
        .await;
    assert_eq!(samples.code, 0, "{}", samples.stderr);
    assert_eq!(program.read("window.ndjson").lines().count(), 60);
    let replayed = program
        .run(&[
            "replay",
            "window.ndjson",
            "smokejumper.yaml",
            "--report",
            "json",
        ])
        .await;
    let report: Value = serde_json::from_str(&replayed.stdout).expect("JSON");
    assert_eq!(report["verdict"], json!("fail"), "{}", replayed.stderr);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let program = remembered(CONFIGURATION).await;
    let cases = [
        (
            vec!["report", "01JD0000000000000000000009"],
            2,
            "there is no window",
        ),
        (vec!["report", "last"], 3, "is not over"),
        (
            vec!["report", "last", "--service", "none"],
            2,
            "no window was kept yet",
        ),
        (
            vec!["report", FAILED, "--report", "yaml"],
            2,
            "there is no format `yaml`",
        ),
        (
            vec!["report", FAILED, "--report", "prometheus"],
            2,
            "not one of this command",
        ),
        (
            vec!["report", FAILED, "--report", "json", "--report", "text"],
            2,
            "only one report",
        ),
        (vec!["report", FAILED, "none.yaml"], 2, "none.yaml"),
    ];
    for (arguments, code, said) in cases {
        let ran = program.run(&arguments).await;
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
        let told = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(said), "{arguments:?}: {told}");
    }
    let nothing = Program::with(CONFIGURATION).run(&["report", "last"]).await;
    assert_eq!(nothing.code, 2);
    assert!(
        nothing.stderr.contains("there is no history in"),
        "{}",
        nothing.stderr
    );
}

#[tokio::test]
async fn no_configuration_is_needed() {
    let program = remembered(CONFIGURATION).await;
    std::fs::remove_file(program.folder.path().join("smokejumper.yaml")).expect("removed");
    let ran = program.run(&["report", FAILED]).await;
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("decided: hold"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_window_of_before_a_reload_is_drawn_with_the_limits_of_its_time() {
    let other = CONFIGURATION.replace(
        "timeout: 500ms }",
        "timeout: 500ms, thresholds: { p95: { critical: \"> 22ms\" } } }",
    );
    let renamed = CONFIGURATION.replace("health:", "renamed:");
    for configuration in [other, renamed] {
        let program = remembered(&configuration).await;
        let ran = program
            .run(&["report", FAILED, "--report", "html=window.html"])
            .await;
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let page = program.read("window.html");
        assert!(page.contains(">p95 &gt; 25 ms</text>"), "{page}");
        assert!(!page.contains("22 ms") && !page.contains("22ms"), "{page}");
    }
}
