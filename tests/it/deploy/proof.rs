//! When a rollback is complete, and when it is not although something says so.

use smokejumper::deploy::DeploymentTarget;
use smokejumper::deployment::{Progress, Standing, StartedRollback};
use smokejumper::rehearsal::ecs::{BreakerEnd, Controller, Fault, Lag, Times};

use super::stage::{LAG, ROLLBACK, Stage, stale};

async fn started_now(stage: &Stage) -> StartedRollback {
    let plan = stage.plan(&stage.pinned().await).await;
    stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .expect("it is answered")
        .expect("it is answered")
}

#[tokio::test]
async fn a_deployment_that_takes_over_from_the_rollback_supersedes_it() {
    for in_flight in [true, false] {
        let stage = Stage::set().await;
        stage.deploy();
        if !in_flight {
            stage.finish();
        }
        let started = started_now(&stage).await;
        stage.clock.pass(LAG);
        stage.service.foreign_deployment().unwrap();
        let progress = stage.target.progress(&started).await.unwrap();
        assert!(matches!(progress, Progress::Superseded(_)), "{progress:?}");
    }
}

#[tokio::test]
async fn a_rollback_that_ecs_gives_up_on_has_failed() {
    let stage = Stage::set().await;
    stage.deploy();
    let stopped = started_now(&stage).await;
    stage.clock.pass(LAG);
    stage.control().advance();
    stage.service.fail_rollback().unwrap();
    let progress = stage.target.progress(&stopped).await.unwrap();
    assert!(matches!(progress, Progress::Failed(_)), "{progress:?}");

    let stage = Stage::set().await;
    stage.deploy_whole();
    let updated = started_now(&stage).await;
    for end in [BreakerEnd::RollBack, BreakerEnd::Stop] {
        stage.service.trip_circuit_breaker(end).unwrap();
        let progress = stage.target.progress(&updated).await.unwrap();
        assert!(
            matches!(progress, Progress::Failed(_)),
            "{end:?}: {progress:?}"
        );
    }
}

#[tokio::test]
async fn no_task_is_no_proof() {
    let stage = Stage::set_with(Controller::Ecs, 2).await;
    stage.deploy_whole();
    let started = started_now(&stage).await;
    stage.service.scale(0).unwrap();
    stage.finish();
    let progress = stage.target.progress(&started).await.unwrap();
    assert!(
        matches!(&progress, Progress::Running(text) if text.contains("desired count is 0")),
        "{progress:?}"
    );
    stage.service.scale(3).unwrap();
    assert_eq!(
        stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn tasks_by_the_hundred_are_all_looked_at() {
    let stage = Stage::set_with(Controller::Ecs, 130).await;
    stage.deploy_whole();
    let started = started_now(&stage).await;
    stage.finish();
    stage.control().clear_calls();
    assert_eq!(
        stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
    let calls = stage.control().calls();
    let described: Vec<usize> = calls
        .iter()
        .filter(|call| call.operation == "DescribeTasks")
        .filter_map(|call| call.parameters["tasks"].as_array().map(Vec::len))
        .collect();
    assert_eq!(described, [100, 30]);
}

#[tokio::test]
async fn the_platform_s_own_rollback_is_followed_to_its_end() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::RollBack)
        .unwrap();
    let progress = stage.target.own_rollback(&pinned).await.unwrap();
    assert!(matches!(progress, Progress::Running(_)), "{progress:?}");
    stage.clock.pass(LAG + ROLLBACK);
    assert_eq!(
        stage.target.own_rollback(&pinned).await,
        Ok(Progress::Complete)
    );
    stage.service.foreign_deployment().unwrap();
    let progress = stage.target.own_rollback(&pinned).await.unwrap();
    assert!(matches!(progress, Progress::Superseded(_)), "{progress:?}");
    assert!(stage.changes().is_empty(), "nothing was changed by us");
}

/// Asks once everything that a proof reads of the service and its tasks.
async fn prime(stage: &Stage) {
    let ecs = &stage.client;
    let services = ecs.describe_services().cluster("prod").services("api");
    services.send().await.expect("it is answered");
    let tasks = ecs.list_tasks().cluster("prod").service_name("api");
    let tasks = tasks.send().await.expect("it is answered");
    let described = ecs.describe_tasks().cluster("prod");
    let described = described.set_tasks(Some(tasks.task_arns().to_vec()));
    described.send().await.expect("it is answered");
}

#[tokio::test]
async fn readings_that_lag_behind_prove_nothing() {
    for operation in ["DescribeServices", "ListTasks", "DescribeTasks"] {
        let stage = Stage::set().await;
        stage.deploy_whole();
        let started = started_now(&stage).await;
        stage.control().fault(operation, stale(), Times::Always);
        // What is seen now is what is seen for ever.
        prime(&stage).await;
        stage.finish();
        let progress = stage.target.progress(&started).await.unwrap();
        assert!(
            matches!(progress, Progress::Running(_)),
            "{operation}: {progress:?}"
        );
    }
}

#[tokio::test]
async fn tasks_that_are_not_seen_prove_nothing() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let started = started_now(&stage).await;
    stage.finish();
    let cut = Fault::altered(|answer| {
        answer["taskArns"].as_array_mut().unwrap().truncate(1);
    });
    stage.control().fault("ListTasks", cut, Times::Next(1));
    let progress = stage.target.progress(&started).await.unwrap();
    assert!(
        matches!(&progress, Progress::Running(text) if text.contains("1 of 2 tasks are seen")),
        "{progress:?}"
    );
    let strange = Fault::altered(|answer| {
        let definition = &mut answer["tasks"][0]["taskDefinitionArn"];
        *definition = serde_json::Value::Null;
    });
    stage
        .control()
        .fault("DescribeTasks", strange, Times::Next(1));
    let progress = stage.target.progress(&started).await.unwrap();
    assert!(matches!(progress, Progress::Running(_)), "{progress:?}");
    assert_eq!(
        stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn a_second_deployment_of_which_ecs_says_nothing_is_still_a_second_one() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let started = started_now(&stage).await;
    stage.finish();
    let beside = Fault::altered(|answer| {
        let deployments = answer["services"][0]["deployments"].as_array_mut();
        deployments
            .unwrap()
            .push(serde_json::json!({ "status": "ACTIVE" }));
    });
    stage
        .control()
        .fault("DescribeServices", beside, Times::Next(1));
    let progress = stage.target.progress(&started).await.unwrap();
    assert!(
        matches!(&progress, Progress::Running(text) if text.contains("2 deployments")),
        "{progress:?}"
    );
}

#[tokio::test]
async fn another_image_than_was_planned_is_no_rollback() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let plan = stage.plan(&stage.pinned().await).await;
    // The tag of the revision to return to is moved after everything was looked at.
    let control = stage.control();
    control.retag("registry.test/api:1", "other content");
    let started = stage.target.roll_back(&plan, &stage.hand).await;
    let started = started.expect("it is answered").expect("it is answered");
    stage.finish();
    let progress = stage.target.progress(&started).await.unwrap();
    assert!(
        matches!(&progress, Progress::Failed(text) if text.contains("another image of api than ran with api:1")),
        "{progress:?}"
    );

    let stage = Stage::set().await;
    stage.deploy();
    let stopped = started_now(&stage).await;
    stage.finish();
    let lie = Fault::altered(|answer| {
        let images = &mut answer["serviceRevisions"][0]["containerImages"];
        images[0]["imageDigest"] = serde_json::json!("sha256:other");
    });
    let control = stage.control();
    control.fault("DescribeServiceRevisions", lie, Times::Next(1));
    let progress = stage.target.progress(&stopped).await.unwrap();
    assert!(
        matches!(&progress, Progress::Failed(text) if text.contains("another image")),
        "{progress:?}"
    );
    assert_eq!(
        stage.target.progress(&stopped).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn a_task_that_the_judged_deployment_may_have_started_is_left_over() {
    let stage = Stage::set().await;
    let control = stage.control();
    control.retag("registry.test/api:1", "other content");
    stage.service.deploy("api:1").unwrap();
    stage.clock.pass(ROLLBACK);
    let judged = stage.pinned().await;
    let started = started_now(&stage).await;
    stage.finish();
    let created = judged.created.expect("a time").unix().as_secs();
    // The same definition, its image not told, from the time of the judged deployment.
    let left = Fault::altered(move |answer| {
        let task = &mut answer["tasks"][0];
        task["createdAt"] = serde_json::json!(created + 2);
        let container = task["containers"][0].as_object_mut().unwrap();
        container.remove("imageDigest");
    });
    control.fault("DescribeTasks", left, Times::Next(1));
    let progress = stage.target.progress(&started).await.unwrap();
    assert!(
        matches!(&progress, Progress::Running(text) if text.contains("1 of 2 tasks")),
        "{progress:?}"
    );
    assert_eq!(
        stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
}

#[tokio::test]
async fn without_records_a_reading_from_before_the_rollback_ends_nothing() {
    let stage = Stage::set().await;
    let control = stage.control();
    control.without_service_deployments();
    control.lag(Lag::OnOrder);
    stage.deploy();
    let started = started_now(&stage).await;
    control.fault("DescribeServices", Fault::Stale, Times::Next(1));
    let progress = stage.target.progress(&started).await.unwrap();
    assert!(matches!(progress, Progress::Running(_)), "{progress:?}");

    let stage = Stage::set().await;
    let control = stage.control();
    control.without_service_deployments();
    control.lag(Lag::OnOrder);
    stage.deploy();
    let pinned = stage.pinned().await;
    let breaks = stage.service.trip_circuit_breaker(BreakerEnd::RollBack);
    breaks.unwrap();
    let standing = stage.target.standing(&pinned).await;
    assert_eq!(standing, Ok(Standing::RollingBack));
    control.fault("DescribeServices", Fault::Stale, Times::Next(1));
    let progress = stage.target.own_rollback(&pinned).await.unwrap();
    assert!(matches!(progress, Progress::Running(_)), "{progress:?}");
}
