//! Rolling back: which calls are sent, how often, and what is never sent.

use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::{Actuator, NoRollback, Progress};
use smokejumper::rehearsal::ecs::{Answer, BreakerEnd, Controller, Fault, Times};

use super::stage::{LAG, ROLLBACK, ROLLOUT, Stage};

#[tokio::test]
async fn a_deployment_in_flight_is_stopped_with_one_call() {
    let stage = Stage::set().await;
    let arn = stage.deploy();
    let plan = stage.plan(&stage.pinned().await).await;
    let started = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(started.carrier, arn);
    assert_eq!(started.plan.actuator, Actuator::StopServiceDeployment);
    let [call] = stage.control().mutating_calls().try_into().unwrap();
    assert_eq!(call.operation, "StopServiceDeployment");
    assert_eq!(
        call.parameters,
        serde_json::json!({ "serviceDeploymentArn": arn, "stopType": "ROLLBACK" })
    );
    let running = stage.target.progress(&started).await.unwrap();
    assert!(matches!(running, Progress::Running(_)), "{running:?}");
    stage.clock.pass(LAG + ROLLBACK);
    assert_eq!(
        stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
    assert_eq!(stage.service.serving().unwrap().as_deref(), Some("api:1"));
}

#[tokio::test]
async fn a_completed_deployment_is_updated_to_the_full_arn_and_nothing_else() {
    let stage = Stage::set().await;
    let judged = stage.deploy_whole();
    let plan = stage.plan(&stage.pinned().await).await;
    let started = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap();
    assert_ne!(started.carrier, judged);
    assert!(started.carrier.contains(":service-deployment/prod/api/"));
    let [call] = stage.control().mutating_calls().try_into().unwrap();
    assert_eq!(call.operation, "UpdateService");
    assert_eq!(
        call.parameters,
        serde_json::json!({
            "cluster": "prod",
            "service": "api",
            "taskDefinition": "arn:aws:ecs:eu-west-1:000000000000:task-definition/api:1",
        })
    );
    stage.clock.pass(ROLLOUT / 2);
    let running = stage.target.progress(&started).await.unwrap();
    assert_eq!(running, Progress::Running("1 of 2 tasks run api:1".into()));
    stage.clock.pass(ROLLOUT);
    assert_eq!(
        stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn a_throttled_decisive_call_is_tried_until_it_is_taken() {
    for operation in ["StopServiceDeployment", "UpdateService"] {
        let stage = Stage::set().await;
        stage.deploy();
        if operation == "UpdateService" {
            stage.finish();
        }
        let plan = stage.plan(&stage.pinned().await).await;
        stage
            .control()
            .fault(operation, Fault::Throttle, Times::Next(3));
        stage
            .target
            .roll_back(&plan, &stage.hand)
            .await
            .unwrap()
            .unwrap();
        let answers: Vec<_> = stage
            .changes()
            .into_iter()
            .map(|(_, answer)| answer)
            .collect();
        let throttled = Answer::Fault("throttle");
        assert_eq!(
            answers,
            [
                throttled.clone(),
                throttled.clone(),
                throttled,
                Answer::Done
            ],
            "{operation}"
        );
    }
}

#[tokio::test]
async fn a_throttle_without_end_is_given_up() {
    let stage = Stage::set().await;
    stage.deploy();
    let plan = stage.plan(&stage.pinned().await).await;
    stage
        .control()
        .fault("StopServiceDeployment", Fault::Throttle, Times::Always);
    let error = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, DeployError::Passing(text) if text.contains("throttles")),
        "{error:?}"
    );
    assert!(stage.done().is_empty());
}

#[tokio::test]
async fn after_an_answer_that_never_came_the_state_is_read_and_nothing_is_sent_twice() {
    for operation in ["StopServiceDeployment", "UpdateService"] {
        let stage = Stage::set().await;
        stage.deploy();
        if operation == "UpdateService" {
            stage.finish();
        }
        let plan = stage.plan(&stage.pinned().await).await;
        stage
            .control()
            .fault(operation, Fault::DoneThenHang, Times::Next(1));
        let started = stage
            .target
            .roll_back(&plan, &stage.hand)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            stage.changes(),
            [(operation.to_owned(), Answer::Fault("done, then hang"))],
            "sent once, and found by reading"
        );
        stage.finish();
        assert_eq!(
            stage.target.progress(&started).await,
            Ok(Progress::Complete)
        );
    }
}

#[tokio::test]
async fn a_call_that_was_not_carried_out_is_sent_again_after_a_look() {
    for (operation, fault) in [
        ("StopServiceDeployment", Fault::ServerError),
        ("UpdateService", Fault::Html),
    ] {
        let stage = Stage::set().await;
        stage.deploy();
        if operation == "UpdateService" {
            stage.finish();
        }
        let plan = stage.plan(&stage.pinned().await).await;
        stage.control().fault(operation, fault, Times::Next(1));
        stage
            .target
            .roll_back(&plan, &stage.hand)
            .await
            .unwrap()
            .unwrap();
        let calls = stage.control().calls();
        let sent: Vec<_> = (0..calls.len())
            .filter(|at| calls[*at].operation == operation)
            .collect();
        let [first, second] = sent.as_slice() else {
            panic!("{operation}: {sent:?}");
        };
        let between = &calls[first + 1..*second];
        assert!(
            between
                .iter()
                .any(|call| call.operation == "DescribeServiceDeployments"),
            "{operation}: read between the two"
        );
        assert_eq!(stage.done(), [operation]);
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_after_three() {
    let stage = Stage::set().await;
    stage.deploy();
    let plan = stage.plan(&stage.pinned().await).await;
    stage
        .control()
        .fault("StopServiceDeployment", Fault::ServerError, Times::Always);
    let error = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap_err();
    assert!(matches!(error, DeployError::Passing(_)), "{error:?}");
    assert_eq!(stage.changes().len(), 3);
}

#[tokio::test]
async fn what_we_may_not_do_is_the_user_s_to_mend() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let plan = stage.plan(&stage.pinned().await).await;
    stage
        .control()
        .fault("UpdateService", Fault::AccessDenied, Times::Always);
    let error = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, DeployError::Declared(text) if text.contains("allow ecs:UpdateService")),
        "{error:?}"
    );
    assert_eq!(stage.changes().len(), 1);
}

#[tokio::test]
async fn a_plan_that_has_become_void_is_not_carried_out() {
    let stage = Stage::set().await;
    stage.deploy_whole();
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
async fn a_plan_with_another_target_is_not_carried_out() {
    let stage = Stage::set().await;
    let other = stage.register();
    stage.deploy_whole();
    let mut plan = stage.plan(&stage.pinned().await).await;
    plan.target.id = other;
    let no = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap_err();
    assert!(matches!(no, NoRollback::NotRollbackable(_)), "{no:?}");
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn a_deployment_that_ecs_stopped_half_way_is_updated_and_not_taken_back() {
    let stage = Stage::set_with(Controller::Ecs, 4).await;
    stage.deploy();
    let pinned = stage.pinned().await;
    stage.clock.pass(ROLLOUT / 2);
    stage.control().advance();
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::Stop)
        .unwrap();
    // Tasks of both revisions run: both are sources of our own deployment.
    let plan = stage.plan(&pinned).await;
    let started = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stage.done(), ["UpdateService"]);
    stage.finish();
    assert_eq!(
        stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn after_a_broken_connection_the_state_says_whether_the_call_arrived() {
    for (operation, fault, sent) in [
        ("StopServiceDeployment", Fault::DoneThenReset, 1),
        ("UpdateService", Fault::DoneThenReset, 1),
        ("StopServiceDeployment", Fault::Reset, 2),
        ("UpdateService", Fault::Reset, 2),
    ] {
        let stage = Stage::set().await;
        stage.deploy();
        if operation == "UpdateService" {
            stage.finish();
        }
        let plan = stage.plan(&stage.pinned().await).await;
        let told = format!("{operation} {fault:?}");
        stage.control().fault(operation, fault, Times::Next(1));
        let started = stage
            .target
            .roll_back(&plan, &stage.hand)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(stage.changes().len(), sent, "{told}");
        stage.finish();
        assert_eq!(
            stage.target.progress(&started).await,
            Ok(Progress::Complete),
            "{told}"
        );
        assert_eq!(stage.service.serving().unwrap().as_deref(), Some("api:1"));
    }
}

#[tokio::test]
async fn a_rollback_that_was_begun_is_found_again_as_our_own() {
    for (operation, fault) in [
        ("StopServiceDeployment", Fault::DoneThenReset),
        ("UpdateService", Fault::DoneThenReset),
        ("UpdateService", Fault::altered(|_| {})),
    ] {
        let stage = Stage::set().await;
        stage.deploy();
        if operation == "UpdateService" {
            stage.finish();
        }
        let plan = stage.plan(&stage.pinned().await).await;
        // The call arrives, and every look after it fails.
        let blinding = Fault::Meanwhile(Box::new(|control| {
            control.fault("DescribeServiceDeployments", Fault::Html, Times::Always);
        }));
        stage.control().fault(operation, blinding, Times::Next(1));
        stage.control().fault(operation, fault, Times::Next(1));
        let error = stage
            .target
            .roll_back(&plan, &stage.hand)
            .await
            .unwrap_err();
        assert!(matches!(error, DeployError::Passing(_)), "{error:?}");
        stage.control().clear_faults();
        // Whoever tries again gets the rollback that goes on, not a takeover and not another call.
        let started = stage
            .target
            .roll_back(&plan, &stage.hand)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(started.plan.actuator, plan.actuator);
        assert_eq!(stage.changes().len(), 1, "{operation}");
        stage.finish();
        assert_eq!(
            stage.target.progress(&started).await,
            Ok(Progress::Complete)
        );
    }
}

#[tokio::test]
async fn a_stop_that_is_refused_in_flight_is_told_with_the_reason() {
    let stage = Stage::set().await;
    stage.deploy();
    let plan = stage.plan(&stage.pinned().await).await;
    let refused = Fault::Refuse("InvalidParameterException");
    stage
        .control()
        .fault("StopServiceDeployment", refused, Times::Always);
    let error = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, DeployError::Strange(text)
            if text.contains("InvalidParameterException: It is refused")),
        "{error:?}"
    );
    assert_eq!(stage.changes().len(), 1);
}
