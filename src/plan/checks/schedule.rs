//! How often a check runs and how long a run may take: its own word, the defaults', or ours.

use std::time::Duration;

use super::CheckSettings;
use super::load::Declared;
use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Place};
use crate::plan::defaults::Defaults;
use crate::plan::language::{DEFAULT_EVERY, DEFAULT_TIMEOUT};
use crate::probe::Probe;
use crate::quantity::{Span, human};

/// The two durations of a check.
pub struct Schedule {
    /// How often it runs; with a rate, how often in the end.
    pub every: Duration,
    /// Where that is written, as an interval or as a rate; the check's name where it is not.
    pub every_place: Place,
    /// How long one run may take.
    pub timeout: Duration,
}

impl Schedule {
    /// Resolves the schedule of a check.
    pub fn of(
        settings: &CheckSettings,
        rate: &Declared,
        entry: &Entry,
        defaults: &Defaults,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let own =
            |value: Option<Span>, key: &str| value.zip(entry.value.entry(key).map(Entry::pointer));
        let own_timeout = own(settings.timeout, "timeout");
        if !matches!(rate, Declared::Nothing) {
            let timeout = own_timeout.or_else(|| defaults.timeout.clone());
            return Self::of_rate(rate, timeout, entry, problems);
        }
        let sides_by_side = own_timeout.is_some() && settings.every.is_some();
        let every = own(settings.every, "every").or_else(|| defaults.every.clone());
        let timeout = own_timeout.or_else(|| defaults.timeout.clone());
        refuse_shorter("every", SHORTEST_EVERY, &every, problems);
        refuse_shorter("timeout", SHORTEST_TIMEOUT, &timeout, problems);
        let every_place = place_of(&every, entry);
        let every_value = every.map_or(DEFAULT_EVERY, |(span, _)| span.0);
        // Our own timeout gives way to a short interval; a declared one does not.
        let timeout_value = timeout
            .as_ref()
            .map_or(DEFAULT_TIMEOUT.min(every_value), |(span, _)| span.0);
        let too_long = timeout_value > every_value;
        // Written side by side, equal is a slip; inherited, it only uses the interval up.
        if too_long || (sides_by_side && timeout_value == every_value) {
            let timeout_place = place_of(&timeout, entry);
            let problem = overlong(timeout_value, every_value, too_long, &timeout_place);
            problems.push(problem.other(&every_place, "the interval"));
        }
        Self {
            every: every_value,
            every_place,
            timeout: timeout_value,
        }
    }

    /// With a rate the next run does not wait for the end of this one: a timeout may be as long as
    /// it likes.
    fn of_rate(
        rate: &Declared,
        timeout: Option<(Span, Place)>,
        entry: &Entry,
        problems: &mut Vec<Problem>,
    ) -> Self {
        refuse_shorter("timeout", SHORTEST_TIMEOUT, &timeout, problems);
        let timeout = timeout.map_or(DEFAULT_TIMEOUT, |(span, _)| span.0);
        let (every, every_place) = match rate {
            Declared::Pace(pace, place) => (pace.interval(Duration::ZERO), place.clone()),
            Declared::Nothing | Declared::Unclear => (DEFAULT_EVERY, entry.key.place.clone()),
        };
        Self {
            every,
            every_place,
            timeout,
        }
    }

    /// Refuses a part that may take longer than the whole: its own timeout would mean nothing.
    pub fn refuse_longer_part(
        &self,
        probe: Option<&dyn Probe>,
        entry: &Entry,
        problems: &mut Vec<Problem>,
    ) {
        let Some((part, longest)) = probe.and_then(Probe::longest_part) else {
            return;
        };
        if longest <= self.timeout {
            return;
        }
        let (timeout, longest) = (human(self.timeout), human(longest));
        let message = format!(
            "step \"{part}\" may take {longest}, and the whole check is over after {timeout}"
        );
        let written = entry.value.entry("timeout").map(Entry::pointer);
        let problem = Problem::error(Code::BadValue, message)
            .at(&written.unwrap_or_else(|| entry.key.place.clone()))
            .help("lengthen the `timeout` of the check, or shorten that of the step");
        problems.push(problem);
    }

    /// Refuses a timeout that cannot hold what the check itself declares to take longer: each of
    /// its runs would end without an answer.
    pub fn refuse_shorter_than(
        &self,
        probe: Option<&dyn Probe>,
        entry: &Entry,
        problems: &mut Vec<Problem>,
    ) {
        let lasts = probe.map_or(Duration::ZERO, Probe::lasts);
        if lasts.is_zero() || self.timeout > lasts {
            return;
        }
        let (timeout, lasts) = (human(self.timeout), human(lasts));
        let message = format!(
            "the timeout of {timeout} is over before the {lasts} that a run takes at least"
        );
        let written = entry.value.entry("timeout").map(Entry::pointer);
        let problem = Problem::error(Code::BadValue, message)
            .at(&written.unwrap_or_else(|| entry.key.place.clone()))
            .help("lengthen `timeout`, and `every` with it");
        problems.push(problem);
    }
}

fn place_of(value: &Option<(Span, Place)>, entry: &Entry) -> Place {
    let written = value.as_ref().map(|(_, place)| place.clone());
    written.unwrap_or_else(|| entry.key.place.clone())
}

/// More often is a load test, and the shares of the bake would be our own machine's.
const SHORTEST_EVERY: Duration = Duration::from_millis(10);

/// Nothing answers sooner over a network; it is a slip of the unit.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

fn refuse_shorter(
    key: &str,
    shortest: Duration,
    value: &Option<(Span, Place)>,
    problems: &mut Vec<Problem>,
) {
    if let Some((span, place)) = value
        && span.0 < shortest
    {
        let message = format!("`{key}` must be at least {}", human(shortest));
        let problem = Problem::error(Code::BadValue, message)
            .at(place)
            .help("write a duration such as 5s");
        problems.push(problem);
    }
}

fn overlong(timeout: Duration, every: Duration, longer: bool, place: &Place) -> Problem {
    let relation = if longer { "longer than" } else { "as long as" };
    let message = format!(
        "the timeout of {} is {relation} the interval of {}",
        human(timeout),
        human(every)
    );
    Problem::error(Code::TimeoutTooLong, message)
        .at(place)
        .label("the timeout")
        .help("shorten `timeout` or lengthen `every`: a run must end before the next begins")
}
