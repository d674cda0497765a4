//! How a deployment of CodeDeploy stands, from what was read. Pure; ids and states decide.

use super::records::{Record, Status};
use crate::deploy::DeployError;
use crate::deployment::Standing;

/// The standing of the deployment under test, from its record and from the deployment with which
/// CodeDeploy rolls it back, if there is one.
pub(super) fn of(
    judged: &Record,
    rollback: Option<&Record>,
    is_superseded: bool,
) -> Result<Standing, DeployError> {
    if is_superseded {
        return Ok(Standing::Superseded);
    }
    match &judged.status {
        Status::InFlight => Ok(Standing::InFlight),
        Status::Succeeded => Ok(Standing::Completed),
        Status::Unknown(name) => Err(unknown(judged, name)),
        Status::Broken => match rollback.map(|rollback| (rollback, &rollback.status)) {
            None | Some((_, Status::Broken)) => Ok(Standing::Failed),
            Some((_, Status::InFlight)) => Ok(Standing::RollingBack),
            Some((_, Status::Succeeded)) => Ok(Standing::RolledBack),
            Some((rollback, Status::Unknown(name))) => Err(unknown(rollback, name)),
        },
    }
}

pub(super) fn unknown(record: &Record, name: &str) -> DeployError {
    DeployError::Strange(format!(
        "deployment {} has the status {name}, which this version does not know",
        record.id
    ))
}

#[cfg(test)]
mod tests {
    use super::super::records::Group;
    use super::*;
    use crate::clock::WallTime;

    fn record(id: &str, status: Status) -> Record {
        Record {
            id: id.into(),
            group: Group {
                application: "shop".into(),
                name: "api".into(),
            },
            status,
            created: WallTime::default(),
            completed: None,
            revision: None,
            description: None,
            rolled_back_by: None,
            rolls_back: None,
        }
    }

    #[test]
    fn every_status_has_its_standing_with_and_without_a_rollback() {
        let (flies, good, broken) = (Status::InFlight, Status::Succeeded, Status::Broken);
        let cases = [
            (&flies, None, Standing::InFlight),
            (&good, None, Standing::Completed),
            (&broken, None, Standing::Failed),
            (&broken, Some(&flies), Standing::RollingBack),
            (&broken, Some(&good), Standing::RolledBack),
            (&broken, Some(&broken), Standing::Failed),
        ];
        for (status, rollback, standing) in cases {
            let judged = record("d-1", status.clone());
            let rollback = rollback.map(|status| record("d-2", status.clone()));
            assert_eq!(of(&judged, rollback.as_ref(), false), Ok(standing));
            assert_eq!(
                of(&judged, rollback.as_ref(), true),
                Ok(Standing::Superseded)
            );
        }
    }

    #[test]
    fn an_unknown_status_is_strange_and_never_guessed() {
        let odd = record("d-7", Status::Unknown("Odd".into()));
        let broken = record("d-1", Status::Broken);
        for error in [of(&odd, None, false), of(&broken, Some(&odd), false)] {
            assert!(
                matches!(error, Err(DeployError::Strange(text)) if text.contains("d-7") && text.contains("Odd"))
            );
        }
    }
}
