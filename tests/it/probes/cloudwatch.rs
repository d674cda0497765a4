//! The kind `cloudwatch`, asked of the stand-in by the SDK's own client.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::clock::{Clock as _, WallTime};
use smokejumper::probe::attempt::Conditions;
use smokejumper::sample::{Reason, Unit};

use super::cloud::Cloud;
use crate::harness::probing::{build, fault, passed, reading};

/// A value whose period has ended just before what counts as whole.
fn value(cloud: &Cloud, namespace: &str, name: &str, value: f64) {
    at(cloud, namespace, name, Duration::from_secs(180), value);
}

/// A value whose period began so long ago.
fn at(cloud: &Cloud, namespace: &str, name: &str, age: Duration, value: f64) {
    let now = cloud.stage.clock.wall().unix();
    let began = WallTime::since_unix_epoch(Duration::from_secs((now - age).as_secs()));
    cloud.stage.control().metric(namespace, name, began, value);
}

fn one(more: &Value) -> Value {
    let mut settings = json!({
        "metric": {"namespace": "AWS/SQS", "name": "Age", "dimensions": {"QueueName": "orders"}},
    });
    let whole = settings.as_object_mut().expect("a mapping");
    whole.extend(more.as_object().expect("a mapping").clone());
    settings
}

#[tokio::test]
async fn the_newest_whole_value_is_read_and_judged() {
    let cloud = Cloud::set().await;
    at(&cloud, "AWS/SQS", "Age", Duration::from_secs(240), 5.0);
    value(&cloud, "AWS/SQS", "Age", 7.5);
    at(&cloud, "AWS/SQS", "Age", Duration::from_secs(120), 99.0);
    let sample = cloud
        .ask("cloudwatch", one(&json!({"expect": {"value": {"lt": 10}}})))
        .await;
    passed(&sample);
    assert_eq!(reading(&sample, "value"), 7.5);
    let sample = cloud
        .ask("cloudwatch", one(&json!({"expect": {"value": {"lt": 7}}})))
        .await;
    let met = fault(&sample, Reason::Expectation);
    assert_eq!(met.detail, "value: expected { lt: 7 }, got 7.5");
    let soon = one(&json!({"delay": "60s"}));
    assert_eq!(reading(&cloud.ask("cloudwatch", soon).await, "value"), 99.0);
}

#[tokio::test]
async fn what_a_missing_value_means_is_as_the_check_says() {
    let cloud = Cloud::set().await;
    at(&cloud, "AWS/SQS", "Age", Duration::from_secs(900), 5.0);
    let met = cloud.ask("cloudwatch", one(&json!({}))).await;
    let met = fault(&met, Reason::NoData);
    assert_eq!(met.detail, "no value of value in the 3m up to 2m ago");
    fault(
        &cloud
            .ask("cloudwatch", one(&json!({"missing": "fail"})))
            .await,
        Reason::Expectation,
    );
    let sample = cloud
        .ask("cloudwatch", one(&json!({"missing": "ok"})))
        .await;
    passed(&sample);
    assert!(
        sample.readings.is_empty() && sample.notes.len() == 1,
        "{sample:?}"
    );
    let zero = one(&json!({"missing": 0, "expect": {"value": {"gt": 0}}}));
    let sample = cloud.ask("cloudwatch", zero).await;
    fault(&sample, Reason::Expectation);
    assert_eq!(reading(&sample, "value"), 0.0);
}

#[tokio::test]
async fn several_metrics_and_metric_math_are_readings() {
    let cloud = Cloud::set().await;
    value(&cloud, "App", "Errors", 3.0);
    value(&cloud, "App", "Duration", 250.0);
    value(&cloud, "expression", "100 * errors / 60", 5.0);
    let sample = cloud
        .ask(
            "cloudwatch",
            json!({
                "metrics": {
                    "errors": {"namespace": "App", "name": "Errors", "statistic": "Sum"},
                    "share": {"expression": "100 * errors / 60"},
                    "took": {
                        "namespace": "App", "name": "Duration", "statistic": "p95",
                        "unit": "milliseconds",
                    },
                },
                "expect": {"share": {"le": 5}, "errors": {"le": 2}},
            }),
        )
        .await;
    let met = fault(&sample, Reason::Expectation);
    assert!(met.detail.starts_with("errors: "), "{}", met.detail);
    assert_eq!(reading(&sample, "share"), 5.0);
    let took = sample
        .readings
        .iter()
        .find(|it| &*it.name == "took")
        .expect("a reading");
    assert_eq!((took.value, took.unit), (0.25, Unit::Seconds));
}

#[tokio::test]
async fn the_ready_made_sets_know_their_metrics() {
    let cloud = Cloud::set().await;
    for (namespace, name, number) in [
        ("AWS/ECS", "CPUUtilization", 12.0),
        ("AWS/ECS", "MemoryUtilization", 55.0),
        ("AWS/ApplicationELB", "RequestCount", 200.0),
        ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", 3.0),
        ("AWS/ApplicationELB", "TargetResponseTime", 0.3),
        ("AWS/RDS", "CPUUtilization", 40.0),
        ("AWS/RDS", "DatabaseConnections", 17.0),
        ("AWS/RDS", "FreeStorageSpace", 5e9),
    ] {
        value(&cloud, namespace, name, number);
    }
    let sample = cloud.ask("cloudwatch", json!({"ecs": {}})).await;
    passed(&sample);
    assert_eq!(reading(&sample, "memory"), 55.0);
    let alb = json!({"alb": {
        "load_balancer": "arn:aws:elasticloadbalancing:eu-west-1:0:loadbalancer/app/api/1",
        "target_group": "arn:aws:elasticloadbalancing:eu-west-1:0:targetgroup/api/2",
    }});
    let sample = cloud.ask("cloudwatch", alb).await;
    passed(&sample);
    assert_eq!(reading(&sample, "error_share"), 0.015);
    assert_eq!(reading(&sample, "response_time_p95"), 0.3);
    let sample = cloud
        .ask("cloudwatch", json!({"rds": {"instance": "api"}}))
        .await;
    passed(&sample);
    assert_eq!(reading(&sample, "connections"), 17.0);
    assert!(
        sample.readings.iter().all(|it| &*it.name != "replica_lag"),
        "it is no replica"
    );
}

#[tokio::test]
async fn a_cloud_that_hangs_resets_or_sends_garbage_teaches_nothing() {
    let cloud = Cloud::set().await;
    value(&cloud, "AWS/SQS", "Age", 1.0);
    let probe = cloud.probe("cloudwatch", one(&json!({})));
    for (trouble, reason, detail) in [
        (
            "throttled",
            Reason::Throttled,
            "AWS throttles cloudwatch:GetMetricData",
        ),
        ("denied", Reason::SourceDenied, "cloudwatch:GetMetricData"),
        ("expired", Reason::SourceDenied, "renew them"),
        ("fails", Reason::SourceDown, "cloudwatch:GetMetricData"),
        ("garbage", Reason::SourceDown, "cloudwatch:GetMetricData"),
        ("resets", Reason::SourceDown, "cloudwatch:GetMetricData"),
        (
            "hangs",
            Reason::SourceDown,
            "CloudWatch: no whole answer within 2s",
        ),
    ] {
        let sample = cloud.in_trouble(&*probe, "GetMetricData", trouble).await;
        let met = fault(&sample, reason);
        assert!(met.detail.contains(detail), "{trouble}: {}", met.detail);
        assert!(!met.detail.contains("canary"), "{}", met.detail);
    }
    passed(
        &cloud
            .run(&*probe, Duration::from_secs(30), Conditions::default())
            .await,
    );
    fault(
        &cloud.refused("cloudwatch", one(&json!({}))).await,
        Reason::SourceDown,
    );
}

#[test]
fn settings_that_cannot_work_are_all_named() {
    let metric = json!({"namespace": "A", "name": "b"});
    for (settings, number) in [
        (json!({}), 1),
        (json!({"metric": {"name": "b"}}), 1 + 1),
        (json!({"metrics": {"Bad name": metric}}), 1),
        (json!({"metric": metric, "expect": {"vlaue": 1}}), 1),
        (json!({"metric": metric, "period": "90s"}), 1),
        (
            json!({"metric": {"namespace": "A", "name": "b", "statistic": "mean"}}),
            1 + 1,
        ),
        (
            json!({"metrics": {"a": {"expression": "b", "name": "c"}}}),
            1 + 1,
        ),
        (json!({"ecs": {}}), 1 + 1),
        (
            json!({"rds": {"instance": "a"}, "ecs": {"cluster": "a", "service": "b"}}),
            1,
        ),
        (json!({"metric": metric, "endpoint": "nowhere"}), 1),
    ] {
        let Err(misfits) = build("cloudwatch", settings.clone()) else {
            panic!("{settings} is accepted")
        };
        assert_eq!(misfits.len(), number, "{settings}: {misfits:?}");
    }
}
