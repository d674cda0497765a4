//! From the numbers of a scrape, and of the one before, to readings. Pure.
//!
//! What has no value gives no reading: no rate before the second scrape, no ratio where nothing was
//! counted, no quantile where nothing was observed. A zero would be a number that nobody saw.

use std::time::Duration;

use super::gathering::{Counters, Gathered, Point};
use super::quantile::{Bucket, quantile};
use super::wanted::{Plan, Wanted, What};
use crate::clock::WallTime;
use crate::probe::api::{Absent, Told};

/// What was counted before, and how long ago.
#[derive(Clone, Copy, Debug)]
pub struct Since<'a> {
    /// The counters; one that is not there was at zero.
    pub counters: &'a Counters,
    /// How long ago.
    pub span: Duration,
}

/// Why there is no value.
const FIRST: &str = "it takes two scrapes of the same process";
const AWAY: &str = "one of its series was away at the scrape before";
const NO_TRAFFIC: &str = "nothing was counted between the two scrapes";
const NO_QUANTILE: &str = "nothing was observed, or a bucket is missing";

/// Makes the readings. `now` is the time for people, where an age is wanted.
#[must_use]
pub fn tell(plan: &Plan, gathered: &Gathered, since: Option<Since<'_>>, now: WallTime) -> Told {
    let mut told = Told::default();
    for wanted in &plan.wanted {
        let missing = missing(plan, wanted, gathered);
        match (missing, wanted.absent) {
            (Some(selector), absent @ (Absent::Fail | Absent::Unknown)) => {
                let what = format!("the endpoint has no series {selector}");
                told.missing(&wanted.name, wanted.unit, absent, what);
            }
            // Nothing of what would be counted has happened.
            (Some(_), Absent::Zero) => zero(&mut told, wanted),
            (None, _) => one(&mut told, wanted, gathered, since, now),
        }
    }
    told
}

/// The series that a reading needs and the scrape does not have. Counters of a name appear with what
/// they count: where the name is there and a label is not, it has not happened yet.
fn missing(plan: &Plan, wanted: &Wanted, gathered: &Gathered) -> Option<String> {
    let mut needed = wanted.what.series().into_iter();
    let missing = needed.find(|at| {
        let is_there = !gathered.points[*at].is_empty();
        let is_named = plan.series[*at].is_counter && gathered.is_named[*at];
        !is_there && !is_named
    });
    missing.map(|at| plan.series[at].selector.to_string())
}

/// A reading of which nothing has happened that would be counted.
fn zero(told: &mut Told, wanted: &Wanted) {
    match wanted.what {
        What::Values(..) | What::Counted { .. } => told.give(&wanted.name, wanted.unit, 0.0),
        // A part of nothing, and the age of nothing, are no numbers.
        What::Ratio { .. } | What::Quantile { .. } | What::Ages(..) => {
            told.silent(&wanted.name, NO_TRAFFIC);
        }
    }
}

/// A reading whose series is there.
fn one(
    told: &mut Told,
    wanted: &Wanted,
    gathered: &Gathered,
    since: Option<Since<'_>>,
    now: WallTime,
) {
    if wanted.what.takes_two() && since.is_none() {
        return told.silent(&wanted.name, FIRST);
    }
    if wanted.what.takes_two() && was_away(wanted, gathered, since) {
        return told.silent(&wanted.name, AWAY);
    }
    let points = |at: &usize| gathered.points[*at].iter();
    let grown = |at: &usize| points(at).filter_map(|point| grown(point, since));
    match &wanted.what {
        What::Values(at, fold) => {
            let values = points(at).map(|point| (&*point.label, point.value));
            told.fold(&wanted.name, wanted.unit, fold, values);
        }
        What::Ages(at, fold) => {
            let now = now.unix().as_secs_f64();
            let ages = points(at).map(|point| (&*point.label, now - point.value));
            told.fold(&wanted.name, wanted.unit, fold, ages);
        }
        What::Counted {
            series,
            per_second,
            fold,
        } => {
            let span = since.map_or(1.0, |since| since.span.as_secs_f64());
            let per = if *per_second { span } else { 1.0 };
            let counted = grown(series).map(|(label, value)| (label, value / per));
            told.fold(&wanted.name, wanted.unit, fold, counted);
        }
        What::Ratio { of, over, now } => {
            let sum = |at: &usize| -> f64 {
                match now {
                    true => points(at).map(|point| point.value).sum(),
                    false => grown(at).map(|(_, value)| value).sum(),
                }
            };
            let (of, over) = (sum(of), sum(over));
            match over > 0.0 {
                true => told.give(&wanted.name, wanted.unit, of / over),
                false => told.silent(&wanted.name, NO_TRAFFIC),
            }
        }
        What::Quantile { q, buckets } => {
            let buckets: Vec<Bucket> = grown(buckets)
                .filter_map(|(bound, count)| {
                    let bound = bound.parse().ok()?;
                    Some(Bucket { bound, count })
                })
                .collect();
            match quantile(*q, &buckets) {
                Some(value) => told.give(&wanted.name, wanted.unit, value),
                None => told.silent(&wanted.name, NO_QUANTILE),
            }
        }
    }
}

/// Whether a counter is back of which is not known what it counted meanwhile.
fn was_away(wanted: &Wanted, gathered: &Gathered, since: Option<Since<'_>>) -> bool {
    let Some(Since { counters, .. }) = since else {
        return false;
    };
    let series = wanted.what.series().into_iter();
    let mut points = series.flat_map(|at| &gathered.points[at]);
    points.any(|point| {
        counters
            .get(&point.key)
            .is_some_and(|before| before.is_nan())
    })
}

/// By how much a counter grew. One that fell began at zero again.
fn grown<'a>(point: &'a Point, since: Option<Since<'_>>) -> Option<(&'a str, f64)> {
    let before = since?.counters.get(&point.key).copied().unwrap_or(0.0);
    let grown = match point.value >= before {
        true => point.value - before,
        false => point.value,
    };
    grown.is_finite().then_some((&*point.label, grown))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::metrics::gathering::gather;
    use serde_json::{Value, json};

    const BEFORE: &str = r#"
req_total{status="200",pod="a"} 1000
req_total{status="503",pod="a"} 10
d_bucket{le="0.1"} 5
d_bucket{le="1"} 10
d_bucket{le="+Inf"} 10
users{app="web"} 7
users{app="api"} 5
odd NaN
done_timestamp_seconds 1000000
"#;
    const AFTER: &str = r#"
req_total{status="200",pod="a"} 1180
req_total{status="503",pod="a"} 4
req_total{status="504",pod="a"} 6
d_bucket{le="0.1"} 10
d_bucket{le="1"} 30
d_bucket{le="+Inf"} 30
users{app="web"} 7
users{app="api"} 5
odd NaN
done_timestamp_seconds 1000000
"#;

    fn told(read: &Value, after: &str, absent: Absent, is_first: bool) -> Told {
        let mut misfits = Vec::new();
        let read = json!({ "it": read });
        let read = serde_json::from_value(read).unwrap();
        let plan = Plan::lower(read, absent, &mut misfits);
        assert_eq!(misfits, []);
        let before = gather(&plan, BEFORE.as_bytes(), false).unwrap();
        let after = gather(&plan, after.as_bytes(), false).unwrap();
        let since = Since {
            counters: &before.counters,
            span: Duration::from_secs(10),
        };
        let now = WallTime::since_unix_epoch(Duration::from_secs(1_000_060));
        tell(&plan, &after, (!is_first).then_some(since), now)
    }

    #[test]
    fn each_form_of_a_reading_has_its_number() {
        let five = "req_total{status=~\"5..\"}";
        for (read, value, why) in [
            (json!("users"), 12.0, "the sum"),
            (
                json!({ "series": "users", "take": "max" }),
                7.0,
                "the largest",
            ),
            (
                json!({ "series": "users", "take": "min" }),
                5.0,
                "the smallest",
            ),
            (json!({ "series": "users", "take": "avg" }), 6.0, "the mean"),
            (
                json!({ "series": "users", "take": "count" }),
                2.0,
                "how many",
            ),
            (json!("users{app=\"web\"}"), 7.0, "one of them"),
            (
                json!({ "rate": "req_total{status=\"200\"}" }),
                18.0,
                "a second",
            ),
            (
                json!({ "increase": five }),
                10.0,
                "one began at zero again, one appeared",
            ),
            (
                json!({ "ratio": { "of": five, "over": "req_total" } }),
                10.0 / 190.0,
                "a share",
            ),
            (
                json!({ "ratio": { "of": "users{app=\"api\"}", "over": "users", "now": true } }),
                5.0 / 12.0,
                "a share of values",
            ),
            (
                json!({ "quantile": 0.5, "histogram": "d" }),
                0.1 + 0.9 * (5.0 / 15.0),
                "between",
            ),
            (json!({ "age": "done_timestamp_seconds" }), 60.0, "an age"),
            (
                json!({ "increase": "req_total{status=\"418\"}" }),
                0.0,
                "a label of a counter that is there: it has not happened",
            ),
        ] {
            let told = told(&read, AFTER, Absent::Unknown, false);
            assert_eq!(told.readings.len(), 1, "{why}: {told:?}");
            assert!((told.readings[0].1 - value).abs() < 1e-9, "{why}: {told:?}");
        }
    }

    #[test]
    fn each_value_of_a_label_is_a_reading() {
        let read = json!({ "series": "users", "each": "app" });
        let told = told(&read, AFTER, Absent::Unknown, false);
        let names: Vec<&str> = told.readings.iter().map(|one| one.0.as_str()).collect();
        assert_eq!(names, ["it.api", "it.web"]);
    }

    #[test]
    fn what_has_no_value_gives_no_reading() {
        let five = "req_total{status=~\"5..\"}";
        let ratio = json!({ "ratio": { "of": five, "over": "req_total" } });
        for (read, after, is_first, why) in [
            (ratio.clone(), AFTER, true, FIRST),
            (json!({ "rate": "req_total" }), AFTER, true, FIRST),
            (ratio, BEFORE, false, NO_TRAFFIC),
            (
                json!({ "quantile": 0.5, "histogram": "d" }),
                BEFORE,
                false,
                NO_QUANTILE,
            ),
            (json!("odd"), AFTER, false, "it is not a number"),
        ] {
            let told = told(&read, after, Absent::Unknown, is_first);
            assert_eq!(told.readings, [], "{read}");
            assert_eq!(told.silent, [("it".to_owned(), why.into())], "{read}");
        }
    }

    #[test]
    fn what_was_away_gives_no_number_and_the_others_theirs() {
        let read = json!({ "gone": { "rate": "req_total" }, "there": { "rate": "d_bucket" } });
        let read = serde_json::from_value(read).unwrap();
        let plan = Plan::lower(read, Absent::Unknown, &mut Vec::new());
        let mut before = gather(&plan, BEFORE.as_bytes(), false).unwrap().counters;
        let first = before
            .iter_mut()
            .find(|(key, _)| key.starts_with("req_total"));
        *first.unwrap().1 = f64::NAN;
        let after = gather(&plan, AFTER.as_bytes(), false).unwrap();
        let since = Since {
            counters: &before,
            span: Duration::from_secs(10),
        };
        let told = tell(&plan, &after, Some(since), WallTime::default());
        assert_eq!(told.silent, [("gone".to_owned(), AWAY.into())]);
        assert_eq!(told.readings.len(), 1);
    }

    #[test]
    fn a_series_that_is_not_there_means_what_the_check_says() {
        let read = json!({ "rate": "jobs_total" });
        assert_eq!(told(&read, AFTER, Absent::Zero, false).readings[0].1, 0.0);
        for absent in [Absent::Fail, Absent::Unknown] {
            let missing = told(&read, AFTER, absent, false).missing;
            let what = "the endpoint has no series jobs_total".to_owned();
            assert_eq!(missing, [("it".to_owned(), absent, what)]);
        }
        let label = json!("users{app=\"mobile\"}");
        assert_eq!(told(&label, AFTER, Absent::Unknown, false).missing.len(), 1);
    }
}
