//! What is said before a bake: each weakness once, nothing where all is well, and never an error.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::deploy::DeploymentTarget;
use smokejumper::deployment::Deployment;
use smokejumper::rehearsal::ecs::{Fault, Times};

use super::stage::Stage;

const BAKE: Duration = Duration::from_mins(10);

/// What a service should have: a circuit breaker that rolls back, and an alarm.
fn safe() -> Value {
    json!({
        "strategy": "ROLLING",
        "deploymentCircuitBreaker": { "enable": true, "rollback": true },
        "alarms": { "alarmNames": ["api-5xx"], "enable": true, "rollback": true },
    })
}

fn configured(stage: &Stage, configuration: Value) {
    let fault = Fault::altered(move |answer| {
        answer["services"][0]["deploymentConfiguration"] = configuration.clone();
    });
    stage
        .control()
        .fault("DescribeServices", fault, Times::Always);
}

/// What ECS watches on the deployment itself.
fn watched(stage: &Stage, alarms: Value) {
    let fault = Fault::altered(move |answer| {
        for deployment in answer["serviceDeployments"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            deployment["alarms"] = alarms.clone();
        }
    });
    stage
        .control()
        .fault("DescribeServiceDeployments", fault, Times::Always);
}

/// A service with everything that it should have, and `api:2` just deployed.
async fn well() -> Stage {
    let stage = Stage::set().await;
    stage.control().set_alarm("api-5xx", false);
    configured(&stage, safe());
    watched(
        &stage,
        json!({ "status": "MONITORING", "alarmNames": ["api-5xx"] }),
    );
    stage.deploy();
    stage
}

async fn concerns(stage: &Stage, deployment: &Deployment) -> Vec<String> {
    let looked = stage.target.concerns(deployment, BAKE).await;
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
async fn alarms_that_fire_or_are_gone_are_said() {
    let stage = well().await;
    let pinned = stage.pinned().await;
    stage.control().set_alarm("api-5xx", true);
    only(
        &concerns(&stage, &pinned).await,
        "alarm api-5xx of service api is in ALARM already",
    );
    let stage = well().await;
    let pinned = stage.pinned().await;
    stage.control().clear_faults();
    let mut other = safe();
    other["alarms"]["alarmNames"] = json!(["api-5xx", "gone"]);
    other["alarms"]["rollback"] = json!(false);
    configured(&stage, other);
    for (status, part) in [
        ("TRIGGERED", "has fired: api-5xx"),
        ("DISABLED", "does not watch the alarms"),
    ] {
        watched(
            &stage,
            json!({ "status": status, "triggeredAlarmNames": ["api-5xx"] }),
        );
        let concerns = concerns(&stage, &pinned).await;
        let [deployment, rollback, gone] = concerns.try_into().unwrap();
        assert!(deployment.contains(part), "{deployment}");
        assert!(rollback.contains("do not roll it back"), "{rollback}");
        assert!(
            gone.contains("alarm gone") && gone.contains("does not exist"),
            "{gone}"
        );
        stage.control().clear_faults();
        let mut again = safe();
        again["alarms"] =
            json!({ "alarmNames": ["api-5xx", "gone"], "enable": true, "rollback": false });
        configured(&stage, again);
    }
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
    configured(
        &stage,
        json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } }),
    );
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
    control.lose_image(image);
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
    let stage = well().await;
    stage.control().set_alarm("api-5xx", true);
    let pinned = stage.pinned().await;
    for (fault, tries) in [
        (Fault::AccessDenied, 1),
        (Fault::Html, 3),
        (Fault::Refuse("ValidationError"), 1),
        (Fault::Hang, 3),
    ] {
        let name = fault.name();
        // As often as the SDK tries.
        stage
            .control()
            .fault("DescribeAlarms", fault, Times::Next(tries));
        assert_eq!(
            concerns(&stage, &pinned).await,
            Vec::<String>::new(),
            "{name}"
        );
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
    let stage = well().await;
    let pinned = stage.pinned().await;
    stage.control().clear_faults();
    configured(
        &stage,
        json!({
            "strategy": "BLUE_GREEN",
            "bakeTimeInMinutes": 5,
            "lifecycleHooks": [{
                "targetType": "PAUSE",
                "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
                "timeoutConfiguration": { "timeoutInMinutes": 3, "action": "ROLLBACK" },
            }],
        }),
    );
    let [bake, pause] = concerns(&stage, &pinned).await.try_into().unwrap();
    assert!(
        bake.contains("for 5m after the traffic has moved"),
        "{bake}"
    );
    assert!(pause.contains("ends after 3m"), "{pause}");
}
