//! How far a schema has been migrated, read from the tables as Alembic, Prisma and Flyway make them.

use serde_json::{Value, json};
use smokejumper::sample::{Reason, Sample};

use crate::harness::mariadb::MariaDb;
use crate::harness::probing::{fault, passed, reading, run};

async fn expects(server: &MariaDb, migration: Value) -> Sample {
    let expect = json!({"migration": migration});
    run("mysql", json!({"url": server.url(""), "expect": expect})).await
}

/// Asserts the detail of an expectation that does not hold.
#[track_caller]
fn wrong(sample: &Sample, detail: &str) {
    assert_eq!(fault(sample, Reason::Expectation).detail, detail);
}

#[tokio::test]
async fn the_revision_of_alembic_is_held_against_the_one_that_the_release_needs() {
    let server = MariaDb::start().await;
    let needed = json!({"tool": "alembic", "revision": "ae1027a6acf"});
    let absent = "there is no table `alembic_version`: nothing was ever migrated here, or `schema` must say where";
    wrong(&expects(&server, needed.clone()).await, absent);
    server.run("create table alembic_version (version_num varchar(32) not null primary key)");
    let none = "migration revision: expected \"ae1027a6acf\", got nothing";
    wrong(&expects(&server, needed.clone()).await, none);
    server.run("insert into alembic_version values ('ae1027a6acf')");
    passed(&expects(&server, needed).await);
    passed(&expects(&server, json!({"tool": "alembic", "schema": "shop"})).await);
    server.run("create user reader identified by 'reading'; create table other (n int); grant select on shop.other to reader");
    let expect = json!({"migration": {"tool": "alembic"}});
    let sample = run(
        "mysql",
        json!({"url": server.url_of("reader", "reading"), "expect": expect}),
    )
    .await;
    let told = fault(&sample, Reason::NotPermitted);
    assert_eq!(
        told.detail,
        "the revision cannot be seen; grant select on `alembic_version` to the login that asks"
    );
}

#[tokio::test]
async fn a_migration_of_prisma_that_failed_or_was_left_is_named() {
    let server = MariaDb::start().await;
    server.run(
        "create table _prisma_migrations (id varchar(36) primary key, checksum varchar(64) not null, \
         finished_at datetime(3), migration_name varchar(255) not null, logs text, \
         rolled_back_at datetime(3), started_at datetime(3) not null default current_timestamp(3), \
         applied_steps_count int unsigned not null default 0)",
    );
    server.run(
        "insert into _prisma_migrations (id, checksum, migration_name, finished_at) values \
         ('1', 'a', '20260101_init', now()), ('2', 'b', '20260201_orders', now())",
    );
    let newest = json!({"tool": "prisma", "revision": "20260201_orders"});
    let sample = expects(&server, newest.clone()).await;
    passed(&sample);
    assert_eq!(reading(&sample, "migrations_applied"), 2.0);
    server.run("insert into _prisma_migrations (id, checksum, migration_name) values ('3', 'c', '20260301_tax')");
    wrong(
        &expects(&server, newest.clone()).await,
        "migration: 20260301_tax is not finished: it runs at this moment, or was left (1 \
         more not evaluated)",
    );
    server.run("update _prisma_migrations set logs = 'table exists' where id = '3'");
    wrong(
        &expects(&server, newest).await,
        "migration: 20260301_tax failed (1 more not evaluated)",
    );
}

#[tokio::test]
async fn the_newest_version_of_flyway_and_any_query_say_the_revision() {
    let server = MariaDb::start().await;
    server.run(
        "create table flyway_schema_history (installed_rank int primary key, version varchar(50), \
         description varchar(200) not null, success bool not null)",
    );
    server.run(
        "insert into flyway_schema_history values (1, '9', 'base', 1), (2, '10', 'orders', 1), (3, null, 'views', 1)",
    );
    passed(&expects(&server, json!({"tool": "flyway", "revision": "10"})).await);
    server.run("insert into flyway_schema_history values (4, '11', 'tax', 0)");
    wrong(
        &expects(&server, json!({"tool": "flyway"})).await,
        "migration: 11 failed",
    );
    let query = "select max(installed_rank) from flyway_schema_history";
    passed(&expects(&server, json!({"query": query, "revision": 4})).await);
}
