//! What a rollback would be: the actuator, the target, and the reasons for none.

use smokejumper::deploy::DeploymentTarget;
use smokejumper::deployment::{Actuator, NoRollback, Wanted};
use smokejumper::rehearsal::ecs::{BreakerEnd, Fault, Times};

use super::stage::{LAG, ROLLBACK, ROLLOUT, Stage};

#[tokio::test]
async fn in_flight_it_is_stopped_and_afterwards_updated() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    let plan = stage.plan(&pinned).await;
    assert_eq!(plan.actuator, Actuator::StopServiceDeployment);
    assert_eq!(plan.target.label, "api:1");
    assert_eq!(plan.caveats, Vec::<String>::new());
    stage.finish();
    let plan = stage.plan(&pinned).await;
    assert_eq!(plan.actuator, Actuator::UpdateService);
    assert_eq!(plan.target.label, "api:1");
    assert!(plan.target.id.ends_with(":task-definition/api:1"));
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn an_inactive_target_is_refused_before_anything_is_done() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    stage.control().deregister("api:1").unwrap();
    let no = stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::NotRollbackable(text) if text.contains("api:1") && text.contains("not ACTIVE")),
        "{no:?}"
    );
}

#[tokio::test]
async fn in_flight_an_inactive_target_is_no_hindrance() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    stage.control().deregister("api:1").unwrap();
    assert_eq!(
        stage.plan(&pinned).await.actuator,
        Actuator::StopServiceDeployment
    );
}

#[tokio::test]
async fn a_newer_deployment_supersedes() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    let newer = stage.service.foreign_deployment().unwrap();
    let no = stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::Superseded(text) if text.contains(&newer)),
        "{no:?}"
    );
}

#[tokio::test]
async fn what_ecs_undoes_by_itself_is_left_to_it() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::RollBack)
        .unwrap();
    assert_eq!(stage.no_plan(&pinned).await, NoRollback::ByPlatform);
    stage.clock.pass(LAG + ROLLBACK);
    assert_eq!(stage.no_plan(&pinned).await, NoRollback::ByPlatform);
}

#[tokio::test]
async fn a_stopped_deployment_is_undone_by_an_update_and_a_failed_rollback_by_nobody() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::Stop)
        .unwrap();
    assert_eq!(stage.plan(&pinned).await.actuator, Actuator::UpdateService);

    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::RollBack)
        .unwrap();
    stage.service.fail_rollback().unwrap();
    assert!(matches!(
        stage.no_plan(&pinned).await,
        NoRollback::NotRollbackable(_)
    ));
}

#[tokio::test]
async fn what_does_not_come_back_is_said() {
    let stage = Stage::set().await;
    let second = stage.register();
    stage
        .client
        .update_service()
        .cluster("prod")
        .service("api")
        .task_definition(&second)
        .platform_version("1.4.0")
        .send()
        .await
        .unwrap();
    stage.finish();
    let pinned = stage.pinned().await;
    let plan = stage.plan(&pinned).await;
    assert!(
        matches!(plan.caveats.as_slice(), [only] if only.contains("platform version")),
        "{:?}",
        plan.caveats
    );
    assert_eq!(plan.not_restored, ["platform version"]);
}

#[tokio::test]
async fn throttled_reads_are_tried_again() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    for operation in [
        "DescribeServices",
        "DescribeServiceDeployments",
        "DescribeServiceRevisions",
    ] {
        stage
            .control()
            .fault(operation, Fault::Throttle, Times::Next(2));
    }
    assert_eq!(stage.plan(&pinned).await.target.label, "api:1");
    stage
        .control()
        .fault("DescribeServiceRevisions", Fault::Html, Times::Always);
    let error = stage
        .target
        .plan(&pinned, &Wanted::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, smokejumper::deploy::DeployError::Passing(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_service_without_tasks_is_not_rolled_back() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    stage.service.scale(0).unwrap();
    let no = stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::NotRollbackable(text) if text.contains("desired count")),
        "{no:?}"
    );
    stage.service.scale(2).unwrap();
    assert_eq!(stage.plan(&pinned).await.target.label, "api:1");
}

#[tokio::test]
async fn blue_and_green_are_stopped_in_flight_and_deployed_whole_afterwards() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    let strategy = Fault::altered(|answer| {
        answer["services"][0]["deploymentConfiguration"] =
            serde_json::json!({ "strategy": "BLUE_GREEN" });
    });
    stage
        .control()
        .fault("DescribeServices", strategy, Times::Always);
    let plan = stage.plan(&pinned).await;
    assert_eq!(plan.actuator, Actuator::StopServiceDeployment);
    assert_eq!(plan.caveats, Vec::<String>::new());
    assert!(
        plan.expected.is_some_and(|span| span < ROLLOUT),
        "only the traffic moves back"
    );
    stage.finish();
    let plan = stage.plan(&pinned).await;
    assert_eq!(plan.actuator, Actuator::UpdateService);
    assert!(plan.expected.is_some_and(|span| span >= ROLLOUT));
    assert!(
        matches!(plan.caveats.as_slice(), [only] if only.contains("BLUE_GREEN")),
        "{:?}",
        plan.caveats
    );
}
