//! A window again, whole: its report, and its samples as `replay` reads them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::masked;
use super::ask::{Asked, Named};
use super::errors::{AskErrors, NoSuchThing};
use super::windows::kept;
use crate::report::{junit, markdown, stored};
use crate::server::problem::{Problem, ProblemBody};
use crate::server::shared::Shared;

/// In which form a window is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReportForm {
    /// The machine-readable report, `smokejumper.report/1`.
    #[default]
    Json,
    /// For a person.
    Text,
    /// What was measured, one JSON object a line, for `replay`.
    Samples,
    /// For a CI system that shows tests.
    Junit,
    /// For a pull request or a chat.
    Markdown,
}

/// In which form.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichForm {
    /// In which form; `json` without it.
    #[param(inline)]
    format: Option<ReportForm>,
}

/// The machine-readable report: `config/report.schema.json` describes it.
#[derive(Serialize, ToSchema)]
pub struct ReportBody {
    /// Always `smokejumper.report/1`.
    schema: String,
}

/// The report of a window, or its samples
#[utoipa::path(
    get, path = "/api/v1/windows/{id}/report", tag = "windows",
    params(
        ("id" = String, Path, description = "Its name.", example = "01JD0000000000000000000000"),
        WhichForm
    ),
    responses(
        (status = OK, description = "The report in the form that was asked for.", content(
            (ReportBody = "application/json"),
            (String = "text/plain"),
            (String = "application/x-ndjson"),
            (String = "application/xml"),
            (String = "text/markdown")
        )),
        (status = CONFLICT, description = "It is open: there is no report yet.", body = ProblemBody,
            content_type = "application/problem+json"),
        AskErrors, NoSuchThing
    )
)]
pub async fn report(
    State(shared): State<Shared>,
    Named(id): Named,
    Asked(which): Asked<WhichForm>,
) -> Result<Response, Problem> {
    let window = kept(&shared, &id).await?;
    let mask = shared.mask();
    if which.format == Some(ReportForm::Samples) {
        let samples = shared.history.samples_of_window(&id).await?;
        let lines = stored::samples(&window, &samples, &mask);
        let lines = lines.map_err(|_| Problem::internal())?;
        return Ok(([(CONTENT_TYPE, "application/x-ndjson")], lines).into_response());
    }
    let report = window.report.as_ref().ok_or_else(|| {
        let detail = format!("the window `{id}` is open: there is no report yet");
        Problem::new(StatusCode::CONFLICT, "conflict", detail)
    })?;
    let told = |rendered: serde_json::Result<String>, kind: &'static str| {
        let text = rendered.map_err(|_| Problem::internal())?;
        Ok(([(CONTENT_TYPE, kind)], mask.apply(&text)).into_response())
    };
    match which.format.unwrap_or_default() {
        ReportForm::Junit => told(junit::render(report), "application/xml; charset=utf-8"),
        ReportForm::Markdown => told(markdown::render(report), "text/markdown; charset=utf-8"),
        ReportForm::Text => Ok(mask.apply(&stored::text(&window, report)).into_response()),
        ReportForm::Json | ReportForm::Samples => masked(report, &mask),
    }
}
