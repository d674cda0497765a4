//! Limits as a page tells them: in words, and as lines across a plot of the latency of whole runs. They
//! come from a report, from what an open window is judged by, or as they were typed.

use std::time::Duration;

use serde::Deserialize;

use super::Why;
use crate::event::Level;
use crate::quantity::human;
use crate::report::html::plot::band::Line;
use crate::report::html::plot::ticks::seconds;
use crate::verdict::threshold::{Limit, Measure, Subject, Threshold};

/// A limit of a report.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reported {
    subject: String,
    level: Option<Level>,
    limit: Option<f64>,
    text: String,
    for_s: Option<f64>,
    consecutive: Option<u32>,
}

impl Reported {
    /// In words: `p95 critical > 250 ms for 1m`.
    pub(super) fn words(&self) -> String {
        let level = self.level.map_or("", Level::name);
        let lasting = self.for_s.map(Duration::try_from_secs_f64);
        in_words(
            (&self.subject, level, &self.text),
            lasting.and_then(Result::ok),
            self.consecutive,
        )
    }

    /// Across the plot, where it is about that.
    pub(super) fn line(&self) -> Option<Line> {
        let subject = Subject::parse(&self.subject).ok()?;
        let at = self.limit.filter(|_| is_drawn(&subject))?;
        let label = format!("{} {}", self.subject, self.text);
        let level = self.level?;
        Some(Line { label, level, at })
    }
}

/// Thresholds in words, each level of each.
#[must_use]
pub fn words_of(thresholds: &[Threshold]) -> Vec<String> {
    let words = |(threshold, level, limit): (&Threshold, Level, Limit)| {
        in_words(
            (&threshold.subject.name(), level.name(), &limit.to_string()),
            threshold.lasting,
            threshold.consecutive,
        )
    };
    levels(thresholds).map(words).collect()
}

/// The limits on the latency of whole runs among thresholds.
#[must_use]
pub fn of_thresholds(thresholds: &[Threshold]) -> Vec<Line> {
    let drawn = levels(thresholds).filter(|(threshold, ..)| is_drawn(&threshold.subject));
    let line = |(threshold, level, limit): (&Threshold, Level, Limit)| Line {
        label: format!("{} {limit}", threshold.subject.name()),
        level,
        at: limit.value,
    };
    drawn.map(line).collect()
}

/// The limits on the latency of whole runs among those that were declared, each as subject, level and
/// limit: `p95 critical > 2s`. What is about something else is left out.
#[must_use]
pub fn declared(limits: &[String]) -> Vec<Line> {
    let line = |text: &String| {
        let mut words = text.trim().splitn(3, ' ');
        let (name, level, rest) = (words.next()?, words.next()?, words.next()?);
        let level = match level.trim_end_matches(':') {
            "critical" => Level::Critical,
            "warning" => Level::Warning,
            _ => return None,
        };
        let subject = Subject::parse(name.trim_end_matches(':')).ok()?;
        let limit = Limit::parse(rest.trim().trim_matches('"'), Measure::Seconds).ok();
        let limit = limit.filter(|_| is_drawn(&subject))?;
        Some(Line {
            label: format!("{} {}", subject.name(), rest.trim().trim_matches('"')),
            level,
            at: limit.value,
        })
    };
    limits.iter().filter_map(line).collect()
}

/// The limits on the latency of whole runs that reasons name: all that a report says of them that was
/// written before reports told their limits.
pub(super) fn breached(reasons: &[Why]) -> Vec<Line> {
    let line = |why: &Why| {
        let subject = Subject::parse(&why.code).ok()?;
        let at = why.limit.filter(|_| is_drawn(&subject))?;
        let label = format!("{} {}", why.code, seconds(at));
        let level = why.level?;
        Some(Line { label, level, at })
    };
    reasons.iter().filter_map(line).collect()
}

/// Each level that thresholds declare.
fn levels(thresholds: &[Threshold]) -> impl Iterator<Item = (&Threshold, Level, Limit)> {
    thresholds.iter().flat_map(|threshold| {
        let levels = [
            (Level::Warning, threshold.warning),
            (Level::Critical, threshold.critical),
        ];
        let declared = levels.into_iter();
        declared.filter_map(move |(level, limit)| Some((threshold, level, limit?)))
    })
}

fn in_words(
    (subject, level, limit): (&str, &str, &str),
    lasting: Option<Duration>,
    consecutive: Option<u32>,
) -> String {
    let mut words = format!("{subject} {level} {limit}");
    if let Some(span) = lasting {
        words.push_str(" for ");
        words.push_str(&human(span));
    }
    if let Some(count) = consecutive {
        words.push_str(&format!(" in {count} samples in a row"));
    }
    words
}

/// Whether a limit on it can be drawn into a plot of the latency of whole runs.
const fn is_drawn(subject: &Subject) -> bool {
    matches!(
        subject,
        Subject::Quantile(None, _) | Subject::Max(None) | Subject::Mean(None)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_limits_on_latency_are_drawn_and_others_are_not() {
        let limits = [
            "p95 critical > 2s",
            "p99: warning: > 250ms",
            "error_rate critical > 5%",
            "tls.p95 warning > 1s",
            "used_pct critical > 90",
            "nonsense",
        ];
        let lines = declared(&limits.map(str::to_owned));
        let drawn: Vec<(&str, f64)> = lines.iter().map(|it| (it.label.as_str(), it.at)).collect();
        assert_eq!(drawn, [("p95 > 2s", 2.0), ("p99 > 250ms", 0.25)]);
    }

    #[test]
    fn what_a_report_says_of_a_limit_is_what_the_threshold_says() {
        let limit = |value, measure| {
            Some(Limit {
                comparison: crate::verdict::threshold::Comparison::Above,
                value,
                measure,
            })
        };
        let threshold = Threshold {
            subject: Subject::Quantile(None, 0.95),
            warning: None,
            critical: limit(0.25, Measure::Seconds),
            lasting: Some(Duration::from_secs(90)),
            consecutive: Some(3),
        };
        let reported: Reported = serde_json::from_value(serde_json::json!({
            "subject": "p95", "level": "critical", "limit": 0.25,
            "text": threshold.critical.unwrap().to_string(), "for_s": 90.0, "consecutive": 3
        }))
        .unwrap();
        let thresholds = [threshold];
        assert_eq!(words_of(&thresholds), [reported.words()]);
        assert_eq!(of_thresholds(&thresholds), [reported.line().unwrap()]);
        assert!(
            reported
                .words()
                .ends_with(" for 1m30s in 3 samples in a row")
        );
        let nonsense = serde_json::json!({ "for_s": -1.0, "limit": 3, "subject": "p50" });
        let nonsense: Reported = serde_json::from_value(nonsense).unwrap();
        assert_eq!(nonsense.line(), None);
    }
}
