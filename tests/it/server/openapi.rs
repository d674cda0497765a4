//! The description of the API: kept current, whole, and true: schemathesis asks the real server all that
//! the description allows, and much that it does not.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use smokejumper::engine::serve::handle::{Done, Refused};
use smokejumper::plan::server::{RateLimit, ServerPlan};
use smokejumper::server::router::openapi;

use super::stage::{ACTOR, guarded_plan, stage};
use crate::harness::tools;

/// Set to anything, it makes the test write the description instead of comparing it.
const WRITE: &str = "SMOKEJUMPER_WRITE_SCHEMAS";

/// The paths of the contract.
const PATHS: &[&str] = &[
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /api/v1/status",
    "GET /api/v1/services",
    "GET /api/v1/services/{name}",
    "GET /api/v1/checks",
    "GET /api/v1/checks/{id}",
    "GET /api/v1/checks/{id}/samples",
    "GET /api/v1/checks/{id}/failures",
    "GET /api/v1/checks/{id}/slices",
    "GET /api/v1/windows",
    "GET /api/v1/windows/{id}",
    "GET /api/v1/windows/{id}/report",
    "GET /api/v1/decisions",
    "GET /api/v1/decisions/{id}",
    "GET /api/v1/happenings",
    "GET /api/v1/events",
    "GET /api/v1/silences",
    "GET /api/v1/silences/{id}",
    "POST /api/v1/windows",
    "POST /api/v1/windows/{id}/hold",
    "POST /api/v1/windows/{id}/accept",
    "POST /api/v1/windows/{id}/rollback",
    "POST /api/v1/freeze",
    "POST /api/v1/reload",
    "POST /api/v1/silences",
    "DELETE /api/v1/silences/{id}",
];

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/openapi.json")
}

#[test]
fn the_description_that_is_kept_is_current() {
    let text = openapi().to_pretty_json().expect("JSON");
    let text = format!("{text}\n");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(kept(), &text).expect("written");
    }
    let kept_text = std::fs::read_to_string(kept()).unwrap_or_default();
    assert!(
        kept_text == text,
        "{} is not what the types say; run `{WRITE}=1 scripts/test the_description_that_is_kept`",
        kept().display()
    );
}

#[test]
fn every_path_is_described_with_its_errors() {
    let described = serde_json::to_value(openapi()).expect("JSON");
    let paths = described["paths"].as_object().expect("paths");
    let mut found = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("methods") {
            found.push(format!("{} {path}", method.to_uppercase()));
            let responses = operation["responses"].as_object().expect("responses");
            if !["/healthz", "/readyz"].contains(&&**path) {
                assert!(responses.contains_key("401"), "{method} {path}");
                assert!(responses.contains_key("429"), "{method} {path}");
            }
            if method != "get" {
                assert!(responses.contains_key("403"), "{method} {path}");
                assert!(responses.contains_key("409"), "{method} {path}");
            }
            assert!(operation["summary"].is_string(), "{method} {path}");
            for (status, response) in responses {
                if status.starts_with('4') || status == "503" && path != "/readyz" {
                    let is_problem = response["content"]["application/problem+json"].is_object();
                    assert!(is_problem, "{method} {path} {status}");
                }
            }
        }
    }
    let (mut found, mut expected) = (found, PATHS.to_vec());
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

/// What no schema can say: that a span ends after it begins and has not too many slices, and that a
/// silence has either an end or a length. What breaks these alone is refused all the same.
const UNSAYABLE: &str = r#"
[[operations]]
include-path-regex = "/(samples|slices|silences)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 404, 422]
"#;

/// Runs schemathesis against a server that answers orders in this way.
async fn examined(answer: Result<Done, Refused>) -> (bool, String) {
    let stage = stage(ServerPlan {
        // It asks more in a second than people do in an hour.
        rate_limit: RateLimit {
            requests: 1_000_000,
            per: std::time::Duration::from_secs(1),
        },
        ..guarded_plan()
    })
    .await;
    stage.scripted(|script| script.answer = Some(answer));
    let program = tools::folder().join("schemathesis/bin/schemathesis");
    assert!(
        program.is_file(),
        "schemathesis is not installed: run scripts/test, which installs it"
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("schemathesis.toml"), UNSAYABLE).expect("written");
    let output = tokio::process::Command::new(program)
        .current_dir(folder.path())
        .arg("run")
        .arg(kept())
        .args(["--url", &format!("http://{}", stage.address)])
        .args(["--header", &format!("Authorization: Bearer {ACTOR}")])
        // The stream never ends.
        .args(["--exclude-path", "/api/v1/events"])
        .args(["--checks", "all", "--phases", "examples,coverage,fuzzing"])
        .args([
            "--max-examples",
            "15",
            "--seed",
            "7",
            "--generation-database",
            "none",
        ])
        .args([
            "--request-timeout",
            "30",
            "--continue-on-failure",
            "--no-color",
        ])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_does_what_the_description_says() {
    let (is_true, said) = examined(Ok(Done::Said("done".to_owned()))).await;
    assert!(is_true, "{said}");
}

#[tokio::test]
async fn the_description_is_served() {
    let stage = stage(ServerPlan::default()).await;
    let served: Value = stage.get("/api/v1/openapi.json").await.json();
    let described = serde_json::to_value(openapi()).expect("JSON");
    assert_eq!(served, described);
}
