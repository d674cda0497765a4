//! A daemon for the tests of the pages: a service that fails in an open window, and one that is well.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::WallTime;
use crate::deployment::{Deployment, Revision};
use crate::engine::in_force::InForce;
use crate::engine::serve::live::{CheckNow, Live, ServiceNow, WindowCheck, WindowNow, WindowState};
use crate::event::{Action, Verdict};
use crate::sample::{CheckId, Outcome};
use crate::verdict::CheckFacts;
use crate::verdict::threshold::{Comparison, Limit, Measure, Subject, Threshold};

/// So many seconds after 2026-11-21T08:40:00Z.
pub(super) fn at(seconds: u64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_secs(1_795_250_400 + seconds))
}

/// A check with this verdict.
pub(super) fn check(id: &str, service: &str, verdict: Verdict, tags: &[&str]) -> CheckNow {
    let span = |ms: u64| Duration::from_millis(ms);
    let last = if verdict == Verdict::Fail {
        Outcome::Fail
    } else {
        Outcome::Pass
    };
    CheckNow {
        facts: CheckFacts {
            id: CheckId::new(id),
            kind: "http",
            service: service.into(),
            tags: tags.iter().map(|tag| Arc::from(*tag)).collect(),
        },
        every: Duration::from_secs(5),
        verdict,
        since: at(0),
        because: match verdict {
            Verdict::Fail => "error rate 12.1 % over 58 samples, limit 5 %".to_owned(),
            _ => String::new(),
        },
        recent: vec![Outcome::Pass, Outcome::Pass, last],
        p50: Some(span(20)),
        p95: Some(span(40)),
        sparkline: vec![Some((span(20), span(40))), None, Some((span(21), span(44)))],
        last: None,
        declared: "http:\n  url: http://example\n".into(),
        limits: Arc::default(),
    }
}

/// A check of the open window, with a limit on its p95 in seconds.
pub(super) fn judging(id: &str, verdict: Verdict, limit: f64) -> WindowCheck {
    let declared = check(id, "api", verdict, &["core"]);
    let critical = Limit {
        comparison: Comparison::Above,
        value: limit,
        measure: Measure::Seconds,
    };
    WindowCheck {
        in_force: Arc::new(InForce {
            facts: declared.facts,
            thresholds: Arc::new([Threshold {
                subject: Subject::Quantile(None, 0.95),
                warning: None,
                critical: Some(critical),
                lasting: None,
                consecutive: None,
            }]),
            before: None,
        }),
        every: declared.every,
        verdict,
        because: declared.because,
    }
}

fn revision(label: &str) -> Revision {
    Revision {
        id: format!("arn:{label}"),
        label: label.to_owned(),
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

/// The daemon.
pub(super) fn live() -> Live {
    let window = WindowNow {
        id: "01JWINDOW".into(),
        state: WindowState::Baking,
        opened: at(0),
        ends: Some(at(900)),
        deployment: Some(Deployment {
            id: "arn:deployment".to_owned(),
            service: "api".to_owned(),
            revision: revision("api:42"),
            previous: Some(revision("api:41")),
            created: None,
            images: std::collections::BTreeMap::new(),
            service_revision: None,
        }),
        verdict: Verdict::Fail,
        would: (Action::RollBack, vec!["api-health: error_rate".to_owned()]),
        samples: 58,
        checks: vec![judging("api-health", Verdict::Fail, 2.0)],
    };
    Live {
        at: at(60),
        since: at(0),
        services: vec![
            service("api", Verdict::Fail, Some(window)),
            service("web", Verdict::Pass, None),
        ],
        checks: vec![
            check("api-health", "api", Verdict::Fail, &["core"]),
            check("front", "web", Verdict::Pass, &[]),
        ],
        ..Live::default()
    }
}
