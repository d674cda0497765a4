//! `watch` against the ECS stand-in, the toy service and the real AWS SDK: every outcome of the
//! contract that this version can reach, with the calls that changed something.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use smokejumper::clock::Clock;
use smokejumper::engine::clock::SystemClock;
use smokejumper::rehearsal::ecs::Settings;
use smokejumper::rehearsal::incident::Incident;
use smokejumper::rehearsal::toy::Ailment;

use super::crash::{has_kind, journal};
use super::page::{page, until};
use super::program::{Program, Ran, ended};

pub const CONFIGURATION: &str = r#"
services:
  shop:
    deployment: { ecs: { cluster: demo, service: shop } }
    policy: quick
checks:
  health:
    http: { url: "${SHOP_URL}/health", expect: { json: { $.status: ok } } }
    every: 250ms
    timeout: 240ms
  orders:
    http: { url: "${SHOP_URL}/orders", expect: { status: 200 } }
    every: 250ms
    timeout: 240ms
    thresholds:
      error_rate: { warning: "> 1%", critical: "> 5%" }
      p95: { warning: "> 60ms", critical: "> 120ms" }
policies:
  quick: { bake: 20s, warm_up: 500ms, min_samples: 20, rollback: { arm: true, timeout: 30s } }
"#;

pub fn settings() -> Settings {
    Settings {
        rollout: Duration::from_secs(2),
        rollback_lag: Duration::from_millis(200),
        rollback: Duration::from_secs(1),
        ..Settings::default()
    }
}

pub async fn stage(ailment: Ailment, settings: Settings) -> Incident {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    Incident::stage(clock, settings, ailment)
        .await
        .expect("staged")
}

pub fn program(incident: &Incident, configuration: &str) -> Program {
    Program::with(configuration)
        .aws(&incident.ecs.endpoint_url())
        .env("SHOP_URL", &incident.toy.url())
}

async fn watch(ailment: Ailment) -> (Incident, Ran) {
    let incident = stage(ailment, settings()).await;
    incident.release().expect("deployed");
    let ran = program(&incident, CONFIGURATION)
        .run(&["watch", "--report", "json"])
        .await;
    (incident, ran)
}

pub fn mutations(incident: &Incident) -> Vec<String> {
    incident
        .ecs
        .control()
        .mutating_calls()
        .into_iter()
        .map(|call| call.operation)
        .collect()
}

fn assert_rolled_back(incident: &Incident, ran: &Ran) -> Value {
    let report = ran.expect(10).json();
    assert_eq!(report["schema"], "smokejumper.report/1");
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["exit_code"], 10);
    assert_eq!(report["deployment"]["from"], "shop:1");
    assert_eq!(report["deployment"]["to"], "shop:3");
    assert_eq!(report["decision"]["action"], "roll_back");
    assert_eq!(report["rollback"]["outcome"], "rolled_back_verified");
    assert_eq!(report["rollback"]["from"], "shop:3");
    assert_eq!(
        report["rollback"]["to"], "shop:1",
        "not the revision that never ran"
    );
    assert_eq!(
        incident.service().serving().unwrap().as_deref(),
        Some("shop:1")
    );
    assert_eq!(
        mutations(incident).len(),
        1,
        "one rollback: {:?}",
        mutations(incident)
    );
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_rolled_back_and_proven() {
    let (incident, ran) = watch(Ailment::Outage).await;
    let report = assert_rolled_back(&incident, &ran);
    let orders = &report["checks"][1];
    assert_eq!(orders["id"], "orders");
    assert_eq!(orders["verdict"], "fail");
    assert_eq!(orders["reasons"][0]["code"], "error_rate");
    assert_eq!(orders["reasons"][0]["level"], "critical");
    assert_ne!(
        report["checks"][0]["verdict"], "fail",
        "the health page sees nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_rate_of_a_fifth_is_rolled_back() {
    let (incident, ran) = watch(Ailment::Errors).await;
    assert_rolled_back(&incident, &ran);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_p95_is_rolled_back() {
    let (incident, ran) = watch(Ailment::Slow).await;
    let report = assert_rolled_back(&incident, &ran);
    assert_eq!(
        report["checks"][1]["reasons"][0]["code"],
        "p95",
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_release_is_accepted() {
    let (incident, ran) = watch(Ailment::Healthy).await;
    let report = ran.expect(0).json();
    assert_eq!(report["verdict"], "pass", "{}", ran.all());
    assert_eq!(report["decision"]["action"], "accept");
    assert_eq!(report["rollback"], Value::Null);
    assert_eq!(mutations(&incident), Vec::<String>::new());
    assert_eq!(
        incident.service().serving().unwrap().as_deref(),
        Some("shop:3")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_deployment_supersedes_and_nothing_is_changed() {
    let incident = stage(Ailment::Healthy, settings()).await;
    incident.release().expect("deployed");
    let program = program(&incident, CONFIGURATION);
    let started = program.start(&["watch", "--report", "json"]);
    // The deployment is pinned when the window is opened; then somebody else deploys.
    let journal = journal(&program);
    until(|| has_kind(&journal, "opened")).await;
    incident.service().foreign_deployment().expect("deployed");
    let ran = ended(started).await;
    let report = ran.expect(13).json();
    assert_eq!(report["rollback"]["outcome"], "superseded");
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_is_not_armed_refuses() {
    let incident = stage(Ailment::Outage, settings()).await;
    incident.release().expect("deployed");
    let configuration = CONFIGURATION.replace("arm: true", "arm: false");
    let ran = program(&incident, &configuration)
        .run(&["watch", "--report", "json"])
        .await;
    let report = ran.expect(12).json();
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["rollback"]["outcome"], "refused");
    assert!(
        ran.stderr.contains("arm"),
        "the interlock is named: {}",
        ran.all()
    );
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_forbid_a_rollback_as_well() {
    for (flags, code, outcome) in [
        (["--rollback", "never"].as_slice(), 12, "refused"),
        (&["--dry-run"], 1, "dry_run"),
    ] {
        let incident = stage(Ailment::Outage, settings()).await;
        incident.release().expect("deployed");
        let arguments = [&["watch", "--report", "json"], flags].concat();
        let ran = program(&incident, CONFIGURATION).run(&arguments).await;
        let report = ran.expect(code).json();
        assert_eq!(report["decision"]["action"], "roll_back");
        assert_eq!(report["rollback"]["outcome"], outcome);
        assert_eq!(mutations(&incident), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_that_is_deployed_again_is_gone_back_from() {
    let incident = stage(Ailment::Outage, settings()).await;
    incident.release().expect("deployed");
    let program = program(&incident, CONFIGURATION);
    let first = program
        .run(&["watch", "--rollback", "never", "--report", "json"])
        .await;
    assert_eq!(first.expect(12).json()["rollback"]["outcome"], "refused");
    incident.service().complete().expect("completed");
    incident.service().deploy("shop:3").expect("deployed again");
    let ran = program.run(&["watch", "--report", "json"]).await;
    let report = ran.expect(10).json();
    assert_eq!(report["deployment"]["from"], "shop:3");
    assert_eq!(report["deployment"]["to"], "shop:3");
    assert_eq!(report["rollback"]["outcome"], "rolled_back_verified");
    assert_eq!(report["rollback"]["to"], "shop:1", "{}", ran.all());
    assert_eq!(mutations(&incident), ["UpdateService"]);
    assert_eq!(
        incident.service().serving().unwrap().as_deref(),
        Some("shop:1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_says_hold_refuses_and_gives_its_reason() {
    let incident = stage(Ailment::Outage, settings()).await;
    incident.release().expect("deployed");
    let configuration = CONFIGURATION.replace(
        "min_samples: 20,",
        "min_samples: 20, rules: [{ when: { checks: [orders] }, then: hold, because: orders are looked at by hand }],",
    );
    let ran = program(&incident, &configuration)
        .run(&["watch", "--report", "json"])
        .await;
    let report = ran.expect(12).json();
    assert_eq!(report["decision"]["action"], "hold");
    assert!(
        report.to_string().contains("orders are looked at by hand"),
        "{}",
        ran.all()
    );
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_single_sample_nothing_is_decided() {
    let incident = stage(Ailment::Outage, settings()).await;
    incident.release().expect("deployed");
    // A provider that limits our rate teaches us nothing about the deployment.
    let throttling = page("429 Too Many Requests", "slow down").await;
    let configuration = format!(
        "services: {{ shop: {{ deployment: {{ ecs: {{ cluster: demo, service: shop }} }}, policy: quick }} }}\n\
         checks: {{ head: {{ evm: {{ endpoints: [\"{}\"] }}, every: 200ms, timeout: 190ms }} }}\n\
         policies: {{ quick: {{ bake: 5s, min_samples: 10 }} }}\n",
        throttling.url("")
    );
    let ran = program(&incident, &configuration)
        .run(&["watch", "--report", "json"])
        .await;
    let report = ran.expect(3).json();
    assert_eq!(report["verdict"], "inconclusive");
    assert_eq!(report["decision"]["action"], "hold");
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deployment_has_nowhere_to_return_to() {
    let incident = stage(Ailment::Outage, settings()).await;
    incident.release().expect("deployed");
    // Once the release is all that is known, there is no earlier good revision.
    incident.service().complete().expect("completed");
    incident.service().forget_history().expect("forgotten");
    let ran = program(&incident, CONFIGURATION)
        .run(&["watch", "--report", "json"])
        .await;
    let report = ran.expect(12).json();
    assert_eq!(report["rollback"]["outcome"], "no_target", "{}", ran.all());
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_exist_is_an_error_of_the_configuration() {
    let incident = stage(Ailment::Healthy, settings()).await;
    let configuration = CONFIGURATION.replace("service: shop }", "service: shoop }");
    let ran = program(&incident, &configuration).run(&["watch"]).await;
    ran.expect(2);
    assert!(ran.stderr.contains("shoop"), "{}", ran.all());
    assert_eq!(ran.stdout, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_termination_proves_nothing_and_changes_nothing() {
    let incident = stage(Ailment::Healthy, settings()).await;
    incident.release().expect("deployed");
    let program = program(&incident, CONFIGURATION);
    let started = program.start(&["watch", "--report", "json"]);
    until(|| incident.ecs.control().calls().len() > 5).await;
    let id = i32::try_from(started.id().expect("running")).expect("a process id");
    let killed = std::process::Command::new("kill")
        .arg(id.to_string())
        .status()
        .expect("kill runs");
    assert!(killed.success());
    let ran = ended(started).await;
    let report = ran.expect(143).json();
    assert_eq!(report["verdict"], "inconclusive");
    assert_eq!(report["decision"]["action"], "hold");
    assert_eq!(mutations(&incident), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_by_the_platform_itself_is_followed_and_verified() {
    let incident = stage(Ailment::Outage, settings()).await;
    incident.service().hold(true).expect("held");
    incident.release().expect("deployed");
    let program = program(
        &incident,
        &CONFIGURATION.replace("min_samples: 20", "min_samples: 50"),
    );
    let started = program.start(&["watch", "--report", "json"]);
    until(|| incident.ecs.control().calls().len() > 5).await;
    incident
        .service()
        .trip_circuit_breaker(smokejumper::rehearsal::ecs::BreakerEnd::RollBack)
        .expect("tripped");
    let ran = ended(started).await;
    let report = ran.expect(10).json();
    assert_eq!(
        report["rollback"]["outcome"],
        "rolled_back_by_ecs",
        "{}",
        ran.all()
    );
    assert_eq!(mutations(&incident), Vec::<String>::new());
}
