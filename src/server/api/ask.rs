//! How requests are read: every misfit is a problem that says what is wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::words::read_time;
use crate::clock::WallTime;
use crate::quantity::Span;
use crate::server::problem::Problem;
use crate::server::shared::Shared;

/// The query.
#[derive(Clone, Debug)]
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, shared).await {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(rejection) => Err(Problem::senseless(rejection.body_text())),
        }
    }
}

/// The name in the path.
#[derive(Clone, Debug)]
pub struct Named(pub String);

impl FromRequestParts<Shared> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, shared).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(rejection) => Err(Problem::senseless(rejection.body_text())),
        }
    }
}

/// The body, as JSON.
#[derive(Clone, Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Shared> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, shared).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(refused(rejection.status(), rejection.body_text())),
        }
    }
}

/// The body, as JSON; nothing, and `null`, are as good as `{}`.
#[derive(Clone, Debug)]
pub struct BodyOrNothing<T>(pub T);

impl<T: DeserializeOwned + Default> FromRequest<Shared> for BodyOrNothing<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let whole = Bytes::from_request(Request::new(body), shared).await;
        let whole =
            whole.map_err(|rejection| refused(rejection.status(), rejection.body_text()))?;
        if whole.is_empty() {
            return Ok(Self(T::default()));
        }
        let request = Request::from_parts(parts, whole.into());
        let Body(body) = Body::<Option<T>>::from_request(request, shared).await?;
        Ok(Self(body.unwrap_or_default()))
    }
}

fn refused(status: StatusCode, detail: String) -> Problem {
    let code = match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "bad_type",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNPROCESSABLE_ENTITY => "senseless",
        _ => "bad_request",
    };
    Problem::new(status, code, detail)
}

/// How many items a list brings.
///
/// # Errors
/// For none, and for more than [`MOST`].
pub fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    match asked {
        None => Ok(USUAL),
        Some(limit @ 1..=MOST) => Ok(limit as usize),
        Some(limit) => {
            let detail = format!("`limit` is {limit}; it is from 1 to {MOST}");
            Err(Problem::senseless(detail))
        }
    }
}

/// So many items does a list bring at most.
pub const MOST: u32 = 1_000;
/// So many items without a `limit`.
const USUAL: usize = 100;

/// A time of the query.
///
/// # Errors
/// When it is none.
pub fn time(name: &str, text: &str) -> Result<WallTime, Problem> {
    read_time(text).ok_or_else(|| {
        let detail = format!("`{name}` is no time; write it as 2026-11-21T08:50:00Z");
        Problem::senseless(detail)
    })
}

/// A span of the query.
///
/// # Errors
/// When it is none, or nothing.
pub fn span(name: &str, text: &str) -> Result<std::time::Duration, Problem> {
    let span = Span::parse(text).map(|span| span.0).ok();
    span.filter(|span| !span.is_zero()).ok_or_else(|| {
        let detail = format!("`{name}` is no span of time; write it as 5m");
        Problem::senseless(detail)
    })
}

/// The name of a thing of the past, from which a list goes on.
///
/// # Errors
/// When it can be the name of none.
pub fn cursor(before: Option<String>) -> Result<Option<String>, Problem> {
    match before {
        Some(name) if ulid::Ulid::from_string(&name).is_err() => {
            let detail = "`before` is the `id` of an item, 26 characters long";
            Err(Problem::senseless(detail))
        }
        before => Ok(before),
    }
}
