//! What every command with a configuration does first and last: load it, select from it, show
//! events while it works, and write the reports.

mod shown;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

pub use self::shown::Shown;
use self::shown::show_events;
use super::arguments::Common;
use super::exposition::Exposition;
use super::formats::{self, Format, ReportRequest};
use super::page::Page;
use super::samples;
use super::stop::Stop;
use super::terminal::{Terminal, named};
use super::{capacity, exit, refuse};
use crate::clock::Clock;
use crate::config::{self, Loaded, Problem, Sources};
use crate::diagnostic;
use crate::engine::clock::SystemClock;
use crate::engine::context::{Context, Events};
use crate::engine::control::Control;
use crate::engine::instruments::Instruments;
use crate::engine::record::Record;
use crate::engine::slots::Slots;
use crate::plan::telemetry::Names;
use crate::plan::{self, CheckPlan, Plan, Selection};
use crate::report::line::Detail;
use crate::report::{json, text};
use crate::sample::CheckId;

/// A loaded configuration, what was selected from it, and the way out.
#[derive(Debug)]
pub struct Session {
    /// What was declared and selected.
    pub plan: Plan,
    /// The way out.
    pub terminal: Terminal,
    /// The names of all checks that are declared, selected or not.
    pub declared: Vec<CheckId>,
    reports: Vec<ReportRequest>,
    /// What is gathered for a page, where one was asked for.
    page: Option<Page>,
}

impl Session {
    /// Loads the configuration and selects from it; every problem is told.
    ///
    /// # Errors
    /// The exit code to end with.
    pub fn open(common: &Common, reports: &[ReportRequest]) -> Result<Self, u8> {
        Self::open_with(common, reports, BTreeMap::new())
    }

    /// The same, with variables that are set besides the environment's.
    ///
    /// # Errors
    /// The exit code to end with.
    pub fn open_with(
        common: &Common,
        reports: &[ReportRequest],
        extra: BTreeMap<String, String>,
    ) -> Result<Self, u8> {
        let mut environment = environment();
        environment.extend(extra);
        let terminal = Terminal::new(common.shown, environment.contains_key("NO_COLOR"));
        if reports
            .iter()
            .filter(|report| report.file.is_none())
            .count()
            > 1
        {
            return Err(refuse(
                &terminal,
                exit::USAGE,
                "only one report can go to stdout",
            ));
        }
        for file in reports.iter().filter_map(|report| report.file.as_deref()) {
            // Not after a bake of a quarter of an hour.
            Terminal::can_replace(file).map_err(|error| {
                let why = format!("no report can be written to {}: {error}", file.display());
                refuse(&terminal, exit::USAGE, &why)
            })?;
        }
        let sources = Sources {
            folder: PathBuf::from("."),
            paths: common.paths.clone(),
            overlays: common.overlay.clone(),
            variables: variables(common).map_err(|why| refuse(&terminal, exit::USAGE, &why))?,
            environment,
        };
        let Loaded { document, mask } = config::load(&sources);
        let terminal = terminal.hiding(mask);
        let compiled = plan::compile(&document);
        // Its tree is larger than the plan, and nobody asks for it any more.
        drop(document);
        let plan = match compiled {
            Ok(compiled) => {
                show(&terminal, &compiled.warnings);
                compiled.plan
            }
            Err(problems) => {
                show(&terminal, &problems);
                return Err(refuse(
                    &terminal,
                    exit::USAGE,
                    &diagnostic::count(&problems),
                ));
            }
        };
        let declared = plan.checks.iter();
        let declared: Vec<CheckId> = declared.map(|check| check.facts.id.clone()).collect();
        let selection = Selection {
            only: common.only.clone(),
            tags: common.tag.clone(),
            service: common.service.clone(),
        };
        let plan = plan
            .select(&selection)
            .map_err(|error| refuse(&terminal, exit::USAGE, &error.to_string()))?;
        if plan.checks.is_empty() {
            let why = match declared.is_empty() {
                true => "only control checks are declared: there is nothing to judge",
                false => "no check matches the selection",
            };
            return Err(refuse(&terminal, exit::NOTHING_SELECTED, why));
        }
        Ok(Self {
            plan,
            terminal,
            declared,
            reports: reports.to_vec(),
            page: reports
                .iter()
                .any(|report| report.format == Format::Html)
                .then(Page::default),
        })
    }

    /// Sees to it that samples are recorded, to `file` where nobody asked for them otherwise; says
    /// to which file they go.
    ///
    /// # Errors
    /// When they were asked for on stdout, where nothing can be read back.
    pub fn record_samples(&mut self, file: PathBuf) -> Result<PathBuf, &'static str> {
        let asked = self
            .reports
            .iter()
            .find(|report| report.format == Format::Samples);
        match asked.map(|report| report.file.clone()) {
            Some(Some(asked)) => Ok(asked),
            Some(None) => Err("with --baseline history, give --report samples a file"),
            None => {
                self.reports.push(ReportRequest {
                    format: Format::Samples,
                    file: Some(file.clone()),
                });
                Ok(file)
            }
        }
    }

    /// Starts showing events; the context is what the engine runs in, with instruments for `checks`.
    #[must_use]
    pub fn context(&self, stop: &Stop, checks: &[CheckPlan]) -> (Context, Shown) {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        let (events, receiver) = Events::queue(clock.clone());
        let showing = show_events(
            receiver,
            self.terminal.clone(),
            clock.clone(),
            stop.token.clone(),
            self.page.clone(),
        );
        let mask = self.terminal.mask();
        let (tape, recorder) = self
            .wanted(Format::Samples)
            .map(|report| samples::record(report.file.as_deref(), mask))
            .unzip();
        let mut instruments = Instruments::of(checks);
        if self.plan.telemetry.names == Names::Blackbox {
            instruments = instruments.keeping_last(&clock);
        }
        let instruments = Arc::new(instruments);
        let exposition = self
            .wanted(Format::Prometheus)
            .map(|report| Exposition::begin(report.file.as_deref(), &instruments, mask));
        let shown = Shown {
            showing: tokio::spawn(showing),
            recorder,
            exposition,
        };
        let slots = Arc::new(Slots::new(capacity::slots()));
        (
            Context {
                clock,
                events,
                slots,
                threads: capacity::threads(),
                control: Control::of(&self.plan.controls),
                instruments,
                stop: stop.token.clone(),
                tape,
                traces: Arc::default(),
            },
            shown,
        )
    }

    /// The first report of a format, when one was asked for.
    fn wanted(&self, format: Format) -> Option<&ReportRequest> {
        self.reports.iter().find(|report| report.format == format)
    }

    /// Writes the reports of a run and says with which code to end; `recorded` is what became of its
    /// samples.
    #[must_use]
    pub fn report(&self, record: &Record, code: u8, recorded: io::Result<()>) -> u8 {
        let mask = self.terminal.mask();
        let summary = |colour| text::render(record, code, colour);
        let written = self.write(summary, |format| match format {
            Format::Text => Ok(Some(mask.apply(&summary(text::Colour::Plain)))),
            Format::Json => Ok(Some(format!("{}\n", json::render(record, code, mask)?))),
            Format::Html => Ok(self.page(record, code)?),
            Format::Junit | Format::Markdown => {
                Ok(formats::of_json(format, &json::value(record, code, mask)?)?)
            }
            // They were written while they came.
            Format::Samples | Format::Ndjson | Format::Prometheus => Ok(None),
        });
        self.end(code, recorded.and(written))
    }

    /// The page of a run, where one was asked for.
    fn page(&self, record: &Record, code: u8) -> serde_json::Result<Option<String>> {
        let page = self.page.as_ref();
        page.map(|page| page.render(record, code, self.terminal.mask()))
            .transpose()
    }

    /// Writes every report that was asked for, and the summary for whoever sits before it.
    ///
    /// # Errors
    /// The first that could not be written.
    pub fn write(
        &self,
        summary: impl Fn(text::Colour) -> String,
        render: impl Fn(Format) -> io::Result<Option<String>>,
    ) -> io::Result<()> {
        let data_taken = self.reports.iter().any(|report| report.file.is_none());
        let mut written = if data_taken {
            if self.terminal.detail > Detail::Quiet {
                self.terminal.tell(&summary(self.terminal.talk_colour));
            }
            Ok(())
        } else {
            self.terminal.data(&summary(self.terminal.data_colour))
        };
        for request in &self.reports {
            let this =
                render(request.format).and_then(|rendered| match (rendered, &request.file) {
                    (None, _) => Ok(()),
                    (Some(text), Some(file)) => {
                        Terminal::replace(file, &text).map_err(|error| named(file, &error))
                    }
                    (Some(text), None) => Terminal::masked_data(&text),
                });
            written = written.and(this);
        }
        written
    }

    /// The code to end with, when the reports were written or not.
    #[must_use]
    pub fn end(&self, code: u8, written: io::Result<()>) -> u8 {
        match written {
            Ok(()) => code,
            Err(error) => {
                let why = format!("the report could not be written: {error}");
                // A failure that was proven stays the more important news.
                let code = if code == exit::PASS {
                    exit::INTERNAL
                } else {
                    code
                };
                refuse(&self.terminal, code, &why)
            }
        }
    }
}

fn show(terminal: &Terminal, problems: &[Problem]) {
    if !problems.is_empty() {
        let styled = terminal.talk_colour == text::Colour::Styled;
        terminal.tell(&diagnostic::render(problems, terminal.mask(), styled));
    }
}

/// The environment, read once; names and values that are not text are left out.
pub(super) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

pub(super) fn variables(common: &Common) -> Result<Vec<(String, String)>, String> {
    let split = |pair: &String| match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        // What was given may be a secret whose name was forgotten.
        _ => Err("--var takes NAME=VALUE, and one of them has no name or no value".to_owned()),
    };
    common.variables.iter().map(split).collect()
}
