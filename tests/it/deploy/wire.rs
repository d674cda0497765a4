//! The stand-in's wire shapes, as the real client parses them, and what it refuses.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::Region;
use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{
    ContainerDefinition, DeploymentRolloutState, ServiceDeploymentStatus, TaskDefinitionStatus,
};
use smokejumper::rehearsal::ecs::{Controller, Settings, StandIn};

use super::stage::{LAG, MINUTE, ROLLBACK, ROLLOUT, Stage};

/// The error code of a call that was refused.
macro_rules! code {
    ($call:expr) => {
        $call
            .send()
            .await
            .expect_err("it is refused")
            .code()
            .expect("it has a code")
            .to_owned()
    };
}

#[tokio::test]
async fn the_real_client_creates_updates_and_reads_a_service() {
    let stage = Stage::set().await;
    let client = &stage.client;
    client
        .create_cluster()
        .cluster_name("test")
        .send()
        .await
        .unwrap();
    let first = register(client, "web").await;
    let created = client
        .create_service()
        .cluster("test")
        .service_name("web")
        .task_definition(&first)
        .desired_count(2)
        .send()
        .await
        .unwrap();
    assert_eq!(
        created.service().unwrap().task_definition(),
        Some(first.as_str())
    );
    stage.finish();
    let second = register(client, "web").await;
    assert!(second.ends_with(":task-definition/web:2"), "{second}");
    // A family alone means its latest revision.
    let update = client.update_service().cluster("test").service("web");
    update.task_definition("web").send().await.unwrap();

    stage.clock.pass(ROLLOUT / 2);
    let shown = client
        .describe_services()
        .cluster("test")
        .services("web")
        .send()
        .await
        .unwrap();
    let [service] = shown.services() else {
        panic!("one service");
    };
    let [primary, old] = service.deployments() else {
        panic!("two deployments while rolling");
    };
    assert_eq!(primary.status(), Some("PRIMARY"));
    assert_eq!(primary.task_definition(), Some(second.as_str()));
    assert_eq!(
        primary.rollout_state(),
        Some(&DeploymentRolloutState::InProgress)
    );
    assert_eq!(primary.running_count() + old.running_count(), 2);
    assert_eq!(
        old.rollout_state(),
        Some(&DeploymentRolloutState::Completed)
    );
    let arn = service
        .current_service_deployment()
        .expect("it is named")
        .to_owned();

    stage.clock.pass(ROLLOUT);
    let described = client
        .describe_service_deployments()
        .service_deployment_arns(&arn)
        .send()
        .await
        .unwrap();
    let [deployment] = described.service_deployments() else {
        panic!("one service deployment");
    };
    assert_eq!(
        deployment.status(),
        Some(&ServiceDeploymentStatus::Successful)
    );
    assert_eq!(deployment.source_service_revisions().len(), 1);
    let seconds = deployment.finished_at().unwrap().as_secs_f64()
        - deployment.created_at().unwrap().as_secs_f64();
    assert!(
        (seconds - 30.0).abs() < 0.01,
        "finished {seconds} s after its creation"
    );
}

async fn register(client: &Client, family: &str) -> String {
    let container = ContainerDefinition::builder()
        .name("web")
        .image("registry.test/web:1")
        .build();
    let registered = client
        .register_task_definition()
        .family(family)
        .container_definitions(container)
        .send()
        .await
        .expect("it is answered");
    let definition = registered.task_definition().expect("it is answered");
    definition
        .task_definition_arn()
        .expect("it is answered")
        .to_owned()
}

#[tokio::test]
async fn stopping_rolls_back_inside_the_same_service_deployment() {
    let stage = Stage::set().await;
    let arn = stage.deploy();
    let stop = || {
        stage
            .client
            .stop_service_deployment()
            .service_deployment_arn(&arn)
            .send()
    };
    stop().await.unwrap();
    assert_eq!(
        status(&stage, &arn).await,
        ServiceDeploymentStatus::RollbackRequested
    );
    stage.clock.pass(LAG);
    assert_eq!(
        status(&stage, &arn).await,
        ServiceDeploymentStatus::RollbackInProgress
    );
    stop().await.expect("stopping again is no error");
    stage.clock.pass(ROLLBACK);
    assert_eq!(
        status(&stage, &arn).await,
        ServiceDeploymentStatus::RollbackSuccessful
    );
    let again = stop().await.unwrap_err();
    assert_eq!(again.code(), Some("ConflictException"));

    let calls = stage.control().mutating_calls();
    assert_eq!(calls.len(), 3);
    assert!(
        calls
            .iter()
            .all(|call| call.parameters["serviceDeploymentArn"] == arn)
    );
    assert_eq!(stage.service.serving().unwrap().as_deref(), Some("api:1"));
}

async fn status(stage: &Stage, arn: &str) -> ServiceDeploymentStatus {
    let described = stage
        .client
        .describe_service_deployments()
        .service_deployment_arns(arn)
        .send()
        .await
        .expect("it is answered");
    described.service_deployments()[0]
        .status()
        .expect("it is answered")
        .clone()
}

#[tokio::test]
async fn tasks_say_who_started_them_and_from_which_digests() {
    let stage = Stage::set().await;
    let arns = stage
        .client
        .list_tasks()
        .cluster("prod")
        .service_name("api")
        .send()
        .await
        .unwrap();
    assert_eq!(arns.task_arns().len(), 2);
    let described = stage
        .client
        .describe_tasks()
        .cluster("prod")
        .set_tasks(Some(arns.task_arns().to_vec()))
        .send()
        .await
        .unwrap();
    for task in described.tasks() {
        assert!(task.started_by().unwrap().starts_with("ecs-svc/"));
        assert_eq!(task.last_status(), Some("RUNNING"));
        let digest = task.containers()[0].image_digest().unwrap();
        assert_eq!(digest.len(), "sha256:".len() + 64);
    }
}

#[tokio::test]
async fn what_aws_refuses_is_refused() {
    let stage = Stage::set().await;
    let ecs = &stage.client;
    let unknown = "arn:aws:ecs:eu-west-1:000000000000:service-deployment/prod/api/none";
    let update = || ecs.update_service().cluster("prod").service("api");
    let second = stage.register();
    stage.control().deregister(&second).unwrap();
    let many = vec![unknown.to_owned(); 21];
    let refused = [
        code!(ecs.describe_services().cluster("none").services("api")),
        code!(ecs.describe_services().cluster("prod")),
        code!(ecs.update_service().cluster("prod").service("none")),
        code!(
            ecs.list_service_deployments()
                .cluster("prod")
                .service("none")
        ),
        code!(update().task_definition(&second)),
        code!(update().task_definition("api:9")),
        code!(
            ecs.stop_service_deployment()
                .service_deployment_arn(unknown)
        ),
        code!(ecs.stop_service_deployment().service_deployment_arn("api")),
        code!(
            ecs.describe_service_deployments()
                .set_service_deployment_arns(Some(many))
        ),
        code!(ecs.delete_cluster().cluster("prod")),
    ];
    assert_eq!(
        refused,
        [
            "ClusterNotFoundException",
            "InvalidParameterException",
            "ServiceNotFoundException",
            "ServiceNotFoundException",
            "ClientException",
            "ClientException",
            "ServiceDeploymentNotFoundException",
            "InvalidParameterException",
            "InvalidParameterException",
            "UnknownOperationException",
        ]
    );
    let missing = ecs
        .describe_services()
        .cluster("prod")
        .services("none")
        .send()
        .await
        .unwrap();
    assert_eq!(missing.failures()[0].reason(), Some("MISSING"));
    let inactive = ecs
        .describe_task_definition()
        .task_definition(&second)
        .send()
        .await
        .unwrap();
    let inactive = inactive.task_definition().unwrap();
    assert_eq!(inactive.status(), Some(&TaskDefinitionStatus::Inactive));
    assert_eq!(stage.service.serving().unwrap().as_deref(), Some("api:1"));
}

#[tokio::test]
async fn other_controllers_are_not_told_what_to_run() {
    let stage = Stage::set_with(Controller::CodeDeploy, 1).await;
    let second = stage.register();
    let ecs = &stage.client;
    let update = ecs
        .update_service()
        .cluster("prod")
        .service("api")
        .task_definition(second);
    assert_eq!(code!(update), "InvalidParameterException");
    let list = ecs
        .list_service_deployments()
        .cluster("prod")
        .service("api");
    assert_eq!(code!(list), "UnsupportedFeatureException");
}

#[tokio::test]
async fn a_deleted_service_takes_no_update() {
    let stage = Stage::set().await;
    stage.service.delete().unwrap();
    let update = stage.client.update_service().cluster("prod").service("api");
    assert_eq!(code!(update), "ServiceNotActiveException");
}

#[tokio::test]
async fn a_request_signed_for_another_region_is_refused() {
    let stage = Stage::set().await;
    let elsewhere = stage
        .client
        .config()
        .to_builder()
        .region(Region::new("us-east-1"))
        .build();
    let call = Client::from_conf(elsewhere).describe_clusters();
    assert_eq!(code!(call), "InvalidSignatureException");
}

#[tokio::test]
async fn the_history_comes_in_pages() {
    let stage = Stage::set().await;
    for _ in 0..44 {
        stage.deploy_whole();
    }
    let mut sizes = Vec::new();
    let mut token = None;
    loop {
        let page = stage
            .client
            .list_service_deployments()
            .cluster("prod")
            .service("api")
            .set_next_token(token)
            .send()
            .await
            .unwrap();
        sizes.push(page.service_deployments().len());
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [20, 20, 5]);
}

#[tokio::test]
async fn traffic_moves_while_nobody_asks() {
    #[derive(Debug)]
    struct RunningClock(tokio::time::Instant);
    impl smokejumper::clock::Clock for RunningClock {
        fn now(&self) -> smokejumper::clock::Moment {
            smokejumper::clock::Moment::at(self.0.elapsed())
        }
        fn wall(&self) -> smokejumper::clock::WallTime {
            smokejumper::clock::WallTime::since_unix_epoch(MINUTE + self.0.elapsed())
        }
    }
    let clock = std::sync::Arc::new(RunningClock(tokio::time::Instant::now()));
    let settings = Settings {
        rollout: Duration::from_millis(300),
        ..Settings::default()
    };
    let stand_in = StandIn::start(clock, settings).await.unwrap();
    let control = stand_in.control();
    control.create_cluster("prod").unwrap();
    let first = control.register("api", "registry.test/api:1").unwrap();
    let second = control.register("api", "registry.test/api:2").unwrap();
    let service = control
        .create_service("prod", "api", &first, 4, Controller::Ecs)
        .unwrap();
    let mut traffic = service.traffic().unwrap();
    assert_eq!(traffic.borrow_and_update().serving(), Some("api:1"));
    service.deploy(&second).unwrap();
    let mut mixed = false;
    let whole = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            traffic.changed().await.unwrap();
            let now = traffic.borrow_and_update().clone();
            mixed |= now.shares().len() == 2;
            if now.shares() == [("api:2".to_owned(), 4)] {
                break;
            }
        }
    });
    whole
        .await
        .expect("the traffic arrives at the new revision");
    assert!(mixed, "for a while both revisions answered");
}
