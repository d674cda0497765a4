//! Why a request was not served, as RFC 9457 has it (`application/problem+json`): the one form of all
//! errors of this server.
//!
//! A handler returns a [`Problem`]; [`told`] writes it, masked, with the request's name. Errors that
//! were made elsewhere, by the router or by a layer, are brought into the same form there.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::page;
use super::shared::Shared;
use super::watching::RequestId;
use crate::engine::serve::handle::Refused;
use crate::store::StoreError;

/// Why a request was not served.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// What sort of problem it is, from a closed set.
    pub code: &'static str,
    /// One sentence for a person.
    pub detail: String,
    /// After how many seconds it makes sense to try again.
    pub retry_after: Option<u64>,
}

/// The body of every answer that is an error (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Problem", example = json!({
    "type": "about:blank", "title": "Not Found", "status": 404, "code": "unknown",
    "detail": "there is no window `01JD0000000000000000000000`",
    "request": "01JD1111111111111111111111"
}))]
pub struct ProblemBody {
    /// Always `about:blank`: the status and `code` say what sort of problem it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The name of the status.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What sort of problem it is, for programs.
    code: &'static str,
    /// What is wrong, for people.
    detail: String,
    /// The name of the request, as in `x-request-id` and in the log.
    request: String,
}

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

impl Problem {
    /// A problem of a sort.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// What was asked for does not exist.
    #[must_use]
    pub fn unknown(what: &str, name: &str) -> Self {
        let detail = format!("there is no {what} `{name}`");
        Self::new(StatusCode::NOT_FOUND, "unknown", detail)
    }

    /// The request makes no sense.
    #[must_use]
    pub fn senseless(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// The same problem, with the time after which to try again.
    #[must_use]
    pub const fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// A bug of ours.
    #[must_use]
    pub fn internal() -> Self {
        Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The problem that a status alone stands for.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, detail) = match status {
            StatusCode::NOT_FOUND => ("unknown", "there is nothing at this path"),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("bad_method", "this path takes other methods: see `Allow`")
            }
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "the body is larger than any request"),
            StatusCode::INTERNAL_SERVER_ERROR => ("internal", "this is a bug of ours"),
            status if status.is_server_error() => ("unavailable", "it cannot be served now"),
            _ => ("bad_request", "the request cannot be understood"),
        };
        Self::new(status, code, detail)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            Refused::Unknown(_) => Self::new(StatusCode::NOT_FOUND, "unknown", detail),
            Refused::Conflict(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            Refused::Senseless(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "senseless", detail)
            }
            Refused::Failed(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "failed", detail),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let detail = format!("the history cannot be read: {error}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "history", detail).after(HISTORY_AGAIN)
    }
}

/// After so many seconds a store that was locked or lost is asked again.
const HISTORY_AGAIN: u64 = 5;

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes problems, and brings errors that others made into their form.
pub async fn told(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let asked = page::Asked::of(&request);
    let mut response = next.run(request).await;
    let problem = response.extensions_mut().remove::<Problem>();
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let problem = match problem {
        Some(problem) => problem,
        None if is_error && !is_written(&response) => Problem::of_status(response.status()),
        None => return response,
    };
    let problem = Problem {
        detail: shared.mask().apply(&problem.detail),
        ..problem
    };
    let mut told = match page::problem(&shared, &asked, &problem) {
        Some(page) => page,
        None => body(&problem, id.as_ref()),
    };
    keep(response.headers_mut(), told.headers_mut(), &problem);
    told
}

fn body(problem: &Problem, id: Option<&RequestId>) -> Response {
    let body = ProblemBody {
        kind: "about:blank",
        title: problem.status.canonical_reason().unwrap_or("Error"),
        status: problem.status.as_u16(),
        code: problem.code,
        detail: problem.detail.clone(),
        request: id.map(ToString::to_string).unwrap_or_default(),
    };
    let mut response = (problem.status, Json(body)).into_response();
    let kind = HeaderValue::from_static(PROBLEM_JSON);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Whether somebody has given the error a body of its own: a page, or what is not ready.
fn is_written(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    let own = ["text/html", "application/json", PROBLEM_JSON];
    kind.is_some_and(|kind| own.iter().any(|own| kind.starts_with(own)))
}

/// Keeps what the one who made the error said in headers, but for what describes its body.
fn keep(from: &mut HeaderMap, to: &mut HeaderMap, problem: &Problem) {
    for name in ["allow", "set-cookie"] {
        if let Some(value) = from.remove(name) {
            to.insert(name, value);
        }
    }
    if let Some(seconds) = problem.retry_after {
        to.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if problem.status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer realm=\"smokejumper\"");
        to.insert(WWW_AUTHENTICATE, scheme);
    }
}
