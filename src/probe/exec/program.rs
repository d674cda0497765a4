//! The program of a check: how it is started, held to its group, and read while it runs.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::ended::Ended;
use super::group::Group;
use super::output::Output;
use super::report::ReportFile;
use super::{Attempt, Settings, Surroundings};
use crate::probe::wire::said::one_line;
use crate::probe::wire::shortage;
use crate::sample::{Fault, Phase, Reason};
use crate::secret::Secret;

/// What is run, and in which surroundings.
#[derive(Debug)]
pub(super) struct Program {
    /// As the system is told it.
    path: PathBuf,
    /// As a message shows it.
    name: String,
    arguments: Vec<Secret>,
    folder: PathBuf,
    environment: BTreeMap<String, Secret>,
    pub(super) is_shell: bool,
}

/// A program that has ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) ended: Ended,
    pub(super) output: Output,
    pub(super) errors: Output,
    /// Whether somebody still held an output open when the program had ended.
    pub(super) left_behind: bool,
}

impl Program {
    /// What the settings declare; they were examined before.
    pub(super) fn of(settings: &Settings, surroundings: &Surroundings) -> Self {
        let declared = settings.folder.clone().unwrap_or_default();
        let folder = absolute(&surroundings.folder.join(declared));
        let words: Vec<&str> = match &settings.shell {
            Some(line) => vec![SHELL, "-c", line],
            None => settings.command.iter().map(String::as_str).collect(),
        };
        let (name, arguments) = words.split_first().unwrap_or((&"", &[]));
        let mut environment: BTreeMap<String, Secret> = BTreeMap::new();
        for kept in KEPT {
            if let Some(value) = surroundings.environment.get(kept) {
                environment.insert(kept.to_owned(), Secret::new(value));
            }
        }
        let shown = settings
            .env
            .iter()
            .map(|(name, value)| (name.clone(), Secret::new(value)));
        environment.extend(shown);
        environment.extend(settings.secrets.clone());
        Self {
            path: match name.contains('/') {
                true => folder.join(name),
                false => PathBuf::from(name),
            },
            name: (*name).to_owned(),
            // An argument may be a token.
            arguments: arguments.iter().map(|word| Secret::new(word)).collect(),
            folder,
            environment,
            is_shell: settings.shell.is_some(),
        }
    }

    /// The file below the program's folder into which it writes its report.
    pub(super) fn report(&self, path: &Path) -> ReportFile {
        ReportFile::new(self.folder.join(path), path)
    }

    /// Runs it to its end. The deadline is the caller's: dropping the future kills it.
    pub(super) async fn run(
        &self,
        attempt: &mut Attempt,
        largest: usize,
    ) -> Result<Finished, Fault> {
        attempt.enter(Phase::Request);
        let started = Group::start(&mut self.command());
        let mut group = started.map_err(|error| self.not_started(&error))?;
        attempt.enter(Phase::Ttfb);
        let mut output = Output::new(largest);
        let mut errors = Output::new(largest);
        let (out, err) = group.outputs();
        let (status, left_behind, ended_at) = {
            let clock = attempt.stopwatch();
            let reading = async {
                tokio::try_join!(
                    output.fill(out, attempt.stopwatch()),
                    errors.fill(err, clock)
                )
            };
            tokio::pin!(reading);
            let mut read = None;
            loop {
                tokio::select! {
                    ended = group.ended() => break ended.map_err(|error| lost(&error))?,
                    all = &mut reading, if read.is_none() => read = Some(all),
                }
            }
            // What follows is our own work, and takes no time of the program's.
            let ended_at = attempt.now();
            let status = group.close().await.map_err(|error| lost(&error))?;
            // What the pipes hold is there at once; who could not be found may keep them open for ever.
            let read = match read {
                Some(read) => Some(read),
                None => tokio::time::timeout(GRACE, reading).await.ok(),
            };
            if let Some(Err(error)) = &read {
                return Err(lost(error));
            }
            (status, read.is_none(), ended_at)
        };
        if let Some(first) = output.first.into_iter().chain(errors.first).min() {
            attempt.enter_at(Phase::Body, first);
        }
        attempt.stop_at(ended_at);
        Ok(Finished {
            ended: Ended::of(status),
            output,
            errors,
            left_behind,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(self.arguments.iter().map(Secret::reveal))
            .current_dir(&self.folder)
            .env_clear()
            .envs(
                self.environment
                    .iter()
                    .map(|(name, value)| (name, value.reveal())),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Why it could not be started: always our own machine's fault or the configuration's.
    fn not_started(&self, error: &io::Error) -> Fault {
        let name = &self.name;
        let why = match error.kind() {
            io::ErrorKind::NotFound if !self.folder.is_dir() => {
                format!("its folder {} is not there", self.folder.display())
            }
            io::ErrorKind::NotFound if self.path.is_file() => {
                "what its `#!` line names to run it is not there".to_owned()
            }
            io::ErrorKind::NotFound => {
                "there is no such program: see the PATH that this machine has, or write its whole path"
                    .to_owned()
            }
            io::ErrorKind::PermissionDenied => "we may not run it: is it executable?".to_owned(),
            _ if error.raw_os_error() == Some(NO_PROGRAM) => {
                "it is no program: does it begin with a `#!` line?".to_owned()
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => return exhausted(error),
            _ if matches!(error.raw_os_error(), Some(TOO_MANY_FILES | TOO_MANY_FILES_IN_ALL)) => {
                return exhausted(error);
            }
            _ => error.to_string(),
        };
        Fault::new(
            Reason::NotStarted,
            format!("cannot run `{}`: {why}", one_line(name)),
        )
    }
}

impl Finished {
    /// How much it wrote.
    pub(super) const fn written(&self) -> u64 {
        self.output.written.saturating_add(self.errors.written)
    }

    /// The last line that it wrote, as the end of a message.
    pub(super) fn last_words(&self) -> String {
        let line = self.errors.last_line().or_else(|| self.output.last_line());
        line.map_or_else(String::new, |line| {
            format!("; it says: {}", one_line(&line))
        })
    }
}

fn exhausted(error: &io::Error) -> Fault {
    let detail = format!("our own machine is out of {}", shortage::words(error));
    Fault::new(Reason::Exhausted, detail)
}

/// Relative paths start where we were started.
fn absolute(path: &Path) -> PathBuf {
    let path = match path.as_os_str().is_empty() {
        true => Path::new("."),
        false => path,
    };
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn lost(error: &io::Error) -> Fault {
    let detail = format!("our own machine lost sight of the program: {error}");
    Fault::new(Reason::NotStarted, detail)
}

/// What a program gets of our environment: where programs are, where its settings are, in which
/// language it speaks.
const KEPT: [&str; 3] = ["PATH", "HOME", "LANG"];
/// POSIX has it everywhere.
const SHELL: &str = "/bin/sh";
/// What is in a pipe when its writers have gone is there at once, also on a busy machine.
const GRACE: Duration = Duration::from_millis(500);
/// `ENOEXEC`, `EMFILE` and `ENFILE`, the same on Linux and macOS.
const NO_PROGRAM: i32 = 8;
const TOO_MANY_FILES: i32 = 24;
const TOO_MANY_FILES_IN_ALL: i32 = 23;
