//! YAML text → [`Document`]: reading, merging, filling in, secrets, places, did-you-mean.
//!
//! Nothing stops at the first problem: every file is read, every value filled in, and what is
//! wrong is collected, so that one run tells all of it. What the words mean is `plan`'s business.
//! Called by `cli`, which passes the environment in; nothing here reads it.

mod deserializer;
mod document;
mod files;
mod names;
pub mod place;
pub mod problem;
mod reader;
mod scalar;
mod secrets;
mod section;
mod substitution;
pub mod suggestion;
pub mod tree;
mod written;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::sync::Arc;

pub use self::deserializer::{Deserializer, Error};
pub use self::document::Document;
pub use self::place::{Place, SourceFile};
pub use self::problem::{Code, Problem, Severity};
pub use self::secrets::line::hidden as hidden_in_line;
pub use self::secrets::look::masked as mask_by_look;
pub use self::section::{Outcome, read, read_with};
pub use self::substitution::reason as unreadable_because;
pub use self::tree::{Entry, Node, Step, Value};
pub use self::written::yaml;
use crate::secret::Mask;

/// What to read, and what may be filled in.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The current folder: where relative paths and the usual places start.
    pub folder: PathBuf,
    /// The files and folders that were named; with none, the usual places.
    pub paths: Vec<PathBuf>,
    /// Files that may define again what others define (`--overlay`).
    pub overlays: Vec<PathBuf>,
    /// Variables that were given (`--var K=V`); they go before the environment.
    pub variables: Vec<(String, String)>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
}

/// What was read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The document, with the problems of reading; `plan::compile` adds its own.
    pub document: Document,
    /// What must not be seen in any output.
    pub mask: Mask,
}

/// Reads everything that makes up the configuration.
#[must_use]
pub fn load(sources: &Sources) -> Loaded {
    let mask = Mask::default();
    let mut variables = sources.environment.clone();
    variables.extend(sources.variables.iter().cloned());
    secrets::hide_named(&variables, &mask);
    let filler = substitution::Filler {
        variables: &variables,
        mask: &mask,
    };
    let mut document = Document::default();
    document.environment = Arc::new(sources.environment.clone());
    let (paths, overlays) = (&sources.paths, &sources.overlays);
    let listed = files::list(&sources.folder, paths, overlays, &mut document.problems);
    document.partial = !document.problems.is_empty();
    for listed in listed {
        match files::open(&listed) {
            Ok(file) => {
                document.files.push(listed.shown);
                take(&mut document, &file, listed.overlay, &filler);
            }
            Err(problem) => {
                document.partial = true;
                document.problems.push(*problem);
            }
        }
    }
    Loaded { document, mask }
}

/// Something that differs as soon as a file comes, goes or is changed; what they hold is not read.
/// Secrets that are read from files of their own are no part of it.
#[must_use]
pub fn fingerprint(sources: &Sources) -> u64 {
    let mut problems = Vec::new();
    let (paths, overlays) = (&sources.paths, &sources.overlays);
    let mut hasher = DefaultHasher::new();
    for file in files::list(&sources.folder, paths, overlays, &mut problems) {
        file.real.hash(&mut hasher);
        let facts = std::fs::metadata(&file.real).ok();
        facts.as_ref().map(std::fs::Metadata::len).hash(&mut hasher);
        facts
            .and_then(|facts| facts.modified().ok())
            .hash(&mut hasher);
    }
    problems.len().hash(&mut hasher);
    hasher.finish()
}

fn take(
    document: &mut Document,
    file: &std::sync::Arc<SourceFile>,
    overlay: bool,
    filler: &substitution::Filler<'_>,
) {
    let before = document.problems.len();
    let Some(mut tree) = reader::read(file, &mut document.problems) else {
        // An empty file declares nothing; an unreadable one may declare anything.
        document.partial |= document.problems.len() > before;
        return;
    };
    // What is kept under `x-…` is used through aliases alone, and filled in where it is used.
    if let Value::Map(entries) = &mut tree.value {
        entries.retain(|entry| !entry.key.text.starts_with("x-"));
    }
    filler.fill(&mut tree, &mut document.problems);
    secrets::hide_literals(&tree, filler.mask);
    secrets::hide_of_notifiers(&tree, filler.mask);
    document.add(tree, overlay);
}

#[cfg(test)]
mod tests;
