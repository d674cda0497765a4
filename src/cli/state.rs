//! The state folder: what is kept from one run to the next on this machine. `SMOKEJUMPER_STATE`,
//! else `XDG_STATE_HOME/smokejumper`, else `~/.local/state/smokejumper`; where nobody is at home, as
//! in a bare container, `.smokejumper` in the current folder.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::engine::logbook::Journaling;
use crate::plan::store::{Keeper, PostgresPlan, StorePlan};
use crate::secret::Mask;
use crate::store::behind::{Behind, Bounds};
use crate::store::history::History;
use crate::store::masked::Masked;
use crate::store::postgres::history::PostgresHistory;
use crate::store::postgres::{Encryption, Server};
use crate::store::reopened::Reopened;
use crate::store::retried::Retried;
use crate::store::sqlite::history::SqliteHistory;
use crate::store::sqlite::{Holder, Sqlite};
use crate::store::{Journal, StoreError};

/// The journal's file in the state folder.
const JOURNAL: &str = "journal.sqlite";
/// The history's file there.
const HISTORY: &str = "history.sqlite";
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

/// The journal in the state folder for a daemon, which opens it later where it cannot be opened now; and why
/// it cannot.
pub async fn journal_at_last(
    environment: &BTreeMap<String, String>,
    mask: &Mask,
) -> (Journaling, Option<String>) {
    let file = folder(environment).join(JOURNAL);
    let journal = Retried::new(move || {
        let file = file.clone();
        Box::pin(async move {
            let journal = Sqlite::open(&file, Holder::this_process()).await?;
            Ok(Arc::new(journal) as Arc<dyn Journal>)
        })
    });
    let trouble = journal.open().await.err().map(|error| error.to_string());
    let journal = Masked::new(Arc::new(journal), mask.clone());
    (Ok(Arc::new(journal)), trouble)
}

/// The journal in this folder, or why there is none.
pub async fn journal_in(folder: &Path) -> Journaling {
    let file = folder.join(JOURNAL);
    match Sqlite::open(&file, Holder::this_process()).await {
        Ok(journal) => Ok(Arc::new(journal)),
        Err(error) => Err(error.to_string()),
    }
}

/// Where the history is, as it is declared.
pub enum Place {
    /// A file, which need not exist yet.
    File(PathBuf),
    /// A schema in a database.
    Database(Server),
}

impl Place {
    /// What is declared.
    #[must_use]
    pub fn of(environment: &BTreeMap<String, String>, plan: &StorePlan) -> Self {
        match &plan.keeper {
            Keeper::StateFolder => Self::File(folder(environment).join(HISTORY)),
            Keeper::File(file) => Self::File(file.clone()),
            Keeper::Postgres(plan) => Self::Database(server(plan)),
        }
    }

    /// What people call it, without secrets.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(file) => file.display().to_string(),
            Self::Database(server) => server.name(),
        }
    }

    /// Opens it, and makes what is not there.
    ///
    /// # Errors
    /// When it cannot be reached or written to, is none of ours, or one of a later version.
    pub async fn open(&self) -> Result<Arc<dyn History>, StoreError> {
        match self {
            Self::File(file) => Ok(Arc::new(SqliteHistory::open(file).await?)),
            Self::Database(server) => {
                let history = PostgresHistory::on(server.clone());
                history.open().await?;
                Ok(Arc::new(history))
            }
        }
    }
}

fn server(plan: &PostgresPlan) -> Server {
    Server {
        host: plan.host.clone(),
        port: plan.port,
        user: plan.user.clone(),
        password: plan.password.clone(),
        database: plan.database.clone(),
        schema: plan.schema.clone(),
        application_name: plan.application_name.clone(),
        encryption: match &plan.tls {
            None => Encryption::Never,
            Some(tls) if plan.insists => Encryption::Always(tls.clone()),
            Some(tls) => Encryption::WhereOffered(tls.clone()),
        },
    }
}

/// The history as it is declared, written behind, without secrets. One that cannot be opened now is
/// tried again and again, and what comes is kept in memory meanwhile.
///
/// # Errors
/// When it is none of ours, or one of a later version: it will not get better by itself.
pub async fn history(
    environment: &BTreeMap<String, String>,
    plan: &StorePlan,
    mask: &Mask,
    clock: Arc<dyn Clock>,
) -> Result<Behind, StoreError> {
    let place = Place::of(environment, plan);
    let name = place.name();
    let below = match place {
        Place::File(file) => file_history(file).await?,
        Place::Database(server) => database_history(server).await?,
    };
    Ok(Behind::start(
        below,
        name,
        plan.retention,
        Bounds::default(),
        mask.clone(),
        clock,
    ))
}

async fn file_history(file: PathBuf) -> Result<Arc<dyn History>, StoreError> {
    let reopened = Reopened::new(move || {
        let file = file.clone();
        Box::pin(async move {
            let history = SqliteHistory::open(&file).await?;
            Ok(Arc::new(history) as Arc<dyn History>)
        })
    });
    begun(reopened.open().await)?;
    Ok(Arc::new(reopened))
}

/// How long the start waits for a database: whoever starts the daemon wants it to probe.
const FIRST_LOOK: Duration = Duration::from_secs(2);

async fn database_history(server: Server) -> Result<Arc<dyn History>, StoreError> {
    let history = PostgresHistory::on(server);
    // It logs in by itself whenever it is asked: what does not answer now is asked again.
    if let Ok(opened) = tokio::time::timeout(FIRST_LOOK, history.open()).await {
        begun(opened)?;
    }
    Ok(Arc::new(history))
}

/// Refuses what will not get better by itself; `Behind` finds out about all else, and says so.
fn begun<T>(opened: Result<T, StoreError>) -> Result<(), StoreError> {
    match opened {
        Err(error @ StoreError::Strange(_)) => Err(error),
        Ok(_) | Err(StoreError::Unusable(_)) => Ok(()),
    }
}

/// The file whose presence stops every rollback on this machine.
#[must_use]
pub fn kill_switch(environment: &BTreeMap<String, String>) -> PathBuf {
    folder(environment).join(KILL_SWITCH)
}

/// A daemon's sole use of its state folder, until it is dropped or the process dies.
#[derive(Debug)]
pub struct Alone(#[expect(dead_code, reason = "it is held, and never read")] Option<File>);

/// The file that a daemon holds while it uses the state folder.
const LOCK: &str = "serve.lock";

/// Takes the state folder for a daemon: two of them would open each window twice. A folder in which no file
/// can be held, as on a full disk, is used all the same.
///
/// # Errors
/// When another daemon uses it, in a line that says which.
pub fn alone(folder: &Path) -> Result<Alone, String> {
    let place = folder.join(LOCK);
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    let opened = std::fs::create_dir_all(folder).and_then(|()| options.open(&place));
    let Ok(mut file) = opened else {
        return Ok(Alone(None));
    };
    match file.try_lock() {
        Ok(()) => {
            // For people alone: who holds it is known by the system.
            let noted = file.set_len(0);
            let noted = noted.and_then(|()| write!(file, "{}", std::process::id()));
            if let Err(error) = noted {
                tracing::debug!(%error, "not noted who uses the state folder");
            }
            Ok(Alone(Some(file)))
        }
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let known = file.read_to_string(&mut holder).is_ok() && !holder.is_empty();
            let holder = known.then(|| format!(" (process {holder})"));
            Err(format!(
                "another smokejumper serve{} uses the state folder {}: stop it, or name another one with SMOKEJUMPER_STATE",
                holder.unwrap_or_default(),
                folder.display()
            ))
        }
        Err(TryLockError::Error(error)) => {
            tracing::debug!(%error, "the state folder cannot be held");
            Ok(Alone(None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_daemon_alone_uses_a_state_folder_and_one_that_cannot_be_held_is_used() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = alone(folder.path()).expect("it is free");
        let why = alone(folder.path()).expect_err("it is taken");
        let process = format!("(process {})", std::process::id());
        assert!(why.contains(&process), "{why}");
        drop(first);
        drop(alone(folder.path()).expect("it is free again"));
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        assert!(alone(&file.join("below")).is_ok());
    }

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
