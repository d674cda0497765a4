//! A platform and a check that do as they are told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use smokejumper::clock::{Clock, WallTime};
use smokejumper::decision::{Choice, Decide, Judging, Policy, RollbackPolicy};
use smokejumper::deploy::{DeployError, DeploymentTarget, Witness};
use smokejumper::deployment::{
    Actuator, Answer, Call, Deployment, Diagnosis, Examined, Images, NoRollback, Progress, Purpose,
    Revision, RollbackPlan, Selector, Software, Standing, StartedRollback, Task, Wanted,
};
use smokejumper::plan::{CheckPlan, ServicePlan};
use smokejumper::probe::{Attempt, Probe};
use smokejumper::sample::{CheckId, Fault, Reason};
use smokejumper::verdict::CheckFacts;
use smokejumper::verdict::threshold::{Comparison, Limit, Measure, Subject, Threshold};
use smokejumper::verdict::{Forgive, JudgeKind, Regressed};

/// What the platform does when it is told to roll back, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It rolls back, and the previous revision is healthy.
    Heals,
    /// It rolls back, and the previous revision is ill as well.
    DoesNotHeal,
    /// It never gets done.
    Stalls,
    /// The rollback fails.
    Fails,
    /// It refuses the call for good.
    Denies,
    /// The first three calls meet a passing fault.
    Throttles,
    /// Another deployment takes over while it rolls back.
    IsOvertaken,
    /// Another deployment takes over while the checks prove the rollback.
    IsOvertakenAtTheEnd,
    /// The rollback was complete, and fails while the checks prove it.
    FailsAtTheEnd,
    /// There is nowhere to return to.
    HasNoTarget,
    /// It never answers the call that rolls back.
    HangsWhenTold,
    /// It rolls back, and never again says how far it has come.
    HangsWhenAsked,
    /// Every call that rolls back meets a passing fault.
    ThrottlesForever,
    /// What a rollback would be is never told.
    NeverPlans,
    /// It does not answer clearly, rolls back by itself, and is overtaken.
    RollsBackItself,
    /// A revision has to be registered first, and a while passes before it is deployed.
    Registers,
    /// The same revision was deployed again: there is an earlier one where that was judged bad, as
    /// soon as the deployment is not in flight any more.
    IsDeployedAgain,
}

/// A platform that does as it is told.
#[derive(Debug)]
pub struct Platform {
    manner: Manner,
    standing: Mutex<Standing>,
    throttled: Mutex<u32>,
    asked: Mutex<u32>,
    unanswered: Mutex<u32>,
    /// The revisions that it registered.
    pub registered: Mutex<u32>,
    /// The rollbacks that it accepted.
    pub accepted: Mutex<u32>,
    /// What the platform calls the service.
    identity: Mutex<String>,
    /// The identifier of the deployment under test.
    deployment: Mutex<String>,
    /// How long the deployment under test takes to appear.
    appears_after: Mutex<Duration>,
    /// When it was made; absent where nobody says.
    created: Mutex<Option<WallTime>>,
    /// So many questions for what is deployed meet a passing fault.
    unpinned: Mutex<u32>,
    /// How often it was asked what is deployed.
    pub pins: Mutex<u32>,
    /// The tasks that run, and those that do after a rollback.
    tasks: Mutex<[Vec<Task>; 2]>,
    ill: Arc<AtomicBool>,
}

impl Platform {
    pub fn new(manner: Manner, ill: Arc<AtomicBool>) -> Arc<Self> {
        Arc::new(Self {
            manner,
            standing: Mutex::new(Standing::Completed),
            throttled: Mutex::new(0),
            asked: Mutex::new(0),
            unanswered: Mutex::new(0),
            registered: Mutex::new(0),
            accepted: Mutex::new(0),
            identity: Mutex::new("arn:service".to_owned()),
            deployment: Mutex::new("arn:deployment".to_owned()),
            appears_after: Mutex::new(Duration::ZERO),
            created: Mutex::default(),
            unpinned: Mutex::default(),
            pins: Mutex::default(),
            tasks: Mutex::default(),
            ill,
        })
    }

    /// Somebody has deployed again.
    pub fn deployed(&self, id: &str) {
        *self.deployment.lock().unwrap() = id.to_owned();
    }

    /// The identifier of what is deployed.
    pub fn current(&self) -> String {
        self.deployment.lock().unwrap().clone()
    }

    /// Says when the deployment was made.
    pub fn was_made(&self, at: WallTime) {
        *self.created.lock().unwrap() = Some(at);
    }

    /// When it was made.
    pub fn made(&self) -> Option<WallTime> {
        *self.created.lock().unwrap()
    }

    /// Does not say what is deployed, so many times.
    pub fn hides(&self, times: u32) {
        *self.unpinned.lock().unwrap() = times;
    }

    /// Calls the service so.
    pub fn calls_it(&self, identity: &str) {
        *self.identity.lock().unwrap() = identity.to_owned();
    }

    /// Shows the deployment under test after a while only.
    pub fn appears_after(&self, span: Duration) {
        *self.appears_after.lock().unwrap() = span;
    }

    pub fn stands(&self, standing: Standing) {
        *self.standing.lock().unwrap() = standing;
    }

    /// Runs these tasks.
    pub fn runs(&self, tasks: Vec<Task>) {
        self.tasks.lock().unwrap()[0] = tasks;
    }

    /// Runs these tasks once it has accepted a rollback.
    pub fn runs_after_rollback(&self, tasks: Vec<Task>) {
        self.tasks.lock().unwrap()[1] = tasks;
    }

    async fn register(&self, witness: &dyn Witness) -> Result<(), DeployError> {
        let call = Call {
            operation: "RegisterTaskDefinition".to_owned(),
            subject: "api".to_owned(),
            argument: None,
        };
        witness.before(&call).await?;
        let request = None;
        witness.after(&call, &Answer::Accepted { request }).await;
        *self.registered.lock().unwrap() += 1;
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok(())
    }

    /// Does not say how the deployment stands, so many times.
    pub fn is_silent(&self, times: u32) {
        *self.unanswered.lock().unwrap() = times;
    }
}

fn revision(label: &str) -> Revision {
    Revision {
        id: format!("arn:{label}"),
        label: label.to_owned(),
    }
}

#[async_trait]
impl DeploymentTarget for Platform {
    async fn identity(&self) -> Result<String, DeployError> {
        Ok(self.identity.lock().unwrap().clone())
    }

    async fn concerns(
        &self,
        _: &Deployment,
        _: Duration,
        _: &Wanted,
    ) -> Result<Vec<String>, DeployError> {
        Ok(Vec::new())
    }

    async fn examine(&self, _: &Purpose, _: &dyn Clock) -> Vec<Examined> {
        Vec::new()
    }

    async fn tasks(&self, _: &Deployment) -> Result<Vec<Task>, DeployError> {
        let is_rolled_back = *self.accepted.lock().unwrap() > 0;
        Ok(self.tasks.lock().unwrap()[usize::from(is_rolled_back)].clone())
    }

    async fn parameter(&self, _: &str) -> Result<Option<String>, DeployError> {
        Ok(None)
    }

    async fn diagnose(&self, _: &Deployment) -> Diagnosis {
        Diagnosis::default()
    }

    async fn pin(&self, selector: &Selector) -> Result<Deployment, DeployError> {
        *self.pins.lock().unwrap() += 1;
        let wait = *self.appears_after.lock().unwrap();
        tokio::time::sleep(wait).await;
        {
            let mut unpinned = self.unpinned.lock().unwrap();
            if *unpinned > 0 {
                *unpinned -= 1;
                return Err(DeployError::Passing("rate exceeded".to_owned()));
            }
        }
        Ok(Deployment {
            id: match selector {
                Selector::Id(id) => id.clone(),
                _ => self.current(),
            },
            service: "api".to_owned(),
            revision: revision("api:42"),
            previous: Some(revision("api:41")),
            created: self.made(),
            images: Images::new(),
            service_revision: None,
        })
    }

    async fn standing(&self, deployment: &Deployment) -> Result<Standing, DeployError> {
        if deployment.id != *self.deployment.lock().unwrap() {
            return Ok(Standing::Superseded);
        }
        let mut unanswered = self.unanswered.lock().unwrap();
        if *unanswered > 0 {
            *unanswered -= 1;
            return Err(DeployError::Passing("rate exceeded".to_owned()));
        }
        Ok(*self.standing.lock().unwrap())
    }

    async fn plan(
        &self,
        deployment: &Deployment,
        wanted: &Wanted,
    ) -> Result<Result<RollbackPlan, NoRollback>, DeployError> {
        if self.manner == Manner::HasNoTarget {
            return Ok(Err(NoRollback::NoTarget(
                "no earlier good revision".to_owned(),
            )));
        }
        if self.manner == Manner::IsDeployedAgain {
            let is_bad = |bad: &Software| bad.revision == deployment.revision;
            if !wanted.avoid.iter().any(is_bad) {
                return Ok(Err(NoRollback::SameSoftware("it ran before".to_owned())));
            }
            if *self.standing.lock().unwrap() == Standing::InFlight {
                return Ok(Err(NoRollback::NotYet("let it end".to_owned())));
            }
        }
        if self.manner == Manner::NeverPlans {
            return Err(DeployError::Passing("rate exceeded".to_owned()));
        }
        Ok(Ok(RollbackPlan {
            deployment: deployment.clone(),
            target: revision("api:41"),
            actuator: Actuator::UpdateService,
            images: Images::new(),
            handle: None,
            expected: None,
            not_restored: Vec::new(),
            caveats: Vec::new(),
            wanted: wanted.clone(),
        }))
    }

    async fn roll_back(
        &self,
        plan: &RollbackPlan,
        witness: &dyn Witness,
    ) -> Result<Result<StartedRollback, NoRollback>, DeployError> {
        let started = StartedRollback {
            plan: plan.clone(),
            carrier: "arn:carrier".to_owned(),
        };
        let call = Call {
            operation: "UpdateService".to_owned(),
            subject: "api".to_owned(),
            argument: Some(plan.target.id.clone()),
        };
        // As an adapter does: what an earlier run sent is looked for before anything is sent.
        if witness.sent().contains(&call) && *self.accepted.lock().unwrap() > 0 {
            return Ok(Ok(started));
        }
        if self.manner == Manner::Registers {
            self.register(witness).await?;
        }
        witness.before(&call).await?;
        let refused = |code: &str| Answer::Refused {
            request: None,
            code: code.to_owned(),
        };
        match self.manner {
            Manner::RollsBackItself => {
                let why = "reset".to_owned();
                witness.after(&call, &Answer::Unclear { why }).await;
                return Ok(Err(NoRollback::ByPlatform));
            }
            Manner::HangsWhenTold => std::future::pending().await,
            Manner::ThrottlesForever => {
                witness.after(&call, &refused("ThrottlingException")).await;
                return Err(DeployError::Passing("rate exceeded".to_owned()));
            }
            Manner::Denies => {
                witness
                    .after(&call, &refused("AccessDeniedException"))
                    .await;
                return Err(DeployError::Declared("access denied".to_owned()));
            }
            Manner::Throttles => {
                let throttled = {
                    let mut throttled = self.throttled.lock().unwrap();
                    *throttled += 1;
                    *throttled
                };
                if throttled <= 3 {
                    witness.after(&call, &refused("ThrottlingException")).await;
                    return Err(DeployError::Passing("rate exceeded".to_owned()));
                }
            }
            _ => {}
        }
        *self.accepted.lock().unwrap() += 1;
        if self.manner != Manner::DoesNotHeal {
            self.ill.store(false, Ordering::SeqCst);
        }
        let request = Some("1-2-3".to_owned());
        witness.after(&call, &Answer::Accepted { request }).await;
        Ok(Ok(started))
    }

    async fn progress(&self, _: &StartedRollback) -> Result<Progress, DeployError> {
        let asked = {
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            *asked
        };
        if self.manner == Manner::HangsWhenAsked {
            std::future::pending::<()>().await;
        }
        Ok(match self.manner {
            Manner::IsOvertakenAtTheEnd if asked > 1 => {
                Progress::Superseded("somebody deployed api:43".to_owned())
            }
            Manner::FailsAtTheEnd if asked > 1 => Progress::Failed("tasks stop again".to_owned()),
            Manner::Stalls => Progress::Running("3 of 4 tasks".to_owned()),
            Manner::Fails => Progress::Failed("tasks fail to start".to_owned()),
            Manner::IsOvertaken => Progress::Superseded("somebody deployed api:43".to_owned()),
            _ => Progress::Complete,
        })
    }

    async fn own_rollback(&self, _: &Deployment) -> Result<Progress, DeployError> {
        if self.manner == Manner::RollsBackItself {
            return Ok(Progress::Superseded("somebody deployed api:43".to_owned()));
        }
        self.ill.store(false, Ordering::SeqCst);
        Ok(Progress::Complete)
    }
}

/// A check that fails while its service is ill.
struct Pulse(Arc<AtomicBool>);

#[async_trait]
impl Probe for Pulse {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if self.0.load(Ordering::SeqCst) {
            return Err(Fault::new(Reason::Status, "expected status 200, got 500"));
        }
        Ok(())
    }
}

/// A check of the service `api` that fails while it is ill.
pub fn pulse(ill: &Arc<AtomicBool>) -> CheckPlan {
    let limit = |share| {
        Some(Limit {
            comparison: Comparison::Above,
            value: share,
            measure: Measure::Share,
        })
    };
    CheckPlan {
        facts: CheckFacts {
            id: CheckId::new("pulse"),
            kind: "http",
            service: Arc::from("api"),
            tags: Vec::new(),
        },
        every: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
        pace: None,
        max_in_flight: None,
        resolver: None,
        thresholds: Arc::new([Threshold {
            subject: Subject::ErrorRate,
            warning: limit(0.01),
            critical: limit(0.05),
            lasting: None,
            consecutive: None,
        }]),
        tolerances: Arc::new([]),
        declared_thresholds: true,
        probe: Arc::new(Pulse(Arc::clone(ill))),
    }
}

/// The service `api`, baked for five minutes.
pub fn service() -> ServicePlan {
    ServicePlan {
        name: Arc::from("api"),
        platform: None,
        guards: Vec::new(),
        policy: Policy {
            name: Arc::from("test"),
            bake: Duration::from_secs(300),
            warm_up: Duration::ZERO,
            min_samples: 10,
            coverage: 0.7,
            judging: Judging {
                judge: JudgeKind::Sequential,
                false_rollback: 0.01,
                forgive: Forgive {
                    span: Duration::from_secs(30),
                    times: 1,
                },
                closer_look: true,
                regression: Regressed::Warns,
                has_own_warm_up: true,
                has_own_span: true,
            },
            decide: Decide {
                critical: Choice::Rollback,
                warning: Choice::Accept,
                inconclusive: Choice::Hold,
            },
            rules: Vec::new(),
            rollback: RollbackPolicy {
                arm: true,
                timeout: Duration::from_secs(600),
                ..RollbackPolicy::usual()
            },
        },
    }
}
