//! How tasks replace each other, step by step, and how the traffic follows them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::arn;
use super::service::{Service, Task};
use super::stages::{Movement, WHOLE};
use super::state::{Ids, Present};
use super::traffic::Traffic;

impl Service {
    /// Moves tasks and traffic as far as a movement has come.
    pub(super) fn carry(
        &mut self,
        movement: Movement,
        elapsed: Duration,
        span: Duration,
        ids: &mut Ids,
        present: Present,
    ) {
        let Some(primary) = self.primary().map(|primary| primary.id.clone()) else {
            return;
        };
        let due = due(self.desired, elapsed, span);
        let running = self.running(&primary).min(self.desired);
        let two_sides = self.weights.is_some();
        // How many of the primary deployment, and how many of the others may stay.
        let (new, old) = match movement {
            Movement::Pend | Movement::Wait => return,
            Movement::Replace => {
                let new = due.max(running);
                (new, self.desired.saturating_sub(new))
            }
            Movement::Raise => (due.max(running), usize::MAX),
            Movement::Weigh(_) => (self.desired, usize::MAX),
            Movement::Bake if two_sides => (self.desired, usize::MAX),
            Movement::Bake => (self.desired, 0),
            Movement::Retire => (self.desired, self.desired.saturating_sub(due)),
        };
        if let (Movement::Weigh(weight), Some((_, share))) = (movement, &mut self.weights) {
            *share = weight;
        }
        self.start(&primary, new, ids, present);
        self.stop_all_but(&primary, new, old, present);
    }

    /// Starts tasks of an entry of `deployments[]` until so many run.
    pub(super) fn start(
        &mut self,
        deployment: &str,
        wanted: usize,
        ids: &mut Ids,
        present: Present,
    ) {
        let mut entries = self.deployments.iter();
        let Some(revision) = entries
            .find(|known| known.id == deployment)
            .map(|known| known.revision.clone())
        else {
            return;
        };
        for _ in self.running(deployment)..wanted {
            let number = ids.next();
            let arn = ids.names.task(&self.cluster, number);
            self.tasks.push(Task {
                arn,
                deployment: deployment.to_owned(),
                revision: revision.clone(),
                started: present.wall,
                stopped: None,
                address: Some(arn::private_address(number)),
                digests: BTreeMap::new(),
                end: None,
            });
        }
    }

    /// Leaves `of_primary` tasks of the primary deployment and `of_others` of the others running.
    fn stop_all_but(
        &mut self,
        primary: &str,
        of_primary: usize,
        of_others: usize,
        present: Present,
    ) {
        let (mut primary_left, mut others_left) = (of_primary, of_others);
        // The newest are kept: the oldest task of an old revision goes first.
        for task in self.tasks.iter_mut().rev() {
            if task.stopped.is_some() {
                continue;
            }
            let left = if task.deployment == primary {
                &mut primary_left
            } else {
                &mut others_left
            };
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => task.stopped = Some(present.wall),
            }
        }
        let stopped = self.tasks.iter().filter(|task| task.stopped.is_some());
        let mut excess = stopped.count().saturating_sub(STOPPED_KEPT);
        self.tasks.retain(|task| {
            let forget = excess > 0 && task.stopped.is_some();
            excess -= usize::from(forget);
            !forget
        });
    }

    /// Tells whoever follows the traffic, when it has changed.
    pub(super) fn publish(&self) {
        let traffic = Traffic::new(match &self.weights {
            Some((revision, share)) => self.by_weight(revision, *share),
            None => self.by_tasks(),
        });
        self.traffic.send_if_modified(|current| {
            let changed = *current != traffic;
            *current = traffic;
            changed
        });
    }

    /// The share of the production traffic that a service revision is to get, in percent; none
    /// where traffic has no weights.
    pub(super) fn weight(&self, revision: &str) -> Option<f64> {
        let (new, share) = self.weights.as_ref()?;
        let share = if new == revision {
            *share
        } else {
            WHOLE.saturating_sub(*share)
        };
        Some(f64::from(share) / 10.0)
    }

    fn by_tasks(&self) -> Vec<(String, usize)> {
        let mut shares = Vec::new();
        for deployment in &self.deployments {
            if let Some(revision) = self.revision(&deployment.revision) {
                let tasks = self.running(&deployment.id);
                add(&mut shares, &revision.label, tasks);
            }
        }
        shares
    }

    /// By the weights of the two sides; the old side is the newest of the others.
    fn by_weight(&self, new: &str, share: u32) -> Vec<(String, usize)> {
        let mut others = self.deployments.iter().map(|known| known.revision.as_str());
        let old = others.find(|revision| *revision != new);
        let (new_share, old_share) = in_turns(share);
        let mut shares = Vec::new();
        for (revision, share) in [(Some(new), new_share), (old, old_share)] {
            if let Some(revision) = revision.and_then(|revision| self.revision(revision)) {
                add(&mut shares, &revision.label, share);
            }
        }
        shares
    }
}

fn add(shares: &mut Vec<(String, usize)>, label: &str, share: usize) {
    match shares.iter_mut().find(|(known, _)| known == label) {
        Some((_, sum)) => *sum += share,
        None if share > 0 => shares.push((label.to_owned(), share)),
        None => {}
    }
}

/// A share in thousandths as small whole turns of both sides: 250 is 1 and 3.
fn in_turns(share: u32) -> (usize, usize) {
    let of = |divisor: u32| {
        let turns = |part: u32| usize::try_from(part / divisor).unwrap_or(usize::MAX);
        (turns(share), turns(WHOLE.saturating_sub(share)))
    };
    let divides = |divisor: &u32| share.is_multiple_of(*divisor) && WHOLE.is_multiple_of(*divisor);
    of((1..=WHOLE).rev().find(divides).unwrap_or(1))
}

/// How many of the new tasks run after a part of the span: one at half its share of the time.
fn due(desired: usize, elapsed: Duration, span: Duration) -> usize {
    if elapsed >= span {
        return desired;
    }
    let Ok(tasks) = u32::try_from(desired) else {
        return desired;
    };
    // Whole arithmetic: task k of n is due at (2k-1)/2n of the span.
    let halves = elapsed.as_nanos() * u128::from(tasks) * 2 / span.as_nanos();
    usize::try_from(halves.div_ceil(2)).map_or(desired, |tasks| tasks.min(desired))
}

/// ECS shows stopped tasks for an hour; the stand-in shows so many.
const STOPPED_KEPT: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_due_in_the_middle_of_their_shares_and_all_at_the_end() {
        let span = Duration::from_secs(8);
        let at = |seconds| due(4, Duration::from_secs(seconds), span);
        let seen: Vec<usize> = (0..=8).map(at).collect();
        assert_eq!(seen, [0, 1, 1, 2, 2, 3, 3, 4, 4]);
        assert_eq!(due(4, Duration::ZERO, Duration::ZERO), 4);
        assert_eq!(due(0, Duration::ZERO, span), 0);
    }

    #[test]
    fn weights_become_small_turns() {
        let cases = [(0, (0, 1)), (1000, (1, 0)), (250, (1, 3)), (5, (1, 199))];
        for (share, turns) in cases {
            assert_eq!(in_turns(share), turns, "{share}");
        }
    }
}
