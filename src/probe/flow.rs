//! The kind `flow`: steps one after the other, as a user takes them: register, log in, browse,
//! create, pay, clean up.
//!
//! It proves that the whole way can be gone: that each step is answered as expected, with what the
//! steps before it were answered. A step is of any other kind; what it captures fills in `{{ name }}`
//! in the steps after it, and cookies are kept from step to step. The first step that fails ends the
//! flow, and names itself; those after it are skipped, not judged. Steps under `always` run whatever
//! happened.
//!
//! It does not run a browser, and it repeats no step. A run that is stopped in the middle (the
//! program ends) cleans nothing up: what it created carries the tag of the run, `{{ run.tag }}`.

mod capture;
mod course;
mod scope;
mod session;
mod settings;
mod step;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::session::FlowSession;
pub use self::settings::{FlowSettings, SessionSettings};

use self::course::Course;
use self::step::Step;
use super::{Attempt, Kind, Misfit, Probe, Readings, Replies, Surroundings, Target};
use crate::sample::{Fault, Unit};

/// The kind `flow`.
#[derive(Clone, Copy, Debug)]
pub struct Flow;

/// The lists of steps of a login.
pub const SESSION_STEPS: &[&str] = &[STEPS];

const STEPS: &str = "steps";
const ALWAYS: &str = "always";

impl Kind for Flow {
    const NAME: &'static str = "flow";
    const SUMMARY: &'static str =
        "Several steps, each with what those before it captured, are answered as expected";
    const READINGS: Readings = Readings {
        named: &[(
            "steps",
            Unit::Number,
            "how many steps passed, those that always run included",
        )],
        open: true,
    };
    const REPLIES: Replies = Replies::Whole;
    const STEPS: &'static [&'static str] = &[STEPS, ALWAYS];
    type Settings = FlowSettings;

    fn probe(
        settings: FlowSettings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if settings.steps.is_empty() {
            let misfit = Misfit::at(&[STEPS], "a flow without steps proves nothing");
            misfits.push(misfit.hint("write `- { name: …, http: { url: … } }`"));
        }
        let mut taken = Vec::new();
        let mut list = |name, settings, place| {
            settings::steps(
                name,
                settings,
                surroundings,
                place,
                &mut taken,
                &mut misfits,
            )
        };
        let steps = list(STEPS, settings.steps, 0);
        let always = list(ALWAYS, settings.always, 1);
        if !misfits.is_empty() {
            return Err(misfits);
        }
        Ok(Box::new(FlowProbe { steps, always }))
    }
}

struct FlowProbe {
    steps: Vec<Step>,
    always: Vec<Step>,
}

impl FlowProbe {
    fn all(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().chain(&self.always)
    }
}

#[async_trait]
impl Probe for FlowProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let mut course = Course::begin(attempt);
        let failed = course.steps(&self.steps, !self.always.is_empty()).await;
        let left_behind = course.always(&self.always).await;
        course.end(failed, left_behind)
    }

    fn readings(&self) -> Option<Vec<(Arc<str>, Unit)>> {
        Some(self.all().flat_map(Step::readings).collect())
    }

    fn lasts(&self) -> Duration {
        let lasts = |steps: &[Step]| steps.iter().map(|step| step.mold.lasts).sum::<Duration>();
        let (steps, always) = (lasts(&self.steps), lasts(&self.always));
        match self.always.is_empty() {
            true => steps,
            false => (steps + always).max(course::whole_of(steps)),
        }
    }

    fn longest_part(&self) -> Option<(&str, Duration)> {
        let declared = self.all().filter_map(|step| {
            let timeout = step.timeout?;
            Some((step.name.as_str(), timeout))
        });
        declared.max_by_key(|(_, timeout)| *timeout)
    }

    fn target(&self) -> Option<Target> {
        let mut targets = self.all().map(|step| &step.mold.target);
        let first = targets.next()?.as_ref()?;
        targets
            .all(|other| other.as_ref() == Some(first))
            .then(|| first.clone())
    }
}
