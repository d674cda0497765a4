//! What the stand-in remembers besides its services: plain data, changed by `operations` and
//! `control` alone.

use std::collections::HashMap;

use serde_json::Value;

use super::arn::{self, Names};
use super::service::Service;
use super::settings::Settings;
use super::surroundings::Surroundings;
use crate::clock::{Moment, WallTime};

/// Everything that there is.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) ids: Ids,
    pub(super) present: Present,
    pub(super) clusters: Vec<String>,
    pub(super) task_definitions: Vec<TaskDefinition>,
    pub(super) services: Vec<Service>,
    /// What a tag was moved to; other images have the digest of their name.
    pub(super) retagged: HashMap<String, String>,
    /// What other AWS services know.
    pub(super) surroundings: Surroundings,
    /// `DescribeServices` does not name service deployments, as before they existed.
    pub(super) hide_service_deployments: bool,
}

impl World {
    pub(super) fn new(settings: Settings, present: Present) -> Self {
        Self {
            ids: Ids {
                names: Names::new(&settings.region, &settings.account),
                last: 0,
            },
            settings,
            present,
            clusters: Vec::new(),
            task_definitions: Vec::new(),
            services: Vec::new(),
            retagged: HashMap::new(),
            surroundings: Surroundings::default(),
            hide_service_deployments: false,
        }
    }

    /// The digest that an image's name stands for now.
    pub(super) fn digest(&self, image: &str) -> String {
        if let Some((_, digest)) = image.split_once('@') {
            return digest.to_owned();
        }
        self.retagged
            .get(image)
            .cloned()
            .unwrap_or_else(|| digest_of(image))
    }

    /// The task definition that a name stands for: a full ARN, `family:n`, or `family` for the
    /// latest active one.
    pub(super) fn task_definition(&self, name: &str) -> Option<&TaskDefinition> {
        let short = arn::last_part(name);
        match short.split_once(':') {
            Some(_) => self
                .task_definitions
                .iter()
                .find(|known| known.label() == short && (name == short || known.arn == name)),
            None => self
                .task_definitions
                .iter()
                .filter(|known| known.family == short && known.active)
                .max_by_key(|known| known.revision),
        }
    }
}

/// The present, as the clock said when the request came in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Present {
    pub(super) moment: Moment,
    pub(super) wall: WallTime,
}

/// Where names and numbers come from.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) names: Names,
    last: u64,
}

impl Ids {
    pub(super) const fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

/// A registered task definition.
#[derive(Clone, Debug)]
pub(super) struct TaskDefinition {
    pub(super) arn: String,
    pub(super) family: String,
    pub(super) revision: u32,
    pub(super) active: bool,
    pub(super) containers: Vec<Container>,
    /// What was registered, shown again as it came.
    pub(super) document: Value,
    pub(super) registered: WallTime,
    pub(super) deregistered: Option<WallTime>,
}

impl TaskDefinition {
    pub(super) fn label(&self) -> String {
        format!("{}:{}", self.family, self.revision)
    }
}

/// A container of a task definition.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
}

/// A made-up digest that is always the same for the same text (FNV-1a, four lanes).
pub(super) fn digest_of(text: &str) -> String {
    let lanes: String = (0..4_u8)
        .map(|lane| {
            let hash = text.bytes().chain([lane]).fold(FNV_START, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
            });
            format!("{hash:016x}")
        })
        .collect();
    format!("sha256:{lanes}")
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
