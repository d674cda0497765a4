//! What the pages show in these tests: a deployment that goes wrong right now, one that was rolled
//! back yesterday, one that was accepted, and checks of every state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use smokejumper::clock::{Moment, WallTime};
use smokejumper::deployment::{Deployment, Revision};
use smokejumper::engine::serve::live::{
    CheckNow, Freeze, Live, ServiceNow, SilenceNow, WindowNow, WindowState,
};
use smokejumper::event::{Action, Verdict};
use smokejumper::sample::{CheckId, Fault, Outcome, Phase, Phases, Reason, Sample};
use smokejumper::store::history::{Batch, Happening, Seen, StoredWindow};
use smokejumper::verdict::CheckFacts;

use crate::server::stage::judging;

/// The window that is open.
pub const OPEN: &str = "01KAKZ5M00WYNDAW000000000A";
/// The window that was rolled back.
pub const CLOSED: &str = "01KAHC9800CZASED000000000A";
/// A service whose name is wider than a phone.
const LONG: &str = "billing-and-invoicing-for-resellers-in-europe";
/// Half of a bake of ten minutes is over.
const BAKED: u64 = 300;
/// So many seconds are before the open window.
const BEFORE: u64 = 3_300;

/// A time, in seconds relative to the moment at which the page is looked at.
pub fn ago(now: WallTime, seconds: u64) -> WallTime {
    WallTime::since_unix_epoch(now.unix().saturating_sub(Duration::from_secs(seconds)))
}

/// The daemon, now.
pub fn live(now: WallTime) -> Live {
    let mut checks = vec![
        check(now, "api-health", "api", "http", Verdict::Fail, &["core"]),
        check(now, "api-search", "api", "http", Verdict::Warn, &["core"]),
        check(
            now,
            "db-connections",
            "api",
            "postgres",
            Verdict::Pass,
            &["database"],
        ),
        check(now, "cache", "web", "redis", Verdict::Pass, &["database"]),
        check(
            now,
            "tezos-head",
            "worker",
            "tezos",
            Verdict::Inconclusive,
            &["chain"],
        ),
    ];
    checks.extend((0..70).map(|place| {
        let id = format!("page-{place:02}");
        let service = if place < 69 { "web" } else { LONG };
        check(now, &id, service, "http", Verdict::Pass, &[])
    }));
    checks[0].because = "error rate 12.1 % over 58 samples, limit 5 %".to_owned();
    checks[1].because = "p95 412 ms over 60 samples, limit 250 ms".to_owned();
    checks[4].because = "too few samples: 3 of 20".to_owned();
    checks[4].sparkline = vec![None; 20];
    checks[4].recent = vec![Outcome::Unknown, Outcome::Unknown, Outcome::Pass];
    (checks[4].p50, checks[4].p95) = (None, None);
    let mut open = open(now);
    let own = checks.iter().filter(|check| &*check.facts.service == "api");
    open.checks = own.map(judging).collect();
    Live {
        at: now,
        since: ago(now, 400_000),
        services: vec![
            service("api", Verdict::Fail, Some(open)),
            service("web", Verdict::Pass, None),
            service(LONG, Verdict::Pass, None),
            ServiceNow {
                revision: None,
                unseen: Some("AccessDenied: allow ecs:DescribeServices".to_owned()),
                ..service("worker", Verdict::Inconclusive, None)
            },
        ],
        checks,
        silences: vec![SilenceNow {
            id: "01KAKSILENCE00000000000000".to_owned(),
            reason: "migration".to_owned(),
            by: Some("ann".to_owned()),
            from: ago(now, 600),
            to: WallTime::since_unix_epoch(now.unix() + Duration::from_secs(1_800)),
            stops_checks: false,
            about: "tag database".to_owned(),
        }],
        ..Live::default()
    }
}

/// The same with everything that can be wrong beside the checks.
pub fn troubled(now: WallTime) -> Live {
    let mut live = live(now);
    live.freeze = Some(Freeze {
        by: Some("ann".to_owned()),
        reason: "release day".to_owned(),
        since: Some(ago(now, 4_000)),
    });
    live.store.trouble = Some("the disk is full".to_owned());
    live.store.waiting = 1_204;
    live.configuration.loaded = ago(now, 90_000);
    live.configuration.refused =
        Some("error: unknown field `htp`\n --> smokejumper.yaml:12:5\n   |\n12 |     htp:\n   |     ^^^ did you mean `http`?".to_owned());
    live
}

fn revision(label: &str) -> Revision {
    Revision {
        id: format!("arn:aws:ecs:eu-west-1:1:task-definition/{label}"),
        label: label.to_owned(),
    }
}

fn open(now: WallTime) -> WindowNow {
    WindowNow {
        id: OPEN.into(),
        state: WindowState::Baking,
        opened: ago(now, BAKED),
        ends: Some(WallTime::since_unix_epoch(
            now.unix() + Duration::from_secs(BAKED),
        )),
        deployment: Some(Deployment {
            id: "arn:aws:ecs:eu-west-1:1:service-deployment/prod/api/abc".to_owned(),
            service: "api".to_owned(),
            revision: revision("api:42"),
            previous: Some(revision("api:41")),
            created: None,
            images: BTreeMap::new(),
            service_revision: None,
        }),
        verdict: Verdict::Fail,
        would: (Action::RollBack, vec!["api-health: error_rate".to_owned()]),
        samples: 174,
        checks: Vec::new(),
    }
}

fn service(name: &str, verdict: Verdict, window: Option<WindowNow>) -> ServiceNow {
    ServiceNow {
        name: name.into(),
        verdict,
        revision: Some(format!("{name}:42")),
        unseen: None,
        is_deployed: true,
        policy: "careful".into(),
        window,
        freeze: None,
    }
}

fn check(
    now: WallTime,
    id: &str,
    service: &str,
    kind: &'static str,
    verdict: Verdict,
    tags: &[&str],
) -> CheckNow {
    let ms = Duration::from_millis;
    let recent = (0..30).map(|turn| match (verdict, turn % 7) {
        (Verdict::Fail, 3) => Outcome::Fail,
        (Verdict::Fail, 5) if turn > 20 => Outcome::Error,
        _ => Outcome::Pass,
    });
    let minutes = (0..20_u64).map(|turn| Some((ms(20 + turn % 3), ms(40 + turn * 7 % 30))));
    CheckNow {
        facts: CheckFacts {
            id: CheckId::new(id),
            kind,
            service: service.into(),
            tags: tags.iter().map(|tag| Arc::from(*tag)).collect(),
        },
        every: Duration::from_secs(5),
        verdict,
        since: ago(
            now,
            if verdict == Verdict::Pass {
                300_000
            } else {
                185
            },
        ),
        because: String::new(),
        recent: recent.collect(),
        p50: Some(ms(21)),
        p95: Some(ms(61)),
        sparkline: minutes.collect(),
        last: Some((ago(now, 3), sample(id, Outcome::Pass, 22))),
        declared:
            "http:\n  url: https://api.example/health\n  expect:\n    status: 200\nevery: 5s\n"
                .into(),
        limits: [
            "error_rate critical > 5%",
            "p95 warning > 100ms",
            "p95 critical > 2s",
        ]
        .map(str::to_owned)
        .into(),
    }
}

fn sample(check: &str, outcome: Outcome, ms: u64) -> Sample {
    let mut phases = Phases::default();
    for (phase, part) in [
        (Phase::Dns, 1),
        (Phase::Connect, 2),
        (Phase::Tls, 5),
        (Phase::Ttfb, ms.saturating_sub(9)),
        (Phase::Body, 1),
    ] {
        phases.add(phase, Duration::from_millis(part));
    }
    let reason = match outcome {
        Outcome::Pass => None,
        Outcome::Fail => Some((
            Reason::Status,
            "expected status 200, got 503: {\"status\":\"unwell\"}",
        )),
        Outcome::Error => Some((Reason::Refused, "connection refused by 10.0.1.5:8080")),
        Outcome::Unknown => Some((Reason::Starved, "our own machine was away for 3 s")),
    };
    Sample {
        check: CheckId::new(check),
        started: Moment::ORIGIN,
        latency: Duration::from_millis(ms),
        phases,
        outcome,
        fault: reason.map(|(reason, detail)| Fault::new(reason, detail)),
        readings: Vec::new(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    }
}

/// The runs of a check at one a five seconds, from so many seconds ago to so many; those from `bad`
/// seconds ago on fail now and then and are slow.
fn runs(
    now: WallTime,
    check: &str,
    window: Option<&str>,
    (from, to): (u64, u64),
    bad: Option<u64>,
) -> Vec<Seen> {
    let seconds = (to..from).rev().filter(|second| second % 5 == 0);
    let seen = seconds.map(|second| {
        let is_bad = bad.is_some_and(|since| second <= since && second > to);
        let outcome = match second / 5 % 8 {
            3 if is_bad => Outcome::Fail,
            5 if is_bad => Outcome::Error,
            _ => Outcome::Pass,
        };
        let noise = second * 7_919 % 13;
        let ms = if is_bad { 60 + noise * 6 } else { 20 + noise };
        Seen {
            at: ago(now, second),
            service: "api".into(),
            window: window.map(Arc::from),
            sample: sample(check, outcome, ms),
        }
    });
    seen.collect()
}

/// What is remembered.
pub fn past(now: WallTime) -> Batch {
    let mut past = Batch::default();
    for check in ["api-health", "api-search", "db-connections"] {
        let bad = (check == "api-health").then_some(170);
        // A silence of four minutes, so that there is something unseen.
        past.samples
            .extend(runs(now, check, None, (BEFORE, 1_500), None));
        past.samples
            .extend(runs(now, check, None, (1_260, BAKED), None));
        past.samples
            .extend(runs(now, check, Some(OPEN), (BAKED, 0), bad));
        let bad = (check == "api-health").then_some(DAY - 130);
        past.samples.extend(runs(
            now,
            check,
            Some(CLOSED),
            (DAY, DAY - 372),
            bad.map(|_| DAY - 60),
        ));
    }
    past.samples.sort_by_key(|seen| seen.at);
    past.windows = windows(now);
    past.happenings = happenings(now);
    past
}

const DAY: u64 = 86_400;

fn windows(now: WallTime) -> Vec<StoredWindow> {
    let closed = |id: &str, days: u64, verdict: Verdict| StoredWindow {
        id: id.into(),
        service: "api".into(),
        opened: ago(now, days * DAY),
        closed: Some(ago(now, days * DAY - 900)),
        verdict: Some(verdict),
        revision: Some(format!("api:{}", 142 - days)),
        action: Some("accept".to_owned()),
        rollback: None,
        detected_after: None,
        report: None,
    };
    let mut windows: Vec<StoredWindow> = (2..60)
        .map(|days| closed(&format!("01J{:023}", 1_000 - days), days, Verdict::Pass))
        .collect();
    windows.push(StoredWindow {
        closed: Some(ago(now, DAY - 372)),
        revision: Some("api:40".to_owned()),
        action: Some("roll_back".to_owned()),
        rollback: Some("rolled_back_verified".to_owned()),
        detected_after: Some(Duration::from_secs(95)),
        report: Some(super::report::report(ago(now, DAY), ago(now, DAY - 372))),
        ..closed(CLOSED, 1, Verdict::Fail)
    });
    windows
}

fn happenings(now: WallTime) -> Vec<Happening> {
    let happened =
        |window: &str, second: u64, kind: &'static str, verdict: Option<&str>, text: &str| {
            Happening {
                // The later, the larger, as ULIDs are.
                id: format!("01H{:023}", 1_000_000 - second),
                at: ago(now, second),
                service: Some("api".into()),
                window: Some(window.into()),
                check: verdict.map(|_| CheckId::new("api-health")),
                kind,
                text: text.to_owned(),
                facts: serde_json::json!({ "to": verdict }),
            }
        };
    vec![
        happened(
            CLOSED,
            DAY,
            "window_opened",
            None,
            "api runs api:40, was api:39, rolled out; a rollback would return to api:39",
        ),
        happened(
            CLOSED,
            DAY - 20,
            "check_judged",
            Some("pass"),
            "pass api-health",
        ),
        happened(
            CLOSED,
            DAY - 80,
            "check_judged",
            Some("warn"),
            "WARN api-health: error rate 4 % over 16 samples",
        ),
        happened(
            CLOSED,
            DAY - 95,
            "check_judged",
            Some("fail"),
            "FAIL api-health: error rate 12.1 % over 58 samples, limit 5 %",
        ),
        happened(
            CLOSED,
            DAY - 96,
            "decided",
            None,
            "decided: roll back, because api-health: error_rate",
        ),
        happened(
            CLOSED,
            DAY - 97,
            "rollback_intended",
            None,
            "rolling back api:40 -> api:39 (update_service)",
        ),
        happened(
            CLOSED,
            DAY - 98,
            "rollback_started",
            None,
            "rollback accepted: ecs-svc/9",
        ),
        happened(
            CLOSED,
            DAY - 260,
            "verification_started",
            None,
            "previous revision is back; verifying with 3 checks on fresh connections",
        ),
        happened(
            CLOSED,
            DAY - 372,
            "rollback_ended",
            None,
            "rolled back and verified: api:39 runs again and passes",
        ),
        happened(
            OPEN,
            BAKED,
            "window_opened",
            None,
            "api runs api:42, was api:41, being rolled out; a rollback would return to api:41",
        ),
        happened(
            OPEN,
            BAKED - 20,
            "check_judged",
            Some("pass"),
            "pass api-health",
        ),
        happened(
            OPEN,
            120,
            "check_judged",
            Some("fail"),
            "FAIL api-health: error rate 12.1 % over 58 samples, limit 5 %",
        ),
    ]
}
