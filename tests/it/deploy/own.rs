//! In a sidecar: the task metadata endpoint says which task we are, and ECS which deployment
//! started it. Somebody else's deployment is never judged in its place.

use std::sync::Arc;

use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::{Deployment, Selector};
use smokejumper::rehearsal::ecs::{BreakerEnd, Controller, Fault, Times};

use super::stage::{LAG, Stage};
use crate::harness::http_peer::{Does, Peer, answer};

/// The task metadata endpoint as the task of this ARN sees it.
async fn endpoint(cluster: &str, arn: &str) -> Peer {
    let task = serde_json::json!({
        "Cluster": cluster,
        "TaskARN": arn,
        "Family": "api",
        "Revision": "1",
        "DesiredStatus": "RUNNING",
        "KnownStatus": "RUNNING",
        "Containers": [],
    });
    let body = task.to_string().into_bytes();
    Peer::start(Does::Answers(Arc::new(move |asked| match asked.path() {
        "/v4/abc/task" => answer("200 OK", &["content-type: application/json"], &body),
        _ => answer("404 Not Found", &[], b""),
    })))
    .await
}

/// The ARN of a running task that this revision runs in.
async fn task_of(stage: &Stage, definition: &str) -> String {
    let listed = stage.client.list_tasks().cluster("prod").send().await;
    let arns = listed.unwrap().task_arns.unwrap_or_default();
    let described = stage.client.describe_tasks().cluster("prod");
    let described = described.set_tasks(Some(arns)).send().await.unwrap();
    let mut tasks = described.tasks().iter();
    let task = tasks.find(|task| {
        task.task_definition_arn()
            .is_some_and(|arn| arn.ends_with(definition))
    });
    task.unwrap().task_arn().unwrap().to_owned()
}

async fn pin(stage: &Stage, peer: &Peer) -> Result<Deployment, DeployError> {
    let own = Selector::Own(peer.url("/v4/abc"));
    stage.target.pin(&own).await
}

#[tokio::test]
async fn the_deployment_that_started_the_own_task_is_judged() {
    let stage = Stage::set().await;
    let judged = stage.deploy_whole();
    let peer = endpoint("prod", &task_of(&stage, "api:2").await).await;
    let pinned = pin(&stage, &peer).await.unwrap();
    assert_eq!(pinned.id, judged);
    assert_eq!(pinned.revision.label, "api:2");
    let [asked] = peer.asked().try_into().unwrap();
    assert_eq!(asked.path(), "/v4/abc/task");
    peer.all_closed().await;
}

#[tokio::test]
async fn a_task_that_codedeploy_s_deployment_brought_judges_that_one_in_flight_and_after() {
    let stage = Stage::set_with(Controller::CodeDeploy, 1).await;
    let control = stage.control();
    let group = control.codedeploy(("shop", "blue-green"), ("prod", "api"));
    let judged = group.deploy(&stage.register()).unwrap();
    stage.clock.pass(LAG);
    control.advance();
    let peer = endpoint("prod", &task_of(&stage, "api:2").await).await;
    for _ in 0..2 {
        let pinned = pin(&stage, &peer).await.unwrap();
        assert_eq!(pinned.id, judged);
        assert_eq!(pinned.revision.label, "api:2");
        stage.finish();
    }
}

#[tokio::test]
async fn a_task_of_another_service_or_cluster_judges_what_is_current() {
    let stage = Stage::set().await;
    let judged = stage.deploy_whole();
    let control = stage.control();
    let other = control.register("tool", "registry.test/tool:1").unwrap();
    control
        .create_service("prod", "tool", &other, 1, Controller::Ecs)
        .unwrap();
    let beside = task_of(&stage, "tool:1").await;
    let elsewhere = "arn:aws:ecs:eu-west-1:000000000000:task/staging/0123";
    for (cluster, arn) in [("prod", beside.as_str()), ("staging", elsewhere)] {
        let peer = endpoint(cluster, arn).await;
        assert_eq!(pin(&stage, &peer).await.unwrap().id, judged, "{arn}");
    }
}

#[tokio::test]
async fn a_task_that_codedeploy_started_judges_the_deployment_that_made_its_task_set() {
    let stage = Stage::set_with(Controller::CodeDeploy, 1).await;
    let control = stage.control();
    let group = control.codedeploy(("shop", "blue-green"), ("prod", "api"));
    let made = group.deploy(&stage.register()).unwrap();
    // The new task set runs beside the old one.
    stage.clock.pass(LAG);
    control.advance();
    let peer = endpoint("prod", &task_of(&stage, "api:2").await).await;
    let pinned = pin(&stage, &peer).await.unwrap();
    assert_eq!(
        (pinned.id.as_str(), pinned.revision.label.as_str()),
        (made.as_str(), "api:2")
    );
}

#[tokio::test]
async fn a_task_whose_deployment_was_replaced_judges_nothing() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let own = task_of(&stage, "api:2").await;
    let peer = endpoint("prod", &own).await;
    stage.deploy();
    let error = pin(&stage, &peer).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Declared(text)
            if text.contains("api:2") && text.contains("replaced by ecs-svc/")),
        "{error:?}"
    );
    // And when nothing of it is shown any more.
    stage.finish();
    let error = pin(&stage, &peer).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Declared(text) if text.contains("replaced")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_task_that_a_rollback_started_does_not_judge_the_deployment_that_was_undone() {
    let stage = Stage::set().await;
    stage.deploy();
    stage
        .service
        .trip_circuit_breaker(BreakerEnd::RollBack)
        .unwrap();
    stage.finish();
    let peer = endpoint("prod", &task_of(&stage, "api:1").await).await;
    let error = pin(&stage, &peer).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Declared(text) if text.contains("a rollback is not judged")),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_ecs_does_not_show_yet_is_waited_for() {
    let stage = Stage::set().await;
    stage.deploy();
    stage.clock.pass(LAG * 5);
    let peer = endpoint("prod", &task_of(&stage, "api:2").await).await;
    let control = stage.control();
    let unseen = Fault::altered(|answer| answer["tasks"] = serde_json::json!([]));
    control.fault("DescribeTasks", unseen, Times::Next(1));
    let error = pin(&stage, &peer).await.unwrap_err();
    assert!(matches!(error, DeployError::Passing(_)), "{error:?}");
    // The service as it was before the deployment: its primary entry is older than the task.
    let stale = Fault::altered(|answer| {
        let entries = answer["services"][0]["deployments"].as_array_mut();
        entries.unwrap().remove(0);
        answer["services"][0]["deployments"][0]["status"] = "PRIMARY".into();
    });
    control.fault("DescribeServices", stale, Times::Always);
    let error = pin(&stage, &peer).await.unwrap_err();
    assert!(
        matches!(&error, DeployError::Passing(text) if text.contains("yet")),
        "{error:?}"
    );
    control.clear_faults();
    assert_eq!(pin(&stage, &peer).await.unwrap().revision.label, "api:2");
}

#[tokio::test]
async fn an_endpoint_that_fails_is_asked_again_and_one_that_talks_nonsense_is_not() {
    let stage = Stage::set().await;
    let passing = [
        Peer::answering(answer("500 Internal Server Error", &[], b"{}")).await,
        Peer::answering(answer("429 Too Many Requests", &[], b"")).await,
        Peer::start(Does::Resets).await,
        Peer::start(Does::Closes).await,
        Peer::start(Does::Says(b"no HTTP at all\r\n\r\n".to_vec())).await,
        Peer::start(Does::Floods("HTTP/1.1 200 OK\r\n\r\n", 64)).await,
        Peer::start(Does::Hangs).await,
        Peer::start(Does::Drips("HTTP/1.1 200 OK\r\n\r\n")).await,
    ];
    let asked = passing.iter().map(|peer| pin(&stage, peer));
    for (place, pinned) in futures_util::future::join_all(asked)
        .await
        .iter()
        .enumerate()
    {
        assert!(
            matches!(pinned, Err(DeployError::Passing(text)) if text.contains("/v4/abc")),
            "{place}: {pinned:?}"
        );
    }
    let strange: [&[u8]; 4] = [
        b"<html></html>",
        b"{}",
        b"{\"Cluster\":\"prod\",\"TaskARN\":\"\"}",
        b"[]",
    ];
    for body in strange {
        let peer = Peer::answering(answer("200 OK", &[], body)).await;
        let error = pin(&stage, &peer).await.unwrap_err();
        assert!(
            matches!(&error, DeployError::Strange(text) if text.contains("--deployment")),
            "{error:?}"
        );
    }
    let gone = Peer::answering(answer("404 Not Found", &[], b"{}")).await;
    let error = pin(&stage, &gone).await.unwrap_err();
    assert!(matches!(error, DeployError::Strange(_)), "{error:?}");
    let secure = Selector::Own("https://127.0.0.1:1/v4".to_owned());
    let error = stage.target.pin(&secure).await.unwrap_err();
    assert!(matches!(error, DeployError::Declared(_)), "{error:?}");
    // No task is asked after for an endpoint that named none.
    let calls = stage.control().calls();
    assert!(
        calls
            .iter()
            .all(|call| call.operation == "DescribeServices")
    );
}
