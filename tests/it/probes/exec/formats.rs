//! Programs that are read as Nagios plugins or by lines of JSON.

use serde_json::json;
use smokejumper::sample::{Reason, Sample, Unit};

use super::{in_folder, run};
use crate::harness::probing::{fault, passed, reading};

async fn plugin(line: &str) -> Sample {
    run(json!({"shell": line, "format": "nagios"})).await
}

async fn lines(text: &str, status: i32) -> Sample {
    let line = format!("cat <<'END'\n{text}\nEND\nexit {status}");
    run(json!({"shell": line, "format": "json_lines"})).await
}

#[tokio::test]
async fn a_plugin_tells_by_its_exit_status() {
    let sample = plugin("echo 'LOAD OK | load1=0.5;4;8;0;'").await;
    passed(&sample);
    assert_eq!(reading(&sample, "state"), 0.0);
    assert_eq!(reading(&sample, "load1"), 0.5);
    assert!(sample.notes.is_empty(), "{:?}", sample.notes);

    let sample = plugin("echo 'DISK WARNING: 91% | /=91%;90;95 t=12ms;;;; '; exit 1").await;
    passed(&sample);
    assert_eq!(reading(&sample, "state"), 1.0);
    let time = sample
        .readings
        .iter()
        .find(|it| &*it.name == "t")
        .expect("a reading");
    assert_eq!((time.value, time.unit), (0.012, Unit::Seconds));
    assert_eq!(
        sample.notes,
        [
            "/ 91 is beyond the plugin's own warning limit 90",
            "warning: DISK WARNING: 91%"
        ]
    );

    let sample = plugin("echo 'HTTP CRITICAL: 502'; exit 2").await;
    assert_eq!(
        fault(&sample, Reason::Status).detail,
        "critical: HTTP CRITICAL: 502"
    );
    assert_eq!(reading(&sample, "state"), 2.0);

    let sample = plugin("echo 'UNKNOWN: no such host'; exit 3").await;
    fault(&sample, Reason::Undecided);
    assert_eq!(reading(&sample, "state"), 3.0);

    let sample = plugin("exit 42").await;
    let met = fault(&sample, Reason::Undecided);
    assert!(met.detail.contains("42"), "{}", met.detail);
    assert!(sample.readings.iter().all(|it| &*it.name != "state"));
}

#[test]
fn a_warning_of_a_plugin_is_heard_without_a_threshold() {
    let folder = std::path::Path::new("/");
    let nagios = in_folder(folder, json!({"command": ["a"], "format": "nagios"}));
    let limits = nagios.limits();
    assert_eq!(limits.len(), 1);
    assert_eq!(limits[0].subject.name(), "state");
    let warning = limits[0].warning.expect("a warning");
    assert!(!warning.is_breached_by(0.0) && warning.is_breached_by(1.0));
    let status = in_folder(folder, json!({"command": ["a"]}));
    assert!(status.limits().is_empty(), "it gives no such reading");
}

#[tokio::test]
async fn lines_of_json_are_tests_and_numbers() {
    let good = r#"smoke test of 14:02
{"ok": true, "name": "login"}
  {"ok": true}
{"reading": "orders", "value": 12.5}
{"reading": "lag", "value": 3, "unit": "seconds"}
{"note": "the queue is long"}"#;
    let sample = lines(good, 0).await;
    passed(&sample);
    assert_eq!(reading(&sample, "tests"), 2.0);
    assert_eq!(reading(&sample, "orders"), 12.5);
    let lag = sample
        .readings
        .iter()
        .find(|it| &*it.name == "lag")
        .expect("a reading");
    assert_eq!(lag.unit, Unit::Seconds);
    assert_eq!(sample.notes, ["the queue is long"]);

    passed(&lines(r#"{"reading": "orders", "value": 1}"#, 0).await);

    let bad = r#"{"ok": true, "name": "login"}
{"ok": false, "name": "pay", "message": "card refused"}
{"ok": false}
{"unknown": "no stock"}"#;
    let sample = lines(bad, 1).await;
    let met = fault(&sample, Reason::Expectation);
    assert_eq!(
        met.detail,
        "pay failed, one of 2 among 3 tests: card refused"
    );
    assert_eq!(met.further, ["the test of line 3 failed"]);
}

#[tokio::test]
async fn lines_that_say_nothing_are_never_a_pass() {
    for (text, status, reason) in [
        ("", 0, Reason::NoData),
        ("all is well", 0, Reason::NoData),
        (r#"{"note": "all is well"}"#, 0, Reason::NoData),
        (r#"{"unknown": "no account"}"#, 0, Reason::Undecided),
        (
            "{\"ok\": true}\n{\"unknown\": \"no account\"}",
            0,
            Reason::Undecided,
        ),
        (r#"{"ok": true}"#, 1, Reason::Status),
        (r#"{"ok": "yes"}"#, 0, Reason::Malformed),
        (r#"{"ok": true, "nmae": "x"}"#, 0, Reason::Malformed),
        (r#"{"value": 1}"#, 0, Reason::Malformed),
        (r#"{"ok": tr"#, 0, Reason::Malformed),
    ] {
        let sample = lines(text, status).await;
        fault(&sample, reason);
    }
}
