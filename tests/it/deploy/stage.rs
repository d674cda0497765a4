//! A stage for these tests: a stand-in with a clock that only the test moves, a service that ran
//! `api:1` and was deployed `api:2`, and the adapter with short waits.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::timeout::TimeoutConfig;
use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::deploy::ecs::{EcsTarget, Pace};
use smokejumper::deploy::{DeployError, DeploymentTarget, EcsService, Witness};
use smokejumper::deployment::{self, Call, Deployment, NoRollback, RollbackPlan, Selector, Wanted};
use smokejumper::rehearsal::ecs::{
    Answer, Control, Controller, Fault, ServiceControl, Settings, StandIn,
};

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct StageClock(Mutex<Duration>);

impl StageClock {
    pub fn pass(&self, span: Duration) {
        *self.0.lock().expect("the stage clock") += span;
    }
}

impl Clock for StageClock {
    fn now(&self) -> Moment {
        Moment::at(*self.0.lock().expect("the stage clock"))
    }

    fn wall(&self) -> WallTime {
        WallTime::since_unix_epoch(START + *self.0.lock().expect("the stage clock"))
    }
}

pub struct Stage {
    pub clock: Arc<StageClock>,
    pub stand_in: StandIn,
    pub service: ServiceControl,
    pub client: Client,
    pub shared: SdkConfig,
    pub target: EcsTarget,
    /// Remembers what was sent.
    pub hand: Hand,
}

impl Stage {
    /// `api` in `prod` with two tasks of `api:1`, deployed a minute ago.
    pub async fn set() -> Self {
        Self::set_with(Controller::Ecs, 2).await
    }

    pub async fn set_with(controller: Controller, desired: u32) -> Self {
        Self::with(Settings::default(), controller, desired).await
    }

    /// With settings of its own, but for the spans that all tests know.
    pub async fn with(settings: Settings, controller: Controller, desired: u32) -> Self {
        let clock = Arc::new(StageClock::default());
        let settings = Settings {
            rollout: ROLLOUT,
            rollback_lag: LAG,
            rollback: ROLLBACK,
            ..settings
        };
        let stand_in = StandIn::start(clock.clone(), settings)
            .await
            .expect("the stand-in starts");
        let control = stand_in.control();
        control.create_cluster("prod").expect("a cluster");
        let first = control
            .register("api", "registry.test/api:1")
            .expect("the stand-in takes it");
        let service = control
            .create_service("prod", "api", &first, desired, controller)
            .expect("the stand-in takes it");
        clock.pass(MINUTE);
        let shared = shared(&stand_in.endpoint_url());
        let client = Client::new(&shared);
        let target = EcsTarget::with_config(&shared, &declared(), pace());
        Self {
            clock,
            stand_in,
            service,
            client,
            shared,
            target,
            hand: Hand::default(),
        }
    }

    pub fn control(&self) -> &Control {
        self.stand_in.control()
    }

    /// Registers the next revision of `api`.
    pub fn register(&self) -> String {
        self.control()
            .register("api", "registry.test/api:next")
            .expect("the stand-in takes it")
    }

    /// Registers and deploys the next revision; it is in flight.
    pub fn deploy(&self) -> String {
        let arn = self
            .service
            .deploy(&self.register())
            .expect("the stand-in takes it");
        self.clock.pass(Duration::from_secs(1));
        arn
    }

    /// Registers and deploys the next revision, and lets it complete.
    pub fn deploy_whole(&self) -> String {
        let arn = self.deploy();
        self.finish();
        arn
    }

    /// Lets whatever is going on end.
    pub fn finish(&self) {
        self.clock.pass(MINUTE);
        self.control().advance();
    }

    pub async fn pinned(&self) -> Deployment {
        let pinned = self.target.pin(&Selector::Current).await;
        pinned.expect("a deployment to pin")
    }

    pub async fn plan(&self, deployment: &Deployment) -> RollbackPlan {
        let plan = self.target.plan(deployment, &Wanted::default()).await;
        plan.expect("ECS answers").expect("a plan")
    }

    pub async fn no_plan(&self, deployment: &Deployment) -> NoRollback {
        let plan = self.target.plan(deployment, &Wanted::default()).await;
        plan.expect("ECS answers").expect_err("no plan")
    }

    /// The changing calls that came over the wire, with their answers.
    pub fn changes(&self) -> Vec<(String, Answer)> {
        let calls = self.control().mutating_calls();
        calls
            .into_iter()
            .map(|call| (call.operation, call.answer))
            .collect()
    }

    /// The changing calls that were carried out.
    pub fn done(&self) -> Vec<String> {
        let changes = self.changes().into_iter();
        changes
            .filter(|(_, answer)| *answer == Answer::Done)
            .map(|(operation, _)| operation)
            .collect()
    }
}

pub fn declared() -> EcsService {
    EcsService {
        cluster: "prod".into(),
        service: "api".into(),
        region: None,
    }
}

/// Short waits: what they wait for is on this machine.
pub fn pace() -> Pace {
    Pace {
        poll: Duration::from_millis(30),
        back_off: Duration::from_millis(20),
        patience: Duration::from_secs(5),
        settle: Duration::from_millis(400),
        settle_poll: Duration::from_millis(20),
    }
}

/// Answers for ever as it answered the first time: a reading that lags behind.
pub fn stale() -> Fault {
    let first = Mutex::new(None);
    Fault::altered(move |answer| {
        let mut first = first.lock().expect("the first answer");
        *answer = first.get_or_insert_with(|| answer.clone()).clone();
    })
}

/// What the real clients share, with short timeouts, so that a server that hangs is soon given up.
pub fn shared(endpoint: &str) -> SdkConfig {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(8))
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(20));
    let credentials = Credentials::new("STAGE", "stage", None, None, "stage");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .http_client(http)
        .timeout_config(timeouts)
        .retry_config(retries)
        .build()
}

/// The real client of ECS with them.
pub fn client(endpoint: &str) -> Client {
    Client::new(&shared(endpoint))
}

/// Asks again and again until it holds; fails with what was seen last.
pub async fn eventually<T, F, Fut>(what: &str, mut ask: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, String>>,
{
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        match ask().await {
            Ok(value) => return value,
            Err(seen) => assert!(tokio::time::Instant::now() < deadline, "{what}: {seen}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// 2026-11-21T08:00:00Z.
const START: Duration = Duration::from_secs(1_795_248_000);
pub const MINUTE: Duration = Duration::from_secs(60);
pub const ROLLOUT: Duration = Duration::from_secs(20);
pub const LAG: Duration = Duration::from_secs(2);
pub const ROLLBACK: Duration = Duration::from_secs(10);

/// A witness that only remembers what was sent, as the journal's would.
#[derive(Debug, Default)]
pub struct Hand(Mutex<Vec<Call>>);

#[async_trait]
impl Witness for Hand {
    async fn before(&self, call: &Call) -> Result<(), DeployError> {
        self.0.lock().expect("the calls").push(call.clone());
        Ok(())
    }

    async fn after(&self, call: &Call, answer: &deployment::Answer) {
        if matches!(answer, deployment::Answer::Refused { .. }) {
            let mut sent = self.0.lock().expect("the calls");
            let place = sent.iter().rposition(|one| one == call);
            sent.remove(place.expect("a call that was sent"));
        }
    }

    fn sent(&self) -> Vec<Call> {
        self.0.lock().expect("the calls").clone()
    }

    fn is_keyed_only(&self) -> bool {
        false
    }
}

/// A witness who takes his time: meanwhile something happens.
pub struct Dawdler {
    pub hand: Hand,
    meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Dawdler {
    pub fn while_he_writes(happens: impl FnOnce() + Send + 'static) -> Self {
        Self {
            hand: Hand::default(),
            meanwhile: Mutex::new(Some(Box::new(happens))),
        }
    }
}

#[async_trait]
impl Witness for Dawdler {
    async fn before(&self, call: &Call) -> Result<(), DeployError> {
        let happens = self.meanwhile.lock().expect("what happens").take();
        if let Some(happens) = happens {
            happens();
        }
        self.hand.before(call).await
    }

    async fn after(&self, call: &Call, answer: &deployment::Answer) {
        self.hand.after(call, answer).await;
    }

    fn sent(&self) -> Vec<Call> {
        self.hand.sent()
    }

    fn is_keyed_only(&self) -> bool {
        self.hand.is_keyed_only()
    }
}
