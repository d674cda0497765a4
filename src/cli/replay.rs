//! `smokejumper replay`: judge recorded samples with the judge of `watch`. Probes nothing, asks no
//! platform, changes nothing.

use std::io;
use std::num::NonZero;
use std::path::Path;
use std::thread::available_parallelism;

use super::arguments::{FailOn, ReplayArguments};
use super::formats::{self, Format};
use super::session::Session;
use super::terminal::Terminal;
use super::watch::reachable;
use super::{exit, refuse};
use crate::engine::before;
use crate::engine::recorded::{self, Recording, RecordingError, Roster};
use crate::engine::replay::{Replay, Replayed};
use crate::engine::streams::{self, Stream};
use crate::plan::{CheckPlan, ServicePlan};
use crate::report::json;
use crate::report::line::Detail;
use crate::report::text::{self, Colour};
use crate::report::timeline::{Timeline, stream_line};

/// Runs the command and says with which code it ends.
pub async fn run(arguments: ReplayArguments) -> u8 {
    // Reading and judging keep a thread busy, and no thread of the runtime.
    let work = tokio::task::spawn_blocking(move || replay(&arguments));
    match work.await {
        Ok(code) => code,
        Err(ended) => std::panic::resume_unwind(ended.into_panic()),
    }
}

fn replay(arguments: &ReplayArguments) -> u8 {
    let session = match Session::open(&arguments.common, &arguments.reports) {
        Ok(session) => session,
        Err(code) => return code,
    };
    let (service, checks) = match choose(&session, arguments) {
        Ok(chosen) => chosen,
        Err(why) => return refuse(&session.terminal, exit::USAGE, &why),
    };
    let roster = Roster::new(&checks, &session.declared);
    let replay = Replay {
        service: &service,
        checks: &checks,
    };
    if arguments.samples.is_dir() {
        return folder(&session, arguments, replay, &roster);
    }
    let baseline = arguments.baseline.as_deref();
    match file(&arguments.samples, baseline, replay, &roster) {
        Ok((replayed, timeline)) => {
            let fail_on_warning = arguments.fail_on == Some(FailOn::Warning);
            report(&session, &service, &replayed, &timeline, fail_on_warning)
        }
        Err(error) => refuse(&session.terminal, exit::USAGE, &error.to_string()),
    }
}

/// The one service whose samples are judged, with the window that was asked for, and its checks.
fn choose(
    session: &Session,
    arguments: &ReplayArguments,
) -> Result<(ServicePlan, Vec<CheckPlan>), String> {
    let mut service = match session.plan.services.as_slice() {
        [service] => service.clone(),
        several => {
            let names: Vec<&str> = several.iter().map(|service| &*service.name).collect();
            return Err(format!(
                "replay judges one service at a time; choose with --service: {}",
                names.join(", ")
            ));
        }
    };
    let checks = session.plan.checks.clone();
    if let Some(bake) = arguments.bake {
        service.policy = service.policy.baking(bake);
        reachable(&service, &checks)?;
    }
    Ok((service, checks))
}

fn file(
    path: &Path,
    baseline: Option<&Path>,
    replay: Replay<'_>,
    roster: &Roster,
) -> Result<(Replayed, Timeline), RecordingError> {
    let before = baseline
        .map(|path| before::read(path, roster))
        .transpose()?;
    let (name, input) = recorded::open(path)?;
    let mut recording = Recording::new(&name, input, roster);
    let mut timeline = Timeline::default();
    let replayed = replay.judge(&mut recording, before.unwrap_or_default(), |turn| {
        timeline.take(turn);
    })?;
    Ok((replayed, timeline))
}

fn report(
    session: &Session,
    service: &ServicePlan,
    replayed: &Replayed,
    timeline: &Timeline,
    fail_on_warning: bool,
) -> u8 {
    let record = replayed.record(service);
    let code = exit::exit_code(&record, fail_on_warning, None);
    let mask = session.terminal.mask();
    let summary = |colour| timeline.text() + &text::render(&record, code, colour);
    let written = session.write(summary, |format| {
        Ok(Some(match format {
            Format::Text => mask.apply(&summary(Colour::Plain)),
            Format::Json => format!("{}\n", json::render(&record, code, mask)?),
            Format::Ndjson => timeline.ndjson(replayed, mask)?,
            Format::Junit | Format::Markdown => {
                return Ok(formats::of_json(
                    format,
                    &json::value(&record, code, mask)?,
                )?);
            }
            Format::Samples | Format::Prometheus | Format::Html => return Ok(None),
        }))
    });
    session.end(code, written)
}

/// Judges every stream of a folder and prints one line each.
fn folder(
    session: &Session,
    arguments: &ReplayArguments,
    replay: Replay<'_>,
    roster: &Roster,
) -> u8 {
    let usage = |why: &str| refuse(&session.terminal, exit::USAGE, why);
    if !arguments.reports.is_empty() || arguments.fail_on.is_some() {
        return usage(
            "a folder is replayed to one line a stream: --report and --fail-on are for one file",
        );
    }
    if arguments.baseline.is_some() {
        return usage(
            "a folder has its own baselines, as NAME.baseline.ndjson beside NAME.ndjson: --baseline is for one file",
        );
    }
    let folder = &arguments.samples;
    let streams = match streams::streams(folder) {
        Ok(streams) if streams.is_empty() => {
            return usage(&format!("{}: there is no *.ndjson in it", folder.display()));
        }
        Ok(streams) => streams,
        Err(error) => return usage(&format!("{}: cannot be read: {error}", folder.display())),
    };
    let threads = available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let results = streams::judge(replay, roster, &streams, threads);
    match lines(session, &streams, &results) {
        Ok((text, code)) => session.end(code, Terminal::masked_data(&text)),
        Err(error) => session.end(exit::PASS, Err(error)),
    }
}

/// The lines of all streams that could be read; the others are told, and the code says so.
fn lines(
    session: &Session,
    streams: &[Stream],
    results: &[Result<Replayed, RecordingError>],
) -> io::Result<(String, u8)> {
    let (mut text, mut code) = (String::new(), exit::PASS);
    for (stream, result) in streams.iter().zip(results) {
        match result {
            Ok(replayed) => {
                text += &stream_line(&stream.name, replayed, session.terminal.mask())?;
                if session.terminal.detail == Detail::Verbose {
                    for note in &replayed.notes {
                        session.terminal.tell(&format!("{}: {note}\n", stream.name));
                    }
                }
            }
            Err(error) => code = refuse(&session.terminal, exit::USAGE, &error.to_string()),
        }
    }
    Ok((text, code))
}
