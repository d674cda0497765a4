//! What a server says to an instant query, read. Pure.
//!
//! Source of the shapes: the documentation of Prometheus's HTTP API, "Format overview" and "Instant
//! queries". The time beside a value is the moment of which was asked, and not that of the scrape.

use serde::Deserialize;
use serde_json::Value;

use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// An answer that was understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answered {
    /// The numbers.
    pub points: Vec<Point>,
    /// What the server warns of a part that is missing.
    pub partial: Option<String>,
    /// What it remarks of the query itself.
    pub remarks: Vec<String>,
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The value of the label that is kept; empty where none is.
    pub label: String,
    /// The number; may be none.
    pub value: f64,
    /// Of which moment, in seconds since 1970.
    pub at: f64,
}

#[derive(Deserialize)]
struct Envelope {
    status: String,
    #[serde(default)]
    data: Option<Data>,
    #[serde(default, rename = "errorType")]
    kind: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default)]
    infos: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default, rename = "resultType")]
    kind: String,
    #[serde(default)]
    result: Value,
}

/// So many warnings are repeated.
const MOST_REMARKS: usize = 3;

/// Reads the body of an answer; `label` is the one that is kept. Nothing where it is no answer of this
/// API.
pub fn read(body: &[u8], label: Option<&str>) -> Option<Result<Answered, Fault>> {
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    match (envelope.status.as_str(), envelope.data) {
        ("success", Some(data)) => Some(points(&data, label).map(|points| {
            let warnings = envelope.warnings.unwrap_or_default();
            // Remarks of the engine on the query begin with its name; all else is of the data.
            let (remarks, partial): (Vec<String>, Vec<String>) = warnings
                .into_iter()
                .partition(|warning| warning.starts_with("PromQL"));
            let remarks = remarks
                .into_iter()
                .chain(envelope.infos.unwrap_or_default());
            Answered {
                points,
                partial: partial.first().map(|first| one_line(first)),
                remarks: remarks.take(MOST_REMARKS).map(|it| one_line(&it)).collect(),
            }
        })),
        ("error", _) => {
            let kind = envelope.kind.unwrap_or_default();
            let error = envelope.error.unwrap_or_default();
            Some(Err(refused(&kind, &error)))
        }
        _ => None,
    }
}

/// Why a query was not carried out.
fn refused(kind: &str, error: &str) -> Fault {
    let said = one_line(error);
    match kind {
        // It is our query that is wrong, and nothing is learnt until it is mended.
        "bad_data" | "not_found" => Fault::new(
            Reason::NoData,
            format!("the server refuses the query ({kind}): {said}; mend it"),
        ),
        "execution" => Fault::new(
            Reason::NoData,
            format!("the query cannot be carried out ({kind}): {said}"),
        ),
        "timeout" | "canceled" | "unavailable" => Fault::new(
            Reason::ServerFault,
            format!("the server gave the query up ({kind}): {said}"),
        )
        .transient(),
        _ => Fault::new(
            Reason::ServerFault,
            format!("the server failed ({}): {said}", one_line(kind)),
        ),
    }
}

fn points(data: &Data, label: Option<&str>) -> Result<Vec<Point>, Fault> {
    let strange = |what: &str| Fault::new(Reason::NoData, format!("the query gives {what}"));
    let malformed = || Fault::new(Reason::Malformed, "a value of the answer is no number");
    match (data.kind.as_str(), &data.result) {
        ("scalar", value) => {
            let (at, value) = value_at(value).ok_or_else(malformed)?;
            let label = String::new();
            Ok(vec![Point { label, value, at }])
        }
        ("vector", Value::Array(series)) => {
            let point = |series: &Value| {
                if series.get("histogram").is_some() {
                    return Err(strange(
                        "native histograms, which are no numbers; write histogram_quantile(…)",
                    ));
                }
                let value = series.get("value").and_then(value_at);
                let (at, value) = value.ok_or_else(malformed)?;
                let label = label.and_then(|label| series.get("metric")?.get(label)?.as_str());
                Ok(Point {
                    label: label.unwrap_or_default().to_owned(),
                    value,
                    at,
                })
            };
            series.iter().map(point).collect()
        }
        ("matrix", _) => Err(strange(
            "a range of values; write one that gives a number, as rate(…) or avg_over_time(…)",
        )),
        ("string", _) => Err(strange("a text; write one that gives a number")),
        _ => Err(Fault::new(
            Reason::Malformed,
            "the answer has a result of no known type",
        )),
    }
}

/// `[1712345678.1, "0.5"]`
fn value_at(value: &Value) -> Option<(f64, f64)> {
    let [at, value] = value.as_array()?.as_slice() else {
        return None;
    };
    // `NaN`, `+Inf` and `-Inf` are numbers to this format as to Rust.
    Some((at.as_f64()?, value.as_str()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(answer: &Value) -> Option<Result<Answered, Fault>> {
        read(answer.to_string().as_bytes(), Some("job"))
    }

    #[test]
    fn every_result_is_read_or_named() {
        let vector = |series: Value| json!({ "status": "success", "data": { "resultType": "vector", "result": series } });
        let answered = of(&vector(json!([
            { "metric": { "job": "a" }, "value": [5.5, "2"] },
            { "metric": {}, "value": [5.5, "NaN"] },
        ])));
        let points = answered.unwrap().unwrap().points;
        assert_eq!(
            (points[0].label.as_str(), points[0].value, points[0].at),
            ("a", 2.0, 5.5)
        );
        assert!(points[1].value.is_nan());
        let scalar = json!({ "status": "success", "data": { "resultType": "scalar", "result": [1, "+Inf"] } });
        assert_eq!(of(&scalar).unwrap().unwrap().points[0].value, f64::INFINITY);
        assert_eq!(of(&vector(json!([]))).unwrap().unwrap().points, []);
        for (answer, reason, part) in [
            (
                json!({ "status": "success", "data": { "resultType": "matrix", "result": [] } }),
                Reason::NoData,
                "range of values",
            ),
            (
                json!({ "status": "success", "data": { "resultType": "string", "result": [1, "x"] } }),
                Reason::NoData,
                "a text",
            ),
            (
                vector(json!([{ "metric": {}, "histogram": [1, {}] }])),
                Reason::NoData,
                "native histograms",
            ),
            (
                vector(json!([{ "metric": {}, "value": [1, 2] }])),
                Reason::Malformed,
                "no number",
            ),
            (
                json!({ "status": "error", "errorType": "bad_data", "error": "parse error" }),
                Reason::NoData,
                "refuses the query (bad_data): parse error",
            ),
            (
                json!({ "status": "error", "errorType": "execution", "error": "many-to-many" }),
                Reason::NoData,
                "cannot be carried out",
            ),
            (
                json!({ "status": "error", "errorType": "timeout", "error": "slow" }),
                Reason::ServerFault,
                "gave the query up",
            ),
            (
                json!({ "status": "error", "errorType": "internal", "error": "disk" }),
                Reason::ServerFault,
                "the server failed (internal): disk",
            ),
        ] {
            let fault = of(&answer).unwrap().unwrap_err();
            assert_eq!(fault.reason, reason, "{answer}");
            assert!(fault.detail.contains(part), "{}", fault.detail);
        }
        for answer in [
            json!({ "status": "success" }),
            json!({ "ok": 1 }),
            json!([]),
        ] {
            assert_eq!(of(&answer), None, "{answer}");
        }
    }

    #[test]
    fn a_warning_says_that_a_part_is_missing_unless_it_is_a_remark_on_the_query() {
        let answer = json!({
            "status": "success",
            "data": { "resultType": "scalar", "result": [1, "1"] },
            "warnings": ["PromQL warning: odd", "store 10.0.0.7 did not answer"],
            "infos": ["PromQL info: might not be a counter"],
        });
        let answered = of(&answer).unwrap().unwrap();
        assert_eq!(
            answered.partial.as_deref(),
            Some("store 10.0.0.7 did not answer")
        );
        assert_eq!(answered.remarks.len(), 2);
    }
}
