//! Services on ECS: pins the deployment under test, says how it stands, and returns the service to
//! its last good task-definition revision.
//!
//! Decides on ids, ARNs, states and counts, never on the texts that ECS writes for people. Refuses
//! to guess a target, to deploy a family without its revision, to touch counts, and to act on any
//! deployment but the one that was judged. `engine` alone calls it.
//!
//! Reading order: `facts`, `place`, `records` and `definition` (what was read), `calls` (reading it),
//! `pinning` with `own` and `metadata`, `standing`, `candidate` with `past`, `history` and `named`,
//! `planning` (what could be done), `acting` with `pinned_definition`, `stopping`, `tell` and
//! `carrier`, `proof` (is it done); `concerns` (what to know before), `tasks` (what really runs),
//! `diagnosis` (what a person needs when it went wrong), `parameter`; `lookout` (is there anything new);
//! `examining` (is everything there that all this needs). Services that ECS does not move itself go other ways from each of these:
//! `codedeploy`, and `external` with `task_sets`.

mod acting;
mod calls;
mod candidate;
mod carrier;
mod client;
mod codedeploy;
mod concerns;
mod definition;
mod diagnosis;
mod examining;
mod external;
mod facts;
mod fault;
mod history;
mod lookout;
mod metadata;
mod named;
mod own;
mod pace;
mod parameter;
mod past;
mod pinned_definition;
mod pinning;
mod place;
mod planning;
mod proof;
mod reading;
mod records;
mod standing;
mod stopping;
mod task_sets;
mod tasks;
mod tell;
mod tries;

use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;

use super::{DeployError, DeploymentTarget, EcsService, Witness};
use crate::clock::Clock;
use crate::deployment::{
    Deployment, Diagnosis, Examined, NoRollback, Progress, Purpose, RollbackPlan, Selector,
    Standing, StartedRollback, Task, Wanted,
};

pub use lookout::EcsLookout;
pub use pace::Pace;

/// An ECS service as a deployment target.
#[derive(Clone, Debug)]
pub struct EcsTarget {
    client: aws_sdk_ecs::Client,
    /// What the clients of the other AWS services are made of.
    shared: SdkConfig,
    declared: EcsService,
    pace: Pace,
    /// Whether credentials that have expired may yet be renewed: they worked, and much depends on it.
    awaits_renewal: bool,
}

impl EcsTarget {
    /// Connects with what the environment offers: region, profile, role, `AWS_ENDPOINT_URL_ECS`
    /// or `AWS_ENDPOINT_URL`.
    ///
    /// # Errors
    /// [`DeployError::Declared`] when there is no region or there are no credentials.
    pub async fn connect(declared: &EcsService) -> Result<Self, DeployError> {
        let shared = client::from_environment(declared).await?;
        Ok(Self::with_config(&shared, declared, Pace::default()))
    }

    /// Connects to an endpoint that asks for no real credentials: the stand-in, an emulator. The
    /// environment is not looked at.
    #[must_use]
    pub fn at_endpoint(url: &str, declared: &EcsService, pace: Pace) -> Self {
        let region = declared.region.as_deref().unwrap_or(ANY_REGION);
        Self::with_config(&client::for_endpoint(url, region), declared, pace)
    }

    /// Uses a configuration made elsewhere, for the clients of all AWS services.
    #[must_use]
    pub fn with_config(shared: &SdkConfig, declared: &EcsService, pace: Pace) -> Self {
        Self {
            client: aws_sdk_ecs::Client::new(shared),
            shared: shared.clone(),
            declared: declared.clone(),
            pace,
            awaits_renewal: false,
        }
    }

    /// The same with another client of ECS itself: one that counts its calls, say.
    #[must_use]
    pub fn with_client(self, client: aws_sdk_ecs::Client) -> Self {
        Self { client, ..self }
    }

    /// The same for a rollback under way, which outlives the credentials that it began with.
    fn awaiting_renewal(&self) -> Self {
        Self {
            awaits_renewal: true,
            ..self.clone()
        }
    }
}

#[async_trait]
impl DeploymentTarget for EcsTarget {
    async fn identity(&self) -> Result<String, DeployError> {
        Ok(self.service().await?.arn)
    }

    async fn pin(&self, selector: &Selector) -> Result<Deployment, DeployError> {
        pinning::pin(self, selector).await
    }

    async fn standing(&self, deployment: &Deployment) -> Result<Standing, DeployError> {
        if codedeploy::is_deployment(&deployment.id) {
            return codedeploy::standing(self, deployment).await;
        }
        reading::read(self, deployment).await?.standing(deployment)
    }

    async fn plan(
        &self,
        deployment: &Deployment,
        wanted: &Wanted,
    ) -> Result<Result<RollbackPlan, NoRollback>, DeployError> {
        nested(planning::plan(&self.awaiting_renewal(), deployment, wanted).await)
    }

    async fn concerns(
        &self,
        deployment: &Deployment,
        bake: Duration,
        wanted: &Wanted,
    ) -> Result<Vec<String>, DeployError> {
        Ok(concerns::look(self, deployment, bake, wanted).await)
    }

    async fn tasks(&self, deployment: &Deployment) -> Result<Vec<Task>, DeployError> {
        tasks::tasks(self, deployment).await
    }

    async fn parameter(&self, name: &str) -> Result<Option<String>, DeployError> {
        parameter::read(self, name).await
    }

    async fn diagnose(&self, deployment: &Deployment) -> Diagnosis {
        diagnosis::diagnose(self, deployment).await
    }

    async fn examine(&self, purpose: &Purpose, clock: &dyn Clock) -> Vec<Examined> {
        examining::examine(self, purpose, clock).await
    }

    async fn roll_back(
        &self,
        plan: &RollbackPlan,
        witness: &dyn Witness,
    ) -> Result<Result<StartedRollback, NoRollback>, DeployError> {
        nested(acting::roll_back(&self.awaiting_renewal(), plan, witness).await)
    }

    async fn progress(&self, started: &StartedRollback) -> Result<Progress, DeployError> {
        proof::progress(&self.awaiting_renewal(), started).await
    }

    async fn own_rollback(&self, deployment: &Deployment) -> Result<Progress, DeployError> {
        proof::own_rollback(&self.awaiting_renewal(), deployment).await
    }
}

/// What requests to an endpoint of our own are signed for when no region is declared.
const ANY_REGION: &str = "eu-west-1";

/// Why a plan or an action ends early: a considered no, or a platform that could not be asked.
#[derive(Debug)]
enum Halt {
    No(NoRollback),
    Broken(DeployError),
}

impl From<DeployError> for Halt {
    fn from(error: DeployError) -> Self {
        Self::Broken(error)
    }
}

impl From<NoRollback> for Halt {
    fn from(no: NoRollback) -> Self {
        Self::No(no)
    }
}

fn nested<T>(result: Result<T, Halt>) -> Result<Result<T, NoRollback>, DeployError> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Halt::No(no)) => Ok(Err(no)),
        Err(Halt::Broken(error)) => Err(error),
    }
}
