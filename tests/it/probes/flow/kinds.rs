//! Steps of other kinds than `http`: what each is answered can be captured, and dates have an age.

use super::*;
use crate::harness::postgres::Postgres;
use crate::harness::redis::Redis;
use crate::harness::talk_peer::{TalkPeer, says};

/// A flow of these steps, each on a line of its own.
async fn taken(steps: &[String], variables: &[(&str, &str)]) -> Sample {
    let mut text =
        "checks:\n  way:\n    timeout: 20s\n    every: 1m\n    flow:\n      steps:\n".to_owned();
    for step in steps {
        text.push_str(&format!("        - {step}\n"));
    }
    let probes = planned(&text, variables).unwrap_or_else(|problems| panic!("{problems}"));
    run_probe(Duration::from_secs(20), &*probes["way"]).await
}

/// A step that passes where the two are the same text.
fn same(found: &str, expected: &str) -> String {
    format!(
        r#"{{ name: compare, exec: {{ folder: /, command: [/bin/echo, "{found}"], expect: {{ stdout: "{expected}" }} }} }}"#
    )
}

#[tokio::test]
async fn a_banner_a_row_a_field_and_an_output_are_captured() {
    let peer = TalkPeer::start(vec![says("220 mail.test greets canary-17\r\n")]).await;
    let (database, redis) = (Postgres::start().await, Redis::start().await);
    let sample = taken(
        &[
            format!(
                r#"{{ name: greet, tcp: {{ address: "{}", dialogue: [ {{ expect: {{ starts_with: "220" }} }} ] }}, capture: {{ host: {{ regex: "^220 (\\S+) " }}, key: {{ regex: "greets (\\S+)$", secret: true }} }} }}"#,
                peer.address()
            ),
            r#"{ name: look up, postgres: { url: "${DATABASE}", query: "select 12345678901234567890::numeric as id, 'x' as word" }, capture: { id: $.row.id, rows: $.rows } }"#.to_owned(),
            r#"{ name: ask, redis: { url: "${REDIS}" }, capture: { role: $.info.role } }"#.to_owned(),
            r#"{ name: count, exec: { folder: /, shell: "echo first; echo total=42" }, capture: { total: { regex: "total=([0-9]+)" } } }"#.to_owned(),
            same("{{ host }} {{ id }} {{ rows }} {{ role }} {{ total }}", "mail.test 12345678901234567890 1 master 42"),
        ],
        &[("DATABASE", &database.url("")), ("REDIS", &redis.url(""))],
    )
    .await;
    passed(&sample);
    assert_eq!(reading(&sample, "steps"), 5.0);
    // What is secret stays so in the steps after it, also where they repeat it.
    let peer = TalkPeer::start(vec![says("220 mail.test greets canary-17\r\n")]).await;
    let sample = taken(
        &[
            format!(
                r#"{{ name: greet, tcp: {{ address: "{}", dialogue: [ {{ expect: {{ starts_with: "220" }} }} ] }}, capture: {{ key: {{ regex: "greets (\\S+)$", secret: true }} }} }}"#,
                peer.address()
            ),
            same("it is {{ key }}", "it is not"),
        ],
        &[],
    )
    .await;
    let told = fault(&sample, Reason::Expectation);
    assert_eq!(
        told.detail,
        r#"step "compare": standard output: expected "it is not", got "it is ***""#
    );
}

#[tokio::test]
async fn what_is_not_in_the_answer_of_another_kind_says_so() {
    let database = Postgres::start().await;
    let sample = taken(
        &[r#"{ name: look up, postgres: { url: "${DATABASE}", query: "select 1 as id" }, capture: { id: $.row.nr } }"#.to_owned()],
        &[("DATABASE", &database.url(""))],
    )
    .await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        r#"step "look up": `id` cannot be captured: $.row: no member `nr`"#
    );
}

#[tokio::test]
async fn dates_have_an_age_in_steps_of_any_kind() {
    let database = Postgres::start().await;
    let aged = |seconds: u32, limit: &str| {
        [
            format!(
                r#"{{ name: row, postgres: {{ url: "${{DATABASE}}", query: "select to_char((now() - interval '{seconds} s') at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as at", expect: {{ row: {{ at: {{ age: {{ {limit} }} }} }} }} }} }}"#
            ),
            format!(
                r#"{{ name: output, exec: {{ folder: /, shell: "date -u -d '{seconds} seconds ago' +%FT%TZ", expect: {{ stdout: {{ age: {{ {limit} }} }} }} }} }}"#
            ),
        ]
    };
    let variables = [("DATABASE", database.url(""))];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    passed(&taken(&aged(300, "gt: 200s, lt: 1h"), &variables).await);
    for step in aged(7_200, "lt: 1h") {
        let sample = taken(&[step], &variables).await;
        let told = fault(&sample, Reason::Expectation);
        let part = "expected { age: { lt: 1h } }, got an age of 2h";
        assert!(told.detail.contains(part), "{}", told.detail);
        // A clock of ours that has jumped would make it unknown.
        assert!(told.dated, "{}", told.detail);
    }
}
