//! `/metrics`: what is counted, for Prometheus: its text format 0.0.4, or OpenMetrics 1.0 for those who
//! ask for it.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{Problem, ProblemBody};
use super::shared::Shared;
use crate::report::prometheus;

/// The path.
pub fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(metrics))
}

/// The media type of the text format:
/// <https://prometheus.io/docs/instrumenting/content_negotiation/>.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// That of OpenMetrics: <https://prometheus.io/docs/specs/om/open_metrics_spec/>.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What is counted, for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses(
        (status = OK, description = "The metrics.", content(
            (String = "text/plain"),
            (String = "application/openmetrics-text")
        )),
        (status = UNAUTHORIZED, description = "No token was shown.", body = ProblemBody,
            content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, description = "Too many requests.", body = ProblemBody,
            content_type = "application/problem+json")
    )
)]
async fn metrics(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    let (instruments, mask) = (shared.instruments(), shared.mask());
    // Of very many checks it is long: no thread on which probes run is held for it.
    let written = tokio::task::spawn_blocking(move || {
        let mut text = Vec::new();
        prometheus::write(&mut text, &instruments, &mask).map(|()| text)
    });
    let text = match written.await {
        Ok(Ok(text)) => String::from_utf8(text).map_err(|_| Problem::internal())?,
        Ok(Err(_)) | Err(_) => return Err(Problem::internal()),
    };
    Ok(match wants_open_metrics(&headers) {
        true => ([(CONTENT_TYPE, OPEN_METRICS)], open_metrics(&text)).into_response(),
        false => ([(CONTENT_TYPE, TEXT)], text).into_response(),
    })
}

fn wants_open_metrics(headers: &HeaderMap) -> bool {
    let wish = |kind| wish(headers, kind).unwrap_or_default();
    let open = wish("application/openmetrics-text");
    open > 0.0 && open >= wish("text/plain")
}

/// How much a media type is wished for, from 0 to 1; absent where it is not named.
fn wish(headers: &HeaderMap, kind: &str) -> Option<f32> {
    let accepted = headers.get_all(ACCEPT).iter();
    let accepted = accepted.filter_map(|accepted| accepted.to_str().ok());
    let wishes = accepted
        .flat_map(|accepted| accepted.split(','))
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let is_meant = parts.next()?.eq_ignore_ascii_case(kind);
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            is_meant.then_some(weight.unwrap_or(1.0))
        });
    wishes.reduce(f32::max)
}

/// The same in OpenMetrics: a counter is called in its heads as it is without `_total`, bounds are
/// written as floats, and the end is marked.
fn open_metrics(text: &str) -> String {
    let mut open = String::with_capacity(text.len() + text.len() / 8);
    let mut counter = None;
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("# HELP ") {
            let (name, help) = head.split_once(' ').unwrap_or((head, ""));
            counter = name.strip_suffix("_total");
            let name = counter.unwrap_or(name);
            open.push_str(&format!("# HELP {name} {help}\n"));
        } else if let (Some(head), Some(name)) = (line.strip_prefix("# TYPE "), counter) {
            let kind = head.split_once(' ').map_or("counter", |(_, kind)| kind);
            open.push_str(&format!("# TYPE {name} {kind}\n"));
        } else {
            open.push_str(&with_float_bound(line));
            open.push('\n');
        }
    }
    open.push_str("# EOF\n");
    open
}

/// `le="1"` as `le="1.0"`.
fn with_float_bound(line: &str) -> String {
    let bound = line.split_once("le=\"").and_then(|(before, rest)| {
        let (bound, after) = rest.split_once('"')?;
        let is_whole = bound.bytes().all(|byte| byte.is_ascii_digit());
        is_whole.then(|| format!("{before}le=\"{bound}.0\"{after}"))
    });
    bound.unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_bounds_are_written_as_open_metrics_wants_them() {
        let text = "# HELP a_total How many.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n\
                    # HELP d A gauge.\n# TYPE d gauge\nd 1\n\
                    # HELP e Spans.\n# TYPE e histogram\n\
                    e_bucket{le=\"0.5\"} 1\ne_bucket{le=\"1\"} 1\ne_bucket{le=\"+Inf\"} 1\n";
        let open = "# HELP a How many.\n# TYPE a counter\na_total{b=\"c\"} 1\n\
                    # HELP d A gauge.\n# TYPE d gauge\nd 1\n\
                    # HELP e Spans.\n# TYPE e histogram\n\
                    e_bucket{le=\"0.5\"} 1\ne_bucket{le=\"1.0\"} 1\ne_bucket{le=\"+Inf\"} 1\n# EOF\n";
        assert_eq!(open_metrics(text), open);
    }

    #[test]
    fn the_form_is_that_which_is_asked_for() {
        let cases = [
            (
                "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.3",
                true,
            ),
            ("text/plain", false),
            ("*/*", false),
            ("application/openmetrics-text;q=0", false),
            (
                "text/plain;q=0.9, application/openmetrics-text;q=0.1",
                false,
            ),
            (
                "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                true,
            ),
        ];
        for (accepted, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accepted.parse().unwrap());
            assert_eq!(wants_open_metrics(&headers), expected, "{accepted}");
        }
    }
}
