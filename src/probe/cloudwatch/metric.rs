//! A metric as it is declared, and as CloudWatch is asked for it.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use schemars::JsonSchema;
use serde::Deserialize;

use super::missing::Missing;
use crate::probe::Misfit;
use crate::quantity::Span;
use crate::sample::Unit;

/// A metric, or an expression over metrics.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricSettings {
    /// Its namespace: `AWS/ApplicationELB`.
    #[serde(default)]
    pub namespace: Option<String>,
    /// Its name: `RequestCount`.
    #[serde(default)]
    pub name: Option<String>,
    /// Its dimensions, all of those that it has: CloudWatch finds no metric by some of them.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,
    /// How the values of a period are summed up: `Average`, which it is without it, `Sum`, `Minimum`,
    /// `Maximum`, `SampleCount`, `p95`, `tm90` …
    #[serde(default)]
    pub statistic: Option<String>,
    /// Metric math over the other metrics of the check, by their names, in place of a metric:
    /// `100 * errors / requests`.
    #[serde(default)]
    pub expression: Option<String>,
    /// Over how long values are summed up; without it as the check says.
    #[serde(default)]
    pub period: Option<Span>,
    /// What the values count.
    #[serde(default)]
    pub unit: Option<UnitName>,
    /// What it means that there is no value; without it as the check says.
    #[serde(default)]
    pub missing: Option<Missing>,
}

/// What values count.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnitName {
    /// Plain numbers.
    Number,
    /// Seconds.
    Seconds,
    /// Milliseconds, read as seconds.
    Milliseconds,
    /// Bytes.
    Bytes,
}

/// What holds for metrics that do not say otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    pub(super) period: Duration,
    pub(super) missing: Missing,
}

/// A reading that is wanted.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Its name, which is CloudWatch's id of the query as well.
    pub(super) reading: String,
    pub(super) source: Source,
    pub(super) period: Duration,
    pub(super) unit: Unit,
    pub(super) factor: f64,
    pub(super) missing: Missing,
}

/// Where its values come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// From a metric.
    Metric {
        namespace: String,
        name: String,
        dimensions: Vec<(String, String)>,
        statistic: String,
    },
    /// From metric math, done by CloudWatch.
    Expression(String),
    /// One reading over another of the same period, where the upper one is not written while it is
    /// zero; done here.
    Share(&'static str, &'static str),
}

impl MetricSettings {
    pub(super) fn wanted(
        self,
        reading: &str,
        path: &[&str],
        usual: Usual,
        misfits: &mut Vec<Misfit>,
    ) -> Option<Wanted> {
        let at = |key: &str, message: &str| Misfit::at(&[path, &[key]].concat(), message);
        let before = misfits.len();
        let period = self.period.map_or(usual.period, |span| span.0);
        let source = match (self.expression, self.namespace, self.name) {
            (Some(expression), None, None) => Source::Expression(expression),
            (Some(_), ..) => {
                misfits.push(at(
                    "expression",
                    "it is in place of a metric, not beside one",
                ));
                return None;
            }
            (None, Some(namespace), Some(name)) => Source::Metric {
                namespace,
                name,
                dimensions: self.dimensions.into_iter().collect(),
                statistic: self.statistic.unwrap_or_else(|| "Average".to_owned()),
            },
            (None, ..) => {
                misfits.push(
                    Misfit::at(path, "a metric has a `namespace` and a `name`")
                        .hint("write `namespace: AWS/ECS` and `name: CPUUtilization`"),
                );
                return None;
            }
        };
        if let Source::Metric { statistic, .. } = &source
            && !is_statistic(statistic)
        {
            misfits.push(
                at("statistic", "CloudWatch has no such statistic")
                    .hint("write Average, Sum, Minimum, Maximum, SampleCount, p95, tm90 …"),
            );
        }
        let (unit, factor) = match self.unit {
            None | Some(UnitName::Number) => (Unit::Number, 1.0),
            Some(UnitName::Seconds) => (Unit::Seconds, 1.0),
            Some(UnitName::Milliseconds) => (Unit::Seconds, 1e-3),
            Some(UnitName::Bytes) => (Unit::Bytes, 1.0),
        };
        (misfits.len() == before).then(|| Wanted {
            reading: reading.to_owned(),
            source,
            period,
            unit,
            factor,
            missing: self.missing.unwrap_or(usual.missing),
        })
    }
}

/// What cannot work of all readings together.
pub(super) fn complaints(wanted: &[Wanted]) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    if wanted.is_empty() {
        misfits.push(
            Misfit::at(&[], "no metric is asked for")
                .hint("write `metric: …`, `metrics: …`, `ecs: …`, `alb: …` or `rds: …`"),
        );
    }
    if wanted.len() > MOST {
        misfits.push(Misfit::at(
            &["metrics"],
            format!("at most {MOST} readings in one check"),
        ));
    }
    for (index, one) in wanted.iter().enumerate() {
        let name = &one.reading;
        if wanted[..index].iter().any(|other| other.reading == *name) {
            let message = format!("two metrics give the reading `{name}`");
            misfits.push(Misfit::at(&[], message).hint("make two checks of them"));
        }
        if !is_id(name) {
            let message = format!("`{name}` is no name that CloudWatch takes");
            let hint = "begin with a small letter; then letters, digits and `_`";
            misfits.push(Misfit::at(&["metrics", name], message).hint(hint));
        }
        if !is_period(one.period) {
            let message = "CloudWatch has no such period";
            let hint = "write 1m or a multiple of it; 1s, 5s, 10s, 20s or 30s of high resolution";
            misfits.push(Misfit::at(&["period"], message).hint(hint));
        }
    }
    misfits
}

fn is_id(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_period(period: Duration) -> bool {
    let seconds = period.as_secs();
    period.subsec_nanos() == 0
        && (matches!(seconds, 1 | 5 | 10 | 20 | 30)
            || seconds > 0 && seconds.is_multiple_of(60) && seconds <= LONGEST_PERIOD)
}

/// The plain ones, and those with a number: `p95`, `tm99.9`, `PR(0:0.2)`.
fn is_statistic(text: &str) -> bool {
    let plain = ["Average", "Sum", "Minimum", "Maximum", "SampleCount", "IQM"];
    let numbered = ["p", "tm", "wm", "tc", "ts"].iter().any(|start| {
        let number = text
            .strip_prefix(start)
            .and_then(|rest| rest.parse::<f64>().ok());
        number.is_some_and(|number| (0.0..=100.0).contains(&number))
    });
    let ranged = ["PR(", "TM(", "WM(", "TC(", "TS("]
        .iter()
        .any(|start| text.starts_with(start));
    plain.contains(&text) || numbered || ranged && text.ends_with(')')
}

impl Wanted {
    /// The query that asks for it; none for what is worked out here.
    pub(super) fn query(&self) -> Option<MetricDataQuery> {
        let query = MetricDataQuery::builder()
            .id(&self.reading)
            .return_data(true);
        let seconds = i32::try_from(self.period.as_secs()).unwrap_or(i32::MAX);
        Some(match &self.source {
            Source::Share(..) => return None,
            Source::Expression(expression) => query.expression(expression).period(seconds).build(),
            Source::Metric {
                namespace,
                name,
                dimensions,
                statistic,
            } => {
                let dimensions = dimensions
                    .iter()
                    .map(|(name, value)| Dimension::builder().name(name).value(value).build());
                let metric = Metric::builder()
                    .namespace(namespace)
                    .metric_name(name)
                    .set_dimensions(Some(dimensions.collect()));
                let stat = MetricStat::builder()
                    .metric(metric.build())
                    .period(seconds)
                    .stat(statistic);
                query.metric_stat(stat.build()).build()
            }
        })
    }
}

/// CloudWatch takes five hundred in a call; nobody reads fifty.
const MOST: usize = 50;
/// A day.
const LONGEST_PERIOD: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_periods_and_names_are_those_that_cloudwatch_takes() {
        for good in ["Average", "p95", "p99.9", "tm90", "PR(0:0.2)", "IQM"] {
            assert!(is_statistic(good), "{good}");
        }
        for bad in ["average", "p", "p101", "95", "median", ""] {
            assert!(!is_statistic(bad), "{bad}");
        }
        for (seconds, good) in [(1, true), (60, true), (300, true), (90, false), (0, false)] {
            assert_eq!(is_period(Duration::from_secs(seconds)), good, "{seconds}");
        }
        for (name, good) in [
            ("errors_5xx", true),
            ("m1", true),
            ("Errors", false),
            ("5xx", false),
        ] {
            assert_eq!(is_id(name), good, "{name}");
        }
    }
}
