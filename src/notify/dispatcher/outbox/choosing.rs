//! What is to be sent next: the first that is due and behind nothing of its thread, many of a storm as
//! one, and with nothing else to do what lasts and is to be told again.

use std::collections::BTreeSet;

use super::{GATHERING, InFlight, LOOKED_AT_EVERY, Next, Outbox, Parcel, Waiting};
use crate::clock::Moment;
use crate::notify::dispatcher::ledger::Recovery;
use crate::notify::dispatcher::storm;
use crate::notify::{Effect, Kind, Notice};

impl Outbox {
    /// Chooses what to send next. While closing, nothing is waited for but pauses after failures.
    pub(in crate::notify::dispatcher) fn take(&mut self, now: Moment, closing: bool) -> Next {
        self.expire(now);
        if self.is_sending {
            return Next::At(now + LOOKED_AT_EVERY);
        }
        let next = self.choose(now, closing);
        self.is_sending = matches!(next, Next::Send(_));
        next
    }

    fn choose(&mut self, now: Moment, closing: bool) -> Next {
        if self.paused_until > now {
            return match self.waiting.is_empty() && closing {
                true => Next::Nothing,
                false => Next::At(self.paused_until),
            };
        }
        loop {
            let number = match self.first_due(now, closing) {
                Ok(number) => number,
                Err(wakes) => return self.again(wakes, now, closing),
            };
            let Some(first) = self.waiting.remove(&number) else {
                continue;
            };
            if let Some(parcel) = self.parcel(number, first, now, closing) {
                self.in_flight = Some(InFlight::of(&parcel));
                return Next::Send(Box::new(parcel));
            }
        }
    }

    /// The first that is due and behind nothing of its thread, or when one will be.
    fn first_due(&self, now: Moment, closing: bool) -> Result<u64, Option<Moment>> {
        let mut behind: BTreeSet<&str> = BTreeSet::new();
        let mut wakes: Option<Moment> = None;
        for (number, one) in &self.waiting {
            if behind.contains(one.notice.thread.as_str()) {
                continue;
            }
            if one.not_before <= now || (closing && one.attempts == 0) {
                return Ok(*number);
            }
            behind.insert(&one.notice.thread);
            wakes = Some(wakes.map_or(one.not_before, |wakes| wakes.min(one.not_before)));
        }
        Err(wakes)
    }

    /// With nothing else to do, what lasts is told again.
    fn again(&mut self, wakes: Option<Moment>, now: Moment, closing: bool) -> Next {
        if closing {
            return wakes.map_or(Next::Nothing, Next::At);
        }
        let ways = &self.ways;
        match self
            .ledger
            .due(now, |notice| ways.repeat(notice), &*ways.hush)
        {
            Ok(notice) => Next::Send(Box::new(Parcel {
                notice,
                of: Vec::new(),
            })),
            Err(again) => {
                let first = [wakes, again].into_iter().flatten().min();
                first.map_or(Next::Nothing, Next::At)
            }
        }
    }

    /// What is sent for the first: itself, a storm, or nothing, where nobody was told what it ends.
    fn parcel(
        &mut self,
        number: u64,
        first: Waiting,
        now: Moment,
        closing: bool,
    ) -> Option<Parcel> {
        if first.notice.effect == Effect::Resolves {
            let ended = match self.ledger.recovers(&first.notice.subject) {
                Recovery::Ends { under } => storm::ended(first.notice.clone(), under),
                Recovery::Untold if first.matched && !first.notice.kind.is_for_the_told() => {
                    first.notice.clone()
                }
                Recovery::Untold | Recovery::Partial => {
                    self.counts.spared += 1;
                    return None;
                }
            };
            return Some(Parcel {
                notice: ended,
                of: vec![(number, first)],
            });
        }
        if self.ledger.knows(&first.notice) {
            // It was being sent when it was said once more.
            self.counts.spared += 1;
            return None;
        }
        let mut of = vec![(number, first)];
        if let [(_, first)] = of.as_slice()
            && first.notice.kind == Kind::CheckFailing
            && !self.ledger.is_open(&first.notice.subject)
        {
            of.extend(self.others_of_the_storm(&first.notice, now, closing));
        }
        if of.len() < storm::STORM {
            let rest = of.split_off(1);
            self.waiting.extend(rest);
        }
        let all: Vec<Notice> = of.iter().map(|(_, one)| one.notice.clone()).collect();
        let mut notice = storm::told_as_one(&all)?;
        if let Some(under) = self.ledger.under(&notice.subject)
            && notice.effect == Effect::Opens
        {
            // It was told with a storm, whose end is to end it as well.
            notice.subject = under.to_owned();
        }
        Some(Parcel { notice, of })
    }

    fn others_of_the_storm(
        &mut self,
        first: &Notice,
        now: Moment,
        closing: bool,
    ) -> Vec<(u64, Waiting)> {
        let mut behind: BTreeSet<String> = BTreeSet::new();
        let mut numbers = Vec::new();
        for (number, one) in &self.waiting {
            // Those still gathering are of the same storm; those that failed before wait their time.
            let ready = one.not_before <= now + GATHERING || (closing && one.attempts == 0);
            // What is open already has got worse, which is told under its own subject.
            let is_new = !self.ledger.is_open(&one.notice.subject);
            let joins = ready && is_new && storm::belong_together(first, &one.notice);
            if joins && !behind.contains(&one.notice.thread) {
                numbers.push(*number);
            } else {
                behind.insert(one.notice.thread.clone());
            }
        }
        let taken = numbers.into_iter();
        taken
            .filter_map(|number| Some((number, self.waiting.remove(&number)?)))
            .collect()
    }
}
