//! What a rollback would be: the actuator, the target, and the reasons for none.

use smokejumper::deploy::DeploymentTarget;
use smokejumper::deployment::{Actuator, NoRollback};
use smokejumper::rehearsal::ecs::{BreakerEnd, Controller, Fault, Times};

use super::stage::{LAG, ROLLBACK, Stage};

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
async fn revisions_that_were_never_deployed_are_no_targets() {
    let stage = Stage::set().await;
    for _ in 0..3 {
        stage.register();
    }
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    assert_eq!(pinned.revision.label, "api:5");
    assert_eq!(stage.plan(&pinned).await.target.label, "api:1");
}

#[tokio::test]
async fn after_a_rollback_the_target_is_what_it_was_rolled_back_to() {
    let stage = Stage::set().await;
    // api:2 is rolled back by ECS: what runs is api:1 again, though the record names api:2.
    stage.deploy();
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::RollBack)
        .unwrap();
    stage.clock.pass(LAG + ROLLBACK);
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    assert_eq!(pinned.revision.label, "api:3");
    assert_eq!(stage.plan(&pinned).await.target.label, "api:1");
}

#[tokio::test]
async fn with_several_sources_the_history_decides() {
    let stage = Stage::set().await;
    stage.deploy();
    stage.clock.pass(super::stage::ROLLOUT / 2);
    // api:3 comes while api:2 is half out: it has two sources, and api:2 never ended well.
    stage.deploy();
    let pinned = stage.pinned().await;
    assert_eq!(pinned.revision.label, "api:3");
    assert_eq!(pinned.previous, None, "two revisions ran before it");
    let plan = stage.plan(&pinned).await;
    assert_eq!(
        (plan.target.label.as_str(), plan.actuator),
        ("api:1", Actuator::StopServiceDeployment)
    );
    let listed = stage.control().calls();
    let listed = listed
        .iter()
        .rev()
        .find(|call| call.operation == "ListServiceDeployments");
    assert_eq!(
        listed.unwrap().parameters["status"],
        serde_json::json!(["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"])
    );
}

#[tokio::test]
async fn a_long_history_is_walked_page_by_page() {
    let stage = Stage::set().await;
    // The same software again and again, more than a page of it: none of it is another revision.
    let second = stage.register();
    stage.service.deploy(&second).unwrap();
    stage.finish();
    for _ in 0..130 {
        stage.service.deploy(&second).unwrap();
        stage.finish();
    }
    // Two sources send the plan to the history.
    let third = stage.register();
    stage.service.deploy(&third).unwrap();
    stage.clock.pass(super::stage::ROLLOUT / 2);
    stage.service.deploy(&second).unwrap();
    let pinned = stage.pinned().await;
    stage.control().clear_calls();
    let plan = stage.plan(&pinned).await;
    assert_eq!(plan.target.label, "api:1");
    let calls = stage.control().calls();
    let count = |name: &str| calls.iter().filter(|call| call.operation == name).count();
    assert_eq!(
        count("ListServiceDeployments"),
        2,
        "132 deployments are two pages"
    );
    let largest = calls.iter().filter_map(|call| {
        call.parameters["serviceDeploymentArns"]
            .as_array()
            .map(Vec::len)
    });
    assert_eq!(largest.max(), Some(20));
}

#[tokio::test]
async fn a_first_deployment_has_no_target() {
    let stage = Stage::set().await;
    let pinned = stage.pinned().await;
    assert!(matches!(
        stage.no_plan(&pinned).await,
        NoRollback::NoTarget(_)
    ));
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
async fn the_same_task_definition_again_cannot_be_undone_by_deploying_it() {
    let stage = Stage::set().await;
    stage
        .control()
        .retag("registry.test/api:1", "other content");
    stage.service.deploy("api:1").unwrap();
    let pinned = stage.pinned().await;
    // While it is in flight ECS can return to the images that it resolved before.
    assert_eq!(
        stage.plan(&pinned).await.actuator,
        Actuator::StopServiceDeployment
    );
    stage.finish();
    let no = stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::NotRollbackable(text) if text.contains("api:1")),
        "{no:?}"
    );
}

#[tokio::test]
async fn other_controllers_are_refused_by_name() {
    let stage = Stage::set_with(Controller::CodeDeploy, 1).await;
    let pinned = stage.pinned().await;
    assert_eq!(pinned.revision.label, "api:1");
    let no = stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::NotRollbackable(text) if text.contains("CODE_DEPLOY")),
        "{no:?}"
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
    let error = stage.target.plan(&pinned).await.unwrap_err();
    assert!(
        matches!(error, smokejumper::deploy::DeployError::Passing(_)),
        "{error:?}"
    );
}
