//! Answers that are not about what was asked: nothing is pinned, planned or proven by them.

use serde_json::{Value, json};
use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::{NoRollback, Progress, Selector, Wanted};
use smokejumper::rehearsal::ecs::{Fault, Times};

use super::stage::Stage;

/// What is done to an answer.
type Lie = fn(&mut Value);

const ELSEWHERE: &str = "arn:aws:ecs:eu-west-1:000000000000:service-deployment/prod/web/x";

#[tokio::test]
async fn an_answer_about_another_service_is_never_acted_on() {
    let lies: [Lie; 4] = [
        |service| service["serviceName"] = json!("web"),
        |service| {
            service["clusterArn"] = json!("arn:aws:ecs:eu-west-1:000000000000:cluster/staging");
        },
        |service| service["currentServiceDeployment"] = json!(ELSEWHERE),
        |service| {
            let current = &mut service["currentServiceDeployment"];
            *current = json!(current.as_str().unwrap().replace("eu-west-1", "us-east-1"));
        },
    ];
    for (number, lie) in lies.into_iter().enumerate() {
        let stage = Stage::set().await;
        stage.deploy_whole();
        let pinned = stage.pinned().await;
        let plan = stage.plan(&pinned).await;
        let lying = Fault::altered(move |answer| lie(&mut answer["services"][0]));
        stage
            .control()
            .fault("DescribeServices", lying, Times::Always);
        let errors = [
            stage.target.pin(&Selector::Current).await.unwrap_err(),
            stage.target.standing(&pinned).await.unwrap_err(),
            stage
                .target
                .plan(&pinned, &Wanted::default())
                .await
                .unwrap_err(),
            stage
                .target
                .roll_back(&plan, &stage.hand)
                .await
                .unwrap_err(),
        ];
        for error in errors {
            assert!(
                matches!(error, DeployError::Strange(_)),
                "lie {number}: {error:?}"
            );
        }
        assert!(stage.changes().is_empty(), "lie {number}");
    }
}

#[tokio::test]
async fn a_deployment_that_was_not_asked_for_is_not_taken_for_it() {
    let stage = Stage::set().await;
    stage.deploy();
    let pinned = stage.pinned().await;
    let lying = Fault::altered(|answer| {
        answer["serviceDeployments"][0]["serviceDeploymentArn"] = json!(ELSEWHERE);
    });
    stage
        .control()
        .fault("DescribeServiceDeployments", lying, Times::Always);
    let error = stage
        .target
        .plan(&pinned, &Wanted::default())
        .await
        .unwrap_err();
    assert!(matches!(error, DeployError::Strange(_)), "{error:?}");
}

#[tokio::test]
async fn a_revision_of_another_service_is_no_target() {
    let stage = Stage::set().await;
    // A service that runs something else entirely.
    let control = stage.control();
    let web = control.register("web", "registry.test/web:1").unwrap();
    let controller = smokejumper::rehearsal::ecs::Controller::Ecs;
    control
        .create_service("prod", "web", &web, 1, controller)
        .unwrap();
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    let lying = Fault::altered(|answer| {
        let source = &mut answer["serviceDeployments"][0]["sourceServiceRevisions"][0]["arn"];
        *source = json!(source.as_str().unwrap().replace("/api/", "/web/"));
    });
    control.fault("DescribeServiceDeployments", lying, Times::Next(1));
    // The history of the service itself is asked then.
    assert_eq!(stage.plan(&pinned).await.target.label, "api:1");
}

#[tokio::test]
async fn a_task_definition_that_was_not_asked_for_does_not_pass_for_the_target() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    let lying = Fault::altered(|answer| {
        let definition = &mut answer["taskDefinition"]["taskDefinitionArn"];
        *definition = json!(definition.as_str().unwrap().replace("api:1", "api:2"));
    });
    stage
        .control()
        .fault("DescribeTaskDefinition", lying, Times::Always);
    let no = stage.no_plan(&pinned).await;
    assert!(matches!(no, NoRollback::NotRollbackable(_)), "{no:?}");
}

#[tokio::test]
async fn what_is_left_out_is_never_read_as_done() {
    let cases: [(&str, Lie); 5] = [
        ("DescribeServices", |answer| {
            answer["services"][0]["deployments"] = json!([]);
        }),
        ("DescribeServices", |answer| {
            answer["services"][0]["deployments"][0] = json!({ "status": "PRIMARY" });
        }),
        ("DescribeServiceDeployments", |answer| {
            answer["serviceDeployments"][0]["status"] = json!("SOMETHING_NEW");
        }),
        ("DescribeServiceRevisions", |answer| {
            answer["serviceRevisions"] = json!([]);
        }),
        ("ListTasks", |answer| answer["taskArns"] = json!([])),
    ];
    for (operation, leave_out) in cases {
        let stage = Stage::set().await;
        stage.deploy_whole();
        let plan = stage.plan(&stage.pinned().await).await;
        let started = stage
            .target
            .roll_back(&plan, &stage.hand)
            .await
            .unwrap()
            .unwrap();
        stage.finish();
        stage
            .control()
            .fault(operation, Fault::altered(leave_out), Times::Always);
        let progress = stage.target.progress(&started).await;
        assert!(
            matches!(
                progress,
                Ok(Progress::Running(_)) | Err(DeployError::Strange(_))
            ),
            "{operation}: {progress:?}"
        );
    }
}
