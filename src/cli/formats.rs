//! `--report FORMAT[=FILE]`: the formats, and which command offers which.

use std::path::PathBuf;

use serde_json::Value;

use crate::report::{junit, markdown};

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRequest {
    /// The format.
    pub format: Format,
    /// The file; stdout without one.
    pub file: Option<PathBuf>,
}

/// The formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person.
    Text,
    /// For a program.
    Json,
    /// What was measured, for `replay`.
    Samples,
    /// How the verdict moved, a line a change.
    Ndjson,
    /// What was counted, for Prometheus.
    Prometheus,
    /// A page of its own.
    Html,
    /// For a CI system that shows tests.
    Junit,
    /// For a pull request or a chat.
    Markdown,
}

impl Format {
    /// The formats that this version writes.
    const ALL: [Self; 8] = [
        Self::Text,
        Self::Json,
        Self::Samples,
        Self::Ndjson,
        Self::Prometheus,
        Self::Html,
        Self::Junit,
        Self::Markdown,
    ];
    /// Those of `gate` and `watch`.
    const OF_A_RUN: &[Self] = &[
        Self::Text,
        Self::Json,
        Self::Samples,
        Self::Prometheus,
        Self::Html,
        Self::Junit,
        Self::Markdown,
    ];
    /// Those of `replay`.
    const OF_A_REPLAY: &[Self] = &[
        Self::Text,
        Self::Json,
        Self::Ndjson,
        Self::Junit,
        Self::Markdown,
    ];
    /// Those of `report`.
    const OF_A_WINDOW: &[Self] = &[
        Self::Text,
        Self::Json,
        Self::Samples,
        Self::Html,
        Self::Junit,
        Self::Markdown,
    ];
    /// Those of `drill`, `doctor` and `rollback`.
    const PLAIN: &[Self] = &[Self::Text, Self::Json];

    /// The name, as typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Samples => "samples",
            Self::Ndjson => "ndjson",
            Self::Prometheus => "prometheus",
            Self::Html => "html",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
        }
    }
}

/// A format that is made from the JSON report.
pub(super) fn of_json(format: Format, report: &Value) -> serde_json::Result<Option<String>> {
    match format {
        Format::Junit => junit::render(report).map(Some),
        Format::Markdown => markdown::render(report).map(Some),
        _ => Ok(None),
    }
}

/// What `gate` and `watch` can be asked for.
pub(super) fn report_of_a_run(text: &str) -> Result<ReportRequest, String> {
    ReportRequest::parse(text, Format::OF_A_RUN)
}

/// What `replay` can be asked for.
pub(super) fn report_of_a_replay(text: &str) -> Result<ReportRequest, String> {
    ReportRequest::parse(text, Format::OF_A_REPLAY)
}

/// What `report` can be asked for.
pub(super) fn report_of_a_window(text: &str) -> Result<ReportRequest, String> {
    ReportRequest::parse(text, Format::OF_A_WINDOW)
}

/// What commands can be asked for that record no samples.
pub(super) fn plain_report(text: &str) -> Result<ReportRequest, String> {
    ReportRequest::parse(text, Format::PLAIN)
}

impl ReportRequest {
    fn parse(text: &str, offered: &[Format]) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("the file name after `=` is empty".to_owned()),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let names: Vec<&str> = offered.iter().map(|format| format.name()).collect();
        let there_are = names.join(", ");
        let known = Format::ALL.into_iter().find(|format| format.name() == name);
        match known {
            Some(format) if offered.contains(&format) => Ok(Self { format, file }),
            Some(_) => Err(format!(
                "the format `{name}` is not one of this command; there are {there_are}"
            )),
            None => Err(format!(
                "there is no format `{name}`; there are {there_are}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_asked_for_by_format_and_file() {
        let json = ReportRequest {
            format: Format::Json,
            file: None,
        };
        assert_eq!(report_of_a_run("json").unwrap(), json);
        let file = ReportRequest {
            format: Format::Json,
            file: Some(PathBuf::from("a=b.json")),
        };
        assert_eq!(report_of_a_run("json=a=b.json").unwrap(), file);
        for wrong in ["xml", "json=", "ndjson", ""] {
            assert!(report_of_a_run(wrong).is_err(), "{wrong}");
        }
        assert_eq!(report_of_a_replay("ndjson").unwrap().format, Format::Ndjson);
        assert!(
            report_of_a_replay("samples")
                .unwrap_err()
                .contains("ndjson")
        );
    }
}
