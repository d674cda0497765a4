//! `watch` in a task on ECS: without `--deployment` it asks the task metadata endpoint which
//! deployment is its own, and with it it does not. `serve` in a task watches others as well.

use std::sync::Arc;

use smokejumper::rehearsal::toy::Ailment;

use super::program::Program;
use super::serve::{Serving, shop};
use super::watch::{CONFIGURATION, program, settings, stage};
use crate::deploy::stage::client;
use crate::harness::http_peer::{Does, Peer, answer};

/// A task metadata endpoint that answers every request with this document.
async fn endpoint(document: serde_json::Value) -> Peer {
    let body = document.to_string().into_bytes();
    let does = Does::Answers(Arc::new(move |_| answer("200 OK", &[], &body)));
    Peer::start(does).await
}

fn in_a_task(program: Program, peer: &Peer) -> Program {
    program.env("ECS_CONTAINER_METADATA_URI_V4", &peer.url("/v4/abc"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_of_the_old_revision_does_not_judge_the_deployment_that_replaces_it() {
    let incident = stage(Ailment::Outage, settings()).await;
    let ecs = client(&incident.ecs.endpoint_url());
    let tasks = ecs.list_tasks().cluster("demo").send().await.unwrap();
    let own = tasks.task_arns().first().unwrap().clone();
    let peer = endpoint(serde_json::json!({ "Cluster": "demo", "TaskARN": own })).await;
    incident.release().unwrap();
    let program = in_a_task(program(&incident, CONFIGURATION), &peer);
    let ran = program.run(&["watch"]).await;
    ran.expect(2);
    assert!(
        ran.stderr.contains("shop:1") && ran.stderr.contains("was replaced by ecs-svc/"),
        "{}",
        ran.all()
    );
    assert!(incident.ecs.control().mutating_calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_named_goes_before_the_own_one() {
    let incident = stage(Ailment::Outage, settings()).await;
    let peer = endpoint(serde_json::json!({})).await;
    let program = in_a_task(program(&incident, CONFIGURATION), &peer);
    let ran = program.run(&["watch"]).await;
    assert!(
        ran.expect(3).stderr.contains("names no task"),
        "{}",
        ran.all()
    );
    assert_eq!(peer.asked().len(), 1);
    let ran = program.run(&["watch", "--deployment", "ecs-svc/0"]).await;
    assert!(
        ran.expect(2).stderr.contains("has no deployment ecs-svc/0"),
        "{}",
        ran.all()
    );
    assert_eq!(peer.asked().len(), 1, "not asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_task_that_says_odd_things_or_nothing_the_deployments_of_others_are_seen() {
    let of_another = serde_json::json!({
        // As documented for version 4, of a task that nobody's service started, on an instance.
        "Cluster": "arn:aws:ecs:us-west-2:111122223333:cluster/other",
        "TaskARN": "arn:aws:ecs:us-west-2:111122223333:task/other/158d1c8083dd49d6b527399fd6414f5c",
        "Family": "smokejumper", "Revision": "26", "DesiredStatus": "RUNNING", "KnownStatus": "RUNNING",
        "LaunchType": "EC2", "AvailabilityZone": "us-west-2d", "Containers": []
    });
    let says = |status: &'static str, body: Vec<u8>| {
        Does::Answers(Arc::new(move |_| answer(status, &[], &body)))
    };
    let cases = [
        says("200 OK", of_another.to_string().into_bytes()),
        says(
            "200 OK",
            br#"{"Family":"smokejumper","Revision":"26"}"#.to_vec(),
        ),
        says("404 Not Found", b"no such task".to_vec()),
        Does::Hangs,
    ];
    for does in cases {
        let peer = Peer::start(does).await;
        let (incident, program) = shop(Ailment::Healthy).await;
        let program = program.env("ECS_CONTAINER_METADATA_URI_V4", &peer.url("/v4/abc"));
        let serving = Serving::start(&program);
        serving.until_told("watching").await;
        incident.release().expect("deployed");
        serving.until_told("shop:3 is new: window").await;
        serving.signal("-KILL");
        serving.ended().await;
    }
}
