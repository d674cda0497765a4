//! Suites of tests that are read by their JUnit report: pytest itself, run by `make`, and reports that
//! are stale, empty, broken or absent.

use std::path::{Path, PathBuf};

use serde_json::json;
use smokejumper::sample::{Reason, Sample};

use super::run_in;
use crate::cli::program::Program;
use crate::harness::probing::{fault, passed, reading};
use crate::harness::tools;

const SUITE: &str = r#"
import os, pytest

def test_health():
    pass

def test_login():
    status = int(os.environ["STATUS"])
    assert status == 200, f"login answered {status}"

def test_pay():
    if os.environ["STATUS"] != "200":
        raise OSError("no route to the bank")

@pytest.mark.skip(reason="no card")
def test_refund():
    pass
"#;

fn pytest() -> PathBuf {
    tools::program("pytest", &[tools::folder().join("pytest/bin/pytest")])
}

/// A folder with a suite of pytest's, and a Makefile whose goal `smoke` runs it.
fn suite() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write_suite(folder.path());
    folder
}

fn write_suite(folder: &Path) {
    let pytest = pytest();
    let tests = folder.join("tests/smoke");
    std::fs::create_dir_all(&tests).expect("created");
    std::fs::write(tests.join("test_api.py"), SUITE).expect("written");
    let makefile = format!(
        "smoke:\n\t{} -q -p no:cacheprovider --junitxml=smoke.xml tests/smoke\n",
        pytest.display()
    );
    std::fs::write(folder.join("Makefile"), makefile).expect("written");
}

async fn make_smoke(folder: &Path, status: &str) -> Sample {
    let settings = json!({
        "command": ["make", "smoke"], "junit": "smoke.xml", "env": {"STATUS": status},
    });
    run_in(folder, settings).await
}

#[tokio::test]
async fn each_failed_test_of_make_smoke_is_told_by_name_with_its_message() {
    let folder = suite();
    let sample = make_smoke(folder.path(), "200").await;
    passed(&sample);
    for (name, count) in [
        ("tests", 3.0),
        ("failures", 0.0),
        ("errors", 0.0),
        ("skipped", 1.0),
    ] {
        assert_eq!(reading(&sample, name), count, "{name}");
    }

    let sample = make_smoke(folder.path(), "502").await;
    let met = fault(&sample, Reason::Expectation);
    assert_eq!(reading(&sample, "failures"), 2.0);
    let login = "tests.smoke.test_api.test_login failed, one of 2 among 3 tests: \
                 AssertionError: login answered 502";
    assert!(met.detail.starts_with(login), "{}", met.detail);
    let pay = "tests.smoke.test_api.test_pay failed: OSError: no route to the bank";
    assert_eq!(met.further.len(), 1);
    assert!(met.further[0].starts_with(pay), "{:?}", met.further);
}

#[tokio::test]
async fn a_report_of_an_earlier_run_says_nothing_of_this_one() {
    let folder = suite();
    passed(&make_smoke(folder.path(), "200").await);
    let settings = json!({"command": ["true"], "junit": "smoke.xml"});
    let sample = run_in(folder.path(), settings).await;
    let met = fault(&sample, Reason::NoData);
    assert!(met.detail.contains("wrote no report"), "{}", met.detail);
}

#[tokio::test]
async fn a_report_that_is_a_pipe_is_not_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = json!({"shell": "mkfifo smoke.xml", "junit": "smoke.xml"});
    let sample = run_in(folder.path(), settings).await;
    let met = fault(&sample, Reason::NoData);
    assert_eq!(met.detail, "the report smoke.xml is no file");
}

#[tokio::test]
async fn a_suite_in_which_nothing_was_tested_is_never_a_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    for (report, status, reason) in [
        ("<testsuites/>", 0, Reason::NoData),
        ("<testsuite tests='12' failures='0'/>", 0, Reason::NoData),
        (
            "<testsuite><testcase name='a'><skipped/></testcase></testsuite>",
            0,
            Reason::NoData,
        ),
        (
            "<testsuite><testcase name='a'/></testsuite>",
            0,
            Reason::Status,
        ),
        ("<testsuite><testcase name='a'/>", 0, Reason::Malformed),
        ("<html/>", 0, Reason::Malformed),
        ("", 2, Reason::NoData),
    ] {
        // The one case in which all is well but the exit status.
        let status = if reason == Reason::Status { 3 } else { status };
        for settings in [
            json!({"shell": format!("echo \"$REPORT\" >r.xml; exit {status}"), "junit": "r.xml"}),
            json!({"shell": format!("echo talk; echo \"$REPORT\"; exit {status}"), "format": "junit"}),
        ] {
            let mut settings = settings;
            settings["env"] = json!({ "REPORT": report });
            let from_file = settings.get("junit").is_some();
            let sample = run_in(folder.path(), settings).await;
            let expected = match (report, from_file) {
                // What is no XML at all is a report that is none, or none among the talk.
                ("", true) => Reason::Malformed,
                ("<html/>", false) => Reason::NoData,
                _ => reason,
            };
            fault(&sample, expected);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_gives_each_failed_test_a_reason_of_its_own() {
    let configuration = "
checks:
  smoke:
    exec: { command: [make, smoke], junit: smoke.xml, env: { STATUS: \"502\" } }
    timeout: 60s
    every: 120s
";
    let program = Program::with(configuration);
    write_suite(program.folder.path());
    let ran = program.run(&["gate", "--report", "json"]).await;
    let report = ran.expect(1).json();
    let reasons = report["checks"][0]["reasons"].as_array().expect("reasons");
    let texts: Vec<&str> = reasons
        .iter()
        .filter_map(|reason| reason["text"].as_str())
        .collect();
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert!(texts[0].contains("test_login"), "{texts:?}");
    assert!(texts[1].contains("test_pay"), "{texts:?}");
}
