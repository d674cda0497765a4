//! A copy of a service that runs somewhere.

use serde::{Deserialize, Serialize};

use super::{Images, Revision};

/// A task of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The last part of its identifier, as people see it.
    pub id: String,
    /// What it runs.
    pub revision: Revision,
    /// The images that it really runs.
    pub images: Images,
    /// Whether the deployment that was asked about started it.
    pub of_deployment: bool,
    /// Whether it runs: it neither starts nor stops.
    pub running: bool,
    /// Its private address, where the platform gives it one of its own.
    pub address: Option<String>,
}
