//! What is said before a bake: each weakness once, nothing where all is well, and never an error.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::deploy::DeploymentTarget;
use smokejumper::deployment::{Deployment, Wanted};
use smokejumper::rehearsal::ecs::{Fault, Times};

use super::stage::Stage;

const BAKE: Duration = Duration::from_mins(10);

/// What a service should have: a circuit breaker that rolls back, and alarms.
fn safe(alarms: &[&str]) -> Value {
    json!({
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
        "deploymentCircuitBreaker": { "enable": true, "rollback": true },
        "alarms": { "alarmNames": alarms, "enable": true, "rollback": true },
    })
}

/// `api:2` just deployed to a service that is configured so.
async fn configured(configuration: &Value) -> Stage {
    let stage = Stage::set().await;
    stage.service.configure(configuration).unwrap();
    stage.deploy();
    stage
}

/// A service with everything that it should have.
async fn well() -> Stage {
    configured(&safe(&["api-5xx"])).await
}

async fn concerns(stage: &Stage, deployment: &Deployment) -> Vec<String> {
    let wanted = Wanted::default();
    let looked = stage.target.concerns(deployment, BAKE, &wanted).await;
    looked.expect("a look never fails a watch")
}

fn only<'a>(concerns: &'a [String], part: &str) -> &'a str {
    match concerns {
        [only] if only.contains(part) => only,
        other => panic!("not only {part:?}: {other:?}"),
    }
}

#[tokio::test]
async fn where_all_is_well_nothing_is_said() {
    let stage = well().await;
    let pinned = stage.pinned().await;
    assert_eq!(concerns(&stage, &pinned).await, Vec::<String>::new());
    stage.finish();
    assert_eq!(concerns(&stage, &pinned).await, Vec::<String>::new());
    let asked = stage.control().calls();
    let asked = asked.iter().find(|call| call.operation == "DescribeAlarms");
    assert_eq!(
        asked.unwrap().parameters,
        json!({ "AlarmNames": ["api-5xx"], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"] })
    );
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn a_service_as_it_is_created_by_default_has_no_circuit_breaker() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    only(
        &concerns(&stage, &pinned).await,
        "circuit breaker of service api is off",
    );
}

#[tokio::test]
async fn an_alarm_that_fires_before_the_deployment_is_said_with_what_ecs_makes_of_it() {
    let stage = Stage::set().await;
    stage.service.configure(&safe(&["api-5xx"])).unwrap();
    stage.service.set_alarm("api-5xx", true).unwrap();
    stage.deploy();
    let pinned = stage.pinned().await;
    let [ignored, fires] = concerns(&stage, &pinned).await.try_into().unwrap();
    assert!(
        ignored.contains("ECS does not watch the alarms of service api"),
        "{ignored}"
    );
    assert!(
        fires.contains("alarm api-5xx of service api is in ALARM already"),
        "{fires}"
    );
}

#[tokio::test]
async fn alarms_that_are_gone_or_stop_without_a_rollback_are_said() {
    let mut configuration = safe(&["api-5xx", "gone"]);
    configuration["alarms"]["rollback"] = json!(false);
    let stage = configured(&configuration).await;
    stage.control().delete_alarm("gone");
    let pinned = stage.pinned().await;
    let [rollback, gone] = concerns(&stage, &pinned).await.try_into().unwrap();
    assert!(rollback.contains("do not roll it back"), "{rollback}");
    assert!(
        gone.contains("alarm gone") && gone.contains("does not exist"),
        "{gone}"
    );
    // One that fires on the deployment itself.
    stage.service.set_alarm("api-5xx", true).unwrap();
    let concerns = concerns(&stage, &pinned).await;
    let fired = "an alarm of this deployment of service api has fired: api-5xx";
    assert!(concerns.iter().any(|one| one == fired), "{concerns:?}");
}

#[tokio::test]
async fn what_would_stop_a_rollback_is_said() {
    let stage = well().await;
    let pinned = stage.pinned().await;
    stage.control().deregister("api:1").unwrap();
    only(
        &concerns(&stage, &pinned).await,
        "api:1, to which a rollback would return, is not ACTIVE",
    );

    let stage = well().await;
    stage.finish();
    stage
        .control()
        .retag("registry.test/api:next", "other content");
    stage.service.deploy("api:2").unwrap();
    let pinned = stage.pinned().await;
    only(
        &concerns(&stage, &pinned).await,
        "the tag of api was moved since api:2 ran",
    );

    let stage = well().await;
    stage.finish();
    stage.service.deploy("api:2").unwrap();
    let pinned = stage.pinned().await;
    only(
        &concerns(&stage, &pinned).await,
        "api:2 from the same images",
    );

    let stage = Stage::set().await;
    stage.service.configure(&safe(&[])).unwrap();
    let pinned = stage.pinned().await;
    only(
        &concerns(&stage, &pinned).await,
        "the first deployment of service api",
    );

    let stage = well().await;
    let pinned = stage.pinned().await;
    stage.service.scale(0).unwrap();
    only(
        &concerns(&stage, &pinned).await,
        "desired count of service api is 0",
    );
}

#[tokio::test]
async fn an_image_that_its_repository_has_lost_is_said() {
    let stage = well().await;
    let image = "000000000000.dkr.ecr.eu-west-1.amazonaws.com/team/api:7";
    let control = stage.control();
    let earlier = control.register("api", image).unwrap();
    stage.service.deploy(&earlier).unwrap();
    stage.finish();
    stage.deploy();
    let pinned = stage.pinned().await;
    assert_eq!(concerns(&stage, &pinned).await, Vec::<String>::new());
    let asked = control.calls();
    let asked = asked.iter().find(|call| call.operation == "BatchGetImage");
    let asked = &asked.unwrap().parameters;
    assert_eq!(asked["repositoryName"], "team/api");
    assert_eq!(asked["registryId"], "000000000000");
    control.delete_image(image);
    let concerns_now = concerns(&stage, &pinned).await;
    let said = only(&concerns_now, "is not in team/api any more");
    assert!(said.contains("api:3") && said.contains("sha256:"), "{said}");
}

#[tokio::test]
async fn version_consistency_that_is_off_is_said() {
    let stage = well().await;
    let document = json!({
        "family": "api",
        "containerDefinitions": [
            { "name": "api", "image": "registry.test/api:next", "versionConsistency": "disabled" },
            { "name": "agent", "image": "registry.test/agent@sha256:a", "versionConsistency": "disabled" },
        ],
    });
    let third = stage.control().register_document(&document).unwrap();
    stage.finish();
    stage.service.deploy(&third).unwrap();
    let pinned = stage.pinned().await;
    only(
        &concerns(&stage, &pinned).await,
        "version consistency is off for api of api:3",
    );
}

#[tokio::test]
async fn a_look_that_is_denied_or_fails_is_left_out() {
    let stage = configured(&safe(&["api-5xx", "gone"])).await;
    stage.control().delete_alarm("gone");
    let pinned = stage.pinned().await;
    for fault in [
        Fault::AccessDenied,
        Fault::Html,
        Fault::Refuse("ValidationError"),
        Fault::Hang,
    ] {
        let name = fault.name();
        let control = stage.control();
        control.fault("DescribeAlarms", fault, Times::Always);
        let concerns = concerns(&stage, &pinned).await;
        assert_eq!(concerns, Vec::<String>::new(), "{name}");
        control.clear_faults();
    }
    stage.control().deregister("api:1").unwrap();
    for operation in [
        "DescribeServices",
        "DescribeServiceDeployments",
        "DescribeServiceRevisions",
        "ListServiceDeployments",
        "DescribeTaskDefinition",
        "DescribeAlarms",
    ] {
        stage
            .control()
            .fault(operation, Fault::AccessDenied, Times::Always);
    }
    assert_eq!(concerns(&stage, &pinned).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_pauses_and_the_bake_of_ecs_are_measured_against_ours() {
    let stage = configured(&json!({
        "strategy": "BLUE_GREEN",
        "bakeTimeInMinutes": 5,
        "lifecycleHooks": [{
            "targetType": "PAUSE",
            "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
            "timeoutConfiguration": { "timeoutInMinutes": 3, "action": "ROLLBACK" },
        }],
    }))
    .await;
    let pinned = stage.pinned().await;
    let [bake, pause] = concerns(&stage, &pinned).await.try_into().unwrap();
    assert!(
        bake.contains("for 5m after the traffic has moved"),
        "{bake}"
    );
    assert!(pause.contains("ends after 3m"), "{pause}");
}
