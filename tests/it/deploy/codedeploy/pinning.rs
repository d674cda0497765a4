//! Which deployment is judged, and how it stands.

use std::time::Duration;

use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::{NoRollback, Progress, Selector, Standing};
use smokejumper::rehearsal::ecs::{CodeDeployStatus, Controller, Fault, Times};

use super::super::stage::{LAG, ROLLBACK, Stage, eventually};
use super::Scene;

#[tokio::test]
async fn the_newest_deployment_is_pinned_by_its_own_id_with_what_runs_beside_it() {
    let scene = Scene::set().await;
    let id = scene.deploy();
    let pinned = scene.stage.pinned().await;
    assert_eq!(pinned.id, id);
    assert_eq!(pinned.service, "api");
    assert_eq!(pinned.revision.label, "api:2");
    assert_eq!(pinned.previous.unwrap().label, "api:1");
    assert!(pinned.created.is_some());
}

#[tokio::test]
async fn after_its_end_what_ran_before_is_what_the_last_success_brought() {
    let scene = Scene::set().await;
    let id = scene.deploy_whole();
    let pinned = scene.stage.pinned().await;
    assert_eq!((pinned.id, &*pinned.revision.label), (id, "api:2"));
    assert_eq!(pinned.previous.unwrap().label, "api:1");
}

#[tokio::test]
async fn every_status_in_flight_is_in_flight_even_before_there_is_a_task_set() {
    for status in [
        CodeDeployStatus::Created,
        CodeDeployStatus::Queued,
        CodeDeployStatus::InProgress,
        CodeDeployStatus::Ready,
        CodeDeployStatus::Baking,
    ] {
        let scene = Scene::set().await;
        let id = scene.group.deploy(&scene.stage.register()).unwrap();
        scene.group.hold(Some(status));
        scene.finish();
        let pinned = scene.stage.pinned().await;
        assert_eq!(pinned.id, id, "{status:?}");
        // No task set was made: the revision is the AppSpec's.
        assert_eq!(pinned.revision.label, "api:2", "{status:?}");
        let standing = scene.stage.target.standing(&pinned).await;
        assert_eq!(standing, Ok(Standing::InFlight), "{status:?}");
    }
}

#[tokio::test]
async fn it_stands_as_its_record_and_that_of_its_rollback_say() {
    let scene = Scene::set().await;
    scene.deploy();
    let pinned = scene.stage.pinned().await;
    let standing = async || scene.stage.target.standing(&pinned).await.unwrap();
    assert_eq!(standing().await, Standing::InFlight);
    scene.group.fail(true);
    assert_eq!(standing().await, Standing::Failed);
    scene.stage.clock.pass(LAG);
    assert_eq!(standing().await, Standing::RollingBack);
    let own = scene.stage.target.own_rollback(&pinned).await.unwrap();
    assert!(matches!(own, Progress::Running(_)), "{own:?}");
    scene.stage.clock.pass(ROLLBACK);
    assert_eq!(standing().await, Standing::RolledBack);
    let own = scene.stage.target.own_rollback(&pinned).await;
    assert_eq!(own, Ok(Progress::Complete));
    // Nothing is left to do, and the rollback is not taken for a deployment of its own.
    assert_eq!(scene.stage.no_plan(&pinned).await, NoRollback::ByPlatform);
    assert_eq!(scene.stage.pinned().await.id, pinned.id);
    assert!(scene.stage.changes().is_empty());
}

#[tokio::test]
async fn a_rollback_that_failed_and_one_that_never_came_are_failures() {
    for rolls_back in [true, false] {
        let scene = Scene::set().await;
        scene.deploy();
        let pinned = scene.stage.pinned().await;
        scene.group.fail(rolls_back);
        scene.stage.clock.pass(LAG);
        scene.stage.control().advance();
        scene.group.fail(false);
        let standing = scene.stage.target.standing(&pinned).await;
        assert_eq!(standing, Ok(Standing::Failed));
        if rolls_back {
            let no = scene.stage.no_plan(&pinned).await;
            assert!(
                matches!(&no, NoRollback::NotRollbackable(text) if text.contains("tried to roll it back and failed")),
                "{no:?}"
            );
            let own = scene.stage.target.own_rollback(&pinned).await.unwrap();
            assert!(matches!(own, Progress::Failed(_)), "{own:?}");
        }
    }
}

#[tokio::test]
async fn a_newer_deployment_of_the_group_supersedes() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let pinned = scene.stage.pinned().await;
    let newer = scene.deploy();
    let standing = scene.stage.target.standing(&pinned).await;
    assert_eq!(standing, Ok(Standing::Superseded));
    let no = scene.stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::Superseded(text) if text.contains(&newer) && text.contains("api:2")),
        "{no:?}"
    );
}

#[tokio::test]
async fn a_service_that_was_given_to_another_controller_is_superseded() {
    let scene = Scene::set().await;
    scene.deploy_whole();
    let pinned = scene.stage.pinned().await;
    let given_away = Fault::altered(|answer| {
        answer["services"][0]["deploymentController"]["type"] = "ECS".into();
    });
    let control = scene.stage.control();
    control.fault("DescribeServices", given_away, Times::Always);
    let standing = scene.stage.target.standing(&pinned).await;
    assert_eq!(standing, Ok(Standing::Superseded));
}

#[tokio::test]
async fn the_next_deployment_is_waited_for() {
    let scene = Scene::set().await;
    let target = scene.stage.target.clone();
    let next = tokio::spawn(async move { target.pin(&Selector::Next).await });
    eventually("it looks", || async {
        let calls = scene.stage.control().calls();
        let looks = calls
            .iter()
            .filter(|call| call.operation == "ListDeployments")
            .count();
        (looks > 2)
            .then_some(())
            .ok_or_else(|| format!("{looks} looks"))
    })
    .await;
    let id = scene.deploy();
    let pinned = next.await.unwrap().unwrap();
    assert_eq!(pinned.id, id);
    assert_eq!(pinned.previous.unwrap().label, "api:1");
}

#[tokio::test]
async fn by_id_only_deployments_of_the_service_s_own_group_are_pinned() {
    let scene = Scene::set().await;
    let id = scene.deploy();
    let control = scene.stage.control();
    let other = control.codedeploy(("shop", "other"), ("prod", "web"));
    let foreign = other.deploy(&super::arn(1)).unwrap();
    let by_id = async |id: &str| {
        let selector = Selector::Id(id.to_owned());
        scene.stage.target.pin(&selector).await
    };
    assert_eq!(by_id(&id).await.unwrap().id, id);
    assert_eq!(by_id(&scene.first).await.unwrap().revision.label, "api:1");
    // A task set stands for the deployment that made it.
    let sets = scene.stage.service.task_sets().unwrap();
    assert_eq!(by_id(&sets[1]).await.unwrap().id, id);
    for wrong in [&*foreign, "d-000000000", "ecs-svc/1", "arn:aws:ecs:x"] {
        let error = by_id(wrong).await.unwrap_err();
        assert!(
            matches!(&error, DeployError::Declared(text) if text.contains(wrong)),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_service_to_which_codedeploy_deployed_nothing_has_nothing_to_judge() {
    let stage = Stage::set_with(Controller::CodeDeploy, 1).await;
    let error = stage.target.pin(&Selector::Current).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Declared(text) if text.contains("CodeDeploy") && text.contains("api")),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_answer_about_another_deployment_is_never_believed() {
    let scene = Scene::set().await;
    scene.deploy();
    let pinned = scene.stage.pinned().await;
    let lie = Fault::altered(|answer| {
        answer["deploymentInfo"]["deploymentId"] = "d-SOMEOTHER".into();
    });
    scene
        .stage
        .control()
        .fault("GetDeployment", lie, Times::Always);
    let error = scene.stage.target.standing(&pinned).await.unwrap_err();
    assert!(matches!(error, DeployError::Strange(_)), "{error:?}");
}

#[tokio::test]
async fn an_unknown_status_is_strange_and_a_denied_read_names_its_permission() {
    let scene = Scene::set().await;
    scene.deploy();
    let pinned = scene.stage.pinned().await;
    let odd = Fault::altered(|answer| answer["deploymentInfo"]["status"] = "Pondering".into());
    let control = scene.stage.control();
    control.fault("GetDeployment", odd, Times::Next(1));
    let error = scene.stage.target.standing(&pinned).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Strange(text) if text.contains("Pondering")),
        "{error:?}"
    );
    control.fault("ListDeployments", Fault::AccessDenied, Times::Always);
    let error = scene.stage.target.standing(&pinned).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Declared(text) if text.contains("allow codedeploy:ListDeployments")),
        "{error:?}"
    );
    control.clear_faults();
    scene.stage.clock.pass(Duration::from_secs(1));
    assert_eq!(
        scene.stage.target.standing(&pinned).await,
        Ok(Standing::InFlight)
    );
}

#[tokio::test]
async fn a_rollback_is_not_judged_whoever_made_it() {
    let scene = Scene::set().await;
    let id = scene.deploy_whole();
    let plan = scene.planned().await;
    let ours = scene.rolled_back(&plan).await.carrier;
    scene.finish();
    // So a sidecar in its tasks, which knows it by its task set, does not undo it.
    let pinned = scene.stage.target.pin(&Selector::Id(ours.clone())).await;
    assert!(
        matches!(&pinned, Err(DeployError::Declared(text)) if text.contains(&format!("{ours} rolls {id} back"))),
        "{pinned:?}"
    );
}
