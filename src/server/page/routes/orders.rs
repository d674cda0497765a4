//! Orders that a person gives on a page: GET asks, POST does. Whoever may not act is sent to sign in
//! and comes back to the question.

use axum::Router;
use axum::extract::{Extension, Path, Query, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use maud::Markup;

use super::super::act::{self, Frozen, OnWindow, Reasoned, Silencing};
use super::super::frame::Here;
use super::super::segment::segment;
use super::{Reader, way_in};
use crate::engine::serve::handle::{Done, Order, Refused};
use crate::engine::serve::live::Live;
use crate::plan::server::Scope;
use crate::server::auth::Caller;
use crate::server::auth::form::OwnForm;
use crate::server::problem::Problem;
use crate::server::shared::Shared;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/windows/{id}/{what}", get(ask_window).post(do_window))
        .route("/freeze", get(ask_freeze).post(do_freeze))
        .route("/silence", get(ask_silence).post(do_silence))
        .route("/silences/{id}/lift", get(ask_lift).post(do_lift))
}

/// A question to whoever may act; to others, the way to sign in.
async fn ask(
    shared: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    uri: &Uri,
    question: impl FnOnce(&Live, &str) -> Markup,
) -> Result<Response, Problem> {
    if !caller.may(Scope::Act) {
        let next = uri.path_and_query().map_or("/", |whole| whole.as_str());
        let mut response = StatusCode::SEE_OTHER.into_response();
        if let Ok(way) = HeaderValue::from_str(&way_in(next)) {
            response.headers_mut().insert(LOCATION, way);
        }
        return Ok(response);
    }
    let live = shared.live().await?;
    let proof = shared.doors().form_token(caller);
    let reader = Reader {
        shared,
        caller,
        headers,
    };
    Ok(reader.page("Confirm", Here::Nowhere, &live, question(&live, &proof)))
}

/// Gives an order and shows what came of it.
async fn give(
    shared: &Shared,
    caller: &Caller,
    headers: &HeaderMap,
    order: Result<Order, Refused>,
    back: &str,
) -> Result<Response, Problem> {
    let done: Result<Done, Refused> = match order {
        Ok(order) => shared.order(caller.whose(), order).await,
        Err(refused) => Err(refused),
    };
    let live = shared.live().await?;
    let reader = Reader {
        shared,
        caller,
        headers,
    };
    let mut response = reader.page("Done", Here::Nowhere, &live, act::outcome(&done, back));
    if let Err(refused) = done {
        *response.status_mut() = Problem::from(refused).status;
    }
    Ok(response)
}

async fn ask_window(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    Path((id, what)): Path<(String, OnWindow)>,
) -> Result<Response, Problem> {
    let question = |live: &Live, proof: &str| act::on_window(what, &id, live, proof);
    ask(&shared, &caller, &headers, &uri, question).await
}

async fn do_window(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path((id, what)): Path<(String, OnWindow)>,
    OwnForm { caller, fields }: OwnForm<Reasoned>,
) -> Result<Response, Problem> {
    let back = format!("/windows/{}", segment(&id));
    let order = fields.on_window(what, id);
    give(&shared, &caller, &headers, Ok(order), &back).await
}

async fn ask_freeze(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    Query(of): Query<Frozen>,
) -> Result<Response, Problem> {
    let question = |live: &Live, proof: &str| act::freeze(live, &of, proof);
    ask(&shared, &caller, &headers, &uri, question).await
}

async fn do_freeze(
    State(shared): State<Shared>,
    headers: HeaderMap,
    OwnForm { caller, fields }: OwnForm<Reasoned>,
) -> Result<Response, Problem> {
    give(&shared, &caller, &headers, Ok(fields.freeze()), "/").await
}

async fn ask_silence(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    Query(given): Query<Silencing>,
) -> Result<Response, Problem> {
    let question = |live: &Live, proof: &str| act::silence(live, &given, None, proof);
    ask(&shared, &caller, &headers, &uri, question).await
}

async fn do_silence(
    State(shared): State<Shared>,
    headers: HeaderMap,
    OwnForm { caller, fields }: OwnForm<Silencing>,
) -> Result<Response, Problem> {
    match fields.order(shared.clock.wall()) {
        Ok(order) => give(&shared, &caller, &headers, Ok(order), "/").await,
        Err(refused) => {
            // The form again, with what was typed.
            let live = shared.live().await?;
            let proof = shared.doors().form_token(&caller);
            let why = refused.to_string();
            let body = act::silence(&live, &fields, Some(&why), &proof);
            let reader = Reader {
                shared: &shared,
                caller: &caller,
                headers: &headers,
            };
            let mut response = reader.page("Silence alerts", Here::Nowhere, &live, body);
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(response)
        }
    }
}

async fn ask_lift(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let question = |live: &Live, proof: &str| act::lift(&id, live, proof);
    ask(&shared, &caller, &headers, &uri, question).await
}

#[derive(serde::Deserialize)]
struct Nothing {}

async fn do_lift(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(silence): Path<String>,
    OwnForm { caller, fields }: OwnForm<Nothing>,
) -> Result<Response, Problem> {
    let Nothing {} = fields;
    give(&shared, &caller, &headers, Ok(Order::Lift { silence }), "/").await
}
