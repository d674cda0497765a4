//! What must not be hidden when a run is given up before its report: failures that were proven, and
//! a rollback that was begun.

use std::collections::BTreeSet;

use super::exit;
use crate::deployment::RollbackOutcome;
use crate::event::{Verdict, What};
use crate::sample::CheckId;

/// What the events have told so far.
#[derive(Debug, Default)]
pub struct Seen {
    failed: BTreeSet<CheckId>,
    rollback: Option<String>,
    ended: Option<RollbackOutcome>,
}

impl Seen {
    /// Takes in what happened.
    pub fn take(&mut self, what: &What) {
        match what {
            What::CheckJudged { check, to, .. } => {
                if *to == Verdict::Fail {
                    self.failed.insert(check.clone());
                } else {
                    self.failed.remove(check);
                }
            }
            What::RollbackIntended(plan) => {
                let (from, to) = (&plan.deployment.revision, &plan.target);
                self.rollback = Some(format!("{from} -> {to}"));
            }
            What::RollbackEnded { outcome, .. } => self.ended = Some(*outcome),
            _ => {}
        }
    }

    /// The exit code of a run that was given up at a signal.
    #[must_use]
    pub fn code(&self, signal: u8) -> u8 {
        match (self.ended, &self.rollback) {
            (Some(outcome), begun) => exit::rollback_code(outcome, begun.is_some()),
            (None, Some(_)) => exit::ROLLBACK_FAILED,
            (None, None) if !self.failed.is_empty() => exit::FAILED,
            (None, None) => signal,
        }
    }

    /// One line for the person who gave it up.
    #[must_use]
    pub fn last_words(&self) -> String {
        match (&self.rollback, self.ended, self.failed.first()) {
            (Some(rollback), None, _) => format!(
                "ended at once, without a report: the rollback {rollback} was ordered and not seen \
                 to its end; look at the service's deployments now"
            ),
            (_, _, Some(check)) => {
                format!("ended at once, without a report; {check} had failed")
            }
            _ => "ended at once, without a report".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deployment::{Actuator, Deployment, Images, Revision, RollbackPlan, Wanted};

    fn judged(to: Verdict) -> What {
        What::CheckJudged {
            check: CheckId::new("orders"),
            from: None,
            to,
            because: String::new(),
        }
    }

    fn intended() -> What {
        let revision = |label: &str| Revision {
            id: label.to_owned(),
            label: label.to_owned(),
        };
        What::RollbackIntended(Box::new(RollbackPlan {
            deployment: Deployment {
                id: "arn".to_owned(),
                service: "api".to_owned(),
                revision: revision("api:42"),
                previous: None,
                created: None,
                images: Images::new(),
                service_revision: None,
            },
            target: revision("api:41"),
            actuator: Actuator::UpdateService,
            images: Images::new(),
            handle: None,
            expected: None,
            not_restored: Vec::new(),
            caveats: Vec::new(),
            wanted: Wanted::default(),
        }))
    }

    fn ended(outcome: RollbackOutcome) -> What {
        What::RollbackEnded {
            outcome,
            because: String::new(),
        }
    }

    #[test]
    fn what_was_proven_or_begun_is_not_hidden_by_a_second_signal() {
        let cases = [
            (vec![], 130, "nothing was seen"),
            (vec![judged(Verdict::Pass)], 130, "nothing was proven"),
            (vec![judged(Verdict::Fail)], 1, "a failure was proven"),
            (
                vec![judged(Verdict::Fail), judged(Verdict::Pass)],
                130,
                "it was taken back",
            ),
            (
                vec![judged(Verdict::Fail), intended()],
                11,
                "nobody saw the end of the rollback",
            ),
            (
                vec![
                    judged(Verdict::Fail),
                    intended(),
                    ended(RollbackOutcome::RolledBackVerified),
                ],
                10,
                "it was over already",
            ),
            (
                vec![ended(RollbackOutcome::Superseded)],
                13,
                "nothing was changed",
            ),
        ];
        for (events, code, why) in cases {
            let mut seen = Seen::default();
            events.iter().for_each(|what| seen.take(what));
            assert_eq!(seen.code(exit::INTERRUPTED), code, "{why}");
        }
        let mut seen = Seen::default();
        seen.take(&intended());
        assert!(seen.last_words().contains("api:42 -> api:41"));
    }
}
