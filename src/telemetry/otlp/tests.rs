use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

use super::*;
use crate::clock::{Moment, WallTime};
use crate::sample::{CheckId, Fault, Phase, Phases, Reason, Sample, Trace};

fn seen(reason: Option<Reason>, sampled: bool) -> Seen {
    let mut phases = Phases::default();
    phases.add(Phase::Connect, Duration::from_millis(2));
    phases.add(Phase::Ttfb, Duration::from_millis(8));
    Seen {
        at: WallTime::since_unix_epoch(Duration::from_secs(1_700_000_000)),
        service: "api".into(),
        window: None,
        sample: Sample {
            check: CheckId::new("health"),
            started: Moment::ORIGIN,
            latency: Duration::from_millis(10),
            phases,
            outcome: reason.map_or(Outcome::Pass, Reason::outcome),
            fault: reason.map(|reason| Fault::new(reason, "it said canary")),
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: Some(Trace::new(7, 9, sampled)),
        },
    }
}

fn traced(room: usize) -> (Traced, Arc<Outbound>, mpsc::Receiver<spans::Kept>) {
    let (spans, queue) = mpsc::channel(room);
    let (traced, outbound) = (Traced::default(), Arc::new(Outbound::default()));
    traced.set(Some(Queue {
        spans,
        outbound: Arc::clone(&outbound),
    }));
    (traced, outbound, queue)
}

#[test]
fn runs_that_fail_are_always_kept_and_others_where_they_are_sampled() {
    for (reason, sampled, kept) in [
        (None, false, false),
        (None, true, true),
        (Some(Reason::Status), false, true),
        (Some(Reason::Timeout), false, true),
        (Some(Reason::Resolver), false, false),
    ] {
        let (traced, _, mut queue) = traced(1);
        traced.ran(&seen(reason, sampled));
        assert_eq!(queue.try_recv().is_ok(), kept, "{reason:?} {sampled}");
    }
}

#[test]
fn a_full_queue_holds_nobody_up_and_counts() {
    let (traced, outbound, _queue) = traced(1);
    for _ in 0..3 {
        traced.ran(&seen(None, true));
    }
    assert_eq!(outbound.lost_spans(), 2);
    traced.end();
    traced.ran(&seen(None, true));
    assert_eq!(outbound.lost_spans(), 2, "nobody is there to lose it");
}

#[test]
fn a_run_is_a_span_with_its_phases_and_without_secrets() {
    let mask = Mask::default();
    mask.hide("canary");
    let run = spans::run(&seen(Some(Reason::Status), false), &mask);
    let request = spans::request(run.as_slice(), &resource::resource("one"));
    let span = &request.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!(span.trace_id, 7_u128.to_be_bytes());
    assert_eq!(span.span_id, 9_u64.to_be_bytes());
    assert_eq!(span.name, "probe health");
    let took = span.end_time_unix_nano - span.start_time_unix_nano;
    assert_eq!(Duration::from_nanos(took), Duration::from_millis(10));
    let events: Vec<(&str, u64)> = span
        .events
        .iter()
        .map(|event| {
            (
                &*event.name,
                event.time_unix_nano - span.start_time_unix_nano,
            )
        })
        .collect();
    assert_eq!(events, [("connect", 0), ("ttfb", 2_000_000)]);
    let status = span.status.as_ref().unwrap();
    assert_eq!((&*status.message, status.code), ("it said ***", 2));
}

fn told(instruments: &Instruments) -> Vec<ExportMetricsServiceRequest> {
    let frame = metrics::Frame {
        resource: resource::resource("one"),
        since: WallTime::default(),
        now: WallTime::since_unix_epoch(Duration::from_secs(10)),
    };
    let mut requests = Vec::new();
    let all = metrics::tell(instruments, &Mask::default(), &frame, |request| {
        requests.push(request);
        Ok(())
    });
    assert_eq!(all, Ok(()));
    requests
}

#[test]
fn metrics_are_those_of_the_text_format() {
    let instruments = Instruments::default();
    instruments.lateness().count(Duration::from_micros(300));
    instruments.lateness().count(Duration::from_secs(60));
    instruments.lateness().miss(3);
    let requests = told(&instruments);
    assert_eq!(requests.len(), 1);
    let metrics = &requests[0].resource_metrics[0].scope_metrics[0].metrics;
    let mut text = Vec::new();
    crate::report::prometheus::write(&mut text, &instruments, &Mask::default()).unwrap();
    let text = String::from_utf8(text).unwrap();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let named: Vec<&str> = types.filter_map(|line| line.split(' ').next()).collect();
    let sent: Vec<&str> = metrics.iter().map(|metric| &*metric.name).collect();
    assert_eq!(sent, named);
    let lag = metrics.iter().find(|one| one.unit == "s").unwrap();
    let Some(Data::Histogram(histogram)) = &lag.data else {
        panic!("{lag:?}");
    };
    let point = &histogram.data_points[0];
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
    assert_eq!(
        point.bucket_counts.last(),
        Some(&1),
        "a minute is beyond all bounds"
    );
}

#[test]
fn what_is_too_much_for_one_message_goes_in_several_without_a_loss() {
    let services: Vec<std::sync::Arc<str>> = (0..1_000)
        .map(|number| format!("s{number}").into())
        .collect();
    let instruments = Instruments::default().with_services(&services);
    let requests = told(&instruments);
    let mut points = std::collections::BTreeMap::new();
    for request in &requests {
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        let mut here = 0;
        for metric in metrics {
            let count = match &metric.data {
                Some(Data::Sum(sum)) => sum.data_points.len(),
                Some(Data::Gauge(gauge)) => gauge.data_points.len(),
                Some(Data::Histogram(histogram)) => histogram.data_points.len(),
                _ => 0,
            };
            assert!(count > 0, "{metric:?}");
            here += count;
            *points.entry(metric.name.clone()).or_insert(0) += count;
        }
        assert!(here <= 4_000, "{here}");
    }
    assert!(requests.len() > 4, "{}", requests.len());
    let per_service = [
        ("smokejumper_window_state", 5),
        ("smokejumper_decisions_total", 4),
        (
            "smokejumper_rollbacks_total",
            crate::deployment::RollbackOutcome::ALL.len(),
        ),
    ];
    for (name, each) in per_service {
        assert_eq!(points[name], each * services.len(), "{name}");
    }
}

#[test]
fn nobody_is_told_more_than_is_wanted() {
    let frame = metrics::Frame {
        resource: resource::resource("one"),
        since: WallTime::default(),
        now: WallTime::default(),
    };
    let told = metrics::tell(&Instruments::default(), &Mask::default(), &frame, |_| {
        Err(metrics::Unwanted)
    });
    assert_eq!(told, Err(metrics::Unwanted));
}
