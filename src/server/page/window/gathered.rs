//! A window told from its parts: the daemon's knowledge of an open one, the record of a closed one,
//! the samples or slices that are kept, and what happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::clock::WallTime;
use crate::engine::in_force::InForce;
use crate::engine::serve::live::{Live, ServiceNow, WindowCheck, WindowNow};
use crate::event::Verdict;
use crate::report::html::course::{Course, Gathering};
use crate::report::html::plot::band::Usual;
use crate::report::html::plot::scale::Across;
use crate::report::html::story::{Moment, Open, Story, Told, Why, of_thresholds, words_of};
use crate::report::html::words::verdict_of;
use crate::secret::Mask;
use crate::store::history::{Happening, Seen, StoredWindow};

/// What the history keeps of a window.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The window; absent where it was not written yet.
    pub window: Option<StoredWindow>,
    /// Its samples, as far as they are kept.
    pub samples: Vec<Seen>,
    /// What its checks did meanwhile, where its samples are not kept any more.
    pub courses: HashMap<String, Course>,
    /// What its checks did before.
    pub before: HashMap<String, Usual>,
    /// What happened, the oldest first.
    pub happenings: Vec<Happening>,
}

/// The story of a window; absent where neither the daemon nor the history knows it.
#[must_use]
pub fn told(id: &str, live: &Live, kept: Kept, mask: &Mask) -> Option<Story> {
    let open = live.services.iter().find_map(|service| {
        let window = service.window.as_ref()?;
        (*window.id == *id).then_some((service, window))
    });
    let mut story = match (open, &kept.window) {
        (Some((service, window)), _) => of_open(service, window, live.at, mask),
        (None, Some(window)) => of_stored(window, live),
        (None, None) => return None,
    };
    story.moments = kept.happenings.into_iter().map(moment).collect();
    // Their names sort by the time at which they were written down, which may be another.
    story.moments.sort_by_key(|moment| moment.at);
    courses(&mut story, &kept.samples, kept.courses);
    for check in &mut story.checks {
        // What it was compared with goes before what was seen in the hour before.
        check.before = check.before.or(kept.before.get(&check.id).copied());
    }
    Some(story)
}

fn of_open(service: &ServiceNow, window: &WindowNow, now: WallTime, mask: &Mask) -> Story {
    let deployment = window.deployment.as_ref();
    let previous = deployment.and_then(|it| it.previous.as_ref());
    let (action, because) = &window.would;
    Story {
        id: Arc::clone(&window.id),
        service: Some(service.name.to_string()),
        opened: window.opened,
        until: now.max(window.opened),
        open: Some(Open {
            state: window.state.name(),
            ends: window.ends,
            would: (
                action.name().to_owned(),
                because.iter().map(|why| mask.apply(why)).collect(),
            ),
            samples: window.samples,
        }),
        verdict: window.verdict,
        is_by_hand: false,
        revision: deployment.map(|it| it.revision.label.clone()),
        previous: previous.map(|revision| revision.label.clone()),
        deployment: deployment.map(|it| it.id.clone()),
        decision: None,
        rollback: None,
        detected_after: None,
        checks: window.checks.iter().map(|it| of_check(it, mask)).collect(),
        moments: Vec::new(),
        diagnosis: None,
        remarks: Vec::new(),
    }
}

/// A check of an open window: what was counted of it comes with its course.
fn of_check(check: &WindowCheck, mask: &Mask) -> Told {
    let InForce {
        facts, thresholds, ..
    } = &*check.in_force;
    let because = (!check.because.is_empty()).then(|| Why {
        text: mask.apply(&check.because),
        ..Why::default()
    });
    Told {
        id: facts.id.to_string(),
        kind: facts.kind.to_owned(),
        verdict: check.verdict,
        runs: (0, 0, 0, 0),
        error_rate: None,
        latency: [None; 4],
        reasons: because.into_iter().collect(),
        assurance: None,
        course: None,
        before: None,
        limits: Some(words_of(thresholds)),
        lines: of_thresholds(thresholds),
    }
}

/// A window that is over: its report, or as much as is known where a daemon died with it.
fn of_stored(window: &StoredWindow, live: &Live) -> Story {
    let report = window.report.as_ref();
    let mut story = report
        .and_then(|report| Story::of_report(report).ok())
        .unwrap_or_else(|| bare(window));
    story.id = Arc::clone(&window.id);
    story
        .service
        .get_or_insert_with(|| window.service.to_string());
    story.opened = window.opened;
    story.until = window.closed.unwrap_or(live.at).max(window.opened);
    story.detected_after = window.detected_after;
    if window.closed.is_none() {
        let died = "The daemon ended while this window was open, and it has no report.";
        story.remarks.push(died.to_owned());
    }
    story
}

fn bare(window: &StoredWindow) -> Story {
    Story {
        id: Arc::clone(&window.id),
        service: Some(window.service.to_string()),
        opened: window.opened,
        until: window.opened,
        open: None,
        verdict: window.verdict.unwrap_or(Verdict::Inconclusive),
        is_by_hand: false,
        revision: window.revision.clone(),
        previous: None,
        deployment: None,
        decision: window.action.clone().map(|action| (action, Vec::new())),
        rollback: None,
        detected_after: None,
        checks: Vec::new(),
        moments: Vec::new(),
        diagnosis: None,
        remarks: Vec::new(),
    }
}

/// Gives each check what it did: of its samples, or of what is left of them.
fn courses(story: &mut Story, samples: &[Seen], mut kept: HashMap<String, Course>) {
    let mut gathered: BTreeMap<&str, Gathering> = BTreeMap::new();
    for seen in samples {
        let of_check = gathered.entry(seen.sample.check.as_str()).or_default();
        of_check.take(seen.at, &seen.sample);
    }
    let across = Across {
        from: story.opened,
        to: story.until,
    };
    for check in &mut story.checks {
        let gathered = gathered.remove(check.id.as_str());
        let course = gathered
            .map(|it| it.finish(across))
            .or_else(|| kept.remove(&check.id));
        if let Some(course) = &course {
            counted(check, course);
        }
        check.course = course;
    }
}

/// The figures of a check that has no report yet.
fn counted(check: &mut Told, course: &Course) {
    if check.runs.0 > 0 {
        return;
    }
    let whole = course.whole();
    let known = whole.passed + whole.failed + whole.errored;
    let bad = whole.failed + whole.errored;
    check.runs = (
        known + whole.unknown,
        whole.failed,
        whole.errored,
        whole.unknown,
    );
    check.error_rate = (known > 0).then(|| bad as f64 / known as f64);
    let count = whole.latency.count();
    let told = |q: f64| {
        let span = whole.latency.quantile(q);
        let span = span.filter(|_| count >= crate::window::least_count(q));
        span.map(|span| span.as_secs_f64() * 1e3)
    };
    let longest = whole.latency.steps().last();
    let longest = longest.map(|step| step.middle.as_secs_f64() * 1e3);
    check.latency = [told(0.5), told(0.95), told(0.99), longest];
}

/// What happened, as the page tells it. The verdict stands in the facts, as `to`.
fn moment(happening: Happening) -> Moment {
    let fact = |name: &str| happening.facts.get(name).and_then(Value::as_str);
    let verdict = fact("to").or_else(|| fact("verdict")).and_then(verdict_of);
    Moment {
        at: happening.at,
        kind: happening.kind.to_owned(),
        verdict: verdict.filter(|_| happening.check.is_some()),
        check: happening.check,
        text: happening.text,
    }
}

/// When a window of the story's span began and ended, for whoever asks the history.
#[must_use]
pub fn span(id: &str, live: &Live, window: Option<&StoredWindow>) -> Option<Across> {
    let mut services = live.services.iter();
    let open = services.find_map(|it| it.window.as_ref().filter(|open| *open.id == *id));
    let from: WallTime = open
        .map(|open| open.opened)
        .or(window.map(|it| it.opened))?;
    let to = window.and_then(|it| it.closed).unwrap_or(live.at);
    Some(Across {
        from,
        to: to.max(from),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::html::course::tests::sample;
    use crate::report::html::story::tests::report;
    use crate::sample::{CheckId, Outcome};
    use crate::server::page::tests::{at, judging, live};

    fn seen(second: u64, outcome: Outcome) -> Seen {
        let mut sample = sample(outcome, 20);
        sample.check = CheckId::new("api-health");
        Seen {
            at: at(second),
            service: "api".into(),
            window: Some("01JWINDOW".into()),
            sample,
        }
    }

    fn stored() -> StoredWindow {
        StoredWindow {
            id: "01JD".into(),
            service: "api".into(),
            opened: at(0),
            closed: Some(at(372)),
            verdict: Some(Verdict::Fail),
            revision: Some("api:42".to_owned()),
            action: Some("roll_back".to_owned()),
            rollback: Some("rolled_back_verified".to_owned()),
            detected_after: Some(Duration::from_secs(130)),
            report: Some(report()),
        }
    }

    fn judged() -> Happening {
        Happening {
            id: "01JH".to_owned(),
            at: at(30),
            service: Some("api".into()),
            window: Some("01JWINDOW".into()),
            check: Some(CheckId::new("api-health")),
            kind: "check_judged",
            text: "FAIL api-health".to_owned(),
            facts: serde_json::json!({"from": "pass", "to": "fail"}),
        }
    }

    #[test]
    fn an_open_window_is_told_from_what_is_true_now() {
        let kept = Kept {
            samples: (0..60).map(|second| seen(second, Outcome::Pass)).collect(),
            happenings: vec![judged()],
            ..Kept::default()
        };
        let story = told("01JWINDOW", &live(), kept, &Mask::default()).unwrap();
        assert_eq!(story.open.as_ref().unwrap().state, "baking");
        assert_eq!(story.checks[0].runs, (60, 0, 0, 0));
        assert!(story.checks[0].latency[0].is_some() && story.checks[0].latency[2].is_none());
        assert_eq!(story.moments[0].verdict, Some(Verdict::Fail));
        assert_eq!(story.checks.len(), 1, "those of its service alone");
        let page = super::super::draw(&story).into_string();
        assert!(page.contains("/windows/01JWINDOW/rollback"), "{page}");
    }

    #[test]
    fn an_open_window_goes_on_under_what_was_declared_when_it_was_opened() {
        let mut live = live();
        // Read again meanwhile: another limit on the one check, and the other is gone.
        live.checks[0].limits = ["p95 critical > 50ms".to_owned()].into();
        let window = live.services[0].window.as_mut().unwrap();
        window
            .checks
            .push(judging("api-search", Verdict::Pass, 3.0));
        let kept = Kept {
            samples: (0..60).map(|second| seen(second, Outcome::Pass)).collect(),
            ..Kept::default()
        };
        let story = told("01JWINDOW", &live, kept, &Mask::default()).unwrap();
        let told: Vec<(&str, f64)> = story
            .checks
            .iter()
            .map(|check| (&*check.id, check.lines[0].at))
            .collect();
        assert_eq!(told, [("api-health", 2.0), ("api-search", 3.0)]);
        let page = super::super::draw(&story).into_string();
        assert!(page.contains("p95 critical &gt; 2 s"), "{page}");
        assert!(!page.contains("50 ms") && !page.contains("50ms"), "{page}");
    }

    #[test]
    fn a_closed_window_is_told_by_the_limits_of_its_time() {
        let mut report = report();
        report["checks"][0]["limits"] = serde_json::json!([
            {"subject": "p95", "level": "critical", "limit": 0.03, "text": "> 30 ms"}]);
        report["checks"][0]["before"] =
            serde_json::json!({"samples": 400, "p50_ms": 12.0, "p95_ms": 19.0});
        let mut live = live();
        live.checks[0].limits = ["p95 critical > 50ms".to_owned()].into();
        let usual = |ms| Usual {
            p50: Duration::from_millis(ms),
            p95: Duration::from_millis(ms),
        };
        let mut of_cache = seen(10, Outcome::Pass);
        of_cache.sample.check = CheckId::new("<cache>");
        let kept = |report| Kept {
            window: Some(StoredWindow {
                report: Some(report),
                ..stored()
            }),
            samples: vec![seen(10, Outcome::Pass), of_cache.clone()],
            before: HashMap::from([
                ("api-health".to_owned(), usual(15)),
                ("<cache>".to_owned(), usual(1)),
            ]),
            ..Kept::default()
        };
        // Declared otherwise since, and not declared any more.
        for live in [live, Live::default()] {
            let story = told("01JD", &live, kept(report.clone()), &Mask::default()).unwrap();
            let check = &story.checks[0];
            let lines: Vec<(&str, f64)> =
                check.lines.iter().map(|it| (&*it.label, it.at)).collect();
            assert_eq!(lines, [("p95 > 30 ms", 0.03)]);
            assert_eq!(check.before.unwrap().p50, Duration::from_millis(12));
            assert_eq!(
                story.checks[1].before,
                Some(usual(1)),
                "it was compared with nothing"
            );
            // Of a report of long ago nothing is said that it does not say.
            assert_eq!(story.checks[1].limits, None);
            let page = super::super::draw(&story).into_string();
            assert!(page.contains("p95 critical &gt; 30 ms"), "{page}");
            assert!(page.contains("limits were not kept"), "{page}");
        }
    }

    #[test]
    fn a_closed_window_is_told_from_its_report_with_what_is_kept() {
        let window = stored();
        let kept = Kept {
            window: Some(window.clone()),
            samples: vec![seen(10, Outcome::Fail)],
            ..Kept::default()
        };
        let story = told("01JD", &live(), kept, &Mask::default()).unwrap();
        assert_eq!(
            story.checks[0].runs,
            (58, 7, 0, 0),
            "the report knows them all"
        );
        assert!(story.checks[0].course.is_some());
        let page = super::super::draw(&story).into_string();
        assert!(
            !page.contains("/rollback\""),
            "nothing can be ordered of it any more"
        );
        let died = StoredWindow {
            closed: None,
            report: None,
            verdict: None,
            ..window
        };
        let kept = Kept {
            window: Some(died),
            ..Kept::default()
        };
        let story = told("01JD", &live(), kept, &Mask::default()).unwrap();
        assert!(story.remarks[0].contains("ended while this window was open"));
    }

    #[test]
    fn a_window_that_nobody_knows_has_no_story() {
        assert!(told("01X", &live(), Kept::default(), &Mask::default()).is_none());
        assert!(span("01X", &live(), None).is_none());
    }
}
