//! What a command gathers for its page while it runs: the samples of each check, folded, and what
//! happened. It takes events as they come, in bounded room, and is asked for the page once.

use std::collections::BTreeMap;

use super::course::Gathering;
use super::plot::scale::Across;
use super::story::{Moment, Story};
use crate::event::{Event, Verdict, What};
use crate::report::line::{Detail, line};
use crate::sample::CheckId;
use crate::secret::Mask;

/// So many moments are kept: a bake in which more happens than this is told by its first ones.
const MOST_MOMENTS: usize = 2_000;

/// What happened, as far as it was seen.
#[derive(Debug, Default)]
pub struct Telling {
    checks: BTreeMap<CheckId, Gathering>,
    moments: Vec<Moment>,
    began: Option<(crate::clock::Moment, crate::clock::WallTime)>,
}

impl Telling {
    /// Takes an event.
    pub fn take(&mut self, event: &Event, mask: &Mask) {
        let (began, wall) = *self.began.get_or_insert((event.at, event.wall));
        match &event.what {
            What::Sampled(sample) => {
                // By the line that no setting of the clock moves, from the first event on.
                let at = if sample.started >= began {
                    wall.unix() + sample.started.since(began)
                } else {
                    wall.unix().saturating_sub(began.since(sample.started))
                };
                let at = crate::clock::WallTime::since_unix_epoch(at);
                let gathering = self.checks.entry(sample.check.clone()).or_default();
                gathering.take(at, sample);
            }
            _ => self.moment(event, mask),
        }
    }

    fn moment(&mut self, event: &Event, mask: &Mask) {
        let Some(text) = line(event, Detail::Normal) else {
            return;
        };
        if self.moments.len() >= MOST_MOMENTS && matches!(event.what, What::CheckJudged { .. }) {
            return;
        }
        let (check, verdict) = match &event.what {
            What::CheckJudged { check, to, .. } => (Some(check.clone()), Some(*to)),
            _ => (None, None::<Verdict>),
        };
        self.moments.push(Moment {
            at: event.wall,
            kind: kind(&event.what).to_owned(),
            check,
            verdict,
            text: mask.apply(&text),
        });
    }

    /// Adds what was seen to the story of the same run.
    pub fn tell(self, story: &mut Story) {
        let across = Across {
            from: story.opened,
            to: story.until,
        };
        for (id, gathering) in self.checks {
            let told = story.checks.iter_mut().find(|told| told.id == id.as_str());
            if let Some(told) = told {
                told.course = Some(gathering.finish(across));
            }
        }
        story.moments = self.moments;
    }
}

/// The name of what happened, as the history has it.
const fn kind(what: &What) -> &'static str {
    match what {
        What::Started { .. } => "started",
        What::NotReady { .. } => "not_ready",
        What::Waiting { .. } => "waiting",
        What::Pinned { .. } => "deployment_pinned",
        What::Sampled(_) => "sampled",
        What::CheckJudged { .. } => "check_judged",
        What::StandingChanged(_) => "standing_changed",
        What::Decided { .. } => "decided",
        What::RollbackIntended(_) => "rollback_intended",
        What::RollbackStarted { .. } => "rollback_started",
        What::RollbackProgress(_) => "rollback_progress",
        What::VerificationStarted { .. } => "verification_started",
        What::RollbackEnded { .. } => "rollback_ended",
        What::Warned(_) => "warned",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;
    use crate::report::html::course::tests::{at, sample};
    use crate::report::html::story::tests::report;
    use crate::sample::Outcome;

    fn event(second: u64, what: What) -> Event {
        Event {
            at: clock::Moment::at(Duration::from_secs(1_000 + second)),
            wall: at(second),
            service: None,
            what,
        }
    }

    #[test]
    fn what_happened_comes_into_the_story_masked() {
        let mask = Mask::default();
        mask.hide("hunter22");
        let mut telling = Telling::default();
        telling.take(
            &event(0, What::Warned("the token hunter22".to_owned())),
            &mask,
        );
        let mut run = sample(Outcome::Pass, 20);
        run.check = CheckId::new("api-health");
        run.started = clock::Moment::at(Duration::from_secs(1_060));
        telling.take(&event(61, What::Sampled(run)), &mask);
        let mut story = Story::of_report(&report()).unwrap();
        telling.tell(&mut story);
        assert!(story.moments[0].text.contains("***"), "{:?}", story.moments);
        let course = story.checks[0].course.as_ref().unwrap();
        assert_eq!(course.whole().passed, 1);
        assert!(course.slices[0].at <= at(60) && course.slices[0].at > at(50));
    }
}
