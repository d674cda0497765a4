//! Rolling back: which calls are sent, how often, and what is never sent.

use serde_json::json;
use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::{Actuator, Answer as Told, NoRollback, Progress, Standing};
use smokejumper::rehearsal::ecs::{Answer, Fault, Times};

use super::super::stage::{LAG, ROLLBACK, ROLLOUT};
use super::{Heir, Scene, arn, call};

#[tokio::test]
async fn a_deployment_in_flight_is_stopped_with_one_call_and_its_rollback_followed() {
    let scene = Scene::set().await;
    let id = scene.deploy();
    let plan = scene.planned().await;
    let started = scene.rolled_back(&plan).await;
    assert_eq!(started.carrier, id);
    assert_eq!(started.plan.actuator, Actuator::CodedeployStopDeployment);
    let [sent] = scene.stage.control().mutating_calls().try_into().unwrap();
    assert_eq!(
        (sent.service, &*sent.operation),
        ("codedeploy", "StopDeployment")
    );
    assert_eq!(
        sent.parameters,
        json!({ "deploymentId": id, "autoRollbackEnabled": true })
    );
    let target = &scene.stage.target;
    let running = |progress: Progress| match progress {
        Progress::Running(what) => what,
        other => panic!("{other:?}"),
    };
    // In flight; stopped, with no rollback yet; rolled back by another deployment; done.
    let first = running(target.progress(&started).await.unwrap());
    assert!(first.contains("stopping"), "{first}");
    scene.stage.clock.pass(LAG);
    let second = running(target.progress(&started).await.unwrap());
    assert!(second.contains("has not begun"), "{second}");
    scene.stage.clock.pass(LAG);
    let third = running(target.progress(&started).await.unwrap());
    assert!(third.contains("returning to api:1"), "{third}");
    scene.stage.clock.pass(ROLLBACK);
    assert_eq!(target.progress(&started).await, Ok(Progress::Complete));
    assert_eq!(
        scene.stage.service.serving().unwrap().as_deref(),
        Some("api:1")
    );
    assert_eq!(
        target.standing(&plan.deployment).await,
        Ok(Standing::RolledBack)
    );
}

#[tokio::test]
async fn after_the_traffic_moved_a_stop_returns_as_well() {
    let scene = Scene::set().await;
    scene.deploy();
    scene.stage.clock.pass(ROLLOUT / 2);
    scene.stage.control().advance();
    assert_eq!(
        scene.stage.service.serving().unwrap().as_deref(),
        Some("api:2")
    );
    let plan = scene.planned().await;
    assert_eq!(plan.target.label, "api:1");
    let started = scene.rolled_back(&plan).await;
    scene.finish();
    assert_eq!(
        scene.stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
    assert_eq!(
        scene.stage.service.serving().unwrap().as_deref(),
        Some("api:1")
    );
}

#[tokio::test]
async fn a_completed_deployment_is_undone_by_the_earlier_app_spec_and_nothing_else() {
    let scene = Scene::set().await;
    let id = scene.deploy_whole();
    let plan = scene.planned().await;
    let started = scene.rolled_back(&plan).await;
    assert_ne!(started.carrier, id);
    let [sent] = scene.stage.control().mutating_calls().try_into().unwrap();
    assert_eq!(
        (sent.service, &*sent.operation),
        ("codedeploy", "CreateDeployment")
    );
    let earlier = started.plan.handle.as_deref().unwrap();
    assert_eq!(earlier, scene.first);
    let mut parameters = sent.parameters.clone();
    let revision = parameters["revision"].take();
    assert_eq!(
        parameters,
        json!({
            "applicationName": "shop",
            "deploymentGroupName": "blue-green",
            "description": format!("smokejumper: roll back of {id}"),
            "revision": null,
        })
    );
    let content = revision["appSpecContent"]["content"].as_str().unwrap();
    assert!(content.contains(&arn(1)), "{content}");
    let running = scene.stage.target.progress(&started).await.unwrap();
    assert!(matches!(running, Progress::Running(_)), "{running:?}");
    scene.finish();
    assert_eq!(
        scene.stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
    assert_eq!(
        scene.stage.service.serving().unwrap().as_deref(),
        Some("api:1")
    );
}

#[tokio::test]
async fn a_written_app_spec_is_deployed_again_to_the_letter() {
    let scene = Scene::set().await;
    let second = scene.stage.register();
    let yaml = format!(
        "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: \"{second}\"\nHooks:\n  - AfterAllowTestTraffic: check-it\n"
    );
    scene.group.deploy_written(&second, &yaml).unwrap();
    scene.finish();
    scene.deploy_whole();
    let started = scene.rolled_back(&scene.planned().await).await;
    let [sent] = scene.stage.control().mutating_calls().try_into().unwrap();
    assert_eq!(
        sent.parameters["revision"]["appSpecContent"]["content"],
        json!(yaml)
    );
    scene.finish();
    assert_eq!(
        scene.stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn a_throttled_call_is_tried_until_it_is_taken() {
    for operation in ["StopDeployment", "CreateDeployment"] {
        let scene = Scene::set().await;
        scene.deploy();
        if operation == "CreateDeployment" {
            scene.finish();
        }
        let plan = scene.planned().await;
        let control = scene.stage.control();
        control.fault(operation, Fault::Throttle, Times::Next(3));
        scene.rolled_back(&plan).await;
        assert_eq!(scene.stage.changes().len(), 4, "{operation}");
        assert_eq!(scene.done(), [operation]);
    }
}

#[tokio::test]
async fn an_answer_that_never_came_is_looked_up_and_not_sent_again() {
    for (operation, fault) in [
        ("StopDeployment", Fault::DoneThenReset),
        ("CreateDeployment", Fault::DoneThenReset),
        ("StopDeployment", Fault::DoneThenHang),
        ("CreateDeployment", Fault::DoneThenHang),
    ] {
        let scene = Scene::set().await;
        scene.deploy();
        if operation == "CreateDeployment" {
            scene.finish();
        }
        let plan = scene.planned().await;
        let control = scene.stage.control();
        // The time that a stop takes goes by while it is looked for.
        let clock = scene.stage.clock.clone();
        let time_goes_by = Fault::Meanwhile(Box::new(move |control| {
            let passes = Fault::Meanwhile(Box::new(move |_| clock.pass(LAG + LAG)));
            control.fault("GetDeployment", passes, Times::Next(1));
        }));
        control.fault(operation, time_goes_by, Times::Next(1));
        control.fault(operation, fault, Times::Next(1));
        let started = scene.rolled_back(&plan).await;
        assert_eq!(scene.stage.changes().len(), 1, "{operation}");
        scene.finish();
        assert_eq!(
            scene.stage.target.progress(&started).await,
            Ok(Progress::Complete),
            "{operation}"
        );
    }
}

#[tokio::test]
async fn a_call_that_never_arrived_is_sent_again_after_a_look() {
    for operation in ["StopDeployment", "CreateDeployment"] {
        let scene = Scene::set().await;
        scene.deploy();
        if operation == "CreateDeployment" {
            scene.finish();
        }
        let plan = scene.planned().await;
        let control = scene.stage.control();
        control.fault(operation, Fault::Reset, Times::Next(1));
        let started = scene.rolled_back(&plan).await;
        assert_eq!(
            scene.stage.changes(),
            [
                (operation.to_owned(), Answer::Fault("reset")),
                (operation.to_owned(), Answer::Done)
            ]
        );
        scene.finish();
        assert_eq!(
            scene.stage.target.progress(&started).await,
            Ok(Progress::Complete)
        );
    }
}

#[tokio::test]
async fn a_killed_run_s_stop_is_recognised_and_not_sent_again() {
    let scene = Scene::set().await;
    let id = scene.deploy();
    let plan = scene.planned().await;
    scene.rolled_back(&plan).await;
    for _ in 0..2 {
        scene.stage.clock.pass(LAG);
        scene.stage.control().advance();
    }
    let heir = Heir::of(call("codedeploy:StopDeployment", &id));
    let started = scene.stage.target.roll_back(&plan, &heir).await;
    let started = started.unwrap().unwrap();
    assert_eq!(started.carrier, id);
    assert_eq!(started.plan.actuator, Actuator::CodedeployStopDeployment);
    assert_eq!(scene.done(), ["StopDeployment"]);
    scene.finish();
    assert_eq!(
        scene.stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn a_killed_run_s_new_deployment_is_recognised_and_not_created_again() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let plan = scene.planned().await;
    let created = scene.rolled_back(&plan).await;
    for _ in 0..2 {
        let heir = Heir::of(call("codedeploy:CreateDeployment", "shop/blue-green"));
        let started = scene.stage.target.roll_back(&plan, &heir).await;
        let started = started.unwrap().unwrap();
        assert_eq!(started.carrier, created.carrier);
        assert!(heir.seen.lock().unwrap().is_empty());
        scene.finish();
    }
    assert_eq!(scene.done(), ["CreateDeployment"]);
}

#[tokio::test]
async fn a_killed_run_whose_call_never_arrived_is_taken_up_with_one_call() {
    for operation in ["StopDeployment", "CreateDeployment"] {
        let scene = Scene::set().await;
        let id = scene.deploy();
        if operation == "CreateDeployment" {
            scene.finish();
        }
        let plan = scene.planned().await;
        let heir = Heir::of(call(&format!("codedeploy:{operation}"), &id));
        let started = scene.stage.target.roll_back(&plan, &heir).await;
        started.unwrap().unwrap();
        assert_eq!(scene.done(), [operation]);
        let seen = heir.seen.lock().unwrap();
        let [(before, None), (after, Some(Told::Accepted { request }))] = seen.as_slice() else {
            panic!("{seen:?}");
        };
        assert_eq!(before, after);
        assert_eq!(before.operation, format!("codedeploy:{operation}"));
        assert!(request.is_some());
    }
}

#[tokio::test]
async fn without_a_guard_only_the_stop_is_sent_and_with_the_brake_nothing() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let plan = scene.planned().await;
    let unguarded = Heir {
        keyed_only: true,
        ..Heir::default()
    };
    let no = scene.stage.target.roll_back(&plan, &unguarded).await;
    let no = no.unwrap().unwrap_err();
    assert!(
        matches!(&no, NoRollback::NotRollbackable(text) if text.contains("codedeploy_create_deployment")),
        "{no:?}"
    );
    let id = scene.deploy();
    let plan = scene.planned().await;
    let braked = Heir {
        brake: true,
        ..Heir::default()
    };
    let error = scene.stage.target.roll_back(&plan, &braked).await;
    assert!(matches!(error, Err(DeployError::Forbidden(_))), "{error:?}");
    assert!(scene.stage.changes().is_empty());
    let started = scene.stage.target.roll_back(&plan, &unguarded).await;
    assert_eq!(started.unwrap().unwrap().carrier, id);
    assert_eq!(scene.done(), ["StopDeployment"]);
}

#[tokio::test]
async fn a_denied_call_names_its_permission_and_is_not_repeated() {
    for operation in ["StopDeployment", "CreateDeployment"] {
        let scene = Scene::set().await;
        scene.deploy();
        if operation == "CreateDeployment" {
            scene.finish();
        }
        let plan = scene.planned().await;
        let control = scene.stage.control();
        control.fault(operation, Fault::AccessDenied, Times::Always);
        let error = scene.stage.target.roll_back(&plan, &scene.stage.hand).await;
        let error = error.unwrap_err();
        let permission = format!("allow codedeploy:{operation}");
        assert!(
            matches!(&error, DeployError::Declared(text) if text.contains(&permission)),
            "{error:?}"
        );
        assert_eq!(scene.stage.changes().len(), 1);
    }
}
