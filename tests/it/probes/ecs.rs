//! The kind `ecs`, asked of the stand-in by the SDK's own client.

use std::time::Duration;

use serde_json::json;
use smokejumper::probe::attempt::Conditions;
use smokejumper::rehearsal::ecs::{Controller, Crash};
use smokejumper::sample::Reason;

use super::cloud::Cloud;
use crate::cli::program::Program;
use crate::deploy::stage::Stage;
use crate::harness::probing::{build, fault, passed, reading};

fn crash(cloud: &Cloud, code: &'static str, reason: &'static str) {
    let service = &cloud.stage.service;
    let running = service.running().expect("the service is there");
    let last = running.last().expect("a task runs");
    let crash = Crash {
        code,
        reason,
        exit_code: Some(137),
    };
    service.crash(&last.id, crash).expect("the task is there");
}

#[tokio::test]
async fn a_service_whose_tasks_stay_up_passes() {
    let cloud = Cloud::set().await;
    let sample = cloud.ask("ecs", json!({})).await;
    passed(&sample);
    for (name, count) in [("desired", 2.0), ("running", 2.0), ("failed_tasks", 0.0)] {
        assert_eq!(reading(&sample, name), count, "{name}");
    }
    cloud.stage.deploy_whole();
    let sample = cloud
        .ask("ecs", json!({"cluster": "prod", "service": "api"}))
        .await;
    passed(&sample);
    assert_eq!(
        reading(&sample, "stopped_tasks"),
        0.0,
        "those were of the version before"
    );
}

#[tokio::test]
async fn a_task_that_stopped_by_itself_since_the_deployment_fails_it() {
    let cloud = Cloud::set().await;
    crash(&cloud, "EssentialContainerExited", "of the version before");
    cloud.stage.deploy_whole();
    passed(&cloud.ask("ecs", json!({})).await);

    crash(
        &cloud,
        "EssentialContainerExited",
        "Essential container in task exited",
    );
    cloud.stage.finish();
    let sample = cloud.ask("ecs", json!({})).await;
    let met = fault(&sample, Reason::Expectation);
    let told = "failed_tasks: expected 0, got 1; one: Essential container in task exited (";
    assert!(met.detail.starts_with(told), "{}", met.detail);
    assert!(met.detail.contains("ended with 137"), "{}", met.detail);
    passed(
        &cloud
            .ask("ecs", json!({"expect": {"failed_tasks": {"le": 1}}}))
            .await,
    );
}

#[tokio::test]
async fn a_task_that_failed_is_found_behind_a_hundred_others_that_stopped() {
    let cloud = Cloud::set_with(Controller::Ecs, 150).await;
    cloud.stage.deploy_whole();
    crash(&cloud, "EssentialContainerExited", "the last of them");
    cloud.stage.finish();
    let sample = cloud.ask("ecs", json!({})).await;
    let met = fault(&sample, Reason::Expectation);
    assert!(met.detail.contains("the last of them"), "{}", met.detail);
    assert_eq!(reading(&sample, "failed_tasks"), 1.0);
}

#[tokio::test]
async fn of_a_service_that_another_controller_moves_the_newest_task_set_is_judged() {
    let cloud = Cloud::set_with(Controller::External, 4).await;
    let (stage, service) = (&cloud.stage, &cloud.stage.service);
    passed(&cloud.ask("ecs", json!({})).await);
    crash(&cloud, "EssentialContainerExited", "of the set before");
    stage.clock.pass(Duration::from_secs(60));
    let second = stage.register();
    let set = service
        .create_task_set(&second, 50)
        .expect("it can be made");
    stage.finish();
    let sample = cloud.ask("ecs", json!({})).await;
    passed(&sample);
    for (name, count) in [("desired", 2.0), ("running", 2.0), ("stopped_tasks", 0.0)] {
        assert_eq!(reading(&sample, name), count, "{name}");
    }
    let running = service.running().expect("the service is there");
    let own = running.iter().find(|task| task.started_by == set);
    let ended = Crash {
        code: "EssentialContainerExited",
        reason: "of the newest set",
        exit_code: Some(1),
    };
    let own = own.expect("it runs tasks");
    service.crash(&own.id, ended).expect("the task is there");
    let met = cloud.ask("ecs", json!({})).await;
    let met = fault(&met, Reason::Expectation);
    assert!(met.detail.contains("of the newest set"), "{}", met.detail);
}

#[tokio::test]
async fn a_task_that_was_taken_away_is_noted_and_one_that_failed_its_health_checks_is_not_well() {
    let cloud = Cloud::set().await;
    crash(
        &cloud,
        "SpotInterruption",
        "Your Spot Task was interrupted.",
    );
    cloud.stage.finish();
    let sample = cloud.ask("ecs", json!({})).await;
    passed(&sample);
    assert_eq!(reading(&sample, "stopped_tasks"), 1.0);
    assert!(sample.notes[0].contains("Spot"), "{:?}", sample.notes);
    crash(
        &cloud,
        "ServiceSchedulerInitiated",
        "Task failed ELB health checks in (target-group api)",
    );
    cloud.stage.finish();
    fault(&cloud.ask("ecs", json!({})).await, Reason::Expectation);
}

#[tokio::test]
async fn a_rollout_that_goes_on_decides_nothing_and_a_service_that_is_not_there_neither() {
    let cloud = Cloud::set().await;
    cloud.stage.deploy();
    crash(&cloud, "UserInitiated", "somebody stopped it");
    let first = cloud.stage.service.running().expect("there")[0].id.clone();
    let stop = Crash {
        code: "UserInitiated",
        reason: "and another",
        exit_code: None,
    };
    cloud.stage.service.crash(&first, stop).expect("there");
    let sample = cloud.ask("ecs", json!({})).await;
    if let Some(met) = &sample.fault {
        assert_eq!(met.reason, Reason::Undecided, "{sample:?}");
    }
    let sample = cloud.ask("ecs", json!({"service": "absent"})).await;
    let met = fault(&sample, Reason::NoData);
    assert!(met.detail.contains("absent"), "{}", met.detail);
    fault(
        &cloud.ask("ecs", json!({"cluster": "absent"})).await,
        Reason::NoData,
    );
}

#[tokio::test]
async fn a_cloud_that_hangs_resets_or_sends_garbage_teaches_nothing() {
    let cloud = Cloud::set().await;
    let probe = cloud.probe("ecs", json!({}));
    for (trouble, reason, detail) in [
        (
            "throttled",
            Reason::Throttled,
            "AWS throttles ecs:ListTasks",
        ),
        ("denied", Reason::SourceDenied, "ecs:ListTasks"),
        ("expired", Reason::SourceDenied, "renew them"),
        ("fails", Reason::SourceDown, "ecs:ListTasks"),
        ("garbage", Reason::SourceDown, "ecs:ListTasks"),
        ("resets", Reason::SourceDown, "ecs:ListTasks"),
        (
            "hangs",
            Reason::SourceDown,
            "ECS: no whole answer within 2s",
        ),
    ] {
        let sample = cloud.in_trouble(&*probe, "ListTasks", trouble).await;
        let met = fault(&sample, reason);
        assert!(met.detail.contains(detail), "{trouble}: {}", met.detail);
        assert!(!met.detail.contains("canary"), "{}", met.detail);
    }
    passed(
        &cloud
            .run(&*probe, Duration::from_secs(30), Conditions::default())
            .await,
    );
    fault(&cloud.refused("ecs", json!({})).await, Reason::SourceDown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_without_a_word_asks_about_the_deployment_of_its_own_service() {
    let stage = Stage::set().await;
    let configuration = "
services:
  api: { deployment: { ecs: { cluster: prod, service: api } } }
  other: { deployment: { ecs: { cluster: prod, service: other } } }
checks:
  tasks: { service: api, ecs: {} }
";
    let program = Program::with(configuration).aws(&stage.stand_in.endpoint_url());
    let ran = program.run(&["gate", "--report", "json"]).await;
    let report = ran.expect(0).json();
    assert_eq!(report["verdict"], "pass", "{}", ran.all());
}

#[test]
fn settings_that_cannot_work_are_all_named() {
    for (settings, number) in [
        (json!({}), 2),
        (json!({"cluster": "a", "service": " "}), 1),
        (
            json!({"cluster": "a", "service": "b", "expect": {"runing": 2}}),
            1,
        ),
        (
            json!({"cluster": "a", "service": "b", "endpoint": "ftp://x"}),
            1,
        ),
    ] {
        let Err(misfits) = build("ecs", settings.clone()) else {
            panic!("{settings} is accepted")
        };
        assert_eq!(misfits.len(), number, "{settings}: {misfits:?}");
    }
}
