//! Races: what happens between the last look and the decisive call, and right after it.

use smokejumper::deploy::{DeployError, DeploymentTarget, Witness};
use smokejumper::deployment::{Actuator, NoRollback, Progress};
use smokejumper::rehearsal::ecs::{Answer, Fault, ServiceControl, Times};

use super::stage::{Dawdler, Stage, stale};

/// Something that happens to the service right before the operation is carried out.
fn meanwhile(
    service: &ServiceControl,
    happens: impl FnOnce(&ServiceControl) + Send + 'static,
) -> Fault {
    let service = service.clone();
    Fault::Meanwhile(Box::new(move |_| happens(&service)))
}

#[tokio::test]
async fn a_deployment_that_completes_under_the_stop_is_updated_instead() {
    let stage = Stage::set().await;
    stage.deploy();
    let plan = stage.plan(&stage.pinned().await).await;
    assert_eq!(plan.actuator, Actuator::StopServiceDeployment);
    let completes = meanwhile(&stage.service, |service| service.complete().unwrap());
    stage
        .control()
        .fault("StopServiceDeployment", completes, Times::Next(1));
    let started = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(started.plan.actuator, Actuator::UpdateService);
    assert_eq!(
        stage.changes(),
        [
            (
                "StopServiceDeployment".into(),
                Answer::Refused("ConflictException".into())
            ),
            ("UpdateService".into(), Answer::Done),
        ]
    );
    stage.finish();
    assert_eq!(
        stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn a_deployment_that_completed_after_the_plan_is_updated_at_once() {
    let stage = Stage::set().await;
    stage.deploy();
    let plan = stage.plan(&stage.pinned().await).await;
    stage.finish();
    let started = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(started.plan.actuator, Actuator::UpdateService);
    assert_eq!(stage.done(), ["UpdateService"]);
}

#[tokio::test]
async fn a_stop_never_hits_a_newer_deployment() {
    let stage = Stage::set().await;
    stage.deploy();
    let plan = stage.plan(&stage.pinned().await).await;
    let foreign = meanwhile(&stage.service, |service| {
        service.foreign_deployment().unwrap();
    });
    stage
        .control()
        .fault("StopServiceDeployment", foreign, Times::Next(1));
    let no = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    assert_eq!(
        stage.changes(),
        [(
            "StopServiceDeployment".into(),
            Answer::Refused("ConflictException".into())
        )]
    );
}

#[tokio::test]
async fn an_update_that_undid_somebody_else_s_deployment_is_taken_back() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let plan = stage.plan(&stage.pinned().await).await;
    let foreign = meanwhile(&stage.service, |service| {
        service.foreign_deployment().unwrap();
    });
    stage
        .control()
        .fault("UpdateService", foreign, Times::Next(1));
    stage
        .control()
        .fault("StopServiceDeployment", Fault::Throttle, Times::Next(1));
    // Something was changed that was not meant: that is no mere takeover.
    let error = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap_err();
    let DeployError::Strange(reason) = &error else {
        panic!("{error:?}");
    };
    assert!(reason.contains("stopped again"), "{reason}");
    let mut calls = stage.control().mutating_calls();
    calls.retain(|call| call.answer == Answer::Done);
    let [update, stop] = calls.as_slice() else {
        panic!("{calls:?}");
    };
    assert_eq!(update.operation, "UpdateService");
    assert_eq!(stop.operation, "StopServiceDeployment");
    // What is stopped is our own deployment: the newest, not the foreign one.
    let current = stage
        .client
        .describe_services()
        .cluster("prod")
        .services("api")
        .send()
        .await;
    let current = current.unwrap();
    let own = current.services()[0].current_service_deployment().unwrap();
    assert_eq!(stop.parameters["serviceDeploymentArn"], own);
}

#[tokio::test]
async fn a_deployment_right_after_ours_supersedes_and_is_left_alone() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let plan = stage.plan(&stage.pinned().await).await;
    let service = stage.service.clone();
    // The look for the created deployment begins with its list.
    let before_the_look = Fault::Meanwhile(Box::new(move |control| {
        let foreign = meanwhile(&service, |service| {
            service.foreign_deployment().unwrap();
        });
        control.fault("ListServiceDeployments", foreign, Times::Next(1));
    }));
    stage
        .control()
        .fault("UpdateService", before_the_look, Times::Next(1));
    let no = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    assert_eq!(stage.done(), ["UpdateService"]);
}

#[tokio::test]
async fn a_deployment_during_a_throttle_is_seen_before_the_next_try() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let plan = stage.plan(&stage.pinned().await).await;
    let service = stage.service.clone();
    // The first try is throttled; right before the look that follows, somebody else deploys.
    let before_the_look = Fault::Meanwhile(Box::new(move |control| {
        let foreign = meanwhile(&service, |service| {
            service.foreign_deployment().unwrap();
        });
        control.fault("DescribeServices", foreign, Times::Next(1));
    }));
    stage
        .control()
        .fault("UpdateService", before_the_look, Times::Next(1));
    stage
        .control()
        .fault("UpdateService", Fault::Throttle, Times::Next(1));
    let no = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    assert_eq!(
        stage.changes(),
        [("UpdateService".into(), Answer::Fault("throttle"))]
    );
}

#[tokio::test]
async fn a_service_reading_that_lags_behind_hides_no_newer_deployment() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    stage
        .control()
        .fault("DescribeServices", stale(), Times::Always);
    let plan = stage.plan(&pinned).await;
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
async fn a_deployment_that_completes_under_a_stop_is_known_by_its_state_not_by_the_error() {
    let stage = Stage::set().await;
    stage.deploy();
    let plan = stage.plan(&stage.pinned().await).await;
    let completes = meanwhile(&stage.service, |service| service.complete().unwrap());
    let control = stage.control();
    control.fault("StopServiceDeployment", completes, Times::Next(1));
    let refused = Fault::Refuse("InvalidParameterException");
    control.fault("StopServiceDeployment", refused, Times::Next(1));
    let started = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(started.plan.actuator, Actuator::UpdateService);
    assert_eq!(stage.done(), ["UpdateService"]);
}

#[tokio::test]
async fn what_happens_while_the_call_is_written_down_is_seen_before_it_is_sent() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let plan = stage.plan(&stage.pinned().await).await;
    let service = stage.service.clone();
    let witness = Dawdler::while_he_writes(move || {
        service.foreign_deployment().unwrap();
    });
    let no = stage.target.roll_back(&plan, &witness).await;
    let no = no.unwrap().unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    assert!(stage.changes().is_empty(), "{:?}", stage.changes());
    assert_eq!(witness.sent(), [], "what was not sent is not looked for");
}

#[tokio::test]
async fn without_an_answer_a_deployment_that_may_be_somebody_s_is_not_stopped() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let plan = stage.plan(&stage.pinned().await).await;
    // Our call is lost; somebody else deploys, and somebody else returns to the same revision.
    let others = meanwhile(&stage.service, |service| {
        service.foreign_deployment().unwrap();
        service.deploy("api:1").unwrap();
    });
    let control = stage.control();
    control.fault("UpdateService", others, Times::Next(1));
    control.fault("UpdateService", Fault::Reset, Times::Next(1));
    let error = stage.target.roll_back(&plan, &stage.hand).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, DeployError::Strange(text) if text.contains("may be our own")),
        "{error:?}"
    );
    assert!(stage.done().is_empty(), "{:?}", stage.changes());
}

#[tokio::test]
async fn expired_credentials_are_waited_for_once_a_rollback_is_under_way() {
    let expired = || Fault::Refuse("ExpiredTokenException");
    for in_flight in [true, false] {
        let stage = Stage::set().await;
        stage.deploy();
        if !in_flight {
            stage.finish();
        }
        let plan = stage.plan(&stage.pinned().await).await;
        let control = stage.control();
        let call = match in_flight {
            true => "StopServiceDeployment",
            false => "UpdateService",
        };
        control.fault(call, expired(), Times::Next(2));
        let started = stage.target.roll_back(&plan, &stage.hand).await;
        let started = started.expect("ECS answers").expect("a rollback");
        assert_eq!(stage.done(), [call]);
        control.fault("DescribeServices", expired(), Times::Next(1));
        let passing = stage.target.progress(&started).await;
        assert!(
            matches!(passing, Err(DeployError::Passing(_))),
            "{passing:?}"
        );
        // Before anything is at stake somebody has to renew them.
        control.fault("DescribeServices", expired(), Times::Next(1));
        let told = stage.target.standing(&plan.deployment).await;
        assert!(matches!(told, Err(DeployError::Declared(_))), "{told:?}");
    }
}
