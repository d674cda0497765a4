//! `/api/v1/services`: what is judged, and how each does now.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::masked;
use super::ask::{Asked, Named, limit};
use super::errors::{AskErrors, NoSuchThing};
use super::list::{Listed, listed, part};
use super::status::FreezeView;
use super::windows::WindowView;
use super::words::VerdictWord;
use crate::engine::serve::live::ServiceNow;
use crate::plan::server::ServerPlan;
use crate::server::problem::Problem;
use crate::server::shared::Shared;

/// A service.
#[derive(Debug, Serialize, ToSchema)]
pub struct ServiceView {
    /// Its name.
    #[schema(example = "api")]
    name: String,
    /// The worst verdict of its checks.
    verdict: VerdictWord,
    /// The revision that runs; absent where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "api:42")]
    revision: Option<String>,
    /// Whether its deployments are watched.
    deployed: bool,
    /// Why its deployments cannot be seen; absent where they can.
    #[serde(skip_serializing_if = "Option::is_none")]
    unseen: Option<String>,
    /// The name of its policy.
    policy: String,
    /// Who stopped its rollbacks on this machine; absent where nobody did, or only those of all services.
    #[serde(skip_serializing_if = "Option::is_none")]
    freeze: Option<FreezeView>,
    /// Its open window; absent where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<WindowView>,
    /// Whether it is on the public status page.
    public: bool,
}

impl ServiceView {
    fn of(service: &ServiceNow, settings: &ServerPlan) -> Self {
        let window = service.window.as_ref();
        Self {
            name: service.name.to_string(),
            verdict: service.verdict.into(),
            revision: service.revision.clone(),
            deployed: service.is_deployed,
            unseen: service.unseen.clone(),
            policy: service.policy.to_string(),
            freeze: service.freeze.as_ref().map(FreezeView::from),
            window: window.map(|window| WindowView::open(&service.name, window)),
            public: settings.shows_publicly(&service.name),
        }
    }
}

/// Which services are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichServices {
    /// Only those with this verdict.
    verdict: Option<VerdictWord>,
    /// At most so many; 100 without it.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Those that are declared after the service of this name.
    after: Option<String>,
}

/// The services, in the order of declaration
#[utoipa::path(
    get, path = "/api/v1/services", tag = "now", params(WhichServices),
    responses((status = OK, description = "The services.", body = Listed<ServiceView>), AskErrors, NoSuchThing)
)]
pub async fn services(
    State(shared): State<Shared>,
    uri: Uri,
    Asked(which): Asked<WhichServices>,
) -> Result<Response, Problem> {
    let limit = limit(which.limit)?;
    let live = shared.live().await?;
    let is_meant = |service: &&ServiceNow| {
        let verdict = VerdictWord::from(service.verdict);
        which.verdict.is_none_or(|wanted| wanted == verdict)
    };
    let found = live.services.iter().filter(is_meant);
    let (found, next) = part(
        found,
        |service| &*service.name,
        which.after.as_deref(),
        limit,
    )?;
    let settings = shared.settings();
    let shown = found.into_iter();
    let items: Vec<_> = shown.map(|it| ServiceView::of(it, &settings)).collect();
    listed(
        items,
        &uri,
        next.map(|name| ("after", name)),
        &shared.mask(),
    )
}

/// One service
#[utoipa::path(
    get, path = "/api/v1/services/{name}", tag = "now",
    params(("name" = String, Path, description = "Its name.", example = "api")),
    responses((status = OK, description = "The service.", body = ServiceView), AskErrors, NoSuchThing)
)]
pub async fn service(
    State(shared): State<Shared>,
    Named(name): Named,
) -> Result<Response, Problem> {
    let live = shared.live().await?;
    let service = live.services.iter().find(|service| *service.name == *name);
    let service = service.ok_or_else(|| Problem::unknown("service", &name))?;
    masked(
        &ServiceView::of(service, &shared.settings()),
        &shared.mask(),
    )
}
