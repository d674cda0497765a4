//! The handlers of the pages: each gathers what its page tells and hands it over. A store that cannot
//! be read costs the past of a page, not the page.

mod orders;
pub(super) mod reading;

use axum::Router;
use axum::extract::{Extension, Form, Path, Query, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::Markup;

use super::frame::{Frame, Here, draw as framed};
use super::{
    Pages, answer, assets, check, frame, history, overview, segment, sign_in, status, window,
};
use crate::engine::serve::live::Live;
use crate::report::html;
use crate::server::auth::{Caller, Doors, Known};
use crate::server::listener::Peer;
use crate::server::problem::Problem;
use crate::server::shared::Shared;

/// All pages.
#[must_use]
pub fn router() -> Pages {
    let open = Router::new()
        .route("/assets/{mark}/{name}", get(assets::serve))
        .route("/status", get(public))
        .route("/sign-in", get(ask_token).post(show_token))
        .route("/sign-out", axum::routing::post(sign_out));
    let guarded = Router::new()
        .route("/", get(front))
        .route("/windows/{id}", get(one_window))
        .route("/windows/{id}/report.html", get(window_file))
        .route("/checks/{id}", get(one_check))
        .route("/history", get(past))
        .merge(orders::router());
    Pages { open, guarded }
}

/// Whoever looks at a page, and how.
pub(super) struct Reader<'a> {
    shared: &'a Shared,
    caller: &'a Caller,
    headers: &'a HeaderMap,
}

impl Reader<'_> {
    /// A page for this reader.
    fn page(&self, title: &str, here: Here, live: &Live, body: Markup) -> Response {
        let frame = Frame {
            title,
            here,
            live: Some(live),
            is_signed_in: matches!(self.caller.known, Known::Session { .. }),
            has_status: self.shared.settings().status_page.is_some(),
            body,
        };
        answer::page(StatusCode::OK, framed(&frame), self.headers)
    }
}

async fn front(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Query(filter): Query<overview::filter::Filter>,
) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let body = overview::draw(&live, &filter, &shared.mask());
    let reader = Reader {
        shared: &shared,
        caller: &caller,
        headers: &headers,
    };
    Ok(reader.page(&overview::title(&live), Here::Overview, &live, body))
}

async fn one_window(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let story = reading::story(&shared, &id, &live).await?;
    let (title, body) = (html::body::title(&story), window::draw(&story));
    let reader = Reader {
        shared: &shared,
        caller: &caller,
        headers: &headers,
    };
    Ok(reader.page(&title, Here::History, &live, body))
}

async fn window_file(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let story = reading::story(&shared, &id, &live).await?;
    Ok(answer::file(html::render(&story)))
}

async fn one_check(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(looked): Query<check::Looked>,
) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let mut checks = live.checks.iter();
    let found = checks.find(|check| check.facts.id.as_str() == id);
    let found = found.ok_or_else(|| Problem::unknown("check", &id))?;
    let past = reading::check(&shared, &found.facts.id, looked.span(), live.at).await;
    let body = check::draw(&check::Look {
        check: found,
        course: &past.course,
        failures: &past.failures,
        trouble: past.trouble.as_deref(),
        span: looked.span(),
        now: live.at,
        mask: &shared.mask(),
    });
    let reader = Reader {
        shared: &shared,
        caller: &caller,
        headers: &headers,
    };
    Ok(reader.page(&id, Here::Overview, &live, body))
}

async fn past(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Query(asked): Query<history::Asked>,
) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let found = reading::windows(&shared, &asked).await;
    let services = live.services.iter().map(|service| service.name.to_string());
    let body = history::draw(&history::Listed {
        asked: &asked,
        windows: &found.windows,
        more: found.more.as_deref(),
        services: &services.collect(),
        trouble: found.trouble.as_deref(),
        now: live.at,
    });
    let reader = Reader {
        shared: &shared,
        caller: &caller,
        headers: &headers,
    };
    Ok(reader.page("History", Here::History, &live, body))
}

async fn public(State(shared): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let settings = shared.settings();
    if settings.status_page.is_none() {
        return Err(Problem::unknown("page", "status"));
    }
    let page = status::draw(&live, |service| settings.shows_publicly(service));
    Ok(answer::page(StatusCode::OK, page, &headers))
}

#[derive(serde::Deserialize)]
struct Onward {
    #[serde(default)]
    next: String,
}

async fn ask_token(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Query(onward): Query<Onward>,
) -> Response {
    let body = sign_in::draw(&onward.next, None, !shared.settings().knows_callers());
    alone(StatusCode::OK, "Sign in", body, &headers)
}

async fn show_token(
    State(shared): State<Shared>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Form(shown): Form<sign_in::Shown>,
) -> Result<Response, Problem> {
    is_ours(&headers)?;
    let settings = shared.settings();
    let is_secure = peer.is_some_and(|Extension(peer)| peer.is_secure);
    let now = shared.clock.wall();
    let let_in = shared
        .doors()
        .sign_in(&settings, shown.token.trim(), is_secure, now);
    Ok(match let_in {
        Some(signed) => onward(sign_in::onward(&shown.next), &signed.cookie),
        None => {
            let trouble = "Nobody has this token.";
            let body = sign_in::draw(&shown.next, Some(trouble), !settings.knows_callers());
            alone(StatusCode::FORBIDDEN, "Sign in", body, &headers)
        }
    })
}

async fn sign_out(headers: HeaderMap) -> Result<Response, Problem> {
    is_ours(&headers)?;
    Ok(onward("/", &Doors::sign_out()))
}

/// Lets nobody be signed in or out by a page of somebody else. These forms carry no proof: nobody is
/// known yet for whom it could be made.
fn is_ours(headers: &HeaderMap) -> Result<(), Problem> {
    let said = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    match said {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => {
            let detail = "another page sent this: sign in and out on pages of this server";
            Err(Problem::new(StatusCode::FORBIDDEN, "foreign", detail))
        }
    }
}

/// Sends a browser on, with a cookie.
fn onward(path: &str, cookie: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    for (name, value) in [(LOCATION, path), (SET_COOKIE, cookie)] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A page that shows nothing of what is watched.
pub(super) fn alone(
    status: StatusCode,
    title: &str,
    body: Markup,
    headers: &HeaderMap,
) -> Response {
    let frame = frame::Frame {
        title,
        here: Here::Nowhere,
        live: None,
        is_signed_in: false,
        has_status: false,
        body,
    };
    answer::page(status, framed(&frame), headers)
}

/// Where to sign in, and come back from.
pub(super) fn way_in(next: &str) -> String {
    format!("/sign-in?next={}", segment::segment(next))
}
