//! How the deployment under test stands, from what was read. Pure; ids and states decide.

use super::facts::{Rollout, Service};
use super::records::{ServiceDeployment, Status};
use crate::deploy::DeployError;
use crate::deployment::{Deployment, Standing};

/// By its service deployment.
pub(super) fn of_recorded(
    deployment: &ServiceDeployment,
    is_superseded: bool,
) -> Result<Standing, DeployError> {
    if is_superseded {
        return Ok(Standing::Superseded);
    }
    match &deployment.status {
        // A requested stop is still in motion: it ends as STOPPED or in a rollback.
        Status::Pending | Status::InProgress | Status::StopRequested => Ok(Standing::InFlight),
        Status::Successful => Ok(Standing::Completed),
        Status::RollbackRequested | Status::RollbackInProgress => Ok(Standing::RollingBack),
        Status::RollbackSuccessful => Ok(Standing::RolledBack),
        Status::Stopped | Status::RollbackFailed => Ok(Standing::Failed),
        Status::Unknown(name) => Err(DeployError::Strange(format!(
            "service deployment {} has the status {name}, which this version does not know",
            deployment.arn
        ))),
    }
}

/// By `deployments[]` alone.
pub(super) fn of_entry(service: &Service, deployment: &Deployment) -> Standing {
    let Some(primary) = service.primary() else {
        return Standing::Superseded;
    };
    if primary.id == deployment.id {
        return match primary.rollout {
            Rollout::InProgress => Standing::InFlight,
            Rollout::Completed => Standing::Completed,
            Rollout::Failed => Standing::Failed,
        };
    }
    // ECS's own rollback leaves the failed entry beside a new primary one of the old revision. A
    // person who deploys the old revision by hand does not make the entry FAILED.
    let failed = service
        .entry(&deployment.id)
        .is_some_and(|entry| entry.rollout == Rollout::Failed);
    let returns = primary.task_definition != deployment.revision.id
        && deployment
            .previous
            .as_ref()
            .is_none_or(|previous| previous.id == primary.task_definition);
    match (failed && returns, primary.rollout) {
        (true, Rollout::Completed) => Standing::RolledBack,
        (true, _) => Standing::RollingBack,
        (false, _) => Standing::Superseded,
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Entry, revision};
    use super::*;
    use crate::clock::WallTime;
    use crate::deployment::Images;

    fn recorded(status: Status) -> ServiceDeployment {
        ServiceDeployment {
            arn: "arn:d".into(),
            status,
            created: WallTime::default(),
            sources: Vec::new(),
            target: "new".into(),
            rolled_back_to: None,
            awaiting: Vec::new(),
            given_up_by_ecs: false,
        }
    }

    #[test]
    fn every_status_has_its_standing() {
        let cases = [
            (Status::Pending, Standing::InFlight),
            (Status::InProgress, Standing::InFlight),
            (Status::StopRequested, Standing::InFlight),
            (Status::Successful, Standing::Completed),
            (Status::RollbackRequested, Standing::RollingBack),
            (Status::RollbackInProgress, Standing::RollingBack),
            (Status::RollbackSuccessful, Standing::RolledBack),
            (Status::Stopped, Standing::Failed),
            (Status::RollbackFailed, Standing::Failed),
        ];
        for (status, standing) in cases {
            let deployment = recorded(status);
            assert_eq!(of_recorded(&deployment, false), Ok(standing));
            assert_eq!(of_recorded(&deployment, true), Ok(Standing::Superseded));
        }
    }

    #[test]
    fn an_unknown_status_is_strange_and_never_guessed() {
        let error = of_recorded(&recorded(Status::Unknown("ODD".into())), false).unwrap_err();
        assert!(matches!(error, DeployError::Strange(text) if text.contains("ODD")));
    }

    fn entry(id: &str, primary: bool, definition: &str, rollout: Rollout) -> Entry {
        Entry {
            id: id.into(),
            primary,
            task_definition: definition.into(),
            rollout,
            desired: 1,
            running: 1,
            pending: 0,
            created: None,
        }
    }

    #[test]
    fn entries_alone_tell_a_rollback_from_another_deployment() {
        let cases = [
            (
                vec![entry("d", true, "td:2", Rollout::InProgress)],
                Standing::InFlight,
                "rolling",
            ),
            (
                vec![entry("d", true, "td:2", Rollout::Completed)],
                Standing::Completed,
                "done",
            ),
            (
                vec![entry("d", true, "td:2", Rollout::Failed)],
                Standing::Failed,
                "gave up",
            ),
            (
                vec![
                    entry("r", true, "td:1", Rollout::InProgress),
                    entry("d", false, "td:2", Rollout::Failed),
                ],
                Standing::RollingBack,
                "the failed entry beside the old revision",
            ),
            (
                vec![
                    entry("x", true, "td:3", Rollout::InProgress),
                    entry("d", false, "td:2", Rollout::Failed),
                ],
                Standing::Superseded,
                "the failed entry beside a third revision",
            ),
            (
                vec![
                    entry("x", true, "td:1", Rollout::InProgress),
                    entry("d", false, "td:2", Rollout::Completed),
                ],
                Standing::Superseded,
                "somebody deployed the old revision by hand",
            ),
            (
                vec![entry("x", true, "td:1", Rollout::Completed)],
                Standing::Superseded,
                "gone",
            ),
            (Vec::new(), Standing::Superseded, "nothing is left"),
        ];
        let deployment = Deployment {
            id: "d".into(),
            service: "api".into(),
            revision: revision("td:2"),
            previous: Some(revision("td:1")),
            created: None,
            images: Images::new(),
            service_revision: None,
        };
        for (entries, standing, why) in cases {
            let service = Service {
                arn: String::new(),
                place: None,
                status: "ACTIVE".into(),
                controller: "ECS".into(),
                desired: 1,
                strategy: None,
                entries,
                current: None,
            };
            assert_eq!(of_entry(&service, &deployment), standing, "{why}");
        }
    }
}
