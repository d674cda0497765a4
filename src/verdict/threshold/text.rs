//! Thresholds as people write them: names of subjects, and limits such as `"> 5%"`.

use std::sync::Arc;

use super::{Comparison, Limit, Measure, Subject};
use crate::quantity::{Ratio, Span};
use crate::sample::Phase;

/// The names of the summaries; those of the latency may follow a phase, as `tls.p95`.
pub const SUMMARIES: [&str; 10] = [
    "error_rate",
    "availability",
    "p50",
    "p90",
    "p95",
    "p99",
    "p999",
    "max",
    "mean",
    "consecutive_failures",
];

/// A name that looks like a summary of the latency and is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASummary {
    /// `p97`, `p99.9`.
    #[error("there is no percentile `{0}`")]
    Percentile(String),
    /// `tls.error_rate`.
    #[error("the phase `{phase}` has no `{summary}`")]
    OfPhase {
        /// The phase.
        phase: &'static str,
        /// What was asked of it.
        summary: String,
    },
}

impl Subject {
    /// Reads the name of a subject. What is no summary is a reading; whether the check gives it is
    /// not known here.
    ///
    /// # Errors
    /// When the name can only have been meant as a summary and is none.
    pub fn parse(name: &str) -> Result<Self, NotASummary> {
        match name {
            "error_rate" => return Ok(Self::ErrorRate),
            "availability" => return Ok(Self::Availability),
            "consecutive_failures" => return Ok(Self::ConsecutiveFailures),
            _ => {}
        }
        let phase_of = |word: &str| Phase::ALL.into_iter().find(|phase| phase.name() == word);
        let (phase, summary) = match name.split_once('.') {
            Some((word, summary)) => match phase_of(word) {
                Some(phase) => (Some(phase), summary),
                None => (None, name),
            },
            None => (None, name),
        };
        match (summary, quantile(summary), phase) {
            (_, Some(quantile), _) => Ok(Self::Quantile(phase, quantile)),
            ("max", _, _) => Ok(Self::Max(phase)),
            ("mean", _, _) => Ok(Self::Mean(phase)),
            (_, _, Some(phase)) => Err(NotASummary::OfPhase {
                phase: phase.name(),
                summary: summary.to_owned(),
            }),
            (_, _, None) if is_percentile(name) => Err(NotASummary::Percentile(name.to_owned())),
            _ => Ok(Self::Reading(Arc::from(name))),
        }
    }

    /// The name, as it is declared.
    #[must_use]
    pub fn name(&self) -> String {
        let latency = |phase: &Option<Phase>, summary: &str| match phase {
            Some(phase) => format!("{}.{summary}", phase.name()),
            None => summary.to_owned(),
        };
        match self {
            Self::ErrorRate => "error_rate".to_owned(),
            Self::Availability => "availability".to_owned(),
            Self::Quantile(phase, quantile) => latency(phase, &quantile_name(*quantile)),
            Self::Max(phase) => latency(phase, "max"),
            Self::Mean(phase) => latency(phase, "mean"),
            Self::ConsecutiveFailures => "consecutive_failures".to_owned(),
            Self::Reading(name) => name.to_string(),
        }
    }

    /// What it is measured in. A reading is a plain number here; its unit is its kind's business.
    #[must_use]
    pub const fn measure(&self) -> Measure {
        match self {
            Self::ErrorRate | Self::Availability => Measure::Share,
            Self::Quantile(..) | Self::Max(_) | Self::Mean(_) => Measure::Seconds,
            Self::ConsecutiveFailures | Self::Reading(_) => Measure::Number,
        }
    }
}

/// The percentiles that are computed.
const QUANTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p999", 0.999),
];

fn quantile(name: &str) -> Option<f64> {
    let known = QUANTILES.iter().find(|(known, _)| *known == name);
    known.map(|(_, quantile)| *quantile)
}

fn quantile_name(quantile: f64) -> String {
    let known = QUANTILES.iter().find(|(_, known)| *known == quantile);
    // `0.95` reads as `p95`: the digits after the point.
    known.map_or_else(
        || format!("p{}", quantile.to_string().trim_start_matches("0.")),
        |(name, _)| (*name).to_owned(),
    )
}

fn is_percentile(name: &str) -> bool {
    name.strip_prefix('p').is_some_and(|digits| {
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

/// A text that is no limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// Nothing, or only a comparison.
    #[error("`{0}` has no limit")]
    Empty(String),
    /// An operator that is not known.
    #[error("`{0}` is no comparison")]
    Comparison(String),
    /// A limit of another sort.
    #[error("`{text}` is no {measure}")]
    Value {
        /// The limit, without its comparison.
        text: String,
        /// What was wanted.
        measure: &'static str,
        /// An example of what would be right.
        example: &'static str,
    },
}

impl LimitError {
    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Empty(_) => "write a comparison and a limit, as \"> 5%\" or \"> 2s\"".to_owned(),
            Self::Comparison(_) => "use one of > >= < <= == !=".to_owned(),
            Self::Value { example, .. } => format!("write {example}"),
        }
    }
}

impl Limit {
    /// Reads a comparison that says when it is breached: `> 5%`; a bare value means `>`.
    ///
    /// # Errors
    /// When the text is no comparison, or its value is not of the measure.
    pub fn parse(text: &str, measure: Measure) -> Result<Self, LimitError> {
        let (comparison, value) = comparison(text.trim())?;
        if value.is_empty() {
            return Err(LimitError::Empty(text.to_owned()));
        }
        let value = match measure {
            Measure::Share => Ratio::parse(value).ok().map(Ratio::share),
            Measure::Seconds => Span::parse(value).ok().map(|span| span.0.as_secs_f64()),
            Measure::Number => value.parse().ok().filter(|number: &f64| number.is_finite()),
        }
        .ok_or_else(|| refused(value, measure))?;
        Ok(Self {
            comparison,
            value,
            measure,
        })
    }
}

fn comparison(text: &str) -> Result<(Comparison, &str), LimitError> {
    let end = text
        .find(|c: char| !"<>=!~".contains(c))
        .unwrap_or(text.len());
    let (operator, value) = text.split_at(end);
    let comparison = match operator {
        "" | ">" => Comparison::Above,
        ">=" => Comparison::AtLeast,
        "<" => Comparison::Below,
        "<=" => Comparison::AtMost,
        "==" | "=" => Comparison::Equal,
        "!=" => Comparison::Unequal,
        other => return Err(LimitError::Comparison(other.to_owned())),
    };
    Ok((comparison, value.trim()))
}

fn refused(value: &str, measure: Measure) -> LimitError {
    let (measure, example) = match measure {
        Measure::Share => ("share", "a percentage from 0% to 100%, as \"> 5%\""),
        Measure::Seconds => (
            "duration",
            "a number and a unit, as \"> 250ms\" or \"> 2s\"",
        ),
        Measure::Number => ("number", "a plain number without a unit, as \"> 75\""),
    };
    LimitError::Value {
        text: value.to_owned(),
        measure,
        example,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_has_a_name_that_reads_back() {
        let phases = Phase::ALL.iter().flat_map(|phase| {
            ["p50", "p999", "max", "mean"].map(|summary| format!("{}.{summary}", phase.name()))
        });
        let names = SUMMARIES.map(str::to_owned).into_iter().chain(phases);
        for name in names.chain(["used_pct".to_owned(), "a.b".to_owned()]) {
            assert_eq!(Subject::parse(&name).unwrap().name(), name);
        }
        assert_eq!(
            Subject::parse("tls.p95").unwrap(),
            Subject::Quantile(Some(Phase::Tls), 0.95)
        );
        assert_eq!(
            Subject::parse("head_age").unwrap(),
            Subject::Reading("head_age".into())
        );
    }

    #[test]
    fn what_can_only_be_a_slip_is_no_reading() {
        for name in [
            "p97",
            "p9",
            "p99.9",
            "p100",
            "tls.p97",
            "tls.error_rate",
            "body.",
        ] {
            assert!(Subject::parse(name).is_err(), "{name}");
        }
        for name in ["pods", "p", "p95th", "requests.p95"] {
            assert!(
                matches!(Subject::parse(name), Ok(Subject::Reading(_))),
                "{name}"
            );
        }
    }

    #[test]
    fn limits_are_read_in_the_measure_of_their_subject() {
        use Comparison::*;
        use Measure::*;
        let cases = [
            ("> 5%", Share, Above, 0.05),
            ("5%", Share, Above, 0.05),
            ("0.05", Share, Above, 0.05),
            ("< 99%", Share, Below, 0.99),
            ("> 2s", Seconds, Above, 2.0),
            (">=250ms", Seconds, AtLeast, 0.25),
            ("<= 1m30s", Seconds, AtMost, 90.0),
            ("== 0", Number, Equal, 0.0),
            ("= 0", Number, Equal, 0.0),
            ("!= -1.5", Number, Unequal, -1.5),
            ("  75  ", Number, Above, 75.0),
        ];
        for (text, measure, comparison, value) in cases {
            let limit = Limit {
                comparison,
                value,
                measure,
            };
            assert_eq!(Limit::parse(text, measure).unwrap(), limit, "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_is_refused_with_a_hint() {
        use Measure::*;
        let cases = [
            ("", Share, "`` has no limit"),
            (">", Share, "`>` has no limit"),
            ("=> 5%", Share, "`=>` is no comparison"),
            ("~ 5", Number, "`~` is no comparison"),
            ("> 5", Share, "`5` is no share"),
            ("> 101%", Share, "`101%` is no share"),
            ("> 2", Seconds, "`2` is no duration"),
            ("> 75%", Number, "`75%` is no number"),
            ("> NaN", Number, "`NaN` is no number"),
            ("more than 5", Number, "`more than 5` is no number"),
        ];
        for (text, measure, message) in cases {
            let error = Limit::parse(text, measure).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert!(!error.hint().is_empty());
        }
    }
}
