//! A window out of the history, rendered again: its report for a person, and its samples as `replay`
//! reads them.
//!
//! The report is the JSON that was kept when the window was closed (`smokejumper.report/1`); nothing is
//! judged anew.

use std::fmt::Write as _;

use serde_json::Value;

use super::samples::Lines;
use super::text::push_wrapped;
use super::wall::rfc3339;
use crate::engine::tape::Taped;
use crate::secret::Mask;
use crate::store::history::{Seen, StoredWindow};

/// The samples of a window, one JSON object a line, in the order in which they were taken.
///
/// # Errors
/// Never with these types; the serializer's error is handed on all the same.
pub fn samples(
    window: &StoredWindow,
    seen: &[Seen],
    mask: &Mask,
) -> Result<String, serde_json::Error> {
    let (mut lines, mut text) = (Lines::new(mask.clone()), String::new());
    // The bake began when its first sample was taken. A window is opened some while before, when the
    // deployment is looked up: counted from there, its last samples would lie beyond the bake.
    let first = seen.iter().map(|seen| seen.at).min();
    let start = first.unwrap_or(window.opened);
    for seen in seen {
        let taped = Taped {
            window_start: start,
            after: seen.at.since(start),
            sample: seen.sample.clone(),
        };
        text.push_str(&lines.line(&taped)?);
    }
    Ok(text)
}

/// The report of a window for a person.
#[must_use]
pub fn text(window: &StoredWindow, report: &Value) -> String {
    let mut text = String::new();
    for check in report["checks"].as_array().into_iter().flatten() {
        push_check(&mut text, check);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    push_wrapped(&mut text, "", &headline(window, report));
    for because in texts(&report["decision"]["because"]) {
        push_wrapped(&mut text, "because: ", because);
    }
    if let Some(rollback) = report["rollback"].as_object() {
        let said = |key: &str| rollback.get(key).and_then(Value::as_str);
        let outcome = said("outcome").unwrap_or("unknown").replace('_', " ");
        let way = match (said("from"), said("to")) {
            (Some(from), Some(to)) => format!(", {from} → {to}"),
            _ => String::new(),
        };
        push_wrapped(&mut text, "rollback: ", &format!("{outcome}{way}"));
    }
    for warning in texts(&report["warnings"]) {
        push_wrapped(&mut text, "note: ", warning);
    }
    push_wrapped(&mut text, "", &closing(window));
    text
}

fn push_check(text: &mut String, check: &Value) {
    let word = |key: &str| check[key].as_str().unwrap_or_default();
    let count = |key: &str| check[key].as_u64().unwrap_or_default();
    let mut line = format!("{:<12} {}", word("verdict"), word("id"));
    let bad = count("failed") + count("errored");
    let said = match check["latency_ms"]["p95"].as_f64() {
        Some(p95) => format!("  {bad} bad of {}, p95 {p95:.1} ms", count("samples")),
        None => format!("  {bad} bad of {}", count("samples")),
    };
    line.push_str(&said);
    // Writing to a text cannot fail.
    writeln!(text, "{line}").unwrap_or_default();
    for reason in check["reasons"].as_array().into_iter().flatten() {
        push_wrapped(
            text,
            "             ",
            reason["text"].as_str().unwrap_or_default(),
        );
    }
}

fn headline(window: &StoredWindow, report: &Value) -> String {
    let service = &window.service;
    let verdict = report["verdict"].as_str().unwrap_or("unknown");
    let revision = window
        .revision
        .as_deref()
        .map(|revision| format!(" ({revision})"));
    let action = report["decision"]["action"].as_str().unwrap_or("none");
    format!(
        "{service}{}: {verdict}; decided: {}",
        revision.unwrap_or_default(),
        action.replace('_', " ")
    )
}

fn closing(window: &StoredWindow) -> String {
    let opened = rfc3339(window.opened);
    let closed = window.closed.map_or_else(|| "never".to_owned(), rfc3339);
    format!("window {}, opened {opened}, closed {closed}", window.id)
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::clock::WallTime;
    use crate::event::Verdict;

    #[test]
    fn a_window_is_told_again_for_a_person() {
        let at =
            |seconds: u64| WallTime::since_unix_epoch(Duration::from_secs(1_795_250_400 + seconds));
        let report = json!({
            "verdict": "fail",
            "checks": [
                { "id": "api-health", "verdict": "fail", "samples": 58, "failed": 7, "errored": 0,
                  "latency_ms": { "p95": 61.04 },
                  "reasons": [{ "text": "error rate 12.1 % over 58 samples, limit 5 %" }] },
                { "id": "cache", "verdict": "pass", "samples": 4, "failed": 0, "errored": 0,
                  "latency_ms": { "p95": null }, "reasons": [] }
            ],
            "decision": { "action": "roll_back", "because": ["api-health: error_rate"] },
            "rollback": { "outcome": "rolled_back_verified", "from": "api:42", "to": "api:41" }
        });
        let window = StoredWindow {
            id: Arc::from("01JD"),
            service: Arc::from("api"),
            opened: at(0),
            closed: Some(at(60)),
            verdict: Some(Verdict::Fail),
            revision: Some("api:42".to_owned()),
            action: Some("roll_back".to_owned()),
            rollback: None,
            detected_after: None,
            report: None,
        };
        assert_eq!(
            text(&window, &report),
            "fail         api-health  7 bad of 58, p95 61.0 ms\n             \
             error rate 12.1 % over 58 samples, limit 5 %\n\
             pass         cache  0 bad of 4\n\n\
             api (api:42): fail; decided: roll back\n\
             because: api-health: error_rate\n\
             rollback: rolled back verified, api:42 → api:41\n\
             window 01JD, opened 2026-11-21T08:40:00Z, closed 2026-11-21T08:41:00Z\n"
        );
    }
}
