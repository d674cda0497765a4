//! A cloud for the kinds that ask AWS: the stand-in with a clock that only the test moves, asked by the
//! SDK's own clients, and everything that can go wrong between them.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use serde_json::Value;
use smokejumper::clock::Clock as _;
use smokejumper::deployment::{EcsService, Platform};
use smokejumper::probe::attempt::{self, Conditions};
use smokejumper::probe::{Probe, Surroundings, cloudwatch, ecs, logs, target_health};
use smokejumper::rehearsal::ecs::{Controller, Fault, Times};
use smokejumper::sample::{CheckId, Sample};

use crate::deploy::stage::Stage;

/// A cloud in which `api` of `prod` runs two tasks.
pub struct Cloud {
    pub stage: Stage,
    config: SdkConfig,
}

impl Cloud {
    pub async fn set() -> Self {
        Self::set_with(Controller::Ecs, 2).await
    }

    /// So many tasks, moved by somebody else perhaps.
    pub async fn set_with(controller: Controller, tasks: u32) -> Self {
        let stage = Stage::set_with(controller, tasks).await;
        // What it signs with must be seen nowhere.
        let credentials =
            Credentials::new("AKID", "canary", Some("canary".to_owned()), None, "test");
        let config = stage
            .shared
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        Self { stage, config }
    }

    /// The same cloud with a configuration of its own.
    pub fn with_config(self, change: impl FnOnce(&SdkConfig) -> SdkConfig) -> Self {
        let config = change(&self.config);
        Self { config, ..self }
    }

    /// The probe of a kind, of a service that is deployed here.
    pub fn probe(&self, kind: &str, settings: Value) -> Box<dyn Probe> {
        fn read<T: serde::de::DeserializeOwned>(settings: Value) -> T {
            serde_json::from_value(settings).expect("the settings are well-formed")
        }
        let (around, config) = (&deployed(), &self.config);
        let built = match kind {
            "cloudwatch" => cloudwatch::CloudWatch::with_config(read(settings), around, config),
            "ecs" => ecs::Ecs::with_config(read(settings), around, config),
            "logs" => logs::Logs::with_config(read(settings), around, config),
            "target_health" => {
                target_health::TargetHealth::with_config(read(settings), around, config)
            }
            other => panic!("{other} does not ask AWS"),
        };
        built.expect("the settings can work")
    }

    pub async fn ask(&self, kind: &str, settings: Value) -> Sample {
        self.run(&*self.probe(kind, settings), AMPLE, Conditions::default())
            .await
    }

    /// One run, which shows nothing of what it signs with.
    pub async fn run(
        &self,
        probe: &dyn Probe,
        timeout: Duration,
        conditions: Conditions,
    ) -> Sample {
        let clock = Arc::clone(&self.stage.clock);
        let sample = attempt::run(probe, &CheckId::new("check"), clock, timeout, conditions).await;
        let shown = serde_json::to_string(&sample).expect("a sample is JSON");
        assert!(!shown.contains("canary"), "{shown}");
        sample
    }

    /// One run in a window that was opened so long ago.
    pub async fn run_in_window(&self, probe: &dyn Probe, age: Duration) -> Sample {
        let conditions = Conditions {
            in_window: true,
            opened_since: self.stage.clock.now() - age,
            ..Conditions::default()
        };
        self.run(probe, AMPLE, conditions).await
    }

    /// One run while an operation meets a trouble, by its name.
    pub async fn in_trouble(&self, probe: &dyn Probe, operation: &str, trouble: &str) -> Sample {
        let fault = match trouble {
            "throttled" => Fault::Throttle,
            "denied" => Fault::AccessDenied,
            "expired" => Fault::Refuse("ExpiredTokenException"),
            "fails" => Fault::ServerError,
            "garbage" => Fault::Html,
            "resets" => Fault::Reset,
            "hangs" => Fault::Hang,
            other => panic!("{other} is no trouble"),
        };
        let control = self.stage.control();
        control.fault(operation, fault, Times::Always);
        // Only who hangs is waited for to the end; the others answer, however busy this machine is.
        let timeout = match trouble {
            "hangs" => Duration::from_secs(2),
            _ => Duration::from_secs(30),
        };
        let sample = self.run(probe, timeout, Conditions::default()).await;
        control.clear_faults();
        sample
    }

    /// One run against a cloud that is not there.
    pub async fn refused(self, kind: &str, settings: Value) -> Sample {
        let port = crate::harness::postgres::free_port();
        let gone = |config: &SdkConfig| {
            let url = format!("http://127.0.0.1:{port}");
            config.to_builder().endpoint_url(url).build()
        };
        let cloud = self.with_config(gone);
        cloud.ask(kind, settings).await
    }
}

/// The surroundings of a check whose service is deployed to `api` of `prod`.
pub fn deployed() -> Surroundings {
    Surroundings {
        deployment: Some(Platform::Ecs(EcsService {
            cluster: "prod".to_owned(),
            service: "api".to_owned(),
            region: None,
        })),
        ..Surroundings::default()
    }
}

/// Longer than any answer from this machine takes.
const AMPLE: Duration = Duration::from_secs(30);
