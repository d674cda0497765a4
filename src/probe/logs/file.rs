//! The lines of a file that were written since the window was opened. The count is one of all runs of
//! the check; runs that overlap wait for each other.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::counted::Counted;
use super::tail::Tail;
use crate::clock::Moment;
use crate::expect::Pattern;
use crate::probe::Attempt;
use crate::probe::wire::aside::aside;
use crate::sample::{Fault, Reason};

/// A file whose lines are counted.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    matches: Pattern,
    from_the_end: bool,
    course: Mutex<Course>,
}

#[derive(Debug)]
struct Course {
    tail: Tail,
    counting: Option<Counting>,
}

/// What was counted so far in one window.
#[derive(Clone, Debug)]
struct Counting {
    window: Option<Moment>,
    began: Moment,
    counted: Counted,
}

impl LogFile {
    pub(super) fn new(path: PathBuf, matches: Pattern, from_the_end: bool) -> Self {
        let tail = Tail::new(path.clone());
        Self {
            path,
            matches,
            from_the_end,
            course: Mutex::new(Course {
                tail,
                counting: None,
            }),
        }
    }

    /// Counts on from where the last run ended.
    pub(super) async fn count(self: &Arc<Self>, attempt: &Attempt) -> Result<Counted, Fault> {
        let (now, window) = (attempt.now(), attempt.window_since());
        let this = Arc::clone(self);
        let counted = aside(move || this.read(now, window)).await;
        counted.map_err(|error| self.unreadable(&error))
    }

    fn read(&self, now: Moment, window: Option<Moment>) -> io::Result<Counted> {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        let Course { tail, counting } = &mut *course;
        if counting.as_ref().is_none_or(|known| known.window != window) {
            // Only what was there before the very first look is ever counted from the beginning.
            tail.start(self.from_the_end || counting.is_some())?;
            *counting = Some(Counting {
                window,
                began: now,
                counted: Counted::default(),
            });
        }
        let Some(counting) = counting else {
            return Ok(Counted::default());
        };
        let counted = &mut counting.counted;
        let is_all = tail.read_on(|line| counted.take(line, self.matches.is_in(line)))?;
        counted.span = now.since(counting.began);
        counted.is_silent = counted.lines == 0;
        counted.partial = (!is_all).then(|| "the file grows faster than it is read".to_owned());
        Ok(counted.clone())
    }

    fn unreadable(&self, error: &io::Error) -> Fault {
        let path = self.path.display();
        let (reason, why) = match error.kind() {
            io::ErrorKind::NotFound => (Reason::NoData, "is not there".to_owned()),
            io::ErrorKind::PermissionDenied => (
                Reason::SourceDenied,
                "is not for us to read: give us the right to".to_owned(),
            ),
            _ => (Reason::SourceDown, format!("cannot be read: {error}")),
        };
        Fault::new(reason, format!("{path} {why}"))
    }
}
