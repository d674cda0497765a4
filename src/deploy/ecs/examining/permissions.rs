//! What is needed and on what: the ARNs of a service's things, and the permissions on them, as an
//! administrator writes them. A part that is not known is written in capitals, to be filled in.

use aws_config::Region;

use super::identity::Caller;
use crate::deploy::EcsService;
use crate::deployment::Permission;

/// Where a service lives, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Realm {
    pub(super) partition: String,
    pub(super) region: String,
    pub(super) account: String,
    pub(super) cluster: String,
    pub(super) service: String,
}

impl Realm {
    /// By the declaration and by who we are.
    pub(super) fn declared(
        declared: &EcsService,
        region: Option<&Region>,
        caller: Option<&Caller>,
    ) -> Self {
        let EcsService {
            cluster, service, ..
        } = declared;
        let unknown = |part: &str| part.to_owned();
        let mut realm = Self {
            partition: caller.map_or(unknown("aws"), |caller| caller.partition.clone()),
            region: region.map_or(unknown("REGION"), ToString::to_string),
            account: caller.map_or(unknown("ACCOUNT"), |caller| caller.account.clone()),
            cluster: last(cluster).to_owned(),
            service: last(service).to_owned(),
        };
        for arn in [cluster, service] {
            realm.learn(arn);
        }
        realm
    }

    /// Takes partition, region and account from an ARN of ECS; what is none teaches nothing.
    pub(super) fn learn(&mut self, arn: &str) {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        if let ["arn", partition, "ecs", region, account, _] = parts.as_slice() {
            self.partition = (*partition).to_owned();
            self.region = (*region).to_owned();
            self.account = (*account).to_owned();
        }
    }

    /// An ARN of a service in this account and region.
    pub(super) fn arn(&self, of: &str, resource: &str) -> String {
        let Self {
            partition,
            region,
            account,
            ..
        } = self;
        format!("arn:{partition}:{of}:{region}:{account}:{resource}")
    }

    /// The ARN of a thing of the service, or of all its things with `*`.
    pub(super) fn of_service(&self, kind: &str, id: &str) -> String {
        let Self {
            cluster, service, ..
        } = self;
        self.arn("ecs", &format!("{kind}/{cluster}/{service}/{id}"))
    }

    fn service(&self) -> String {
        let Self {
            cluster, service, ..
        } = self;
        self.arn("ecs", &format!("service/{cluster}/{service}"))
    }

    /// A permission on the service and the records of its deployments: AWS names all three for the
    /// reads of them.
    pub(super) fn on_records(&self, action: &str) -> Permission {
        on(
            action,
            vec![
                self.service(),
                self.of_service("service-deployment", "*"),
                self.of_service("service-revision", "*"),
            ],
        )
    }

    /// A permission on the service itself.
    pub(super) fn on_service(&self, action: &str) -> Permission {
        on(action, vec![self.service()])
    }

    /// A permission on the deployments of the service.
    pub(super) fn on_deployments(&self, action: &str) -> Permission {
        on(action, vec![self.of_service("service-deployment", "*")])
    }

    /// The permission to list the tasks of the cluster, which only a condition can narrow.
    pub(super) fn list_tasks(&self) -> Permission {
        let cluster = self.arn("ecs", &format!("cluster/{}", self.cluster));
        Permission {
            condition: Some(("ecs:cluster".to_owned(), cluster)),
            ..on_anything("ecs:ListTasks")
        }
    }

    /// The permission to look at tasks of the cluster.
    pub(super) fn describe_tasks(&self) -> Permission {
        let tasks = self.arn("ecs", &format!("task/{}/*", self.cluster));
        on("ecs:DescribeTasks", vec![tasks])
    }
}

/// A permission on some things.
pub(super) fn on(action: &str, resources: Vec<String>) -> Permission {
    Permission {
        resources,
        condition: None,
        action: action.to_owned(),
    }
}

/// A permission that cannot be narrowed to a thing.
pub(super) fn on_anything(action: &str) -> Permission {
    on(action, vec!["*".to_owned()])
}

/// The name in an ARN, or what is a name already.
fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(cluster: &str, caller: Option<&Caller>) -> Realm {
        let declared = EcsService {
            cluster: cluster.to_owned(),
            service: "api".to_owned(),
            region: None,
        };
        let region = Region::new("eu-west-1");
        Realm::declared(&declared, Some(&region), caller)
    }

    #[test]
    fn what_is_not_known_is_left_to_be_filled_in() {
        let caller = Caller {
            partition: "aws-cn".to_owned(),
            account: "111122223333".to_owned(),
        };
        let cases = [
            (
                "prod",
                None,
                "arn:aws:ecs:eu-west-1:ACCOUNT:service/prod/api",
            ),
            (
                "prod",
                Some(&caller),
                "arn:aws-cn:ecs:eu-west-1:111122223333:service/prod/api",
            ),
            (
                "arn:aws:ecs:us-east-1:444455556666:cluster/prod",
                None,
                "arn:aws:ecs:us-east-1:444455556666:service/prod/api",
            ),
        ];
        for (cluster, caller, expected) in cases {
            assert_eq!(realm(cluster, caller).service(), expected);
        }
    }
}
