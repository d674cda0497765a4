//! Which of several revisions is returned to when some were judged bad here, when ECS keeps no
//! record, and when a person names one.

use smokejumper::deploy::DeploymentTarget;
use smokejumper::deployment::{
    Actuator, Deployment, Images, NoRollback, Revision, RollbackPlan, Software, Wanted,
};
use smokejumper::rehearsal::ecs::BreakerEnd;

use super::stage::{ROLLOUT, Stage};

/// A revision of `api`, whatever its images.
pub fn software(label: &str) -> Software {
    Software {
        revision: Revision {
            id: format!("arn:aws:ecs:eu-west-1:000000000000:task-definition/{label}"),
            label: label.to_owned(),
        },
        images: Images::new(),
    }
}

fn wanted(to: Option<&str>, avoid: &[&str], good: &[&str]) -> Wanted {
    Wanted {
        to: to.map(str::to_owned),
        pin_digest: false,
        avoid: avoid.iter().map(|label| software(label)).collect(),
        good: good.iter().map(|label| software(label)).collect(),
    }
}

async fn plan(
    stage: &Stage,
    deployment: &Deployment,
    wanted: &Wanted,
) -> Result<RollbackPlan, NoRollback> {
    let plan = stage.target.plan(deployment, wanted).await;
    plan.expect("ECS answers")
}

fn refusal(planned: Result<RollbackPlan, NoRollback>) -> String {
    match planned {
        Err(
            NoRollback::NotRollbackable(why)
            | NoRollback::SameSoftware(why)
            | NoRollback::NotYet(why),
        ) => why,
        other => panic!("no refusal: {other:?}"),
    }
}

#[tokio::test]
async fn what_was_judged_bad_is_passed_over_for_what_ran_before_it() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    stage.deploy_whole();
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    assert_eq!(pinned.revision.label, "api:4");
    for (avoid, target) in [
        (vec![], "api:3"),
        (vec!["api:3"], "api:2"),
        (vec!["api:3", "api:2"], "api:1"),
        (vec!["api:2", "api:4"], "api:3"),
    ] {
        let plan = plan(&stage, &pinned, &wanted(None, &avoid, &[]))
            .await
            .unwrap();
        assert_eq!(plan.target.label, target, "{avoid:?}");
        let is_said = plan
            .caveats
            .iter()
            .any(|line| line.contains("was judged bad here"));
        assert_eq!(is_said, target != "api:3", "{:?}", plan.caveats);
    }
    let none = plan(
        &stage,
        &pinned,
        &wanted(None, &["api:1", "api:2", "api:3"], &[]),
    )
    .await;
    assert!(
        matches!(&none, Err(NoRollback::NoTarget(text)) if text.contains("judged bad here")),
        "{none:?}"
    );
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn other_images_of_the_same_definition_are_other_software() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    let mut avoid = software("api:1");
    avoid.images.insert("api".into(), "sha256:another".into());
    let wanted = Wanted {
        avoid: vec![avoid],
        ..Wanted::default()
    };
    let plan = plan(&stage, &pinned, &wanted).await.unwrap();
    assert_eq!(plan.target.label, "api:1");
    assert!(
        plan.images["api"].starts_with("sha256:"),
        "{:?}",
        plan.images
    );
}

#[tokio::test]
async fn what_is_deployed_again_is_left_only_where_just_that_was_judged_bad() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    stage.service.deploy("api:2").unwrap();
    stage.finish();
    let pinned = stage.pinned().await;
    let images = |digest: &str| [("api".to_owned(), digest.to_owned())].into();
    let known = |images: Images| Wanted {
        avoid: vec![Software {
            images,
            ..software("api:2")
        }],
        ..Wanted::default()
    };
    let good = wanted(None, &[], &["api:2", "api:1"]);
    for not_bad in [Wanted::default(), good, known(images("sha256:another"))] {
        let planned = plan(&stage, &pinned, &not_bad).await;
        assert!(
            matches!(&planned, Err(NoRollback::SameSoftware(why)) if why.contains("change nothing")),
            "{not_bad:?}: {planned:?}"
        );
    }
    for bad in [known(Images::new()), known(pinned.images.clone())] {
        let plan = plan(&stage, &pinned, &bad).await.unwrap();
        let (actuator, target) = (plan.actuator, plan.target.label.as_str());
        assert_eq!((actuator, target), (Actuator::UpdateService, "api:1"));
        assert_eq!(
            plan.caveats,
            ["api:2, which ran before, was judged bad here: api:1 is what ran before that"]
        );
        let concerns = stage.target.concerns(&pinned, ROLLOUT, &bad).await.unwrap();
        let none = |line: &String| line.contains("nothing to return to");
        assert!(!concerns.iter().any(none), "{concerns:?}");
    }
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn a_stop_that_would_bring_back_what_was_judged_bad_is_refused() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    stage.deploy();
    let pinned = stage.pinned().await;
    let why = refusal(plan(&stage, &pinned, &wanted(None, &["api:2"], &[])).await);
    assert!(
        why.contains("api:3") && why.contains("returns to api:2") && why.contains("deploy api:1"),
        "{why}"
    );
    stage.finish();
    let plan = plan(&stage, &pinned, &wanted(None, &["api:2"], &[]))
        .await
        .unwrap();
    assert_eq!(
        (plan.actuator, plan.target.label.as_str()),
        (Actuator::UpdateService, "api:1")
    );
}

#[tokio::test]
async fn without_records_the_last_that_was_judged_good_and_is_active_is_the_target() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    stage.deploy_whole();
    stage.deploy_whole();
    // api:4 is deployed over tasks of two revisions, and the history is lost.
    stage.deploy();
    stage.clock.pass(ROLLOUT / 2);
    stage.service.forget_history().unwrap();
    stage.deploy();
    stage.finish();
    let pinned = stage.pinned().await;
    assert_eq!(pinned.revision.label, "api:6");
    let none = plan(&stage, &pinned, &Wanted::default()).await;
    assert!(matches!(none, Err(NoRollback::NoTarget(_))), "{none:?}");
    stage.control().deregister("api:3").unwrap();
    let good = ["api:6", "api:3", "api:2", "api:1"];
    let found = plan(&stage, &pinned, &wanted(None, &[], &good))
        .await
        .unwrap();
    assert_eq!(found.target.label, "api:2", "api:3 is INACTIVE");
    assert!(
        matches!(found.caveats.as_slice(), [only] if only.contains("judged good here")),
        "{:?}",
        found.caveats
    );
    let found = plan(&stage, &pinned, &wanted(None, &["api:2"], &good))
        .await
        .unwrap();
    assert_eq!(found.target.label, "api:1");
}

#[tokio::test]
async fn without_service_deployments_the_ledger_decides_as_well() {
    let stage = Stage::set().await;
    stage.control().without_service_deployments();
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    assert!(pinned.id.starts_with("ecs-svc/"), "{}", pinned.id);
    let none = plan(&stage, &pinned, &Wanted::default()).await;
    assert!(matches!(none, Err(NoRollback::NoTarget(_))), "{none:?}");
    let found = plan(&stage, &pinned, &wanted(None, &[], &["api:2", "api:1"]))
        .await
        .unwrap();
    assert_eq!(found.target.label, "api:1");
    // What still runs beside it is what ran before; unless it was judged bad.
    stage.deploy();
    let pinned = stage.pinned().await;
    let found = plan(&stage, &pinned, &wanted(None, &[], &["api:1"]))
        .await
        .unwrap();
    assert_eq!(found.target.label, "api:2");
    let found = plan(&stage, &pinned, &wanted(None, &["api:2"], &["api:1"]))
        .await
        .unwrap();
    assert_eq!(found.target.label, "api:1");
}

#[tokio::test]
async fn a_person_names_the_revision_within_the_guards() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    stage.deploy_whole();
    stage
        .control()
        .register("other", "registry.test/other:1")
        .unwrap();
    let pinned = stage.pinned().await;
    let full = software("api:1").revision.id;
    for to in ["api:1", full.as_str()] {
        let found = plan(&stage, &pinned, &wanted(Some(to), &[], &[]))
            .await
            .unwrap();
        assert_eq!(found.target.id, full);
        assert_eq!(found.actuator, Actuator::UpdateService);
        assert_eq!(found.caveats, Vec::<String>::new());
    }
    let found = plan(&stage, &pinned, &wanted(Some("other:1"), &[], &[]))
        .await
        .unwrap();
    assert!(
        matches!(found.caveats.as_slice(), [only] if only.contains("another family")),
        "{:?}",
        found.caveats
    );
    let why = refusal(plan(&stage, &pinned, &wanted(Some("api:3"), &[], &[])).await);
    assert!(why.contains("change nothing"), "{why}");
    stage.control().deregister("api:2").unwrap();
    for (to, avoid, part) in [
        ("api", vec![], "family:n"),
        ("api:99", vec![], "no task definition api:99"),
        (
            "arn:aws:ecs:us-east-1:000000000000:task-definition/api:1",
            vec![],
            "no task definition",
        ),
        ("api:2", vec![], "not ACTIVE"),
        ("api:1", vec!["api:1"], "judged bad"),
    ] {
        let why = refusal(plan(&stage, &pinned, &wanted(Some(to), &avoid, &[])).await);
        assert!(why.contains(part), "{to}: {why}");
    }
    assert!(stage.changes().is_empty());
}

#[tokio::test]
async fn in_flight_only_what_ecs_returns_to_can_be_named() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    stage.deploy();
    let pinned = stage.pinned().await;
    let found = plan(&stage, &pinned, &wanted(Some("api:2"), &[], &[]))
        .await
        .unwrap();
    assert_eq!(
        (found.actuator, found.target.label.as_str()),
        (Actuator::StopServiceDeployment, "api:2")
    );
    let why = refusal(plan(&stage, &pinned, &wanted(Some("api:1"), &[], &[])).await);
    assert!(
        why.contains("returns to api:2") && why.contains("let it end"),
        "{why}"
    );
}

#[tokio::test]
async fn how_long_it_takes_is_what_it_took_before() {
    let stage = Stage::set().await;
    let first = stage.pinned().await;
    assert!(plan(&stage, &first, &Wanted::default()).await.is_err());
    stage.deploy_whole();
    stage.deploy();
    let pinned = stage.pinned().await;
    // In flight, the deployment before it tells; afterwards its own.
    let in_flight = plan(&stage, &pinned, &Wanted::default()).await.unwrap();
    assert!(in_flight.expected.is_some_and(|span| span >= ROLLOUT));
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::Stop)
        .unwrap();
    let stopped = plan(&stage, &pinned, &Wanted::default()).await.unwrap();
    assert_eq!(stopped.expected, in_flight.expected, "it never rolled out");
    assert_eq!(stopped.not_restored, Vec::<String>::new());
}
