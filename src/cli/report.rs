//! `smokejumper report WINDOW`: a window of the daemon's history, rendered again. Nothing is probed and
//! nothing judged; a daemon may run beside it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::arguments::ReportArguments;
use super::formats::{self, Format, ReportRequest};
use super::session::{environment, variables};
use super::terminal::{Terminal, named};
use super::{exit, refuse, state};
use crate::config::{self, Code, Loaded, Sources};
use crate::diagnostic;
use crate::plan::{self, Plan};
use crate::report::{stored, text};
use crate::secret::Mask;
use crate::server::page;
use crate::store::StoreError;
use crate::store::history::{History, Page, StoredWindow};

/// The name that stands for the newest window.
const LAST: &str = "last";

/// Runs the command and says with which code it ends.
pub async fn run(arguments: ReportArguments) -> u8 {
    let environment = environment();
    let terminal = Terminal::new(arguments.common.shown, environment.contains_key("NO_COLOR"));
    let to_stdout = arguments.reports.iter().filter(|one| one.file.is_none());
    if to_stdout.count() > 1 {
        return refuse(&terminal, exit::USAGE, "only one report can go to stdout");
    }
    let (plan, terminal) = match declared(&arguments, terminal) {
        Ok(declared) => declared,
        Err(code) => return code,
    };
    let place = state::Place::of(&environment, &plan.store);
    if let state::Place::File(file) = &place
        && !file.exists()
    {
        let why = format!(
            "there is no history in {}: `serve` keeps one",
            file.display()
        );
        return refuse(&terminal, exit::USAGE, &why);
    }
    let found = match place.open().await {
        Ok(history) => Found::read(&*history, &arguments, terminal.mask()).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(found)) => told(&found, &arguments.reports, &terminal),
        Ok(None) => {
            let why = match &*arguments.window {
                LAST => "no window was kept yet".to_owned(),
                name => format!("there is no window `{name}` in {}", place.name()),
            };
            refuse(&terminal, exit::USAGE, &why)
        }
        Err(error) => {
            let why = format!("the history cannot be read: {error}");
            refuse(&terminal, exit::INTERNAL, &why)
        }
    }
}

/// Where the history is, what was declared, and what must not be shown.
fn declared(arguments: &ReportArguments, terminal: Terminal) -> Result<(Plan, Terminal), u8> {
    let common = &arguments.common;
    let variables = variables(common).map_err(|why| refuse(&terminal, exit::USAGE, &why))?;
    let Loaded { document, mask } = config::load(&Sources {
        folder: PathBuf::from("."),
        paths: common.paths.clone(),
        overlays: common.overlay.clone(),
        variables,
        environment: environment(),
    });
    let terminal = terminal.hiding(mask);
    let is_none = |code| code == Code::NothingToRead;
    let problems = &document.problems;
    if common.paths.is_empty()
        && !problems.is_empty()
        && problems.iter().all(|problem| is_none(problem.code))
    {
        // Nothing says otherwise.
        return Ok((Plan::default(), terminal));
    }
    match plan::compile(&document) {
        Ok(compiled) => Ok((compiled.plan, terminal)),
        Err(problems) => {
            let styled = terminal.talk_colour == text::Colour::Styled;
            terminal.tell(&diagnostic::render(&problems, terminal.mask(), styled));
            Err(refuse(
                &terminal,
                exit::USAGE,
                &diagnostic::count(&problems),
            ))
        }
    }
}

/// A window, with as much of it as the reports need.
struct Found {
    window: StoredWindow,
    samples: Vec<crate::store::history::Seen>,
    /// As a page in one file, where that is asked for and its report was kept.
    page: Option<String>,
}

impl Found {
    async fn read(
        history: &dyn History,
        arguments: &ReportArguments,
        mask: &Mask,
    ) -> Result<Option<Self>, StoreError> {
        let window = match &*arguments.window {
            LAST => {
                let service = arguments.common.service.as_deref();
                let page = Page {
                    service: service.map(Arc::from),
                    limit: 1,
                    ..Page::default()
                };
                history.windows(&page).await?.pop()
            }
            name => history.window(name).await?,
        };
        let Some(window) = window else {
            return Ok(None);
        };
        let wants = |format| arguments.reports.iter().any(|one| one.format == format);
        let samples = match wants(Format::Samples) {
            true => history.samples_of_window(&window.id).await?,
            false => Vec::new(),
        };
        let page = match wants(Format::Html) {
            true => page::file(history, window.clone(), mask).await,
            false => None,
        };
        Ok(Some(Self {
            window,
            samples,
            page,
        }))
    }

    /// The window in a format; nothing where it has no report.
    fn render(&self, format: Format, mask: &Mask) -> io::Result<Option<String>> {
        let report = self.window.report.as_ref();
        Ok(match (format, report) {
            (Format::Samples, _) => Some(stored::samples(&self.window, &self.samples, mask)?),
            (_, None) => None,
            (Format::Json, Some(report)) => Some(format!("{}\n", serde_json::to_string(report)?)),
            (Format::Html, Some(_)) => self.page.clone(),
            (Format::Junit | Format::Markdown, Some(report)) => formats::of_json(format, report)?,
            (Format::Text | Format::Ndjson | Format::Prometheus, Some(report)) => {
                Some(mask.apply(&stored::text(&self.window, report)))
            }
        })
    }
}

/// Writes the reports; without any, the one for a person.
fn told(found: &Found, reports: &[ReportRequest], terminal: &Terminal) -> u8 {
    let usual = [ReportRequest {
        format: Format::Text,
        file: None,
    }];
    let reports = if reports.is_empty() { &usual } else { reports };
    for request in reports {
        let written = match (found.render(request.format, terminal.mask()), &request.file) {
            (Ok(Some(text)), Some(file)) => {
                Terminal::replace(file, &text).map_err(|error| named(file, &error))
            }
            (Ok(Some(text)), None) => Terminal::masked_data(&text),
            (Ok(None), _) => {
                let id = &found.window.id;
                let why = format!(
                    "the window {id} is not over: it has no report yet; its samples can be had"
                );
                return refuse(terminal, exit::INCONCLUSIVE, &why);
            }
            (Err(error), _) => Err(error),
        };
        if let Err(error) = written {
            let why = format!("the report could not be written: {error}");
            return refuse(terminal, exit::INTERNAL, &why);
        }
    }
    exit::PASS
}
