//! `smokejumper drill`: simulate faults against a policy. Probes nothing and reaches nothing.

use super::arguments::DrillArguments;
use super::formats::Format;
use super::session::Session;
use super::terminal::Terminal;
use super::{exit, refuse};
use crate::rehearsal::drill::layout::Trial;
use crate::rehearsal::drill::rules::Contestant;
use crate::rehearsal::drill::simulate::processors;
use crate::rehearsal::drill::{Drill, Setting, bench, drill};
use crate::report::drill::{html, json, text};
use crate::report::text::Colour;

/// Runs the command and says with which code it ends.
#[must_use]
pub fn run(arguments: &DrillArguments) -> u8 {
    let session = match Session::open(&arguments.common, &arguments.reports) {
        Ok(session) => session,
        Err(code) => return code,
    };
    if let Some(file) = &arguments.html
        && let Err(error) = Terminal::can_replace(file)
    {
        // Not after everything was simulated.
        let why = format!("no page can be written to {}: {error}", file.display());
        return refuse(&session.terminal, exit::USAGE, &why);
    }
    let setting = setting(arguments);
    let trials = Trial::of(&session.plan);
    let drills: Vec<Drill> = trials
        .iter()
        .map(|trial| {
            if arguments.bench {
                bench(trial, &setting)
            } else {
                drill(trial, &setting)
            }
        })
        .collect();
    let mask = session.terminal.mask();
    if let Some(file) = &arguments.html
        && let Err(error) = Terminal::replace(file, &html::render(&drills, mask))
    {
        let why = format!("the page could not be written: {}: {error}", file.display());
        return refuse(&session.terminal, exit::INTERNAL, &why);
    }
    let summary = |_: Colour| {
        if arguments.bench {
            text::render_bench(&drills)
        } else {
            text::render(&drills)
        }
    };
    let written = session.write(summary, |format| match format {
        Format::Text => Ok(Some(mask.apply(&summary(Colour::Plain)))),
        Format::Json => {
            let line = json::render(&drills, arguments.bench, mask)?;
            Ok(Some(format!("{line}\n")))
        }
        // No samples were taken, and no verdict moved: the command line does not take these.
        Format::Samples
        | Format::Ndjson
        | Format::Prometheus
        | Format::Html
        | Format::Junit
        | Format::Markdown => Ok(None),
    });
    session.end(exit::PASS, written)
}

fn setting(arguments: &DrillArguments) -> Setting {
    let mut compared: Vec<Contestant> = Vec::new();
    for contestant in arguments.compared.iter().flat_map(|compared| &compared.0) {
        if !compared.contains(contestant) {
            compared.push(*contestant);
        }
    }
    let asked = arguments.threads.map(usize::from);
    Setting {
        seed: arguments.seed,
        windows: arguments.windows,
        compared,
        threads: asked
            .and_then(std::num::NonZeroUsize::new)
            .unwrap_or_else(processors),
    }
}
