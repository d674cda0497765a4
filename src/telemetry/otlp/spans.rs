//! Runs as spans, and messages of spans.
//!
//! A run is a span of kind *client* with an event for each phase; what the probed service adds hangs below
//! it where it was sent `traceparent`. A window's rollback and its steps (`steps`) are spans of one trace,
//! whose name is the window's: a ULID has the 128 bits that a trace has.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::metrics::nanoseconds;
use super::resource;
use crate::sample::{Outcome, Phase};
use crate::secret::Mask;
use crate::store::history::{Happening, Seen};

/// What becomes a span.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// One run of a check.
    Run(Box<Seen>),
    /// What begins or ends a step of a rollback.
    Step(Box<Happening>),
}

/// The name of the trace in which the steps of a window's rollback are, as people paste it.
#[must_use]
pub fn trace_of_window(window: &str) -> Option<String> {
    let window: ulid::Ulid = window.parse().ok()?;
    Some(format!("{:032x}", window.0))
}

/// A message with these spans.
pub(super) fn request(spans: &[Span], resource: &Resource) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource.clone()),
            scope_spans: vec![ScopeSpans {
                scope: Some(resource::scope()),
                spans: spans.to_vec(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// A run; nothing of one that has no name.
pub(super) fn run(seen: &Seen, mask: &Mask) -> Option<Span> {
    let sample = &seen.sample;
    let trace = sample.trace?;
    let start = nanoseconds(seen.at);
    let check = mask.apply(sample.check.as_str());
    let mut attributes = vec![
        resource::text("smokejumper.check", &check),
        resource::text("smokejumper.service", &mask.apply(&seen.service)),
        resource::text("smokejumper.outcome", outcome(sample.outcome)),
    ];
    if let Some(window) = &seen.window {
        attributes.push(resource::text("smokejumper.window", window));
    }
    if let Some(fault) = &sample.fault {
        attributes.push(resource::text("smokejumper.reason", fault.reason.code()));
    }
    for reading in &sample.readings {
        let key = format!("smokejumper.reading.{}", mask.apply(&reading.name));
        attributes.push(resource::real(&key, reading.value));
    }
    let mut at = start;
    let mut events = Vec::new();
    for phase in Phase::ALL {
        if let Some(span) = sample.phases.get(phase) {
            events.push(Event {
                time_unix_nano: at,
                name: phase.name().to_owned(),
                attributes: vec![resource::real("seconds", span.as_secs_f64())],
                ..Event::default()
            });
            at = at.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
        }
    }
    let took = u64::try_from(sample.latency.as_nanos()).unwrap_or(u64::MAX);
    let fault = sample.fault.as_ref();
    Some(Span {
        trace_id: trace.trace_id().to_vec(),
        span_id: trace.span_id().to_vec(),
        name: format!("probe {check}"),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: start.saturating_add(took),
        attributes,
        events,
        status: Some(match fault {
            None => status(StatusCode::Ok, ""),
            Some(fault) => status(StatusCode::Error, &mask.apply(&fault.detail)),
        }),
        ..Span::default()
    })
}

fn status(code: StatusCode, message: &str) -> Status {
    Status {
        code: code.into(),
        message: message.to_owned(),
    }
}

const fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Error => "error",
        Outcome::Unknown => "unknown",
    }
}
