//! What ECS knows of a service, and what that means for the check. Pure.

use std::collections::BTreeMap;

use crate::expect::{Inquiry, Matcher};
use crate::probe::Attempt;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason, Unit};

/// What ECS knows of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) desired: u32,
    pub(super) running: u32,
    pub(super) pending: u32,
    /// Of the newest deployment; absent where ECS does not say.
    pub(super) rollout: Option<Rollout>,
    /// How many tasks of the newest deployment ECS itself counts as failed to start.
    pub(super) failed_to_start: u32,
    /// The tasks of the newest deployment that have stopped.
    pub(super) stopped: Vec<Stopped>,
    /// Whether these are all of them.
    pub(super) knows_all_stopped: bool,
    /// The newest event since the deployment.
    pub(super) event: Option<String>,
}

/// How far a deployment has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Rollout {
    InProgress,
    Completed,
    /// It has failed; in the words of ECS.
    Failed(String),
}

/// A task that has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stopped {
    pub(super) cause: Cause,
    /// Why, in the words of ECS.
    pub(super) why: String,
}

/// Who or what stopped a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It never came up, ended by itself, or failed its health checks.
    Itself,
    /// The scheduler had no more use for it.
    Scheduler,
    /// The machine beneath it, or Spot, took it away.
    Infrastructure,
    /// A person.
    User,
    /// Something that is not known here.
    Other,
}

impl Cause {
    /// By the stop code; of what the scheduler stopped, only its words say that health checks failed.
    pub(super) fn of(code: Option<&str>, why: &str) -> Self {
        let is_unhealthy = || why.to_lowercase().contains("health check");
        match code {
            Some("TaskFailedToStart" | "EssentialContainerExited") => Self::Itself,
            Some("ServiceSchedulerInitiated") if is_unhealthy() => Self::Itself,
            Some("ServiceSchedulerInitiated") => Self::Scheduler,
            Some("SpotInterruption" | "TerminationNotice" | "InfrastructureHealth") => {
                Self::Infrastructure
            }
            Some("UserInitiated") => Self::User,
            _ => Self::Other,
        }
    }
}

impl Facts {
    /// How many tasks failed: what ECS shows one by one, or counts, whichever is more. Its own count
    /// goes back to none as soon as one runs.
    fn failed(&self) -> u32 {
        let shown = self.stopped.iter().filter(|it| it.cause == Cause::Itself);
        let shown = u32::try_from(shown.count()).unwrap_or(u32::MAX);
        shown.max(self.failed_to_start)
    }

    fn readings(&self) -> [(&'static str, u32); 5] {
        let stopped = u32::try_from(self.stopped.len()).unwrap_or(u32::MAX);
        [
            ("desired", self.desired),
            ("running", self.running),
            ("pending", self.pending),
            ("stopped_tasks", stopped),
            ("failed_tasks", self.failed()),
        ]
    }

    pub(super) fn record(&self, attempt: &mut Attempt) {
        for (name, count) in self.readings() {
            attempt.reading(name, f64::from(count), Unit::Number);
        }
        let removed = self
            .stopped
            .iter()
            .filter(|it| it.cause == Cause::Infrastructure);
        if let Some(first) = removed.clone().next() {
            let (count, why) = (removed.count(), &first.why);
            attempt.note(format!("{count} tasks were taken away from below: {why}"));
        }
    }

    pub(super) fn judge(&self, expected: &BTreeMap<String, Matcher>) -> Result<(), Fault> {
        if let Some(Rollout::Failed(why)) = &self.rollout {
            return Err(Fault::new(
                Reason::Status,
                format!("its deployment has failed: {why}"),
            ));
        }
        let mut inquiry = Inquiry::default();
        for (name, value) in self.readings() {
            if let Some(matcher) = expected.get(name) {
                inquiry.ask(|| {
                    let mismatch = matcher.judge(&value.into()).mismatch()?;
                    Some(format!("{name}: {mismatch}{}", self.words_on(name)))
                });
            }
        }
        inquiry.end()?;
        if !self.knows_all_stopped {
            let detail = "more tasks have stopped than are read: one of the newest deployment may be \
                          among the others";
            return Err(Fault::new(Reason::NoData, detail));
        }
        let (running, desired) = (self.running, self.desired);
        if desired == 0 {
            let detail = "the service wants no task: there is nothing to judge";
            return Err(Fault::new(Reason::NoData, detail));
        }
        if running >= desired || expected.contains_key("running") {
            return Ok(());
        }
        let detail = format!("{running} of {desired} tasks run{}", self.last_event());
        Err(match self.rollout {
            // It is not meant to have all of them yet.
            Some(Rollout::InProgress) => {
                Fault::new(Reason::Undecided, format!("the rollout goes on: {detail}"))
            }
            _ => Fault::new(Reason::Status, detail),
        })
    }

    /// Why tasks failed, as the end of a message.
    fn words_on(&self, name: &str) -> String {
        let mut shown = self.stopped.iter();
        match shown.find(|it| it.cause == Cause::Itself) {
            Some(first) if name.ends_with("_tasks") => format!("; one: {}", first.why),
            _ => self.last_event(),
        }
    }

    fn last_event(&self) -> String {
        let event = self.event.as_deref();
        event.map_or_else(String::new, |event| {
            format!("; ECS says: {}", one_line(event))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(running: u32) -> Facts {
        Facts {
            desired: 2,
            running,
            rollout: Some(Rollout::Completed),
            knows_all_stopped: true,
            ..Facts::default()
        }
    }

    fn stopped(code: &str, why: &str) -> Facts {
        Facts {
            stopped: vec![Stopped {
                cause: Cause::of(Some(code), why),
                why: why.to_owned(),
            }],
            ..facts(2)
        }
    }

    #[test]
    fn each_state_of_a_service_says_what_it_means() {
        let failed = Facts {
            rollout: Some(Rollout::Failed("tasks failed to start".to_owned())),
            ..facts(2)
        };
        let going_on = Facts {
            rollout: Some(Rollout::InProgress),
            ..facts(1)
        };
        let uncounted = Facts {
            failed_to_start: 3,
            ..facts(2)
        };
        let exited = "Essential container in task exited";
        let unhealthy = "Task failed ELB health checks in (target-group x)";
        let cases = [
            (facts(2), None, "all is well"),
            (facts(3), None, "a rollout may run more"),
            (facts(1), Some(Reason::Status), "one is missing"),
            (going_on, Some(Reason::Undecided), "it is not over"),
            (failed, Some(Reason::Status), "ECS gave it up"),
            (uncounted, Some(Reason::Expectation), "ECS counts them"),
            (
                Facts {
                    desired: 0,
                    ..facts(0)
                },
                Some(Reason::NoData),
                "nothing is wanted",
            ),
            (
                stopped("EssentialContainerExited", exited),
                Some(Reason::Expectation),
                "it ended",
            ),
            (
                stopped("TaskFailedToStart", "x"),
                Some(Reason::Expectation),
                "it never began",
            ),
            (
                stopped("ServiceSchedulerInitiated", unhealthy),
                Some(Reason::Expectation),
                "the scheduler stopped what was ill",
            ),
            (
                stopped("ServiceSchedulerInitiated", "Scaling activity"),
                None,
                "too many",
            ),
            (stopped("SpotInterruption", "x"), None, "not its fault"),
            (stopped("UserInitiated", "x"), None, "somebody wanted it"),
        ];
        let expected = BTreeMap::from([("failed_tasks".to_owned(), Matcher::equal(0))]);
        for (facts, reason, why) in cases {
            let met = facts.judge(&expected).err().map(|fault| fault.reason);
            assert_eq!(met, reason, "{why}");
        }
    }
}
