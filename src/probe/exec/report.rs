//! The file into which a suite of tests writes its report: only what this run wrote counts, and no
//! more than the check allows.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt as _;

use crate::sample::{Fault, Reason};

/// Where a report is written.
#[derive(Debug)]
pub(super) struct ReportFile {
    path: PathBuf,
    /// As it is declared.
    shown: String,
}

/// What tells one writing of a file from the next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct State {
    inode: u64,
    size: u64,
    changed: (i64, i64),
    /// Opening a pipe that somebody put there would wait for its writer.
    is_file: bool,
}

impl ReportFile {
    pub(super) fn new(path: PathBuf, shown: &Path) -> Self {
        let shown = shown.display().to_string();
        Self { path, shown }
    }

    /// What is there now.
    pub(super) async fn state(&self) -> Option<State> {
        let found = tokio::fs::metadata(&self.path).await.ok()?;
        Some(State {
            inode: found.ino(),
            size: found.size(),
            changed: (found.ctime(), found.ctime_nsec()),
            is_file: found.is_file(),
        })
    }

    /// What was written since; nothing where nothing was.
    pub(super) async fn written_since(
        &self,
        before: Option<State>,
        largest: usize,
    ) -> Result<Option<Vec<u8>>, Fault> {
        let now = self.state().await;
        if now.is_none() || now == before {
            return Ok(None);
        }
        let shown = &self.shown;
        if now.is_some_and(|now| !now.is_file) {
            return Err(Fault::new(
                Reason::NoData,
                format!("the report {shown} is no file"),
            ));
        }
        let read = self.read(largest).await;
        let bytes = read.map_err(|error| {
            Fault::new(
                Reason::NoData,
                format!("the report {shown} cannot be read: {error}"),
            )
        })?;
        if bytes.len() > largest {
            let detail = format!(
                "the report {shown} is larger than the {largest} bytes that are read: raise `max_output`"
            );
            return Err(Fault::new(Reason::TooLarge, detail));
        }
        Ok(Some(bytes))
    }

    /// One byte more than fits shows that there is more.
    async fn read(&self, largest: usize) -> io::Result<Vec<u8>> {
        let file = tokio::fs::File::open(&self.path).await?;
        let mut bytes = Vec::new();
        let most = u64::try_from(largest).unwrap_or(u64::MAX).saturating_add(1);
        file.take(most).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }
}
