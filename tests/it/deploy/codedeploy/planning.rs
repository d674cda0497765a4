//! What a rollback would be: by what, to what, and why not.

use smokejumper::deployment::{Actuator, NoRollback, Wanted};
use smokejumper::rehearsal::ecs::{Controller, Fault, Times};

use super::super::stage::{MINUTE, Stage};
use super::{Scene, arn, bad};

fn refusal(no: &NoRollback) -> &str {
    match no {
        NoRollback::NotRollbackable(why)
        | NoRollback::SameSoftware(why)
        | NoRollback::NotYet(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn in_flight_it_is_stopped_and_afterwards_what_succeeded_before_is_deployed() {
    let scene = Scene::set().await;
    let id = scene.deploy();
    let plan = scene.planned().await;
    assert_eq!(plan.actuator, Actuator::CodedeployStopDeployment);
    assert_eq!(plan.target.id, arn(1));
    assert_eq!(plan.handle, Some(id));
    assert!(plan.caveats.is_empty(), "{:?}", plan.caveats);
    scene.finish();
    let plan = scene.planned().await;
    assert_eq!(plan.actuator, Actuator::CodedeployCreateDeployment);
    assert_eq!(plan.target.id, arn(1));
    assert_eq!(plan.handle.as_ref(), Some(&scene.first));
    assert!(plan.expected.is_some_and(|span| span > MINUTE / 2));
    assert!(plan.caveats.is_empty(), "{:?}", plan.caveats);
}

#[tokio::test]
async fn a_failed_deployment_that_nobody_rolls_back_is_undone_by_a_new_one() {
    let scene = Scene::set().await;
    scene.deploy();
    let pinned = scene.stage.pinned().await;
    scene.group.fail(false);
    let plan = scene.stage.plan(&pinned).await;
    assert_eq!(plan.actuator, Actuator::CodedeployCreateDeployment);
    assert_eq!(plan.target.label, "api:1");
}

#[tokio::test]
async fn alarms_and_slow_configurations_of_the_group_are_said() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    scene.group.watch(&["api-5xx", "api-slow"]);
    let slow = "CodeDeployDefault.ECSLinear10PercentEvery1Minutes";
    scene.group.configure(slow);
    let plan = scene.planned().await;
    let [alarms, waits] = plan.caveats.as_slice() else {
        panic!("{:?}", plan.caveats);
    };
    assert!(
        alarms.contains("api-5xx, api-slow") && alarms.contains("blue-green"),
        "{alarms}"
    );
    assert!(waits.contains(slow), "{waits}");
    // What could not be looked at is said too, and stops nothing.
    let control = scene.stage.control();
    control.fault("GetDeploymentGroup", Fault::AccessDenied, Times::Always);
    let plan = scene.planned().await;
    assert!(
        matches!(plan.caveats.as_slice(), [only] if only.contains("codedeploy:GetDeploymentGroup")),
        "{:?}",
        plan.caveats
    );
}

#[tokio::test]
async fn the_newest_success_is_found_over_pages_that_come_in_another_order() {
    let scene = Scene::set().await;
    for _ in 0..13 {
        scene.deploy_whole();
    }
    let plan = scene.planned().await;
    assert_eq!(plan.deployment.revision.label, "api:14");
    assert_eq!(plan.target.label, "api:13");
}

#[tokio::test]
async fn what_succeeded_long_ago_is_found_too() {
    let scene = Scene::set().await;
    scene.stage.clock.pass(MINUTE * 60 * 24 * 100);
    scene.deploy_whole();
    assert_eq!(scene.planned().await.target.label, "api:1");
}

#[tokio::test]
async fn what_was_judged_bad_is_passed_over_and_never_stopped_into() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    scene.deploy();
    let pinned = scene.stage.pinned().await;
    let wanted = Wanted {
        avoid: vec![bad(&pinned, 2)],
        ..Wanted::default()
    };
    // Stopped, CodeDeploy would return to what runs beside it.
    let no = scene.planned_for(&wanted).await.unwrap_err();
    assert!(
        matches!(&no, NoRollback::NotYet(why) if why.contains("api:2, which was judged bad here: let it end, then deploy api:1")),
        "{no:?}"
    );
    let all = Wanted {
        avoid: vec![bad(&pinned, 2), bad(&pinned, 1)],
        ..Wanted::default()
    };
    let no = scene.planned_for(&all).await.unwrap_err();
    assert!(
        matches!(&no, NoRollback::NotRollbackable(why) if why.contains("api:2 was judged bad here")),
        "{no:?}"
    );
    scene.finish();
    let plan = scene.planned_for(&wanted).await.unwrap();
    assert_eq!(plan.target.label, "api:1");
    assert_eq!(plan.handle.as_ref(), Some(&scene.first));
    // Nothing that is not bad is left.
    let no = scene.planned_for(&all).await.unwrap_err();
    assert!(matches!(&no, NoRollback::NoTarget(_)), "{no:?}");
}

#[tokio::test]
async fn a_revision_that_a_person_names_is_looked_for_and_nothing_else() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    scene.deploy();
    let to = |to: &str| Wanted {
        to: Some(to.to_owned()),
        ..Wanted::default()
    };
    let no = scene.planned_for(&to("api:1")).await.unwrap_err();
    assert!(
        refusal(&no).contains("stopped it returns to api:2"),
        "{no:?}"
    );
    let plan = scene.planned_for(&to("api:2")).await.unwrap();
    assert_eq!(plan.actuator, Actuator::CodedeployStopDeployment);
    scene.finish();
    for name in ["api:1", &arn(1)] {
        let plan = scene.planned_for(&to(name)).await.unwrap();
        assert_eq!(plan.target.label, "api:1");
    }
    let no = scene.planned_for(&to("api:9")).await.unwrap_err();
    assert!(
        matches!(&no, NoRollback::NoTarget(text) if text.contains("api:9")),
        "{no:?}"
    );
    let no = scene.planned_for(&to("api:3")).await.unwrap_err();
    assert!(matches!(no, NoRollback::NoTarget(_)), "{no:?}");
    let judged_bad = Wanted {
        avoid: vec![bad(&scene.stage.pinned().await, 1)],
        ..to("api:1")
    };
    let no = scene.planned_for(&judged_bad).await.unwrap_err();
    assert!(refusal(&no).contains("judged bad"), "{no:?}");
}

#[tokio::test]
async fn an_inactive_revision_is_not_deployed_again() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    scene.stage.control().deregister(&arn(1)).unwrap();
    let no = scene.planned_for(&Wanted::default()).await.unwrap_err();
    assert!(
        refusal(&no).contains("api:1") && refusal(&no).contains("not ACTIVE"),
        "{no:?}"
    );
}

#[tokio::test]
async fn an_app_spec_that_cannot_be_read_is_not_gone_past() {
    let scene = Scene::set().await;
    let second = scene.stage.register();
    scene.group.deploy_from_bucket(&second).unwrap();
    scene.finish();
    scene.deploy_whole();
    let no = scene.planned_for(&Wanted::default()).await.unwrap_err();
    assert!(refusal(&no).contains("cannot be read"), "{no:?}");
    // Whoever names a revision knows where he wants to go.
    let to = Wanted {
        to: Some("api:1".to_owned()),
        ..Wanted::default()
    };
    assert_eq!(scene.planned_for(&to).await.unwrap().target.label, "api:1");
}

#[tokio::test]
async fn a_deployment_whose_app_spec_lies_in_a_bucket_is_pinned_by_its_task_set() {
    let scene = Scene::set().await;
    let second = scene.stage.register();
    scene.group.deploy_from_bucket(&second).unwrap();
    scene.finish();
    let pinned = scene.stage.pinned().await;
    assert_eq!(pinned.revision.label, "api:2");
    assert_eq!(scene.stage.plan(&pinned).await.target.label, "api:1");
}

#[tokio::test]
async fn the_same_task_definition_changes_nothing() {
    let scene = Scene::set().await;
    scene.group.deploy(&arn(1)).unwrap();
    scene.stage.clock.pass(MINUTE / 60);
    for _ in 0..2 {
        let no = scene.planned_for(&Wanted::default()).await.unwrap_err();
        assert!(
            matches!(&no, NoRollback::SameSoftware(why) if why.contains("would change nothing")),
            "{no:?}"
        );
        scene.finish();
    }
}

#[tokio::test]
async fn what_was_judged_bad_and_is_deployed_again_is_left_once_it_has_ended() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    scene.group.deploy(&arn(2)).unwrap();
    scene.stage.clock.pass(MINUTE / 60);
    let pinned = scene.stage.pinned().await;
    let wanted = Wanted {
        avoid: vec![bad(&pinned, 2)],
        ..Wanted::default()
    };
    let no = scene.planned_for(&wanted).await.unwrap_err();
    assert!(
        matches!(&no, NoRollback::NotYet(why) if why.contains("then deploy api:1")),
        "{no:?}"
    );
    scene.finish();
    let plan = scene.planned_for(&wanted).await.unwrap();
    assert_eq!(plan.actuator, Actuator::CodedeployCreateDeployment);
    assert_eq!(plan.target.label, "api:1");
    assert_eq!(plan.handle.as_ref(), Some(&scene.first));
    assert!(scene.stage.changes().is_empty());
}

#[tokio::test]
async fn the_first_deployment_can_be_stopped_and_afterwards_has_no_target() {
    let stage = Stage::set_with(Controller::CodeDeploy, 2).await;
    let group = stage
        .control()
        .codedeploy(("shop", "blue-green"), ("prod", "api"));
    group.deploy(&stage.register()).unwrap();
    stage.clock.pass(MINUTE / 60);
    let plan = stage.plan(&stage.pinned().await).await;
    assert_eq!(plan.actuator, Actuator::CodedeployStopDeployment);
    assert_eq!(plan.target.label, "api:1");
    stage.clock.pass(MINUTE);
    let no = stage.no_plan(&stage.pinned().await).await;
    assert!(
        matches!(&no, NoRollback::NoTarget(text) if text.contains("no deployment of CodeDeploy succeeded before")),
        "{no:?}"
    );
}

#[tokio::test]
async fn without_tasks_there_is_nothing_to_undo() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    scene.stage.service.scale(0).unwrap();
    let no = scene.planned_for(&Wanted::default()).await.unwrap_err();
    assert!(refusal(&no).contains("desired count"), "{no:?}");
    assert!(scene.stage.changes().is_empty());
}
