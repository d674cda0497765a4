//! An incident to rehearse: a service on the ECS stand-in, its good revision, and a release.
//!
//! Between the two lies a revision that was registered and never deployed, as happens: whoever
//! returns to "the revision before" by counting down would start something that nobody ever ran.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use serde_json::json;

use super::ecs::{Control, Controller, Refusal, ServiceControl, Settings, StandIn};
use super::toy::{Ailment, ToyService};
use crate::clock::Clock;

/// A staged incident; everything ends when it is dropped.
#[derive(Debug)]
pub struct Incident {
    /// The ECS stand-in.
    pub ecs: StandIn,
    /// The service that is deployed there.
    pub toy: ToyService,
    service: ServiceControl,
    release: String,
}

/// The cluster of the rehearsal.
pub const CLUSTER: &str = "demo";
/// The service of the rehearsal.
pub const SERVICE: &str = "shop";
/// How many tasks it runs.
const TASKS: u32 = 4;

/// Why an incident could not be staged.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    /// No loopback port.
    #[error("no loopback port can be opened")]
    Port(#[from] io::Error),
    /// The stand-in refuses.
    #[error("the stand-in refuses: {0:?}")]
    Refused(Refusal),
}

impl From<Refusal> for StagingError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Incident {
    /// Stages a service that runs well; the release is registered and not deployed yet.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn stage(
        clock: Arc<dyn Clock>,
        settings: Settings,
        ailment: Ailment,
    ) -> Result<Self, StagingError> {
        let ecs = StandIn::start(clock, settings).await?;
        let control: &Control = ecs.control();
        control.create_cluster(CLUSTER)?;
        let good = control.register(SERVICE, "registry.test/shop:2026.46")?;
        control.register(SERVICE, "registry.test/shop:never-deployed")?;
        let release = control.register(SERVICE, "registry.test/shop:2026.47")?;
        let service = control.create_service(CLUSTER, SERVICE, &good, TASKS, Controller::Ecs)?;
        service.configure(&json!({
            "deploymentCircuitBreaker": { "enable": true, "rollback": true },
        }))?;
        let label = release.rsplit('/').next().unwrap_or_default().to_owned();
        let toy = ToyService::start(service.traffic()?, HashMap::from([(label, ailment)])).await?;
        Ok(Self {
            ecs,
            toy,
            service,
            release,
        })
    }

    /// Deploys the release.
    ///
    /// # Errors
    /// When the stand-in refuses.
    pub fn release(&self) -> Result<String, StagingError> {
        Ok(self.service.deploy(&self.release)?)
    }

    /// The control of the service on the stand-in.
    #[must_use]
    pub const fn service(&self) -> &ServiceControl {
        &self.service
    }
}
