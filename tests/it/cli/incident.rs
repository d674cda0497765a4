//! A whole incident as whoever is on call sees it: `serve` runs, its pages are open in a real browser, a
//! bad release is deployed on the stand-in, is seen within one look, judged and rolled back, and the
//! pages follow without being loaded again. Then what is left of it: the link, the file, the reports,
//! and the samples, which are judged again to the same verdict.

use serde_json::{Value, json};
use smokejumper::rehearsal::incident::Incident;
use smokejumper::rehearsal::toy::Ailment;

use super::program::Program;
use super::serve::{Serving, configuration};
use super::watch::{mutations, program, settings, stage};
use crate::server::browser::Visit;

/// It is not rolled back before this, so that a browser on a busy machine sees what would happen.
const MIN_TIME: &str = "rollback: { arm: true, timeout: 30s, min_time: 10s }";

async fn shop() -> (Incident, Program) {
    let incident = stage(Ailment::Outage, settings()).await;
    let slower = configuration().replace("rollback: { arm: true, timeout: 30s }", MIN_TIME);
    assert!(slower.contains(MIN_TIME), "{slower}");
    let shown = "127.0.0.1:0\", status_page: true }";
    let text = slower.replace("127.0.0.1:0\" }", shown);
    assert!(text.contains(shown), "{text}");
    let program = program(&incident, &text);
    (incident, program)
}

/// What the daemon has asked the platform, one after the other.
fn asked(incident: &Incident) -> Vec<String> {
    let calls = incident.ecs.control().calls().into_iter();
    calls.map(|call| call.operation).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_is_seen_and_rolled_back_with_the_pages_open_and_live() {
    let (incident, program) = shop().await;
    let serving = Serving::start(&program);
    serving.until_told("watching 1 service with 2 checks").await;
    let url = format!("http://{}", serving.address());
    let mut visit = Visit::start("incident", &url, &json!({}));
    assert_eq!(visit.says().await["ready"], true);
    // The release that runs already is young, and judged first. Then nobody but the lookout looks.
    serving.until_told("is over: pass").await;
    let before = asked(&incident).len();
    incident.release().expect("deployed");
    serving.until_told("shop:3 is new: window").await;
    // One look may have been under way; the next one sees it, and looking into it begins with one more.
    let asked = asked(&incident).split_off(before);
    let looks = asked.iter().take_while(|one| *one == "DescribeServices");
    assert!((1..=3).contains(&looks.count()), "{asked:?}");
    let seen = visit.says().await;
    let path = seen["path"].as_str().expect("an open window");
    let window = path.rsplit('/').next().expect("its name").to_owned();
    let seen = visit.ends().await;
    assert_eq!(
        incident.service().serving().expect("a service").as_deref(),
        Some("shop:1")
    );
    assert_eq!(mutations(&incident).len(), 1, "{}", serving.told());
    assert_page_was_live(&seen);
    assert_past_is_there(&seen);
    assert_reports(&program, &window).await;
    serving.signal("-TERM");
    assert_eq!(serving.ended().await, 143);
}

/// What the open pages showed, one after the other, without being loaded again.
fn assert_page_was_live(seen: &Value) {
    for page in ["overview", "window"] {
        assert_eq!(
            seen[page]["same"], true,
            "{page} was loaded again: {seen:#}"
        );
        assert_eq!(seen[page]["wrong"], json!([]), "{page}: {seen:#}");
        assert_eq!(seen[page]["violations"], json!([]), "{page}: {seen:#}");
    }
    let said = |what: &str| seen[what].as_str().unwrap_or_default().to_owned();
    assert_ne!(said("left"), said("left_later"), "a clock that runs down");
    assert!(said("why").contains("orders: error rate"), "{seen:#}");
    assert!(said("orders").contains("Roll back"), "{seen:#}");
    assert!(said("orders_later").contains("Save as a file"), "{seen:#}");
    assert!(said("rollback").contains("shop:3 → shop:1"), "{seen:#}");
    assert!(said("card").contains("runs shop:1"), "{seen:#}");
    for drawn in ["bands", "strips", "lanes"] {
        assert!(seen["drawn"][drawn].as_u64() > Some(0), "{drawn}: {seen:#}");
    }
}

/// What a colleague sees who follows the link, without a script.
fn assert_past_is_there(seen: &Value) {
    for (page, parts) in [
        (
            "link",
            vec!["rolled back and verified", "orders", "Failure proven after"],
        ),
        ("file", vec!["rolled back and verified", "error rate"]),
        ("history", vec!["shop:3", "rolled back and verified"]),
        (
            "check",
            vec!["expected status 200, got 500", "Percentiles", "http:"],
        ),
        ("status", vec!["shop"]),
    ] {
        let text = seen["past"][page].as_str().unwrap_or_default();
        for part in parts {
            assert!(text.contains(part), "{page}: {part}: {text}");
        }
    }
    let status = seen["past"]["status"].as_str().unwrap_or_default();
    for internal in ["shop:1", "shop:3", "orders", "127.0.0.1", "rolled back"] {
        assert!(!status.contains(internal), "{internal}: {status}");
    }
}

/// The window on the command line while the daemon runs, and its samples before the judge again.
async fn assert_reports(program: &Program, window: &str) {
    let report = program.run(&["report", window, "--report", "json"]).await;
    let report = report.expect(0).json();
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["rollback"]["outcome"], "rolled_back_verified");
    let files = [
        "text=t.txt",
        "html=w.html",
        "junit=j.xml",
        "markdown=m.md",
        "samples=s.ndjson",
    ];
    let mut arguments = vec!["report", "last"];
    for file in files {
        arguments.extend(["--report", file]);
    }
    program.run(&arguments).await.expect(0);
    assert!(program.read("t.txt").contains("shop:3 → shop:1"));
    assert!(program.read("w.html").contains("rolled back and verified"));
    assert!(
        program
            .read("m.md")
            .starts_with("## ❌ fail: shop:1 → shop:3 on shop")
    );
    let junit = program.read("j.xml");
    assert!(
        junit.contains("tests=\"3\" failures=\"2\" errors=\"0\""),
        "{junit}"
    );
    let again = program.run(&["replay", "s.ndjson", "smokejumper.yaml", "--report", "json"]);
    let again: Value = serde_json::from_str(&again.await.stdout).expect("a report");
    assert_eq!(again["verdict"], report["verdict"]);
    let found = |report: &Value| {
        let checks = report["checks"].as_array().expect("checks").iter();
        let found = checks.map(|check| (check["id"].clone(), check["verdict"].clone()));
        found.collect::<Vec<_>>()
    };
    assert_eq!(found(&again), found(&report));
}
