//! The API of the daemon, version 1: what is true now, what happened, and what may be ordered.
//!
//! One file a resource. Its types are the contract: the description under `config/` is made of them.
//! What is declared is listed in its order and paged by name (`after`), what happened the newest first
//! and paged by name (`before`).

mod answer;
mod ask;
mod checks;
mod errors;
mod events;
mod happenings;
mod list;
mod orders;
mod report;
mod samples;
mod services;
mod silences;
mod slices;
mod status;
mod windows;
mod words;

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::answer::hide;
pub use self::happenings::HappeningView;
use super::shared::Shared;

/// The guarded paths.
pub fn router() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(services::services))
        .routes(routes!(services::service))
        .routes(routes!(checks::checks))
        .routes(routes!(checks::check))
        .routes(routes!(samples::of_check))
        .routes(routes!(samples::failures))
        .routes(routes!(slices::of_check))
        .routes(routes!(windows::windows, orders::open))
        .routes(routes!(windows::window))
        .routes(routes!(report::report))
        .routes(routes!(orders::hold))
        .routes(routes!(orders::accept))
        .routes(routes!(orders::rollback))
        .routes(routes!(orders::freeze))
        .routes(routes!(orders::reload))
        .routes(routes!(silences::silences, silences::make))
        .routes(routes!(silences::silence, silences::lift))
        .routes(routes!(happenings::decisions))
        .routes(routes!(happenings::decision))
        .routes(routes!(happenings::happenings))
        .routes(routes!(events::events))
}

/// What the description says of the whole.
#[must_use]
pub fn description() -> utoipa::openapi::OpenApi {
    Whole::openapi()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Smokejumper",
        description = "What the daemon knows of services, checks and deployments, and what it can be told to do."
    ),
    security(("token" = [])),
    modifiers(&Token),
    tags(
        (name = "now", description = "What is true now."),
        (name = "windows", description = "Deployments that are being judged, and those that were."),
        (name = "past", description = "What was seen and what happened."),
        (name = "orders", description = "What the daemon can be told to do. Needs the scope `act`."),
        (name = "silences", description = "When nobody is told. Changing them needs the scope `act`."),
        (name = "health", description = "For supervisors, load balancers and scrapers.")
    )
)]
struct Whole;

/// How callers say who they are.
struct Token;

impl Modify for Token {
    fn modify(&self, described: &mut utoipa::openapi::OpenApi) {
        let description = "A token of the section `server`, or the daemon's own. Where none is \
                           declared, reading needs none.";
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(description))
            .build();
        let components = described.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}
