//! The kinds that ask AWS, asked of another cloud than our own stand-in: each passes, and says what is
//! not well.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::types::{Dimension, MetricDatum};
use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use aws_sdk_ecs::types::LoadBalancer;
use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, TargetDescription, TargetTypeEnum};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use smokejumper::probe::{Probe, cloudwatch, ecs, logs, target_health};
use smokejumper::sample::{Reason, Sample};

use super::cloud::deployed;
use crate::deploy::stage::{client, shared};
use crate::harness::ministack::{Ministack, two_revisions};
use crate::harness::probing::{fault, passed, reading, run_probe};

fn read<T: DeserializeOwned>(settings: Value) -> T {
    serde_json::from_value(settings).expect("the settings are well-formed")
}

async fn ask(config: &SdkConfig, kind: &str, settings: Value) -> Sample {
    let around = &deployed();
    let built: Result<Box<dyn Probe>, _> = match kind {
        "cloudwatch" => cloudwatch::CloudWatch::with_config(read(settings), around, config),
        "ecs" => ecs::Ecs::with_config(read(settings), around, config),
        "logs" => logs::Logs::with_config(read(settings), around, config),
        "target_health" => target_health::TargetHealth::with_config(read(settings), around, config),
        other => panic!("{other} does not ask AWS"),
    };
    run_probe(
        Duration::from_secs(30),
        &*built.expect("the settings can work"),
    )
    .await
}

#[tokio::test]
async fn the_tasks_of_a_service_are_counted() {
    let ministack = Ministack::start().await;
    let config = shared(&ministack.endpoint_url());
    two_revisions(&client(&ministack.endpoint_url())).await;
    let sample = ask(&config, "ecs", json!({})).await;
    passed(&sample);
    for name in ["desired", "running"] {
        assert_eq!(reading(&sample, name), 2.0, "{name}");
    }
    let more = json!({"expect": {"running": {"ge": 3}}});
    fault(&ask(&config, "ecs", more).await, Reason::Expectation);
    let absent = ask(&config, "ecs", json!({"service": "absent"})).await;
    fault(&absent, Reason::NoData);
    let absent = ask(&config, "ecs", json!({"cluster": "absent"})).await;
    fault(&absent, Reason::NoData);
}

#[tokio::test]
async fn the_targets_of_a_service_are_counted() {
    let ministack = Ministack::start().await;
    let config = shared(&ministack.endpoint_url());
    let ecs = client(&ministack.endpoint_url());
    two_revisions(&ecs).await;
    let balancing = aws_sdk_elasticloadbalancingv2::Client::new(&config);
    let group = balancing
        .create_target_group()
        .name("api")
        .protocol(ProtocolEnum::Http)
        .port(80)
        .vpc_id("vpc-1")
        .target_type(TargetTypeEnum::Ip)
        .send()
        .await
        .expect("it is answered");
    let group = group.target_groups()[0]
        .target_group_arn()
        .expect("it has one")
        .to_owned();
    let balanced = LoadBalancer::builder()
        .target_group_arn(&group)
        .container_name("api")
        .container_port(80)
        .build();
    ecs.create_service()
        .cluster("prod")
        .service_name("balanced")
        .task_definition("api:1")
        .desired_count(1)
        .load_balancers(balanced)
        .send()
        .await
        .expect("it is answered");
    let of_service = json!({"cluster": "prod", "service": "balanced"});
    let empty = ask(&config, "target_health", of_service.clone()).await;
    fault(&empty, Reason::Expectation);

    let target = TargetDescription::builder().id("10.0.0.1").port(8080);
    balancing
        .register_targets()
        .target_group_arn(&group)
        .targets(target.build())
        .send()
        .await
        .expect("it is answered");
    for settings in [of_service, json!({ "target_group": group })] {
        let sample = ask(&config, "target_health", settings).await;
        passed(&sample);
        assert_eq!(reading(&sample, "healthy"), 1.0);
    }
    let absent = group.replace("/api/", "/absent/");
    let absent = ask(&config, "target_health", json!({ "target_group": absent })).await;
    fault(&absent, Reason::NoData);
}

#[tokio::test]
async fn metrics_are_read_by_all_their_dimensions_and_statistics() {
    let ministack = Ministack::start().await;
    let config = shared(&ministack.endpoint_url());
    let metrics = aws_sdk_cloudwatch::Client::new(&config);
    let of_service = ["ClusterName", "ServiceName"]
        .into_iter()
        .zip(["prod", "api"]);
    let of_service = of_service.map(|(name, value)| {
        let dimension = Dimension::builder().name(name).value(value);
        dimension.build()
    });
    let of_service: Vec<Dimension> = of_service.collect();
    let datum = |name: &str, value: f64| {
        MetricDatum::builder()
            .metric_name(name)
            .set_dimensions(Some(of_service.clone()))
            .timestamp((SystemTime::UNIX_EPOCH + now() - Duration::from_secs(180)).into())
            .value(value)
            .build()
    };
    metrics
        .put_metric_data()
        .namespace("AWS/ECS")
        .metric_data(datum("CPUUtilization", 42.0))
        .metric_data(datum("CPUUtilization", 44.0))
        .metric_data(datum("MemoryUtilization", 61.0))
        .send()
        .await
        .expect("it is answered");
    let sample = ask(
        &config,
        "cloudwatch",
        json!({"ecs": {}, "expect": {"cpu": {"lt": 50}}}),
    )
    .await;
    passed(&sample);
    assert_eq!(reading(&sample, "cpu"), 43.0);
    assert_eq!(reading(&sample, "memory"), 61.0);
    let metric = |dimensions: Value| {
        json!({"metric": {"namespace": "AWS/ECS", "name": "CPUUtilization",
               "statistic": "Maximum", "dimensions": dimensions}})
    };
    let whole = metric(json!({"ClusterName": "prod", "ServiceName": "api"}));
    let sample = ask(&config, "cloudwatch", whole).await;
    assert_eq!(reading(&sample, "value"), 44.0);
    let other = metric(json!({"ClusterName": "prod", "ServiceName": "other"}));
    fault(&ask(&config, "cloudwatch", other).await, Reason::NoData);
}

#[tokio::test]
async fn lines_of_a_group_are_counted_by_both_sorts_of_pattern() {
    let ministack = Ministack::start().await;
    let config = shared(&ministack.endpoint_url());
    let group = aws_sdk_cloudwatchlogs::Client::new(&config);
    let created = group.create_log_group().log_group_name("/ecs/api");
    created.send().await.expect("it is answered");
    let stream = group.create_log_stream().log_group_name("/ecs/api");
    let stream = stream.log_stream_name("api/api/1").send().await;
    stream.expect("it is answered");
    let silent = json!({"group": "/ecs/api", "pattern": "ERROR"});
    fault(&ask(&config, "logs", silent).await, Reason::NoData);

    let written = now() - Duration::from_secs(30);
    let written = i64::try_from(written.as_millis()).expect("it is this century");
    let lines = ["started", "ERROR boom password=canary", "served"].map(|line| {
        let event = InputLogEvent::builder().timestamp(written).message(line);
        event.build().expect("it is whole")
    });
    let put = group
        .put_log_events()
        .log_group_name("/ecs/api")
        .log_stream_name("api/api/1")
        .set_log_events(Some(lines.into()));
    put.send().await.expect("it is answered");
    for sort in ["pattern", "matches"] {
        let settings = json!({"group": "/ecs/api", sort: "ERROR"});
        let sample = ask(&config, "logs", settings).await;
        let met = fault(&sample, Reason::Expectation);
        assert!(met.detail.contains("ERROR boom"), "{}", met.detail);
        assert!(!met.detail.contains("canary"), "{}", met.detail);
        assert_eq!(reading(&sample, "matches"), 1.0, "{sort}");
        passed(&ask(&config, "logs", json!({"group": "/ecs/api", sort: "FATAL"})).await);
    }
    let absent = json!({"group": "/ecs/absent", "pattern": "ERROR"});
    fault(&ask(&config, "logs", absent).await, Reason::NoData);
}

/// Since 1970, by the clock of this machine, which the emulator goes by as well.
#[expect(
    clippy::disallowed_methods,
    reason = "what is put there has a time of the real day"
)]
fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("it is later than 1970")
}
