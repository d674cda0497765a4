//! The steps of rollbacks as spans: from what happens to spans that have a start and an end.
//!
//! A rollback is one span, from the decision or the intent, whichever comes first, to its end. Below it
//! each step has a span, named by what begins it, that lasts until the next step begins or the rollback
//! ends; how far the platform has come are events of the step in which it says so. A span is told when it
//! has ended: a collector takes no other. A window in which nothing is undone has its decision alone, an
//! instant. Asked by [`super::traced`] for every happening; judges nothing.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use ulid::Ulid;

use super::metrics::nanoseconds;
use super::resource;
use crate::clock::WallTime;
use crate::deployment::RollbackOutcome;
use crate::event::Action;
use crate::secret::Mask;
use crate::store::history::Happening;

/// More rollbacks than this at once are none that a daemon carries out: the oldest are forgotten.
const MOST: usize = 4_096;
/// So many lines of the platform are kept of a step.
const MOST_LINES: usize = 128;

/// Whether something that happened begins or ends a step of a rollback.
pub(super) fn is_step(happening: &Happening) -> bool {
    let kind = happening.kind;
    kind.starts_with("rollback_")
        || matches!(
            kind,
            "decided" | "verification_started" | "window_left" | "window_closed"
        )
}

/// The rollbacks that go on.
#[derive(Debug)]
pub(super) struct Steps {
    mask: Mask,
    /// By the name of the window: the oldest first.
    open: BTreeMap<Ulid, Rollback>,
}

#[derive(Debug)]
struct Rollback {
    /// What began it.
    first: Happening,
    step: Step,
}

/// The step that goes on.
#[derive(Debug)]
struct Step {
    /// What began it.
    begun: Happening,
    lines: Vec<Event>,
}

impl Step {
    const fn begin(begun: Happening) -> Self {
        Self {
            begun,
            lines: Vec::new(),
        }
    }
}

impl Steps {
    /// None goes on yet.
    pub(super) const fn new(mask: Mask) -> Self {
        Self {
            mask,
            open: BTreeMap::new(),
        }
    }

    /// Takes in what happened, in the order in which it did; says what has ended by it.
    pub(super) fn take(&mut self, happening: Happening) -> Vec<Span> {
        let window = happening.window.as_deref();
        let Some(window) = window.and_then(|window| window.parse::<Ulid>().ok()) else {
            return Vec::new();
        };
        match happening.kind {
            "decided" if fact(&happening, "action") != Some(Action::RollBack.name()) => {
                let instant = Step::begin(happening);
                let at = instant.begun.at;
                vec![self.step(&window, instant, at, false)]
            }
            "rollback_progress" => {
                self.says(&window, &happening);
                Vec::new()
            }
            "rollback_ended" => self.ends(&window, &happening),
            // It is gone on with by another run, or was over without a word.
            "window_left" | "window_closed" => {
                let left = self.open.remove(&window);
                let ended = left.map(|left| self.step(&window, left.step, happening.at, true));
                ended.into_iter().collect()
            }
            _ => self.begins(&window, happening),
        }
    }

    /// The steps that go on when the program ends: the next run goes on with their rollbacks.
    pub(super) fn leave(&mut self, now: WallTime) -> Vec<Span> {
        let left = std::mem::take(&mut self.open).into_iter();
        left.map(|(window, left)| self.step(&window, left.step, now, true))
            .collect()
    }

    fn begins(&mut self, window: &Ulid, happening: Happening) -> Vec<Span> {
        if let Some(rollback) = self.open.get_mut(window) {
            let at = happening.at;
            let before = std::mem::replace(&mut rollback.step, Step::begin(happening));
            return vec![self.step(window, before, at, true)];
        }
        if self.open.len() >= MOST {
            self.open.pop_first();
        }
        let rollback = Rollback {
            first: happening.clone(),
            step: Step::begin(happening),
        };
        self.open.insert(*window, rollback);
        Vec::new()
    }

    fn says(&mut self, window: &Ulid, happening: &Happening) {
        let Some(rollback) = self.open.get_mut(window) else {
            return;
        };
        if rollback.step.lines.len() < MOST_LINES {
            rollback.step.lines.push(Event {
                time_unix_nano: nanoseconds(happening.at),
                name: happening.kind.to_owned(),
                attributes: vec![resource::text(
                    "smokejumper.text",
                    &self.mask.apply(&happening.text),
                )],
                ..Event::default()
            });
        }
    }

    /// The last step, and the rollback itself; one that ends as it begins has no step.
    fn ends(&mut self, window: &Ulid, ended: &Happening) -> Vec<Span> {
        let rollback = self.open.remove(window);
        let first = rollback.as_ref().map_or(ended, |one| &one.first);
        let code = status(ended);
        let whole = Span {
            trace_id: window.0.to_be_bytes().to_vec(),
            span_id: of(window),
            name: "rollback".to_owned(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: nanoseconds(first.at),
            end_time_unix_nano: nanoseconds(ended.at.max(first.at)),
            attributes: self.attributes(window, ended),
            status: Some(Status {
                code: code.into(),
                message: match code {
                    StatusCode::Error => self.mask.apply(&ended.text),
                    StatusCode::Ok | StatusCode::Unset => String::new(),
                },
            }),
            ..Span::default()
        };
        let last = rollback.map(|rollback| self.step(window, rollback.step, ended.at, true));
        last.into_iter().chain([whole]).collect()
    }

    /// A step that ended, below the rollback of its window where there is one.
    fn step(&self, window: &Ulid, step: Step, ended: WallTime, is_below: bool) -> Span {
        let Step { begun, lines } = step;
        let own = begun.id.parse::<Ulid>().unwrap_or_default();
        Span {
            trace_id: window.0.to_be_bytes().to_vec(),
            span_id: of(&own),
            parent_span_id: match is_below {
                true => of(window),
                false => Vec::new(),
            },
            name: begun.kind.to_owned(),
            kind: SpanKind::Internal.into(),
            start_time_unix_nano: nanoseconds(begun.at),
            // Our own clock may have been set back meanwhile.
            end_time_unix_nano: nanoseconds(ended.max(begun.at)),
            attributes: self.attributes(window, &begun),
            events: lines,
            ..Span::default()
        }
    }

    fn attributes(
        &self,
        window: &Ulid,
        happening: &Happening,
    ) -> Vec<opentelemetry_proto::tonic::common::v1::KeyValue> {
        let mask = &self.mask;
        let mut attributes = vec![
            resource::text("smokejumper.window", &window.to_string()),
            resource::text("smokejumper.text", &mask.apply(&happening.text)),
        ];
        if let Some(service) = &happening.service {
            attributes.push(resource::text("smokejumper.service", &mask.apply(service)));
        }
        attributes.extend(FACTS.iter().filter_map(|name| {
            let key = format!("smokejumper.{name}");
            Some(resource::text(&key, &mask.apply(fact(happening, name)?)))
        }));
        attributes
    }
}

/// Whether what ended was brought about. What was forbidden, or left to another, is neither.
fn status(ended: &Happening) -> StatusCode {
    let outcome = fact(ended, "outcome");
    let mut known = RollbackOutcome::ALL.into_iter();
    match known.find(|one| Some(one.name()) == outcome) {
        Some(RollbackOutcome::RolledBackVerified | RollbackOutcome::RolledBackByEcs) => {
            StatusCode::Ok
        }
        Some(
            RollbackOutcome::RolledBackUnhealthy
            | RollbackOutcome::Failed
            | RollbackOutcome::Timeout
            | RollbackOutcome::NoTarget
            | RollbackOutcome::NotRollbackable,
        ) => StatusCode::Error,
        Some(RollbackOutcome::Refused | RollbackOutcome::Superseded | RollbackOutcome::DryRun)
        | None => StatusCode::Unset,
    }
}

/// What of the facts of a step is worth an attribute.
const FACTS: [&str; 6] = ["action", "actuator", "from", "outcome", "severity", "to"];

fn fact<'a>(happening: &'a Happening, name: &str) -> Option<&'a str> {
    happening.facts.get(name)?.as_str()
}

/// The name of a span: the random half of a ULID.
fn of(name: &Ulid) -> Vec<u8> {
    name.0.to_be_bytes()[8..].to_vec()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const WINDOW: Ulid = Ulid::from_parts(1, 2);

    fn happened(second: u64, kind: &'static str, facts: serde_json::Value) -> Happening {
        Happening {
            id: Ulid::from_parts(second, 1_000 + u128::from(second)).to_string(),
            at: WallTime::since_unix_epoch(Duration::from_secs(second)),
            service: Some("api".into()),
            window: Some(WINDOW.to_string().into()),
            check: None,
            kind,
            text: format!("{kind} canary"),
            facts,
        }
    }

    fn steps() -> Steps {
        let mask = Mask::default();
        mask.hide("canary");
        Steps::new(mask)
    }

    /// Names, and from which second to which.
    fn told(spans: &[Span]) -> Vec<(&str, u64, u64)> {
        let second = |nanoseconds: u64| nanoseconds / 1_000_000_000;
        let told = spans.iter().map(|span| {
            let (from, to) = (span.start_time_unix_nano, span.end_time_unix_nano);
            (&*span.name, second(from), second(to))
        });
        told.collect()
    }

    fn rollback() -> [Happening; 7] {
        let none = || serde_json::json!({});
        [
            happened(10, "decided", serde_json::json!({"action": "roll_back"})),
            happened(
                11,
                "rollback_intended",
                serde_json::json!({"from": "api:42"}),
            ),
            happened(13, "rollback_started", none()),
            happened(20, "rollback_progress", none()),
            happened(60, "verification_started", none()),
            happened(
                90,
                "rollback_ended",
                serde_json::json!({"outcome": "rolled_back_verified"}),
            ),
            happened(91, "window_closed", none()),
        ]
    }

    #[test]
    fn each_step_lasts_until_the_next_and_all_are_below_the_rollback() {
        let mut steps = steps();
        let spans: Vec<Span> = rollback()
            .into_iter()
            .inspect(|one| assert!(is_step(one), "{}", one.kind))
            .flat_map(|one| steps.take(one))
            .collect();
        assert_eq!(
            told(&spans),
            [
                ("decided", 10, 11),
                ("rollback_intended", 11, 13),
                ("rollback_started", 13, 60),
                ("verification_started", 60, 90),
                ("rollback", 10, 90),
            ]
        );
        let (whole, below) = spans.split_last().unwrap();
        assert!(whole.parent_span_id.is_empty());
        assert_eq!(whole.status.as_ref().unwrap().code, StatusCode::Ok as i32);
        for step in below {
            assert_eq!(step.parent_span_id, whole.span_id, "{}", step.name);
            assert_eq!(step.trace_id, WINDOW.0.to_be_bytes());
        }
        let names: std::collections::BTreeSet<&[u8]> =
            spans.iter().map(|span| &*span.span_id).collect();
        assert_eq!(names.len(), spans.len());
        assert_eq!(spans[2].events.len(), 1);
        assert!(!format!("{spans:?}").contains("canary"));
        assert!(steps.open.is_empty());
    }

    #[test]
    fn a_decision_that_undoes_nothing_is_an_instant_by_itself() {
        let mut steps = steps();
        let accepted = happened(10, "decided", serde_json::json!({"action": "accept"}));
        let spans = steps.take(accepted);
        assert_eq!(told(&spans), [("decided", 10, 10)]);
        assert!(spans[0].parent_span_id.is_empty());
        let closed = happened(11, "window_closed", serde_json::json!({}));
        assert!(steps.take(closed).is_empty());
    }

    #[test]
    fn a_rollback_that_is_left_ends_its_step_and_is_told_by_whoever_sees_its_end() {
        let mut first = steps();
        let [decided, intended, started, _, proven, ended, _] = rollback();
        let mut spans = first.take(decided);
        spans.extend(first.take(intended));
        spans.extend(first.take(started));
        spans.extend(first.leave(WallTime::since_unix_epoch(Duration::from_secs(30))));
        assert_eq!(told(&spans).last(), Some(&("rollback_started", 13, 30)));
        let mut next = steps();
        assert!(next.take(proven).is_empty());
        let rest = next.take(ended);
        assert_eq!(
            told(&rest),
            [("verification_started", 60, 90), ("rollback", 60, 90)]
        );
        assert_eq!(spans[0].parent_span_id, rest[1].span_id);
    }

    #[test]
    fn a_rollback_that_fails_is_an_error_and_one_that_is_forbidden_is_not() {
        for (outcome, code, message) in [
            ("rolled_back_by_ecs", StatusCode::Ok, ""),
            (
                "rolled_back_unhealthy",
                StatusCode::Error,
                "rollback_ended ***",
            ),
            ("timeout", StatusCode::Error, "rollback_ended ***"),
            ("refused", StatusCode::Unset, ""),
            ("dry_run", StatusCode::Unset, ""),
        ] {
            let ended = serde_json::json!({ "outcome": outcome });
            let spans = steps().take(happened(10, "rollback_ended", ended));
            assert_eq!(told(&spans), [("rollback", 10, 10)]);
            let status = spans[0].status.as_ref().unwrap();
            let expected = (code as i32, message);
            assert_eq!((status.code, &*status.message), expected, "{outcome}");
        }
    }

    #[test]
    fn rollbacks_without_an_end_take_bounded_room() {
        let mut steps = steps();
        for number in 0..2 * MOST as u64 {
            let mut begun = happened(10, "rollback_started", serde_json::json!({}));
            begun.window = Some(Ulid::from_parts(number, 1).to_string().into());
            steps.take(begun);
        }
        assert_eq!(steps.open.len(), MOST);
        for _ in 0..2 * MOST_LINES {
            let mut said = happened(11, "rollback_progress", serde_json::json!({}));
            let last = Ulid::from_parts(2 * MOST as u64 - 1, 1);
            said.window = Some(last.to_string().into());
            steps.take(said);
        }
        let lines = steps.open.values().map(|one| one.step.lines.len()).max();
        assert_eq!(lines, Some(MOST_LINES));
    }
}
