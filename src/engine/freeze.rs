//! The brake that anybody may pull while a window is running: a file, or a parameter of the
//! platform's own store. A brake that cannot be looked at is taken for pulled, since somebody
//! declared it. Called before a rollback is begun, and again before each call.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::decision;
use crate::deploy::DeploymentTarget;

/// How long the platform's store may take to answer.
const ANSWER: Duration = Duration::from_secs(10);
/// So much of a reason is repeated.
const REASON: usize = 120;
/// The folder beside the kill switch of the machine with those of single services.
const SERVICES: &str = "frozen";
/// The line of a file that says who pulled it, where a person did so through the daemon.
pub(super) const BY: &str = "by: ";

/// The file whose presence stops every rollback of one service on this machine; `kill_switch` is the one
/// that stops those of all.
#[must_use]
pub fn of_service(kill_switch: &Path, service: &str) -> PathBuf {
    // The name of a service is letters, digits and `-_.`, and begins with none of these three.
    kill_switch.with_file_name(SERVICES).join(service)
}

/// Where to look.
#[derive(Clone)]
pub struct Freeze<'a> {
    /// The files whose presence stops every rollback.
    pub files: Vec<PathBuf>,
    /// The parameter whose value does.
    pub parameter: Option<String>,
    /// The platform that holds it.
    pub target: &'a dyn DeploymentTarget,
}

impl std::fmt::Debug for Freeze<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Freeze")
            .field("files", &self.files)
            .field("parameter", &self.parameter)
            .finish_non_exhaustive()
    }
}

impl Freeze<'_> {
    /// What holds, in one line; nothing when no brake is pulled.
    pub async fn holds(&self) -> Option<String> {
        if let Some(why) = self.files.iter().find_map(|file| by_file(file)) {
            return Some(why);
        }
        let name = self.parameter.as_deref()?;
        match tokio::time::timeout(ANSWER, self.target.parameter(name)).await {
            Ok(Ok(value)) => {
                let value = value.unwrap_or_default();
                decision::Freeze::is_meant_by(&value)
                    .then(|| format!("parameter {name} says {}", first_line(&value)))
            }
            Ok(Err(error)) => Some(format!("parameter {name} cannot be read: {error}")),
            Err(_) => Some(format!("parameter {name} cannot be read: no answer")),
        }
    }
}

fn by_file(file: &Path) -> Option<String> {
    let shown = file.display();
    match std::fs::read_to_string(file) {
        Ok(reason) if reason.trim().is_empty() => Some(format!("{shown} exists")),
        Ok(reason) => {
            let by = reason.lines().find_map(|line| line.strip_prefix(BY));
            let by = by.map(|by| format!(", by {}", first_line(by)));
            let (reason, by) = (first_line(&reason), by.unwrap_or_default());
            Some(format!("{shown} says {reason}{by}"))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Some(format!("{shown} exists")),
        Err(error) => Some(format!("{shown} cannot be looked at: {error}")),
    }
}

fn first_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(REASON).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_or_cannot_be_read_is_a_pulled_brake() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("freeze");
        assert_eq!(by_file(&file), None);
        std::fs::write(&file, "").expect("written");
        assert!(by_file(&file).is_some_and(|why| why.ends_with("exists")));
        std::fs::write(&file, "\n  migration under way\nask ops\n").expect("written");
        assert!(by_file(&file).is_some_and(|why| why.ends_with("says migration under way")));
        std::fs::write(&file, "sale of the year\nby: ops\n").expect("written");
        let why = by_file(&file).expect("it is pulled");
        assert!(why.ends_with("says sale of the year, by ops"), "{why}");
        std::fs::write(&file, [0xff, 0xfe]).expect("written");
        assert!(by_file(&file).is_some_and(|why| why.ends_with("exists")));
        assert!(by_file(folder.path()).is_some_and(|why| why.contains("cannot be looked at")));
    }
}
