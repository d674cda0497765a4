//! Processes that left the group of their program, as a daemon does with a session of its own: known
//! by a mark in their environment, which whoever is started inherits.
//!
//! Linux shows the environment of a process to its owner. Elsewhere, and of a process that dropped
//! its environment or became another user's, nothing is found.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::Path;

#[cfg(target_os = "linux")]
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// What tells the processes of one run from all others.
#[derive(Clone, Debug)]
pub(super) struct Mark(String);

impl Mark {
    /// One that nobody else has.
    pub(super) fn new() -> Self {
        // The keys of a hash map are random, and each has its own.
        let [one, other] = [(); 2].map(|()| RandomState::new().hash_one(std::process::id()));
        Self(format!("{one:016x}{other:016x}"))
    }

    /// The variable and its value.
    pub(super) fn variable(&self) -> (&'static str, &str) {
        (VARIABLE, &self.0)
    }

    /// Kills every process that carries the mark. Blocks for as long as it takes to look at all
    /// processes: some milliseconds for a thousand.
    pub(super) fn kill_all(&self) {
        // A process may start another one while the others are looked at.
        for _ in 0..MOST_LOOKS {
            if self.kill_those_there() == 0 {
                return;
            }
        }
    }

    /// How many were there.
    fn kill_those_there(&self) -> usize {
        let Ok(listed) = std::fs::read_dir(PROCESSES) else {
            return 0;
        };
        let names = listed.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let numbers = names.filter_map(|name| name.parse().ok());
        numbers.filter(|number| self.kill(*number)).count()
    }

    #[cfg(target_os = "linux")]
    fn kill(&self, number: i32) -> bool {
        if !self.is_on(number) {
            return false;
        }
        // Its number may have become another's: what is killed is what is looked at again.
        let process = Pid::from_raw(number).map(|pid| pidfd_open(pid, PidfdFlags::empty()));
        let Some(Ok(process)) = process else {
            return false;
        };
        if !self.is_on(number) {
            return false;
        }
        let killed = pidfd_send_signal(process, Signal::KILL);
        if let Err(error) = killed {
            tracing::warn!(%error, "a process that a program of a check left behind lives on");
        }
        killed.is_ok()
    }

    #[cfg(not(target_os = "linux"))]
    fn kill(&self, _: i32) -> bool {
        false
    }

    fn is_on(&self, number: i32) -> bool {
        let path = Path::new(PROCESSES)
            .join(number.to_string())
            .join("environ");
        environment(&path).is_ok_and(|variables| {
            let mut variables = variables.split(|byte| *byte == 0);
            variables.any(|variable| {
                let value = variable.strip_prefix(VARIABLE.as_bytes());
                value.and_then(|value| value.strip_prefix(b"=")) == Some(self.0.as_bytes())
            })
        })
    }
}

fn environment(path: &Path) -> io::Result<Vec<u8>> {
    let mut variables = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(LARGEST).read_to_end(&mut variables)?;
    Ok(variables)
}

/// The variable that carries the mark.
pub(super) const VARIABLE: &str = "SMOKEJUMPER_RUN";
const PROCESSES: &str = "/proc";
/// Who starts others faster than they are found is not waited for.
const MOST_LOOKS: usize = 10;
/// An environment is rarely larger than the pages of a stack that Linux gives it.
const LARGEST: u64 = 4 << 20;
