//! Who holds a lease, precisely enough to tell later whether that process is gone.
//!
//! A process is gone when the same machine, looked at by the same user in the same process
//! namespace, has no process of that number and start time. Everything else is "cannot be told",
//! and then its lease runs out by itself: a container beside ours has the same host name and
//! numbers of its own.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A process that can hold a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The machine or container, as people call it.
    pub host: String,
    /// The number of the process there.
    pub process: u32,
    /// Where and since when it runs, where the system says so.
    sighting: Option<Sighting>,
}

/// What distinguishes a process from all others, earlier and elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sighting {
    surroundings: Surroundings,
    /// When it started, in the kernel's ticks since the machine did.
    started: u64,
}

/// Where the number of a process means the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Surroundings {
    /// This start of this machine.
    boot: String,
    /// The namespace that gave out the number.
    namespace: String,
    /// Who looks: a system may hide the processes of others.
    user: u32,
}

impl Holder {
    /// This process.
    #[must_use]
    pub fn this_process() -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = match host.trim() {
            "" => "this machine",
            host => host,
        };
        Self::seen(host, std::process::id())
    }

    /// Another process of this machine, or one that has been.
    #[must_use]
    pub fn seen(host: &str, process: u32) -> Self {
        let sighting = Surroundings::ours().and_then(|surroundings| {
            let started = match look(process) {
                Look::Runs { started } => started,
                Look::Gone | Look::Unknown => return None,
            };
            Some(Sighting {
                surroundings,
                started,
            })
        });
        Self {
            host: host.to_owned(),
            process,
            sighting,
        }
    }

    /// Whether it is certain that this process does not exist any more.
    pub(super) fn is_gone(&self) -> bool {
        let Some(sighting) = &self.sighting else {
            return false;
        };
        if Surroundings::ours().as_ref() != Some(&sighting.surroundings) {
            return false;
        }
        match look(self.process) {
            Look::Gone => true,
            // The number was given to another process.
            Look::Runs { started } => started != sighting.started,
            Look::Unknown => false,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.process, self.host)
    }
}

impl Surroundings {
    /// Ours; nothing where the system does not say so, or shows the processes of another namespace.
    fn ours() -> Option<Self> {
        let own = std::fs::read_link("/proc/self").ok()?;
        if own != Path::new(&std::process::id().to_string()) {
            return None;
        }
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
        let user = std::fs::metadata("/proc/self").ok()?.uid();
        Some(Self {
            boot: boot.trim().to_owned(),
            namespace: namespace.to_string_lossy().into_owned(),
            user,
        })
    }
}

/// What the system says of a process number.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// It runs.
    Runs {
        /// Since when, in ticks.
        started: u64,
    },
    /// There is none, or only its exit code is left.
    Gone,
    /// That cannot be told.
    Unknown,
}

fn look(process: u32) -> Look {
    let path = PathBuf::from(format!("/proc/{process}/stat"));
    match std::fs::read_to_string(path) {
        Ok(stat) => read(&stat),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Look::Gone,
        Err(_) => Look::Unknown,
    }
}

/// Reads `/proc/PID/stat`: `12 (name) S 1 …`; the name may hold spaces and brackets. Fields as in
/// proc_pid_stat(5), counted from 1: 3 is the state, 20 the number of threads, 22 the start time.
fn read(stat: &str) -> Look {
    let Some((_, rest)) = stat.rsplit_once(')') else {
        return Look::Unknown;
    };
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |at| field(at).and_then(|text| text.parse::<u64>().ok());
    let (Some(state), Some(threads), Some(started)) = (field(3), number(20), number(22)) else {
        return Look::Unknown;
    };
    // A process whose first thread has ended may still work in the others.
    if matches!(state, "Z" | "X") && threads <= 1 {
        return Look::Gone;
    }
    Look::Runs { started }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(name: &str, state: &str, threads: u64) -> String {
        let zeros = "0 ".repeat(16);
        format!("12 ({name}) {state} {zeros}{threads} 0 4711 0 0\n")
    }

    #[test]
    fn what_the_system_says_of_a_process_is_read() {
        let runs = Look::Runs { started: 4711 };
        assert_eq!(read(&stat("sleep", "S", 1)), runs);
        assert_eq!(read(&stat("a) S 1 (b", "R", 9)), runs, "a name is any text");
        assert_eq!(read(&stat("dead", "Z", 1)), Look::Gone);
        assert_eq!(read(&stat("half dead", "Z", 3)), runs, "its threads go on");
        for text in ["", "12 sleep S", "12 (sleep) S 1 2 3"] {
            assert_eq!(read(text), Look::Unknown, "{text}");
        }
    }

    #[test]
    fn this_process_is_there() {
        let holder = Holder::this_process();
        assert!(holder.sighting.is_some(), "{holder:?}");
        assert!(!holder.is_gone());
    }

    #[test]
    fn a_number_that_another_process_got_means_that_the_first_is_gone() {
        let mut holder = Holder::this_process();
        if let Some(sighting) = &mut holder.sighting {
            sighting.started -= 1;
        }
        assert!(holder.is_gone());
    }

    #[test]
    fn of_elsewhere_nothing_is_concluded() {
        let gone = |change: fn(&mut Sighting)| {
            let mut holder = Holder::this_process();
            holder.process = u32::MAX;
            holder.sighting.iter_mut().for_each(change);
            holder.is_gone()
        };
        assert!(gone(|_| ()), "there is no such process");
        assert!(!gone(|one| one.surroundings.boot.push('x')));
        assert!(!gone(|one| one.surroundings.namespace.push('x')));
        assert!(!gone(|one| one.surroundings.user += 1));
    }
}
