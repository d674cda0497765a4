//! After an update: which deployment did it create, and did it undo the right one?
//!
//! `UpdateService` knows no condition. When somebody else's deployment slipped in before it, it is
//! that one which was undone: then our own is stopped again, and the caller is told.

use tokio::time::Instant;

use super::facts::{self, Service};
use super::records::ServiceDeployment;
use super::stopping::{self, Stopped};
use super::{EcsTarget, Halt, reading};
use crate::deploy::Witness;
use crate::deployment::RollbackPlan;

/// What became of an update.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The deployment that carries the rollback.
    Ours(String),
    /// Another deployment was there before it or is there after it; one line says which.
    Superseded(String),
    /// Our own update hit somebody else's deployment; one line says what was done about it.
    Collided(String),
    /// No such deployment has appeared.
    Nothing,
}

/// Looks for the deployment that an update created, for as long as it may take to be seen.
/// `answered` is the service as the update's own answer showed it.
pub(super) async fn find(
    target: &EcsTarget,
    plan: &RollbackPlan,
    mut answered: Option<&Service>,
    witness: &dyn Witness,
) -> Result<Found, Halt> {
    let until = Instant::now() + target.pace.settle;
    // What ECS said of it itself, where its answer came: without one ours is only guessed.
    let answer = answered.cloned();
    loop {
        let found = if facts::is_entry(&plan.deployment.id) {
            match answered.take() {
                Some(service) => among_entries(service, plan),
                None => among_entries(&target.service().await?, plan),
            }
        } else {
            among_records(target, plan, answer.as_ref(), witness).await?
        };
        if found != Found::Nothing || Instant::now() + target.pace.settle_poll > until {
            return Ok(found);
        }
        tokio::time::sleep(target.pace.settle_poll).await;
    }
}

fn among_entries(service: &Service, plan: &RollbackPlan) -> Found {
    let Some(primary) = service.primary() else {
        return Found::Nothing;
    };
    if primary.id == plan.deployment.id {
        return Found::Nothing;
    }
    if primary.task_definition != plan.target.id {
        return Found::Superseded(format!("deployment {} took over", primary.id));
    }
    Found::Ours(primary.id.clone())
}

async fn among_records(
    target: &EcsTarget,
    plan: &RollbackPlan,
    answer: Option<&Service>,
    witness: &dyn Witness,
) -> Result<Found, Halt> {
    let judged = target.service_deployment(&plan.deployment.id).await?;
    let arns = reading::newer_than(target, &judged).await?;
    let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
    let described = target.service_deployments(&arns).await;
    let described = described.map_err(|fault| target.told(&fault))?;
    let newer: Vec<&ServiceDeployment> = arns
        .iter()
        .filter_map(|arn| described.iter().find(|known| known.arn == *arn))
        .collect();
    let targets: Vec<&str> = newer.iter().map(|known| known.target.as_str()).collect();
    let revisions = target.revisions(&targets).await;
    let revisions = revisions.map_err(|fault| target.told(&fault))?;
    let brings_target = |deployment: &ServiceDeployment| {
        let mut revisions = revisions.iter();
        let brought = revisions.find(|known| known.arn == deployment.target);
        brought.is_some_and(|brought| brought.task_definition == plan.target.id)
    };
    let named = answer.and_then(|service| service.current.as_deref());
    match order(&newer, brings_target, &judged, named) {
        Order::Nothing => Ok(Found::Nothing),
        Order::Clean(ours) => Ok(Found::Ours(ours)),
        Order::Replaced(other) => Ok(Found::Superseded(format!(
            "deployment {other} took over from the rollback"
        ))),
        Order::Raced { ours, other } if answer.is_some() => {
            take_back(target, &ours, &other, witness).await
        }
        // Somebody else may have had the same aim: what may not be ours is not stopped.
        Order::Raced { ours, other } => Ok(Found::Collided(format!(
            "deployment {other} was started at the same moment as {ours}, which may be our own: look at the service"
        ))),
    }
}

/// Our own update hit somebody else's deployment: it is rolled back itself.
async fn take_back(
    target: &EcsTarget,
    ours: &str,
    other: &str,
    witness: &dyn Witness,
) -> Result<Found, Halt> {
    let state = match stopping::stop(target, ours, witness).await {
        Ok(Stopped::Taken) => format!("our own deployment {ours} was stopped again"),
        Ok(Stopped::TooLate | Stopped::NotOffered) => {
            format!("our own deployment {ours} was not in flight any more")
        }
        Err(error) => format!("our own deployment {ours} could not be stopped again ({error})"),
    };
    Ok(Found::Collided(format!(
        "deployment {other} was started at the same moment; {state}: look at the service"
    )))
}

/// How the deployments after the judged one lie.
#[derive(Debug, PartialEq, Eq)]
enum Order {
    Nothing,
    Clean(String),
    /// Something came after ours.
    Replaced(String),
    /// Something came between the judged one and ours.
    Raced {
        ours: String,
        other: String,
    },
}

/// `newer` are the deployments after the judged one, the newest first; `named` is the one that the
/// answer to the update called current.
fn order(
    newer: &[&ServiceDeployment],
    brings_target: impl Fn(&ServiceDeployment) -> bool,
    judged: &ServiceDeployment,
    named: Option<&str>,
) -> Order {
    let is_named = |known: &&ServiceDeployment| named == Some(&*known.arn) && brings_target(known);
    let ours = newer.iter().position(is_named);
    // Else the newest that brings the target is ours, or somebody's who has the same aim.
    let ours = ours.or_else(|| newer.iter().position(|known| brings_target(known)));
    let Some(place) = ours else {
        return Order::Nothing;
    };
    if let Some(after) = place.checked_sub(1) {
        return Order::Replaced(newer[after].arn.clone());
    }
    let ours = newer[place];
    let between = newer.get(place + 1).map(|known| known.arn.clone());
    // A judged deployment that stopped half-way leaves what ran before it running beside it.
    let foreign_source = ours
        .sources
        .iter()
        .find(|source| **source != judged.target && !judged.sources.contains(source));
    match between.or_else(|| foreign_source.cloned()) {
        Some(other) => Order::Raced {
            ours: ours.arn.clone(),
            other,
        },
        None => Order::Clean(ours.arn.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::records::Status;
    use super::*;
    use crate::clock::WallTime;

    fn deployment(arn: &str, target: &str, sources: &[&str]) -> ServiceDeployment {
        ServiceDeployment {
            arn: arn.into(),
            status: Status::InProgress,
            created: WallTime::default(),
            sources: sources.iter().map(ToString::to_string).collect(),
            target: target.into(),
            rolled_back_to: None,
            awaiting: Vec::new(),
            given_up_by_ecs: false,
        }
    }

    #[test]
    fn only_an_update_that_undid_the_judged_revision_is_clean() {
        let ours = deployment("ours", "good", &["bad"]);
        let over_foreign = deployment("ours", "good", &["bad", "foreign"]);
        let beside = deployment("ours", "good", &["bad", "before"]);
        let judged = deployment("judged", "bad", &["before"]);
        let foreign = deployment("foreign", "other", &["bad"]);
        let raced = |other: &str| Order::Raced {
            ours: "ours".into(),
            other: other.into(),
        };
        let cases = [
            (vec![], Order::Nothing, "nothing to be seen yet"),
            (vec![&foreign], Order::Nothing, "ours is not to be seen yet"),
            (vec![&ours], Order::Clean("ours".into()), "as meant"),
            (
                vec![&beside],
                Order::Clean("ours".into()),
                "what ran before the judged one ran still",
            ),
            (
                vec![&foreign, &ours],
                Order::Replaced("foreign".into()),
                "somebody came after",
            ),
            (
                vec![&ours, &foreign],
                raced("foreign"),
                "somebody came between",
            ),
            (
                vec![&over_foreign],
                raced("foreign"),
                "the source says that somebody came between",
            ),
        ];
        for (newer, expected, why) in cases {
            let order = order(&newer, |known| known.target == "good", &judged, None);
            assert_eq!(order, expected, "{why}");
        }
        // Another with the same aim came after it: it is not ours, and nothing came between.
        let alike = deployment("alike", "good", &["good"]);
        let order = order(
            &[&alike, &ours],
            |known| known.target == "good",
            &judged,
            Some("ours"),
        );
        assert_eq!(order, Order::Replaced("alike".into()));
    }
}
