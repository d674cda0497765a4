//! The kill switches as people know them: that of the machine and one for each service. They are files,
//! which anybody may make or remove; what was ordered through the daemon is told by whoever carries the
//! order out, and what was done by hand is found by `standing`, which looks at the files.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::frozen;
use super::live::Freeze;
use crate::engine::freeze;

/// One of them, by its service; that of the machine without.
pub(super) type Brake = Option<Arc<str>>;

/// What was seen at one look: each that was looked at, and whether it is pulled.
pub(super) type Pulled = HashMap<Brake, Option<Freeze>>;

/// The kill switches. Clones share what is known of them.
#[derive(Clone, Debug)]
pub(super) struct Brakes {
    machine: Arc<Path>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    services: HashSet<Arc<str>>,
    /// As people were told last.
    told: Pulled,
    /// How often somebody ordered something: what was seen before the last order says nothing.
    orders: u64,
}

/// One that is not as people were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) brake: Brake,
    pub(super) freeze: Option<Freeze>,
    /// Whether it is new; otherwise nobody has looked before, and it may have been so for long.
    pub(super) is_new: bool,
}

/// What is to be looked at, and since when.
#[derive(Debug)]
pub(super) struct Look {
    files: Vec<(Brake, PathBuf)>,
    orders: u64,
}

impl Brakes {
    /// Those beside the kill switch of the machine.
    pub(super) fn new(machine: &Path) -> Self {
        Self {
            machine: Arc::from(machine),
            known: Arc::default(),
        }
    }

    /// The file of one.
    pub(super) fn file(&self, service: Option<&str>) -> PathBuf {
        match service {
            None => self.machine.to_path_buf(),
            Some(service) => freeze::of_service(&self.machine, service),
        }
    }

    /// Looks after those of these services, and of no others.
    pub(super) fn of(&self, services: impl Iterator<Item = Arc<str>>) {
        let mut known = self.known();
        known.services = services.collect();
        let Known { services, told, .. } = &mut *known;
        told.retain(|brake, _| brake.as_ref().is_none_or(|name| services.contains(name)));
    }

    /// Notes what was ordered, and told by whoever did.
    pub(super) fn ordered(&self, brake: Brake, freeze: Option<Freeze>) {
        let mut known = self.known();
        known.orders += 1;
        known.told.insert(brake, freeze);
    }

    /// What is to be looked at now.
    pub(super) fn look(&self) -> Look {
        let known = self.known();
        let services = known.services.iter().cloned().map(Some);
        let all = services.chain([None]);
        Look {
            files: all
                .map(|brake| {
                    let file = self.file(brake.as_deref());
                    (brake, file)
                })
                .collect(),
            orders: known.orders,
        }
    }

    /// What two looks saw alike and people do not know; they are about to be told. Nothing where something
    /// was ordered after the second began.
    pub(super) fn changed(&self, before: &Pulled, look: &Look, seen: &Pulled) -> Vec<Change> {
        let mut known = self.known();
        if known.orders != look.orders {
            return Vec::new();
        }
        let settled = seen
            .iter()
            .filter(|(brake, freeze)| before.get(*brake) == Some(*freeze));
        let mut changes = Vec::new();
        for (brake, freeze) in settled {
            // Of a service that is not declared any more nobody hears.
            let is_looked_after = match brake {
                None => true,
                Some(service) => known.services.contains(service),
            };
            if is_looked_after && known.told.get(brake) != Some(freeze) {
                let told = known.told.insert(brake.clone(), freeze.clone());
                changes.push(Change {
                    brake: brake.clone(),
                    freeze: freeze.clone(),
                    is_new: told.is_some(),
                });
            }
        }
        changes
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look {
    /// Looks; a disk may hang.
    pub(super) fn see(&self) -> Pulled {
        let files = self.files.iter();
        // Where nobody ever stopped a single service, there is not even the folder.
        let folder = |file: &Path| file.parent().map(Path::metadata);
        let mut of_services = self.files.iter().filter(|(brake, _)| brake.is_some());
        let folder = of_services.next().and_then(|(_, file)| folder(file));
        let has_none = folder.is_some_and(|folder| {
            folder.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        });
        files
            .map(|(brake, file)| {
                let is_absent = has_none && brake.is_some();
                let freeze = if is_absent { None } else { frozen::read(file) };
                (brake.clone(), freeze)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulled(reason: &str) -> Option<Freeze> {
        Some(Freeze {
            by: None,
            reason: reason.to_owned(),
            since: None,
        })
    }

    fn change(service: Option<&str>, freeze: Option<Freeze>, is_new: bool) -> Change {
        Change {
            brake: service.map(Arc::from),
            freeze,
            is_new,
        }
    }

    /// Brakes of one service in a folder of their own, and what was seen at first.
    fn brakes() -> (tempfile::TempDir, Brakes, Pulled) {
        let folder = tempfile::tempdir().unwrap();
        let brakes = Brakes::new(&folder.path().join("freeze"));
        brakes.of([Arc::from("api")].into_iter());
        let look = brakes.look();
        let seen = look.see();
        assert_eq!(brakes.changed(&seen, &look, &seen).len(), 2);
        (folder, brakes, seen)
    }

    #[test]
    fn what_two_looks_see_alike_is_told_once() {
        let (_folder, brakes, first) = brakes();
        let file = brakes.file(Some("api"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "audit\n").unwrap();
        let look = brakes.look();
        let seen = look.see();
        assert_eq!(brakes.changed(&first, &look, &seen), [], "seen once");
        let expected = [change(Some("api"), pulled("audit"), true)];
        assert_eq!(brakes.changed(&seen, &look, &seen), expected);
        assert_eq!(brakes.changed(&seen, &look, &seen), [], "told");
        std::fs::remove_file(&file).unwrap();
        let gone = look.see();
        let expected = [change(Some("api"), None, true)];
        assert_eq!(brakes.changed(&gone, &look, &gone), expected);
    }

    #[test]
    fn what_was_ordered_is_not_told_again_whatever_was_seen_before_it() {
        let (_folder, brakes, first) = brakes();
        let look = brakes.look();
        brakes.ordered(None, pulled("audit"));
        assert_eq!(brakes.changed(&first, &look, &first), [], "seen too early");
        let mut seen = first.clone();
        seen.insert(None, pulled("audit"));
        assert_eq!(brakes.changed(&seen, &brakes.look(), &seen), []);
        let expected = [change(None, None, true)];
        assert_eq!(brakes.changed(&first, &brakes.look(), &first), expected);
    }

    #[test]
    fn services_come_and_go() {
        let (_folder, brakes, first) = brakes();
        let look = brakes.look();
        brakes.of([Arc::from("web")].into_iter());
        let mut seen = first;
        seen.insert(Some(Arc::from("api")), pulled("audit"));
        assert_eq!(brakes.changed(&seen, &look, &seen), [], "it is gone");
        let look = brakes.look();
        let seen = look.see();
        let expected = [change(Some("web"), None, false)];
        assert_eq!(brakes.changed(&seen, &look, &seen), expected);
    }

    #[test]
    fn a_folder_that_cannot_be_looked_into_is_a_pulled_brake() {
        let (folder, brakes, _) = brakes();
        std::fs::write(folder.path().join("frozen"), "").unwrap();
        let seen = brakes.look().see();
        assert!(seen[&Some(Arc::from("api"))].is_some());
        assert_eq!(seen[&None], None);
    }
}
