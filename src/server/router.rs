//! Which paths there are, and what each request passes through on its way: it is named and written
//! down, packed, its errors are brought into one form, a panic becomes one, its caller is found and
//! counted, its time and its body are bounded; and then, but for the few open paths, its caller must be
//! allowed what it asks for.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::problem::{self, Problem};
use super::shared::Shared;
use super::{api, auth, health, metrics, page, watching};

/// No body of a request is larger: the longest reason of an order is a few kilobytes.
pub const LARGEST_BODY: usize = 64 * 1024;

/// So long a request may take from its head to the head of the answer, its body included: longer than
/// any question to the daemon or to the history, shorter than the patience of proxies.
const LONGEST_REQUEST: Duration = Duration::from_secs(45);

/// All paths.
pub fn router(shared: &Shared) -> Router {
    let pages = page::router();
    let (guarded, described) = parts();
    // Its types are ours, and a test reads it: it never fails.
    let document = described.to_json().unwrap_or_default();
    let json = [(header::CONTENT_TYPE, "application/json")];
    let document = get(move || async move { (json, document) });
    let guarded = guarded
        .route("/api/v1/openapi.json", document)
        .merge(pages.guarded)
        .route_layer(from_fn_with_state(shared.clone(), auth::guard));
    let (open, _) = health::router().split_for_parts();
    let all = guarded.merge(open).merge(pages.open);
    all.fallback(|| async { Problem::of_status(StatusCode::NOT_FOUND) })
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn(in_time))
        .layer(from_fn_with_state(shared.clone(), auth::admit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(shared.clone(), problem::told))
        .layer(CompressionLayer::new())
        .layer(from_fn_with_state(shared.clone(), watching::watch))
        .with_state(shared.clone())
}

/// The guarded paths of the API, and the description of all of it.
fn parts() -> (Router<Shared>, OpenApi) {
    let guarded = OpenApiRouter::with_openapi(api::description())
        .merge(api::router())
        .merge(metrics::router());
    let (router, mut described) = guarded.split_for_parts();
    let (_, open) = health::router().split_for_parts();
    described.merge(open);
    (router, described)
}

/// The description of the API (OpenAPI 3.1).
#[must_use]
pub fn openapi() -> OpenApi {
    parts().1
}

async fn in_time(request: Request, next: Next) -> Response {
    let served = tokio::time::timeout(LONGEST_REQUEST, next.run(request)).await;
    served.unwrap_or_else(|_| {
        let detail = format!("it was not served within {LONGEST_REQUEST:?}");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail).into_response()
    })
}

/// What a panic says may hold anything: only that there was one is told.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request made us panic: this is a bug");
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}
