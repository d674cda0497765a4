//! One run of a flow: its steps in order, those that always run, and what is said of it all.

use std::time::Duration;

use super::scope::Scope;
use super::step::{Ran, Step};
use crate::probe::Attempt;
use crate::probe::attempt::Parts;
use crate::sample::{Fault, Reason, Unit};

/// A run of a flow under way.
pub struct Course<'a> {
    attempt: &'a mut Attempt,
    parts: Parts,
    scope: Scope,
    passed: u32,
}

/// A step that failed: its fault, which names it.
pub struct Failed(Fault);

impl<'a> Course<'a> {
    /// Begins a run, with the cookies and the values of a login where one attends it.
    pub fn begin(attempt: &'a mut Attempt) -> Self {
        let given = attempt.given().unwrap_or_default();
        let cookies = attempt.cookies().unwrap_or_default();
        Self {
            parts: attempt.parts().anywhere(),
            scope: Scope::new(attempt.calendar(), given, cookies),
            attempt,
            passed: 0,
        }
    }

    /// Takes the steps until one fails; a share of the time is kept where others always run.
    pub async fn steps(&mut self, steps: &[Step], others_run: bool) -> Option<Failed> {
        let kept = if others_run {
            self.attempt.timeout() / KEPT
        } else {
            Duration::ZERO
        };
        for (index, step) in steps.iter().enumerate() {
            let fault = match step.lacks(&self.scope) {
                Some(name) => Some(not_captured(name)),
                None => self.step(step, kept).await,
            };
            if let Some(fault) = fault {
                return Some(Failed(named(step, fault, &steps[index + 1..])));
            }
        }
        None
    }

    /// Takes the steps that run whatever happened. One that needs what was never captured has nothing
    /// to do.
    pub async fn always(&mut self, steps: &[Step]) -> Option<Failed> {
        let mut failed: Option<Failed> = None;
        for (index, step) in steps.iter().enumerate() {
            if let Some(name) = step.lacks(&self.scope) {
                let note = format!(
                    "step \"{}\" had nothing to do: `{name}` was not captured",
                    step.name
                );
                self.attempt.note(note);
                continue;
            }
            // Each of those to come gets its share of what is left.
            let others = u32::try_from(steps.len() - index - 1).unwrap_or(u32::MAX);
            let left = self.attempt.left_for_parts();
            let kept = left - left / others.saturating_add(1);
            if let Some(fault) = self.step(step, kept).await {
                failed = failed.or(Some(Failed(named(step, fault, &[]))));
            }
        }
        failed
    }

    /// Takes one step, and makes what it measured a part of the run.
    async fn step(&mut self, step: &Step, kept: Duration) -> Option<Fault> {
        let left = self.attempt.left_for_parts().saturating_sub(kept);
        let Ran {
            part,
            result,
            reply,
        } = step.run(&self.parts, left, &mut self.scope).await;
        if let Some(mut part) = part {
            let latency = part.latency();
            self.attempt.add(&mut part);
            for reading in part.readings() {
                let name = format!("{}.{}", step.reading, reading.name);
                self.attempt.reading(&name, reading.value, reading.unit);
            }
            if result.is_ok() {
                let name = format!("{}.latency", step.reading);
                self.attempt
                    .reading(&name, latency.as_secs_f64(), Unit::Seconds);
            }
            for note in part.notes() {
                self.attempt.note(format!("step \"{}\": {note}", step.name));
            }
        }
        if let Some(reply) = reply {
            self.attempt.reply(|| reply);
        }
        match result {
            Ok(()) => {
                self.passed += 1;
                None
            }
            Err(fault) => Some(fault),
        }
    }

    /// Ends the run: the first step that failed is its fault, and what was left behind is told.
    pub fn end(self, failed: Option<Failed>, left_behind: Option<Failed>) -> Result<(), Fault> {
        self.attempt
            .reading("steps", f64::from(self.passed), Unit::Number);
        let tag = self.scope.tag().filter(|_| left_behind.is_some());
        let found = tag.map_or_else(String::new, |tag| {
            format!("; what this run created carries the tag {tag}")
        });
        match (failed, left_behind) {
            (None, None) => Ok(()),
            (Some(Failed(fault)), None) => Err(fault),
            (None, Some(Failed(fault))) => Err(Fault {
                detail: format!("{}{found}", fault.detail),
                ..fault
            }),
            (Some(Failed(fault)), Some(Failed(other))) => Err(Fault {
                detail: format!("{}; after that, {}{found}", fault.detail, other.detail),
                ..fault
            }),
        }
    }

    /// Ends a login: what it leaves for others, where all its steps passed.
    pub fn leave(self, failed: Option<Failed>) -> Result<Scope, Fault> {
        match failed {
            None => Ok(self.scope),
            Some(Failed(fault)) => Err(fault),
        }
    }
}

/// One part in so many of the time is kept for the steps that always run: a second of five.
const KEPT: u32 = 5;

/// How long a flow has to have so that its steps have this long beside those that always run.
pub fn whole_of(steps: Duration) -> Duration {
    steps * KEPT / (KEPT - 1)
}

fn not_captured(name: &str) -> Fault {
    let detail = format!("nothing was captured for `{name}`");
    Fault::new(Reason::Expectation, detail)
}

/// The fault with the step that it is of, and the steps that were skipped because of it.
fn named(step: &Step, fault: Fault, skipped: &[Step]) -> Fault {
    let name = &step.name;
    let skipped: Vec<String> = skipped
        .iter()
        .map(|one| format!("\"{}\"", one.name))
        .collect();
    let skipped = match skipped.as_slice() {
        [] => String::new(),
        some => format!("; skipped: {}", some.join(", ")),
    };
    Fault {
        detail: format!("step \"{name}\": {}{skipped}", fault.detail),
        ..fault
    }
}
