//! What may be ordered about deployments, rollbacks and the configuration. Each order is carried out by
//! the daemon, which writes it down with the name of the token.

use axum::extract::{Extension, State};
use axum::http::HeaderValue;
use axum::http::header::LOCATION;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::masked;
use super::ask::{Body, BodyOrNothing, Named};
use super::errors::{AskErrors, OrderErrors};
use crate::engine::serve::handle::{Done, Order};
use crate::server::auth::Caller;
use crate::server::problem::Problem;
use crate::server::shared::Shared;

/// What came of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Carried {
    /// The window that is open now; absent where the order opens none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "01JD0000000000000000000000")]
    window: Option<String>,
    /// The silence that is in force now; absent where the order makes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    silence: Option<String>,
    /// What was done, in a line.
    done: String,
}

/// A deployment to judge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "service": "api" }))]
pub struct NewWindow {
    /// The service.
    #[schema(min_length = 1, max_length = 100)]
    service: String,
    /// The platform's identifier of the deployment; the current one without it.
    #[schema(min_length = 1, max_length = 2048)]
    deployment: Option<String>,
}

/// Why something is ordered.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "the error is known and harmless" }))]
pub struct Because {
    /// Why, in a line.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// Whether rollbacks are stopped.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "frozen": true, "reason": "the database is being moved" }))]
pub struct NewFreeze {
    /// Whether to stop rollbacks on this machine, or to allow them again.
    frozen: bool,
    /// Those of this service alone; those of all services without it.
    #[schema(min_length = 1, max_length = 100)]
    service: Option<String>,
    /// Why, in a line.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

/// No reason is longer: a page shows it whole.
pub const LONGEST_REASON: usize = 1_000;

/// No name is longer.
const LONGEST_NAME: usize = 100;
/// No identifier of a platform is longer: the longest that AWS knows has 2048 characters.
const LONGEST_IDENTIFIER: usize = 2_048;

fn named(what: &str, name: &str, longest: usize) -> Result<(), Problem> {
    match name.chars().count() {
        0 => Err(senseless(format!("`{what}` is empty"))),
        length if length > longest => Err(senseless(format!(
            "`{what}` is longer than {longest} characters"
        ))),
        _ => Ok(()),
    }
}

/// A line of a person.
///
/// # Errors
/// When it is longer than any reason.
pub fn reason(text: Option<String>) -> Result<Option<String>, Problem> {
    let is_short = |text: &String| text.chars().count() <= LONGEST_REASON;
    match text {
        Some(text) if !is_short(&text) => {
            let detail = format!("`reason` is longer than {LONGEST_REASON} characters");
            Err(senseless(detail))
        }
        text => Ok(text.filter(|text| !text.trim().is_empty())),
    }
}

/// The problem of a body that can be read and makes no sense.
pub fn senseless(detail: impl Into<String>) -> Problem {
    let status = axum::http::StatusCode::UNPROCESSABLE_ENTITY;
    Problem::new(status, "senseless", detail)
}

/// Gives an order to the daemon and answers with what came of it.
///
/// # Errors
/// Why it was not carried out.
pub async fn carry(shared: &Shared, caller: &Caller, order: Order) -> Result<Response, Problem> {
    let done = shared.order(caller.whose(), order).await?;
    let mut carried = Carried {
        window: None,
        silence: None,
        done: String::new(),
    };
    let mut place = None;
    match done {
        Done::Window(id) => {
            place = Some(format!("/api/v1/windows/{id}"));
            carried.done = format!("the window {id} is open");
            carried.window = Some(id);
        }
        Done::Silence(id) => {
            place = Some(format!("/api/v1/silences/{id}"));
            carried.done = format!("the silence {id} is in force");
            carried.silence = Some(id);
        }
        Done::Said(said) => carried.done = said,
    }
    let mut response = masked(&carried, &shared.mask())?;
    let place = place.and_then(|place| HeaderValue::from_str(&place).ok());
    if let Some(place) = place {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// Opens a window over a deployment, or names the one that is open over it: what a pipeline calls
#[utoipa::path(
    post, path = "/api/v1/windows", tag = "orders", request_body = NewWindow,
    responses((status = OK, description = "The window is open.", body = Carried), AskErrors, OrderErrors)
)]
pub async fn open(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewWindow>,
) -> Result<Response, Problem> {
    named("service", &new.service, LONGEST_NAME)?;
    if let Some(deployment) = &new.deployment {
        named("deployment", deployment, LONGEST_IDENTIFIER)?;
    }
    let order = Order::Open {
        service: new.service,
        deployment: new.deployment,
    };
    carry(&shared, &caller, order).await
}

/// Stops judging a window and changes nothing
#[utoipa::path(
    post, path = "/api/v1/windows/{id}/hold", tag = "orders",
    params(("id" = String, Path, description = "The window.", example = "01JD0000000000000000000000")),
    request_body = Option<Because>,
    responses((status = OK, description = "It is held.", body = Carried), AskErrors, OrderErrors)
)]
pub async fn hold(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Named(window): Named,
    BodyOrNothing(because): BodyOrNothing<Because>,
) -> Result<Response, Problem> {
    let reason = reason(because.reason)?;
    carry(&shared, &caller, Order::Hold { window, reason }).await
}

/// Accepts the deployment of an open window now
#[utoipa::path(
    post, path = "/api/v1/windows/{id}/accept", tag = "orders",
    params(("id" = String, Path, description = "The window.", example = "01JD0000000000000000000000")),
    request_body = Option<Because>,
    responses((status = OK, description = "It is accepted.", body = Carried), AskErrors, OrderErrors)
)]
pub async fn accept(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Named(window): Named,
    BodyOrNothing(because): BodyOrNothing<Because>,
) -> Result<Response, Problem> {
    let reason = reason(because.reason)?;
    carry(&shared, &caller, Order::Accept { window, reason }).await
}

/// Undoes the deployment of a window now, under all interlocks that hold
#[utoipa::path(
    post, path = "/api/v1/windows/{id}/rollback", tag = "orders",
    params(("id" = String, Path, description = "The window.", example = "01JD0000000000000000000000")),
    request_body = Option<Because>,
    responses((status = OK, description = "The rollback is begun.", body = Carried), AskErrors, OrderErrors)
)]
pub async fn rollback(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Named(window): Named,
    BodyOrNothing(because): BodyOrNothing<Because>,
) -> Result<Response, Problem> {
    let reason = reason(because.reason)?;
    carry(&shared, &caller, Order::RollBack { window, reason }).await
}

/// Stops all rollbacks on this machine, or those of one service, or allows them again
#[utoipa::path(
    post, path = "/api/v1/freeze", tag = "orders", request_body = NewFreeze,
    responses((status = OK, description = "It is so.", body = Carried), AskErrors, OrderErrors)
)]
pub async fn freeze(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewFreeze>,
) -> Result<Response, Problem> {
    if let Some(service) = &new.service {
        named("service", service, LONGEST_NAME)?;
    }
    let order = Order::Freeze {
        service: new.service,
        on: new.frozen,
        reason: reason(new.reason)?,
    };
    carry(&shared, &caller, order).await
}

/// Reads the configuration again; one with a mistake changes nothing
#[utoipa::path(
    post, path = "/api/v1/reload", tag = "orders",
    responses((status = OK, description = "It is read.", body = Carried), AskErrors, OrderErrors)
)]
pub async fn reload(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    carry(&shared, &caller, Order::Reload).await
}
