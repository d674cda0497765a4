//! ECR: whether an image is in its repository. Every image is, but for those that were deleted.

use serde_json::{Value, json};

use super::super::parameters;
use super::super::state::World;
use super::Refusal;

/// Carries an operation out.
pub(in super::super) fn perform(
    world: &mut World,
    operation: &str,
    input: &Value,
) -> Result<Value, Refusal> {
    match operation {
        "BatchGetImage" => get(world, input),
        _ => Err(Refusal::new(
            "UnknownOperationException",
            "The operation is not known.".to_owned(),
        )),
    }
}

fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let repository = parameters::required(input, "repositoryName")?;
    let registry = parameters::text(input, "registryId")?.unwrap_or(&world.settings.account);
    let Value::Array(wanted) = &input["imageIds"] else {
        return Err(Refusal::invalid("imageIds can not be empty.".to_owned()));
    };
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in wanted {
        let digest = parameters::text(id, "imageDigest")?.unwrap_or_default();
        if world.surroundings.lost_images.contains(digest) {
            failures.push(json!({
                "imageId": id,
                "failureCode": "ImageNotFound",
                "failureReason": "Requested image not found",
            }));
        } else {
            images.push(json!({
                "registryId": registry,
                "repositoryName": repository,
                "imageId": id,
                "imageManifest": "{}",
            }));
        }
    }
    Ok(json!({ "images": images, "failures": failures }))
}
