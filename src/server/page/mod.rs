//! What people see: pages as HTML, and how a problem is shown to them.
//!
//! Each page is a function from values to markup (`overview`, `window`, `check`, `history`, `status`,
//! `act`, `sign_in`), framed by `frame`; `routes` gathers the values. Pages are whole without a script;
//! ours, which listens to what happens and reads a page's live parts again, is all that runs.

mod act;
mod answer;
mod assets;
mod check;
mod frame;
mod history;
mod overview;
mod routes;
mod segment;
mod sign_in;
mod status;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ACCEPT, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use maud::html;

use segment::segment;

use super::problem::Problem;
use super::shared::Shared;
use crate::engine::serve::live::Live;
use crate::secret::Mask;
use crate::store::history::{History, StoredWindow};

/// The pages.
pub struct Pages {
    /// For everyone: the public status page, signing in.
    pub open: Router<Shared>,
    /// For whoever may read; anything but GET and HEAD for whoever may act.
    pub guarded: Router<Shared>,
}

/// All pages.
#[must_use]
pub fn router() -> Pages {
    routes::router()
}

/// A window that is over, as a page in one file, with whatever the history keeps of it; absent where its
/// report was not kept.
pub async fn file(history: &dyn History, window: StoredWindow, mask: &Mask) -> Option<String> {
    window.report.as_ref()?;
    let id = Arc::clone(&window.id);
    let nothing_is_open = Live::default();
    let told = routes::reading::tell(history, &id, &nothing_is_open, Some(window), mask);
    Some(crate::report::html::render(&told.await?))
}

/// What was asked for, as far as the form of an error depends on it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The path with its query.
    pub path: String,
    /// Whether a page is wanted: a browser asks for HTML, outside the API.
    pub wants_page: bool,
}

impl Asked {
    /// What a request asks for.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let accepted = request.headers().get(ACCEPT);
        let accepted = accepted.and_then(|accepted| accepted.to_str().ok());
        let path = request.uri().path();
        Self {
            method: request.method().clone(),
            path: request
                .uri()
                .path_and_query()
                .map_or(path, |whole| whole.as_str())
                .to_owned(),
            wants_page: !path.starts_with("/api/")
                && accepted.is_some_and(|accepted| accepted.contains("text/html")),
        }
    }
}

/// A problem as a page: where a browser must sign in, the way there.
#[must_use]
pub fn problem(shared: &Shared, asked: &Asked, problem: &Problem) -> Option<Response> {
    if !asked.wants_page {
        return None;
    }
    if problem.status == StatusCode::UNAUTHORIZED {
        return Some(to_sign_in(asked));
    }
    let title = problem.status.canonical_reason().unwrap_or("Not served");
    let body = html! {
        div class="narrow" {
            h1 { (title) }
            p class="verdict-line is-fail" { (shared.mask().apply(&problem.detail)) }
            p { a href="/" { "To the overview" } }
        }
    };
    Some(routes::alone(
        problem.status,
        title,
        body,
        &HeaderMap::new(),
    ))
}

/// Sends a browser to sign in; what was asked for is there afterwards, unless it was an order.
fn to_sign_in(asked: &Asked) -> Response {
    let next = match asked.method {
        Method::GET | Method::HEAD => asked.path.as_str(),
        _ => "/",
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(way) = HeaderValue::from_str(&routes::way_in(next)) {
        response.headers_mut().insert(LOCATION, way);
    }
    response
}
