//! What the other AWS services know of the stand-in's services: log streams, the health of targets,
//! parameters, which alarms and images are lost. Filled by hand through [`Control`], read by their operations.

use std::collections::{BTreeMap, BTreeSet};

use super::control::Control;
use crate::clock::WallTime;

/// What other services know.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    /// Lines by log group and stream, the oldest first.
    pub(super) logs: BTreeMap<(String, String), Vec<LogLine>>,
    /// Values of metrics by namespace and name, each with when its period began.
    pub(super) metrics: BTreeMap<(String, String), Vec<(WallTime, f64)>>,
    /// Targets by the ARN of their group.
    pub(super) targets: BTreeMap<String, Vec<TargetState>>,
    /// Type and value of parameters by name.
    pub(super) parameters: BTreeMap<String, (String, String)>,
    /// Alarms that were deleted, by name; every other that a service names is there.
    pub(super) lost_alarms: BTreeSet<String>,
    /// Digests of images that were deleted; every other image is there.
    pub(super) lost_images: BTreeSet<String>,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogLine {
    pub(super) at: WallTime,
    pub(super) text: String,
}

/// A target of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetState {
    /// Its address.
    pub id: String,
    /// Its port.
    pub port: u16,
    /// `healthy`, `unhealthy` …
    pub state: &'static str,
    /// Why it is not healthy: `Target.ResponseCodeMismatch`.
    pub reason: Option<&'static str>,
}

impl Control {
    /// A container writes lines into a stream of CloudWatch Logs.
    pub fn log(&self, group: &str, stream: &str, lines: &[&str]) {
        let mut world = self.world();
        let at = world.present.wall;
        let place = (group.to_owned(), stream.to_owned());
        let written = world.surroundings.logs.entry(place).or_default();
        written.extend(lines.iter().map(|line| LogLine {
            at,
            text: (*line).to_owned(),
        }));
    }

    /// A metric has a value for the period that began at a time.
    pub fn metric(&self, namespace: &str, name: &str, at: WallTime, value: f64) {
        let mut world = self.world();
        let metric = (namespace.to_owned(), name.to_owned());
        let values = world.surroundings.metrics.entry(metric).or_default();
        values.push((at, value));
    }

    /// Puts targets into a target group, by its ARN.
    pub fn targets(&self, group: &str, targets: &[TargetState]) {
        let mut world = self.world();
        let known = &mut world.surroundings.targets;
        known.insert(group.to_owned(), targets.to_vec());
    }

    /// Sets a parameter of Systems Manager; of a `SecureString` the value is what is shown without
    /// decrypting it.
    pub fn set_parameter(&self, name: &str, kind: &str, value: &str) {
        let mut world = self.world();
        let known = &mut world.surroundings.parameters;
        known.insert(name.to_owned(), (kind.to_owned(), value.to_owned()));
    }

    /// Removes a parameter of Systems Manager.
    pub fn remove_parameter(&self, name: &str) {
        self.world().surroundings.parameters.remove(name);
    }

    /// Deletes an alarm that services may name.
    pub fn delete_alarm(&self, name: &str) {
        let mut world = self.world();
        world.surroundings.lost_alarms.insert(name.to_owned());
    }

    /// Deletes the image that a name stands for now from its repository.
    pub fn delete_image(&self, image: &str) {
        let mut world = self.world();
        let digest = world.digest(image);
        world.surroundings.lost_images.insert(digest);
    }
}
