//! From the text of a scrape to the numbers that the readings need, and no more of it. Pure.

use std::collections::BTreeMap;

use super::exposition::{self, Broken, Series};
use super::wanted::{Needed, Plan};

/// What one scrape has of what is needed.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// The numbers of each series of the plan, in its order.
    pub points: Vec<Vec<Point>>,
    /// Whether any series has the name at all, whatever its labels; in the same order.
    pub is_named: Vec<bool>,
    /// When the process began, as it says itself: seconds since 1970.
    pub began: Option<f64>,
    /// The counters, by their series as text.
    pub counters: Counters,
}

/// Counters by their series.
pub type Counters = BTreeMap<Box<str>, f64>;

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its series as text, labels in order; empty where nothing is counted.
    pub key: Box<str>,
    /// The value of the label that is kept; empty where none is.
    pub label: Box<str>,
    /// The number.
    pub value: f64,
}

/// Why a scrape gives no numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ungathered {
    /// It is no exposition.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// More series are meant than can be held.
    #[error(
        "more than {MOST_SERIES} series are meant, or their labels are too long; narrow `{0}` by labels"
    )]
    TooMany(String),
}

/// So many series are held from one scrape: of a histogram of twenty buckets, five hundred.
const MOST_SERIES: usize = 10_000;
/// And so many bytes of their names.
const MOST_BYTES: usize = 4 << 20;

/// The series by which a process says when it began: what the client libraries call it.
const BEGAN: &str = "process_start_time_seconds";

/// Reads a scrape.
///
/// # Errors
/// When it is no exposition, or too much of it is meant.
pub fn gather(plan: &Plan, body: &[u8], is_open_metrics: bool) -> Result<Gathered, Ungathered> {
    let mut gathered = Gathered {
        points: vec![Vec::new(); plan.series.len()],
        is_named: vec![false; plan.series.len()],
        ..Gathered::default()
    };
    let (mut held, mut bytes) = (0, 0);
    let mut too_many = None;
    let mut began = Vec::new();
    exposition::read(body, is_open_metrics, |series| {
        if series.name == BEGAN && series.value.is_finite() && !began.contains(&series.value) {
            began.push(series.value);
            // Two are as many as any number.
            began.truncate(2);
        }
        for (at, needed) in plan.series.iter().enumerate() {
            if needed.selector.name() != series.name {
                continue;
            }
            gathered.is_named[at] = true;
            if !needed.selector.selects(series) || too_many.is_some() {
                continue;
            }
            let point = point(needed, series);
            held += 1;
            bytes += point.key.len() + point.label.len();
            if held > MOST_SERIES || bytes > MOST_BYTES {
                too_many = Some(needed.selector.to_string());
                continue;
            }
            if needed.is_counter && point.value.is_finite() {
                gathered.counters.insert(point.key.clone(), point.value);
            }
            gathered.points[at].push(point);
        }
    })?;
    // Where the metrics of several processes stand together, none of them says when all began.
    gathered.began = match began[..] {
        [began] => Some(began),
        _ => None,
    };
    too_many.map_or(Ok(gathered), |selector| Err(Ungathered::TooMany(selector)))
}

fn point(needed: &Needed, series: &Series<'_>) -> Point {
    let label = needed.label.as_deref();
    let label = label.and_then(|label| series.label(label));
    Point {
        key: match needed.is_counter {
            true => key(series),
            false => Box::default(),
        },
        label: Box::from(label.unwrap_or_default()),
        value: series.value,
    }
}

/// The series as text that is the same whatever the order of its labels.
fn key(series: &Series<'_>) -> Box<str> {
    let mut labels: Vec<(&str, &str)> = series
        .labels
        .iter()
        .map(|(label, value)| (&**label, &**value))
        .collect();
    labels.sort_unstable();
    let mut key = series.name.to_string();
    for (label, value) in labels {
        key.extend(["\0", label, "\0", value]);
    }
    key.into_boxed_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::api::Absent;
    use serde_json::json;

    fn plan(series: &str) -> Plan {
        let read = json!({ "it": { "increase": series } });
        let mut misfits = Vec::new();
        let plan = Plan::lower(
            serde_json::from_value(read).unwrap(),
            Absent::Unknown,
            &mut misfits,
        );
        assert_eq!(misfits, []);
        plan
    }

    #[test]
    fn only_what_is_meant_is_kept() {
        let text = b"process_start_time_seconds 1.7e9\na{x=\"1\",y=\"2\"} 3\na{y=\"9\"} 4\nb 5\n";
        let gathered = gather(&plan("a{x=\"1\"}"), text, false).unwrap();
        assert_eq!(gathered.began, Some(1.7e9));
        assert_eq!(gathered.points[0].len(), 1);
        let other_order = b"a{y=\"2\",x=\"1\"} 3\n";
        let again = gather(&plan("a{x=\"1\"}"), other_order, false).unwrap();
        assert_eq!(again.counters, gathered.counters);
        let missing = gather(&plan("a{x=\"7\"}"), text, false).unwrap();
        assert!(missing.points[0].is_empty() && missing.is_named[0]);
        assert!(!gather(&plan("c"), text, false).unwrap().is_named[0]);
    }

    #[test]
    fn a_beginning_is_one_of_all_that_is_exposed() {
        let began = |text: &str| gather(&plan("a"), text.as_bytes(), false).unwrap().began;
        let one = "process_start_time_seconds{pod=\"a\"} 1.7e9\n";
        assert_eq!(began(one), Some(1.7e9));
        assert_eq!(began(&one.repeat(3)), Some(1.7e9));
        let other = "process_start_time_seconds{pod=\"b\"} 1.8e9\n";
        assert_eq!(began(&format!("{one}{other}{one}{other}")), None);
        assert_eq!(began("process_start_time_seconds NaN\n"), None);
    }

    #[test]
    fn a_selector_that_means_too_much_is_named_and_nothing_is_held() {
        let text: String = (0..=MOST_SERIES)
            .map(|n| format!("a{{n=\"{n}\"}} 1\n"))
            .collect();
        let error = gather(&plan("a"), text.as_bytes(), false).unwrap_err();
        assert!(error.to_string().contains("narrow `a`"), "{error}");
        // What is not meant costs nothing.
        assert!(gather(&plan("a{n=\"5\"}"), text.as_bytes(), false).is_ok());
    }
}
