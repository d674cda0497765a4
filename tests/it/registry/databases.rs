//! The examples of the kinds that look into a database, run as they stand against real servers.

use std::process::{Command, Output};

use super::{read, root};
use crate::harness::mariadb::MariaDb;
use crate::harness::postgres::Postgres;
use crate::harness::redis::Redis;

/// `smokejumper gate` of an example, with no other environment than this.
fn gate(name: &str, environment: &[(&str, String)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_smokejumper"))
        .args(["gate", "--report", "text"])
        .arg(root().join("checks").join(name))
        .env_clear()
        .envs(environment.iter().map(|(name, value)| (*name, value)))
        .output()
        .expect("the program starts")
}

/// That every check of an example passed, and that no secret was shown.
#[track_caller]
fn passes(name: &str, environment: &[(&str, String)]) {
    let output = gate(name, environment);
    let said = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}:\n{said}\n{problems}");
    assert!(
        !said.contains("canary") && !problems.contains("canary"),
        "{said}\n{problems}"
    );
    let text = read(&root().join("checks").join(name));
    assert!(text.contains("checks:"), "{text}");
}

#[tokio::test]
async fn the_example_of_postgres_passes() {
    let server = Postgres::start().await;
    let replica = server.replica().await;
    server.run("create table alembic_version (version_num varchar(32) not null primary key)");
    server.run("insert into alembic_version values ('1975ea83b712')");
    let environment = [
        ("DATABASE_URL", server.url("")),
        ("REPLICA_URL", replica.url("")),
    ];
    passes("postgres.yaml", &environment);
}

#[tokio::test]
async fn the_example_of_redis_passes() {
    let server = Redis::start_with(&["maxmemory 64mb"]).await;
    let line = format!("replicaof 127.0.0.1 {}", server.port());
    let replica = Redis::start_with(&[&line]).await;
    let sentinel = Redis::sentinel_of(&server, 1).await;
    let node = Redis::start_with(&["cluster-enabled yes"]).await;
    node.run(&["cluster", "addslotsrange", "0", "16383"]);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    let up = || {
        replica
            .run(&["info", "replication"])
            .contains("master_link_status:up")
    };
    let well = || node.run(&["cluster", "info"]).contains("cluster_state:ok");
    while !(up() && well()) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "replica or cluster never come up"
        );
    }
    let environment = [
        ("REDIS_URL", server.url("")),
        ("REDIS_REPLICA_URL", replica.url("")),
        ("REDIS_CLUSTER_URL", node.url("")),
        ("REDIS_SENTINEL_URL", sentinel.url("")),
    ];
    passes("redis.yaml", &environment);
}

#[tokio::test]
async fn the_example_of_mysql_passes() {
    let server = MariaDb::start().await;
    let replica = server.replica().await;
    server.run("create table alembic_version (version_num varchar(32) not null primary key)");
    server.run("insert into alembic_version values ('1975ea83b712')");
    let running = "select count(*) from information_schema.processlist where state like 'Slave has read all relay log%'";
    replica.until(running, "1").await;
    let environment = [
        ("MYSQL_URL", server.url("")),
        ("MYSQL_REPLICA_URL", replica.url("")),
    ];
    passes("mysql.yaml", &environment);
}
