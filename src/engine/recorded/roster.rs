//! Which checks a recording may name, which of them are judged, and how late a sample may come. Made
//! by `cli`, asked by [`super`] for every line.

use std::collections::HashMap;
use std::time::Duration;

use crate::plan::CheckPlan;
use crate::probe::registry::KINDS;
use crate::sample::{CheckId, Unit};

/// A sample arrives when its run has ended, at most a timeout after its start, and a busy machine
/// hands it on a little later. Older ones are a file in another order.
const LATE_AT_MOST: Duration = Duration::from_secs(10);

/// Which checks a recording may name, and which of them are judged.
#[derive(Clone, Debug)]
pub struct Roster {
    pub(super) seats: HashMap<Box<str>, Option<Seat>>,
    pub(super) late_at_most: Duration,
    /// Whether a check that is not declared is passed over.
    pub(super) is_of_another_time: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) place: usize,
    pub(super) check: CheckId,
    pub(super) units: &'static [(&'static str, Unit, &'static str)],
}

impl Roster {
    /// How many checks are judged.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seats.values().flatten().count()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The checks that are judged, among all that are declared. Samples of the others are left out.
    #[must_use]
    pub fn new<'a>(judged: &[CheckPlan], declared: impl IntoIterator<Item = &'a CheckId>) -> Self {
        let unjudged = declared
            .into_iter()
            .map(|check| (check.as_str().into(), None));
        let mut seats: HashMap<Box<str>, Option<Seat>> = unjudged.collect();
        for (place, check) in judged.iter().enumerate() {
            let kind = KINDS.iter().find(|kind| kind.name == check.facts.kind);
            let seat = Seat {
                place,
                check: check.facts.id.clone(),
                units: kind.map_or(&[], |kind| kind.readings.named),
            };
            seats.insert(check.facts.id.as_str().into(), Some(seat));
        }
        let longest = judged.iter().map(|check| check.timeout).max();
        Self {
            seats,
            late_at_most: longest.unwrap_or_default() + LATE_AT_MOST,
            is_of_another_time: false,
        }
    }

    /// The same for recordings that nobody chose: checks were renamed and dropped since.
    #[must_use]
    pub fn of_another_time(self) -> Self {
        Self {
            is_of_another_time: true,
            ..self
        }
    }
}
