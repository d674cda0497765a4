//! Services with a deployer of their own, through the real SDK against the stand-in.

use serde_json::json;
use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::{
    Actuator, Call, NoRollback, Progress, RollbackPlan, Standing, StartedRollback, Wanted,
};
use smokejumper::rehearsal::ecs::{Answer, Controller, Fault, Times};

use super::codedeploy::Heir;
use super::stage::{Dawdler, MINUTE, Stage};

/// `api` with four tasks of `api:1`; its deployer made a task set of `api:2` and the primary one,
/// and has not deleted the earlier one yet.
struct Scene {
    stage: Stage,
    earlier: String,
    judged: String,
}

impl Scene {
    async fn set() -> Self {
        let stage = Stage::set_with(Controller::External, 4).await;
        let [earlier] = stage.service.task_sets().unwrap().try_into().unwrap();
        let second = stage.register();
        let judged = stage.service.create_task_set(&second, 100).unwrap();
        stage.clock.pass(MINUTE);
        stage.service.make_primary(&judged).unwrap();
        Self {
            stage,
            earlier,
            judged,
        }
    }

    async fn planned(&self) -> RollbackPlan {
        self.stage.plan(&self.stage.pinned().await).await
    }

    async fn refused(&self) -> String {
        match self.stage.no_plan(&self.stage.pinned().await).await {
            NoRollback::NotRollbackable(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// Its deployer deletes the task set that was judged.
    fn clear_away(&self) {
        self.stage.service.delete_task_set(&self.judged).unwrap();
    }

    async fn rolled_back(&self, plan: &RollbackPlan) -> StartedRollback {
        let started = self.stage.target.roll_back(plan, &self.stage.hand).await;
        started.expect("ECS answers").expect("a rollback")
    }
}

const SWITCH: &str = "UpdateServicePrimaryTaskSet";

#[tokio::test]
async fn the_primary_task_set_is_judged_and_the_earlier_one_returned_to() {
    let scene = Scene::set().await;
    let pinned = scene.stage.pinned().await;
    assert_eq!(pinned.id, scene.judged);
    assert_eq!(pinned.revision.label, "api:2");
    assert_eq!(pinned.previous.as_ref().unwrap().label, "api:1");
    let standing = scene.stage.target.standing(&pinned).await;
    assert_eq!(standing, Ok(Standing::Completed));
    let plan = scene.planned().await;
    assert_eq!(plan.actuator, Actuator::UpdateServicePrimaryTaskSet);
    assert_eq!(plan.target.label, "api:1");
    assert_eq!(plan.handle.as_ref(), Some(&scene.earlier));
    assert!(!plan.not_restored.is_empty());
    assert_eq!(plan.caveats.len(), 2, "{:?}", plan.caveats);
}

#[tokio::test]
async fn the_switch_is_one_call_that_names_the_task_set_and_nothing_else() {
    let scene = Scene::set().await;
    let plan = scene.planned().await;
    let started = scene.rolled_back(&plan).await;
    assert_eq!(started.carrier, scene.earlier);
    let [sent] = scene.stage.control().mutating_calls().try_into().unwrap();
    assert_eq!((sent.service, &*sent.operation), ("ecs", SWITCH));
    assert_eq!(
        sent.parameters,
        json!({ "cluster": "prod", "service": "api", "primaryTaskSet": scene.earlier })
    );
    let progress = scene.stage.target.progress(&started).await.unwrap();
    assert!(
        matches!(&progress, Progress::Running(text) if text.contains("4 tasks of api:2 run beside it")),
        "{progress:?}"
    );
    scene.clear_away();
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
async fn a_task_set_that_is_not_whole_is_refused_with_the_reason() {
    let scene = Scene::set().await;
    let (service, earlier) = (&scene.stage.service, &*scene.earlier);
    service.scale_task_set(earlier, 0).unwrap();
    let why = scene.refused().await;
    assert!(why.contains("scaled to no task"), "{why}");
    service.scale_task_set(earlier, 100).unwrap();
    service.lose_tasks(earlier, 1).unwrap();
    let why = scene.refused().await;
    assert!(why.contains("runs 3 of its 4 tasks"), "{why}");
    service.lose_tasks(earlier, 0).unwrap();
    service.unsettle_task_set(earlier, true).unwrap();
    let why = scene.refused().await;
    assert!(why.contains("steady state"), "{why}");
    service.unsettle_task_set(earlier, false).unwrap();
    assert_eq!(scene.planned().await.handle.as_deref(), Some(earlier));
    service.drain_task_set(earlier).unwrap();
    let why = scene.refused().await;
    assert!(
        why.contains("being drained") && why.contains("api:1"),
        "{why}"
    );
    assert!(scene.stage.changes().is_empty());
}

#[tokio::test]
async fn a_task_set_that_is_gone_is_refused_and_a_first_one_has_no_target() {
    let scene = Scene::set().await;
    let pinned = scene.stage.pinned().await;
    scene.stage.service.delete_task_set(&scene.earlier).unwrap();
    let no = scene.stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::NotRollbackable(text) if text.contains("EXTERNAL") && text.contains("api:1 is gone")),
        "{no:?}"
    );
    let first = Stage::set_with(Controller::External, 1).await;
    let no = first.no_plan(&first.pinned().await).await;
    assert!(
        matches!(&no, NoRollback::NoTarget(text) if text.contains("EXTERNAL")),
        "{no:?}"
    );
}

#[tokio::test]
async fn a_task_set_that_is_smaller_is_returned_to_with_a_word_about_it() {
    let scene = Scene::set().await;
    let service = &scene.stage.service;
    service.scale_task_set(&scene.earlier, 50).unwrap();
    let plan = scene.planned().await;
    let last = plan.caveats.last().unwrap();
    assert!(last.contains("2 of 4 tasks"), "{last}");
    let started = scene.rolled_back(&plan).await;
    scene.clear_away();
    assert_eq!(
        scene.stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn what_was_judged_bad_or_is_the_same_is_not_returned_to_and_what_is_named_is() {
    let scene = Scene::set().await;
    let pinned = scene.stage.pinned().await;
    let plan = async |wanted: &Wanted| scene.stage.target.plan(&pinned, wanted).await.unwrap();
    let mut software = pinned.software();
    software.revision = pinned.previous.clone().unwrap();
    let avoid = Wanted {
        avoid: vec![software],
        ..Wanted::default()
    };
    let no = plan(&avoid).await.unwrap_err();
    assert!(no.to_string().contains("judged bad"), "{no:?}");
    let to = |to: &str| Wanted {
        to: Some(to.to_owned()),
        ..Wanted::default()
    };
    assert_eq!(plan(&to("api:1")).await.unwrap().target.label, "api:1");
    let no = plan(&to("api:7")).await.unwrap_err();
    assert!(no.to_string().contains("runs api:7"), "{no:?}");
    // A newer task set, which its deployer prepares, is nothing to return to.
    let third = scene.stage.register();
    scene.stage.clock.pass(MINUTE);
    scene.stage.service.create_task_set(&third, 100).unwrap();
    let wanted = Wanted::default();
    assert_eq!(plan(&wanted).await.unwrap().target.label, "api:1");
    scene.stage.service.delete_task_set(&scene.earlier).unwrap();
    assert!(plan(&wanted).await.is_err());
}

#[tokio::test]
async fn what_is_deployed_again_is_left_only_where_it_was_judged_bad() {
    let scene = Scene::set().await;
    let service = &scene.stage.service;
    scene.stage.clock.pass(MINUTE);
    let again = service.create_task_set("api:2", 100).unwrap();
    scene.stage.clock.pass(MINUTE);
    service.make_primary(&again).unwrap();
    let pinned = scene.stage.pinned().await;
    assert_eq!(pinned.revision.label, "api:2");
    let no = scene.stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::SameSoftware(why) if why.contains("runs api:2 too")),
        "{no:?}"
    );
    let wanted = Wanted {
        avoid: vec![pinned.software()],
        ..Wanted::default()
    };
    let plan = scene.stage.target.plan(&pinned, &wanted).await.unwrap();
    assert_eq!(plan.unwrap().handle, Some(scene.earlier.clone()));
    assert!(scene.stage.changes().is_empty());
}

#[tokio::test]
async fn another_primary_task_set_supersedes_before_and_after() {
    let scene = Scene::set().await;
    let plan = scene.planned().await;
    let third = scene.stage.register();
    let third = scene.stage.service.create_task_set(&third, 100).unwrap();
    let started = scene.rolled_back(&plan).await;
    scene.stage.service.make_primary(&third).unwrap();
    let progress = scene.stage.target.progress(&started).await.unwrap();
    assert!(matches!(progress, Progress::Superseded(_)), "{progress:?}");
    let no = scene.stage.target.roll_back(&plan, &Heir::default()).await;
    let no = no.unwrap().unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    assert_eq!(scene.stage.done(), [SWITCH]);
}

#[tokio::test]
async fn what_happens_while_the_call_is_written_down_is_seen_before_it_is_sent() {
    let scene = Scene::set().await;
    let plan = scene.planned().await;
    let third = scene.stage.register();
    let third = scene.stage.service.create_task_set(&third, 100).unwrap();
    let service = scene.stage.service.clone();
    let witness = Dawdler::while_he_writes(move || service.make_primary(&third).unwrap());
    let no = scene.stage.target.roll_back(&plan, &witness).await;
    let no = no.unwrap().unwrap_err();
    assert!(matches!(no, NoRollback::Superseded(_)), "{no:?}");
    assert!(scene.stage.changes().is_empty());
}

#[tokio::test]
async fn an_unclear_answer_is_looked_up() {
    for (fault, calls) in [
        (Fault::DoneThenReset, 1),
        (Fault::DoneThenHang, 1),
        (Fault::Reset, 2),
        (Fault::Throttle, 2),
    ] {
        let scene = Scene::set().await;
        let plan = scene.planned().await;
        let name = fault.name();
        scene.stage.control().fault(SWITCH, fault, Times::Next(1));
        let started = scene.rolled_back(&plan).await;
        assert_eq!(scene.stage.changes().len(), calls, "{name}");
        scene.clear_away();
        assert_eq!(
            scene.stage.target.progress(&started).await,
            Ok(Progress::Complete),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_killed_run_s_switch_is_recognised_and_one_that_never_arrived_sent() {
    let scene = Scene::set().await;
    let plan = scene.planned().await;
    let heir = || {
        Heir::of(Call {
            operation: SWITCH.to_owned(),
            subject: "api".to_owned(),
            argument: Some(scene.earlier.clone()),
        })
    };
    for _ in 0..2 {
        let started = scene.stage.target.roll_back(&plan, &heir()).await;
        assert_eq!(started.unwrap().unwrap().carrier, scene.earlier);
        assert_eq!(scene.stage.done(), [SWITCH]);
    }
}

#[tokio::test]
async fn a_refusal_of_ecs_and_a_missing_guard_end_it() {
    let scene = Scene::set().await;
    let plan = scene.planned().await;
    let unguarded = Heir {
        keyed_only: true,
        ..Heir::default()
    };
    let no = scene.stage.target.roll_back(&plan, &unguarded).await;
    assert!(no.unwrap().is_err());
    assert!(scene.stage.changes().is_empty());
    let earlier = scene.earlier.clone();
    let service = scene.stage.service.clone();
    let goes = Fault::Meanwhile(Box::new(move |_| {
        service.delete_task_set(&earlier).unwrap()
    }));
    scene.stage.control().fault(SWITCH, goes, Times::Next(1));
    let no = scene.stage.target.roll_back(&plan, &scene.stage.hand).await;
    let no = no.unwrap().unwrap_err();
    assert!(
        matches!(&no, NoRollback::NotRollbackable(text) if text.contains("TaskSetNotFoundException")),
        "{no:?}"
    );
    let refused = Answer::Refused("TaskSetNotFoundException".into());
    assert_eq!(scene.stage.changes(), [(SWITCH.to_owned(), refused)]);
}

#[tokio::test]
async fn a_denied_switch_names_its_permission() {
    let scene = Scene::set().await;
    let plan = scene.planned().await;
    let control = scene.stage.control();
    control.fault(SWITCH, Fault::AccessDenied, Times::Always);
    let error = scene.stage.target.roll_back(&plan, &scene.stage.hand).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, DeployError::Declared(text) if text.contains("allow ecs:UpdateServicePrimaryTaskSet")),
        "{error:?}"
    );
}
