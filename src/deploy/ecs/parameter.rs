//! A parameter of the Systems Manager's store: what an operator writes there to stop rollbacks.
//!
//! Never asks for anything to be decrypted: what stops a rollback is no secret, and a permission
//! for a key is one more that the task would hold. Called by the seam.

use aws_sdk_ssm::types::ParameterType;

use super::EcsTarget;
use super::fault::{Blame, CallFault, one_line};
use crate::deploy::DeployError;

/// What the parameter says; nothing when there is none of that name.
pub(super) async fn read(target: &EcsTarget, name: &str) -> Result<Option<String>, DeployError> {
    let client = aws_sdk_ssm::Client::new(&target.shared);
    let asked = client.get_parameter().name(name).with_decryption(false);
    let answer = match asked.send().await {
        Ok(answer) => answer,
        Err(error) => {
            let fault = CallFault::of("GetParameter", &error);
            return match fault.code.as_deref() {
                Some("ParameterNotFound") => Ok(None),
                _ => Err(told(&fault, name)),
            };
        }
    };
    let Some(parameter) = answer.parameter() else {
        let why = format!("an answer to ssm:GetParameter without parameter {name}");
        return Err(DeployError::Strange(why));
    };
    if parameter.r#type() == Some(&ParameterType::SecureString) {
        let why =
            format!("parameter {name} is a SecureString, which is not decrypted: make it a String");
        return Err(DeployError::Declared(why));
    }
    Ok(parameter.value().map(str::to_owned))
}

fn told(fault: &CallFault, name: &str) -> DeployError {
    let name = one_line(name);
    match fault.blame {
        Blame::Denied => DeployError::Declared(format!(
            "AWS denies parameter {name}: allow ssm:GetParameter on it"
        )),
        Blame::Credentials | Blame::NotSent | Blame::Refused => {
            DeployError::Declared(format!("parameter {name} cannot be read: {fault}"))
        }
        Blame::Absent => DeployError::Strange(format!("parameter {name}: {fault}")),
        _ => DeployError::Passing(format!("parameter {name} could not be read: {fault}")),
    }
}
