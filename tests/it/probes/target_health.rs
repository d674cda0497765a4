//! The kind `target_health`, asked of the stand-in by the SDK's own client.

use std::time::Duration;

use serde_json::json;
use smokejumper::probe::attempt::Conditions;
use smokejumper::rehearsal::ecs::{Fault, TargetState, Times};
use smokejumper::sample::Reason;

use super::cloud::Cloud;
use crate::harness::probing::{build, fault, passed, reading};

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/api/0123456789abcdef";

fn target(id: &str, state: &'static str, reason: Option<&'static str>) -> TargetState {
    TargetState {
        id: id.to_owned(),
        port: 8080,
        state,
        reason,
    }
}

#[tokio::test]
async fn targets_are_counted_and_each_that_is_ill_is_told_with_its_reason() {
    let cloud = Cloud::set().await;
    let control = cloud.stage.control();
    control.targets(
        GROUP,
        &[
            target("10.0.0.1", "healthy", None),
            target("10.0.0.2", "initial", None),
        ],
    );
    let sample = cloud
        .ask("target_health", json!({"target_group": GROUP}))
        .await;
    passed(&sample);
    for (name, count) in [
        ("healthy", 1.0),
        ("initial", 1.0),
        ("unhealthy", 0.0),
        ("targets", 2.0),
    ] {
        assert_eq!(reading(&sample, name), count, "{name}");
    }
    control.targets(
        GROUP,
        &[
            target("10.0.0.1", "healthy", None),
            target("10.0.0.2", "unhealthy", Some("Target.Timeout")),
            target(
                "10.0.0.3",
                "draining",
                Some("Target.DeregistrationInProgress"),
            ),
        ],
    );
    let sample = cloud
        .ask("target_health", json!({"target_group": GROUP}))
        .await;
    let met = fault(&sample, Reason::Expectation);
    let told =
        "unhealthy targets: expected 0, got 1; 10.0.0.2:8080 Target.Timeout (1 more not evaluated)";
    assert_eq!(met.detail, told);
    let lax = json!({"target_group": GROUP, "expect": {"unhealthy": {"le": 1}, "healthy": 1}});
    passed(&cloud.ask("target_health", lax).await);
}

#[tokio::test]
async fn the_target_groups_of_the_service_are_asked_without_a_word() {
    let cloud = Cloud::set().await;
    let sample = cloud.ask("target_health", json!({})).await;
    let met = fault(&sample, Reason::NoData);
    assert!(met.detail.contains("in no target group"), "{}", met.detail);

    let control = cloud.stage.control();
    let balanced = Fault::altered(|answer| {
        answer["services"][0]["loadBalancers"] =
            json!([{ "targetGroupArn": GROUP, "containerName": "api", "containerPort": 80 }]);
    });
    control.fault("DescribeServices", balanced, Times::Always);
    control.targets(GROUP, &[target("10.0.0.1", "healthy", None)]);
    passed(&cloud.ask("target_health", json!({})).await);
}

#[tokio::test]
async fn a_service_that_is_deployed_blue_and_green_is_asked_by_what_is_newest() {
    const GREEN: &str =
        "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/green/0123456789abcdef";
    let cloud = Cloud::set().await;
    let control = cloud.stage.control();
    control.targets(GROUP, &[target("10.0.0.1", "healthy", None)]);
    control.targets(GREEN, &[target("10.0.0.2", "unhealthy", None)]);
    let of_sets = Fault::altered(|answer| {
        let service = &mut answer["services"][0];
        let set = |id: &str, created: u32, status: &str, group: &str| {
            json!({ "id": id, "createdAt": created, "status": status,
                    "loadBalancers": [{ "targetGroupArn": group }] })
        };
        service["loadBalancers"] = json!([{ "targetGroupArn": GROUP }]);
        service["taskSets"] = json!([
            set("blue", 1, "PRIMARY", GROUP),
            set("green", 2, "ACTIVE", GREEN),
            set("gone", 3, "DRAINING", GROUP),
        ]);
    });
    control.fault("DescribeServices", of_sets, Times::Always);
    let sample = cloud.ask("target_health", json!({})).await;
    fault(&sample, Reason::Expectation);
    assert_eq!(reading(&sample, "targets"), 1.0);
    control.clear_faults();

    let by_ecs = Fault::altered(|answer| {
        let advanced = json!({ "alternateTargetGroupArn": GREEN });
        answer["services"][0]["loadBalancers"] =
            json!([{ "targetGroupArn": GROUP, "advancedConfiguration": advanced }]);
    });
    control.fault("DescribeServices", by_ecs, Times::Always);
    let sample = cloud.ask("target_health", json!({})).await;
    fault(&sample, Reason::Expectation);
    assert_eq!(reading(&sample, "targets"), 2.0);
}

#[tokio::test]
async fn a_group_without_targets_fails_and_one_that_is_not_used_says_nothing() {
    let cloud = Cloud::set().await;
    let control = cloud.stage.control();
    let sample = cloud
        .ask("target_health", json!({"target_group": GROUP}))
        .await;
    let met = fault(&sample, Reason::NoData);
    assert!(met.detail.contains("TargetGroupNotFound"), "{}", met.detail);
    control.targets(GROUP, &[]);
    let sample = cloud
        .ask("target_health", json!({"target_group": GROUP}))
        .await;
    fault(&sample, Reason::Expectation);
    control.targets(
        GROUP,
        &[target("10.0.0.1", "unused", Some("Target.NotInUse"))],
    );
    let sample = cloud
        .ask("target_health", json!({"target_group": GROUP}))
        .await;
    fault(&sample, Reason::NoData);
}

#[tokio::test]
async fn a_cloud_that_hangs_resets_or_sends_garbage_teaches_nothing() {
    let cloud = Cloud::set().await;
    cloud
        .stage
        .control()
        .targets(GROUP, &[target("10.0.0.1", "healthy", None)]);
    let probe = cloud.probe("target_health", json!({"target_group": GROUP}));
    let action = "elasticloadbalancing:DescribeTargetHealth";
    for (trouble, reason, detail) in [
        ("throttled", Reason::Throttled, action),
        ("denied", Reason::SourceDenied, action),
        ("expired", Reason::SourceDenied, "renew them"),
        ("fails", Reason::SourceDown, action),
        ("garbage", Reason::SourceDown, action),
        ("resets", Reason::SourceDown, action),
        (
            "hangs",
            Reason::SourceDown,
            "Elastic Load Balancing: no whole answer within 2s",
        ),
    ] {
        let sample = cloud
            .in_trouble(&*probe, "DescribeTargetHealth", trouble)
            .await;
        let met = fault(&sample, reason);
        assert!(met.detail.contains(detail), "{trouble}: {}", met.detail);
        assert!(!met.detail.contains("canary"), "{}", met.detail);
    }
    passed(
        &cloud
            .run(&*probe, Duration::from_secs(30), Conditions::default())
            .await,
    );
    let sample = cloud
        .refused("target_health", json!({"target_group": GROUP}))
        .await;
    fault(&sample, Reason::SourceDown);
}

#[test]
fn settings_that_cannot_work_are_all_named() {
    for (settings, number) in [
        (json!({}), 1),
        (json!({"target_group": "api"}), 1),
        (json!({"target_group": GROUP, "service": "api"}), 1),
        (json!({"target_group": GROUP, "expect": {"helthy": 1}}), 1),
    ] {
        let Err(misfits) = build("target_health", settings.clone()) else {
            panic!("{settings} is accepted")
        };
        assert_eq!(misfits.len(), number, "{settings}: {misfits:?}");
    }
}
