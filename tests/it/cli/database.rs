//! `serve` and `report` with the history of a team in PostgreSQL: a server that is not there while a
//! release fails and is rolled back, two daemons on one schema, a password that is never shown.

use std::time::Duration;

use smokejumper::rehearsal::incident::Incident;
use smokejumper::rehearsal::toy::Ailment;

use super::program::Program;
use super::serve::{Serving, configuration};
use super::watch::{mutations, program, settings, stage};
use crate::harness::postgres::{PASSWORD, PASSWORD_IN_URL, Postgres};

/// A shop whose daemons keep their history in a database.
async fn shop(ailment: Ailment, database: &Postgres) -> (Incident, Program) {
    let incident = stage(ailment, settings()).await;
    let store = "store: { postgres: { url: \"${DATABASE_URL}\" } }\n";
    let program = program(&incident, &(configuration() + store))
        .env("DATABASE_URL", &database.url("?sslmode=disable"));
    (incident, program)
}

/// Asks a daemon until its page says this.
async fn until_said(serving: &Serving, path: &str, part: &str) -> String {
    let asking = async {
        loop {
            let said = serving.asked(path).await;
            if said.contains(part) {
                return said;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let said = tokio::time::timeout(Duration::from_secs(60), asking).await;
    said.unwrap_or_else(|_| panic!("{path} never says {part}: {}", serving.told()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_rolled_back_while_the_database_is_away_and_told_again_when_it_is_there() {
    let mut database = Postgres::start().await;
    let (incident, program) = shop(Ailment::Outage, &database).await;
    database.stop();
    let serving = Serving::start(&program);
    serving.until_told("watching 1 service with 2 checks").await;
    incident.release().expect("deployed");
    serving.until_told("rolled back and verified").await;
    serving.until_told("is over: fail").await;
    assert_eq!(mutations(&incident).len(), 1, "{}", serving.told());
    let status = until_said(&serving, "/api/v1/status", "error connecting to server").await;
    let windows = serving.asked("/api/v1/windows").await;
    assert!(windows.contains("rolled_back_verified"), "{windows}");

    database.restart().await;
    let kept = "SELECT count(*) FROM smokejumper.windows WHERE rollback = 'rolled_back_verified'";
    let made = "SELECT count(*) FROM pg_tables WHERE schemaname = 'smokejumper'
        AND tablename = 'windows'";
    database.until(made, "1").await;
    database.until(kept, "1").await;
    let caught_up = until_said(&serving, "/api/v1/status", "\"waiting\":0").await;
    let told_again = program.run(&["report", "last"]).await;
    assert_eq!(told_again.code, 0, "{}", told_again.stderr);
    assert!(
        told_again.stdout.contains("rolled back"),
        "{}",
        told_again.stdout
    );
    let page = serving.asked("/").await;
    let all = [
        serving.told(),
        status,
        caught_up,
        page,
        told_again.stdout,
        told_again.stderr,
    ];
    for said in all {
        let shows = said.contains(PASSWORD) || said.contains(PASSWORD_IN_URL);
        assert!(!shows, "{said}");
    }
    serving.signal("-TERM");
    assert_eq!(serving.ended().await, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_daemon_has_seen_another_machine_knows() {
    let database = Postgres::start().await;
    let (incident, one) = shop(Ailment::Healthy, &database).await;
    let serving = Serving::start(&one);
    serving.until_told("watching").await;
    incident.release().expect("deployed");
    serving.until_told("is over: pass, accepted").await;
    serving.signal("-TERM");
    assert_eq!(serving.ended().await, 143);
    // Another folder, another state: only the database is the same.
    let store = "store: { postgres: { url: \"${DATABASE_URL}\" } }\n";
    let other = Program::with(&(configuration() + store))
        .aws(&incident.ecs.endpoint_url())
        .env("SHOP_URL", &incident.toy.url())
        .env("DATABASE_URL", &database.url("?sslmode=disable"));
    let told = other.run(&["report", "last", "--report", "json"]).await;
    assert_eq!(told.code, 0, "{}", told.stderr);
    assert!(
        told.stdout.contains("\"verdict\":\"pass\""),
        "{}",
        told.stdout
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_another_program_is_refused_at_the_start() {
    let database = Postgres::start().await;
    database.run("CREATE SCHEMA smokejumper; CREATE TABLE smokejumper.orders (number integer)");
    let (_incident, program) = shop(Ailment::Healthy, &database).await;
    let ran = program.run(&["serve"]).await;
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let said = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("holds tables of another program"), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
}
