//! What happened, as it is told by the API: decisions, one by one, and the events that are streamed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::masked;
use super::ask::{self, Asked, Named};
use super::errors::{AskErrors, NoSuchThing};
use super::list::{Listed, listed};
use super::words::time;
use crate::sample::CheckId;
use crate::server::problem::Problem;
use crate::server::shared::Shared;
use crate::store::history::{Happening, Page};

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct HappeningView {
    /// Its name (a ULID): names sort by time.
    #[schema(example = "01JD0000000000000000000000")]
    id: String,
    /// When (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
    /// What: `decided`, `check_judged`, `window_opened`, …
    #[schema(example = "decided")]
    kind: &'static str,
    /// The service; absent where it concerns all or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    /// The window; absent where it belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<String>,
    /// The check; absent where it concerns none.
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<String>,
    /// One line for a person.
    text: String,
    /// The facts.
    #[schema(value_type = Object)]
    facts: serde_json::Value,
}

impl From<&Happening> for HappeningView {
    fn from(happening: &Happening) -> Self {
        Self {
            id: happening.id.clone(),
            at: time(happening.at),
            kind: happening.kind,
            service: happening.service.as_deref().map(ToOwned::to_owned),
            window: happening.window.as_deref().map(ToOwned::to_owned),
            check: happening.check.as_ref().map(ToString::to_string),
            text: happening.text.clone(),
            facts: happening.facts.clone(),
        }
    }
}

/// What is decided, and what becomes of it.
const DECISIONS: [&str; 3] = ["decided", "rollback_intended", "rollback_ended"];

/// Which of the past is asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichDecisions {
    /// Only those about this service.
    service: Option<String>,
    /// Only those of this window.
    window: Option<String>,
    /// At most so many; 100 without it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Those that are older than the one of this name.
    #[param(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    before: Option<String>,
}

/// What was decided about deployments, and what became of rollbacks, the newest first
#[utoipa::path(
    get, path = "/api/v1/decisions", tag = "past", params(WhichDecisions),
    responses((status = OK, description = "The decisions.", body = Listed<HappeningView>), AskErrors)
)]
pub async fn decisions(
    State(shared): State<Shared>,
    uri: Uri,
    Asked(which): Asked<WhichDecisions>,
) -> Result<Response, Problem> {
    let page = Page {
        service: which.service.as_deref().map(Arc::from),
        window: which.window.as_deref().map(Arc::from),
        kinds: DECISIONS.map(str::to_owned).to_vec(),
        before: ask::cursor(which.before)?,
        limit: ask::limit(which.limit)?,
        ..Page::default()
    };
    told(&shared, &page, &uri).await
}

/// One decision
#[utoipa::path(
    get, path = "/api/v1/decisions/{id}", tag = "past",
    params(("id" = String, Path, description = "Its name.", example = "01JD0000000000000000000000")),
    responses((status = OK, description = "The decision.", body = HappeningView), AskErrors, NoSuchThing)
)]
pub async fn decision(State(shared): State<Shared>, Named(id): Named) -> Result<Response, Problem> {
    let unknown = || Problem::unknown("decision", &id);
    let name = ulid::Ulid::from_string(&id).map_err(|_| unknown())?;
    // The one right before the name that follows it.
    let page = Page {
        kinds: DECISIONS.map(str::to_owned).to_vec(),
        before: name.increment().map(|next| next.to_string()),
        limit: 1,
        ..Page::default()
    };
    let found = shared.history.happenings(&page).await?;
    let found = found.iter().find(|happening| happening.id == id);
    masked(
        &HappeningView::from(found.ok_or_else(unknown)?),
        &shared.mask(),
    )
}

/// Which happenings are asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichHappenings {
    /// Only those about this service.
    service: Option<String>,
    /// Only those of this window.
    window: Option<String>,
    /// Only those about this check.
    check: Option<String>,
    /// Only those of this kind: `ordered` are the actions of people.
    #[param(example = "ordered")]
    kind: Option<String>,
    /// At most so many; 100 without it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Those that are older than the one of this name.
    #[param(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    before: Option<String>,
}

/// What happened, the newest first: the past of `/api/v1/events`
#[utoipa::path(
    get, path = "/api/v1/happenings", tag = "past", params(WhichHappenings),
    responses((status = OK, description = "What happened.", body = Listed<HappeningView>), AskErrors)
)]
pub async fn happenings(
    State(shared): State<Shared>,
    uri: Uri,
    Asked(which): Asked<WhichHappenings>,
) -> Result<Response, Problem> {
    let page = Page {
        service: which.service.as_deref().map(Arc::from),
        window: which.window.as_deref().map(Arc::from),
        check: which.check.as_deref().map(CheckId::new),
        kinds: which.kind.into_iter().collect(),
        before: ask::cursor(which.before)?,
        limit: ask::limit(which.limit)?,
    };
    told(&shared, &page, &uri).await
}

async fn told(shared: &Shared, page: &Page, uri: &Uri) -> Result<Response, Problem> {
    let found = shared.history.happenings(page).await?;
    let last = found.last().filter(|_| found.len() >= page.limit);
    let next = last.map(|last| ("before", last.id.as_str()));
    let items: Vec<_> = found.iter().map(HappeningView::from).collect();
    listed(items, uri, next, &shared.mask())
}
