//! `replay`: recordings of real windows come to what the watch came to, broken ones to an error that
//! names the line, and too little data never to a pass.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use smokejumper::rehearsal::toy::Ailment;

use super::program::{Program, Ran};
use super::watch;

/// One check every second for a minute, and a policy that needs twenty samples.
const PLAIN: &str = r#"
checks:
  web:
    http: { url: "http://127.0.0.1:1/" }
    every: 1s
    timeout: 900ms
policies:
  default: { bake: 60s, warm_up: 2s, min_samples: 20 }
"#;

fn line(t: f64, ok: bool) -> String {
    format!("{{\"t\":{t},\"check\":\"web\",\"ok\":{ok},\"latency_ms\":5}}\n")
}

/// One sample a second; `is_bad` says which fail.
fn recording(seconds: u32, is_bad: impl Fn(u32) -> bool) -> String {
    (0..seconds)
        .map(|second| line(f64::from(second) + 0.25, !is_bad(second)))
        .collect()
}

fn write(program: &Program, name: &str, text: impl AsRef<[u8]>) {
    std::fs::write(program.folder.path().join(name), text).expect("written");
}

async fn replay(text: &str, flags: &[&str]) -> Ran {
    let program = Program::with(PLAIN);
    write(&program, "r.ndjson", text);
    let arguments = [&["replay", "r.ndjson"], flags].concat();
    program.run(&arguments).await
}

fn lines(ran: &Ran) -> Vec<Value> {
    let lines = ran.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", ran.all())))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_verdict_has_its_exit_code() {
    let cases = [
        (
            recording(60, |_| false),
            &[][..],
            0,
            "pass",
            "nothing is wrong",
        ),
        (recording(60, |at| at > 30), &[], 1, "fail", "an outage"),
        (
            recording(60, |at| at % 20 == 10),
            &[],
            0,
            "warn",
            "three lost of sixty",
        ),
        (
            recording(60, |at| at % 20 == 10),
            &["--fail-on", "warning"],
            5,
            "warn",
            "which counts here",
        ),
        (String::new(), &[], 3, "inconclusive", "an empty file"),
        (
            recording(3, |_| false),
            &[],
            3,
            "inconclusive",
            "three samples",
        ),
        (
            recording(3, |_| true),
            &[],
            3,
            "inconclusive",
            "three bad samples",
        ),
        (
            recording(25, |_| false),
            &[],
            3,
            "inconclusive",
            "it stops early",
        ),
        (
            recording(25, |_| false),
            &["--for", "25s"],
            0,
            "pass",
            "but not for a shorter bake",
        ),
    ];
    for (text, flags, code, verdict, why) in cases {
        let ran = replay(&text, &[flags, &["--report", "json"]].concat()).await;
        let report = ran.expect(code).json();
        assert_eq!(report["command"], "replay", "{why}");
        assert_eq!(report["verdict"], verdict, "{why}: {}", ran.all());
        assert_eq!(report.get("deployment"), None, "{why}");
        assert_eq!(
            report.get("rollback"),
            None,
            "{why}: nothing is ever changed"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_tells_every_change_and_the_last_line_is_final() {
    let ran = replay(&recording(60, |at| at > 30), &["--report", "ndjson"]).await;
    let lines = lines(ran.expect(1));
    let (last, turns) = lines.split_last().expect("a last line");
    assert_eq!(last["final"], true, "{}", ran.all());
    assert_eq!(last["verdict"], "fail");
    assert_eq!(last["decision"]["because"], json!(["web: error_rate"]));
    let condemning = turns.last().expect("a change");
    assert_eq!(condemning["changed"][0]["to"], "fail");
    assert_eq!(condemning["t"], last["t"], "when it was condemned");
    let t = last["t"].as_f64().expect("a time");
    assert!((31.25..60.0).contains(&t), "{t}");
    assert!((t - 0.25).fract().abs() < 1e-9, "the time of a sample: {t}");
    for (turn, next) in turns.iter().zip(&lines[1..]) {
        assert_eq!(turn["final"], false);
        assert!(turn["t"].as_f64() <= next["t"].as_f64(), "{}", ran.all());
    }
    let good = replay(&recording(60, |_| false), &["--report", "ndjson"]).await;
    let lines = self::lines(good.expect(0));
    let last = lines.last().expect("a last line");
    assert_eq!((&last["t"], &last["samples"]), (&json!(60.0), &json!(60)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_when_what_changed_and_why() {
    let ran = replay(&recording(60, |at| at > 30), &[]).await;
    ran.expect(1);
    let timeline: Vec<&str> = ran
        .stdout
        .lines()
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(
        timeline[0].starts_with("    19.2s  web  inconclusive -> pass"),
        "{}",
        ran.all()
    );
    let condemned = timeline
        .iter()
        .find(|line| line.contains("-> FAIL: error rate"));
    assert!(condemned.is_some(), "{}", ran.all());
    assert!(
        ran.stdout.contains("FAIL: web: error rate"),
        "{}",
        ran.all()
    );
    assert!(
        ran.stdout.contains("nothing was changed; exit code 1"),
        "{}",
        ran.all()
    );
    assert!(
        ran.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_after_the_bake_change_nothing_and_are_counted() {
    let ran = replay(&recording(90, |at| at > 60), &["--report", "json"]).await;
    let report = ran.expect(0).json();
    assert_eq!(report["checks"][0]["samples"], 60);
    let expected = json!(["samples after the bake of 1m were left out: 30"]);
    assert_eq!(report["warnings"], expected, "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_broken_is_named_with_its_line_and_is_no_verdict() {
    let good = recording(3, |_| false);
    let cases = [
        (good.clone() + "nonsense\n", "r.ndjson:4: not a sample"),
        (
            good.clone() + &line(4.0, true).replace("web", "wab"),
            "declares no check `wab`; did you mean `web`",
        ),
        (
            good.clone() + &line(4.0, true)[..20],
            "r.ndjson:4: the file ends in the middle",
        ),
    ];
    for (text, expected) in cases {
        let ran = replay(&text, &["--report", "ndjson"]).await;
        ran.expect(2);
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.all());
        assert_eq!(ran.stdout, "", "{expected}");
    }
    let ran = Program::with(PLAIN)
        .run(&["replay", "missing.ndjson"])
        .await;
    ran.expect(2);
    assert!(
        ran.stderr.contains("missing.ndjson: cannot be read"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn several_services_are_judged_one_at_a_time() {
    let program = Program::with(
        "services: { a: { policy: quick }, b: { policy: quick } }\n\
         checks:\n  web: { service: a, http: { url: \"http://127.0.0.1:1/\" }, every: 1s, timeout: 900ms }\n  \
         api: { service: b, http: { url: \"http://127.0.0.1:1/\" }, every: 1s, timeout: 900ms }\n\
         policies: { quick: { bake: 60s, min_samples: 20 } }\n",
    );
    let both = recording(60, |at| at > 10);
    let api = recording(60, |_| false).replace("web", "api");
    let mut merged: Vec<&str> = both.lines().chain(api.lines()).collect();
    // Two files become one in the order of time.
    merged.sort_by_key(|line| {
        line.split([':', ','])
            .nth(1)
            .and_then(|t| t.parse().ok())
            .map(|t: f64| (t * 1e3) as u64)
    });
    write(&program, "r.ndjson", merged.join("\n"));
    let ran = program.run(&["replay", "r.ndjson"]).await;
    ran.expect(2);
    assert!(
        ran.stderr.contains("choose with --service: a, b"),
        "{}",
        ran.all()
    );
    for (service, code) in [("a", 1), ("b", 0)] {
        let ran = program
            .run(&[
                "replay",
                "r.ndjson",
                "--service",
                service,
                "--report",
                "json",
            ])
            .await;
        let report = ran.expect(code).json();
        assert_eq!(report["service"], service);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_gives_a_line_a_stream_in_name_order_whatever_fails() {
    let program = Program::with(PLAIN);
    std::fs::create_dir(program.folder.path().join("streams")).expect("a folder");
    let put = |name: &str, text: &str| write(&program, &format!("streams/{name}"), text);
    for stream in 0..40 {
        put(
            &format!("healthy-{stream:02}.ndjson"),
            &recording(60, |_| false),
        );
    }
    put("bad.ndjson", &recording(60, |at| at > 30));
    // What was measured before is no stream of its own.
    put("bad.baseline.ndjson", "not looked at\n");
    put("empty.ndjson", "");
    put("short.ndjson", &recording(25, |_| false));
    put("three.ndjson", &recording(3, |_| false));
    put("notes.txt", "no recording\n");
    let ran = program.run(&["replay", "streams"]).await;
    let found = lines(ran.expect(0));
    let names: Vec<&str> = found
        .iter()
        .filter_map(|line| line["stream"].as_str())
        .collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.len(), 44);
    assert_eq!(found[0]["verdict"], "fail");
    assert!(
        found[0]["t"].as_f64().is_some_and(|t| t < 60.0),
        "{}",
        found[0]
    );
    for line in &found[1..] {
        let healthy = line["stream"]
            .as_str()
            .is_some_and(|name| name.starts_with("healthy"));
        let expected = if healthy { "pass" } else { "inconclusive" };
        assert_eq!(
            (&line["verdict"], &line["t"]),
            (&json!(expected), &json!(60.0)),
            "{line}"
        );
    }
    put("broken.ndjson", "nonsense\n");
    let again = program.run(&["replay", "streams"]).await;
    assert_eq!(
        again.expect(2).stdout,
        ran.stdout,
        "the others have their lines"
    );
    assert!(
        again.stderr.contains("broken.ndjson:1: not a sample"),
        "{}",
        again.all()
    );
    let alone = program
        .run(&["replay", "streams/bad.ndjson", "--report", "ndjson"])
        .await;
    let last = lines(alone.expect(1)).pop().expect("a last line");
    assert_eq!(
        last["t"], found[0]["t"],
        "a stream is judged as the file alone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_streams_or_with_flags_of_a_file_is_wrong_use() {
    let program = Program::with(PLAIN);
    std::fs::create_dir(program.folder.path().join("streams")).expect("a folder");
    let ran = program.run(&["replay", "streams"]).await;
    ran.expect(2);
    assert!(ran.stderr.contains("there is no *.ndjson"), "{}", ran.all());
    write(&program, "streams/a.ndjson", "");
    let ran = program
        .run(&["replay", "streams", "--report", "json"])
        .await;
    ran.expect(2);
    assert!(ran.stderr.contains("--report"), "{}", ran.all());
}

/// What of two reports must be the same: the verdicts, the numbers, the reasons, the decision. Over
/// what a check talked is not recorded: nothing is judged by it.
fn judged(report: &Value) -> Value {
    let mut checks = report["checks"].clone();
    for check in checks.as_array_mut().expect("checks") {
        let check = check.as_object_mut().expect("a check");
        check.remove("session");
    }
    json!([report["verdict"], checks, report["decision"]])
}

/// Reasons without the wall time at which the first bad sample started: it is a second off where the
/// fractions of two clocks fall on two sides of a full second.
fn without_wall_time(mut judged: Value) -> Value {
    for check in judged[1].as_array_mut().expect("checks") {
        for reason in check["reasons"].as_array_mut().expect("reasons") {
            reason["first_bad"] = Value::Null;
        }
    }
    judged
}

/// Watches a release, records it, and replays the recording with the same configuration.
async fn watched_and_replayed(ailment: Ailment) -> (Value, String) {
    let incident = watch::stage(ailment, watch::settings()).await;
    incident.release().expect("deployed");
    let program = watch::program(&incident, watch::CONFIGURATION);
    let reports = ["--report", "samples=s.ndjson", "--report", "json=w.json"];
    let watch = program
        .run(&[&["watch", "-q"][..], &reports].concat())
        .await;
    let watched: Value = serde_json::from_str(&program.read("w.json")).expect("JSON");
    let ran = program
        .run(&["replay", "s.ndjson", "--report", "json"])
        .await;
    assert_eq!(
        without_wall_time(judged(&ran.json())),
        without_wall_time(judged(&watched)),
        "{}\n{}",
        watch.all(),
        ran.all()
    );
    ran.expect(i32::from(watched["verdict"] == "fail"));
    (watched, program.read("s.ndjson"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_rolled_back_replays_to_the_same() {
    let (watched, recorded) = watched_and_replayed(Ailment::Outage).await;
    assert_eq!(watched["decision"]["action"], "roll_back", "{watched}");
    keep("outage.ndjson", &recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_over_errors_replays_to_the_same() {
    let (_, recorded) = watched_and_replayed(Ailment::Errors).await;
    keep("errors.ndjson", &recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_accepted_replays_to_the_same() {
    let (watched, recorded) = watched_and_replayed(Ailment::Healthy).await;
    assert_eq!(watched["decision"]["action"], "accept", "{watched}");
    keep("healthy.ndjson", &recorded);
}

/// The folder of the recorded windows that are kept.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/replay")
}

/// Set to `windows`, it makes the tests keep the windows that they watch; set to anything, what those
/// that are kept come to. Needed when the judge changes.
const WRITE: &str = "SMOKEJUMPER_WRITE_REPLAYS";

fn keep(name: &str, text: &str) {
    if std::env::var_os(WRITE).is_some_and(|what| what == "windows") {
        std::fs::write(kept().join(name), text).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_windows_of_watch_replay_byte_for_byte() {
    let configuration = std::fs::read_to_string(kept().join("shop.yaml")).expect("kept");
    for (window, code) in [("outage", 1), ("errors", 0), ("healthy", 0)] {
        let program = Program::with(&configuration);
        let recorded = std::fs::read(kept().join(format!("{window}.ndjson"))).expect("kept");
        write(&program, &format!("{window}.ndjson"), recorded);
        let file = format!("{window}.ndjson");
        for (format, ending) in [("ndjson", "timeline.ndjson"), ("json", "report.json")] {
            let ran = program.run(&["replay", &file, "--report", format]).await;
            ran.expect(code);
            let place = kept().join(format!("expected/{window}.{ending}"));
            if std::env::var_os(WRITE).is_some() {
                std::fs::write(&place, &ran.stdout).expect("written");
            }
            let expected = std::fs::read_to_string(&place).unwrap_or_default();
            assert_eq!(ran.stdout, expected, "{}", place.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_of_a_gate_are_written_as_they_come_and_hide_what_is_secret() {
    let page = super::page::page("200 OK", "the password is hunter22").await;
    let configuration = format!(
        "checks: {{ page: {{ http: {{ url: \"{}\", headers: {{ x: \"${{API_TOKEN}}\" }}, \
         expect: {{ text: {{ contains: never }} }} }} }} }}\n",
        page.url("/")
    );
    let program = Program::with(&configuration).env("API_TOKEN", "hunter22");
    let ran = program
        .run(&["gate", "-q", "--samples", "3", "--report", "samples"])
        .await;
    let lines = lines(ran.expect(1));
    assert_eq!(lines.len(), 3, "{}", ran.all());
    for line in &lines {
        assert_eq!(
            (&line["check"], &line["ok"]),
            (&json!("page"), &json!(false))
        );
        assert_eq!(line["reason"], "expectation");
    }
    assert!(lines[0]["window_start"].is_string(), "{}", ran.all());
    assert_eq!(lines[1].get("window_start"), None);
    assert!(!ran.all().contains("hunter22"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_cannot_be_written_is_told() {
    let page = super::page::page("200 OK", "ok").await;
    let configuration = format!(
        "checks: {{ page: {{ http: {{ url: \"{}\" }} }} }}\n",
        page.url("/")
    );
    let program = Program::with(&configuration);
    let ran = program
        .run(&["gate", "--report", "samples=/dev/full"])
        .await;
    ran.expect(70);
    assert!(
        ran.stderr.contains("could not be written: /dev/full"),
        "{}",
        ran.all()
    );
}
