//! The reads: each asks CodeDeploy one thing, follows its pages, and answers with records.

use std::time::Duration;

use aws_sdk_codedeploy::types::{DeploymentGroupInfo, DeploymentStatus, TimeRange};

use super::super::EcsTarget;
use super::super::facts;
use super::super::fault::CallFault;
use super::records::{Group, Record};
use crate::clock::WallTime;
use crate::deploy::DeployError;

/// CodeDeploy, asked on behalf of a service.
#[derive(Debug)]
pub(super) struct CodeDeploy<'a> {
    pub(super) target: &'a EcsTarget,
    pub(super) client: aws_sdk_codedeploy::Client,
}

impl<'a> CodeDeploy<'a> {
    pub(super) fn of(target: &'a EcsTarget) -> Self {
        Self {
            client: aws_sdk_codedeploy::Client::new(&target.shared),
            target,
        }
    }

    /// One deployment that must be there: what was just created may take a while to be shown.
    pub(super) async fn deployment(&self, id: &str) -> Result<Record, DeployError> {
        self.known(id).await?.ok_or_else(|| {
            DeployError::Passing(format!(
                "CodeDeploy does not show deployment {id} of service {}",
                self.target.declared.service
            ))
        })
    }

    /// One deployment, if CodeDeploy knows it.
    pub(super) async fn known(&self, id: &str) -> Result<Option<Record>, DeployError> {
        let asked = self.client.get_deployment().deployment_id(id).send().await;
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) => {
                let fault = CallFault::of("codedeploy:GetDeployment", &error);
                return match fault.code.as_deref() {
                    Some(UNKNOWN | MISSHAPEN) => Ok(None),
                    _ => Err(self.target.told(&fault)),
                };
            }
        };
        let shown = answer.deployment_info().and_then(Record::of);
        shown
            .filter(|shown| shown.id == id)
            .map(Some)
            .ok_or_else(|| {
                DeployError::Strange(format!(
                    "asked about deployment {id}, CodeDeploy answered without what makes one"
                ))
            })
    }

    /// The deployments of a group, the newest first.
    pub(super) async fn listed(
        &self,
        group: &Group,
        filter: &Filter,
    ) -> Result<Vec<Record>, DeployError> {
        let ids = self.ids(group, filter).await?;
        let mut found = Vec::new();
        for some in ids.chunks(MOST_IDS) {
            let answer = self
                .client
                .batch_get_deployments()
                .set_deployment_ids(Some(some.to_vec()))
                .send()
                .await
                .map_err(|error| self.told("codedeploy:BatchGetDeployments", &error))?;
            let shown = answer.deployments_info().iter().filter_map(Record::of);
            found.extend(shown.filter(|shown| some.contains(&shown.id) && shown.group == *group));
        }
        // The order of neither answer is promised; the sort is stable where times are equal.
        found.sort_by_key(|known| std::cmp::Reverse(known.created));
        Ok(found)
    }

    async fn ids(&self, group: &Group, filter: &Filter) -> Result<Vec<String>, DeployError> {
        let mut range = TimeRange::builder();
        if let Some(after) = filter.after {
            let start = after.unix().saturating_sub(SLACK);
            range = range.start(facts::date_time(start));
        }
        if let Some(before) = filter.before {
            let end = before.unix().saturating_add(SLACK);
            range = range.end(facts::date_time(end));
        }
        let statuses = filter.succeeded.then(|| vec![DeploymentStatus::Succeeded]);
        let mut ids = Vec::new();
        let mut token = None;
        for _ in 0..MOST_PAGES {
            let page = self
                .client
                .list_deployments()
                .application_name(&group.application)
                .deployment_group_name(&group.name)
                .set_include_only_statuses(statuses.clone())
                .create_time_range(range.clone().build())
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| self.told("codedeploy:ListDeployments", &error))?;
            ids.extend(page.deployments().iter().cloned());
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        Ok(ids)
    }

    /// How a group deploys.
    pub(super) async fn group(
        &self,
        group: &Group,
    ) -> Result<Option<DeploymentGroupInfo>, CallFault> {
        let asked = self
            .client
            .get_deployment_group()
            .application_name(&group.application)
            .deployment_group_name(&group.name)
            .send()
            .await;
        let answer =
            asked.map_err(|error| CallFault::of("codedeploy:GetDeploymentGroup", &error))?;
        Ok(answer.deployment_group_info)
    }

    fn told<E>(
        &self,
        operation: &'static str,
        error: &aws_sdk_codedeploy::error::SdkError<E, HttpResponse>,
    ) -> DeployError
    where
        E: aws_sdk_codedeploy::error::ProvideErrorMetadata + std::error::Error + 'static,
    {
        self.target.told(&CallFault::of(operation, error))
    }
}

/// Which deployments are listed; the times are asked for with slack, the caller sifts.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) succeeded: bool,
    pub(super) after: Option<WallTime>,
    pub(super) before: Option<WallTime>,
}

type HttpResponse = aws_sdk_codedeploy::config::http::HttpResponse;

/// CodeDeploy's codes for an id that it does not know, or that is none.
const UNKNOWN: &str = "DeploymentDoesNotExistException";
const MISSHAPEN: &str = "InvalidDeploymentIdException";
/// Times lose their last digits on the wire, and whether a limit is included is not documented.
const SLACK: Duration = Duration::from_secs(1);
/// What CodeDeploy allows in one BatchGet.
const MOST_IDS: usize = 25;
/// A hundred ids a page: years of deployments; no list goes on for ever.
const MOST_PAGES: usize = 90;
