//! Each client crate has one owner: the folder that may name it. What a vendor changes is then
//! mended in one place, and a probe cannot come to depend on the cloud behind everyone's back.

use super::source::{Source, sources};

/// A crate, and the paths below `src/` of those who may name it.
const OWNERS: &[(&str, &[&str])] = &[
    ("annotate_snippets", &["diagnostic"]),
    ("anstream", &["cli"]),
    (
        "aws_config",
        &[
            "aws",
            "deploy/ecs",
            "probe/cloudwatch",
            "probe/ecs",
            "probe/logs",
            "probe/target_health",
        ],
    ),
    ("aws_sdk_cloudwatch", &["deploy/ecs", "probe/cloudwatch"]),
    ("aws_sdk_cloudwatchlogs", &["deploy/ecs", "probe/logs"]),
    ("aws_sdk_codedeploy", &["deploy/ecs"]),
    ("aws_sdk_ecr", &["deploy/ecs"]),
    (
        "aws_sdk_ecs",
        &["aws", "deploy/ecs", "probe/ecs", "probe/target_health"],
    ),
    (
        "aws_sdk_elasticloadbalancingv2",
        &["deploy/ecs", "probe/target_health"],
    ),
    ("aws_sdk_ssm", &["deploy/ecs"]),
    ("aws_sdk_sts", &["deploy/ecs"]),
    (
        "aws_lc_rs",
        &[
            "notify/pagerduty",
            "notify/webhook",
            "probe/wire",
            "server/auth",
        ],
    ),
    ("aws_smithy_http_client", &["aws"]),
    ("aws_smithy_runtime_api", &["deploy/ecs"]),
    ("aws_smithy_types", &["deploy/ecs"]),
    ("axum", &["server"]),
    ("clap", &["cli"]),
    ("flate2", &["probe", "rehearsal", "telemetry"]),
    ("granit_parser", &["config"]),
    ("hickory_resolver", &["probe/dns", "probe/wire"]),
    ("http_body_util", &["deploy/ecs", "probe", "rehearsal"]),
    ("hyper", &["deploy/ecs", "probe", "rehearsal", "server"]),
    (
        "hyper_util",
        &["deploy/ecs", "probe", "rehearsal", "server"],
    ),
    ("jsonpath_rust", &["expect"]),
    ("maud", &["report/html", "server/page"]),
    ("mimalloc", &["main"]),
    ("minijinja", &["notify/webhook"]),
    ("opentelemetry_proto", &["telemetry"]),
    ("prost", &["telemetry"]),
    ("quick_xml", &["probe/exec"]),
    ("tracing_subscriber", &["telemetry"]),
    ("mysql_common", &["probe/mysql"]),
    ("rand_distr", &["rehearsal/drill"]),
    ("rand_pcg", &["rehearsal/drill"]),
    ("redis", &["probe/redis"]),
    ("regex", &["config", "expect"]),
    ("reqwest", &["notify"]),
    ("rustix", &["probe/exec"]),
    ("rusqlite", &["store/sqlite"]),
    ("socket2", &["probe/icmp"]),
    ("statrs", &["verdict"]),
    ("tokio_postgres", &["probe/postgres", "store/postgres"]),
    ("tokio_tungstenite", &["probe/websocket"]),
    ("tower_http", &["server"]),
    ("tracing_subscriber", &["cli", "telemetry"]),
    ("utoipa", &["server"]),
    ("utoipa_axum", &["server"]),
    ("x509_parser", &["probe", "server/listener"]),
];

/// Whether a file belongs to an owner: `probe/redis` owns `redis.rs` and everything in `redis/`.
fn belongs(path: &str, owner: &str) -> bool {
    path.strip_prefix("src/")
        .and_then(|path| path.strip_prefix(owner))
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn trespasses(source: &Source) -> Vec<String> {
    let crates = source.crates();
    let named = crates.iter().filter_map(|(name, line)| {
        let (_, owners) = OWNERS.iter().find(|(owned, _)| owned == name)?;
        let allowed = owners.iter().any(|owner| belongs(&source.path, owner));
        (!allowed).then(|| {
            let path = &source.path;
            format!("{path}:{line}: `{name}` belongs to {}", owners.join(", "))
        })
    });
    named.collect()
}

#[test]
fn each_client_is_named_by_its_owner_alone() {
    let found: Vec<String> = sources().iter().flat_map(trespasses).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn a_trespass_is_seen() {
    let cases = [
        ("src/engine/mod.rs", "use aws_sdk_ecs::Client;", 1),
        ("src/probe/http.rs", "fn f() { redis::cmd(\"PING\") }", 1),
        ("src/probe/redis_cluster.rs", "use redis::cmd;", 1),
        ("src/report/text.rs", "use clap::ValueEnum;", 1),
        ("src/expect/mod.rs", "use hyper::Request;", 1),
        ("src/probe/redis.rs", "use redis::cmd;", 0),
        ("src/probe/redis/tls.rs", "use redis::cmd;", 0),
        ("src/deploy/ecs/read.rs", "use aws_sdk_ecs::Client;", 0),
        (
            "src/plan/mod.rs",
            "use crate::probe::redis;\nfn f() { redis::g() }",
            0,
        ),
    ];
    for (path, text, count) in cases {
        let found = trespasses(&Source::new(path, text));
        assert_eq!(found.len(), count, "{path}: {text}: {found:?}");
    }
}
