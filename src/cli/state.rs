//! The state folder: what is kept from one run to the next on this machine. `SMOKEJUMPER_STATE`,
//! else `XDG_STATE_HOME/smokejumper`, else `~/.local/state/smokejumper`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::logbook::Journaling;
use crate::secret::Mask;
use crate::store::masked::Masked;
use crate::store::sqlite::{Holder, Sqlite};

/// The journal's file in the state folder.
const JOURNAL: &str = "journal.sqlite";
/// The file whose presence in the state folder stops every rollback on this machine.
const KILL_SWITCH: &str = "freeze";

/// The state folder; it need not exist yet.
///
/// # Errors
/// When the environment names no place for it.
pub fn folder(environment: &BTreeMap<String, String>) -> Result<PathBuf, String> {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    set("SMOKEJUMPER_STATE")
        .map(PathBuf::from)
        .or_else(|| set("XDG_STATE_HOME").map(|state| Path::new(state).join("smokejumper")))
        .or_else(|| set("HOME").map(|home| Path::new(home).join(".local/state/smokejumper")))
        .ok_or_else(|| "there is no place for it; set SMOKEJUMPER_STATE to a folder".to_owned())
}

/// The journal in the state folder, which no secret gets into, or why there is none.
pub async fn journal(environment: &BTreeMap<String, String>, mask: &Mask) -> Journaling {
    let below = journal_in(&folder(environment)?).await?;
    Ok(Arc::new(Masked::new(below, mask.clone())))
}

/// The journal in this folder, or why there is none.
pub async fn journal_in(folder: &Path) -> Journaling {
    let file = folder.join(JOURNAL);
    match Sqlite::open(&file, Holder::this_process()).await {
        Ok(journal) => Ok(Arc::new(journal)),
        Err(error) => Err(error.to_string()),
    }
}

/// The file whose presence stops every rollback on this machine.
#[must_use]
pub fn kill_switch(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    Some(folder(environment).ok()?.join(KILL_SWITCH))
}
