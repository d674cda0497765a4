//! Asks for the values, takes the newest whole one of each, and judges them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{MetricDataResult, ScanBy, StatusCode};

use super::metric::{Source, Wanted};
use super::missing::Missing;
use crate::aws::access::Access;
use crate::aws::fault::CallFault;
use crate::expect::Undated;
use crate::probe::Attempt;
use crate::quantity::human;
use crate::sample::{Fault, Phase, Reason};

/// What a check asks CloudWatch.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) wanted: Vec<Wanted>,
    pub(super) delay: Duration,
    pub(super) expected: BTreeMap<String, Undated>,
}

/// Values by the seconds since 1970 at which their periods began.
type Values = BTreeMap<i64, f64>;

impl Asked {
    pub(super) async fn ask(&self, access: &Access, attempt: &mut Attempt) -> Result<(), Fault> {
        attempt.enter(Phase::Ttfb);
        // A period that has ended before this is whole.
        let whole = attempt.wall().unix().saturating_sub(self.delay).as_secs();
        let whole = i64::try_from(whole).unwrap_or(i64::MAX);
        let client = Client::new(access.config().await?);
        let values = self.values(&client, whole).await?;
        attempt.stop();
        let mut worst = None;
        for wanted in &self.wanted {
            let met = match wanted.newest(&values, whole) {
                Some(value) => self.take(wanted, value, attempt),
                None => self.without(wanted, attempt),
            };
            // A failure outweighs what is not known.
            if let Err(fault) = met {
                let is_worse = worst.as_ref().is_none_or(|known: &Fault| {
                    known.reason == Reason::NoData && fault.reason != Reason::NoData
                });
                if is_worse {
                    worst = Some(fault);
                }
            }
        }
        worst.map_or(Ok(()), Err)
    }

    fn take(&self, wanted: &Wanted, value: f64, attempt: &mut Attempt) -> Result<(), Fault> {
        let (name, value) = (&wanted.reading, value * wanted.factor);
        attempt.reading(name, value, wanted.unit);
        let Some(matcher) = self.expected.get(name) else {
            return Ok(());
        };
        match matcher.judge(&serde_json::json!(value)).mismatch() {
            None => Ok(()),
            Some(mismatch) => Err(Fault::new(
                Reason::Expectation,
                format!("{name}: {mismatch}"),
            )),
        }
    }

    /// What it means that there is no value.
    fn without(&self, wanted: &Wanted, attempt: &mut Attempt) -> Result<(), Fault> {
        let name = &wanted.reading;
        let (span, delay) = (human(wanted.period * LOOKED_BACK), human(self.delay));
        let detail = format!("no value of {name} in the {span} up to {delay} ago");
        match wanted.missing {
            Missing::Unknown => Err(Fault::new(Reason::NoData, detail)),
            Missing::Fail => Err(Fault::new(Reason::Expectation, detail)),
            Missing::Zero => self.take(wanted, 0.0, attempt),
            Missing::Ok => {
                attempt.note(detail);
                Ok(())
            }
        }
    }

    async fn values(&self, client: &Client, whole: i64) -> Result<HashMap<String, Values>, Fault> {
        let periods = self.wanted.iter().map(|wanted| wanted.period);
        let longest = periods.max().unwrap_or_default();
        let span = i64::try_from((longest * (LOOKED_BACK + 1)).as_secs()).unwrap_or(i64::MAX);
        let queries: Vec<_> = self.wanted.iter().filter_map(Wanted::query).collect();
        let mut values: HashMap<String, Values> = HashMap::new();
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let answer = client
                .get_metric_data()
                .set_metric_data_queries(Some(queries.clone()))
                .start_time(DateTime::from_secs(whole.saturating_sub(span)))
                .end_time(DateTime::from_secs(whole))
                .scan_by(ScanBy::TimestampDescending)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| CallFault::of("cloudwatch:GetMetricData", &error).of_a_check())?;
            for result in answer.metric_data_results() {
                add(&mut values, result)?;
            }
            token = answer.next_token;
            if token.is_none() {
                return Ok(values);
            }
        }
        // A metric of a page that was not read would look like one without values.
        let detail =
            format!("CloudWatch answers with more than {MOST_PAGES} pages: name fewer metrics");
        Err(Fault::new(Reason::NoData, detail))
    }
}

fn add(values: &mut HashMap<String, Values>, result: &MetricDataResult) -> Result<(), Fault> {
    let id = result.id().unwrap_or_default();
    match result.status_code() {
        Some(StatusCode::Forbidden) => {
            let detail =
                format!("we may not read {id}: allow cloudwatch:GetMetricData where it is");
            return Err(Fault::new(Reason::SourceDenied, detail));
        }
        Some(StatusCode::InternalError) => {
            let detail = format!("CloudWatch failed on {id}");
            return Err(Fault::new(Reason::SourceDown, detail));
        }
        _ => {}
    }
    let known = values.entry(id.to_owned()).or_default();
    let times = result.timestamps().iter().map(DateTime::secs);
    known.extend(times.zip(result.values().iter().copied()));
    Ok(())
}

impl Wanted {
    /// The newest value whose period is whole; none where that is too long ago.
    fn newest(&self, values: &HashMap<String, Values>, whole: i64) -> Option<f64> {
        match &self.source {
            Source::Share(part, all) => {
                let (at, all) = self.newest_of(values.get(*all)?, whole)?;
                let part = values.get(*part).and_then(|part| part.get(&at)).copied();
                (all > 0.0).then(|| part.unwrap_or(0.0) / all)
            }
            Source::Metric { .. } | Source::Expression(_) => {
                let (_, value) = self.newest_of(values.get(&self.reading)?, whole)?;
                Some(value)
            }
        }
    }

    fn newest_of(&self, values: &Values, whole: i64) -> Option<(i64, f64)> {
        let period = i64::try_from(self.period.as_secs()).unwrap_or(i64::MAX);
        let is_whole = |at: &i64| at.saturating_add(period) <= whole;
        // The period that contains the end has begun after it; so many whole ones lie before.
        let oldest = whole.saturating_sub(period.saturating_mul(i64::from(LOOKED_BACK) + 1));
        let newest = values.iter().rev().find(|(at, _)| is_whole(at));
        newest
            .filter(|(at, _)| **at >= oldest)
            .map(|(at, value)| (*at, *value))
    }
}

/// A value that is older than so many periods is none any more.
const LOOKED_BACK: u32 = 3;
/// Fifty metrics of some values each fit on one; no list goes on for ever.
const MOST_PAGES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Unit;

    fn wanted(reading: &str, source: Source) -> Wanted {
        Wanted {
            reading: reading.to_owned(),
            source,
            period: Duration::from_secs(60),
            unit: Unit::Number,
            factor: 1.0,
            missing: Missing::Unknown,
        }
    }

    #[test]
    fn the_newest_whole_value_counts_and_an_old_one_does_not() {
        let one = wanted("a", Source::Expression("x".to_owned()));
        let of = |values: &[(i64, f64)]| {
            let values = HashMap::from([("a".to_owned(), values.iter().copied().collect())]);
            one.newest(&values, 1_000)
        };
        assert_eq!(of(&[(900, 1.0), (940, 2.0)]), Some(2.0), "it ends at 1000");
        assert_eq!(of(&[(900, 1.0), (941, 2.0)]), Some(1.0), "it is not whole");
        assert_eq!(of(&[(760, 1.0)]), Some(1.0));
        assert_eq!(of(&[(759, 1.0)]), None, "it is too old");
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_share_is_of_the_same_period_and_none_without_traffic() {
        let share = wanted("s", Source::Share("bad", "all"));
        let of = |bad: &[(i64, f64)], all: &[(i64, f64)]| {
            let values = HashMap::from([
                ("bad".to_owned(), bad.iter().copied().collect()),
                ("all".to_owned(), all.iter().copied().collect()),
            ]);
            share.newest(&values, 1_000)
        };
        assert_eq!(of(&[(880, 9.0)], &[(880, 10.0), (940, 50.0)]), Some(0.0));
        assert_eq!(of(&[(940, 5.0)], &[(940, 50.0)]), Some(0.1));
        assert_eq!(of(&[(940, 5.0)], &[]), None);
        assert_eq!(of(&[], &[(940, 0.0)]), None);
    }
}
