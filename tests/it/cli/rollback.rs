//! `rollback` through the binary, against the ECS stand-in, the toy service and the real AWS SDK:
//! what is shown, what is asked, what holds it back, and which calls are made.

use std::process::Stdio;

use serde_json::Value;
use smokejumper::rehearsal::ecs::{Controller, Fault, Times};
use smokejumper::rehearsal::incident::Incident;
use smokejumper::rehearsal::toy::Ailment;
use tokio::io::AsyncWriteExt as _;

use super::program::{Program, Ran, ended};
use super::watch::{CONFIGURATION, mutations, program, settings, stage};

/// A release that is whole, in the folder of a program.
async fn released(ailment: Ailment) -> (Incident, Program) {
    let incident = stage(ailment, settings()).await;
    incident.release().expect("deployed");
    incident.service().complete().expect("completed");
    let program = program(&incident, CONFIGURATION);
    (incident, program)
}

async fn order(program: &Program, arguments: &[&str]) -> Ran {
    program
        .run(&[&["rollback", "shop"], arguments].concat())
        .await
}

fn serving(incident: &Incident) -> Option<String> {
    incident.service().serving().expect("the service is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_deployment_is_rolled_back_and_proven() {
    let (incident, program) = released(Ailment::Outage).await;
    let ran = order(
        &program,
        &["--yes", "--reason", "orders fail", "--report", "json"],
    )
    .await;
    let report = ran.expect(10).json();
    assert_eq!(report["command"], "rollback");
    assert_eq!(report["rollback"]["outcome"], "rolled_back_verified");
    assert_eq!(report["rollback"]["from"], "shop:3");
    assert_eq!(report["rollback"]["to"], "shop:1");
    assert_eq!(report["rollback"]["verification"][0]["verdict"], "pass");
    assert_eq!(
        report["decision"]["because"][0],
        "ordered by hand: orders fail"
    );
    assert_eq!(mutations(&incident), ["UpdateService"]);
    assert_eq!(serving(&incident).as_deref(), Some("shop:1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_in_flight_is_stopped() {
    let incident = stage(Ailment::Outage, settings()).await;
    incident.service().hold(true).expect("held");
    incident.release().expect("deployed");
    let program = program(&incident, CONFIGURATION);
    let ran = order(&program, &["--yes", "--report", "json"]).await;
    let report = ran.expect(10).json();
    assert_eq!(report["rollback"]["actuator"], "stop_service_deployment");
    assert_eq!(mutations(&incident), ["StopServiceDeployment"]);
    assert_eq!(serving(&incident).as_deref(), Some("shop:1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_done_is_shown_and_nothing_is_changed() {
    let (incident, program) = released(Ailment::Outage).await;
    let ran = order(&program, &["--dry-run", "--override", "cooldown"]).await;
    insta::with_settings!({ filters => FILTERS.to_vec() }, {
        insta::assert_snapshot!(format!("{}---\n{}", ran.expect(0).stderr, ran.stdout));
    });
    let words = ran.stderr.lines().chain(ran.stdout.lines());
    let long: Vec<&str> = words.filter(|line| line.chars().count() > 80).collect();
    assert_eq!(long, [""; 0], "{}", ran.all());
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_can_be_asked_it_takes_a_yes() {
    let (incident, program) = released(Ailment::Outage).await;
    let ran = order(&program, &[]).await;
    ran.expect(2);
    assert!(ran.stderr.contains("--yes"), "{}", ran.all());
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_terminal_only_a_yes_goes_on() {
    for (answer, code, changes) in [
        ("y\n", 10, vec!["UpdateService"]),
        ("n\n", 12, vec![]),
        ("\n", 12, vec![]),
        // The end of the input.
        ("\u{4}", 12, vec![]),
    ] {
        let (incident, program) = released(Ailment::Outage).await;
        let ran = on_a_terminal(&program, answer).await;
        assert_eq!(ran.code, code, "{answer:?}: {}", ran.all());
        assert!(
            ran.stdout.contains("Roll shop back to shop:1? [y/N]"),
            "{}",
            ran.all()
        );
        assert_eq!(mutations(&incident), changes, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interlock_holds_until_it_is_overridden_by_its_name() {
    let (incident, program) = released(Ailment::Outage).await;
    let state = program.folder.path().join(".local/state/smokejumper");
    std::fs::create_dir_all(&state).expect("a state folder");
    std::fs::write(state.join("freeze"), "year's end\n").expect("written");

    let ran = order(&program, &["--yes", "--report", "json"]).await;
    let report = ran.expect(12).json();
    assert_eq!(report["rollback"]["outcome"], "refused");
    let because = report["rollback"]["because"].as_str().expect("a reason");
    assert!(because.contains("year's end"), "{because}");
    assert!(because.contains("--override freeze"), "{because}");
    assert_eq!(mutations(&incident), Vec::<String>::new());

    let ran = order(&program, &["--yes", "--override", "freeze"]).await;
    ran.expect(10);
    assert!(ran.stderr.contains("overridden  freeze"), "{}", ran.all());
    assert_eq!(mutations(&incident), ["UpdateService"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_not_itself_rolled_back() {
    let (incident, program) = released(Ailment::Outage).await;
    order(&program, &["--yes"]).await.expect(10);
    // What was undone counts as judged bad: there is nothing to return to.
    let ran = order(&program, &["--yes", "--report", "json"]).await;
    let report = ran.expect(12).json();
    assert_eq!(report["rollback"]["outcome"], "no_target");
    // Whoever goes past that is told that this deployment is a rollback itself.
    let ran = order(
        &program,
        &["--yes", "--override", "ledger", "--report", "json"],
    )
    .await;
    let report = ran.expect(12).json();
    let because = report["rollback"]["because"].as_str().expect("a reason");
    assert!(because.contains("--override is_rollback"), "{because}");
    assert_eq!(mutations(&incident), ["UpdateService"], "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_are_not_known_are_told_with_what_was_meant() {
    let (incident, program) = released(Ailment::Outage).await;
    for (arguments, told) in [
        (
            ["rollback", "shop", "--override", "frezze"].as_slice(),
            "did you mean `freeze`?",
        ),
        (
            &["rollback", "shop", "--override", "superseded"],
            "cannot be overridden",
        ),
        (&["rollback", "shp", "--yes"], "did you mean `shop`?"),
        (&["rollback"], "SERVICE"),
    ] {
        let ran = program.run(arguments).await;
        ran.expect(2);
        assert!(ran.stderr.contains(told), "{arguments:?}: {}", ran.all());
    }
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_previous_revision_that_fails_as_well_is_told_as_that() {
    let (incident, program) = released(Ailment::Outage).await;
    // Nothing listens on the discard port of loopback.
    let program = program.env("SHOP_URL", "http://127.0.0.1:9");
    let ran = order(&program, &["--yes", "--report", "json"]).await;
    let report = ran.expect(11).json();
    assert_eq!(report["rollback"]["outcome"], "rolled_back_unhealthy");
    assert_eq!(mutations(&incident), ["UpdateService"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_aws_denies_is_a_rollback_that_failed() {
    let (incident, program) = released(Ailment::Outage).await;
    let control = incident.ecs.control();
    control.fault("UpdateService", Fault::AccessDenied, Times::Always);
    let ran = order(&program, &["--yes", "--report", "json"]).await;
    let report = ran.expect(11).json();
    assert_eq!(report["rollback"]["outcome"], "failed");
    assert_eq!(
        report["rollback"]["actuator"],
        Value::Null,
        "nothing was changed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_has_nowhere_to_return_to() {
    let (incident, program) = released(Ailment::Outage).await;
    incident.service().forget_history().expect("forgotten");
    let ran = order(&program, &["--yes", "--report", "json"]).await;
    let report = ran.expect(12).json();
    assert_eq!(report["rollback"]["outcome"], "no_target", "{}", ran.all());
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_takes_one_service_after_the_other_and_ends_with_the_worst() {
    let (incident, _) = released(Ailment::Outage).await;
    let control = incident.ecs.control();
    let only = control
        .register("till", "registry.test/till:1")
        .expect("registered");
    control
        .create_service("demo", "till", &only, 1, Controller::Ecs)
        .expect("created");
    let configuration = CONFIGURATION.replace(
        "services:\n",
        "services:\n  till: { deployment: { ecs: { cluster: demo, service: till } } }\n",
    );
    let configuration = configuration
        .replace("  health:\n", "  health:\n    service: shop\n")
        .replace("  orders:\n", "  orders:\n    service: shop\n")
        .replace("policies:\n", TILL.trim_start_matches('\n'));
    let program = program(&incident, &configuration);
    let ran = program.run(&["rollback", "all", "--yes"]).await;
    // The till had nowhere to return to, which is worse than the shop's good end.
    ran.expect(12);
    let last: Vec<&str> = ran.stdout.lines().rev().take(2).collect();
    assert_eq!(
        last,
        [
            "shop: shop:3 -> shop:1: rolled back and verified, exit code 10",
            "till: till:1: cannot roll back, exit code 12",
        ],
        "{}",
        ran.all()
    );
    assert_eq!(mutations(&incident), ["UpdateService"]);
}

/// What differs from run to run.
const FILTERS: [(&str, &str); 2] = [
    (r"took [^;]+;", "took SPAN;"),
    // How long the deployment took, if it took any time to speak of.
    (r"takes       [^\n]+", "takes       SPAN"),
];

/// A check of the till, before the policies.
const TILL: &str = r#"
  till:
    service: till
    http: { url: "${SHOP_URL}/health" }
    every: 250ms
    timeout: 240ms
policies:
"#;

/// Runs the order with a terminal as its standard input and output, on which this is typed.
async fn on_a_terminal(program: &Program, typed: &str) -> Ran {
    let command = format!("{} rollback shop", env!("CARGO_BIN_EXE_smokejumper"));
    let mut child = program
        .command("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("`script` of util-linux is there");
    let mut keyboard = child.stdin.take().expect("a keyboard");
    keyboard.write_all(typed.as_bytes()).await.expect("typed");
    keyboard.flush().await.expect("typed");
    let ran = ended(child).await;
    drop(keyboard);
    ran
}
