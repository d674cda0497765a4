//! The examination before anything is at stake: who we are, where AWS is asked, whether the clocks
//! agree, and every permission, exercised where that changes nothing. Called by `doctor` alone.
//!
//! It changes nothing and asks for nothing that could: ECS has no dry run, so that permissions to
//! change something are named and not tried.
//!
//! Reading order: `overheard` (what the wire tells), `identity`, `permissions` (what is needed, and
//! on what), `reads`, `others` (services besides ECS), `codedeploy`, `writes`.

mod codedeploy;
mod identity;
mod others;
mod overheard;
mod permissions;
mod reads;
mod writes;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_ecs::config::retry::RetryConfig;

use self::overheard::Overheard;
use self::permissions::Realm;
use super::EcsTarget;
use super::fault::{Blame, CallFault};
use crate::clock::Clock;
use crate::deploy::EcsService;
use crate::deployment::{Examined, Permission, Purpose, State};

/// Looks at everything that a watch of the service needs.
pub(super) async fn examine(
    target: &EcsTarget,
    purpose: &Purpose,
    clock: &dyn Clock,
) -> Vec<Examined> {
    let config = impatient(&target.shared);
    let (identity, caller) = identity::examine(&config).await;
    let realm = Realm::declared(&target.declared, config.region(), caller.as_ref());
    let overheard = Overheard::default();
    let mut looker = Looker {
        ecs: overheard.ecs(&config),
        declared: &target.declared,
        config,
        purpose,
        realm,
        found: Vec::new(),
    };
    looker.note(region(&looker.config));
    looker.note(identity);
    let service = looker.service().await;
    looker.note(overheard.endpoint());
    looker.note(overheard.clock(clock.wall()));
    if let Some(service) = service {
        looker.exercise(&service).await;
        looker.writes(&service);
    }
    looker.found
}

/// What the looks share, and what they have found.
struct Looker<'a> {
    ecs: aws_sdk_ecs::Client,
    /// What the clients of the other services are made of.
    config: SdkConfig,
    declared: &'a EcsService,
    purpose: &'a Purpose,
    realm: Realm,
    found: Vec<Examined>,
}

impl Looker<'_> {
    fn note(&mut self, examined: Examined) {
        self.found.push(examined);
    }

    /// Notes what became of a call that a watch cannot do without, and hands on what it gave.
    fn needed<T>(
        &mut self,
        permission: Permission,
        answer: Result<T, CallFault>,
        detail: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        self.noted(permission, None, answer, detail)
    }

    /// The same of a call without which something is lost.
    fn optional<T>(
        &mut self,
        permission: Permission,
        lost: &str,
        answer: Result<T, CallFault>,
        detail: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        self.noted(permission, Some(lost), answer, detail)
    }

    fn noted<T>(
        &mut self,
        permission: Permission,
        lost: Option<&str>,
        answer: Result<T, CallFault>,
        detail: impl FnOnce(&T) -> String,
    ) -> Option<T> {
        let (state, detail, given) = match answer {
            Ok(given) => (State::Ok, detail(&given), Some(given)),
            Err(fault) => {
                let (state, detail) = told(&fault);
                (state, detail, None)
            }
        };
        self.note(Examined {
            lost: lost.map(str::to_owned),
            permission: Some(permission.clone()),
            ..Examined::of(&permission.action, state, detail)
        });
        given
    }
}

/// What a failed call says of the permission that it exercises.
fn told(fault: &CallFault) -> (State, String) {
    let detail = fault.detail();
    match fault.blame {
        Blame::Denied => (State::Denied, "AWS denies it".to_owned()),
        Blame::Throttled => (
            State::Failed,
            format!("AWS throttles: {detail}; try again later"),
        ),
        Blame::Server => (State::Failed, format!("AWS failed: {detail}")),
        Blame::Silence => (State::Failed, format!("no answer: {detail}")),
        Blame::NotSent => (State::Failed, format!("could not be sent: {detail}")),
        Blame::Credentials | Blame::Expired => (
            State::Failed,
            format!("AWS does not accept the credentials: {detail}; renew them"),
        ),
        Blame::NoCluster => (
            State::Failed,
            "there is no such cluster here: check deployment.ecs.cluster and the region".to_owned(),
        ),
        Blame::NoService => (
            State::Failed,
            "there is no such active service here: check deployment.ecs and the region".to_owned(),
        ),
        Blame::Absent | Blame::Garbled => (
            State::Unknown,
            format!("the endpoint does not offer it: {detail}"),
        ),
        Blame::Conflict | Blame::Refused => match fault.code.as_deref() {
            Some(code) if NOT_THERE.contains(&code) => (
                State::Ok,
                format!("allowed; there is nothing to read yet ({code})"),
            ),
            _ => (State::Unknown, format!("asked, and refused: {detail}")),
        },
    }
}

/// AWS looks whether one may before it looks for the thing: these say that one may.
const NOT_THERE: [&str; 7] = [
    "DeploymentDoesNotExistException",
    "ImageNotFoundException",
    "ParameterNotFound",
    "RepositoryNotFoundException",
    "ResourceNotFoundException",
    "RevisionDoesNotExistException",
    "TargetGroupNotFound",
];

fn region(config: &SdkConfig) -> Examined {
    let region = config.region().map_or("none", |region| region.as_ref());
    Examined::of("region", State::Ok, region)
}

/// Somebody sits and waits: a service that does not answer soon is told as that.
fn impatient(shared: &SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    shared
        .to_builder()
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .build()
}

const CONNECT: Duration = Duration::from_secs(3);
/// AWS answers these in well under a second.
const ATTEMPT: Duration = Duration::from_secs(5);
const OPERATION: Duration = Duration::from_secs(12);
/// One lost packet or one throttled call says nothing yet.
const ATTEMPTS: u32 = 2;
