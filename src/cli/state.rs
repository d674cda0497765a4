//! The state folder: what is kept from one run to the next on this machine. `SMOKEJUMPER_STATE`,
//! else `XDG_STATE_HOME/smokejumper`, else `~/.local/state/smokejumper`; where nobody is at home, as
//! in a bare container, `.smokejumper` in the current folder.

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

/// The state folder where the environment names no other.
const HERE: &str = ".smokejumper";

/// The state folder; it need not exist yet.
#[must_use]
pub fn folder(environment: &BTreeMap<String, String>) -> PathBuf {
    let set = |name: &str| environment.get(name).filter(|value| !value.is_empty());
    set("SMOKEJUMPER_STATE")
        .map(PathBuf::from)
        .or_else(|| set("XDG_STATE_HOME").map(|state| Path::new(state).join("smokejumper")))
        .or_else(|| set("HOME").map(|home| Path::new(home).join(".local/state/smokejumper")))
        .unwrap_or_else(|| PathBuf::from(HERE))
}

/// The journal in the state folder, which no secret gets into, or why there is none.
pub async fn journal(environment: &BTreeMap<String, String>, mask: &Mask) -> Journaling {
    let below = journal_in(&folder(environment)).await?;
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
pub fn kill_switch(environment: &BTreeMap<String, String>) -> PathBuf {
    folder(environment).join(KILL_SWITCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_folder_is_the_one_that_is_meant_first() {
        let cases: [(&[(&str, &str)], &str); 5] = [
            (&[("SMOKEJUMPER_STATE", "/s"), ("HOME", "/h")], "/s"),
            (
                &[("XDG_STATE_HOME", "/x"), ("HOME", "/h")],
                "/x/smokejumper",
            ),
            (&[("HOME", "/h")], "/h/.local/state/smokejumper"),
            (&[("SMOKEJUMPER_STATE", ""), ("HOME", "")], ".smokejumper"),
            (&[], ".smokejumper"),
        ];
        for (set, expected) in cases {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let environment = set.iter().map(own).collect();
            assert_eq!(folder(&environment), Path::new(expected));
        }
    }
}
