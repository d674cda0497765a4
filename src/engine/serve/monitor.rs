//! The monitor of a service: its checks, probed without end while no window is open. What they saw goes
//! to the board and to the history; what is said of a check is told when it changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::board::ServiceBoard;
use super::happenings::{Herald, News, Severity};
use super::pulse::Turn;
use super::telling::Said;
use crate::clock::{Moment, WallTime};
use crate::engine::context::Context;
use crate::engine::sampling::{Manner, Sampling};
use crate::engine::schedule;
use crate::event::Verdict;
use crate::plan::CheckPlan;
use crate::sample::{CheckId, Sample};
use crate::store::history::{Batch, Seen};

/// The checks of a service by name, and what is known of them.
#[derive(Debug)]
pub(super) struct Roll {
    places: HashMap<CheckId, usize>,
    board: Arc<ServiceBoard>,
    service: Arc<str>,
}

impl Roll {
    pub(super) fn new(service: &Arc<str>, checks: &[CheckPlan], board: &Arc<ServiceBoard>) -> Self {
        let places = checks.iter().enumerate();
        Self {
            places: places
                .map(|(place, check)| (check.facts.id.clone(), place))
                .collect(),
            board: Arc::clone(board),
            service: Arc::clone(service),
        }
    }

    /// Takes samples in: each goes to the board, and all of them to the history.
    pub(super) fn hear(
        &self,
        herald: &Herald,
        context: &Context,
        window: Option<&Arc<str>>,
        samples: Vec<Sample>,
    ) {
        let (now, wall) = (context.clock.now(), context.clock.wall());
        let mut seen = Vec::with_capacity(samples.len());
        for sample in samples {
            let at = as_wall(sample.started, now, wall);
            if let Some(place) = self.places.get(&sample.check) {
                self.note(herald, context, *place, at, now, &sample, window.is_some());
            }
            seen.push(Seen {
                at,
                service: Arc::clone(&self.service),
                window: window.map(Arc::clone),
                sample,
            });
        }
        herald.recorder().take(Batch {
            samples: seen,
            ..Batch::default()
        });
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one sample with both of its times"
    )]
    fn note(
        &self,
        herald: &Herald,
        context: &Context,
        place: usize,
        at: WallTime,
        now: Moment,
        sample: &Sample,
        in_window: bool,
    ) {
        let turn = {
            let mut pulse = self.board.pulse(place);
            pulse.note(at, sample);
            // In a window its own judge speaks.
            match in_window {
                true => None,
                false => pulse.judge(at, now),
            }
        };
        if let Some(turn) = turn {
            context.instruments.judged(place, turn.to);
            self.tell(herald, &sample.check, &turn);
        }
    }

    /// Says of a check what a window found.
    pub(super) fn say(&self, check: &CheckId, verdict: Verdict, because: &str, at: WallTime) {
        if let Some(place) = self.places.get(check) {
            self.board.pulse(*place).say(at, verdict, because);
        }
    }

    fn last_started(&self, check: &CheckId) -> Option<Moment> {
        let place = self.places.get(check)?;
        self.board.pulse(*place).last_started()
    }

    /// What ran until now was another revision.
    pub(super) fn begin_anew(&self, now: Moment) {
        for place in self.places.values() {
            self.board.pulse(*place).begin_anew(now);
        }
    }

    fn tell(&self, herald: &Herald, check: &CheckId, turn: &Turn) {
        // That it is nearly over is no news to people; that it is over will be.
        let is_step_down = (turn.from, turn.to) == (Verdict::Fail, Verdict::Warn);
        if turn.is_proven && !is_step_down {
            self.tell_people(herald, check, turn.to, &turn.because);
        }
        let is_news = !turn.is_first || matches!(turn.to, Verdict::Fail | Verdict::Warn);
        if !is_news || turn.from == turn.to {
            return;
        }
        let news = judged(check, Some(turn.from), turn.to, &turn.because);
        herald.tell(news.of(&self.service));
    }

    /// Tells people what is said of a check outside any window.
    pub(super) fn tell_people(
        &self,
        herald: &Herald,
        check: &CheckId,
        verdict: Verdict,
        because: &str,
    ) {
        herald.people.judged(&Said {
            service: &self.service,
            check,
            verdict,
            because,
            revision: self.board.revision().as_deref(),
        });
    }
}

/// That something else is said of a check.
pub(super) fn judged(check: &CheckId, from: Option<Verdict>, to: Verdict, because: &str) -> News {
    let severity = match to {
        Verdict::Fail => Severity::Critical,
        Verdict::Warn | Verdict::Inconclusive => Severity::Warning,
        Verdict::Pass => Severity::Info,
    };
    let word = match to {
        Verdict::Fail => "FAIL",
        Verdict::Warn => "WARN",
        Verdict::Pass | Verdict::Inconclusive => to.name(),
    };
    let text = match because.is_empty() {
        true => format!("{word} {check}"),
        false => format!("{word} {check}: {because}"),
    };
    News::new("check_judged", severity, text)
        .about(check)
        .fact("from", from.map(Verdict::name))
        .fact("to", to.name())
        .fact("because", because)
}

/// Starts probing these checks, which are some of the service's. Those that ran before keep their
/// schedule.
pub(super) fn start(context: &Context, roll: &Roll, checks: &[CheckPlan]) -> Sampling {
    let now = context.clock.now();
    let every: Vec<Duration> = checks.iter().map(|check| check.every).collect();
    let mut first = schedule::spread(&every, now);
    for (first, check) in first.iter_mut().zip(checks) {
        if let Some(last) = roll.last_started(&check.facts.id) {
            *first = next_turn(last, check.every, now);
        }
    }
    let mut context = context.clone();
    context.instruments = Arc::new(context.instruments.for_checks(checks));
    let manner = Manner {
        any_version: true,
        first: Some(first),
        ..Manner::default()
    };
    Sampling::start(&context, checks, manner)
}

/// When a check is due next that ran at `last`: as if it had gone on all the time.
fn next_turn(last: Moment, every: Duration, now: Moment) -> Moment {
    let turns = now
        .since(last)
        .as_nanos()
        .div_ceil(every.as_nanos().max(1))
        .max(1);
    last + every.saturating_mul(u32::try_from(turns).unwrap_or(u32::MAX))
}

/// A moment of this process as wall time, by how long ago it was.
pub(super) fn as_wall(moment: Moment, now: Moment, wall: WallTime) -> WallTime {
    WallTime::since_unix_epoch(wall.unix().saturating_sub(now.since(moment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_that_is_started_again_keeps_its_turns() {
        let at = |seconds| Moment::at(Duration::from_secs(seconds));
        let every = Duration::from_secs(10);
        for (last, now, next) in [
            (3, 4, 13),
            (3, 13, 13),
            (3, 14, 23),
            (3, 95, 103),
            (3, 3, 13),
        ] {
            assert_eq!(
                next_turn(at(last), every, at(now)),
                at(next),
                "{last} {now}"
            );
        }
    }
}
