//! The open loops of one thread's checks: which of them have something to send, and what each run of
//! theirs has to tell. Asked by [`super::rounds`] beside its schedule.

use std::collections::BTreeMap;

use super::{Shared, Stint};
use crate::clock::Moment;
use crate::engine::open_loop::{OpenLoop, Start};
use crate::plan::CheckPlan;
use crate::sample::{Sample, Sending};

/// The open loops, by the places of their checks.
#[derive(Debug, Default)]
pub(super) struct Loads(BTreeMap<usize, Loop>);

#[derive(Debug)]
enum Loop {
    /// Its target is not known to be ready: the first run is patient, and the sending waits for it.
    Ready { most: u32, sends: u64 },
    /// It sends.
    Sending(OpenLoop),
}

impl Loads {
    pub(super) fn new(shared: &Shared, mine: &[usize], stint: &Stint) -> Self {
        let loops = mine.iter().filter(|place| stint.sends[**place] > 0);
        let loops = loops.map(|place| {
            let (check, sends) = (&shared.checks[*place], stint.sends[*place]);
            let most = shared.context.slots.most_of_a_load();
            let one = match shared.patience {
                Some(_) => Loop::Ready { most, sends },
                None => begun(check, most, sends, stint.first[*place])?,
            };
            Some((*place, one))
        });
        Self(loops.flatten().collect())
    }

    /// Whether the runs of a check are sent here and not by the schedule.
    pub(super) fn has(&self, index: usize) -> bool {
        self.0.contains_key(&index)
    }

    /// When the next send is due.
    pub(super) fn next_due(&self) -> Option<Moment> {
        let due = |one: &Loop| match one {
            Loop::Ready { .. } => None,
            Loop::Sending(open) => open.next_due(),
        };
        self.0.values().filter_map(due).min()
    }

    /// Takes a run that may start now, and the place of its check.
    pub(super) fn take(&mut self, now: Moment) -> Option<(usize, Start)> {
        self.0.iter_mut().find_map(|(index, one)| match one {
            Loop::Ready { .. } => None,
            Loop::Sending(open) => open.take(now).map(|start| (*index, start)),
        })
    }

    /// The place of a check of which sends were left out because our machine was away, and how many;
    /// to be asked until there is none.
    pub(super) fn take_missed(&mut self) -> Option<(usize, u64)> {
        self.0.iter_mut().find_map(|(index, one)| match one {
            Loop::Ready { .. } => None,
            Loop::Sending(open) => Some((*index, open.take_missed())).filter(|(_, n)| *n > 0),
        })
    }

    /// Hears that a run ended whose sample is this: it tells what could not be sent meanwhile. The
    /// end of a patient run begins the sending.
    pub(super) fn ended(
        &mut self,
        index: usize,
        check: &CheckPlan,
        now: Moment,
        sample: Option<&mut Sample>,
    ) {
        let Some(one) = self.0.get_mut(&index) else {
            return;
        };
        match one {
            Loop::Ready { most, sends } => {
                if let Some(sending) = begun(check, *most, *sends, now) {
                    *one = sending;
                }
            }
            Loop::Sending(open) => {
                let told = open.ended(now);
                if let Some(sample) = sample {
                    let own = sample.sending.unwrap_or_default();
                    sample.sending = Some(Sending {
                        waited: own.waited,
                        ..told
                    });
                }
            }
        }
    }

    /// Sends nothing more, not even what waits.
    pub(super) fn stop(&mut self) {
        for one in self.0.values_mut() {
            match one {
                Loop::Ready { sends, .. } => *sends = 0,
                Loop::Sending(open) => open.stop(),
            }
        }
    }
}

/// A loop whose first send is due at a moment; none without a rate.
fn begun(check: &CheckPlan, most: u32, sends: u64, start: Moment) -> Option<Loop> {
    let mut load = check.load()?;
    load.max_in_flight = load.max_in_flight.min(most);
    let open = OpenLoop::new(load, check.timeout, start);
    Some(Loop::Sending(open.ending_after(sends)))
}
