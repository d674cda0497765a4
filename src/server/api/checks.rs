//! `/api/v1/checks`: what is probed, and how each does now.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::masked;
use super::ask::{Asked, Named, limit};
use super::errors::{AskErrors, NoSuchThing};
use super::list::{Listed, listed, part};
use super::samples::SampleView;
use super::words::{OutcomeWord, VerdictWord, millis, time};
use crate::engine::serve::live::CheckNow;
use crate::server::problem::Problem;
use crate::server::shared::Shared;

/// A check.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckView {
    /// Its name.
    #[schema(example = "api-health")]
    id: String,
    /// Its kind.
    #[schema(example = "http")]
    kind: &'static str,
    /// The service that it belongs to.
    service: String,
    /// Its tags.
    tags: Vec<String>,
    /// How often it runs, in seconds.
    every_s: f64,
    /// The verdict on it, over the last minutes or in the open window.
    verdict: VerdictWord,
    /// Since when that is the verdict (RFC 3339).
    #[schema(format = DateTime)]
    since: String,
    /// Why, in one line; empty for a pass.
    because: String,
    /// The outcomes of its last runs, the oldest first.
    recent: Vec<OutcomeWord>,
    /// Quantiles of the latency over the last minutes, in milliseconds.
    latency_ms: Quantiles,
}

/// Quantiles of the latency, in milliseconds; `null` where too few runs passed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Quantiles {
    /// The median.
    p50: Option<f64>,
    /// The 95th percentile.
    p95: Option<f64>,
}

/// A check with all that is known of it now.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckDetail {
    /// What lists show as well.
    #[serde(flatten)]
    view: CheckView,
    /// Its last run; absent before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<SampleView>,
    /// The quantiles of each of the last minutes, the oldest first; `null` where none passed.
    sparkline_ms: Vec<Option<Quantiles>>,
    /// Its limits, as they were declared.
    limits: Vec<String>,
    /// How it was declared, as YAML, with secrets masked.
    declared: String,
}

impl CheckView {
    fn of(check: &CheckNow) -> Self {
        Self {
            id: check.facts.id.to_string(),
            kind: check.facts.kind,
            service: check.facts.service.to_string(),
            tags: check.facts.tags.iter().map(ToString::to_string).collect(),
            every_s: check.every.as_secs_f64(),
            verdict: check.verdict.into(),
            since: time(check.since),
            because: check.because.clone(),
            recent: check
                .recent
                .iter()
                .map(|outcome| (*outcome).into())
                .collect(),
            latency_ms: Quantiles {
                p50: check.p50.map(millis),
                p95: check.p95.map(millis),
            },
        }
    }
}

impl CheckDetail {
    fn of(check: &CheckNow) -> Self {
        let quantiles = |(p50, p95)| Quantiles {
            p50: Some(millis(p50)),
            p95: Some(millis(p95)),
        };
        let last = check.last.as_ref();
        Self {
            view: CheckView::of(check),
            last: last.map(|(at, sample)| SampleView::of(*at, None, sample)),
            sparkline_ms: check
                .sparkline
                .iter()
                .map(|one| one.map(quantiles))
                .collect(),
            limits: check.limits.to_vec(),
            declared: check.declared.to_string(),
        }
    }
}

/// Which checks are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichChecks {
    /// Only those of this service.
    service: Option<String>,
    /// Only those with this tag.
    tag: Option<String>,
    /// Only those with this verdict.
    verdict: Option<VerdictWord>,
    /// At most so many; 100 without it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Those that are declared after the check of this name.
    after: Option<String>,
}

impl WhichChecks {
    fn means(&self, check: &CheckNow) -> bool {
        let facts = &check.facts;
        let verdict = VerdictWord::from(check.verdict);
        let service = self.service.as_ref();
        service.is_none_or(|service| **service == *facts.service)
            && self.verdict.is_none_or(|wanted| wanted == verdict)
            && self
                .tag
                .as_ref()
                .is_none_or(|tag| facts.tags.iter().any(|own| **own == **tag))
    }
}

fn name_of(check: &CheckNow) -> &str {
    check.facts.id.as_str()
}

/// The checks, in the order of declaration
#[utoipa::path(
    get, path = "/api/v1/checks", tag = "now", params(WhichChecks),
    responses((status = OK, description = "The checks.", body = Listed<CheckView>), AskErrors, NoSuchThing)
)]
pub async fn checks(
    State(shared): State<Shared>,
    uri: Uri,
    Asked(which): Asked<WhichChecks>,
) -> Result<Response, Problem> {
    let limit = limit(which.limit)?;
    let live = shared.live().await?;
    let found = live.checks.iter().filter(|check| which.means(check));
    let (found, next) = part(found, name_of, which.after.as_deref(), limit)?;
    let items: Vec<_> = found.into_iter().map(CheckView::of).collect();
    listed(
        items,
        &uri,
        next.map(|name| ("after", name)),
        &shared.mask(),
    )
}

/// One check
#[utoipa::path(
    get, path = "/api/v1/checks/{id}", tag = "now",
    params(("id" = String, Path, description = "Its name.", example = "api-health")),
    responses((status = OK, description = "The check.", body = CheckDetail), AskErrors, NoSuchThing)
)]
pub async fn check(State(shared): State<Shared>, Named(id): Named) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let mut checks = live.checks.iter();
    let check = checks.find(|check| check.facts.id.as_str() == id);
    let check = check.ok_or_else(|| Problem::unknown("check", &id))?;
    masked(&CheckDetail::of(check), &shared.mask())
}
