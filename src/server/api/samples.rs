//! Samples as they came: those of a check, those that did not pass, those of a window.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ask::{self, Asked, Named};
use super::errors::{AskErrors, NoSuchThing};
use super::list::{Listed, listed};
use super::words::{OutcomeWord, millis, time};
use crate::clock::WallTime;
use crate::sample::{CheckId, Phase, Sample};
use crate::server::problem::Problem;
use crate::server::shared::Shared;
use crate::store::history::{Between, Seen};

/// The result of one run of a check.
#[derive(Debug, Serialize, ToSchema)]
pub struct SampleView {
    /// When the run started (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
    /// The check.
    check: String,
    /// The window that it was judged in; absent where it belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<String>,
    /// How it ended.
    outcome: OutcomeWord,
    /// From the start to the last byte, in milliseconds.
    latency_ms: f64,
    /// The parts of it, in milliseconds, by name: `dns`, `connect`, `tls`, `request`, `ttfb`, `body`.
    phases_ms: BTreeMap<&'static str, f64>,
    /// Why it did not pass, as a code; absent for a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// Why it did not pass, in one line, with secrets masked; absent for a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The numbers observed, by name.
    readings: BTreeMap<String, f64>,
    /// What a person should know of a run that passed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    /// Whether it was taken beside the schedule, because an earlier one looked bad.
    closer_look: bool,
}

impl SampleView {
    /// A sample that was taken at a time, in a window.
    #[must_use]
    pub fn of(at: WallTime, window: Option<&str>, sample: &Sample) -> Self {
        let phases = Phase::ALL.into_iter();
        let phases = phases.filter_map(|phase| Some((phase, sample.phases.get(phase)?)));
        let readings = sample
            .readings
            .iter()
            .filter(|reading| reading.value.is_finite());
        let fault = sample.fault.as_ref();
        Self {
            at: time(at),
            check: sample.check.to_string(),
            window: window.map(ToOwned::to_owned),
            outcome: sample.outcome.into(),
            latency_ms: millis(sample.latency),
            phases_ms: phases
                .map(|(phase, span)| (phase.name(), millis(span)))
                .collect(),
            reason: fault.map(|fault| fault.reason.code()),
            detail: fault.map(|fault| fault.detail.clone()),
            readings: readings
                .map(|reading| (reading.name.to_string(), reading.value))
                .collect(),
            notes: sample.notes.clone(),
            closer_look: sample.closer_look,
        }
    }

    fn seen(seen: &Seen) -> Self {
        Self::of(seen.at, seen.window.as_deref(), &seen.sample)
    }
}

/// Which samples are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichSamples {
    /// From when (RFC 3339); an hour before `to` without it.
    #[param(format = DateTime, example = "2026-11-21T08:00:00Z")]
    from: Option<String>,
    /// To when, excluded (RFC 3339); now without it.
    #[param(format = DateTime, example = "2026-11-21T09:00:00Z")]
    to: Option<String>,
    /// At most so many; 100 without it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// So long before its end a span begins where nobody says.
const USUAL_SPAN: Duration = Duration::from_secs(60 * 60);

/// The span that is asked for.
///
/// # Errors
/// When a time is none, or the span ends before it begins.
pub fn between(shared: &Shared, from: Option<&str>, to: Option<&str>) -> Result<Between, Problem> {
    let to = to.map(|to| ask::time("to", to)).transpose()?;
    let to = to.unwrap_or_else(|| shared.clock.wall());
    let from = from.map(|from| ask::time("from", from)).transpose()?;
    let earlier = || WallTime::since_unix_epoch(to.unix().saturating_sub(USUAL_SPAN));
    let from = from.unwrap_or_else(earlier);
    if from > to {
        return Err(Problem::senseless("`from` is later than `to`"));
    }
    Ok(Between { from, to })
}

/// The check of a name, whether it is declared now or was.
///
/// # Errors
/// When it is not declared, and nothing is known of it.
pub async fn known(shared: &Shared, id: &str) -> Result<CheckId, Problem> {
    let live = shared.live().await?;
    let check = CheckId::new(id);
    let is_declared = live.checks.iter().any(|one| one.facts.id == check);
    if is_declared || !shared.history.failures(&check, 1).await?.is_empty() {
        return Ok(check);
    }
    Err(Problem::unknown("check", id))
}

/// The samples of a check as they came, the oldest first, as far as they are kept
#[utoipa::path(
    get, path = "/api/v1/checks/{id}/samples", tag = "past",
    params(("id" = String, Path, description = "The check.", example = "api-health"), WhichSamples),
    responses((status = OK, description = "The samples.", body = Listed<SampleView>), AskErrors, NoSuchThing)
)]
pub async fn of_check(
    State(shared): State<Shared>,
    uri: Uri,
    Named(id): Named,
    Asked(which): Asked<WhichSamples>,
) -> Result<Response, Problem> {
    let limit = ask::limit(which.limit)?;
    let between = between(&shared, which.from.as_deref(), which.to.as_deref())?;
    let check = known(&shared, &id).await?;
    let seen = shared.history.samples(&check, between, limit).await?;
    // What started in the very same moment as the last one would come twice otherwise.
    let last = seen.last().filter(|_| seen.len() >= limit);
    let next =
        last.map(|last| WallTime::since_unix_epoch(last.at.unix() + Duration::from_nanos(1)));
    let next = next.map(time);
    let items: Vec<_> = seen.iter().map(SampleView::seen).collect();
    let next = next.as_deref().map(|from| ("from", from));
    listed(items, &uri, next, &shared.mask())
}

/// How many are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HowMany {
    /// At most so many; 100 without it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// The last samples of a check that did not pass, the newest first
#[utoipa::path(
    get, path = "/api/v1/checks/{id}/failures", tag = "past",
    params(("id" = String, Path, description = "The check.", example = "api-health"), HowMany),
    responses((status = OK, description = "The samples.", body = Listed<SampleView>), AskErrors, NoSuchThing)
)]
pub async fn failures(
    State(shared): State<Shared>,
    uri: Uri,
    Named(id): Named,
    Asked(many): Asked<HowMany>,
) -> Result<Response, Problem> {
    let limit = ask::limit(many.limit)?;
    let check = known(&shared, &id).await?;
    let seen = shared.history.failures(&check, limit).await?;
    let items: Vec<_> = seen.iter().map(SampleView::seen).collect();
    listed(items, &uri, None, &shared.mask())
}
