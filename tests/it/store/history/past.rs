//! A past that could have been: samples of every sort, windows, what happened.

use std::sync::Arc;
use std::time::Duration;

use smokejumper::clock::{Moment, WallTime};
use smokejumper::event::Verdict;
use smokejumper::sample::{
    CheckId, Fault, Outcome, Phase, Phases, Reading, Reason, Sample, Sending, Session, TlsSession,
    Unit,
};
use smokejumper::store::history::{Between, Happening, Retention, Seen, StoredWindow};

/// The beginning of an hour.
pub const BEGIN: u64 = 1_799_999_200 - 1_799_999_200 % 3_600;
pub const MINUTE: Duration = Duration::from_secs(60);
pub const HOUR: Duration = Duration::from_secs(3_600);

/// So many seconds after the beginning.
pub fn at(seconds: f64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_secs(BEGIN) + Duration::from_secs_f64(seconds))
}

/// From the beginning on, for so many seconds.
pub fn first(seconds: f64) -> Between {
    Between {
        from: at(0.0),
        to: at(seconds),
    }
}

/// All of time.
pub fn always() -> Between {
    Between {
        from: WallTime::default(),
        to: WallTime::since_unix_epoch(Duration::from_secs(4_000_000_000)),
    }
}

pub const fn days(days: u64) -> Duration {
    Duration::from_secs(days * 24 * 3_600)
}

/// Two hours of samples, four of failures, a day of minutes, four of hours.
pub const RETENTION: Retention = Retention {
    samples: Duration::from_secs(2 * 3_600),
    failures: Duration::from_secs(4 * 3_600),
    minutes: days(1),
    hours: days(4),
};

pub fn check(name: &str) -> CheckId {
    CheckId::new(name)
}

/// A sample that passed, of service `api` and of no window.
pub fn pass(check: &str, seconds: f64, latency: Duration) -> Seen {
    let mut phases = Phases::default();
    phases.add(Phase::Connect, latency / 4);
    phases.add(Phase::Ttfb, latency / 2);
    Seen {
        at: at(seconds),
        service: Arc::from("api"),
        window: None,
        sample: Sample {
            check: CheckId::new(check),
            started: Moment::ORIGIN,
            latency,
            phases,
            outcome: Outcome::Pass,
            fault: None,
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        },
    }
}

/// A sample that did not pass.
pub fn bad(check: &str, seconds: f64, reason: Reason) -> Seen {
    let mut seen = pass(check, seconds, Duration::from_millis(5));
    seen.sample.outcome = reason.outcome();
    seen.sample.fault = Some(Fault::new(
        reason,
        format!("at {seconds}: it \"said\"\nno \u{1F680}"),
    ));
    seen
}

/// A sample with something in every part.
pub fn full() -> Seen {
    let mut seen = bad("api-health", 12.345_678, Reason::Timeout);
    seen.window = Some(Arc::from("01JWINDOW"));
    let sample = &mut seen.sample;
    for (number, phase) in Phase::ALL.into_iter().enumerate() {
        sample
            .phases
            .add(phase, Duration::from_micros(number as u64 * 1_000));
    }
    let fault = sample.fault.take().unwrap();
    sample.fault = Some(fault.further(["more".to_owned()]).dated());
    sample.readings = vec![
        Reading::new("used_pct", 31.25, Unit::Share),
        Reading::new("lag", -0.0, Unit::Seconds),
        Reading::new("rows", f64::MAX, Unit::Number),
    ];
    sample.notes = vec!["a note".to_owned()];
    sample.retries = 3;
    sample.closer_look = true;
    sample.sending = Some(Sending {
        waited: Duration::from_micros(17),
        unsent: 4,
        in_flight: 5,
    });
    sample.session = Some(Arc::new(Session {
        address: Some("2001:db8::1".parse().unwrap()),
        reused: true,
        protocol: Some("HTTP/2.0".to_owned()),
        tls: Some(TlsSession {
            version: "TLSv1.3".to_owned(),
            cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
            resumed: true,
        }),
    }));
    seen
}

/// Samples of a check every ten seconds over so many hours, some of which fail, and with readings
/// whose sums are exact.
pub fn hours_of(check: &str, hours: u64) -> Vec<Seen> {
    let sample = |number: u64| {
        let seconds = number as f64 * 10.0 + (number % 7) as f64 / 1_000.0;
        let latency = Duration::from_micros(900 + number * 7_919 % 50_000);
        let mut seen = match number % 50 {
            7 => bad(check, seconds, Reason::Status),
            23 => bad(check, seconds, Reason::Timeout),
            42 => bad(check, seconds, Reason::Resolver),
            _ => pass(check, seconds, latency),
        };
        let value = (number % 90) as f64;
        seen.sample.readings = vec![Reading::new("used", value, Unit::Number)];
        seen
    };
    (0..hours * 360).map(sample).collect()
}

pub fn window(id: &str) -> StoredWindow {
    StoredWindow {
        id: Arc::from(id),
        service: Arc::from("api"),
        opened: at(1.5),
        closed: None,
        verdict: None,
        revision: None,
        action: None,
        rollback: None,
        detected_after: None,
        report: None,
    }
}

/// The same when it is over.
pub fn closed(id: &str) -> StoredWindow {
    StoredWindow {
        closed: Some(at(900.000_000_001)),
        verdict: Some(Verdict::Fail),
        revision: Some("api:42".to_owned()),
        action: Some("roll_back".to_owned()),
        rollback: Some("rolled_back_verified".to_owned()),
        detected_after: Some(Duration::from_nanos(12_345_678_901)),
        report: Some(serde_json::json!({ "schema": "smokejumper.report/1", "n": 0.1 })),
        ..window(id)
    }
}

pub fn happening(id: &str, kind: &'static str) -> Happening {
    Happening {
        id: id.to_owned(),
        at: at(3.000_000_007),
        service: Some(Arc::from("api")),
        window: Some(Arc::from("01JWINDOW")),
        check: Some(CheckId::new("api-health")),
        kind,
        text: "it's \"said\"\n; DROP TABLE happenings --".to_owned(),
        facts: serde_json::json!({ "from": "pass", "to": "fail", "n": 12345678901234567890_u64 }),
    }
}
