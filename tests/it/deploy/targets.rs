//! Which revision a rollback returns to: what ran before and ended well, never a number less.

use smokejumper::deployment::{Actuator, NoRollback};
use smokejumper::rehearsal::ecs::{BreakerEnd, Controller, Fault, Times};

use super::stage::{LAG, ROLLBACK, ROLLOUT, Stage};

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
    stage.clock.pass(ROLLOUT / 2);
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
    stage.clock.pass(ROLLOUT / 2);
    stage.service.deploy(&second).unwrap();
    let pinned = stage.pinned().await;
    // Stopped, it would return to the api:2 that completed last: to the same software.
    let no = stage.no_plan(&pinned).await;
    assert!(matches!(no, NoRollback::SameSoftware(_)), "{no:?}");
    stage.finish();
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
async fn a_source_that_never_ended_well_is_no_target() {
    let stage = Stage::set_with(Controller::Ecs, 1).await;
    // api:2 replaces the only task of api:1, and ECS gives up on it without a rollback.
    stage.deploy();
    stage.clock.pass(ROLLOUT * 3 / 4);
    stage.control().advance();
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::Stop)
        .unwrap();
    assert_eq!(stage.service.serving().unwrap().as_deref(), Some("api:2"));
    stage.deploy();
    let pinned = stage.pinned().await;
    assert_eq!(pinned.revision.label, "api:3");
    assert_eq!(stage.plan(&pinned).await.target.label, "api:1");
    stage.finish();
    assert_eq!(stage.plan(&pinned).await.target.label, "api:1");
}

#[tokio::test]
async fn a_source_older_than_the_history_is_a_target_all_the_same() {
    let stage = Stage::set().await;
    stage.service.forget_history().unwrap();
    stage.deploy();
    let pinned = stage.pinned().await;
    assert_eq!(stage.plan(&pinned).await.target.label, "api:1");
}

#[tokio::test]
async fn the_same_images_again_cannot_be_undone_at_all() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    stage.service.deploy("api:2").unwrap();
    let pinned = stage.pinned().await;
    for _ in 0..2 {
        let no = stage.no_plan(&pinned).await;
        assert!(
            matches!(&no, NoRollback::SameSoftware(text) if text.contains("api:2")),
            "{no:?}"
        );
        stage.finish();
    }
}

#[tokio::test]
async fn images_that_were_not_resolved_are_not_taken_for_others() {
    let stage = Stage::set().await;
    stage.service.deploy("api:1").unwrap();
    let pinned = stage.pinned().await;
    let unresolved = Fault::altered(|answer| {
        answer["serviceRevisions"][0]["containerImages"] = serde_json::json!([]);
    });
    stage
        .control()
        .fault("DescribeServiceRevisions", unresolved, Times::Always);
    let no = stage.no_plan(&pinned).await;
    assert!(matches!(no, NoRollback::SameSoftware(_)), "{no:?}");
}
