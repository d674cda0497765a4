//! How tasks replace each other, step by step, and how the traffic follows them.

use std::time::Duration;

use super::service::{Service, Task};
use super::state::{Ids, Present};
use super::traffic::Traffic;

impl Service {
    /// Runs as many tasks of the primary deployment as are due, and stops as many old ones.
    pub(super) fn shift(
        &mut self,
        elapsed: Duration,
        span: Duration,
        ids: &mut Ids,
        present: Present,
    ) {
        let Some(primary) = self.primary().cloned() else {
            return;
        };
        let due = due(self.desired, elapsed, span);
        for _ in self.running(&primary.id)..due {
            let number = ids.next();
            let arn = ids.names.task(&self.cluster, number);
            self.tasks.push(Task {
                arn,
                deployment: primary.id.clone(),
                revision: primary.revision.clone(),
                started: present.wall,
                stopped: None,
            });
        }
        let keep = self.desired.saturating_sub(due);
        self.stop_all_but(&primary.id, due, keep, present);
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
        let mut shares: Vec<(String, usize)> = Vec::new();
        for deployment in &self.deployments {
            let Some(revision) = self.revision(&deployment.revision) else {
                continue;
            };
            let tasks = self.running(&deployment.id);
            match shares
                .iter_mut()
                .find(|(label, _)| *label == revision.label)
            {
                Some((_, sum)) => *sum += tasks,
                None if tasks > 0 => shares.push((revision.label.clone(), tasks)),
                None => {}
            }
        }
        let traffic = Traffic::new(shares);
        self.traffic.send_if_modified(|current| {
            let changed = *current != traffic;
            *current = traffic;
            changed
        });
    }
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
}
