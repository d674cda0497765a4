//! The tasks of a service, told by who started them; and parameters.

use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::{Deployment, Selector, Task};
use smokejumper::rehearsal::ecs::{BreakerEnd, Controller, Fault, Times};

use super::stage::{ROLLOUT, Stage};

async fn tasks(stage: &Stage, deployment: &Deployment) -> Vec<Task> {
    let tasks = stage.target.tasks(deployment).await;
    tasks.expect("ECS answers")
}

fn own(tasks: &[Task]) -> usize {
    tasks.iter().filter(|task| task.of_deployment).count()
}

#[tokio::test]
async fn during_a_rollout_each_task_is_known_by_who_started_it_and_where_it_is() {
    let stage = Stage::set_with(Controller::Ecs, 4).await;
    stage.deploy();
    stage.clock.pass(ROLLOUT / 2);
    let deployment = stage.pinned().await;
    assert!(deployment.id.starts_with("arn:"), "{}", deployment.id);
    let tasks = tasks(&stage, &deployment).await;
    let running = stage.service.running().expect("the service is there");
    assert_eq!(tasks.len(), running.len());
    assert!((1..4).contains(&own(&tasks)), "{tasks:?}");
    for (task, known) in tasks.iter().zip(&running) {
        assert!(task.running);
        assert_eq!(task.id, known.id);
        assert_eq!(task.address, known.address);
        assert_eq!(task.of_deployment, task.revision == deployment.revision);
        if task.of_deployment {
            assert_eq!(task.images, deployment.images);
        }
    }
    assert!(stage.changes().is_empty(), "it only looks");
}

#[tokio::test]
async fn the_same_definition_deployed_anew_is_another_deployment() {
    let stage = Stage::set_with(Controller::Ecs, 4).await;
    let definition = stage.register();
    stage.service.deploy(&definition).expect("it is deployed");
    stage.finish();
    stage
        .service
        .deploy(&definition)
        .expect("it is deployed again");
    stage.clock.pass(ROLLOUT / 2);
    let deployment = stage.pinned().await;
    let tasks = tasks(&stage, &deployment).await;
    assert!(
        tasks
            .iter()
            .all(|task| task.revision == deployment.revision)
    );
    assert!((1..4).contains(&own(&tasks)), "{tasks:?}");
}

#[tokio::test]
async fn after_a_rollback_inside_the_deployment_no_task_is_its_own() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    stage.deploy();
    let deployment = stage.pinned().await;
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::RollBack)
        .expect("it trips");
    stage.finish();
    let tasks = tasks(&stage, &deployment).await;
    assert_eq!((tasks.len(), own(&tasks)), (2, 0), "{tasks:?}");
}

#[tokio::test]
async fn an_entry_alone_tells_its_tasks_too() {
    let stage = Stage::set().await;
    stage.control().without_service_deployments();
    stage.deploy_whole();
    let deployment = stage.pinned().await;
    assert!(deployment.id.starts_with("ecs-svc/"), "{}", deployment.id);
    let tasks = tasks(&stage, &deployment).await;
    assert_eq!((tasks.len(), own(&tasks)), (2, 2));
}

#[tokio::test]
async fn a_task_that_runs_another_image_or_shares_its_host_is_shown_as_it_is() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let deployment = stage.pinned().await;
    let id = stage.service.running().expect("the service is there")[0]
        .id
        .clone();
    stage
        .service
        .swap_image(&id, "api", "sha256:other")
        .expect("the task is there");
    stage
        .service
        .move_task(&id, None)
        .expect("the task is there");
    let tasks = tasks(&stage, &deployment).await;
    let task = tasks
        .iter()
        .find(|task| task.id == id)
        .expect("it is listed");
    assert!(task.of_deployment, "it was started by it all the same");
    assert_eq!(task.images["api"], "sha256:other");
    assert_eq!(task.address, None);
}

#[tokio::test]
async fn more_tasks_than_fit_on_a_page_are_all_described() {
    let stage = Stage::set_with(Controller::Ecs, 130).await;
    let deployment = stage
        .target
        .pin(&Selector::Current)
        .await
        .expect("it is there");
    assert_eq!(tasks(&stage, &deployment).await.len(), 130);
    let calls = stage.control().calls().into_iter();
    let described = calls.filter(|call| call.operation == "DescribeTasks");
    assert_eq!(described.count(), 2);
}

#[tokio::test]
async fn tasks_that_may_not_be_seen_name_the_permission() {
    let stage = Stage::set().await;
    let deployment = stage.pinned().await;
    stage
        .control()
        .fault("ListTasks", Fault::AccessDenied, Times::Always);
    let told = stage.target.tasks(&deployment).await;
    assert!(
        matches!(&told, Err(DeployError::Declared(why)) if why.contains("ecs:ListTasks")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_parameter_is_what_it_says_or_nothing_or_an_error_with_what_to_do() {
    let stage = Stage::set().await;
    let control = stage.control();
    let read = || stage.target.parameter("/smokejumper/freeze");
    assert_eq!(read().await, Ok(None));
    control.set_parameter("/smokejumper/freeze", "String", "no deploys on friday");
    assert_eq!(read().await, Ok(Some("no deploys on friday".to_owned())));
    control.set_parameter("/smokejumper/freeze", "SecureString", "AQICAHh…");
    let told = read().await;
    assert!(
        matches!(&told, Err(DeployError::Declared(why)) if why.contains("make it a String")),
        "{told:?}"
    );
    control.fault("GetParameter", Fault::AccessDenied, Times::Always);
    let told = read().await;
    control.clear_faults();
    assert!(
        matches!(&told, Err(DeployError::Declared(why)) if why.contains("allow ssm:GetParameter")),
        "{told:?}"
    );
    control.fault("GetParameter", Fault::Throttle, Times::Always);
    let told = read().await;
    assert!(matches!(told, Err(DeployError::Passing(_))), "{told:?}");
    let asked = control
        .calls()
        .into_iter()
        .filter(|call| call.service == "ssm");
    assert!(
        asked
            .into_iter()
            .all(|call| call.parameters["WithDecryption"] == false),
        "nothing is ever decrypted"
    );
}
