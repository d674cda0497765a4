//! What our own machine kept a window from learning, summed up: how many samples, why, and what to
//! do about it. Pure; counted by `panel`, told by the reports.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::sample::{Reason, Sample};

/// The samples of a window from which nothing was learnt because of ourselves.
#[derive(Clone, Debug, Default)]
pub struct Troubles {
    samples: u64,
    seen: BTreeMap<Reason, Seen>,
}

#[derive(Clone, Debug, Default)]
struct Seen {
    samples: u64,
    /// How the last one of them put it.
    last: String,
}

/// One trouble of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it was.
    pub reason: Reason,
    /// How many samples it cost.
    pub samples: u64,
    /// One line for a person, with what to do.
    pub text: String,
}

impl Troubles {
    /// Counts a sample.
    pub fn count(&mut self, sample: &Sample) {
        self.samples += 1;
        let Some(fault) = sample.fault.as_ref() else {
            return;
        };
        if fault.reason.is_our_own() {
            let seen = self.seen.entry(fault.reason).or_default();
            seen.samples += 1;
            seen.last.clone_from(&fault.detail);
        }
    }

    /// Each trouble, the one that cost most first.
    #[must_use]
    pub fn told(&self) -> Vec<Trouble> {
        let mut told: Vec<Trouble> = self
            .seen
            .iter()
            .map(|(reason, seen)| Trouble {
                reason: *reason,
                samples: seen.samples,
                text: format!(
                    "{} of {} {} unknown: {}{}",
                    seen.samples,
                    self.samples,
                    match self.samples {
                        1 => "sample is",
                        _ => "samples are",
                    },
                    seen.last,
                    remedy(*reason)
                ),
            })
            .collect();
        told.sort_by_key(|trouble| Reverse(trouble.samples));
        told
    }
}

/// What to do about it; nothing where the detail says so itself.
const fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::Resolver => "; see that this machine's name servers answer",
        Reason::NoRoute => "; see that this machine has a route to the target and may use it",
        Reason::Starved => "; give this machine more CPU, or probe less often",
        Reason::ClockJumped => "; see what set this machine's clock, and run again",
        Reason::Offline => "; see to this machine's network",
        Reason::Panic => "; please report it",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Moment;
    use crate::sample::{CheckId, Fault, Phases};

    fn sample(fault: Option<Fault>) -> Sample {
        let outcome = fault.as_ref().map(|fault| fault.reason.outcome());
        Sample {
            check: CheckId::new("web"),
            started: Moment::ORIGIN,
            latency: Duration::ZERO,
            phases: Phases::default(),
            outcome: outcome.unwrap_or(crate::sample::Outcome::Pass),
            fault,
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            session: None,
            trace: None,
            sending: None,
        }
    }

    #[test]
    fn our_own_troubles_are_summed_up_and_those_of_others_are_not() {
        let mut troubles = Troubles::default();
        assert_eq!(troubles.told(), []);
        let met = [
            (3, Reason::Resolver, "our resolver did not answer"),
            (
                5,
                Reason::Exhausted,
                "out of file descriptors (raise `ulimit -n`)",
            ),
            (4, Reason::Refused, "connection refused"),
            (2, Reason::Throttled, "too many requests"),
        ];
        for (times, reason, detail) in met {
            for _ in 0..times {
                troubles.count(&sample(Some(Fault::new(reason, detail))));
            }
        }
        troubles.count(&sample(None));
        let told: Vec<String> = troubles.told().into_iter().map(|one| one.text).collect();
        assert_eq!(
            told,
            [
                "5 of 15 samples are unknown: out of file descriptors (raise `ulimit -n`)",
                "3 of 15 samples are unknown: our resolver did not answer; see that this machine's \
                 name servers answer",
            ]
        );
    }
}
