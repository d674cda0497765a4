//! What only the command line can do for the daemon: read files, connect to platforms, write reports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch as watch_channel;

use super::loading::Loading;
use crate::cli::{exit, watch};
use crate::deploy::ecs::EcsLookout;
use crate::deploy::{DeployError, DeploymentTarget, EcsService, Lookout, Platform};
use crate::engine::record::Record;
use crate::engine::serve::outfit::{Configuration, Outside};
use crate::event::Event;
use crate::plan::ServicePlan;
use crate::plan::server::ServerPlan;
use crate::plan::telemetry::TelemetryPlan;
use crate::report::json;
use crate::report::line::{self, Detail};

/// So long may it take to get a region and credentials.
const CONNECTING: Duration = Duration::from_secs(30);

/// This process, on this machine.
#[derive(Debug)]
pub struct Here {
    loading: Loading,
    /// How the server is declared in the configuration that was read last.
    settings: watch_channel::Sender<Arc<ServerPlan>>,
    /// The same of what is sent to other tools.
    telemetry: watch_channel::Sender<Arc<TelemetryPlan>>,
}

impl Here {
    /// With this configuration.
    #[must_use]
    pub fn new(loading: Loading, configuration: &Configuration) -> Self {
        let plan = &configuration.plan;
        let (settings, _) = watch_channel::channel(Arc::new(plan.server.clone()));
        let (telemetry, _) = watch_channel::channel(Arc::new(plan.telemetry.clone()));
        Self {
            loading,
            settings,
            telemetry,
        }
    }

    /// How the server is declared, now and whenever the configuration is read again.
    #[must_use]
    pub fn settings(&self) -> watch_channel::Receiver<Arc<ServerPlan>> {
        self.settings.subscribe()
    }

    /// What is sent to other tools, as it is declared now and whenever it is declared otherwise.
    #[must_use]
    pub fn telemetry(&self) -> watch_channel::Receiver<Arc<TelemetryPlan>> {
        self.telemetry.subscribe()
    }
}

#[async_trait]
impl Outside for Here {
    fn load(&self) -> Result<Configuration, String> {
        let configuration = self.loading.again()?;
        let settings = Arc::new(configuration.plan.server.clone());
        self.settings.send_replace(settings);
        let telemetry = &configuration.plan.telemetry;
        self.telemetry.send_if_modified(|known| {
            let is_other = known.mark != telemetry.mark;
            if is_other {
                *known = Arc::new(telemetry.clone());
            }
            is_other
        });
        Ok(configuration)
    }

    fn files(&self) -> u64 {
        self.loading.files()
    }

    async fn connect(
        &self,
        service: &ServicePlan,
    ) -> Result<Arc<dyn DeploymentTarget>, DeployError> {
        watch::connect(service).await
    }

    async fn lookouts(
        &self,
        services: &[ServicePlan],
    ) -> Vec<(Vec<usize>, Result<Arc<dyn Lookout>, DeployError>)> {
        let deployed: Vec<(usize, EcsService)> = services
            .iter()
            .enumerate()
            .filter_map(|(place, service)| {
                let Platform::Ecs(ecs) = service.platform.as_ref()?;
                Some((place, ecs.clone()))
            })
            .collect();
        let named: Vec<EcsService> = deployed.iter().map(|(_, ecs)| ecs.clone()).collect();
        let groups = EcsLookout::grouped(&named);
        // Side by side: credentials that cannot be got for one hold up no other.
        let connecting = groups.into_iter().map(|group| {
            let places = group.iter().map(|at| deployed[*at].0).collect();
            let services = group.iter().map(|at| named[*at].clone()).collect();
            async move {
                let connected = EcsLookout::connect(services);
                let lookout = tokio::time::timeout(CONNECTING, connected).await;
                let lookout = lookout.unwrap_or_else(|_| {
                    let why = "no credentials were given in time";
                    Err(DeployError::Passing(why.to_owned()))
                });
                (places, lookout.map(|one| Arc::new(one) as Arc<dyn Lookout>))
            }
        });
        futures_util::future::join_all(connecting).await
    }

    fn report(&self, record: &Record) -> Value {
        let code = exit::exit_code(record, false, None);
        let rendered = json::render(record, code, &self.loading.mask);
        let read = rendered
            .ok()
            .and_then(|text| serde_json::from_str(&text).ok());
        // A report that cannot be written has no place in a history; its window is kept all the same.
        read.unwrap_or(Value::Null)
    }

    fn line(&self, event: &Event) -> Option<String> {
        line::line(event, Detail::Normal)
    }
}
