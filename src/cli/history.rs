//! `--baseline history`: the recordings of windows that passed, kept from one watch to the next in the
//! state folder, so that each release is compared with the ones before it.
//!
//! Recordings are small and replaced whole; the newest few are read, and no more than a handful is
//! kept.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::state;

/// The recordings of one service.
#[derive(Debug)]
pub struct History {
    folder: PathBuf,
    /// The name of this watch's own recording, until it is known whether it is kept.
    draft: String,
}

/// So many recordings are compared with: releases at different hours know more of a service's day.
const READ: usize = 3;
/// So many are kept.
const KEPT: usize = 10;
/// How the name of a recording ends.
const ENDING: &str = ".ndjson";

impl History {
    /// The history of a service.
    ///
    /// # Errors
    /// When it cannot be kept there.
    pub fn of(service: &str, environment: &BTreeMap<String, String>) -> Result<Self, String> {
        let state = state::folder(environment);
        let folder = state.join("history").join(service);
        fs::create_dir_all(&folder).map_err(|error| {
            format!(
                "the history cannot be kept in {}: {error}",
                folder.display()
            )
        })?;
        let draft = format!("{}.draft", ulid::Ulid::new());
        Ok(Self { folder, draft })
    }

    /// The newest recordings, the oldest of them first.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn newest(&self) -> io::Result<Vec<PathBuf>> {
        let all = self.all()?;
        Ok(all[all.len().saturating_sub(READ)..].to_vec())
    }

    /// Where a window is recorded while it is not known whether it will be accepted.
    #[must_use]
    pub fn draft(&self) -> PathBuf {
        self.folder.join(&self.draft)
    }

    /// Keeps the recording of an accepted window, and forgets the oldest.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, recording: &Path, window: &str) -> io::Result<()> {
        let draft = self.draft();
        if recording != draft {
            fs::copy(recording, &draft)?;
        }
        fs::rename(&draft, self.folder.join(format!("{window}{ENDING}")))?;
        let all = self.all()?;
        for oldest in &all[..all.len().saturating_sub(KEPT)] {
            // Another watch that ends at the same time may have forgotten it already.
            match fs::remove_file(oldest) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Forgets the recording of a window that was not accepted.
    pub fn forget(&self) {
        // It may never have been written; a leftover is replaced by the next of its name.
        fs::remove_file(self.draft()).unwrap_or_default();
    }

    /// All recordings, by the time of their windows: their names begin with it.
    fn all(&self) -> io::Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|ending| ending == &ENDING[1..])
            {
                all.push(path);
            }
        }
        all.sort_unstable();
        Ok(all)
    }
}
