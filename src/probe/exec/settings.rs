//! What a check of kind `exec` declares, and what of it cannot work.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::strays::VARIABLE;
use crate::expect::{Matcher, Undated};
use crate::probe::Misfit;
use crate::quantity::Bytes;
use crate::secret::Secret;

/// What a check of kind `exec` declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The program and its arguments: `[pytest, tests/smoke]`. No shell reads it. A program with a
    /// `/` in its name is looked for in `folder`, any other on the `PATH`.
    #[serde(default)]
    pub command: Vec<String>,
    /// A line for `/bin/sh -c`, in place of `command`: for pipes and the like.
    #[serde(default)]
    pub shell: Option<String>,
    /// The folder in which it runs; without it that of the file which declares the check.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// What it finds in its environment, besides our `PATH`, `HOME` and `LANG`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The same for what must not be seen: wherever the program repeats it, it is masked.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
    /// How it is read: `status`, `nagios`, `json_lines` or `junit`.
    #[serde(default)]
    pub format: Option<Format>,
    /// The file, below `folder`, into which it writes its JUnit report; without it, `format: junit`
    /// reads the standard output. What an earlier run left there does not count.
    #[serde(default)]
    pub junit: Option<PathBuf>,
    /// What is expected of it, for the format `status` only; without it, exit status 0.
    #[serde(default)]
    pub expect: Option<Expectation>,
    /// How much of each output, and of a report, is read: 1MiB without it. Where the output is what
    /// is judged, a program that writes more fails; else the rest is thrown away.
    #[serde(default)]
    pub max_output: Option<Bytes>,
}

/// How a program is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// By its exit status, and where `expect` says so by its output.
    Status,
    /// As a Nagios plugin: exit status 0 passes, 1 warns, 2 fails, 3 says nothing; performance data
    /// become readings.
    Nagios,
    /// By the lines of its standard output that are JSON objects.
    JsonLines,
    /// By the JUnit report of a suite of tests.
    Junit,
}

/// What is expected of a program that is read by its exit status.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The exit status; 0 without it.
    #[serde(default)]
    pub status: Option<Undated>,
    /// The standard output as a text, without white space at its end.
    #[serde(default)]
    pub stdout: Option<Matcher>,
    /// The standard error, likewise.
    #[serde(default)]
    pub stderr: Option<Matcher>,
}

impl Expectation {
    /// Whether what holds depends on what time it is.
    pub(super) fn is_dated(&self) -> bool {
        let texts = self.stdout.iter().chain(&self.stderr);
        texts.into_iter().any(Matcher::is_dated)
    }
}

impl Settings {
    /// Everything about them that cannot work.
    pub(super) fn misfits(&self) -> Vec<Misfit> {
        let mut misfits: Vec<Misfit> = self.of_the_program().into_iter().collect();
        misfits.extend(self.of_the_format());
        misfits.extend(self.of_the_environment());
        misfits
    }

    fn of_the_program(&self) -> Option<Misfit> {
        let is_empty = |text: &str| text.trim().is_empty();
        match (self.command.first(), &self.shell) {
            (Some(_), Some(_)) => Some(
                Misfit::at(&["shell"], "there is a `command` already")
                    .hint("keep one: a shell where you need its signs, else the command"),
            ),
            (None, None) => Some(
                Misfit::at(&["command"], "there is no program to run")
                    .hint("write `command: [make, smoke]`, or `shell: …` for a line of a shell"),
            ),
            (Some(program), None) if is_empty(program) => {
                Some(Misfit::at(&["command", "0"], "the program has no name"))
            }
            (None, Some(line)) if is_empty(line) => {
                Some(Misfit::at(&["shell"], "there is nothing to run"))
            }
            (Some(_), None) | (None, Some(_)) => None,
        }
    }

    fn of_the_format(&self) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        if self.junit.is_some() && self.format.is_some_and(|it| it != Format::Junit) {
            let message = "a JUnit report is read by `format: junit` alone";
            misfits.push(Misfit::at(&["junit"], message).hint("leave `format` out"));
        }
        let reads_status =
            self.junit.is_none() && self.format.is_none_or(|format| format == Format::Status);
        if self.expect.is_some() && !reads_status {
            misfits.push(
                Misfit::at(&["expect"], "this format says itself what passes")
                    .hint("remove `expect`, or use `format: status`"),
            );
        }
        let is_beyond = |most: Bytes| most.0 == 0 || most.0 > LARGEST_OUTPUT;
        if self.max_output.is_some_and(is_beyond) {
            misfits.push(
                Misfit::at(&["max_output"], "it is from 1B to 64MiB")
                    .hint("write `max_output: 4MiB`"),
            );
        }
        misfits
    }

    fn of_the_environment(&self) -> Vec<Misfit> {
        let shown = self.env.keys().map(|name| ("env", name));
        let names = shown.chain(self.secrets.keys().map(|name| ("secrets", name)));
        let misfits = names.filter_map(|(section, name)| {
            let message = match name.as_str() {
                name if name.is_empty() || name.contains(['=', '\0']) => {
                    "this is no name of a variable"
                }
                VARIABLE => "it is ours: by it the processes of a run are known",
                name if section == "secrets" && self.env.contains_key(name) => {
                    "`env` sets the same variable, where it would be seen"
                }
                _ => return None,
            };
            Some(Misfit::at(&[section, name], message))
        });
        misfits.collect()
    }
}

/// Several checks hold as much at once.
const LARGEST_OUTPUT: u64 = 64 << 20;
