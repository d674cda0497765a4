//! Where a service lives, and whether an ARN is of something that belongs to it: compared part by
//! part, since the same names exist in other clusters, regions and accounts.

use aws_sdk_ecs::types;

/// Where a service lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `arn:PARTITION:ecs:REGION:ACCOUNT`.
    realm: String,
    pub(super) cluster: String,
    pub(super) service: String,
}

impl Place {
    /// From the ARN of its cluster and its name, which every service has in this form.
    pub(super) fn of(service: &types::Service) -> Option<Self> {
        let (realm, cluster) = service.cluster_arn()?.rsplit_once(":cluster/")?;
        Some(Self {
            realm: realm.to_owned(),
            cluster: cluster.to_owned(),
            service: service.service_name()?.to_owned(),
        })
    }

    pub(super) fn owns(&self, arn: &str) -> bool {
        let path = arn
            .strip_prefix(&*self.realm)
            .and_then(|rest| rest.strip_prefix(':'))
            .map(|rest| rest.split('/').collect::<Vec<_>>());
        let Some([kind, cluster, service, id]) = path.as_deref() else {
            return false;
        };
        matches!(*kind, "service-deployment" | "service-revision")
            && *cluster == self.cluster
            && *service == self.service
            && !id.is_empty()
    }

    /// Whether a task runs in the same account, region and cluster. Task ARNs of the older form
    /// leave the cluster out: it is named beside them, by its name or its ARN.
    pub(super) fn has_task(&self, arn: &str, cluster: &str) -> bool {
        let path = arn
            .strip_prefix(&*self.realm)
            .and_then(|rest| rest.strip_prefix(":task/"));
        path.is_some_and(|path| match path.split_once('/') {
            Some((named, _)) => named == self.cluster,
            None => cluster.rsplit('/').next() == Some(&*self.cluster),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_owns_what_is_of_its_account_region_cluster_and_name_alone() {
        let place = Place {
            realm: "arn:aws:ecs:eu-west-1:000000000000".into(),
            cluster: "prod".into(),
            service: "api".into(),
        };
        let cases = [
            (
                "aws",
                "eu-west-1",
                "000000000000",
                "service-deployment/prod/api/x",
                true,
            ),
            (
                "aws",
                "eu-west-1",
                "000000000000",
                "service-revision/prod/api/1",
                true,
            ),
            (
                "aws",
                "eu-west-1",
                "000000000000",
                "service-deployment/staging/api/x",
                false,
            ),
            (
                "aws",
                "eu-west-1",
                "000000000000",
                "service-deployment/prod/web/x",
                false,
            ),
            (
                "aws",
                "eu-west-1",
                "000000000000",
                "service-deployment/x/prod/api/x",
                false,
            ),
            (
                "aws",
                "eu-west-1",
                "000000000000",
                "service-deployment/prod/api/",
                false,
            ),
            ("aws", "eu-west-1", "000000000000", "task/prod/api/x", false),
            (
                "aws",
                "us-east-1",
                "000000000000",
                "service-deployment/prod/api/x",
                false,
            ),
            (
                "aws",
                "eu-west-1",
                "111111111111",
                "service-deployment/prod/api/x",
                false,
            ),
            (
                "aws-cn",
                "eu-west-1",
                "000000000000",
                "service-deployment/prod/api/x",
                false,
            ),
        ];
        for (partition, region, account, resource, owned) in cases {
            let arn = format!("arn:{partition}:ecs:{region}:{account}:{resource}");
            assert_eq!(place.owns(&arn), owned, "{arn}");
        }
    }

    #[test]
    fn a_task_of_another_cluster_region_or_account_is_not_of_this_place() {
        let place = Place {
            realm: "arn:aws:ecs:eu-west-1:000000000000".into(),
            cluster: "prod".into(),
            service: "api".into(),
        };
        let cases = [
            ("eu-west-1:000000000000:task/prod/x", "prod", true),
            ("eu-west-1:000000000000:task/x", "prod", true),
            (
                "eu-west-1:000000000000:task/x",
                "arn:aws:ecs:eu-west-1:000000000000:cluster/prod",
                true,
            ),
            ("eu-west-1:000000000000:task/x", "staging", false),
            ("eu-west-1:000000000000:task/staging/x", "prod", false),
            ("us-east-1:000000000000:task/prod/x", "prod", false),
            ("eu-west-1:111111111111:task/prod/x", "prod", false),
            ("eu-west-1:000000000000:service/prod/x", "prod", false),
        ];
        for (resource, cluster, expected) in cases {
            let arn = format!("arn:aws:ecs:{resource}");
            assert_eq!(place.has_task(&arn, cluster), expected, "{arn} {cluster}");
        }
    }
}
