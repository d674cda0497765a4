//! What a check did over time, in slices: how often it passed, how fast, what it read.

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
use super::samples::{between, known};
use super::words::{millis, time};
use crate::server::problem::Problem;
use crate::server::shared::Shared;
use crate::store::history::{Between, ReadingSlice, Slice};
use crate::window::histogram::Histogram;

/// What a check did in a span.
#[derive(Debug, Serialize, ToSchema)]
pub struct SliceView {
    /// The start of the span (RFC 3339).
    #[schema(format = DateTime)]
    at: String,
    /// Runs that passed.
    passed: u64,
    /// Runs that were answered wrongly.
    failed: u64,
    /// Runs that could not reach the target.
    errored: u64,
    /// Runs from which nothing was learnt.
    unknown: u64,
    /// How long the runs took that passed, in milliseconds.
    latency_ms: Spread,
    /// The parts of it, in milliseconds, by name.
    phases_ms: BTreeMap<&'static str, Spread>,
    /// The numbers observed, by name.
    readings: BTreeMap<String, ReadingView>,
}

/// A distribution of spans in milliseconds, within 1 %; `null` where there was none.
#[derive(Debug, Serialize, ToSchema)]
pub struct Spread {
    /// How many.
    count: u64,
    /// The median.
    p50: Option<f64>,
    /// The 90th percentile.
    p90: Option<f64>,
    /// The 95th percentile.
    p95: Option<f64>,
    /// The 99th percentile.
    p99: Option<f64>,
}

/// What a reading was in a span.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadingView {
    /// How many were seen.
    count: u64,
    /// Their mean.
    mean: Option<f64>,
    /// The least.
    least: f64,
    /// The most.
    most: f64,
}

impl SliceView {
    fn of(slice: &Slice) -> Self {
        let phases = slice.phases.iter();
        let readings = slice.readings.iter();
        Self {
            at: time(slice.at),
            passed: slice.passed,
            failed: slice.failed,
            errored: slice.errored,
            unknown: slice.unknown,
            latency_ms: Spread::of(&slice.latency),
            phases_ms: phases
                .map(|(phase, spans)| (phase.name(), Spread::of(spans)))
                .collect(),
            readings: readings
                .map(|one| (one.name.to_string(), ReadingView::of(one)))
                .collect(),
        }
    }
}

impl Spread {
    fn of(spans: &Histogram) -> Self {
        let quantile = |q| spans.quantile(q).map(millis);
        Self {
            count: spans.count(),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p95: quantile(0.95),
            p99: quantile(0.99),
        }
    }
}

impl ReadingView {
    fn of(reading: &ReadingSlice) -> Self {
        Self {
            count: reading.count,
            // Counts of a slice are far below 2^53, where a float is exact.
            mean: (reading.count > 0).then(|| reading.sum / reading.count as f64),
            least: reading.least,
            most: reading.most,
        }
    }
}

/// Which slices are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichSlices {
    /// From when (RFC 3339); an hour before `to` without it.
    #[param(format = DateTime, example = "2026-11-21T08:00:00Z")]
    from: Option<String>,
    /// To when, excluded (RFC 3339); now without it.
    #[param(format = DateTime, example = "2026-11-21T09:00:00Z")]
    to: Option<String>,
    /// How long a slice is: whole minutes, as `1m`, `15m` or `1h`; `1m` without it.
    #[param(example = "5m")]
    step: Option<String>,
}

/// The shortest slice.
const MINUTE: Duration = Duration::from_secs(60);
/// So many slices are made at most: a day by the minute.
const MOST_SLICES: u128 = 1_440;

impl WhichSlices {
    fn step(&self, between: Between) -> Result<Duration, Problem> {
        let step = self
            .step
            .as_ref()
            .map(|step| ask::span("step", step))
            .transpose()?;
        let step = step.unwrap_or(MINUTE);
        if step.as_nanos() % MINUTE.as_nanos() != 0 {
            return Err(Problem::senseless(
                "`step` is whole minutes, as 1m, 15m or 1h",
            ));
        }
        let count = between
            .to
            .since(between.from)
            .as_nanos()
            .div_ceil(step.as_nanos());
        if count > MOST_SLICES {
            let detail =
                format!("these are {count} slices, more than {MOST_SLICES}: take a longer `step`");
            return Err(Problem::senseless(detail));
        }
        Ok(step)
    }
}

/// What a check did over time, the oldest first; a span in which it did not run is left out
#[utoipa::path(
    get, path = "/api/v1/checks/{id}/slices", tag = "past",
    params(("id" = String, Path, description = "The check.", example = "api-health"), WhichSlices),
    responses((status = OK, description = "The slices.", body = Listed<SliceView>), AskErrors, NoSuchThing)
)]
pub async fn of_check(
    State(shared): State<Shared>,
    uri: Uri,
    Named(id): Named,
    Asked(which): Asked<WhichSlices>,
) -> Result<Response, Problem> {
    let between = between(&shared, which.from.as_deref(), which.to.as_deref())?;
    let step = which.step(between)?;
    let check = known(&shared, &id).await?;
    let slices = shared.history.slices(&check, between, step).await?;
    let items: Vec<_> = slices.iter().map(SliceView::of).collect();
    listed(items, &uri, None, &shared.mask())
}
