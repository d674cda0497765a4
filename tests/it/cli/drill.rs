//! `drill`: what a person reads, what a program reads, the page, and that the same seed gives the
//! same figures whatever the machine does meanwhile.

use std::path::PathBuf;

use serde_json::Value;

use super::program::{Program, Ran};

/// Two checks with limits on latency, one of which also limits what cannot be simulated.
const TWO_CHECKS: &str = "\
services: { shop: { policy: quick } }
policies: { quick: { bake: 4m, warm_up: 30s } }
checks:
  orders:
    http: { url: \"http://127.0.0.1:1/\" }
    every: 10s
    thresholds:
      error_rate: { warning: \"> 1%\", critical: \"> 5%\" }
      p95: { warning: \"> 1s\", critical: \"> 2s\" }
  database:
    postgres: { url: \"postgres://smoke@127.0.0.1:1/x\", query: \"select 1 as used_pct\" }
    every: 15s
    thresholds: { used_pct: { critical: \"> 90\" } }
";

async fn drilled(arguments: &[&str]) -> (Program, Ran) {
    let program = Program::with(TWO_CHECKS);
    let ran = program
        .run(&[&["drill", "--windows", "4"], arguments].concat())
        .await;
    ran.expect(0);
    (program, ran)
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout)
        .unwrap_or_else(|error| panic!("stdout is one JSON document: {error}\n{}", ran.all()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_reads_it_at_eighty_columns() {
    let (_, ran) = drilled(&["--compare", "all"]).await;
    insta::assert_snapshot!(ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 80));
    assert!(ran.stdout.contains("left out: database: used_pct"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let (_, alone) = drilled(&["--threads", "1", "--report", "json", "-q"]).await;
    let (_, together) = drilled(&["--threads", "7", "--report", "json", "-q"]).await;
    assert_eq!(alone.stdout, together.stdout);
    let (_, other) = drilled(&["--seed", "2", "--report", "json", "-q"]).await;
    assert_ne!(alone.stdout, other.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_reads_every_rule_of_every_variant() {
    let arguments = [
        "--compare",
        "argo:3",
        "--compare",
        "argo:3",
        "--report",
        "json",
    ];
    let (_, ran) = drilled(&arguments).await;
    let report = json(&ran);
    assert_eq!(report["schema"], "smokejumper.drill/1");
    let service = &report["services"][0];
    assert_eq!(service["service"], "shop");
    assert_eq!(service["windows"], 4);
    assert_eq!(service["left_out"][0], "database: used_pct");
    for rows in ["healthy", "faults"] {
        for row in service[rows].as_array().expect(rows) {
            let rules: Vec<&Value> = row["rules"].as_array().expect("rules").iter().collect();
            let names: Vec<&Value> = rules.iter().map(|rule| &rule["rule"]).collect();
            assert_eq!(names, ["smokejumper", "argo:3"], "each rule once: {row}");
            for rule in rules {
                let share = rule["share"].as_f64().expect("a share");
                let low = rule["low"].as_f64().expect("a lower end");
                let high = rule["high"].as_f64().expect("an upper end");
                assert!(
                    0.0 <= low && low <= share && share <= high && high <= 1.0,
                    "{rule}"
                );
            }
        }
    }
    let kinds: Vec<&Value> = service["curves"]
        .as_array()
        .expect("curves")
        .iter()
        .map(|curve| &curve["fault"])
        .collect();
    assert_eq!(kinds, ["errors", "one_check", "slowdown"]);
    let outage = &service["faults"][0];
    assert_eq!(outage["name"], "outage");
    assert_eq!(
        outage["rules"][0]["condemned"], 4,
        "an outage is always caught"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_well_formed_and_draws_a_line_a_rule() {
    let (program, _) = drilled(&["--compare", "all", "--html", "drill.html"]).await;
    let page = program.read("drill.html");
    assert_eq!(unbalanced(&page), None, "{page}");
    assert_eq!(
        page.matches("<svg viewBox").count(),
        3,
        "a chart for each kind of fault"
    );
    assert_eq!(
        page.matches("<polyline").count(),
        3 * 9,
        "a line a rule in each"
    );
    assert!(!page.contains("<script"), "no script");
    for elsewhere in ["http://", "https://", "src="] {
        assert!(!page.contains(elsewhere), "nothing is fetched: {elsewhere}");
    }
    assert!(page.contains("prefers-color-scheme:dark"));
    assert!(page.contains("name=\"viewport\""));
}

/// The first tag that does not close what was opened last; nothing in a well-formed page.
fn unbalanced(page: &str) -> Option<String> {
    let mut open = Vec::new();
    let body = page.strip_prefix("<!DOCTYPE html>").unwrap_or(page);
    for piece in body.split('<').skip(1) {
        let (tag, _) = piece.split_once('>')?;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Some(format!("</{name}>"));
            }
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().unwrap_or_default());
        }
    }
    open.pop().map(|name| format!("<{name}> is never closed"))
}

#[test]
fn a_page_that_is_not_well_formed_is_seen() {
    assert_eq!(unbalanced("<!DOCTYPE html><p><b>x</b><br/></p>"), None);
    assert_eq!(unbalanced("<p><b>x</p></b>").as_deref(), Some("</p>"));
    assert_eq!(
        unbalanced("<p><b>x</b>").as_deref(),
        Some("<p> is never closed")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_limit_on_latency_slowness_is_not_judged_and_said_so() {
    let program =
        Program::with("checks: { a: { http: { url: \"http://127.0.0.1:1/\" }, every: 30s } }\n");
    let ran = program.run(&["drill", "--windows", "4"]).await;
    ran.expect(0);
    assert!(
        ran.stdout.contains("slowness is not judged"),
        "{}",
        ran.all()
    );
    assert!(!ran.stdout.contains("times as slow"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn advice_says_how_many_samples_there_are_and_would_be() {
    let program = Program::with(
        "policies: { p: { bake: 5m } }\nservices: { s: { policy: p } }\n\
         checks: { a: { http: { url: \"http://127.0.0.1:1/\" }, every: 30s } }\n",
    );
    let ran = program.run(&["drill", "--windows", "20"]).await;
    ran.expect(0);
    let text = ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "With a probe every 30s for 5m there are 10 samples",
        "With a probe every 15s for 5m: 20 samples",
        "With a probe every 5s for 5m: 60 samples",
        "With a bake of 10m: 20 samples",
    ] {
        assert!(text.contains(words), "{words}: {}", ran.all());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bench_is_one_line_a_rule_over_all_layouts() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/drill/fixed");
    let folder = folder.to_str().expect("a path of text");
    let program = Program::with("");
    let arguments = [
        "drill",
        folder,
        "--bench",
        "--windows",
        "1",
        "--compare",
        "all",
    ];
    let ran = program
        .run(&[&arguments[..], &["--report", "json=bench.json"]].concat())
        .await;
    ran.expect(0);
    assert!(
        ran.stdout.lines().all(|line| line.chars().count() <= 80),
        "{}",
        ran.all()
    );
    let report: Value = serde_json::from_str(&program.read("bench.json")).expect("JSON");
    assert_eq!(report["bench"], true);
    let names: Vec<&Value> = report["services"]
        .as_array()
        .expect("services")
        .iter()
        .map(|service| &service["service"])
        .collect();
    assert_eq!(names, ["multi", "single", "std", "tiny"]);
    let summary = report["summary"].as_array().expect("a summary");
    assert_eq!(summary.len(), 9, "a line a rule");
    for line in summary {
        assert_eq!(line["healthy_variants"], 4 * 17);
        // One check of four is a fault where there are four.
        assert_eq!(line["bad_variants"], 4 * 14 + 2 * 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_use_says_what_is_wrong() {
    let cases: &[(&[&str], i32, &str)] = &[
        (&["--compare", "kayenta"], 2, "there is no rule `kayenta`"),
        (
            &["--compare", "cloudwatch:4of3"],
            2,
            "there is no rule `cloudwatch:4of3`",
        ),
        (&["--windows", "0"], 2, "--windows"),
        (&["--seed", "-1"], 2, "-1"),
        (&["--threads", "0"], 2, "--threads"),
        (&["--report", "xml"], 2, "there is no format `xml`"),
        (&["--html", "nowhere/drill.html"], 2, "nowhere/drill.html"),
        (&["--bench", "--html", "drill.html"], 2, "--html"),
        (&["--only", "nothing*"], 4, "no check matches"),
        (&["missing.yaml"], 2, "missing.yaml"),
    ];
    for (arguments, code, message) in cases {
        let ran = Program::with(TWO_CHECKS)
            .run(&[&["drill"], *arguments].concat())
            .await;
        ran.expect(*code);
        assert!(ran.stderr.contains(message), "{arguments:?}: {}", ran.all());
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_shown_and_names_cannot_break_the_page() {
    let configuration = TWO_CHECKS.replace("smoke@127", "smoke:${DB_PASSWORD}@127");
    let program = Program::with(&configuration).env("DB_PASSWORD", "tr0ub4dor");
    let arguments = [
        "drill",
        "--windows",
        "2",
        "--html",
        "p.html",
        "--report",
        "json=p.json",
    ];
    let ran = program.run(&arguments).await;
    ran.expect(0);
    for text in [ran.all(), program.read("p.html"), program.read("p.json")] {
        assert!(!text.contains("tr0ub4dor"), "{text}");
    }
}
