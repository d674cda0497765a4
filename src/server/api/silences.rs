//! `/api/v1/silences`: when nobody is told, or nothing runs, and why.

use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::masked;
use super::ask::{Body, Named};
use super::errors::{AskErrors, NoSuchThing, OrderErrors};
use super::list::{Listed, listed};
use super::orders::{Carried, carry, reason, senseless};
use super::words::{read_time, time};
use crate::clock::WallTime;
use crate::engine::serve::handle::{Order, Silence};
use crate::engine::serve::live::SilenceNow;
use crate::quantity::Span;
use crate::server::auth::Caller;
use crate::server::problem::Problem;
use crate::server::shared::Shared;

/// A silence that is in force, or comes within a day.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilenceView {
    /// Its name.
    id: String,
    /// Why.
    reason: String,
    /// Who ordered it; absent where it was declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// From when (RFC 3339).
    #[schema(format = DateTime)]
    from: String,
    /// To when (RFC 3339).
    #[schema(format = DateTime)]
    to: String,
    /// Whether checks do not even run; otherwise only alerts are stopped.
    stops_checks: bool,
    /// What it is about.
    #[schema(example = "service api")]
    about: String,
}

impl From<&SilenceNow> for SilenceView {
    fn from(silence: &SilenceNow) -> Self {
        Self {
            id: silence.id.clone(),
            reason: silence.reason.clone(),
            by: silence.by.clone(),
            from: time(silence.from),
            to: time(silence.to),
            stops_checks: silence.stops_checks,
            about: silence.about.clone(),
        }
    }
}

/// A silence to make: for a while, or until a time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "service": "api", "for": "2h", "reason": "the database is being moved" }))]
pub struct NewSilence {
    /// About this service; all without it.
    service: Option<String>,
    /// About checks with this tag; all without it.
    tag: Option<String>,
    /// About this check; all without it.
    check: Option<String>,
    /// Until when (RFC 3339); either this or `for`.
    #[schema(format = DateTime)]
    until: Option<String>,
    /// For how long, as `2h`; either this or `until`.
    #[serde(rename = "for")]
    #[schema(example = "2h")]
    lasting: Option<String>,
    /// Why, in a line.
    #[schema(min_length = 1, max_length = 1000)]
    reason: String,
    /// Whether checks do not even run; otherwise only alerts are stopped.
    #[serde(default)]
    stops_checks: bool,
}

impl NewSilence {
    fn ends(&self, now: WallTime) -> Result<WallTime, Problem> {
        match (&self.until, &self.lasting) {
            (Some(until), None) => read_time(until)
                .ok_or_else(|| senseless("`until` is no time; write it as 2026-11-21T08:50:00Z")),
            (None, Some(lasting)) => {
                let span = Span::parse(lasting).ok().filter(|span| !span.0.is_zero());
                let span =
                    span.ok_or_else(|| senseless("`for` is no span of time; write it as 2h"))?;
                Ok(WallTime::since_unix_epoch(
                    now.unix().saturating_add(span.0),
                ))
            }
            _ => Err(senseless("a silence ends: give either `until` or `for`")),
        }
    }

    fn order(self, now: WallTime) -> Result<Order, Problem> {
        let until = self.ends(now)?;
        let reason = reason(Some(self.reason))?;
        let reason = reason.ok_or_else(|| senseless("`reason` says nothing"))?;
        Ok(Order::Silence(Silence {
            service: self.service,
            tag: self.tag,
            check: self.check,
            until,
            reason,
            stops_checks: self.stops_checks,
        }))
    }
}

/// The silences that are in force, and those that come within a day
#[utoipa::path(
    get, path = "/api/v1/silences", tag = "silences",
    responses((status = OK, description = "The silences.", body = Listed<SilenceView>), AskErrors)
)]
pub async fn silences(State(shared): State<Shared>, uri: Uri) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let items: Vec<SilenceView> = live.silences.iter().map(Into::into).collect();
    listed(items, &uri, None, &shared.mask())
}

/// One silence
#[utoipa::path(
    get, path = "/api/v1/silences/{id}", tag = "silences",
    params(("id" = String, Path, description = "Its name.")),
    responses((status = OK, description = "The silence.", body = SilenceView), AskErrors, NoSuchThing)
)]
pub async fn silence(State(shared): State<Shared>, Named(id): Named) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let silence = live.silences.iter().find(|silence| silence.id == id);
    let silence = silence.ok_or_else(|| Problem::unknown("silence", &id))?;
    masked(&SilenceView::from(silence), &shared.mask())
}

/// Stops alerts, or checks, for a while
#[utoipa::path(
    post, path = "/api/v1/silences", tag = "silences", request_body = NewSilence,
    responses((status = OK, description = "It is in force.", body = Carried), AskErrors, OrderErrors)
)]
pub async fn make(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Body(new): Body<NewSilence>,
) -> Result<Response, Problem> {
    let order = new.order(shared.clock.wall())?;
    carry(&shared, &caller, order).await
}

/// Ends a silence that was ordered
#[utoipa::path(
    delete, path = "/api/v1/silences/{id}", tag = "silences",
    params(("id" = String, Path, description = "Its name.")),
    responses((status = OK, description = "It has ended.", body = Carried), AskErrors, OrderErrors)
)]
pub async fn lift(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Named(silence): Named,
) -> Result<Response, Problem> {
    carry(&shared, &caller, Order::Lift { silence }).await
}
