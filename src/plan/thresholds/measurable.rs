//! What a check can measure, and therefore what a threshold of it can be on, and in which units.

use std::sync::Arc;

use crate::config::problem::{Code, Problem};
use crate::config::{Entry, suggestion};
use crate::probe::{Probe, Readings};
use crate::sample::Unit;
use crate::verdict::threshold::{Measure, SUMMARIES, Subject};

/// What a check can measure, as far as that is known before it runs.
#[derive(Clone, Debug, Default)]
pub struct Measurable {
    /// The readings of its kind, where the kind is known.
    pub kind: Option<Readings>,
    /// Those that its settings name, where its probe says so.
    pub own: Option<Vec<(Arc<str>, Unit)>>,
    /// The word under `addresses` by which each run asks several by themselves.
    pub asks_each: Option<&'static str>,
}

/// The word by which a probe asks each task or each address by itself.
pub fn asks_each(probe: &dyn Probe) -> Option<&'static str> {
    let of_addresses = probe.asks_addresses_of().map(|_| "each");
    probe.asks_tasks().then_some("tasks").or(of_addresses)
}

impl Measurable {
    /// What a reading counts, where that is known.
    fn unit(&self, name: &str) -> Option<Unit> {
        let named = self.kind.map_or(&[][..], |kind| kind.named).iter();
        let kind = named.clone().find(|(known, _, _)| *known == name);
        let own = self.own.iter().flatten().find(|(known, _)| {
            let rest = name.strip_prefix(&**known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        kind.map(|(_, unit, _)| *unit)
            .or_else(|| own.map(|(_, unit)| *unit))
    }

    /// Whether it may give readings that nobody can name yet.
    fn is_open(&self) -> bool {
        self.kind.is_none_or(|kind| kind.open) && self.own.is_none()
    }

    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let named = self.kind.map_or(&[][..], |kind| kind.named).iter();
        let own = self.own.iter().flatten().map(|(name, _)| &**name);
        named.map(|(name, _, _)| *name).chain(own)
    }
}

/// What a threshold is on: a summary, or a reading that the check can give.
pub fn subject(
    entry: &Entry,
    readings: &Measurable,
    problems: &mut Vec<Problem>,
) -> Option<Subject> {
    let name = entry.key.text.as_str();
    let report =
        |message: String| Problem::error(Code::UnknownSubject, message).at(&entry.key.place);
    let subject = match Subject::parse(name) {
        Ok(subject) => subject,
        Err(error) => {
            let help = "percentiles are p50, p90, p95, p99 and p999; a phase also has max and mean";
            problems.push(report(error.to_string()).help(help));
            return None;
        }
    };
    if !matches!(subject, Subject::Reading(_)) || readings.kind.is_none() {
        return Some(subject);
    }
    if readings.unit(name).is_some() {
        return Some(subject);
    }
    let near_summary = suggestion::nearest(name, SUMMARIES);
    if !readings.is_open() {
        let known = readings.names().chain(SUMMARIES);
        problems.push(
            report(format!("the check measures no `{name}`"))
                .maybe_help(suggestion::did_you_mean(name, known)),
        );
        return None;
    }
    if let Some(near) = near_summary {
        let message = format!("`{name}` is taken for a reading of the check");
        let problem = Problem::warning(Code::UnknownSubject, message)
            .at(&entry.key.place)
            .help(format!("did you mean the summary `{near}`?"));
        problems.push(problem);
    }
    Some(subject)
}

/// In what a limit may be written: the first is what the subject is measured in.
pub fn measures(subject: &Subject, readings: &Measurable) -> &'static [Measure] {
    let Subject::Reading(name) = subject else {
        return match subject.measure() {
            Measure::Share => &[Measure::Share],
            Measure::Seconds => &[Measure::Seconds],
            Measure::Number => &[Measure::Number],
        };
    };
    match readings.unit(name) {
        Some(Unit::Share) => &[Measure::Share],
        Some(Unit::Seconds) => &[Measure::Seconds, Measure::Number],
        Some(Unit::Number | Unit::Bytes | Unit::Days) => &[Measure::Number],
        // A column of a query: it may well be a number of seconds.
        None => &[Measure::Number, Measure::Seconds],
    }
}
