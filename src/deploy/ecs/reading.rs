//! One look at the deployment under test: the service, the deployment's own record, and whether
//! something newer is there.
//!
//! Two ways: by service deployments, whose ARNs can be acted on safely; and, where those are not
//! offered, by the entries of `deployments[]`, which can only be compared.

use super::EcsTarget;
use super::calls::Filter;
use super::facts::{self, Service};
use super::records::ServiceDeployment;
use super::standing;
use crate::deploy::DeployError;
use crate::deployment::{Deployment, Standing};

/// What one look saw.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) service: Service,
    pub(super) subject: Subject,
}

/// The record of the deployment under test.
#[derive(Debug)]
pub(super) enum Subject {
    /// It has a service deployment.
    Recorded {
        deployment: ServiceDeployment,
        /// The ARN of a newer one.
        newer: Option<String>,
    },
    /// It has only its entry in `deployments[]`, if that.
    Entry,
}

impl Reading {
    pub(super) fn standing(&self, deployment: &Deployment) -> Result<Standing, DeployError> {
        match &self.subject {
            Subject::Recorded {
                deployment: recorded,
                newer,
            } => standing::of_recorded(recorded, newer.is_some()),
            Subject::Entry => Ok(standing::of_entry(&self.service, deployment)),
        }
    }

    /// What has taken over, for a message.
    pub(super) fn successor(&self) -> &str {
        let newer = match &self.subject {
            Subject::Recorded { newer, .. } => newer.as_deref(),
            Subject::Entry => None,
        };
        let primary = self.service.primary().map(|primary| primary.id.as_str());
        newer.or(primary).unwrap_or("another deployment")
    }
}

/// Looks at the service and at the deployment under test.
pub(super) async fn read(
    target: &EcsTarget,
    deployment: &Deployment,
) -> Result<Reading, DeployError> {
    let service = target.service().await?;
    let subject = if facts::is_entry(&deployment.id) {
        Subject::Entry
    } else {
        let (deployment, newer) = with_newer(target, &service, &deployment.id).await?;
        Subject::Recorded { deployment, newer }
    };
    Ok(Reading { service, subject })
}

/// A service deployment, and the ARN of a newer one if there is one.
pub(super) async fn with_newer(
    target: &EcsTarget,
    service: &Service,
    arn: &str,
) -> Result<(ServiceDeployment, Option<String>), DeployError> {
    let Some(current) = &service.current else {
        let deployment = target.service_deployment(arn).await?;
        let newer = newer_in_list(target, &deployment).await?;
        return Ok((deployment, newer));
    };
    if current == arn {
        return Ok((target.service_deployment(arn).await?, None));
    }
    let both = target.service_deployments(&[arn, current]).await;
    let both = both.map_err(|fault| target.told(&fault))?;
    let find = |arn: &str| both.iter().find(|known| known.arn == arn).cloned();
    let deployment = find(arn).ok_or_else(|| {
        DeployError::Strange(format!(
            "ECS does not show service deployment {arn} any more"
        ))
    })?;
    // A current one that is older is a reading that lags behind; one that is not shown is not ours.
    let is_newer = find(current).is_none_or(|other| other.created >= deployment.created);
    Ok((deployment, is_newer.then(|| current.clone())))
}

/// By the list, where ECS names no current service deployment.
async fn newer_in_list(
    target: &EcsTarget,
    deployment: &ServiceDeployment,
) -> Result<Option<String>, DeployError> {
    let listed = newer_than(target, deployment).await?;
    Ok(listed.into_iter().next())
}

/// The ARNs of the service deployments that were created after this one, the newest first.
pub(super) async fn newer_than(
    target: &EcsTarget,
    deployment: &ServiceDeployment,
) -> Result<Vec<String>, DeployError> {
    let filter = Filter {
        after: Some(deployment.created),
        ..Filter::default()
    };
    let listed = target.listed(&filter).await;
    let listed = listed.map_err(|fault| target.told(&fault))?;
    Ok(listed
        .into_iter()
        .take_while(|known| known.arn != deployment.arn && known.created >= deployment.created)
        .map(|known| known.arn)
        .collect())
}
