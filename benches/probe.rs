//! The parts of a probe that are not the network: reading an answer, judging it, finding whose turn
//! is next, remembering a sample, hiding secrets.
//!
//! Run by `scripts/bench parts`. What a whole probe costs, from the timer to the record, is measured
//! with the real binary by `scripts/bench probe`; these say where to look when that moves.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use http::{HeaderMap, HeaderValue, StatusCode, Version};
use serde_json::{Value, json};
use smokejumper::clock::Moment;
use smokejumper::engine::schedule::Schedule;
use smokejumper::expect::Document;
use smokejumper::probe::http::Expectation;
use smokejumper::probe::wire::exchange::Answer;
use smokejumper::sample::{CheckId, Fault, Outcome, Phase, Phases, Reading, Reason, Sample, Unit};
use smokejumper::secret::Mask;
use smokejumper::window::{Window, WindowBounds};

/// About what a small health page, a detailed one and a listing weigh.
const BODIES: [usize; 3] = [75, 1_000, 100_000];
/// As many checks as one process is meant to carry.
const CHECKS: usize = 100_000;
/// The usual interval.
const EVERY: Duration = Duration::from_secs(10);

fn main() {
    divan::main();
}

/// A status, a header and a value of the body, of an answer that is as expected.
#[divan::bench(args = BODIES)]
fn three_expectations(bencher: Bencher, size: usize) {
    let expected: Expectation = serde_json::from_value(json!({
        "status": 200,
        "headers": { "content-type": { "contains": "json" } },
        "json": { "$.status": "ok" },
    }))
    .expect("an expectation");
    let answer = answer(size);
    assert_eq!(expected.fault(&answer, None), None);
    bencher
        .counter(BytesCount::new(answer.body.len()))
        .bench(|| expected.fault(black_box(&answer), None));
}

/// The reading of the body alone.
#[divan::bench(args = BODIES)]
fn json_body(bencher: Bencher, size: usize) {
    let body = body(size);
    bencher
        .counter(BytesCount::new(body.len()))
        .bench(|| Document::read(black_box(&body)));
}

/// Whose turn is next among a hundred thousand, and when that check is due again.
#[divan::bench]
fn next_turn(bencher: Bencher) {
    let mut schedule = Schedule::new(vec![EVERY; CHECKS], Moment::ORIGIN);
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        let due = schedule.next_due().expect("there are checks");
        black_box(schedule.take_due(due)).is_some()
    });
}

/// The schedule of a hundred thousand checks, from nothing.
#[divan::bench]
fn schedule_made(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(CHECKS))
        .with_inputs(|| vec![EVERY; CHECKS])
        .bench_values(|every| Schedule::new(every, Moment::ORIGIN));
}

/// A sample that passed, into a window that holds as many in full as it ever does.
#[divan::bench]
fn sample_recorded(bencher: Bencher) {
    let mut window = Window::new(WindowBounds {
        start: Moment::ORIGIN,
        warm_up: Duration::ZERO,
    });
    let mut at = Duration::ZERO;
    let mut next = move || {
        at += Duration::from_millis(100);
        sample(at)
    };
    for _ in 0..smokejumper::window::EXACT_RECORDS {
        window.push(&next());
    }
    bencher
        .counter(ItemsCount::new(1_usize))
        .with_inputs(next)
        .bench_local_refs(|sample| window.push(sample));
}

/// A line of a report, where ten secrets must not be seen in it.
#[divan::bench]
fn secrets_masked(bencher: Bencher) {
    let mask = Mask::default();
    for number in 0..10 {
        mask.hide(&format!("secret-{number}-of/a+check"));
    }
    let fault = Fault::new(
        Reason::Status,
        "expected status 200, got 503 from api.example.test: {\"error\":\"upstream is down\",\
         \"request\":\"4f1c9a52\",\"token\":\"secret-7-of/a+check\"}",
    );
    assert!(!mask.apply(&fault.detail).contains("secret-7"));
    bencher
        .counter(BytesCount::new(fault.detail.len()))
        .bench(|| mask.apply(black_box(&fault.detail)));
}

/// A body of about `size` bytes that is well and says so at its end, as a map of names does.
fn body(size: usize) -> Bytes {
    let part =
        |number: usize| json!({ "name": format!("part-{number}"), "ms": number % 97, "up": true });
    let mut body = json!({ "version": "1.4.2", "parts": [], "status": "ok" });
    let one = part(10).to_string().len() + 1;
    let parts = size.saturating_sub(body.to_string().len()) / one;
    body["parts"] = (0..parts).map(part).collect::<Vec<Value>>().into();
    body.to_string().into()
}

fn answer(size: usize) -> Answer {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("server", "nginx"),
        ("date", "Sun, 22 Nov 2026 00:00:00 GMT"),
        ("content-type", "application/json"),
        ("connection", "keep-alive"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Answer {
        status: StatusCode::OK,
        headers,
        body: body(size),
        trailers: HeaderMap::new(),
        foreign_encoding: None,
        version: Version::HTTP_11,
    }
}

fn sample(at: Duration) -> Sample {
    let mut phases = Phases::default();
    for (phase, micros) in [
        (Phase::Connect, 60),
        (Phase::Request, 20),
        (Phase::Ttfb, 900),
        (Phase::Body, 15),
    ] {
        phases.add(phase, Duration::from_micros(micros));
    }
    Sample {
        check: CheckId::new("api-health"),
        started: Moment::at(at),
        latency: phases.total(),
        phases,
        outcome: Outcome::Pass,
        fault: None,
        readings: vec![
            Reading::new("status", 200.0, Unit::Number),
            Reading::new("body_bytes", 75.0, Unit::Bytes),
        ],
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        session: None,
        trace: None,
        sending: None,
    }
}
