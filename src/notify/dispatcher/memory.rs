//! Who was told of what, across restarts: one small file for each notifier, replaced as a whole.
//!
//! A file that is lost or torn means that a recovery is not told, or a trouble twice; nothing else
//! depends on it. Only one process writes it: the daemon.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::ledger::Ledger;

/// The file of one notifier.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    file: PathBuf,
    /// Held while it is written: on a disk that hangs, one thread waits and no more.
    writing: Arc<Mutex<()>>,
}

/// A disk that takes longer is not waited for: what is told is more urgent than that it is remembered.
const PATIENCE: Duration = Duration::from_secs(5);

impl Memory {
    /// The name of a notifier is a name of the configuration: letters, digits, `-`, `_` and `.`.
    pub(super) fn of(folder: &Path, notifier: &str) -> Self {
        let file = folder.join(format!("{notifier}.json"));
        Self {
            file,
            writing: Arc::default(),
        }
    }

    /// What was written last; nothing where there is none that can be read.
    pub(super) fn recall(&self) -> Ledger {
        let text = std::fs::read(&self.file).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Replaces what was written. Done aside, since a disk may hang.
    pub(super) async fn keep(&self, ledger: Ledger) -> std::io::Result<()> {
        let (file, writing) = (self.file.clone(), Arc::clone(&self.writing));
        let late = || std::io::Error::from(std::io::ErrorKind::TimedOut);
        let keeping = tokio::task::spawn_blocking(move || {
            let _writing = writing.try_lock().map_err(|_| late())?;
            replace(&file, &ledger)
        });
        let kept = tokio::time::timeout(PATIENCE, keeping).await;
        kept.map_err(|_| late())?.map_err(std::io::Error::other)?
    }
}

fn replace(file: &Path, ledger: &Ledger) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    fresh.write_all(&serde_json::to_vec(ledger)?)?;
    fresh.persist(file)?;
    Ok(())
}
