//! The stand-in in every state of a deployment, as the real client sees it.

use std::time::Duration;

use aws_sdk_ecs::operation::RequestId;
use aws_sdk_ecs::types::{
    DeploymentLifecycleHookAction, DeploymentLifecycleHookStatus, DeploymentRolloutState, Service,
    ServiceDeployment, ServiceDeploymentRollbackMonitorsStatus as Monitor,
};
use serde_json::{Value, json};
use smokejumper::rehearsal::ecs::{BreakerEnd, Controller, Lag, RollbackEntry, Settings};

use super::stage::{LAG, MINUTE, ROLLBACK, ROLLOUT, Stage};

async fn service(stage: &Stage) -> Service {
    let call = stage
        .client
        .describe_services()
        .cluster("prod")
        .services("api");
    let answer = call.send().await.expect("it is answered");
    answer.services()[0].clone()
}

async fn deployment(stage: &Stage) -> ServiceDeployment {
    let (arn, _) = stage.service.latest().unwrap().expect("a deployment");
    let call = stage.client.describe_service_deployments();
    let answer = call.service_deployment_arns(arn).send().await;
    answer.expect("it is answered").service_deployments()[0].clone()
}

/// The entries of `deployments[]`: status, task definition, state.
async fn entries(stage: &Stage) -> Vec<String> {
    let shown = service(stage).await;
    let entries = shown.deployments().iter().map(|entry| {
        format!(
            "{} {} {}",
            entry.status().unwrap_or_default(),
            entry
                .task_definition()
                .unwrap_or_default()
                .rsplit('/')
                .next()
                .unwrap_or_default(),
            entry
                .rollout_state()
                .map_or("", DeploymentRolloutState::as_str)
        )
    });
    entries.collect()
}

async fn configured(conduct: &Value) -> Stage {
    let stage = Stage::set().await;
    stage.service.configure(conduct).unwrap();
    stage
}

#[tokio::test]
async fn blue_green_shows_its_stages_and_moves_the_traffic_at_once() {
    let stage = configured(&json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 2 })).await;
    stage.deploy();
    let mut seen: Vec<(String, String)> = Vec::new();
    for _ in 0..400 {
        let shown = deployment(&stage).await;
        let stage_name = shown
            .lifecycle_stage()
            .map_or("", |name| name.as_str())
            .to_owned();
        let serving = stage.service.serving().unwrap().unwrap_or_default();
        if seen.last() != Some(&(stage_name.clone(), serving.clone())) {
            seen.push((stage_name, serving));
        }
        stage.clock.pass(Duration::from_millis(500));
    }
    let seen: Vec<(&str, &str)> = seen.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("SCALE_UP", "api:1"),
            ("TEST_TRAFFIC_SHIFT", "api:1"),
            ("PRODUCTION_TRAFFIC_SHIFT", "api:2"),
            ("BAKE_TIME", "api:2"),
            ("CLEAN_UP", "api:2"),
        ]
    );
    assert_eq!(entries(&stage).await, ["PRIMARY api:2 COMPLETED"]);
    assert_eq!(service(&stage).await.running_count(), 2);
}

#[tokio::test]
async fn a_stop_in_bake_returns_the_traffic_and_starts_no_task() {
    let stage = configured(&json!({ "strategy": "BLUE_GREEN", "bakeTimeInMinutes": 2 })).await;
    stage.deploy();
    stage.clock.pass(ROLLOUT + Duration::from_secs(10));
    assert_eq!(stage.service.serving().unwrap().as_deref(), Some("api:2"));
    let before = service(&stage).await.deployments()[1]
        .id()
        .map(str::to_owned);
    stage.service.stop(BreakerEnd::RollBack).unwrap();
    stage.clock.pass(LAG);
    assert_eq!(stage.service.serving().unwrap().as_deref(), Some("api:1"));
    stage.clock.pass(Duration::from_millis(500));
    assert_eq!(
        stage.service.latest().unwrap().map(|(_, status)| status),
        Some("ROLLBACK_SUCCESSFUL")
    );
    let after = service(&stage).await;
    assert_eq!(after.deployments()[0].id().map(str::to_owned), before);
    assert_eq!(after.running_count(), 2);
}

#[tokio::test]
async fn a_canary_gets_its_share_of_the_traffic() {
    let canary = json!({ "canaryPercent": 10.0, "canaryBakeTimeInMinutes": 1 });
    let conduct = json!({ "strategy": "CANARY", "canaryConfiguration": canary });
    let stage = configured(&conduct).await;
    stage.deploy();
    stage.clock.pass(ROLLOUT + Duration::from_secs(20));
    stage.control().advance();
    let traffic = stage.service.traffic().unwrap().borrow().clone();
    assert_eq!(
        traffic.shares(),
        [("api:2".to_owned(), 1), ("api:1".to_owned(), 9)]
    );
    let weight = deployment(&stage).await;
    let target = weight.target_service_revision().unwrap();
    assert_eq!(target.requested_production_traffic_weight(), Some(10.0));
}

#[tokio::test]
async fn a_hook_waits_for_its_answer_and_takes_one() {
    let hook = json!({ "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"] });
    let stage = configured(&json!({ "lifecycleHooks": [hook] })).await;
    stage.deploy();
    stage.clock.pass(ROLLOUT * 3);
    let paused = deployment(&stage).await;
    let [hook] = paused.lifecycle_hook_details() else {
        panic!("one hook: {paused:?}");
    };
    assert_eq!(
        hook.status(),
        Some(&DeploymentLifecycleHookStatus::AwaitingAction)
    );
    assert_eq!(
        hook.timeout_action(),
        Some(&DeploymentLifecycleHookAction::Rollback)
    );
    let answer = |id: &str| {
        let call = stage.client.continue_service_deployment();
        let call = call.set_service_deployment_arn(paused.service_deployment_arn.clone());
        call.hook_id(id)
            .action(DeploymentLifecycleHookAction::Continue)
            .send()
    };
    let id = hook.hook_id().unwrap();
    answer("another").await.expect_err("no such hook awaits");
    answer(id).await.expect("it awaits");
    answer(id).await.expect_err("it awaits nothing any more");
    let done = deployment(&stage).await;
    assert_eq!(
        done.status().map(|status| status.as_str()),
        Some("SUCCESSFUL")
    );
}

#[tokio::test]
async fn a_hook_that_nobody_answers_does_what_was_configured() {
    for (action, status) in [
        ("ROLLBACK", "ROLLBACK_SUCCESSFUL"),
        ("CONTINUE", "SUCCESSFUL"),
    ] {
        let hook = json!({
            "targetType": "PAUSE",
            "lifecycleStages": ["PRE_SCALE_UP"],
            "timeoutConfiguration": { "timeoutInMinutes": 5, "action": action },
        });
        let stage = configured(&json!({ "lifecycleHooks": [hook] })).await;
        stage.deploy();
        stage.clock.pass(MINUTE * 4);
        let paused = deployment(&stage).await;
        assert_eq!(
            paused.status().map(|status| status.as_str()),
            Some("IN_PROGRESS")
        );
        stage.clock.pass(MINUTE * 2);
        let over = deployment(&stage).await;
        assert_eq!(over.status().map(|status| status.as_str()), Some(status));
        let hook = over.lifecycle_hook_details()[0].status();
        assert_eq!(hook, Some(&DeploymentLifecycleHookStatus::TimedOut));
    }
}

#[tokio::test]
async fn the_circuit_breaker_counts_to_its_threshold() {
    let breaker = json!({ "enable": true, "rollback": true });
    let stage = configured(&json!({ "deploymentCircuitBreaker": breaker })).await;
    stage.deploy();
    let mut seen = Vec::new();
    for _ in 0..3 {
        stage.service.fail_task().unwrap();
        let shown = deployment(&stage).await;
        let breaker = shown.deployment_circuit_breaker().unwrap().clone();
        assert_eq!(breaker.threshold(), 3);
        seen.push((breaker.failure_count(), breaker.status().cloned()));
    }
    assert_eq!(
        seen,
        [
            (1, Some(Monitor::Monitoring)),
            (2, Some(Monitor::Monitoring)),
            (3, Some(Monitor::Triggered)),
        ]
    );
    assert_eq!(
        entries(&stage).await,
        [
            "PRIMARY api:1 IN_PROGRESS",
            "ACTIVE api:2 FAILED",
            "ACTIVE api:1 COMPLETED"
        ]
    );
}

#[tokio::test]
async fn alarms_are_watched_for_a_while_after_the_new_tasks_run() {
    let alarms = json!({ "enable": true, "rollback": true, "alarmNames": ["errors"] });
    let stage = configured(&json!({ "alarms": alarms, "bakeTimeInMinutes": 3 })).await;
    stage.deploy();
    stage.clock.pass(ROLLOUT + MINUTE);
    assert_eq!(entries(&stage).await, ["PRIMARY api:2 IN_PROGRESS"]);
    let status = |shown: &ServiceDeployment| shown.alarms().unwrap().status().cloned();
    assert_eq!(status(&deployment(&stage).await), Some(Monitor::Monitoring));
    stage.service.set_alarm("errors", true).unwrap();
    let triggered = deployment(&stage).await;
    assert_eq!(status(&triggered), Some(Monitor::Triggered));
    assert_eq!(
        triggered.alarms().unwrap().triggered_alarm_names(),
        ["errors"]
    );
    stage.clock.pass(ROLLBACK);
    assert_eq!(stage.service.serving().unwrap().as_deref(), Some("api:1"));
    // The alarm fires still: the next deployment is not watched by any.
    stage.deploy();
    assert_eq!(status(&deployment(&stage).await), Some(Monitor::Disabled));
}

#[tokio::test]
async fn a_rollback_is_a_new_entry_or_the_former_one() {
    for entry in [RollbackEntry::New, RollbackEntry::Former] {
        let stage = Stage::with(
            Settings {
                rollback_entry: entry,
                ..Settings::default()
            },
            Controller::Ecs,
            2,
        )
        .await;
        let before = service(&stage).await.deployments()[0]
            .id()
            .map(str::to_owned);
        stage.deploy();
        stage
            .service
            .trip_circuit_breaker(BreakerEnd::RollBack)
            .unwrap();
        stage.finish();
        let after = service(&stage).await.deployments()[0]
            .id()
            .map(str::to_owned);
        assert_eq!(after == before, entry == RollbackEntry::Former, "{entry:?}");
        assert_eq!(entries(&stage).await, ["PRIMARY api:1 COMPLETED"]);
    }
}

#[tokio::test]
async fn what_a_rollback_returns_to_is_no_target_until_it_has_completed() {
    let stage = Stage::set().await;
    stage.deploy();
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::RollBack)
        .unwrap();
    stage.deploy();
    stage.service.stop(BreakerEnd::RollBack).unwrap();
    stage.finish();
    let (_, status) = stage.service.latest().unwrap().unwrap();
    assert_eq!(status, "ROLLBACK_FAILED");
}

#[tokio::test]
async fn a_first_deployment_pauses_and_has_nothing_to_return_to() {
    let stage = Stage::set().await;
    let hook = json!({ "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"] });
    let control = stage.control();
    let web = control.register("web", "registry.test/web:1").unwrap();
    let conduct = json!({ "lifecycleHooks": [hook] });
    let service = control
        .begin_service("prod", "web", &web, 1, &conduct)
        .unwrap();
    stage.clock.pass(MINUTE);
    assert_eq!(service.awaiting().unwrap().len(), 1);
    service.stop(BreakerEnd::RollBack).unwrap();
    stage.clock.pass(MINUTE);
    let (_, status) = service.latest().unwrap().unwrap();
    assert_eq!(status, "ROLLBACK_FAILED");
}

async fn current(stage: &Stage) -> Option<String> {
    let shown = service(stage).await;
    shown.current_service_deployment().map(str::to_owned)
}

#[tokio::test]
async fn reads_lag_behind_a_change_for_as_long_as_they_are_told_to() {
    let stage = Stage::set().await;
    let before = current(&stage).await;
    stage.control().lag(Lag::For(Duration::from_secs(5)));
    let arn = stage.service.deploy(&stage.register()).unwrap();
    assert_eq!(current(&stage).await, before);
    stage.clock.pass(Duration::from_secs(4));
    assert_eq!(current(&stage).await, before);
    stage.clock.pass(Duration::from_secs(1));
    assert_eq!(current(&stage).await, Some(arn));

    let stage = Stage::set().await;
    let before = current(&stage).await;
    stage.control().lag(Lag::Reads(2));
    let arn = stage.service.deploy(&stage.register()).unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(current(&stage).await);
    }
    assert_eq!(seen, [before.clone(), before, Some(arn)]);
}

#[tokio::test]
async fn what_is_ordered_for_an_instant_happens_at_that_instant() {
    let stage = Stage::set().await;
    stage.deploy();
    let service = stage.service.clone();
    stage.control().after(Duration::from_secs(5), move |_| {
        service.foreign_deployment().unwrap();
    });
    // Looked at long after: it came while the first was half out, and ended it.
    stage.clock.pass(MINUTE * 5);
    let call = stage
        .client
        .list_service_deployments()
        .cluster("prod")
        .service("api");
    let listed = call.send().await.unwrap();
    let statuses: Vec<_> = listed
        .service_deployments()
        .iter()
        .map(|known| known.status().unwrap().as_str())
        .collect();
    assert_eq!(statuses, ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]);
}

#[tokio::test]
async fn every_request_has_a_number_that_the_audit_log_keeps() {
    let stage = Stage::set().await;
    let call = stage
        .client
        .describe_services()
        .cluster("prod")
        .services("api");
    let answer = call.send().await.unwrap();
    let calls = stage.control().calls();
    assert_eq!(
        answer.request_id(),
        Some(calls.last().unwrap().request.as_str())
    );
    let refused = stage
        .client
        .describe_services()
        .cluster("none")
        .services("api");
    let refused = refused.send().await.unwrap_err();
    let calls = stage.control().calls();
    let [first, second] = calls.as_slice() else {
        panic!("two calls: {calls:?}");
    };
    assert_ne!(first.request, second.request);
    assert_eq!(refused.request_id(), Some(second.request.as_str()));
}
