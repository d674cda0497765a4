//! What stands around a service on AWS: the alarms of CloudWatch, and the images that ECR has lost.

use std::collections::{BTreeMap, BTreeSet};

use super::control::Control;

/// What there is besides ECS.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// By name, whether it fires.
    pub(super) alarms: BTreeMap<String, bool>,
    /// Digests of images that were deleted; every other image is there.
    pub(super) lost_images: BTreeSet<String>,
}

impl Control {
    /// Makes an alarm, or changes whether it fires.
    pub fn set_alarm(&self, name: &str, fires: bool) {
        let mut world = self.world();
        world.surroundings.alarms.insert(name.to_owned(), fires);
    }

    /// Deletes the image that a name stands for now from its repository.
    pub fn lose_image(&self, image: &str) {
        let mut world = self.world();
        let digest = world.digest(image);
        world.surroundings.lost_images.insert(digest);
    }
}
