//! Comparing with before: from recorded samples, from a folder's own baselines, and from the history
//! that a watch keeps.

use std::fmt::Write;

use serde_json::Value;
use smokejumper::rehearsal::toy::Ailment;

use super::program::{Program, Ran};
use super::watch;

/// One check every second for two minutes, compared with before.
const COMPARED: &str = r#"
checks:
  web:
    http: { url: "http://127.0.0.1:1/" }
    every: 1s
    timeout: 900ms
    thresholds:
      error_rate: { warning: "> 1%", critical: "> 5%" }
    baseline:
      error_rate: { warning: "> +10%", critical: "> +50%" }
policies:
  default: { bake: 120s, warm_up: 0s, min_samples: 20 }
"#;

/// One sample a second, of which one in `every` fails.
fn failing(every: u32) -> String {
    let mut text = String::new();
    for second in 0..120_u32 {
        let ok = second % every != every / 2;
        let line = format!(r#"{{"t":{second}.25,"check":"web","ok":{ok},"latency_ms":5}}"#);
        writeln!(text, "{line}").expect("text");
    }
    text
}

fn put(program: &Program, name: &str, text: &str) {
    std::fs::write(program.folder.path().join(name), text).expect("written");
}

async fn replay(samples: &str, before: Option<&str>) -> Ran {
    let program = Program::with(COMPARED);
    put(&program, "r.ndjson", samples);
    let mut arguments = vec!["replay", "r.ndjson", "--report", "json"];
    if let Some(before) = before {
        put(&program, "before.ndjson", before);
        arguments.extend(["--baseline", "before.ndjson"]);
    }
    program.run(&arguments).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_service_did_before_is_no_failure_and_the_raised_limit_is_told() {
    let as_ever = failing(12);
    let alone = replay(&as_ever, None).await;
    assert_eq!(alone.expect(1).json()["verdict"], "fail");
    let compared = replay(&as_ever, Some(&as_ever)).await;
    let report = compared.expect(0).json();
    assert_ne!(report["verdict"], "fail", "{}", compared.all());
    let note = report["warnings"][0].as_str().expect("a note");
    assert!(
        note.contains("10 failed: its limits on errors are raised"),
        "{note}"
    );
    let worse = replay(&failing(2), Some(&as_ever)).await;
    assert_eq!(worse.expect(1).json()["verdict"], "fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_yardstick_is_told() {
    let samples = failing(200);
    let broken = replay(&samples, Some("{\"t\":1\n")).await;
    assert!(
        broken.expect(2).all().contains("before.ndjson:1"),
        "{}",
        broken.all()
    );
    let few: String = samples
        .lines()
        .take(5)
        .map(|line| format!("{line}\n"))
        .collect();
    let few = replay(&samples, Some(&few)).await;
    let report = few.expect(0).json();
    let note = report["warnings"][0].as_str().expect("a note");
    assert_eq!(
        note,
        "web is not compared with before: only 5 samples of it known"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_a_folder_is_compared_with_its_own_baseline() {
    let program = Program::with(COMPARED);
    std::fs::create_dir(program.folder.path().join("streams")).expect("a folder");
    put(&program, "streams/alone.ndjson", &failing(12));
    put(&program, "streams/known.ndjson", &failing(12));
    put(&program, "streams/known.baseline.ndjson", &failing(12));
    let ran = program.run(&["replay", "streams"]).await;
    let verdicts: Vec<(String, String)> = ran
        .expect(0)
        .stdout
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("a line");
            let text = |key: &str| line[key].as_str().expect("text").to_owned();
            (text("stream"), text("verdict"))
        })
        .collect();
    assert_eq!(verdicts[0], ("alone".to_owned(), "fail".to_owned()));
    assert_eq!(verdicts[1].0, "known");
    assert_ne!(verdicts[1].1, "fail");
    let wrong = program
        .run(&["replay", "streams", "--baseline", "x.ndjson"])
        .await;
    assert!(
        wrong
            .expect(2)
            .all()
            .contains("a folder has its own baselines")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_window_is_kept_and_the_next_release_is_compared_with_it() {
    let state = tempfile::tempdir().expect("a folder");
    let configuration = watch::CONFIGURATION
        .replace(
            "      p95: {",
            "      p95: { warning: \"> 5s\", critical: \"> 9s\" }\n    baseline:\n      p95: {",
        )
        .replace("\"> 60ms\", critical: \"> 120ms\"", "\"> +900%\"")
        .replace("bake: 20s", "bake: 6s");
    let history = state.path().join("history/shop");
    for round in 0..2 {
        let incident = watch::stage(Ailment::Healthy, watch::settings()).await;
        incident.release().expect("deployed");
        let ran = watch::program(&incident, &configuration)
            .env("SMOKEJUMPER_STATE", &state.path().to_string_lossy())
            .run(&["watch", "--baseline", "history", "--report", "json"])
            .await;
        let report = ran.expect(0).json();
        assert_eq!(report["verdict"], "pass", "{}", ran.all());
        let note = report["warnings"][0].as_str().expect("a note");
        let expected = match round {
            0 => "orders is not compared with before: only 0 samples",
            _ => "orders is compared with",
        };
        assert!(note.starts_with(expected), "{note}");
        let kept = std::fs::read_dir(&history).expect("a history").count();
        assert_eq!(kept, round + 1, "one recording a round, and no draft");
    }
}

/// One sample a second, with so many users first and so many after a minute.
fn visited(first: u32, then: u32) -> String {
    let mut text = String::new();
    for second in 0..120_u32 {
        let users = if second < 60 { first } else { then };
        let line = format!(
            r#"{{"t":{second}.25,"check":"users","ok":true,"latency_ms":5,"readings":{{"active_users":{users}}}}}"#
        );
        writeln!(text, "{line}").expect("text");
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_must_stay_as_it_was_is_compared_with_before() {
    const STABLE: &str = r#"
checks:
  users:
    metrics: { url: "http://127.0.0.1:1/", read: { active_users: active_users } }
    every: 1s
    timeout: 900ms
    thresholds:
      active_users: { critical: { stable: { down: 30% } } }
policies:
  default: { bake: 120s, warm_up: 0s, min_samples: 20 }
"#;
    for (now, before, code) in [
        (visited(100, 90), Some(visited(100, 100)), 0),
        (visited(100, 60), Some(visited(100, 100)), 1),
        (visited(60, 60), Some(visited(60, 60)), 0),
        // Nothing is known of before: that is no pass.
        (visited(100, 100), None, 3),
    ] {
        let program = Program::with(STABLE);
        put(&program, "r.ndjson", &now);
        let mut arguments = vec!["replay", "r.ndjson", "--report", "json"];
        if let Some(before) = &before {
            put(&program, "before.ndjson", before);
            arguments.extend(["--baseline", "before.ndjson"]);
        }
        let ran = program.run(&arguments).await;
        let report = ran.expect(code).json();
        let reason = &report["checks"][0]["reasons"][0];
        if code == 1 {
            assert_eq!(reason["code"], "active_users");
            assert_eq!(
                (&reason["measured"], &reason["limit"]),
                (&0.4.into(), &0.3.into())
            );
        }
        // The same as a stream of a folder, beside its own baseline.
        std::fs::create_dir(program.folder.path().join("streams")).expect("a folder");
        put(&program, "streams/x.ndjson", &now);
        if let Some(before) = &before {
            put(&program, "streams/x.baseline.ndjson", before);
        }
        let ran = program.run(&["replay", "streams"]).await;
        assert!(
            ran.stdout
                .contains(report["verdict"].as_str().expect("a word")),
            "{}",
            ran.all()
        );
    }
}
