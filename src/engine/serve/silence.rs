//! Silences at the daemon: they begin and end by the clock, people order and lift them, and what was
//! ordered survives a restart in a small file of the state folder.

use std::io;
use std::path::{Path, PathBuf};

use super::daemon::Daemon;
use super::handle::{Done, Refused, Silence, Whose};
use super::happenings::{News, Severity};
use super::live::SilenceNow;
use super::silencing::Ordered;

/// The file in the state folder.
const FILE: &str = "silences.json";
/// More of them at once are a mistake of whoever orders them.
const MOST: usize = 1_000;

impl Daemon {
    /// Takes over what was ordered before a restart.
    pub(super) fn remember_silences(&self) {
        match read(&self.silences_file()) {
            Ok(ordered) => self.silencing.add(ordered),
            Err(error) => {
                // It is kept for whoever wants to see what was in it: the next order writes a new one.
                let file = self.silences_file();
                let aside = file.with_extension("unreadable");
                let kept = std::fs::rename(&file, &aside).map(|()| aside);
                let kept =
                    kept.map_or_else(|_| String::new(), |it| format!(", see {}", it.display()));
                let text =
                    format!("silences that were ordered before cannot be read: {error}{kept}");
                self.herald
                    .tell(News::new("warned", Severity::Warning, text));
            }
        }
    }

    /// Begins and ends what is due.
    pub(super) fn review_silences(&self) {
        let review = self.silencing.review(self.outfit.context.clock.wall());
        for silence in &review.began {
            self.herald.tell(told("silence_began", "begins", silence));
        }
        for silence in &review.ended {
            self.herald.tell(told("silence_ended", "is over", silence));
        }
        if !review.ended.is_empty() {
            self.tell_what_is_bad();
        }
    }

    /// What began to fail in silence and still fails is told now; who was told already hears nothing.
    pub(super) fn tell_what_is_bad(&self) {
        for manned in &self.manned {
            manned
                .board
                .each_bad(|said| self.herald.people.judged(&said));
        }
    }

    /// Makes a silence that a person ordered.
    pub(super) fn silence(&self, by: &Whose, silence: Silence) -> Result<Done, Refused> {
        let now = self.outfit.context.clock.wall();
        self.examine(&silence)?;
        if silence.until <= now {
            let why = "a silence ends in the future".to_owned();
            return Err(Refused::Senseless(why));
        }
        if silence.reason.trim().is_empty() {
            return Err(Refused::Senseless("a silence has a reason".to_owned()));
        }
        let ordered = self.silencing.ordered();
        if ordered.iter().filter(|one| one.to > now).count() >= MOST {
            return Err(Refused::Conflict(format!(
                "there are {MOST} silences already"
            )));
        }
        let id = ulid::Ulid::new().to_string();
        let ordered = Ordered::new(id.clone(), &by.name, silence, now);
        let shown = ordered.now();
        self.silencing.add([ordered]);
        let kept = self.keep_silences();
        let news = told("silence_ordered", "is ordered", &shown);
        self.herald.tell(news.fact("by", by.name.clone()));
        self.review_silences();
        // It is in force all the same; whoever ordered it must know that it may not last.
        kept.map(|()| Done::Silence(id))
    }

    /// Ends a silence that a person ordered.
    pub(super) fn lift(&self, by: &Whose, id: &str) -> Result<Done, Refused> {
        let Some(lifted) = self.silencing.lift(id) else {
            return Err(match self.silencing.is_declared(id) {
                true => Refused::Conflict(format!(
                    "silence {id} is declared: change the configuration"
                )),
                false => Refused::Unknown(format!("there is no silence {id}")),
            });
        };
        let kept = self.keep_silences();
        let news = told("silence_lifted", "is lifted", &lifted.now());
        self.herald.tell(news.fact("by", by.name.clone()));
        self.review_silences();
        kept.map(|()| Done::Said(format!("silence {id} is lifted")))
    }

    /// A silence about what nobody has would silence nothing, and nobody would know.
    fn examine(&self, silence: &Silence) -> Result<(), Refused> {
        let unknown =
            |what: &str, name: &str| Err(Refused::Unknown(format!("there is no {what} {name}")));
        let mut services = self.manned.iter();
        if let Some(name) = &silence.service
            && !services.any(|one| *one.service.name == **name)
        {
            return unknown("service", name);
        }
        let mut checks = self.manned.iter().flat_map(|one| &one.declared);
        if let Some(name) = &silence.check
            && !checks.any(|one| one.check.as_str() == name)
        {
            return unknown("check", name);
        }
        if let Some(name) = &silence.tag
            && !self.silencing.has_tag(name)
        {
            return unknown("tag", name);
        }
        Ok(())
    }

    fn keep_silences(&self) -> Result<(), Refused> {
        let file = self.silences_file();
        write(&file, &self.silencing.ordered()).map_err(|error| {
            let shown = file.display();
            Refused::Failed(format!(
                "done, but it cannot be kept over a restart in {shown}: {error}"
            ))
        })
    }

    fn silences_file(&self) -> PathBuf {
        self.outfit.state.join(FILE)
    }
}

fn told(kind: &'static str, what: &str, silence: &SilenceNow) -> News {
    let SilenceNow {
        id, reason, about, ..
    } = silence;
    let stops = match silence.stops_checks {
        true => "checks",
        false => "alerts",
    };
    let text = format!("silence {id} {what} ({stops}, {about}): {reason}");
    News::new(kind, Severity::Info, text)
        .fact("silence", id.clone())
        .fact("about", about.clone())
        .fact("reason", reason.clone())
        .fact("stops", stops)
        .fact("until", silence.to.unix().as_secs())
}

/// What a file holds; nothing where there is none.
fn read(file: &Path) -> io::Result<Vec<Ordered>> {
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Replaces the file: who reads it sees the old content or the new.
fn write(file: &Path, ordered: &[Ordered]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = file.with_extension("new");
    std::fs::write(&beside, serde_json::to_vec(ordered)?)?;
    std::fs::rename(beside, file)
}
