//! What Datadog says to a query of metrics and to the question for a monitor, read. Pure.
//!
//! Source of the shapes: Datadog's API reference, "Query timeseries points" and "Get a monitor's
//! details" (v1). Points are pairs of milliseconds since 1970 and a value, which is null where there is
//! none.

use serde::Deserialize;

use super::settings::Of;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// One series: the value of the tag that is kept, and its points.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The value of the tag; empty where none is kept.
    pub label: String,
    /// Seconds since 1970, and the value.
    pub points: Vec<(f64, f64)>,
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    series: Option<Vec<Told>>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    scope: String,
    #[serde(default)]
    tag_set: Vec<String>,
    #[serde(default)]
    pointlist: Vec<Vec<Option<f64>>>,
}

#[derive(Deserialize)]
struct Refusal {
    errors: Vec<String>,
}

#[derive(Deserialize)]
struct Monitor {
    overall_state: Option<String>,
}

/// Reads an answer to a query; nothing where it is none of this API.
pub fn series(body: &[u8], tag: Option<&str>) -> Option<Result<Vec<Series>, Fault>> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    if answer.status != "ok" {
        let error = one_line(&answer.error.unwrap_or_default());
        let detail = format!("Datadog refuses the query: {error}; mend it");
        return Some(Err(Fault::new(Reason::NoData, detail)));
    }
    let told = answer.series?;
    Some(Ok(told.iter().map(|told| one(told, tag)).collect()))
}

fn one(told: &Told, tag: Option<&str>) -> Series {
    let label = tag.and_then(|tag| {
        let scope = told.scope.split(',').map(str::trim);
        let mut tags = told.tag_set.iter().map(String::as_str).chain(scope);
        tags.find_map(|one| one.strip_prefix(tag)?.strip_prefix(':'))
    });
    let points = told.pointlist.iter().filter_map(|point| match point[..] {
        [Some(at), Some(value)] if value.is_finite() => Some((at / MILLISECONDS, value)),
        _ => None,
    });
    Series {
        label: label.unwrap_or_default().to_owned(),
        points: points.collect(),
    }
}

const MILLISECONDS: f64 = 1_000.0;

impl Series {
    /// When the newest value is of.
    pub fn newest(&self) -> Option<f64> {
        self.points.iter().map(|(at, _)| *at).max_by(f64::total_cmp)
    }

    /// One number of the values; nothing where there are none.
    pub fn read(&self, of: Of) -> Option<f64> {
        let values = || self.points.iter().map(|(_, value)| *value);
        // At most as many as an answer has bytes.
        let count = self.points.len() as f64;
        match of {
            Of::Last => {
                let newest = self.points.iter().max_by(|a, b| a.0.total_cmp(&b.0));
                newest.map(|(_, value)| *value)
            }
            Of::Mean => (count > 0.0).then(|| values().sum::<f64>() / count),
            Of::Max => values().max_by(f64::total_cmp),
            Of::Min => values().min_by(f64::total_cmp),
            Of::Sum => (count > 0.0).then(|| values().sum()),
        }
    }
}

/// The state of a monitor: 0 for OK, 1 for Warn, 2 for Alert; an error for one that says nothing, and
/// nothing where it is no monitor.
pub fn state(body: &[u8]) -> Option<Result<f64, String>> {
    let monitor: Monitor = serde_json::from_slice(body).ok()?;
    Some(match monitor.overall_state?.as_str() {
        "OK" => Ok(0.0),
        "Warn" => Ok(1.0),
        "Alert" => Ok(2.0),
        other => Err(one_line(other)),
    })
}

/// What Datadog says of a request that it refused.
pub fn errors(body: &[u8]) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(one_line(&refusal.errors.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(answer: &Value) -> Option<Result<Vec<Series>, Fault>> {
        series(answer.to_string().as_bytes(), Some("host"))
    }

    #[test]
    fn values_that_are_null_are_none() {
        let answer = json!({ "status": "ok", "series": [
            { "scope": "env:prod,host:a", "pointlist": [[1000, 2.0], [2000, null], [3000, 4.0], [4000, null]] },
            { "tag_set": ["host:b"], "scope": "*", "pointlist": [[1000, null]] },
            { "scope": "*" },
        ] });
        let series = of(&answer).unwrap().unwrap();
        assert_eq!(series[0].label, "a");
        assert_eq!(series[0].newest(), Some(3.0));
        for (what, value) in [
            (Of::Last, 4.0),
            (Of::Mean, 3.0),
            (Of::Max, 4.0),
            (Of::Min, 2.0),
            (Of::Sum, 6.0),
        ] {
            assert_eq!(series[0].read(what), Some(value), "{what:?}");
            assert_eq!(series[1].read(what), None, "{what:?}");
        }
        assert_eq!((series[1].label.as_str(), series[2].newest()), ("b", None));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        let refused = json!({ "status": "error", "error": "Error parsing query", "series": [] });
        let fault = of(&refused).unwrap().unwrap_err();
        assert_eq!(fault.reason, Reason::NoData);
        assert!(fault.detail.contains("Error parsing query"));
        for answer in [
            json!({ "status": "ok" }),
            json!({ "errors": ["Forbidden"] }),
            json!([]),
        ] {
            assert!(of(&answer).is_none(), "{answer}");
        }
        assert_eq!(
            errors(b"{\"errors\":[\"Forbidden\"]}").as_deref(),
            Some("Forbidden")
        );
        for (told, is) in [("OK", Ok(0.0)), ("Warn", Ok(1.0)), ("Alert", Ok(2.0))] {
            let body = json!({ "overall_state": told }).to_string();
            assert_eq!(state(body.as_bytes()), Some(is), "{told}");
        }
        let body = json!({ "overall_state": "No Data" }).to_string();
        assert_eq!(state(body.as_bytes()), Some(Err("No Data".to_owned())));
        assert_eq!(state(b"{}"), None);
    }
}
