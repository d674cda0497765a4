//! What a person gets of a deployment that failed, and what is told of what could not be seen.

use std::time::Duration;

use aws_sdk_ecs::types::{ContainerDefinition, LoadBalancer, LogConfiguration, LogDriver};
use smokejumper::deploy::DeploymentTarget;
use smokejumper::deployment::{Deployment, Diagnosis};
use smokejumper::rehearsal::ecs::{Crash, Fault, TargetState, Times};

use super::stage::Stage;

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/api-blue/73e2d6bc24d8a067";

const CRASH: Crash = Crash {
    code: "EssentialContainerExited",
    reason: "Essential container in task exited",
    exit_code: Some(1),
};

/// Registers a definition whose container logs by a driver.
async fn logging(stage: &Stage, driver: LogDriver) -> String {
    let logs = LogConfiguration::builder()
        .log_driver(driver)
        .options("awslogs-group", "/ecs/api")
        .options("awslogs-stream-prefix", "web")
        .options("awslogs-region", "eu-west-1")
        .build()
        .expect("a driver is enough");
    let container = ContainerDefinition::builder()
        .name("api")
        .image("registry.test/api:bad")
        .log_configuration(logs)
        .build();
    let registered = stage.client.register_task_definition().family("api");
    let registered = registered.container_definitions(container).send().await;
    let registered = registered.expect("the stand-in takes it");
    let definition = registered.task_definition().expect("it is shown");
    definition
        .task_definition_arn()
        .expect("it has one")
        .to_owned()
}

/// Deploys a definition behind a load balancer.
async fn deploy(stage: &Stage, definition: &str) -> Deployment {
    let balancer = LoadBalancer::builder()
        .target_group_arn(GROUP)
        .container_name("api")
        .container_port(8080)
        .build();
    let update = stage.client.update_service().cluster("prod").service("api");
    let update = update.task_definition(definition).load_balancers(balancer);
    update.send().await.expect("the stand-in takes it");
    stage.finish();
    stage.pinned().await
}

/// Lets a task die that wrote `lines` before.
fn dies(stage: &Stage, lines: &[&str]) -> String {
    let id = stage.service.running().expect("the service is there")[0]
        .id
        .clone();
    stage
        .control()
        .log("/ecs/api", &format!("web/api/{id}"), lines);
    stage.service.crash(&id, CRASH).expect("the task is there");
    stage.clock.pass(Duration::from_secs(1));
    stage.control().advance();
    id
}

fn targets(stage: &Stage) {
    let target = |id: &str, state, reason| TargetState {
        id: id.to_owned(),
        port: 8080,
        state,
        reason,
    };
    let why = Some("Target.ResponseCodeMismatch");
    let targets = [
        target("10.0.0.7", "healthy", None),
        target("10.0.0.8", "unhealthy", why),
    ];
    stage.control().targets(GROUP, &targets);
}

async fn diagnosed(stage: &Stage, deployment: &Deployment) -> Diagnosis {
    stage.control().clear_calls();
    let diagnosis = stage.target.diagnose(deployment).await;
    assert!(stage.changes().is_empty(), "it only looks");
    diagnosis
}

#[tokio::test]
async fn everything_that_people_collect_by_hand_is_there() {
    let stage = Stage::set().await;
    stage
        .service
        .note("(service api) was well before")
        .expect("it is there");
    stage.clock.pass(Duration::from_secs(60));
    let deployment = deploy(&stage, &logging(&stage, LogDriver::Awslogs).await).await;
    stage
        .service
        .note("(service api) first line")
        .expect("it is there");
    stage.clock.pass(Duration::from_secs(1));
    stage
        .service
        .note("(service api) is unable to start")
        .expect("it is there");
    let lines = [
        "starting",
        "panicked at src/main.rs:7\n  no such table: users",
    ];
    let id = dies(&stage, &lines);
    targets(&stage);
    let seen = diagnosed(&stage, &deployment).await;
    assert_eq!(seen.gaps, Vec::<String>::new());
    let events: Vec<&str> = seen.events.iter().map(|event| &*event.text).collect();
    let newest_first = [
        "(service api) is unable to start",
        "(service api) first line",
    ];
    assert_eq!(
        events, newest_first,
        "and nothing from before the deployment"
    );
    let [task] = seen.stopped_tasks.as_slice() else {
        panic!(
            "one task of the deployment stopped: {:?}",
            seen.stopped_tasks
        );
    };
    assert_eq!(
        (&task.id, &task.revision),
        (&id, &deployment.revision.label)
    );
    assert_eq!(task.code.as_deref(), Some(CRASH.code));
    assert_eq!(task.reason.as_deref(), Some(CRASH.reason));
    assert!(task.at.is_some());
    let [container] = task.containers.as_slice() else {
        panic!("it has one container: {task:?}");
    };
    assert_eq!((&*container.name, container.exit_code), ("api", Some(1)));
    let log = [
        "starting",
        "panicked at src/main.rs:7",
        "  no such table: users",
    ];
    assert_eq!(container.log, log);
    let health: Vec<_> = seen
        .target_health
        .iter()
        .map(|one| {
            (
                &*one.group,
                &*one.target,
                &*one.state,
                one.reason.as_deref(),
            )
        })
        .collect();
    let expected = [
        (
            "api-blue",
            "10.0.0.8:8080",
            "unhealthy",
            Some("Target.ResponseCodeMismatch"),
        ),
        ("api-blue", "10.0.0.7:8080", "healthy", None),
    ];
    assert_eq!(health, expected);
    let names: Vec<&str> = seen.differences.iter().map(|(name, ..)| &**name).collect();
    assert_eq!(names, ["task definition", "image of api", "load balancers"]);
    let (_, before, under_test) = &seen.differences[0];
    assert_eq!((&**before, &**under_test), ("api:1", "api:2"));
    assert_eq!(seen.differences[2].2, "api-blue to api:8080");
}

#[tokio::test]
async fn what_is_denied_is_a_line_that_names_the_permission_and_the_rest_is_told() {
    let stage = Stage::set().await;
    let deployment = deploy(&stage, &logging(&stage, LogDriver::Awslogs).await).await;
    dies(&stage, &["last words"]);
    dies(&stage, &["last words"]);
    targets(&stage);
    let cases = [
        ("DescribeServices", "ecs:DescribeServices"),
        ("ListTasks", "ecs:ListTasks"),
        ("DescribeTaskDefinition", "ecs:DescribeTaskDefinition"),
        ("DescribeServiceRevisions", "ecs:DescribeServiceRevisions"),
        (
            "DescribeTargetHealth",
            "elasticloadbalancing:DescribeTargetHealth",
        ),
        ("GetLogEvents", "logs:GetLogEvents"),
    ];
    for (operation, permission) in cases {
        stage
            .control()
            .fault(operation, Fault::AccessDenied, Times::Always);
        let seen = diagnosed(&stage, &deployment).await;
        let naming = |gap: &&String| gap.ends_with(&format!("allow {permission}"));
        let named = seen.gaps.iter().filter(naming).count();
        assert_eq!(named, 1, "{operation}: {:?}", seen.gaps);
        assert!(
            !seen.differences.is_empty(),
            "{operation}: labels are known anyway"
        );
        if operation != "ListTasks" {
            assert_eq!(seen.stopped_tasks.len(), 2, "{operation}");
        }
        if !matches!(operation, "DescribeTargetHealth") {
            assert_eq!(seen.target_health.len(), 2, "{operation}");
        }
        stage.control().clear_faults();
    }
}

#[tokio::test]
async fn a_service_that_hangs_costs_its_own_part_alone() {
    let stage = Stage::set().await;
    let deployment = deploy(&stage, &logging(&stage, LogDriver::Awslogs).await).await;
    dies(&stage, &["last words"]);
    stage
        .control()
        .fault("DescribeTargetHealth", Fault::Hang, Times::Always);
    stage
        .control()
        .fault("GetLogEvents", Fault::Html, Times::Always);
    let seen = diagnosed(&stage, &deployment).await;
    assert_eq!(seen.gaps.len(), 2, "{:?}", seen.gaps);
    assert!(
        seen.gaps
            .iter()
            .any(|gap| gap.starts_with("target health of api-blue:"))
    );
    assert!(
        seen.gaps
            .iter()
            .any(|gap| gap.starts_with("last lines of api in /ecs/api:"))
    );
    assert_eq!(seen.stopped_tasks.len(), 1);
    assert!(!seen.differences.is_empty());
}

#[tokio::test]
async fn logs_are_read_of_five_tasks_at_most_the_newest_first() {
    let stage = Stage::set().await;
    let deployment = deploy(&stage, &logging(&stage, LogDriver::Awslogs).await).await;
    let long = "x".repeat(2_000);
    let lines: Vec<&str> = std::iter::repeat_n(&*long, 40).collect();
    let died: Vec<String> = (0..25).map(|_| dies(&stage, &lines)).collect();
    let seen = diagnosed(&stage, &deployment).await;
    let shown: Vec<&String> = seen.stopped_tasks.iter().map(|task| &task.id).collect();
    assert_eq!(shown, died.iter().rev().take(20).collect::<Vec<_>>());
    let logs = seen
        .stopped_tasks
        .iter()
        .map(|task| task.containers[0].log.len());
    let logs: Vec<usize> = logs.collect();
    assert_eq!(
        (&logs[..5], logs.iter().sum::<usize>()),
        (&[20; 5][..], 100)
    );
    let longest = seen.stopped_tasks[0].containers[0].log[0].chars().count();
    assert_eq!(longest, 501, "five hundred characters and an ellipsis");
    assert!(
        seen.gaps.iter().any(|gap| gap.contains("5 older ones")),
        "{:?}",
        seen.gaps
    );
}

#[tokio::test]
async fn a_log_that_is_elsewhere_or_nowhere_is_a_gap_and_one_never_written_is_none() {
    let stage = Stage::set().await;
    let deployment = deploy(&stage, &logging(&stage, LogDriver::Awsfirelens).await).await;
    dies(&stage, &[]);
    targets(&stage);
    let seen = diagnosed(&stage, &deployment).await;
    let gaps = ["last lines of api: it logs by awsfirelens, look there"];
    assert_eq!(seen.gaps, gaps);

    let deployment = deploy(&stage, &logging(&stage, LogDriver::Awslogs).await).await;
    let never_ran = Crash {
        code: "TaskFailedToStart",
        reason: "CannotPullContainerError: not found",
        exit_code: None,
    };
    for crash in [CRASH, never_ran] {
        let id = stage.service.running().expect("the service is there")[0]
            .id
            .clone();
        stage.service.crash(&id, crash).expect("the task is there");
        stage.clock.pass(Duration::from_secs(1));
        stage.control().advance();
    }
    let seen = diagnosed(&stage, &deployment).await;
    assert_eq!(seen.stopped_tasks.len(), 2, "those of the deployment alone");
    let [gap] = seen.gaps.as_slice() else {
        panic!("one stream is missing: {:?}", seen.gaps);
    };
    assert!(gap.contains("there is no stream web/api/"), "{gap}");
}

#[tokio::test]
async fn without_service_deployments_the_definitions_are_compared() {
    let stage = Stage::set().await;
    stage.control().without_service_deployments();
    stage.deploy();
    let deployment = stage.pinned().await;
    let seen = diagnosed(&stage, &deployment).await;
    let row = ("task definition", "api:1", "api:2");
    let told = &seen.differences[0];
    assert_eq!((&*told.0, &*told.1, &*told.2), row);
    assert!(
        seen.gaps[0].starts_with("the two service revisions:"),
        "{:?}",
        seen.gaps
    );
}
