//! Whether the process lives (`/healthz`) and whether it does its work (`/readyz`): what supervisors
//! and load balancers ask. Both answer everyone; what is wrong is told to those who may read.

use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Caller;
use super::shared::Shared;
use crate::engine::serve::live::Live;
use crate::plan::server::Scope;

/// The paths.
pub fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// Whether the daemon does its work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "ready": false, "waiting_for": ["probing: no check has run yet"] }))]
pub struct Readiness {
    /// Whether it does.
    ready: bool,
    /// What it waits for, one line each; empty where it is ready or where the caller may not read.
    waiting_for: Vec<String>,
}

/// So long is the daemon waited for: whoever asks has little patience itself.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the process lives
#[utoipa::path(
    get, path = "/healthz", tag = "health", security(()),
    responses((status = OK, description = "It lives.", body = str, content_type = "text/plain", example = "ok\n"))
)]
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the daemon does its work: the configuration is loaded, the history can be written, checks run
#[utoipa::path(
    get, path = "/readyz", tag = "health", security(()),
    responses(
        (status = OK, description = "It does.", body = Readiness),
        (status = SERVICE_UNAVAILABLE, description = "Something is missing.", body = Readiness)
    )
)]
async fn readyz(State(shared): State<Shared>, caller: Option<Extension<Caller>>) -> Response {
    let missing = match tokio::time::timeout(PATIENCE, shared.live()).await {
        Ok(Ok(live)) => missing(&live),
        Ok(Err(problem)) => vec![format!("the daemon: {}", problem.detail)],
        Err(_) => vec![format!("the daemon: no answer within {PATIENCE:?}")],
    };
    let may_read = caller.is_some_and(|Extension(caller)| caller.may(Scope::Read));
    let mask = shared.mask();
    let told = missing
        .iter()
        .filter(|_| may_read)
        .map(|one| mask.apply(one));
    let status = match missing.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let readiness = Readiness {
        ready: missing.is_empty(),
        waiting_for: told.collect(),
    };
    (status, Json(readiness)).into_response()
}

/// What keeps the daemon from doing all of its work, one line each.
fn missing(live: &Live) -> Vec<String> {
    let mut missing = Vec::new();
    if live.configuration.loaded == Default::default() {
        missing.push("the configuration: none is loaded".to_owned());
    }
    if let Some(trouble) = &live.store.trouble {
        missing.push(format!("the history: {trouble}"));
    }
    if !live.checks.is_empty() && live.checks.iter().all(|check| check.last.is_none()) {
        missing.push("probing: no check has run yet".to_owned());
    }
    missing
}
