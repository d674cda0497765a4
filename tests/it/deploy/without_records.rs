//! A server without service deployments: `deployments[]` alone, and the weaker promise said aloud.

use smokejumper::deploy::DeploymentTarget;
use smokejumper::deployment::{Actuator, NoRollback, Progress, Selector, Standing};
use smokejumper::rehearsal::ecs::{BreakerEnd, Fault, Times};

use super::stage::{LAG, ROLLBACK, ROLLOUT, Stage};

async fn stage() -> Stage {
    let stage = Stage::set().await;
    stage.control().without_service_deployments();
    stage
}

#[tokio::test]
async fn the_deployment_is_pinned_by_its_entry() {
    let stage = stage().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    assert!(pinned.id.starts_with("ecs-svc/"), "{}", pinned.id);
    assert_eq!(pinned.revision.label, "api:2");
    assert_eq!(pinned.previous.as_ref().unwrap().label, "api:1");
    let again = stage
        .target
        .pin(&Selector::Id(pinned.id.clone()))
        .await
        .unwrap();
    assert_eq!(again, pinned);
    assert_eq!(stage.target.standing(&pinned).await, Ok(Standing::InFlight));
    stage.finish();
    assert_eq!(
        stage.target.standing(&pinned).await,
        Ok(Standing::Completed)
    );
    stage.service.foreign_deployment().unwrap();
    assert_eq!(
        stage.target.standing(&pinned).await,
        Ok(Standing::Superseded)
    );
}

#[tokio::test]
async fn an_html_page_or_an_empty_list_means_the_same_as_not_knowing_the_operation() {
    let stage = Stage::set().await;
    stage.service.forget_history().unwrap();
    let empty = stage.pinned().await;
    assert!(empty.id.starts_with("ecs-svc/"));
    stage
        .control()
        .fault("ListServiceDeployments", Fault::Html, Times::Always);
    assert_eq!(stage.pinned().await, empty);
}

#[tokio::test]
async fn a_passing_fault_does_not_weaken_the_pin() {
    let stage = Stage::set().await;
    stage.deploy();
    // ECS names a service deployment: it has them, and a broken answer is only that.
    stage
        .control()
        .fault("DescribeServiceDeployments", Fault::Html, Times::Always);
    let error = stage.target.pin(&Selector::Current).await.unwrap_err();
    assert!(
        matches!(error, smokejumper::deploy::DeployError::Passing(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn it_is_updated_in_flight_and_afterwards_with_a_caveat() {
    for in_flight in [true, false] {
        let stage = stage().await;
        stage.deploy();
        let pinned = stage.pinned().await;
        if !in_flight {
            stage.finish();
        }
        let plan = stage.plan(&pinned).await;
        assert_eq!(plan.actuator, Actuator::UpdateService);
        assert_eq!(plan.target.label, "api:1");
        assert_eq!(plan.caveats.len(), 1, "{:?}", plan.caveats);
        let started = stage
            .target
            .roll_back(&plan, &stage.hand)
            .await
            .unwrap()
            .unwrap();
        assert!(started.carrier.starts_with("ecs-svc/"));
        assert_ne!(started.carrier, pinned.id);
        stage.clock.pass(ROLLOUT / 2);
        let progress = stage.target.progress(&started).await.unwrap();
        assert!(matches!(progress, Progress::Running(_)), "{progress:?}");
        stage.finish();
        assert_eq!(
            stage.target.progress(&started).await,
            Ok(Progress::Complete)
        );
        assert_eq!(stage.done(), ["UpdateService"]);
    }
}

#[tokio::test]
async fn without_having_seen_what_ran_before_there_is_no_target() {
    let stage = stage().await;
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    assert!(matches!(
        stage.no_plan(&pinned).await,
        NoRollback::NoTarget(_)
    ));
}

#[tokio::test]
async fn who_waited_for_the_deployment_has_seen_what_ran_before() {
    let stage = stage().await;
    let waiting = tokio::spawn({
        let target = stage.target.clone();
        async move { target.pin(&Selector::Next).await }
    });
    super::stage::eventually("it polls", || async {
        let calls = stage.control().calls().len();
        (calls >= 2)
            .then_some(())
            .ok_or_else(|| format!("{calls} calls"))
    })
    .await;
    stage.deploy_whole();
    let pinned = waiting.await.unwrap().unwrap();
    assert_eq!(pinned.previous.as_ref().unwrap().label, "api:1");
    assert_eq!(stage.plan(&pinned).await.target.label, "api:1");
}

#[tokio::test]
async fn a_deployment_that_takes_over_is_seen_before_the_update() {
    let stage = stage().await;
    stage.deploy();
    let plan = stage.plan(&stage.pinned().await).await;
    stage.service.foreign_deployment().unwrap();
    let no = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn ecs_s_own_rollback_is_known_by_the_failed_entry() {
    let stage = stage().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::RollBack)
        .unwrap();
    assert_eq!(
        stage.target.standing(&pinned).await,
        Ok(Standing::RollingBack)
    );
    assert_eq!(stage.no_plan(&pinned).await, NoRollback::ByPlatform);
    stage.clock.pass(LAG + ROLLBACK);
    assert_eq!(
        stage.target.own_rollback(&pinned).await,
        Ok(Progress::Complete)
    );
}
