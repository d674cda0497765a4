//! `thresholds`: subjects and limits, checked against what the check can measure.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Place, Value, read, suggestion};
use crate::probe::Readings;
use crate::quantity::Span;
use crate::sample::Unit;
use crate::verdict::threshold::{Comparison, Limit, Measure, SUMMARIES, Subject, Threshold};

/// A threshold and where it is declared.
pub struct ThresholdDraft<'a> {
    /// The key with the limits.
    pub entry: &'a Entry,
    /// What was read.
    pub threshold: Threshold,
}

/// The limits on one subject.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// The limit whose breach warns, as `> 1%`; a bare value means `>`.
    pub warning: Option<LimitText>,
    /// The limit whose breach fails the check, as `> 5%`.
    pub critical: Option<LimitText>,
    /// How long the limit must be breached.
    #[serde(rename = "for")]
    pub lasting: Option<Span>,
    /// In how many samples in a row the limit must be breached.
    pub consecutive: Option<u32>,
}

/// A comparison with a limit, or a bare value.
#[derive(Debug)]
pub struct LimitText(pub String);

impl<'de> Deserialize<'de> for LimitText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for LimitText {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "number"],
            "pattern": "^ *(>=|<=|==|!=|>|<|=)? *[-+]?[0-9.]",
            "description": "A comparison that says when it is breached: > >= < <= == != and a limit. A bare value means >.",
            "examples": ["> 5%", "< 99%", "> 2s", "> 90"]
        })
    }
}

/// What a check can measure, as far as that is known before it runs.
#[derive(Clone, Debug, Default)]
pub struct Measurable {
    /// The readings of its kind, where the kind is known.
    pub kind: Option<Readings>,
    /// Those that its settings name, where its probe says so.
    pub own: Option<Vec<(Arc<str>, Unit)>>,
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
    let measures = measures(subject.as_ref()?, readings);
    let mut limit = |text: &Option<LimitText>, level: &str| {
        let text = text.as_ref()?;
        let place = entry
            .value
            .entry(level)
            .map_or_else(|| entry.pointer(), Entry::pointer);
        parse(&text.0, measures, &place, problems)
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

/// What a threshold is on: a summary, or a reading that the check can give.
fn subject(entry: &Entry, readings: &Measurable, problems: &mut Vec<Problem>) -> Option<Subject> {
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
fn measures(subject: &Subject, readings: &Measurable) -> &'static [Measure] {
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
    let upward = |limit: &Limit| match limit.comparison {
        Above | AtLeast => Some(true),
        Below | AtMost => Some(false),
        Comparison::Equal | Comparison::Unequal => None,
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
    laxer.then_some((
        "the warning is laxer than the critical limit, so that it never comes first",
        "exchange the two limits",
    ))
}

/// The names of the subjects of thresholds, for rules.
pub fn names(thresholds: &[Threshold]) -> Vec<String> {
    let subjects = thresholds.iter().map(|threshold| &threshold.subject);
    subjects.map(Subject::name).collect()
}
