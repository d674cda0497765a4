//! Reading the configuration again: on order, on SIGHUP, and when a file has changed. It is read beside
//! everything else; what is wrong with it is told and changes nothing, what is right is put in force.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::daemon::Daemon;
use super::handle::{Done, Refused, Whose};
use super::happenings::{News, Severity, counted};
use super::manning::Manned;
use super::ordered::{self, Answer};
use super::outfit::{Configuration, Outside};
use crate::sample::CheckId;

/// Files are looked at so often: whoever saved one waits no longer than for a page to load.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);
/// More than one change at a time is one change.
const CHANGES: usize = 1;

/// A configuration that is being read.
pub(super) struct Reading {
    task: AbortOnDropHandle<Result<Configuration, String>>,
    by: Whose,
    answers: Vec<Answer>,
    /// Who asked while it was being read, and where their answers go: what they changed may have come too
    /// late, and so it is read once more.
    again: Option<(Whose, Vec<Answer>)>,
}

impl Reading {
    /// What was read; an error as text for people.
    pub(super) async fn next(reading: &mut Option<Self>) -> Result<Configuration, String> {
        match reading {
            Some(reading) => (&mut reading.task).await.unwrap_or_else(|_| {
                Err("reading it ended by a fault of its own: this is a bug".to_owned())
            }),
            None => std::future::pending().await,
        }
    }
}

impl Daemon {
    /// Begins to read the configuration, unless it is being read.
    pub(super) fn read_again(&mut self, by: Whose, answer: Option<Answer>) {
        match &mut self.reading {
            Some(reading) => {
                let (_, answers) = reading.again.get_or_insert_with(|| (by, Vec::new()));
                answers.extend(answer);
            }
            None => self.read(by, answer.into_iter().collect()),
        }
    }

    fn read(&mut self, by: Whose, answers: Vec<Answer>) {
        let outside = Arc::clone(&self.outfit.outside);
        self.reading = Some(Reading {
            task: AbortOnDropHandle::new(tokio::task::spawn_blocking(move || outside.load())),
            by,
            answers,
            again: None,
        });
    }

    /// Puts what was read in force, or tells what is wrong with it.
    pub(super) fn was_read(&mut self, read: Result<Configuration, String>) {
        let Some(reading) = self.reading.take() else {
            return;
        };
        let told = match read {
            Ok(configuration) => {
                let changes = changes(&self.manned, &configuration);
                self.reloads.load();
                self.put_in_force(configuration);
                let text = format!("configuration read again ({}): {changes}", reading.by.name);
                let news = News::new("configuration_loaded", Severity::Info, text.clone());
                self.herald.tell(news.fact("by", reading.by.name.clone()));
                Ok(Done::Said(text))
            }
            Err(why) => {
                self.reloads.refuse();
                let first = why.lines().find(|line| !line.trim().is_empty());
                let first = first.unwrap_or("it cannot be read");
                let text = format!("configuration refused, the one before stays: {first}");
                let news = News::new("configuration_refused", Severity::Warning, text);
                let news = news
                    .fact("by", reading.by.name.clone())
                    .fact("because", why.clone());
                self.herald.tell(news);
                self.herald.people.configured(Some(first));
                self.configuration.refused = Some(why.clone());
                Err(Refused::Senseless(why))
            }
        };
        for answer in reading.answers {
            ordered::reply(answer, told.clone());
        }
        if let Some((by, answers)) = reading.again {
            self.read(by, answers);
        }
    }
}

/// What is different, in one line.
fn changes(manned: &[Manned], configuration: &Configuration) -> String {
    let mut known: HashMap<&CheckId, u64> = manned
        .iter()
        .flat_map(|one| &one.declared)
        .map(|one| (&one.check, one.mark))
        .collect();
    let (mut added, mut changed) = (0, 0);
    for one in &configuration.declared {
        match known.remove(&one.check) {
            None => added += 1,
            Some(mark) if mark != one.mark => changed += 1,
            Some(_) => {}
        }
    }
    let count = |count| counted(count, "check");
    let gone = known.len();
    match (added, changed, gone) {
        (0, 0, 0) => "no check is declared otherwise".to_owned(),
        _ => format!(
            "{} new, {} changed, {} gone",
            count(added),
            count(changed),
            count(gone)
        ),
    }
}

/// Looks at the files again and again, and tells when they are others than those that were read last,
/// whose mark is shared. A file that is being written is waited for: it has to look alike twice.
pub(super) fn watch_files(
    outside: &Arc<dyn Outside>,
    read: &Arc<AtomicU64>,
) -> (mpsc::Receiver<()>, AbortOnDropHandle<()>) {
    let (changed, changes) = mpsc::channel(CHANGES);
    let (outside, read) = (Arc::clone(outside), Arc::clone(read));
    let watching = async move {
        let mut before = None;
        loop {
            tokio::time::sleep(LOOKED_AT_EVERY).await;
            let Some(now) = look(&outside).await else {
                continue;
            };
            let is_settled = before.replace(now) == Some(now);
            if is_settled && read.swap(now, Ordering::SeqCst) != now {
                // Where one waits already, this one is read with it.
                changed.try_send(()).unwrap_or_default();
            }
        }
    };
    (changes, AbortOnDropHandle::new(tokio::spawn(watching)))
}

/// The mark of the files; none while they cannot be looked at.
async fn look(outside: &Arc<dyn Outside>) -> Option<u64> {
    let outside = Arc::clone(outside);
    tokio::task::spawn_blocking(move || outside.files())
        .await
        .ok()
}
