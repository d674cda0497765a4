//! How a program ended: with a status of its own, or by a signal that is told by its name.

use std::fmt;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended(ExitStatus);

/// A signal, by its name where it has one everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signal(i32);

impl Ended {
    pub(super) const fn of(status: ExitStatus) -> Self {
        Self(status)
    }

    /// The status with which it ended by itself.
    pub(super) fn status(self) -> Option<i32> {
        self.0.code()
    }

    /// The signal that ended it.
    pub(super) fn signal(self) -> Option<Signal> {
        self.0.signal().map(Signal)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = SIGNALS.iter().find(|(number, _)| *number == self.0);
        match known {
            Some((KILL, name)) => write!(f, "{name} (did this machine run out of memory?)"),
            Some((_, name)) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

const KILL: i32 = 9;

/// The signals that have the same number on Linux and on macOS.
const SIGNALS: &[(i32, &str)] = &[
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (8, "SIGFPE"),
    (KILL, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
    (24, "SIGXCPU"),
    (25, "SIGXFSZ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_told_by_its_name_and_a_status_as_it_is() {
        let ended = |raw| Ended::of(ExitStatus::from_raw(raw));
        assert_eq!((ended(0).status(), ended(0).signal()), (Some(0), None));
        assert_eq!(ended(3 << 8).status(), Some(3));
        for (raw, name) in [(11, "SIGSEGV"), (15, "SIGTERM"), (64, "signal 64")] {
            assert_eq!(ended(raw).status(), None);
            assert_eq!(ended(raw).signal().unwrap().to_string(), name);
        }
        assert!(Signal(KILL).to_string().contains("memory"));
    }
}
