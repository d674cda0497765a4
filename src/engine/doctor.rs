//! `doctor`: looks at everything that a watch will need, and says what is missing, before anything
//! is at stake. Every check and every control is run once, every platform examined. Changes nothing: it orders no
//! rollback, opens no window, takes no lease and writes nothing down.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::asking;
use super::context::Context;
use super::control;
use super::logbook::Journaling;
use super::record::Stamp;
use super::sampling;
use crate::decision::Past;
use crate::deploy::{DeployError, DeploymentTarget};
use crate::deployment::{Deployment, Examined, Purpose, Selector, Standing, State, Wanted};
use crate::plan::{CheckPlan, ControlPlan, ServicePlan};
use crate::probe::attempt::Conditions;
use crate::quantity::human;
use crate::sample::{Outcome, Sample};

/// A service to look at.
pub struct Patient<'a> {
    /// The service, with its policy.
    pub service: &'a ServicePlan,
    /// Where it is deployed; absent when that was not declared.
    pub target: Option<Result<Arc<dyn DeploymentTarget>, DeployError>>,
}

/// What a doctor looks with and at.
pub struct Doctor<'a> {
    /// What every run shares.
    pub context: &'a Context,
    /// The services.
    pub patients: Vec<Patient<'a>>,
    /// The control checks. Those that reach nobody excuse what others do not reach, so they are to
    /// be well before a watch begins.
    pub controls: &'a [ControlPlan],
    /// The checks.
    pub checks: &'a [CheckPlan],
    /// The journal, or why there is none.
    pub journaling: Journaling,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Examination {
    /// When it began.
    pub started: Stamp,
    /// When it was over.
    pub finished: Stamp,
    /// What was found of each service.
    pub services: Vec<ServiceExamined>,
    /// What each check answered.
    pub checks: Vec<CheckExamined>,
    /// Whether it was told to stop before it was over.
    pub interrupted: bool,
}

/// What was found of a service.
#[derive(Clone, Debug)]
pub struct ServiceExamined {
    /// The service, as declared.
    pub name: Arc<str>,
    /// What was found, in the order in which it was looked at.
    pub found: Vec<Examined>,
}

/// What a check answered.
#[derive(Clone, Debug)]
pub struct CheckExamined {
    /// Its kind.
    pub kind: &'static str,
    /// The one run.
    pub sample: Sample,
}

impl CheckExamined {
    /// Whether its target was reached. A wrong answer is one: to judge it is not the doctor's.
    #[must_use]
    pub const fn is_reached(&self) -> bool {
        matches!(self.sample.outcome, Outcome::Pass | Outcome::Fail)
    }
}

impl Examination {
    /// Everything that somebody has to mend before a watch can be relied on.
    #[must_use]
    pub fn problems(&self) -> usize {
        let found = self.services.iter().flat_map(|service| &service.found);
        let unreached = self.checks.iter().filter(|check| !check.is_reached());
        found.filter(|one| one.is_problem()).count() + unreached.count()
    }
}

/// How long a platform may take for one question about a deployment.
const PATIENCE: Duration = Duration::from_secs(20);

impl Doctor<'_> {
    /// Looks at everything, and says what was found.
    pub async fn examine(&self) -> Examination {
        let started = Stamp::now(&*self.context.clock);
        let (services, checks) = tokio::select! {
            found = async { tokio::join!(self.services(), self.checks()) } => found,
            () = self.context.stop.cancelled() => (Vec::new(), Vec::new()),
        };
        Examination {
            started,
            finished: Stamp::now(&*self.context.clock),
            services,
            checks,
            interrupted: self.context.stop.is_cancelled(),
        }
    }

    async fn services(&self) -> Vec<ServiceExamined> {
        let mut services = Vec::new();
        for patient in &self.patients {
            services.push(ServiceExamined {
                name: Arc::clone(&patient.service.name),
                found: self.service(patient).await,
            });
        }
        services
    }

    async fn service(&self, patient: &Patient<'_>) -> Vec<Examined> {
        let target = match &patient.target {
            None => {
                let detail = "not declared: gate can probe it, watch cannot judge it";
                return vec![Examined::of("deployment", State::Unknown, detail)];
            }
            Some(Err(error)) => {
                return vec![Examined::of("platform", State::Failed, error.to_string())];
            }
            Some(Ok(target)) => &**target,
        };
        let purpose = purpose(patient.service);
        let mut found = target.examine(&purpose, &*self.context.clock).await;
        let mut of_deployment = self.deployment(patient.service, target).await;
        if found.iter().any(Examined::is_problem) {
            // What cannot be told of a deployment rests on that; it is not a problem of its own.
            let failed = of_deployment.iter_mut();
            failed
                .filter(|one| one.is_problem())
                .for_each(|one| one.state = State::Unknown);
        }
        found.extend(of_deployment);
        found.extend(self.journal(target, purpose.acts).await);
        found
    }

    /// How the current deployment stands, what a rollback of it would be, and what should be known
    /// before it is watched.
    async fn deployment(
        &self,
        service: &ServicePlan,
        target: &dyn DeploymentTarget,
    ) -> Vec<Examined> {
        let pinned = self.ask(target.pin(&Selector::Current)).await;
        let deployment = match pinned {
            Ok(deployment) => deployment,
            Err(error) => return vec![told("deployment", &error)],
        };
        let mut found = vec![match self.ask(target.standing(&deployment)).await {
            Ok(standing) => {
                let detail = format!("{}, {}", deployment.revision, words(standing));
                Examined::of("deployment", State::Ok, detail)
            }
            Err(error) => told("deployment", &error),
        }];
        let wanted = self.wanted(service, target).await;
        found.push(self.rollback(target, &deployment, &wanted).await);
        match self
            .ask(target.concerns(&deployment, service.policy.bake, &wanted))
            .await
        {
            Ok(concerns) => found.extend(
                concerns
                    .into_iter()
                    .map(|concern| Examined::of("concern", State::Unknown, concern)),
            ),
            Err(error) => found.push(told("concern", &error)),
        }
        found
    }

    /// What a watch would choose the target by. A journal that cannot be read is told of by itself.
    async fn wanted(&self, service: &ServicePlan, target: &dyn DeploymentTarget) -> Wanted {
        let mut past = Past::default();
        if let (Ok(journal), Ok(name)) = (&self.journaling, self.ask(target.identity()).await)
            && let Ok(kept) = journal.of_service(&name).await
        {
            past = Past::of(&kept);
        }
        Wanted {
            to: None,
            pin_digest: service.policy.rollback.pin_digest,
            avoid: past.bad(),
            good: past.good(),
        }
    }

    async fn rollback(
        &self,
        target: &dyn DeploymentTarget,
        deployment: &Deployment,
        wanted: &Wanted,
    ) -> Examined {
        match self.ask(target.plan(deployment, wanted)).await {
            Ok(Ok(plan)) => {
                let detail = format!("would return to {} ({})", plan.target, plan.actuator.name());
                Examined::of("rollback", State::Ok, detail)
            }
            // That there is none is no fault of the set-up: a first deployment has none.
            Ok(Err(none)) => {
                Examined::of("rollback", State::Unknown, format!("none possible: {none}"))
            }
            Err(error) => told("rollback", &error),
        }
    }

    /// Whether what was decided and done is remembered: without a journal nothing is rolled back
    /// automatically.
    async fn journal(&self, target: &dyn DeploymentTarget, acts: bool) -> Vec<Examined> {
        // Where nothing is ever rolled back, nothing depends on it.
        let broken = match acts {
            true => State::Failed,
            false => State::Unknown,
        };
        let journal = match &self.journaling {
            Ok(journal) => journal,
            Err(why) => return vec![Examined::of("journal", broken, why.clone())],
        };
        let Ok(service) = self.ask(target.identity()).await else {
            let detail = "opened; what the platform calls the service could not be asked";
            return vec![Examined::of("journal", State::Unknown, detail)];
        };
        let kept = match journal.of_service(&service).await {
            Ok(kept) => kept.len(),
            Err(error) => return vec![Examined::of("journal", broken, error.to_string())],
        };
        let detail = match kept {
            0 => "usable, nothing in it about this service yet".to_owned(),
            1 => "usable, 1 entry about this service".to_owned(),
            count => format!("usable, {count} entries about this service"),
        };
        let now = self.context.clock.wall();
        let lease = match journal.holder(&service, now).await {
            Ok(None) => Examined::of("lease", State::Ok, "free"),
            Ok(Some((by, until))) => {
                let left = human(until.since(now));
                let detail = format!("held by {by} for {left} still: one at a time may act");
                Examined::of("lease", State::Unknown, detail)
            }
            Err(error) => Examined::of("lease", broken, error.to_string()),
        };
        vec![Examined::of("journal", State::Ok, detail), lease]
    }

    /// Runs every control and every check once.
    async fn checks(&self) -> Vec<CheckExamined> {
        let mut running = JoinSet::new();
        for (place, control) in self.controls.iter().enumerate() {
            let (context, control) = (self.context.clone(), control.clone());
            running.spawn(async move {
                let (kind, sample) = (control.kind, control::sample(&context, &control).await);
                (place, CheckExamined { kind, sample })
            });
        }
        let after = self.controls.len();
        for (place, check) in (after..).zip(self.checks) {
            let (context, check) = (self.context.clone(), check.clone());
            running.spawn(async move {
                let kind = check.facts.kind;
                let conditions = Conditions {
                    fresh: true,
                    any_version: true,
                    ..Conditions::default()
                };
                let sample = sampling::sample(&context, &check, conditions).await;
                (place, CheckExamined { kind, sample })
            });
        }
        // A task ends by itself; a panic inside a probe is already a sample.
        let mut ended: Vec<_> = running.join_all().await;
        ended.sort_by_key(|(place, _)| *place);
        ended.into_iter().map(|(_, examined)| examined).collect()
    }

    async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, DeployError>>,
    ) -> Result<T, DeployError> {
        let deadline = self.context.clock.now() + PATIENCE;
        asking::once(self.context, deadline, call).await
    }
}

/// What the policy makes use of.
fn purpose(service: &ServicePlan) -> Purpose {
    Purpose {
        acts: service.policy.rollback.arm,
        pins: service.policy.rollback.pin_digest,
        parameter: service.policy.rollback.freeze.parameter.clone(),
    }
}

fn told(name: &str, error: &DeployError) -> Examined {
    Examined::of(name, State::Failed, error.to_string())
}

const fn words(standing: Standing) -> &'static str {
    match standing {
        Standing::InFlight => "being rolled out",
        Standing::Completed => "rolled out",
        Standing::RollingBack => "being rolled back by the platform",
        Standing::RolledBack => "rolled back by the platform",
        Standing::Failed => "given up by the platform",
        Standing::Superseded => "overtaken by another deployment",
    }
}
