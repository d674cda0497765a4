//! The bake of a watch: probes, hears the judge and the platform, and decides as soon as something is
//! proven, or at the end. Changes nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::asking;
use super::bake::Bake;
use super::desk::{Ruled, Telling};
use super::panel::{Change, Heard, Panel, nothing_proven};
use super::record::Stamp;
use super::sampling::{CloserLook, Manner, Sampling};
use super::troubles::Troubles;
use super::watch::Watch;
use crate::clock::Moment;
use crate::decision::{self, Circumstances, Decision};
use crate::deploy::DeployError;
use crate::deployment::{Deployment, Standing};
use crate::event::What;
use crate::sample::Sample;
use crate::verdict::{Assessment, Before, Closing, JudgeKind};

/// A platform that cannot be asked at the end of the bake is asked again this long.
const LAST_LOOK: Duration = Duration::from_secs(60);

/// What a bake came to.
pub(super) struct Baked {
    pub(super) assessment: Assessment,
    pub(super) decision: Decision,
    pub(super) interrupted: bool,
    /// What the judge was given.
    pub(super) heard: Heard,
    /// What our own machine kept it from learning.
    pub(super) troubles: Troubles,
    /// What a person ordered about it; absent where the judge and the policy decided.
    pub(super) ruled: Option<Ruled>,
}

/// How much of a bake was heard.
#[derive(Clone, Copy, Debug)]
struct Part {
    /// Up to the end of the last sample.
    watched: Duration,
    samples: u64,
}

impl Part {
    fn of(panel: &Panel, start: Stamp) -> Self {
        Self {
            watched: panel.now().since(start.moment),
            samples: panel.heard().samples,
        }
    }
}

impl Watch<'_> {
    pub(super) async fn bake(
        &self,
        deployment: &Deployment,
        standing: Standing,
        before: Vec<Before>,
    ) -> Baked {
        let policy = &self.service.policy;
        let mut bake = Bake::new(Stamp::now(&*self.context.clock), policy.bake);
        self.emit(What::Started {
            checks: self.checks.len(),
            lasts: Some(policy.bake),
        });
        let mut panel = Panel::of_bake(self.checks, policy, bake.start.moment, before);
        let mut sampling = self.sampling(deployment, bake.start.moment);
        let (mut standings, _poller) = self.follow(deployment, standing);
        let mut telling = Telling::default();
        loop {
            let standing = *standings.borrow_and_update();
            let now = self.context.clock.now();
            if self.context.stop.is_cancelled() {
                return self.interrupted(panel, standing);
            }
            if let Some(ruling) = self.ruling() {
                return self.end_by_ruling(panel, &ruling, standing);
            }
            if bake.is_over(now, standing) {
                break;
            }
            // Before the end only what is proven bad can be decided about.
            let assessment = match panel.has_failed() {
                true => panel.outline(),
                false => nothing_proven(),
            };
            let part = Part::of(&panel, bake.start);
            let decision = self.decide(&assessment, Some(part), standing);
            if decision != Decision::Wait {
                return self.end_early(panel, decision);
            }
            self.lay_out(&mut telling, &panel, bake.next_end(now), standing);
            tokio::select! {
                Some(sample) = sampling.next() => {
                    if bake.judges(&sample, standing) {
                        self.hear(&mut panel, bake.start, &sample);
                    }
                }
                Ok(()) = standings.changed() => {
                    self.emit(What::StandingChanged(*standings.borrow()));
                }
                () = self.context.sleep_until(bake.next_end(now)) => {}
                () = self.ruled_upon() => {}
                () = self.context.stop.cancelled() => {}
            }
        }
        let known = *standings.borrow();
        self.end_of_bake(deployment, panel, sampling, bake, known)
            .await
    }

    /// Probing for the bake, more closely where something looks bad and the policy wants that.
    fn sampling(&self, deployment: &Deployment, start: Moment) -> Sampling {
        let policy = &self.service.policy;
        let warm = start + policy.warm_up;
        // Limits as written count every sample: those taken because one failed would tip them.
        let looks_closer =
            policy.judging.closer_look && policy.judging.judge == JudgeKind::Sequential;
        let closer_look = looks_closer.then_some(CloserLook { warm });
        let manner = Manner {
            in_window: true,
            closer_look,
            attendance: self.attendance(deployment),
            ..Manner::default()
        };
        Sampling::start(self.context, self.checks, manner)
    }

    /// Hands a sample to the judge, and to whoever shows or records it.
    fn hear(&self, panel: &mut Panel, start: Stamp, sample: &Sample) {
        self.emit(What::Sampled(sample.clone()));
        self.context.tape(start, sample);
        self.tell(panel.push(sample));
    }

    fn end_early(&self, panel: Panel, decision: Decision) -> Baked {
        Baked {
            heard: panel.heard(),
            troubles: panel.troubles().clone(),
            assessment: panel.assessment(),
            decision,
            interrupted: false,
            ruled: None,
        }
    }

    /// Ends a bake that was told to stop. What is proven stays proven; an estimate that only the
    /// whole bake entitles to condemn does not, and nothing is changed any more.
    fn interrupted(&self, mut panel: Panel, standing: Standing) -> Baked {
        let (assessment, changes) = panel.close(self.context.clock.now(), Closing::Running);
        self.tell(changes);
        let decision = match standing {
            Standing::Superseded => Decision::Superseded,
            _ => hold("told to stop before the end of the bake"),
        };
        Baked {
            heard: panel.heard(),
            troubles: panel.troubles().clone(),
            assessment,
            decision,
            interrupted: true,
            ruled: None,
        }
    }

    /// Lets the probes in flight end, looks once more at the platform, judges for good and decides.
    async fn end_of_bake(
        &self,
        deployment: &Deployment,
        mut panel: Panel,
        mut sampling: Sampling,
        bake: Bake,
        known: Standing,
    ) -> Baked {
        let now = self.context.clock.now();
        let ended = bake.end(now);
        sampling.finish();
        if let Some(caveat) = bake.caveat(ended).filter(|_| self.context.tape.is_some()) {
            self.warn(caveat);
        }
        let mut is_proven = self.is_proven(&panel, bake.start, known);
        // What is proven by a sample that comes late is proven as it would have been in time.
        let drain = async {
            while !is_proven && let Some(sample) = sampling.next().await {
                if sample.started <= ended {
                    self.hear(&mut panel, bake.start, &sample);
                    is_proven = self.is_proven(&panel, bake.start, known);
                }
            }
        };
        let (seen, ()) = tokio::join!(self.last_look(deployment, now), drain);
        let standing = *seen.as_ref().unwrap_or(&known);
        if self.context.stop.is_cancelled() {
            return self.interrupted(panel, standing);
        }
        if standing != known {
            self.emit(What::StandingChanged(standing));
        }
        let part = Part::of(&panel, bake.start);
        let early = self.decide(&panel.outline(), Some(part), standing);
        if is_proven && early != Decision::Wait {
            return self.end_early(panel, early);
        }
        let (assessment, changes) = panel.close(ended, Closing::Final);
        self.tell(changes);
        let decision = match (self.decide(&assessment, None, standing), seen) {
            (Decision::Wait, _) => self.undecided(standing),
            // Who took over meanwhile, and whether it still runs at all, was not seen.
            (Decision::Accept { .. }, Err(error)) => hold(&format!(
                "the platform could not be asked at the end of the bake: {error}"
            )),
            (decision, _) => decision,
        };
        Baked {
            heard: panel.heard(),
            troubles: panel.troubles().clone(),
            assessment,
            decision,
            interrupted: false,
            ruled: None,
        }
    }

    /// Whether a failure is proven that is acted upon before the bake is over.
    fn is_proven(&self, panel: &Panel, start: Stamp, standing: Standing) -> bool {
        let part = Part::of(panel, start);
        panel.has_failed() && self.decide(&panel.outline(), Some(part), standing) != Decision::Wait
    }

    /// What the platform says when the bake is over: what was last heard may be old.
    async fn last_look(
        &self,
        deployment: &Deployment,
        ended: Moment,
    ) -> Result<Standing, DeployError> {
        let told = |error: &DeployError| self.warn(format!("cannot ask the platform: {error}"));
        let standing = || self.target.standing(deployment);
        tokio::select! {
            seen = asking::ask(self.context, ended + LAST_LOOK, told, standing) => seen,
            () = self.context.stop.cancelled() => Err(asking::stopped()),
        }
    }

    /// What is done when the time is over and nothing was decided.
    fn undecided(&self, standing: Standing) -> Decision {
        let state = match standing {
            Standing::InFlight => "still being rolled out",
            _ => "in an unclear state",
        };
        let bake = crate::quantity::human(self.service.policy.bake);
        hold(&format!(
            "the deployment is {state} after its bake of {bake} and as long again"
        ))
    }

    /// What is decided after a part of the bake, up to the last sample that was heard; or at its
    /// end.
    fn decide(&self, assessment: &Assessment, part: Option<Part>, standing: Standing) -> Decision {
        let circumstances = Circumstances {
            bake_over: part.is_none(),
            watched: part.map_or(self.service.policy.bake, |part| part.watched),
            samples: part.map_or(u64::MAX, |part| part.samples),
            standing,
            permission: self.options.permission,
        };
        decision::decide(&self.service.policy, assessment, &circumstances)
    }

    /// Asks the platform again and again what it says of the deployment.
    fn follow(
        &self,
        deployment: &Deployment,
        standing: Standing,
    ) -> (watch::Receiver<Standing>, AbortOnDropHandle<()>) {
        let (sender, receiver) = watch::channel(standing);
        let (target, deployment) = (Arc::clone(&self.target), deployment.clone());
        let events = self.context.events.of(&self.service.name);
        let poll = self.options.pace.poll;
        let task = tokio::spawn(async move {
            let mut could_ask = true;
            loop {
                tokio::time::sleep(poll).await;
                match target.standing(&deployment).await {
                    Ok(standing) => {
                        could_ask = true;
                        sender.send_if_modified(|known| {
                            let changed = *known != standing;
                            *known = standing;
                            changed
                        });
                    }
                    Err(error) if could_ask => {
                        could_ask = false;
                        events.emit(What::Warned(format!("cannot ask the platform: {error}")));
                    }
                    Err(_) => {}
                }
            }
        });
        (receiver, AbortOnDropHandle::new(task))
    }

    pub(super) fn tell(&self, changes: impl IntoIterator<Item = Change>) {
        for change in changes {
            self.context.instruments.judged(change.place, change.to);
            self.emit(What::CheckJudged {
                check: change.check,
                from: change.from,
                to: change.to,
                because: change.because,
            });
        }
    }
}

pub(super) fn hold(because: &str) -> Decision {
    Decision::Hold {
        because: vec![because.to_owned()],
        interlock: None,
    }
}
