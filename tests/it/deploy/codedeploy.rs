//! Services that CodeDeploy deploys, through the real SDK against the stand-in.

mod acting;
mod pinning;
mod planning;
mod races;

use std::sync::Mutex;

use async_trait::async_trait;
use smokejumper::deploy::{DeployError, DeploymentTarget, Witness};
use smokejumper::deployment::{Answer, Call, NoRollback, RollbackPlan, StartedRollback, Wanted};
use smokejumper::deployment::{Deployment, Software};
use smokejumper::rehearsal::ecs::{Controller, GroupControl};

use super::stage::{MINUTE, Stage};

/// `api` in `prod` with two tasks, deployed by the group `blue-green` of the application `shop`;
/// `api:1` was deployed by it a minute ago.
struct Scene {
    stage: Stage,
    group: GroupControl,
    /// The deployment that brought `api:1`.
    first: String,
}

impl Scene {
    async fn set() -> Self {
        let stage = Stage::set_with(Controller::CodeDeploy, 2).await;
        let control = stage.control();
        let group = control.codedeploy(("shop", "blue-green"), ("prod", "api"));
        let first = group.deploy(&arn(1)).expect("nothing else goes on");
        let scene = Self {
            stage,
            group,
            first,
        };
        scene.finish();
        scene
    }

    /// Registers and deploys the next revision; its task set runs beside the other one.
    fn deploy(&self) -> String {
        let id = self.group.deploy(&self.stage.register());
        self.stage.clock.pass(std::time::Duration::from_secs(1));
        self.stage.control().advance();
        id.expect("nothing else goes on")
    }

    /// The same, and lets it complete.
    fn deploy_whole(&self) -> String {
        let id = self.deploy();
        self.finish();
        id
    }

    /// Lets whatever goes on end.
    fn finish(&self) {
        // A rollback begins after what it rolls back has ended.
        for _ in 0..3 {
            self.stage.clock.pass(MINUTE);
            self.stage.control().advance();
        }
    }

    async fn planned(&self) -> RollbackPlan {
        self.stage.plan(&self.stage.pinned().await).await
    }

    async fn planned_for(&self, wanted: &Wanted) -> Result<RollbackPlan, NoRollback> {
        let pinned = self.stage.pinned().await;
        let plan = self.stage.target.plan(&pinned, wanted).await;
        plan.expect("CodeDeploy answers")
    }

    async fn rolled_back(&self, plan: &RollbackPlan) -> StartedRollback {
        let started = self.stage.target.roll_back(plan, &self.stage.hand).await;
        started.expect("CodeDeploy answers").expect("a rollback")
    }

    /// The changing calls that were accepted.
    fn done(&self) -> Vec<String> {
        self.stage.done()
    }
}

/// The full ARN of a revision of `api`.
fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:eu-west-1:000000000000:task-definition/api:{revision}")
}

/// What was judged bad here.
fn bad(plan: &Deployment, revision: u32) -> Software {
    let mut software = plan.software();
    software.revision.id = arn(revision);
    software.revision.label = format!("api:{revision}");
    software
}

fn call(operation: &str, subject: &str) -> Call {
    Call {
        operation: operation.to_owned(),
        subject: subject.to_owned(),
        argument: None,
    }
}

/// A witness that knows of the calls of a run that was killed, and remembers those of this one.
#[derive(Debug, Default)]
pub struct Heir {
    pub before: Vec<Call>,
    pub seen: Mutex<Vec<(Call, Option<Answer>)>>,
    pub keyed_only: bool,
    /// Nothing may be sent any more.
    pub brake: bool,
}

impl Heir {
    pub fn of(call: Call) -> Self {
        Self {
            before: vec![call],
            ..Self::default()
        }
    }
}

#[async_trait]
impl Witness for Heir {
    async fn before(&self, call: &Call) -> Result<(), DeployError> {
        if self.brake {
            return Err(DeployError::Forbidden("the brake is pulled".to_owned()));
        }
        let mut seen = self.seen.lock().expect("what was seen");
        seen.push((call.clone(), None));
        Ok(())
    }

    async fn after(&self, call: &Call, answer: &Answer) {
        let mut seen = self.seen.lock().expect("what was seen");
        seen.push((call.clone(), Some(answer.clone())));
    }

    fn sent(&self) -> Vec<Call> {
        self.before.clone()
    }

    fn is_keyed_only(&self) -> bool {
        self.keyed_only
    }
}
