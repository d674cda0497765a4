//! `gate` against real servers: PostgreSQL, Redis, anvil and HTTP; ready, not ready yet, and gone.

use serde_json::Value;

use super::page::{page, ready_after};
use super::program::{Program, ended};
use crate::harness::anvil::Anvil;
use crate::harness::http_peer::Peer;
use crate::harness::postgres::Postgres;
use crate::harness::redis::Redis;

const FOUR_KINDS: &str = r#"
defaults: { every: 10s, timeout: 3s }
checks:
  page:
    http: { url: "${PAGE_URL}/", expect: { status: 200 } }
  database:
    postgres: { url: "${DATABASE_URL}", query: "select 1 as one", expect: { rows: 1 } }
  cache:
    redis: { url: "${REDIS_URL}", expect: { ping: true } }
  chain:
    evm: { endpoints: ["${EVM_RPC_URL}"], chain_id: 31337 }
"#;

struct Servers {
    page: Option<Peer>,
    database: Postgres,
    cache: Redis,
    chain: Anvil,
}

impl Servers {
    async fn start() -> Self {
        Self {
            page: Some(page("200 OK", "ok").await),
            database: Postgres::start().await,
            cache: Redis::start().await,
            chain: Anvil::start().await,
        }
    }

    fn program(&self) -> Program {
        Program::with(FOUR_KINDS)
            .env("PAGE_URL", &self.page.as_ref().expect("it is up").url(""))
            .env("DATABASE_URL", &self.database.url(""))
            .env("REDIS_URL", &self.cache.url(""))
            .env("EVM_RPC_URL", &self.chain.url())
    }
}

fn verdicts(report: &Value) -> Vec<(String, String)> {
    let checks = report["checks"].as_array().expect("checks");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    checks
        .iter()
        .map(|check| (text(&check["id"]), text(&check["verdict"])))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_up_passes_and_each_server_gone_fails_alone() {
    let mut servers = Servers::start().await;
    let program = servers.program();
    let report = program
        .run(&["gate", "--report", "json"])
        .await
        .expect(0)
        .json();
    assert_eq!(report["schema"], "smokejumper.report/1");
    assert_eq!(report["command"], "gate");
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["decision"]["action"], "none");
    assert_eq!(report["checks"][1]["readings"]["one"], 1.0);
    assert_eq!(report["checks"][3]["kind"], "evm");
    let gone = ["page", "database", "cache", "chain"];
    for (count, name) in gone.iter().enumerate() {
        match *name {
            "page" => servers.page.take().expect("it is up").stop().await,
            "database" => servers.database.stop(),
            "cache" => servers.cache.stop(),
            _ => servers.chain.kill(),
        }
        let ran = program
            .run(&["gate", "--report", "json", "--only", name])
            .await;
        let report = ran.expect(1).json();
        assert_eq!(
            report["checks"][0]["reasons"][0]["code"],
            "refused",
            "{}",
            ran.all()
        );
        let text = report["checks"][0]["reasons"][0]["text"].as_str().unwrap();
        assert!(
            text.contains("refused") && !text.contains('\n'),
            "one line: {text}"
        );
        let whole = program
            .run(&["gate", "--report", "json"])
            .await
            .expect(1)
            .json();
        let failed = verdicts(&whole)
            .iter()
            .filter(|(_, verdict)| verdict == "fail")
            .count();
        assert_eq!(failed, count + 1, "the others still pass: {whole}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ready_is_waited_for_and_shown_as_such() {
    let peer = ready_after(3).await;
    let configuration = format!(
        "checks: {{ page: {{ http: {{ url: \"{}/\" }} }} }}\n",
        peer.url("")
    );
    let program = Program::with(&configuration);
    let ran = program
        .run(&["gate", "--wait", "30s", "--report", "json"])
        .await;
    let report = ran.expect(0).json();
    assert_eq!(report["checks"][0]["retries"], 3, "{}", ran.all());
    assert_eq!(report["checks"][0]["samples"], 1);
    assert!(ran.stderr.contains("not ready"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definite_wrong_answer_is_not_waited_for() {
    let peer = page("404 Not Found", "no").await;
    let configuration = format!(
        "checks: {{ page: {{ http: {{ url: \"{}/\" }} }} }}\n",
        peer.url("")
    );
    let ran = Program::with(&configuration)
        .run(&["gate", "--wait", "60s", "--report", "json"])
        .await;
    let report = ran.expect(1).json();
    assert_eq!(report["checks"][0]["samples"], 1);
    assert_eq!(report["checks"][0]["reasons"][0]["code"], "status");
    assert_eq!(report["checks"][0].get("retries"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_samples_are_judged_by_the_thresholds() {
    let peer = page("200 OK", "ok").await;
    let configuration = format!(
        "checks:\n  page:\n    http: {{ url: \"{}/\" }}\n    thresholds: {{ p95: {{ critical: \"> 5s\" }} }}\n",
        peer.url("")
    );
    let program = Program::with(&configuration);
    let report = program
        .run(&["gate", "--samples", "25", "--report", "json"])
        .await
        .expect(0)
        .json();
    assert_eq!(report["checks"][0]["samples"], 25);
    assert!(
        report["checks"][0]["latency_ms"]["p95"].is_number(),
        "{report}"
    );
    assert_eq!(
        report["checks"][0]["latency_ms"]["p99"],
        Value::Null,
        "25 samples have no p99"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn few_samples_are_judged_by_their_expectation_and_more_by_the_limits() {
    let peer = page("200 OK", "some bytes").await;
    let configuration = format!(
        "checks:\n  page:\n    http: {{ url: \"{}/\" }}\n    thresholds: {{ body_bytes: {{ critical: \"> 2\" }} }}\n",
        peer.url("")
    );
    let program = Program::with(&configuration);
    for (samples, code, verdict) in [("1", 0, "warn"), ("3", 0, "warn"), ("4", 1, "fail")] {
        let arguments = ["gate", "--samples", samples, "--report", "json"];
        let report = program.run(&arguments).await.expect(code).json();
        assert_eq!(report["verdict"], verdict, "{samples} samples: {report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_goes_to_a_file_whole_and_the_summary_to_stdout() {
    let peer = page("200 OK", "ok").await;
    let configuration = format!(
        "checks: {{ page: {{ http: {{ url: \"{}/\" }} }} }}\n",
        peer.url("")
    );
    let program = Program::with(&configuration);
    std::fs::write(
        program.folder.path().join("report.json"),
        "x".repeat(100_000),
    )
    .unwrap();
    let ran = program.run(&["gate", "--report", "json=report.json"]).await;
    ran.expect(0);
    let report: Value = serde_json::from_str(&program.read("report.json")).expect("replaced whole");
    assert_eq!(report["verdict"], "pass");
    assert!(
        ran.stdout.contains("pass") && ran.stdout.contains("exit code 0"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interruption_ends_a_gate_that_waits() {
    let peer = page("503 Service Unavailable", "starting").await;
    let configuration = format!(
        "checks: {{ page: {{ http: {{ url: \"{}/\" }} }} }}\n",
        peer.url("")
    );
    let program = Program::with(&configuration);
    let started = program.start(&["gate", "--wait", "60s"]);
    super::page::until(|| peer.asked().len() >= 2).await;
    let id = started.id().expect("running").to_string();
    let killed = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status()
        .expect("kill runs");
    assert!(killed.success());
    ended(started).await.expect(130);
}
