//! `/api/v1/status`: the whole at one glance.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::masked;
use super::errors::AskErrors;
use super::words::{VerdictWord, time};
use crate::engine::serve::live::{Freeze, Live, NotifierNow};
use crate::event::Verdict;
use crate::server::problem::Problem;
use crate::server::shared::Shared;

/// The whole at one glance.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// The version that runs.
    version: &'static str,
    /// When it was looked (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
    /// Since when the daemon runs (RFC 3339).
    #[schema(format = DateTime)]
    since: String,
    /// The worst verdict of all services.
    verdict: VerdictWord,
    /// How many services there are, by verdict.
    services: BTreeMap<&'static str, usize>,
    /// How many checks there are, by verdict.
    checks: BTreeMap<&'static str, usize>,
    /// How many windows are open.
    windows: usize,
    /// How many silences are in force, or come within a day.
    silences: usize,
    /// Who stopped all rollbacks on this machine; absent where nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    freeze: Option<FreezeView>,
    /// How the history does.
    store: StoreView,
    /// How the configuration does.
    configuration: ConfigurationView,
    /// How those do who tell people, in the order of declaration.
    notifiers: Vec<NotifierView>,
}

/// Who stopped rollbacks on this machine: all of them, or those of a service.
#[derive(Debug, Serialize, ToSchema)]
pub struct FreezeView {
    /// Who; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// Why.
    reason: String,
    /// Since when (RFC 3339); absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
}

/// How the history does.
#[derive(Debug, Serialize, ToSchema)]
pub struct StoreView {
    /// Where it is.
    place: String,
    /// Why it cannot be written at the moment; absent where it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// What waits to be written.
    waiting: u64,
    /// What was given up because the store did not come back in time.
    lost: u64,
}

/// One that tells people.
#[derive(Debug, Serialize, ToSchema)]
pub struct NotifierView {
    /// Its name.
    name: String,
    /// Its channel: slack, pagerduty or webhook.
    channel: &'static str,
    /// How many notices wait.
    waiting: usize,
    /// How many arrived.
    sent: u64,
    /// How many never will.
    unsent: u64,
    /// Why the last one that failed did; absent where none did since one arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
}

/// How the configuration does.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfigurationView {
    /// When the one in force was read (RFC 3339).
    #[schema(format = DateTime)]
    loaded: String,
    /// What is wrong with the newer one that was refused; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl From<&Freeze> for FreezeView {
    fn from(freeze: &Freeze) -> Self {
        Self {
            by: freeze.by.clone(),
            reason: freeze.reason.clone(),
            since: freeze.since.map(time),
        }
    }
}

impl Status {
    fn of(live: &Live) -> Self {
        let worst = live.services.iter().map(|service| service.verdict).max();
        let freeze = live.freeze.as_ref();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            at: time(live.at),
            since: time(live.since),
            verdict: worst.unwrap_or(Verdict::Pass).into(),
            services: counted(live.services.iter().map(|service| service.verdict)),
            checks: counted(live.checks.iter().map(|check| check.verdict)),
            windows: live
                .services
                .iter()
                .filter(|service| service.window.is_some())
                .count(),
            silences: live.silences.len(),
            freeze: freeze.map(FreezeView::from),
            store: StoreView {
                place: live.store.place.clone(),
                trouble: live.store.trouble.clone(),
                waiting: live.store.waiting,
                lost: live.store.lost,
            },
            configuration: ConfigurationView {
                loaded: time(live.configuration.loaded),
                refused: live.configuration.refused.clone(),
            },
            notifiers: live.notifiers.iter().map(NotifierView::of).collect(),
        }
    }
}

impl NotifierView {
    fn of(now: &NotifierNow) -> Self {
        Self {
            name: now.name.to_string(),
            channel: now.channel,
            waiting: now.waiting,
            sent: now.sent,
            unsent: now.unsent,
            trouble: now.trouble.clone(),
        }
    }
}

fn counted(verdicts: impl Iterator<Item = Verdict>) -> BTreeMap<&'static str, usize> {
    let mut counted = BTreeMap::new();
    for verdict in verdicts {
        *counted.entry(verdict.name()).or_default() += 1;
    }
    counted
}

/// The whole at one glance
#[utoipa::path(
    get, path = "/api/v1/status", tag = "now",
    responses((status = OK, description = "What is true now.", body = Status), AskErrors)
)]
pub async fn status(State(shared): State<Shared>) -> Result<Response, Problem> {
    let live = shared.live().await?;
    masked(&Status::of(&live), &shared.mask())
}
