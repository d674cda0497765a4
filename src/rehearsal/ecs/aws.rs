//! The AWS services that the stand-in speaks for: how each is addressed, what its requests are
//! signed for, and who answers. Another service is one row here and one file of operations.

use serde_json::Value;

use super::operations::{self, Refusal, balancing, codedeploy, logs, parameter_store};
use super::protocol::Protocol;
use super::state::World;

/// Carries an operation of a service out.
pub(super) type Perform = fn(&mut World, &str, &Value) -> Result<Value, Refusal>;

/// An AWS service that is spoken for.
#[derive(Debug)]
pub(super) struct Service {
    /// What its requests are signed for, and its prefix in permissions: `ecs`.
    pub(super) name: &'static str,
    pub(super) protocol: Protocol,
    pub(super) perform: Perform,
}

/// Elastic Container Service.
pub(super) const ECS: Service = Service {
    name: "ecs",
    protocol: Protocol::Json {
        prefix: "AmazonEC2ContainerServiceV20141113.",
    },
    perform: operations::perform,
};

/// CloudWatch.
const CLOUDWATCH: Service = Service {
    name: "monitoring",
    protocol: Protocol::Cbor {
        prefix: "/service/GraniteServiceVersion20100801/operation/",
    },
    perform: operations::cloudwatch::perform,
};

/// Elastic Container Registry.
const ECR: Service = Service {
    name: "ecr",
    protocol: Protocol::Json {
        prefix: "AmazonEC2ContainerRegistry_V20150921.",
    },
    perform: operations::ecr::perform,
};

/// CodeDeploy.
const CODEDEPLOY: Service = Service {
    name: "codedeploy",
    protocol: Protocol::Json {
        prefix: "CodeDeploy_20141006.",
    },
    perform: codedeploy::perform,
};

/// CloudWatch Logs.
const LOGS: Service = Service {
    name: "logs",
    protocol: Protocol::Json {
        prefix: "Logs_20140328.",
    },
    perform: logs::perform,
};

/// Elastic Load Balancing.
const BALANCING: Service = Service {
    name: "elasticloadbalancing",
    protocol: Protocol::Query,
    perform: balancing::perform,
};

/// Systems Manager.
const PARAMETERS: Service = Service {
    name: "ssm",
    protocol: Protocol::Json {
        prefix: "AmazonSSM.",
    },
    perform: parameter_store::perform,
};

/// Security Token Service.
const STS: Service = Service {
    name: "sts",
    protocol: Protocol::Query,
    perform: operations::caller::perform,
};

/// All of them; what a request is signed for says whom it is meant for.
pub(super) const SERVICES: &[Service] = &[
    ECS, CLOUDWATCH, CODEDEPLOY, ECR, LOGS, BALANCING, PARAMETERS, STS,
];

/// The service of this name.
pub(super) fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().find(|service| service.name == name)
}
