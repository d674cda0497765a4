//! What came of a sending: written down, tried again after a pause, or given up and told of.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use super::{Failure, LIFETIME, Outbox, Parcel, Waiting};
use crate::clock::Moment;
use crate::notify::dispatcher::damper::CALM;
use crate::notify::{Notice, Unsent};

/// The first pause after a failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// As many failures are told by name.
const MOST_FAILURES: usize = 50;

impl Outbox {
    /// Writes down what came of a parcel. Says whether what was told is other than before.
    pub(in crate::notify::dispatcher) fn settle(
        &mut self,
        parcel: Parcel,
        came: Result<(), Unsent>,
        now: Moment,
    ) -> bool {
        self.in_flight = None;
        self.is_sending = false;
        let Parcel { notice, of } = parcel;
        match came {
            Ok(()) => {
                self.counts.sent += 1;
                self.counts.spared += of.len().saturating_sub(1) as u64;
                self.failed_in_a_row = 0;
                self.trouble = None;
                let told: Vec<Notice> = of.into_iter().map(|(_, one)| one.notice).collect();
                self.ledger.told(&notice, &told, now)
            }
            Err(Unsent::Refused(why)) => {
                self.counts.refused += 1;
                self.gives_up(&notice);
                self.fails(notice.headline, why);
                false
            }
            Err(Unsent::Throttled { why, after }) => {
                let pause = after.unwrap_or_else(|| self.next_pause());
                self.put_back(of, now + pause.min(LIFETIME), Duration::ZERO, why);
                false
            }
            Err(Unsent::Passing(why)) => {
                // Others go first, in case it is this one that cannot be taken.
                let attempts = of.iter().map(|(_, one)| one.attempts).max();
                let behind = pause_after(attempts.unwrap_or_default() + 1);
                let until = now + self.next_pause();
                self.put_back(of, until, behind, why);
                false
            }
        }
    }

    /// Sends nothing until then, and this a while after others.
    fn put_back(&mut self, of: Vec<(u64, Waiting)>, until: Moment, behind: Duration, why: String) {
        self.counts.tried_again += 1;
        self.trouble = Some(why);
        self.paused_until = until;
        for (number, mut one) in of {
            one.attempts += 1;
            one.not_before = until + behind;
            self.waiting.insert(number, one);
        }
    }

    /// Twice as long after each failure in a row, less up to a half by chance, so that many who were
    /// cut off together do not come back together.
    fn next_pause(&mut self) -> Duration {
        self.failed_in_a_row += 1;
        let chance = self.dice.hash_one((self.counts.tried_again, self.numbered)) % 512;
        pause_after(self.failed_in_a_row) * (1_024 - u32::try_from(chance).unwrap_or(0)) / 1_024
    }

    pub(super) fn expire(&mut self, now: Moment) {
        let old = |one: &Waiting| now.since(one.since) > LIFETIME + CALM;
        let numbers: Vec<u64> = self
            .waiting
            .iter()
            .filter(|(_, one)| old(one))
            .map(|(n, _)| *n)
            .collect();
        for number in numbers {
            if let Some(one) = self.waiting.remove(&number) {
                self.counts.expired += 1;
                self.gives_up(&one.notice);
                let why = self.trouble.clone();
                let why = why.unwrap_or_else(|| "it could not be sent in time".to_owned());
                self.fails(one.notice.headline, why);
            }
        }
    }

    pub(super) fn fails(&mut self, headline: String, why: String) {
        self.trouble = Some(why.clone());
        if self.failures.len() < MOST_FAILURES {
            self.failures.push((headline, why));
        }
    }

    /// What did not arrive, and what still waits.
    pub(in crate::notify::dispatcher) fn failures(&self, notifier: &Arc<str>) -> Vec<Failure> {
        let unsent = |headline: &str, why: &str| Failure {
            notifier: Arc::clone(notifier),
            headline: headline.to_owned(),
            why: why.to_owned(),
        };
        let failed = self
            .failures
            .iter()
            .map(|(headline, why)| unsent(headline, why));
        let why = self
            .trouble
            .as_deref()
            .unwrap_or("there was no answer in time");
        let waiting = self.waiting.values().map(|one| &one.notice.headline);
        let waiting = waiting.chain(self.in_flight.iter().map(|one| &one.headline));
        failed
            .chain(waiting.map(|headline| unsent(headline, why)))
            .collect()
    }
}

fn pause_after(failures: u32) -> Duration {
    /// Beyond, the longest pause is reached.
    const DOUBLINGS: u32 = 6;
    let doubled = FIRST_PAUSE * 2_u32.pow(failures.saturating_sub(1).min(DOUBLINGS));
    doubled.min(LONGEST_PAUSE)
}
