//! A folder of recordings, each judged as a window of its own, on all cores. The results come in
//! name order and do not depend on how many threads there were. Called by `cli`.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::before;
use super::recorded::{self, Recording, RecordingError, Roster};
use super::replay::{Replay, Replayed};
use crate::plan::CheckPlan;

/// A recording in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its name: that of the file without its ending.
    pub name: String,
    /// Its samples.
    pub samples: PathBuf,
    /// What was measured before, when there is a file of it beside it; used for the checks that
    /// declare a `baseline`.
    pub baseline: Option<PathBuf>,
}

/// How the name of a recording ends.
const ENDING: &str = ".ndjson";
/// How the name of what was measured before ends, after the name of its stream.
const BASELINE_ENDING: &str = ".baseline.ndjson";

/// The streams of a folder, in name order.
///
/// # Errors
/// When the folder cannot be read.
pub fn streams(folder: &Path) -> io::Result<Vec<Stream>> {
    let mut names: Vec<(String, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        names.push((name, entry.path()));
    }
    let is_baseline = |name: &str| name.ends_with(BASELINE_ENDING);
    let mut streams: Vec<Stream> = names
        .iter()
        .filter(|(name, _)| !is_baseline(name))
        .filter_map(|(name, path)| {
            let stem = name.strip_suffix(ENDING).filter(|stem| !stem.is_empty())?;
            let beside = folder.join(format!("{stem}{BASELINE_ENDING}"));
            Some(Stream {
                name: stem.to_owned(),
                samples: path.clone(),
                baseline: Some(beside),
            })
        })
        .collect();
    let there: HashSet<&PathBuf> = names.iter().map(|(_, path)| path).collect();
    for stream in &mut streams {
        stream.baseline = stream.baseline.take().filter(|path| there.contains(path));
    }
    streams.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(streams)
}

/// Judges every stream, as many at once as there are cores; the results are in the order of the
/// streams.
pub fn judge(
    replay: Replay<'_>,
    roster: &Roster,
    streams: &[Stream],
    threads: NonZero<usize>,
) -> Vec<Result<Replayed, RecordingError>> {
    let next = AtomicUsize::new(0);
    let results: Vec<OnceLock<_>> = streams.iter().map(|_| OnceLock::new()).collect();
    let work = || {
        while let Some((stream, result)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            streams.get(at).zip(results.get(at))
        } {
            result.get_or_init(|| one(replay, roster, stream));
        }
    };
    std::thread::scope(|scope| {
        let threads = threads.get().min(streams.len());
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    results
        .into_iter()
        .filter_map(OnceLock::into_inner)
        .collect()
}

fn one(replay: Replay<'_>, roster: &Roster, stream: &Stream) -> Result<Replayed, RecordingError> {
    let (file, input) = recorded::open(&stream.samples)?;
    let mut recording = Recording::new(&file, input, roster);
    let compares = replay.checks.iter().any(CheckPlan::is_compared_with_before);
    let before = match stream.baseline.as_deref().filter(|_| compares) {
        Some(path) => before::read(path, roster)?,
        None => Vec::new(),
    };
    replay.judge(&mut recording, before, |_| {})
}
