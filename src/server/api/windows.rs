//! `/api/v1/windows`: deployments that are being judged, and those that were.

use std::collections::HashMap;
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
use super::words::{StateWord, VerdictWord, time};
use crate::engine::serve::live::{Live, WindowNow};
use crate::server::problem::Problem;
use crate::server::shared::Shared;
use crate::store::history::{Page, StoredWindow};

/// A window: one deployment of a service, judged.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WindowView {
    /// Its name (a ULID).
    #[schema(example = "01JD0000000000000000000000")]
    pub id: String,
    /// The service.
    service: String,
    /// What it is doing.
    state: StateWord,
    /// When it was opened (RFC 3339).
    #[schema(format = DateTime)]
    opened: String,
    /// When the bake ends (RFC 3339); absent before it begins, and when the window is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    ends: Option<String>,
    /// When it was closed (RFC 3339); absent while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    closed: Option<String>,
    /// The verdict, the worst so far while it is open; absent where none was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<VerdictWord>,
    /// The platform's identifier of the deployment; absent before it is pinned, and in the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment: Option<String>,
    /// The revision that is judged; absent where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "api:42")]
    revision: Option<String>,
    /// What would be done if it ended now; absent when it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    would: Option<Would>,
    /// How many samples it was given; absent when it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<u64>,
    /// What was decided: `accept`, `roll_back`, `hold` or `none`; absent while nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// How a rollback ended, as in reports; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback: Option<String>,
    /// From the opening to the first proof of a failure, in seconds; absent where none was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    detected_after_s: Option<f64>,
}

/// What would be done now, and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Would {
    /// What: `accept`, `roll_back`, `hold` or `none`.
    action: &'static str,
    /// Why, the most important reason first.
    because: Vec<String>,
}

impl WindowView {
    /// An open window.
    #[must_use]
    pub fn open(service: &str, window: &WindowNow) -> Self {
        let deployment = window.deployment.as_ref();
        let (action, because) = &window.would;
        Self {
            id: window.id.to_string(),
            service: service.to_owned(),
            state: window.state.into(),
            opened: time(window.opened),
            ends: window.ends.map(time),
            closed: None,
            verdict: Some(window.verdict.into()),
            deployment: deployment.map(|deployment| deployment.id.clone()),
            revision: deployment.map(|deployment| deployment.revision.label.clone()),
            would: Some(Would {
                action: action.name(),
                because: because.clone(),
            }),
            samples: Some(window.samples),
            action: None,
            rollback: None,
            detected_after_s: None,
        }
    }

    /// A window as it is kept; one that is not closed was left by a daemon that died.
    #[must_use]
    pub fn kept(window: &StoredWindow) -> Self {
        Self {
            id: window.id.to_string(),
            service: window.service.to_string(),
            state: match window.closed {
                Some(_) => StateWord::Closed,
                None => StateWord::Left,
            },
            opened: time(window.opened),
            ends: None,
            closed: window.closed.map(time),
            verdict: window.verdict.map(Into::into),
            deployment: None,
            revision: window.revision.clone(),
            would: None,
            samples: None,
            action: window.action.clone(),
            rollback: window.rollback.clone(),
            detected_after_s: window.detected_after.map(|span| span.as_secs_f64()),
        }
    }
}

/// The windows that are open now, by name.
pub fn open_now(live: &Live) -> HashMap<Arc<str>, WindowView> {
    let windows = live.services.iter().filter_map(|service| {
        let window = service.window.as_ref()?;
        Some((
            Arc::clone(&window.id),
            WindowView::open(&service.name, window),
        ))
    });
    windows.collect()
}

/// Which windows are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichWindows {
    /// Only those of this service.
    service: Option<String>,
    /// At most so many; 100 without it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Those that are older than the window of this name.
    #[param(pattern = "^[0-7][0-9A-HJKMNP-TV-Z]{25}$")]
    before: Option<String>,
}

/// The windows, the newest first, open ones included
#[utoipa::path(
    get, path = "/api/v1/windows", tag = "windows", params(WhichWindows),
    responses((status = OK, description = "The windows.", body = Listed<WindowView>), AskErrors)
)]
pub async fn windows(
    State(shared): State<Shared>,
    uri: Uri,
    Asked(which): Asked<WhichWindows>,
) -> Result<Response, Problem> {
    let limit = ask::limit(which.limit)?;
    let before = ask::cursor(which.before)?;
    let live = shared.live().await?;
    let page = Page {
        service: which.service.as_deref().map(Arc::from),
        before: before.clone(),
        limit,
        ..Page::default()
    };
    let kept = shared.history.windows(&page).await?;
    let mut open = open_now(&live);
    let mut items: Vec<WindowView> = kept
        .iter()
        .map(|window| {
            open.remove(&window.id)
                .unwrap_or_else(|| WindowView::kept(window))
        })
        .collect();
    let next = (items.len() >= limit).then(|| items.last().map(|last| last.id.clone()));
    // What was opened just now, or while the history could not be written.
    let is_meant = |window: &WindowView| {
        which
            .service
            .as_ref()
            .is_none_or(|service| *service == window.service)
    };
    if before.is_none() {
        items.extend(open.into_values().filter(is_meant));
        items.sort_by(|one, other| other.id.cmp(&one.id));
    }
    let next = next.flatten();
    let next = next.as_deref().map(|before| ("before", before));
    listed(items, &uri, next, &shared.mask())
}

/// One window
#[utoipa::path(
    get, path = "/api/v1/windows/{id}", tag = "windows",
    params(("id" = String, Path, description = "Its name.", example = "01JD0000000000000000000000")),
    responses((status = OK, description = "The window.", body = WindowView), AskErrors, NoSuchThing)
)]
pub async fn window(State(shared): State<Shared>, Named(id): Named) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let open = open_now(&live).remove(&*id);
    let view = match open {
        Some(view) => view,
        None => WindowView::kept(&kept(&shared, &id).await?),
    };
    masked(&view, &shared.mask())
}

/// A window as it is kept.
///
/// # Errors
/// When there is none of this name, or the history cannot be read.
pub async fn kept(shared: &Shared, id: &str) -> Result<StoredWindow, Problem> {
    let window = shared.history.window(id).await?;
    window.ok_or_else(|| Problem::unknown("window", id))
}
