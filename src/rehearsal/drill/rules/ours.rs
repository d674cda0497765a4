//! The judge of this program, by the policy: the very functions that judge a real window.
//!
//! Samples are handed to it in the order in which they arrive, as the engine does, and it is asked
//! after each of them; when the bake is over it is asked a last time.

use std::time::Duration;

use super::{Judged, Rule};
use crate::clock::Moment;
use crate::decision::Policy;
use crate::engine::panel::Panel;
use crate::event::Verdict;
use crate::plan::CheckPlan;
use crate::rehearsal::drill::layout::Trial;
use crate::rehearsal::drill::window::{Seen, Shot, SimulatedWindow};
use crate::sample::{CheckId, Fault, Outcome, Phases, Reason, Sample};
use crate::verdict::Closing;

/// Our rule, for one trial.
#[derive(Debug)]
pub struct Ours {
    checks: Vec<CheckPlan>,
    policy: Policy,
}

impl Ours {
    /// The rule by the policy of a trial.
    #[must_use]
    pub fn new(trial: &Trial) -> Self {
        Self {
            checks: trial.checks.clone(),
            policy: trial.policy.clone(),
        }
    }
}

impl Rule for Ours {
    fn judge(&self, window: &SimulatedWindow) -> Judged {
        let mut panel = Panel::of_bake(&self.checks, &self.policy, Moment::ORIGIN, Vec::new());
        let checks = self.checks.iter();
        let mut samples: Vec<Sample> = checks.map(|check| blank(&check.facts.id)).collect();
        for shot in &window.shots {
            let sample = &mut samples[shot.check];
            write(sample, shot);
            panel.push_at(shot.check, sample);
            if panel.has_failed() {
                return Judged::at(Some(shot.arrived()));
            }
        }
        let end = Moment::at(window.bake);
        let (assessment, _) = panel.close(end, Closing::Final);
        let verdict = assessment.verdict;
        Judged {
            verdict,
            condemned: (verdict == Verdict::Fail).then_some(window.bake),
        }
    }
}

/// A sample of a check in which nothing is written yet.
fn blank(check: &CheckId) -> Sample {
    Sample {
        check: check.clone(),
        started: Moment::ORIGIN,
        latency: Duration::ZERO,
        phases: Phases::default(),
        outcome: Outcome::Pass,
        fault: None,
        readings: Vec::new(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    }
}

fn write(sample: &mut Sample, shot: &Shot) {
    let (outcome, reason) = match shot.seen {
        Seen::Right => (Outcome::Pass, None),
        Seen::Wrong => (Outcome::Fail, Some(Reason::Status)),
        Seen::Nothing => (Outcome::Error, Some(Reason::Timeout)),
    };
    sample.started = Moment::at(shot.started);
    sample.latency = shot.latency;
    sample.outcome = outcome;
    sample.fault = reason.map(|reason| Fault::new(reason, "simulated"));
    sample.closer_look = shot.closer_look;
}

#[cfg(test)]
mod tests {
    use super::super::Contestant;
    use super::super::stage::{condemned, of_shots, shot};

    #[test]
    fn an_outage_is_condemned_and_a_good_window_is_not() {
        let window = |seen| {
            let shots = (0..60).map(|turn| shot(0, turn * 10, seen));
            let others = (0..60).map(|turn| shot(1, turn * 10, '.'));
            of_shots(600, shots.chain(others).collect())
        };
        assert_eq!(condemned(Contestant::Ours, &window('.')), None);
        let at = condemned(Contestant::Ours, &window('x'));
        assert!(at.is_some_and(|at| at < 300), "{at:?}");
    }
}
