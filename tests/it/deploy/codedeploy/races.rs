//! Races: what happens between the last look and the decisive call, right after it, and while the
//! rollback goes on.

use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::{Actuator, NoRollback, Progress};
use smokejumper::rehearsal::ecs::{Answer, Fault, GroupControl, Lag, Times};

use super::super::stage::{Dawdler, LAG, stale};
use super::Scene;

/// Something that happens in the group right before the operation is carried out.
fn meanwhile(group: &GroupControl, happens: impl FnOnce(&GroupControl) + Send + 'static) -> Fault {
    let group = group.clone();
    Fault::Meanwhile(Box::new(move |_| happens(&group)))
}

#[tokio::test]
async fn a_deployment_that_completes_under_the_stop_is_undone_by_a_new_one() {
    let scene = Scene::set().await;
    scene.deploy();
    let plan = scene.planned().await;
    let completes = meanwhile(&scene.group, GroupControl::complete);
    let control = scene.stage.control();
    control.fault("StopDeployment", completes, Times::Next(1));
    let started = scene.rolled_back(&plan).await;
    assert_eq!(started.plan.actuator, Actuator::CodedeployCreateDeployment);
    let refused = Answer::Refused("DeploymentAlreadyCompletedException".into());
    assert_eq!(
        scene.stage.changes(),
        [
            ("StopDeployment".to_owned(), refused),
            ("CreateDeployment".to_owned(), Answer::Done)
        ]
    );
    scene.finish();
    assert_eq!(
        scene.stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn a_deployment_that_completes_right_after_it_took_the_stop_is_undone_by_a_new_one() {
    let scene = Scene::set().await;
    scene.deploy();
    let plan = scene.planned().await;
    let group = scene.group.clone();
    let control = scene.stage.control();
    let after_the_stop = Fault::Meanwhile(Box::new(move |control| {
        let completes = meanwhile(&group, GroupControl::complete);
        control.fault("GetDeployment", completes, Times::Next(1));
    }));
    control.fault("StopDeployment", after_the_stop, Times::Next(1));
    let started = scene.rolled_back(&plan).await;
    assert_eq!(started.plan.actuator, Actuator::CodedeployCreateDeployment);
    assert_eq!(scene.done(), ["StopDeployment", "CreateDeployment"]);
    scene.finish();
    assert_eq!(
        scene.stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn a_deployment_that_codedeploy_rolls_back_under_the_stop_is_left_to_it() {
    let scene = Scene::set().await;
    scene.deploy();
    let plan = scene.planned().await;
    let clock = scene.stage.clock.clone();
    let fails = meanwhile(&scene.group, move |group| {
        group.fail(true);
        clock.pass(LAG);
    });
    let control = scene.stage.control();
    control.fault("StopDeployment", fails, Times::Next(1));
    let no = scene.stage.target.roll_back(&plan, &scene.stage.hand).await;
    assert_eq!(no.unwrap().unwrap_err(), NoRollback::ByPlatform);
    assert!(scene.done().is_empty());
}

#[tokio::test]
async fn a_stop_never_hits_a_newer_deployment() {
    let scene = Scene::set().await;
    scene.deploy();
    let plan = scene.planned().await;
    let newer = scene.stage.register();
    let comes = meanwhile(&scene.group, move |group| {
        group.complete();
        group.deploy(&newer).unwrap();
    });
    let control = scene.stage.control();
    control.fault("StopDeployment", comes, Times::Next(1));
    let no = scene.stage.target.roll_back(&plan, &scene.stage.hand).await;
    let no = no.unwrap().unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    assert!(scene.done().is_empty());
}

#[tokio::test]
async fn a_newer_deployment_in_flight_keeps_the_group_busy_and_supersedes() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let plan = scene.planned().await;
    let newer = scene.stage.register();
    let comes = meanwhile(&scene.group, move |group| {
        group.deploy(&newer).unwrap();
    });
    let control = scene.stage.control();
    control.fault("CreateDeployment", comes, Times::Next(1));
    let no = scene.stage.target.roll_back(&plan, &scene.stage.hand).await;
    let no = no.unwrap().unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    let refused = Answer::Refused("DeploymentLimitExceededException".into());
    assert_eq!(
        scene.stage.changes(),
        [("CreateDeployment".to_owned(), refused)]
    );
}

#[tokio::test]
async fn a_group_that_is_busy_for_no_visible_reason_may_pass() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let plan = scene.planned().await;
    let busy = Fault::Refuse("DeploymentLimitExceededException");
    let control = scene.stage.control();
    control.fault("CreateDeployment", busy, Times::Always);
    let error = scene.stage.target.roll_back(&plan, &scene.stage.hand).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, DeployError::Passing(text) if text.contains("CodeDeploy is busy")),
        "{error:?}"
    );
    assert_eq!(scene.stage.changes().len(), 1);
}

#[tokio::test]
async fn a_rollback_that_undid_somebody_else_s_deployment_is_stopped_again() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let plan = scene.planned().await;
    let newer = scene.stage.register();
    let clock = scene.stage.clock.clone();
    let comes_and_goes = meanwhile(&scene.group, move |group| {
        group.deploy(&newer).unwrap();
        group.complete();
        clock.pass(LAG);
    });
    let control = scene.stage.control();
    control.fault("CreateDeployment", comes_and_goes, Times::Next(1));
    let error = scene.stage.target.roll_back(&plan, &scene.stage.hand).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, DeployError::Strange(text) if text.contains("stopped again")),
        "{error:?}"
    );
    assert_eq!(scene.done(), ["CreateDeployment", "StopDeployment"]);
    let calls = control.mutating_calls();
    let (ours, _) = scene.group.deployments().pop().unwrap();
    assert_eq!(calls[1].parameters["deploymentId"], ours);
}

#[tokio::test]
async fn a_list_that_lags_behind_hides_no_newer_deployment() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let pinned = scene.stage.pinned().await;
    let control = scene.stage.control();
    let plan = scene.stage.plan(&pinned).await;
    control.fault("ListDeployments", stale(), Times::Always);
    // The list of what came after is seen once, before the newer deployment.
    scene.stage.target.standing(&pinned).await.unwrap();
    scene.deploy_whole();
    let no = scene.stage.target.roll_back(&plan, &scene.stage.hand).await;
    let no = no.unwrap().unwrap_err();
    assert!(
        matches!(no, NoRollback::Superseded(_) | NoRollback::NoTarget(_)),
        "{no:?}"
    );
    assert!(scene.stage.changes().is_empty());
}

#[tokio::test]
async fn readings_that_lag_behind_lead_to_no_second_call() {
    for operation in ["StopDeployment", "CreateDeployment"] {
        for reads in 1..8 {
            let scene = Scene::set().await;
            scene.deploy();
            if operation == "CreateDeployment" {
                scene.finish();
            }
            let plan = scene.planned().await;
            let control = scene.stage.control();
            control.lag(Lag::Reads(reads));
            control.advance();
            let started = scene.rolled_back(&plan).await;
            assert_eq!(scene.done(), [operation], "{reads} late reads");
            control.lag(Lag::None);
            scene.finish();
            assert_eq!(
                scene.stage.target.progress(&started).await,
                Ok(Progress::Complete),
                "{reads} late reads"
            );
        }
    }
}

#[tokio::test]
async fn a_rollback_that_is_not_shown_yet_is_waited_for() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let started = scene.rolled_back(&scene.planned().await).await;
    let unseen = Fault::Refuse("DeploymentDoesNotExistException");
    let control = scene.stage.control();
    control.fault("GetDeployment", unseen, Times::Next(1));
    let error = scene.stage.target.progress(&started).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Passing(text) if text.contains(&started.carrier)),
        "{error:?}"
    );
    scene.finish();
    assert_eq!(
        scene.stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn what_takes_over_from_the_rollback_supersedes_it() {
    for is_stopped in [true, false] {
        let scene = Scene::set().await;
        scene.deploy();
        if !is_stopped {
            scene.finish();
        }
        let plan = scene.planned().await;
        let started = scene.rolled_back(&plan).await;
        scene.finish();
        scene.deploy();
        let progress = scene.stage.target.progress(&started).await.unwrap();
        assert!(matches!(progress, Progress::Superseded(_)), "{progress:?}");
    }
}

#[tokio::test]
async fn a_rollback_that_fails_is_a_failure() {
    for is_stopped in [true, false] {
        let scene = Scene::set().await;
        scene.deploy();
        if !is_stopped {
            scene.finish();
        }
        let plan = scene.planned().await;
        let started = scene.rolled_back(&plan).await;
        for _ in 0..2 {
            scene.stage.clock.pass(LAG);
            scene.stage.control().advance();
        }
        scene.group.fail(false);
        let progress = scene.stage.target.progress(&started).await.unwrap();
        assert!(
            matches!(&progress, Progress::Failed(text) if text.contains("failed or was stopped")),
            "{progress:?}"
        );
    }
}

#[tokio::test]
async fn an_alarm_that_fires_stops_the_rollback_too() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    scene.group.watch(&["api-5xx"]);
    scene.group.alarm(true);
    let started = scene.rolled_back(&scene.planned().await).await;
    scene.finish();
    let progress = scene.stage.target.progress(&started).await.unwrap();
    assert!(matches!(progress, Progress::Failed(_)), "{progress:?}");
    // The alarms of a group are its owner's: they are never switched off for a rollback.
    let [sent] = scene.stage.control().mutating_calls().try_into().unwrap();
    assert!(sent.parameters["overrideAlarmConfiguration"].is_null());
}

#[tokio::test]
async fn the_word_succeeded_alone_proves_nothing() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let started = scene.rolled_back(&scene.planned().await).await;
    scene.finish();
    let control = scene.stage.control();
    let target = &scene.stage.target;
    let fewer =
        Fault::altered(|answer| answer["services"][0]["taskSets"][0]["runningCount"] = 1.into());
    let beside = Fault::altered(|answer| {
        let sets = answer["services"][0]["taskSets"].as_array_mut().unwrap();
        sets.push(sets[0].clone());
    });
    let none = Fault::altered(|answer| answer["services"][0]["desiredCount"] = 0.into());
    for lie in [fewer, beside, none] {
        control.fault("DescribeServices", lie, Times::Next(1));
        let progress = target.progress(&started).await.unwrap();
        assert!(matches!(progress, Progress::Running(_)), "{progress:?}");
    }
    let other_tasks = Fault::altered(|answer| {
        answer["tasks"][0]["taskDefinitionArn"] = super::arn(2).into();
    });
    control.fault("DescribeTasks", other_tasks, Times::Next(1));
    let progress = target.progress(&started).await.unwrap();
    assert!(matches!(progress, Progress::Running(_)), "{progress:?}");
    assert_eq!(target.progress(&started).await, Ok(Progress::Complete));
}

#[tokio::test]
async fn what_happens_while_the_call_is_written_down_is_seen_before_it_is_sent() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let plan = scene.planned().await;
    let group = scene.group.clone();
    let newer = scene.stage.register();
    let witness = Dawdler::while_he_writes(move || {
        group.deploy(&newer).unwrap();
    });
    let no = scene.stage.target.roll_back(&plan, &witness).await;
    let no = no.unwrap().unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    assert!(scene.stage.changes().is_empty());
}

#[tokio::test]
async fn what_is_only_said_beside_a_rollback_does_not_hold_it_up() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let pinned = scene.stage.pinned().await;
    let control = scene.stage.control();
    // Each look of this client takes up to two seconds, three times.
    control.fault("GetDeploymentGroup", Fault::Hang, Times::Always);
    let began = tokio::time::Instant::now();
    let plan = scene.stage.plan(&pinned).await;
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
    assert!(
        plan.caveats.iter().any(|one| one.contains("no answer")),
        "{:?}",
        plan.caveats
    );
}
