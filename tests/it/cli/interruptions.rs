//! Signals while the program works on a rollback: what the user sees, and what is left behind.

use std::time::Duration;

use super::page::until;
use super::program::ended;
use super::watch::{CONFIGURATION, mutations, program, settings, stage};
use smokejumper::rehearsal::ecs::Settings;
use smokejumper::rehearsal::toy::Ailment;

fn terminate(child: &tokio::process::Child) {
    let id = child.id().expect("running").to_string();
    let killed = std::process::Command::new("kill").arg(id).status();
    assert!(killed.expect("kill runs").success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_that_was_ordered_is_neither_hidden_nor_repeated() {
    let slow = Settings {
        rollback: Duration::from_secs(20),
        ..settings()
    };
    let incident = stage(Ailment::Outage, slow).await;
    incident.release().expect("deployed");
    let program = program(&incident, CONFIGURATION);
    let started = program.start(&["watch", "--report", "json"]);
    until(|| !mutations(&incident).is_empty()).await;
    terminate(&started);
    let ran = ended(started).await;
    let report = ran.expect(11).json();
    assert_eq!(report["rollback"]["outcome"], "timeout", "{}", ran.all());
    let because = report["rollback"]["because"].as_str().expect("a reason");
    assert!(because.contains("the platform goes on"), "{}", ran.all());
    assert!(ran.stderr.contains("told to stop: "), "{}", ran.all());
    assert_eq!(mutations(&incident).len(), 1);
}
