//! People are told of a watch, and nothing waits for it; `notify test` tries the way.

use smokejumper::rehearsal::toy::Ailment;

use super::page::until;
use super::program::Program;
use super::serve::Serving;
use super::watch::{CONFIGURATION, mutations, program, settings, stage};
use crate::harness::http_peer::{Does, Peer, answer};

const TOLD: &str = r#"
notifiers:
  team: { slack: { url: "${TEAM_ADDRESS}" } }
  hangs: { webhook: { url: "${HANGING_ADDRESS}", timeout: 2m } }
routes:
  everything: { to: [hangs, team], severity: info }
"#;

fn lines(peer: &Peer) -> Vec<String> {
    let asked = peer.asked();
    let lines = asked.iter().map(|asked| {
        let body: serde_json::Value = serde_json::from_slice(&asked.body).expect("JSON");
        body["text"].as_str().expect("a line").to_owned()
    });
    lines.collect()
}

/// A notifier that hangs is given two minutes by its own deadline, longer than any test may last: were
/// the rollback, or another notifier, to wait for it anywhere, this would not end.
#[tokio::test(flavor = "multi_thread")]
async fn a_notifier_that_hangs_delays_neither_the_rollback_nor_another_notifier() {
    let incident = stage(Ailment::Outage, settings()).await;
    incident.release().expect("deployed");
    let team = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let hanging = Peer::start(Does::Hangs).await;
    let ran = program(&incident, &format!("{CONFIGURATION}{TOLD}"))
        .env("TEAM_ADDRESS", &team.url("/services/T0/B0/canary-of-slack"))
        .env("HANGING_ADDRESS", &hanging.url("/hooks/canary-of-a-hook"))
        .run(&["watch", "--report", "json"])
        .await;
    let report = ran.expect(10).json();
    assert_eq!(report["rollback"]["outcome"], "rolled_back_verified");
    assert_eq!(mutations(&incident).len(), 1);
    assert_eq!(hanging.accepted(), 1, "it was being told all the while");
    let told = lines(&team);
    let order = [
        "watching the deployment",
        "fails on",
        "is to be rolled back",
        "rolling back",
        "is verified with",
        "and verified",
    ];
    let mut rest = told.iter();
    for part in order {
        assert!(rest.any(|line| line.contains(part)), "{part}: {told:#?}");
    }
    let unsent = ran.stderr.matches("warning: hangs was not told").count();
    assert!(unsent >= order.len() - 1, "{}", ran.all());
    assert!(!ran.stderr.contains("warning: team"), "{}", ran.all());
    assert!(!ran.all().contains("canary"), "{}", ran.all());
}

/// The same in the daemon, which has to end with one message that never arrived.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_rolls_back_while_a_notifier_hangs_and_tells_the_other() {
    let incident = stage(Ailment::Outage, settings()).await;
    let team = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let hanging = Peer::start(Does::Hangs).await;
    let address = "server: { listen: \"127.0.0.1:0\", url: \"https://watch.example/\" }\n";
    let program = program(&incident, &format!("{CONFIGURATION}{TOLD}{address}"))
        .env("TEAM_ADDRESS", &team.url("/services/T0/B0/canary-of-slack"))
        .env("HANGING_ADDRESS", &hanging.url("/hooks/canary-of-a-hook"));
    let serving = Serving::start(&program);
    serving.until_told("watching 1 service").await;
    incident.release().expect("deployed");
    serving.until_told("is over: fail").await;
    assert_eq!(mutations(&incident).len(), 1, "{}", serving.told());
    assert_eq!(hanging.accepted(), 1, "it was being told all the while");
    until(|| {
        lines(&team)
            .iter()
            .any(|line| line.contains("and verified"))
    })
    .await;
    let told = lines(&team);
    let order = [
        "watching the deployment",
        "fails on",
        "rolling back",
        "and verified",
    ];
    let mut rest = told.iter();
    for part in order {
        assert!(rest.any(|line| line.contains(part)), "{part}: {told:#?}");
    }
    let linked = team.asked();
    let linked = linked
        .iter()
        .map(|asked| String::from_utf8_lossy(&asked.body));
    let linked = linked.filter(|body| body.contains("https://watch.example/windows/01"));
    assert!(
        linked.count() >= order.len(),
        "each leads to the page of its window"
    );
    let status = serving.asked("/api/v1/status").await;
    assert!(status.contains("\"name\":\"hangs\""), "{status}");
    serving.signal("-TERM");
    serving.until_told("hangs was not told").await;
    let all = serving.told();
    assert_eq!(serving.ended().await, 143, "{all}");
    assert!(!all.contains("canary"), "{all}");
}

fn configured(peer: &Peer, gone: &Peer) -> Program {
    let configuration = r#"
checks: { health: { http: { url: "http://127.0.0.1:9/", expect: { status: 200 } } } }
notifiers:
  team: { slack: { url: "${TEAM_ADDRESS}" } }
  oncall: { webhook: { url: "${GONE_ADDRESS}", body: '{"line": {{ headline | tojson }}}' } }
routes:
  incidents: { to: [team, oncall], severity: critical }
  quiet: { to: [team], events: [held] }
"#;
    Program::with(configuration)
        .env("TEAM_ADDRESS", &peer.url("/services/T0/B0/canary-of-slack"))
        .env("GONE_ADDRESS", &gone.url("/hooks/canary-of-a-hook"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_is_tried_and_each_notifier_is_told_of() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let gone = Peer::answering(answer("404 Not Found", &[], b"no such hook")).await;
    let program = configured(&peer, &gone);
    let ran = program.run(&["notify", "test", "incidents"]).await;
    ran.expect(1);
    assert_eq!(
        ran.stdout,
        "team (slack): arrived\noncall (webhook): refused: 127.0.0.1 answered 404: no such hook\n"
    );
    let told = lines(&peer);
    assert_eq!(told.len(), 2, "and its end: {told:?}");
    assert!(told.iter().all(|line| line.contains("[TEST] ")), "{told:?}");
    assert!(told[1].contains("RESOLVED"), "{told:?}");
    let ran = program.run(&["notify", "test", "--notifier", "team"]).await;
    ran.expect(0);
    let ran = program
        .run(&["notify", "test", "quiet", "--event", "rollback_ended"])
        .await;
    ran.expect(0);
    assert!(
        ran.stderr
            .contains("leads no notice of the kind rollback_ended"),
        "{}",
        ran.all()
    );
    // The end of a trouble goes to those who were told of it, whatever the route names.
    let ran = program
        .run(&["notify", "test", "quiet", "--event", "store_recovered"])
        .await;
    ran.expect(0);
    assert!(!ran.stderr.contains("leads no notice"), "{}", ran.all());
    for (arguments, part) in [
        (
            &["notify", "test", "incident"][..],
            "did you mean `incidents`?",
        ),
        (
            &["notify", "test", "quiet", "--notifier", "teem"],
            "did you mean `team`?",
        ),
        (
            &["notify", "test", "quiet", "--event", "helt"],
            "did you mean `held`?",
        ),
        (
            &["notify", "test"],
            "say which route to try: incidents, quiet",
        ),
        (
            &["notify", "test", "quiet", "--notifier", "oncall"],
            "leads to none of these",
        ),
    ] {
        let ran = program.run(arguments).await;
        ran.expect(2);
        assert!(ran.stderr.contains(part), "{part}: {}", ran.all());
        assert!(!ran.all().contains("canary"), "{}", ran.all());
    }
}
