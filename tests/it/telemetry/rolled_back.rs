//! A deployment that is rolled back, as a collector over gRPC and a log of JSON tell it: one trace of the
//! window, found by the same name in both.

use std::collections::BTreeSet;

use serde_json::Value;
use smokejumper::rehearsal::toy::Ailment;

use super::collector::{Answers, Collector, attribute};
use crate::cli::serve::Serving;
use crate::cli::watch::{CONFIGURATION, program, settings, stage};

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_a_rollback_are_one_trace_in_the_collector_and_in_the_log() {
    let collector = Collector::start(Answers::Well).await;
    let incident = stage(Ailment::Outage, settings()).await;
    let telemetry = format!(
        "telemetry: {{ log: json, otlp: {{ endpoint: \"{}\", protocol: grpc, compression: gzip }} }}\n",
        collector.url()
    );
    let limit = "      p95: { warning: \"> 60ms\", critical: \"> 120ms\" }\n";
    let checks = CONFIGURATION.replace(limit, "");
    let configuration = format!("{checks}server: {{ listen: \"127.0.0.1:0\" }}\n{telemetry}");
    let program = program(&incident, &configuration).env("SMOKEJUMPER_LOG", "smokejumper=debug");
    let serving = Serving::start(&program);
    serving.until_told("watching 1 service with 2 checks").await;
    incident.release().expect("deployed");
    serving.until_told("is over: fail").await;
    serving.signal("-TERM");
    let lines = serving.lines();
    assert_eq!(serving.ended().await, 143);

    let steps = collector.spans().into_iter();
    let steps: Vec<_> = steps
        .filter(|span| !span.name.starts_with("probe "))
        .collect();
    let names: BTreeSet<&str> = steps.iter().map(|span| &*span.name).collect();
    let expected = [
        "decided",
        "rollback",
        "rollback_intended",
        "rollback_started",
        "verification_started",
    ];
    assert_eq!(names, BTreeSet::from(expected));
    let traces: BTreeSet<&[u8]> = steps.iter().map(|span| &*span.trace_id).collect();
    assert_eq!(traces.len(), 1, "one trace: {steps:?}");
    let own: BTreeSet<&[u8]> = steps.iter().map(|span| &*span.span_id).collect();
    assert_eq!(own.len(), steps.len(), "each a span of its own");
    let of = |name: &str| steps.iter().find(|span| span.name == name).expect(name);
    let whole = of("rollback");
    let outcome = attribute(&whole.attributes, "smokejumper.outcome");
    assert_eq!(
        outcome.as_deref(),
        Some("rolled_back_verified"),
        "{whole:?}"
    );
    // The steps follow one upon the other below the rollback, and fill it.
    let mut at = whole.start_time_unix_nano;
    for name in [
        "decided",
        "rollback_intended",
        "rollback_started",
        "verification_started",
    ] {
        let step = of(name);
        assert_eq!(step.parent_span_id, whole.span_id, "{step:?}");
        assert_eq!(step.start_time_unix_nano, at, "{step:?}");
        assert!(step.end_time_unix_nano >= at, "{step:?}");
        at = step.end_time_unix_nano;
    }
    assert_eq!(at, whole.end_time_unix_nano);
    // The platform needs its time, and the proof of it: these two are no instants.
    for name in ["rollback_started", "verification_started"] {
        let step = of(name);
        assert!(
            step.end_time_unix_nano > step.start_time_unix_nano,
            "{step:?}"
        );
    }

    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let trace: String = steps[0]
        .trace_id
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let of_the_window = lines.iter().filter(|line| line["trace_id"] == *trace);
    let kinds: BTreeSet<&str> = of_the_window
        .filter_map(|line| line["kind"].as_str())
        .collect();
    assert!(
        kinds.contains("rollback_ended") && kinds.contains("window_opened"),
        "{kinds:?}"
    );
    let runs = lines
        .iter()
        .filter(|line| line["target"] == "smokejumper::runs");
    let traced = runs.filter(|line| line["trace_id"].as_str().is_some_and(|id| id.len() == 32));
    assert!(traced.count() > 0, "runs that failed have their own");
    assert!(
        lines
            .iter()
            .all(|line| line["level"].is_string() && line["timestamp"].is_string())
    );
}
