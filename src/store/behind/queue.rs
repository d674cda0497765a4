//! What waits to be written, with a bound: what does not fit is given up and counted.

use std::collections::VecDeque;

use crate::store::history::{Batch, Happening, Seen, StoredWindow};

/// What waits, the oldest first.
#[derive(Debug)]
pub struct Queue {
    most: usize,
    samples: VecDeque<Seen>,
    happenings: VecDeque<Happening>,
    windows: VecDeque<StoredWindow>,
    /// What is being written now: it waits as well, and comes back when that fails.
    taken: Batch,
    lost: u64,
}

impl Queue {
    /// A queue for at most so many.
    pub const fn new(most: usize) -> Self {
        Self {
            most,
            samples: VecDeque::new(),
            happenings: VecDeque::new(),
            windows: VecDeque::new(),
            taken: Batch {
                samples: Vec::new(),
                happenings: Vec::new(),
                windows: Vec::new(),
            },
            lost: 0,
        }
    }

    /// Adds a batch. A window takes the place of what waits under its name.
    pub fn put(&mut self, batch: Batch) {
        self.samples.extend(batch.samples);
        self.happenings.extend(batch.happenings);
        for window in batch.windows {
            match self.windows.iter_mut().find(|one| one.id == window.id) {
                Some(known) => *known = window,
                None => self.windows.push_back(window),
            }
        }
        self.give_up();
    }

    /// How many wait, with those that are being written.
    pub fn len(&self) -> usize {
        self.waiting() + size(&self.taken)
    }

    /// Whether nothing waits that is not being written.
    pub fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Whether something waits that is more than samples.
    pub fn is_urgent(&self) -> bool {
        !(self.happenings.is_empty() && self.windows.is_empty())
    }

    /// How many were given up.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes what is to be written next: what happened before samples, for it is little and must not
    /// wait behind them.
    pub fn take(&mut self, most: usize) -> Batch {
        let windows = front(&mut self.windows, most);
        let happenings = front(&mut self.happenings, most - windows.len());
        let samples = front(&mut self.samples, most - windows.len() - happenings.len());
        self.taken = Batch {
            samples,
            happenings,
            windows,
        };
        self.taken.clone()
    }

    /// What was taken is written.
    pub fn written(&mut self) {
        self.taken = Batch::default();
    }

    /// What was taken could not be written: it waits again, before all others.
    pub fn failed(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        for seen in taken.samples.into_iter().rev() {
            self.samples.push_front(seen);
        }
        for happening in taken.happenings.into_iter().rev() {
            self.happenings.push_front(happening);
        }
        for window in taken.windows.into_iter().rev() {
            // A newer state of it may wait already.
            if !self.windows.iter().any(|one| one.id == window.id) {
                self.windows.push_front(window);
            }
        }
        self.give_up();
    }

    /// The samples that wait, the oldest first, as far as they are asked for.
    pub fn samples(&self, asked_for: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        let all = self.taken.samples.iter().chain(&self.samples);
        all.filter(|seen| asked_for(seen)).cloned().collect()
    }

    /// What happened and waits, the oldest first, as far as it is asked for.
    pub fn happenings(&self, asked_for: impl Fn(&Happening) -> bool) -> Vec<Happening> {
        let all = self.taken.happenings.iter().chain(&self.happenings);
        all.filter(|one| asked_for(one)).cloned().collect()
    }

    /// The windows that wait, each in its last state.
    pub fn windows(&self) -> Vec<StoredWindow> {
        let is_newer = |id| self.windows.iter().any(|one| one.id == id);
        let taken = self.taken.windows.iter();
        let taken = taken.filter(|one| !is_newer(one.id.clone()));
        taken.chain(&self.windows).cloned().collect()
    }

    fn waiting(&self) -> usize {
        self.samples.len() + self.happenings.len() + self.windows.len()
    }

    /// Gives up what does not fit: samples first, then what happened, windows last.
    fn give_up(&mut self) {
        while self.len() > self.most && !self.is_empty() {
            let sample = self.samples.pop_front().is_some();
            if !(sample || self.happenings.pop_front().is_some()) {
                self.windows.pop_front();
            }
            self.lost += 1;
        }
    }
}

fn size(batch: &Batch) -> usize {
    batch.samples.len() + batch.happenings.len() + batch.windows.len()
}

fn front<T>(queue: &mut VecDeque<T>, most: usize) -> Vec<T> {
    let count = most.min(queue.len());
    queue.drain(..count).collect()
}
