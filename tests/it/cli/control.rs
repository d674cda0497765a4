//! Control checks as a user meets them: in `plan`, in `gate`, and whatever is selected.

use serde_json::Value;

use super::page::page;
use super::program::Program;
use crate::harness::http_peer::{Does, Peer};

/// A service with one check, and a control check.
fn configuration(target: &str, internet: &str) -> String {
    format!(
        "checks:\n\
        \x20 health: {{ http: {{ url: \"{target}\" }}, timeout: 1s, tags: [core] }}\n\
        \x20 internet: {{ http: {{ url: \"{internet}\" }}, timeout: 1s, control: true }}\n"
    )
}

async fn gate(target: &str, internet: &str, code: i32) -> Value {
    let program = Program::with(&configuration(target, internet));
    let ran = program.run(&["gate", "--report", "json"]).await;
    ran.expect(code).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_tells_its_own_outage_from_that_of_its_target() {
    let well = page("200 OK", "ok").await;
    let wrong = page("500 Internal Server Error", "no").await;
    let hangs = Peer::start(Does::Hangs).await;
    let gone = Peer::start(Does::Hangs).await;
    let (well, wrong, hangs) = (well.url("/"), wrong.url("/"), hangs.url("/"));
    let refused = gone.url("/");
    drop(gone);
    for (target, internet, code, why) in [
        (&well, &well, 0, "all is well"),
        (&well, &hangs, 0, "what was reached needs no control"),
        (&hangs, &well, 1, "only the target is away"),
        (
            &hangs,
            &wrong,
            1,
            "a control that answers wrongly was reached",
        ),
        (&hangs, &hangs, 3, "nothing is reached"),
        (&refused, &refused, 3, "nothing is reached, at once"),
        (&wrong, &hangs, 1, "a wrong answer is never excused"),
    ] {
        let report = gate(target, internet, code).await;
        let checks = report["checks"].as_array().expect("the checks");
        assert_eq!(checks.len(), 1, "{why}: a control is not judged");
        let unknown = u64::from(code == 3);
        assert_eq!(checks[0]["unknown"], unknown, "{why}: {report}");
        let told = report["troubles"].as_array().map_or(0, Vec::len);
        assert_eq!(told, usize::from(code == 3), "{why}: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_selection_drops_a_control() {
    let hangs = Peer::start(Does::Hangs).await;
    let program = Program::with(&configuration(&hangs.url("/"), &hangs.url("/")));
    for selection in [["--only", "health"], ["--tag", "core"]] {
        let ran = program.run(&[&["gate"][..], &selection].concat()).await;
        ran.expect(3);
        let told = ran.stdout.replace(['\n', ' '], "");
        assert!(
            told.contains("trouble:1of1sampleisunknown"),
            "{}",
            ran.all()
        );
        let widest = ran.stdout.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{}", ran.all());
    }
    // It is not what is selected: there is nothing to judge in it.
    let ran = program.run(&["gate", "--only", "internet"]).await;
    ran.expect(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn controls_alone_leave_nothing_to_judge() {
    let configuration =
        "checks: { internet: { http: { url: https://example.com }, control: true } }";
    let ran = Program::with(configuration).run(&["gate"]).await;
    ran.expect(4);
    assert!(ran.stderr.contains("only control checks"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_shows_controls_apart() {
    let program = Program::with(&configuration("http://a.test", "http://b.test"));
    let ran = program.run(&["plan"]).await;
    ran.expect(0);
    assert!(
        ran.stdout.contains("\ncontrol internet: http:"),
        "{}",
        ran.all()
    );
    assert!(ran.stdout.contains("1 check of 1 service"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_does_not_ask_the_tasks_that_are_judged() {
    let configuration = configuration("http://a.test", "http://b.test\", addresses: \"tasks");
    let ran = Program::with(&configuration).run(&["plan"]).await;
    ran.expect(2);
    let told = ran.stderr.replace('\n', " ");
    assert!(
        told.contains("asks tasks of the deployment"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_resolves_its_name_as_it_declares() {
    let hangs = Peer::start(Does::Hangs).await;
    let well = page("200 OK", "ok").await;
    let named = well.url("/").replace("127.0.0.1", "control.test");
    let written = "control: true, resolver: { hosts: { control.test: [127.0.0.1] } }";
    let configuration = configuration(&hangs.url("/"), &named).replace("control: true", written);
    let program = Program::with(&configuration);
    // The target hangs and the control is reached: the target is to blame.
    let report = program.run(&["gate", "--report", "json"]).await;
    assert_eq!(report.expect(1).json()["checks"][0]["errored"], 1);
    let ran = program.run(&["doctor", "--report", "json"]).await;
    let report: Value = serde_json::from_str(&ran.expect(2).stdout).expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    let reached: Vec<_> = checks
        .iter()
        .map(|check| (&check["id"], &check["reached"]))
        .collect();
    assert_eq!(
        serde_json::json!(reached),
        serde_json::json!([["internet", true], ["health", false]])
    );
}
