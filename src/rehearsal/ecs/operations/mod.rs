//! The operations of ECS that the stand-in knows, one file per subject, and how they refuse.

pub(super) mod balancing;
pub(super) mod caller;
pub(super) mod cloudwatch;
mod clusters;
pub(super) mod codedeploy;
pub(super) mod ecr;
pub(super) mod logs;
pub(super) mod parameter_store;
mod service_deployment_view;
mod service_deployments;
mod service_view;
pub(super) mod services;
mod stopping;
pub(super) mod task_definitions;
mod task_sets;
mod tasks;

use serde_json::Value;

use super::state::World;
use crate::clock::WallTime;

/// Carries an operation out.
pub(super) fn perform(world: &mut World, operation: &str, input: &Value) -> Result<Value, Refusal> {
    match operation {
        "CreateCluster" => clusters::create(world, input),
        "DescribeClusters" => clusters::describe(world, input),
        "RegisterTaskDefinition" => task_definitions::register(world, input),
        "DescribeTaskDefinition" => task_definitions::describe(world, input),
        "DeregisterTaskDefinition" => task_definitions::deregister(world, input),
        "CreateService" => services::create(world, input),
        "DescribeServices" => services::describe(world, input),
        "ListServices" => services::list(world, input),
        "UpdateService" => services::update(world, input),
        "UpdateServicePrimaryTaskSet" => task_sets::make_primary(world, input),
        "ListServiceDeployments" => service_deployments::list(world, input),
        "DescribeServiceDeployments" => service_deployments::describe(world, input),
        "DescribeServiceRevisions" => service_deployments::revisions(world, input),
        "StopServiceDeployment" => stopping::stop(world, input),
        "ContinueServiceDeployment" => stopping::answer_hook(world, input),
        "ListTasks" => tasks::list(world, input),
        "DescribeTasks" => tasks::describe(world, input),
        _ => Err(Refusal::new(
            "UnknownOperationException",
            "The operation is not known.".to_owned(),
        )),
    }
}

/// An error as ECS answers it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The error code, as in `__type`.
    pub code: &'static str,
    /// The message for people.
    pub message: String,
}

impl Refusal {
    pub(super) const fn new(code: &'static str, message: String) -> Self {
        Self { code, message }
    }

    pub(super) const fn invalid(message: String) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub(super) fn client(message: &str) -> Self {
        Self::new("ClientException", message.to_owned())
    }

    pub(super) fn broken(name: &str, expected: &str) -> Self {
        Self::new(
            "SerializationException",
            format!("{name} must be {expected}."),
        )
    }
}

/// Whether a short name or a full ARN names the thing of this name and ARN. An ARN of another
/// account or region names nothing here.
fn names(given: &str, name: &str, arn: &str) -> bool {
    given == name || given == arn
}

/// A time as the protocol writes it: seconds since 1970 with milliseconds.
fn timestamp(time: WallTime) -> Value {
    let milliseconds = (time.unix().as_secs_f64() * 1000.0).round();
    Value::from(milliseconds / 1000.0)
}

/// An entry of `failures[]` for something that is not there.
fn missing(arn: &str) -> Value {
    serde_json::json!({ "arn": arn, "reason": "MISSING" })
}

/// Leaves out what is not set, as ECS does.
fn without_nulls(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|_, member| !member.is_null());
    }
    value
}
