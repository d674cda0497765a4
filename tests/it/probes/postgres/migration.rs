//! How far a schema has been migrated, read from the tables as Alembic, Prisma and Flyway make them.

use serde_json::{Value, json};
use smokejumper::sample::{Reason, Sample};

use crate::harness::postgres::Postgres;
use crate::harness::probing::{build, fault, passed, reading, run};

const ALEMBIC: &str = "create table alembic_version (version_num varchar(32) not null primary key)";

/// As Prisma Migrate creates it.
const PRISMA: &str = "create table _prisma_migrations (\
    id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz, \
    migration_name varchar(255) not null, logs text, rolled_back_at timestamptz, \
    started_at timestamptz not null default now(), applied_steps_count integer not null default 0)";

async fn expects(server: &Postgres, migration: Value) -> Sample {
    let expect = json!({"migration": migration});
    run("postgres", json!({"url": server.url(""), "expect": expect})).await
}

/// Asserts the detail of an expectation that does not hold.
#[track_caller]
fn wrong(sample: &Sample, detail: &str) {
    assert_eq!(fault(sample, Reason::Expectation).detail, detail);
}

#[tokio::test]
async fn the_revision_of_alembic_is_held_against_the_one_that_the_release_needs() {
    let server = Postgres::start().await;
    let any = json!({"tool": "alembic"});
    let needed = json!({"tool": "alembic", "revision": "ae1027a6acf"});
    let absent = "there is no table \"alembic_version\": nothing was ever migrated here, or `schema` must say where";
    wrong(&expects(&server, any.clone()).await, absent);
    server.run(ALEMBIC);
    wrong(
        &expects(&server, any.clone()).await,
        "migration: none was ever applied",
    );
    server.run("insert into alembic_version values ('1975ea83b712')");
    passed(&expects(&server, any).await);
    let behind = r#"migration revision: expected "ae1027a6acf", got "1975ea83b712""#;
    wrong(&expects(&server, needed.clone()).await, behind);
    server.run("update alembic_version set version_num = 'ae1027a6acf'");
    passed(&expects(&server, needed).await);
    server.run("insert into alembic_version values ('27c6a30d7c24')");
    let both = json!({"tool": "alembic", "revision": "27c6a30d7c24, ae1027a6acf"});
    passed(&expects(&server, both).await);
}

#[tokio::test]
async fn a_table_in_another_schema_is_found_where_that_is_named() {
    let server = Postgres::start().await;
    server.run(
        "create schema app; set search_path = app; create table alembic_version (version_num text)",
    );
    server.run("insert into app.alembic_version values ('a1')");
    let named = json!({"tool": "alembic", "schema": "app", "revision": "a1"});
    passed(&expects(&server, named).await);
    let sample = expects(&server, json!({"tool": "alembic", "schema": "shop"})).await;
    let told = fault(&sample, Reason::Expectation);
    assert!(
        told.detail
            .starts_with(r#"there is no table "shop"."alembic_version""#)
    );
}

#[tokio::test]
async fn a_migration_of_prisma_that_failed_or_was_left_is_named() {
    let server = Postgres::start().await;
    server.run(PRISMA);
    let any = json!({"tool": "prisma"});
    wrong(
        &expects(&server, any.clone()).await,
        "migration: none was ever applied",
    );
    server.run(
        "insert into _prisma_migrations (id, checksum, migration_name, finished_at) values \
         ('1', 'a', '20260101_init', now()), ('2', 'b', '20260201_orders', now())",
    );
    let newest = json!({"tool": "prisma", "revision": "20260201_orders"});
    let sample = expects(&server, newest.clone()).await;
    passed(&sample);
    assert_eq!(reading(&sample, "migrations_applied"), 2.0);
    assert_eq!(reading(&sample, "migrations_failed"), 0.0);
    let begin = "insert into _prisma_migrations (id, checksum, migration_name) values ('3', 'c', '20260301_tax')";
    server.run(begin);
    wrong(
        &expects(&server, newest.clone()).await,
        "migration: 20260301_tax is not finished: it runs at this moment, or was left (1 \
         more not evaluated)",
    );
    server.run("update _prisma_migrations set logs = 'relation exists' where id = '3'");
    let sample = expects(&server, newest).await;
    wrong(
        &sample,
        "migration: 20260301_tax failed (1 more not evaluated)",
    );
    assert_eq!(reading(&sample, "migrations_failed"), 1.0);
    server.run("update _prisma_migrations set rolled_back_at = now() where id = '3'");
    passed(&expects(&server, any).await);
}

#[tokio::test]
async fn the_newest_version_of_flyway_is_the_one_applied_last() {
    let server = Postgres::start().await;
    server.run(
        "create table flyway_schema_history (installed_rank int primary key, version varchar(50), \
         description varchar(200) not null, type varchar(20), script varchar(1000), checksum int, \
         installed_by varchar(100), installed_on timestamp default now(), execution_time int, success boolean not null)",
    );
    server.run(
        "insert into flyway_schema_history (installed_rank, version, description, success) values \
         (1, '9', 'base', true), (2, '10', 'orders', true), (3, null, 'views', true)",
    );
    passed(&expects(&server, json!({"tool": "flyway", "revision": "10"})).await);
    server.run("insert into flyway_schema_history values (4, '11', 'tax', null, null, null, null, now(), 1, false)");
    wrong(
        &expects(&server, json!({"tool": "flyway"})).await,
        "migration: 11 failed",
    );
}

#[tokio::test]
async fn any_query_can_say_the_revision() {
    let server = Postgres::start().await;
    server.run("create table schema_migrations (version bigint); insert into schema_migrations values (7), (12)");
    let query = "select max(version) from schema_migrations";
    passed(&expects(&server, json!({"query": query, "revision": 12})).await);
    passed(&expects(&server, json!({"query": query, "revision": {"ge": 10}})).await);
    let sample = expects(&server, json!({"query": query, "revision": {"ge": 13}})).await;
    wrong(
        &sample,
        r#"migration revision: expected { ge: 13 }, got "12""#,
    );
    let sample = expects(&server, json!({"query": "select 1 where false"})).await;
    wrong(&sample, "migration: none was ever applied");
}

#[tokio::test]
async fn a_role_that_may_not_read_the_table_learns_nothing() {
    let server = Postgres::start().await;
    server.run(ALEMBIC);
    server.run("create role reader login password 'reading'");
    let url = server.url_of("reader", "reading");
    let expect = json!({"migration": {"tool": "alembic"}});
    let sample = run("postgres", json!({"url": url, "expect": expect})).await;
    assert_eq!(
        fault(&sample, Reason::NotPermitted).detail,
        "the revision cannot be seen; grant select on \"alembic_version\" to the role that asks"
    );
}

#[test]
fn a_migration_that_says_nothing_is_refused() {
    let settings = json!({"url": "postgres://u@h/x", "expect": {"migration": {"revision": "a"}}});
    let Err(misfits) = build("postgres", settings) else {
        panic!("it is accepted")
    };
    assert_eq!(misfits[0].path, ["expect", "migration"]);
}
