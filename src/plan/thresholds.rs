//! `thresholds`: subjects and limits, checked against what the check can measure.

mod course;
mod measurable;
mod setting;

use schemars::JsonSchema;

use self::course::CourseSettings;
pub use self::measurable::{Measurable, asks_each};
use self::measurable::{measures, subject};
use self::setting::LimitSetting;

use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Place, Value, read};
use crate::quantity::Span;
use crate::verdict::threshold::{Comparison, Course, Limit, Measure, Subject, Threshold};

/// A threshold and where it is declared.
pub struct ThresholdDraft<'a> {
    /// The key with the limits.
    pub entry: &'a Entry,
    /// What was read.
    pub threshold: Threshold,
}

/// The limits on one subject.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// The limit whose breach warns, as `> 1%`; a bare value means `>`.
    pub warning: Option<LimitSetting>,
    /// The limit whose breach fails the check, as `> 5%`.
    pub critical: Option<LimitSetting>,
    /// How long the limit must be breached.
    #[serde(rename = "for")]
    pub lasting: Option<Span>,
    /// In how many samples in a row the limit must be breached.
    pub consecutive: Option<u32>,
}

/// Reads the section of one check.
pub fn lower<'a>(
    section: &'a Entry,
    readings: &Measurable,
    problems: &mut Vec<Problem>,
) -> Vec<ThresholdDraft<'a>> {
    match &section.value.value {
        Value::Map(entries) if !entries.is_empty() => entries
            .iter()
            .filter_map(|entry| threshold(entry, readings, problems))
            .collect(),
        Value::Hole => Vec::new(),
        Value::Map(_) | Value::Null => {
            let problem = Problem::error(Code::BadThreshold, "`thresholds` is empty")
                .at(&section.pointer())
                .help(
                    "remove the key to get the standard limits, or limit something, as \
                       `error_rate: { critical: \"> 5%\" }`",
                );
            problems.push(problem);
            Vec::new()
        }
        _ => {
            let found = section.value.description();
            let message = format!("`thresholds` is a mapping from subjects, not {found}");
            let problem = Problem::error(Code::WrongType, message)
                .at(&section.pointer())
                .help("write `thresholds: { error_rate: { critical: \"> 5%\" } }`");
            problems.push(problem);
            Vec::new()
        }
    }
}

fn threshold<'a>(
    entry: &'a Entry,
    readings: &Measurable,
    problems: &mut Vec<Problem>,
) -> Option<ThresholdDraft<'a>> {
    let subject = subject(entry, readings, problems);
    if matches!(entry.value.value, Value::Text(_) | Value::Number(_)) {
        let name = &entry.key.text;
        let message = format!("the limit of `{name}` has no level");
        let problem = Problem::error(Code::BadThreshold, message)
            .at(&entry.pointer())
            .help(format!(
                "write `{name}: {{ warning: …, critical: … }}`, or one of the two"
            ));
        problems.push(problem);
        return None;
    }
    let before = problems.len();
    let settings = read::<LimitSettings>(&entry.value, &entry.key.place, problems).any()?;
    // What is missing of a setting that was not read has been told.
    let is_whole = problems.len() == before;
    let measures = measures(subject.as_ref()?, readings);
    let is_reading = matches!(subject, Some(Subject::Reading(_)));
    let mut limit = |setting: &Option<LimitSetting>, level: &str| {
        let setting = setting.as_ref()?;
        let place = entry
            .value
            .entry(level)
            .map_or_else(|| entry.pointer(), Entry::pointer);
        match setting {
            LimitSetting::Text(text) => parse(text, measures, &place, problems),
            LimitSetting::Course(_) if !is_whole => None,
            LimitSetting::Course(course) => across(course, is_reading, readings, &place, problems),
        }
    };
    let threshold = Threshold {
        subject: subject?,
        warning: limit(&settings.warning, "warning"),
        critical: limit(&settings.critical, "critical"),
        lasting: settings.lasting.map(|span| span.0),
        consecutive: settings.consecutive,
    };
    if problems.len() == before {
        coherent(entry, &threshold, problems);
    }
    Some(ThresholdDraft { entry, threshold })
}

/// A limit on the course of a reading.
fn across(
    settings: &CourseSettings,
    is_reading: bool,
    readings: &Measurable,
    place: &Place,
    problems: &mut Vec<Problem>,
) -> Option<Limit> {
    let refused = match (settings.limit(), readings.asks_each) {
        // What one counted says nothing of another, and a fall from one to the next is none.
        (Ok(_), Some(word)) if is_reading => {
            let message = "a reading of several has no course: each has its own";
            Problem::error(Code::BadThreshold, message).help(format!(
                "remove `addresses: {word}`, or limit the value itself"
            ))
        }
        (Ok(limit), _) if is_reading => return Some(limit),
        (Ok(_), _) => Problem::error(Code::BadThreshold, "a summary has no course of its own")
            .help(
                "limit a reading like this; error rates and latencies are compared with before by \
             `baseline`",
            ),
        (Err(message), _) => Problem::error(Code::BadThreshold, message).help(course::FORMS),
    };
    problems.push(refused.at(place));
    None
}

fn parse(
    text: &str,
    measures: &[Measure],
    place: &Place,
    problems: &mut Vec<Problem>,
) -> Option<Limit> {
    let mut refused = None;
    for measure in measures {
        match Limit::parse(text, *measure) {
            // A plain number of seconds is told as the duration that it is.
            Ok(limit) => {
                let measure = measures.first().filter(|first| **first == Measure::Seconds);
                let measure = measure.copied().unwrap_or(limit.measure);
                return Some(Limit { measure, ..limit });
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    if let Some(error) = refused {
        let problem = Problem::error(Code::BadThreshold, error.to_string())
            .at(place)
            .help(error.hint());
        problems.push(problem);
    }
    None
}

/// Whether the parts of a threshold go together.
fn coherent(entry: &Entry, threshold: &Threshold, problems: &mut Vec<Problem>) {
    let name = &entry.key.text;
    let place = |key: &str| {
        entry
            .value
            .entry(key)
            .map_or_else(|| entry.pointer(), Entry::pointer)
    };
    match (&threshold.warning, &threshold.critical) {
        (None, None) => problems.push(
            Problem::error(
                Code::BadThreshold,
                format!("the threshold on `{name}` has no limit"),
            )
            .at(&entry.key.place)
            .help("add `warning: …`, `critical: …` or both"),
        ),
        (Some(warning), Some(critical)) => {
            if let Some((message, help)) = disorder(warning, critical) {
                let problem = Problem::error(Code::ThresholdOrder, message)
                    .at(&place("warning"))
                    .label("the warning")
                    .other(&place("critical"), "the critical limit")
                    .help(help);
                problems.push(problem);
            }
        }
        _ => {}
    }
    let own_time = |limit: &Limit| {
        matches!(
            limit.course(),
            Some(Course::Advances | Course::NeverDecreases)
        )
    };
    let limits = [threshold.warning, threshold.critical];
    let has_own_time = limits.iter().flatten().any(own_time);
    for key in ["for", "consecutive"] {
        if let Some(written) = entry.value.entry(key).filter(|_| has_own_time) {
            let message = format!("`{key}` says nothing beside `advances` or `never_decreases`");
            let problem = Problem::error(Code::BadThreshold, message)
                .at(&written.key.place)
                .help("remove it: `within` says how long a reading may stand still");
            problems.push(problem);
        }
    }
    if threshold
        .consecutive
        .is_some_and(|count| count > MOST_IN_A_ROW)
    {
        let message = format!("no check takes more than {MOST_IN_A_ROW} samples in a row");
        let problem = Problem::error(Code::NeverBreached, message)
            .at(&place("consecutive"))
            .help("write the number of samples in a row, or use `for` with a duration");
        problems.push(problem);
    }
    if threshold.consecutive == Some(0) {
        let problem = Problem::error(Code::BadValue, "`consecutive` counts from 1")
            .at(&place("consecutive"))
            .help("write the number of samples in a row, or remove the key");
        problems.push(problem);
    }
}

/// As many samples as one window may hold: what `--samples` takes at most.
const MOST_IN_A_ROW: u32 = 1_000_000;

/// Why a warning and a critical limit do not go together: the warning must come first.
fn disorder(warning: &Limit, critical: &Limit) -> Option<(&'static str, &'static str)> {
    use Comparison::{Above, AtLeast, AtMost, Below};
    if let (Some(first), Some(second)) = (warning.course(), critical.course()) {
        let is_laxer = first == second
            && warning.measure == critical.measure
            && warning.value > critical.value;
        return is_laxer.then_some(LAXER);
    }
    let upward = |limit: &Limit| match limit.comparison {
        Above | AtLeast => Some(true),
        Below | AtMost => Some(false),
        Comparison::Equal | Comparison::Unequal | Comparison::Across(_) => None,
    };
    let (warning_up, critical_up) = (upward(warning)?, upward(critical)?);
    if warning_up != critical_up {
        return Some((
            "the warning and the critical limit look in opposite directions",
            "use the same comparison in both",
        ));
    }
    let laxer = if warning_up {
        warning.value > critical.value
    } else {
        warning.value < critical.value
    };
    laxer.then_some(LAXER)
}

/// What is said of limits in the wrong order.
const LAXER: (&str, &str) = (
    "the warning is laxer than the critical limit, so that it never comes first",
    "exchange the two limits",
);

/// The names of the subjects of thresholds, for rules.
pub fn names(thresholds: &[Threshold]) -> Vec<String> {
    let subjects = thresholds.iter().map(|threshold| &threshold.subject);
    subjects.map(Subject::name).collect()
}
