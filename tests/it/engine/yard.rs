//! A daemon that a test sets up and runs, with time paused: services on platforms that do as they are
//! told, a history that only collects, and whoever orders something.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use smokejumper::cli::state;
use smokejumper::clock::{Clock, WallTime};
use smokejumper::deploy::{DeployError, DeploymentTarget, EcsService, Lookout, Platform as Place};
use smokejumper::deployment::Sighting;
use smokejumper::engine::context::{Context, Events};
use smokejumper::engine::control::Control;
use smokejumper::engine::record::Record;
use smokejumper::engine::serve::Daemon;
use smokejumper::engine::serve::handle::{Done, Handle, Order, Refused, Whose};
use smokejumper::engine::serve::live::{CheckNow, Live, ServiceNow, StoreNow, WindowNow};
use smokejumper::engine::serve::outfit::{Configuration, Declared, Outfit, Outside};
use smokejumper::engine::serve::recorder::Recorder;
use smokejumper::engine::slots::Slots;
use smokejumper::engine::threads::ProbeThreads;
use smokejumper::event::Event;
use smokejumper::notify::{self, Effect, Kind, Notice, Notifier, Notifying, Route, Unsent};
use smokejumper::plan::{CheckPlan, Plan, Selection, ServicePlan};
use smokejumper::probe::{Attempt, Probe, Target};
use smokejumper::report::json;
use smokejumper::report::line::{self, Detail};
use smokejumper::sample::{CheckId, Fault, Reason};
use smokejumper::secret::Mask;
use smokejumper::store::StoreError;
use smokejumper::store::history::{
    Batch, Between, Figures, Happening, History, Page, Retention, Seen, Slice, StoredWindow,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::platform::{Manner, Platform, pulse, service};
use super::stage::PausedClock;

/// A service of the yard.
#[derive(Clone)]
pub struct Ward {
    pub plan: ServicePlan,
    pub checks: Vec<CheckPlan>,
    pub platform: Arc<Platform>,
    pub ill: Arc<AtomicBool>,
}

impl Ward {
    /// A service of this name, well, with one check called after it.
    pub fn of(name: &str) -> Self {
        let ill = Arc::new(AtomicBool::new(false));
        let platform = Platform::new(Manner::Heals, Arc::clone(&ill));
        platform.calls_it(&format!("arn:{name}"));
        let mut plan = service();
        plan.name = Arc::from(name);
        plan.platform = Some(Place::Ecs(EcsService {
            cluster: "prod".to_owned(),
            service: name.to_owned(),
            region: None,
        }));
        let mut check = pulse(&ill);
        check.facts.id = CheckId::new(&format!("{name}-pulse"));
        check.facts.service = Arc::from(name);
        Self {
            plan,
            checks: vec![check],
            platform,
            ill,
        }
    }

    /// The same with its check asking this target.
    pub fn depending_on(mut self, target: &str) -> Self {
        let probe = Dependent(Arc::clone(&self.ill), Arc::from(target));
        self.checks[0].probe = Arc::new(probe);
        self
    }

    /// Deploys something that makes it ill, or well.
    pub fn deploy(&self, id: &str, is_ill: bool) {
        self.platform.deployed(id);
        self.ill.store(is_ill, Ordering::SeqCst);
    }
}

/// A check of something that others depend on too.
struct Dependent(Arc<AtomicBool>, Arc<str>);

#[async_trait]
impl Probe for Dependent {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        match self.0.load(Ordering::SeqCst) {
            true => Err(Fault::new(Reason::Refused, "connection refused")),
            false => Ok(()),
        }
    }

    fn target(&self) -> Option<Target> {
        Some(Target {
            name: Arc::clone(&self.1),
            at_once: None,
        })
    }
}

/// A notifier that writes down what it is told, or never answers.
#[derive(Clone)]
pub struct Told {
    name: Arc<str>,
    hangs: bool,
    came: Arc<Mutex<Vec<Notice>>>,
}

impl Told {
    pub fn called(name: &str) -> Self {
        Self {
            name: Arc::from(name),
            hangs: false,
            came: Arc::default(),
        }
    }

    pub fn hanging(name: &str) -> Self {
        Self {
            hangs: true,
            ..Self::called(name)
        }
    }

    /// What it was told so far, each with what it does to its trouble.
    pub fn came(&self) -> Vec<(Kind, Effect)> {
        let came = self.came.lock().unwrap();
        came.iter().map(|one| (one.kind, one.effect)).collect()
    }

    pub fn headlines(&self) -> Vec<String> {
        let came = self.came.lock().unwrap();
        came.iter().map(|one| one.headline.clone()).collect()
    }
}

#[async_trait]
impl Notifier for Told {
    async fn send(&self, notice: &Notice) -> Result<(), Unsent> {
        self.came.lock().unwrap().push(notice.clone());
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// What surrounds the daemon.
pub struct Ground {
    wards: Mutex<Vec<Ward>>,
    pub reads: Mutex<Result<(), String>>,
    pub files: AtomicU64,
    pub silences: Mutex<Vec<smokejumper::plan::SilencePlan>>,
    /// What is selected of all that is declared.
    pub selection: Mutex<Selection>,
    /// Who is told of what, and a mark of it.
    pub notifying: Mutex<(Notifying, u64)>,
    /// Whether the platform can be asked what is deployed.
    pub is_blind: Arc<AtomicBool>,
    /// Services to whose platform nobody can connect.
    pub out_of_reach: Mutex<Vec<&'static str>>,
    /// The next report ends by a fault of its own.
    pub is_faulty: AtomicBool,
    clock: Arc<PausedClock>,
}

impl Ground {
    pub fn configuration(&self) -> Configuration {
        let wards = self.wards.lock().unwrap().clone();
        let (notifying, mark) = self.notifying.lock().unwrap().clone();
        let plan = Plan {
            notifying,
            services: wards.iter().map(|ward| ward.plan.clone()).collect(),
            checks: wards.iter().flat_map(|ward| ward.checks.clone()).collect(),
            silences: self.silences.lock().unwrap().clone(),
            ..Plan::default()
        };
        let plan = plan.select(&self.selection.lock().unwrap());
        let plan = plan.expect("a selection of what is there");
        let declared = plan.checks.iter().map(|check| Declared {
            check: check.facts.id.clone(),
            text: Arc::from(format!("every: {:?}\n", check.every)),
            limits: Arc::new([]),
            // What it is made of: here the interval alone is ever declared otherwise.
            mark: check.every.as_secs(),
        });
        Configuration {
            declared: declared.collect(),
            plan,
            controls: 0,
            notifying: mark,
            files: self.files.load(Ordering::SeqCst),
        }
    }

    /// Declares who is told from now on, each of everything that is at least a warning.
    pub fn tells(&self, told: &[&Told]) {
        self.reminds(told, None);
    }

    /// The same, and how often each is reminded.
    pub fn reminds(&self, told: &[&Told], repeat: Option<Duration>) {
        let notifiers = told.iter().map(|one| notify::Declared {
            name: Arc::clone(&one.name),
            channel: "told",
            notifier: Arc::new((*one).clone()),
        });
        let notifiers: Vec<notify::Declared> = notifiers.collect();
        let routes = vec![Route {
            repeat,
            ..Route::to_all(notifiers.len())
        }];
        let mut now = self.notifying.lock().unwrap();
        *now = (Notifying { notifiers, routes }, now.1 + 1);
    }

    /// Declares other services from now on.
    pub fn declare(&self, wards: Vec<Ward>) {
        *self.wards.lock().unwrap() = wards;
    }
}

#[async_trait]
impl Outside for Ground {
    fn load(&self) -> Result<Configuration, String> {
        self.reads.lock().unwrap().clone()?;
        Ok(self.configuration())
    }

    fn files(&self) -> u64 {
        self.files.load(Ordering::SeqCst)
    }

    async fn connect(
        &self,
        service: &ServicePlan,
    ) -> Result<Arc<dyn DeploymentTarget>, DeployError> {
        let wards = self.wards.lock().unwrap();
        let ward = wards.iter().find(|ward| ward.plan.name == service.name);
        let ward = ward.expect("a service of the yard");
        Ok(Arc::clone(&ward.platform) as Arc<dyn DeploymentTarget>)
    }

    async fn lookouts(
        &self,
        services: &[ServicePlan],
    ) -> Vec<(Vec<usize>, Result<Arc<dyn Lookout>, DeployError>)> {
        let wards = self.wards.lock().unwrap();
        let platforms = services.iter().map(|service| {
            let ward = wards.iter().find(|ward| ward.plan.name == service.name);
            Arc::clone(&ward.expect("a service of the yard").platform)
        });
        let platforms: Vec<Arc<Platform>> = platforms.collect();
        let lost = self.out_of_reach.lock().unwrap().clone();
        let places = 0..services.len();
        let (lost, reached): (Vec<usize>, Vec<usize>) =
            places.partition(|place| lost.contains(&&*services[*place].name));
        let above = Above {
            platforms: reached
                .iter()
                .map(|place| Arc::clone(&platforms[*place]))
                .collect(),
            is_blind: Arc::clone(&self.is_blind),
            began: self.clock.wall(),
        };
        let why = || DeployError::Declared("no credentials".to_owned());
        let lost = lost.into_iter().map(|place| (vec![place], Err(why())));
        let mut lookouts: Vec<_> = lost.collect();
        lookouts.push((reached, Ok(Arc::new(above) as Arc<dyn Lookout>)));
        lookouts
    }

    fn report(&self, record: &Record) -> Value {
        assert!(
            !self.is_faulty.swap(false, Ordering::SeqCst),
            "a fault that a test wants"
        );
        json::value(record, 0, &Mask::default()).expect("a report")
    }

    fn line(&self, event: &Event) -> Option<String> {
        line::line(event, Detail::Normal)
    }
}

/// Looks at all platforms at once. What was there at first was deployed the day before.
struct Above {
    platforms: Vec<Arc<Platform>>,
    is_blind: Arc<AtomicBool>,
    began: WallTime,
}

const A_DAY: Duration = Duration::from_secs(86_400);

#[async_trait]
impl Lookout for Above {
    async fn look(&self) -> Vec<Result<Sighting, DeployError>> {
        let platforms = self.platforms.iter();
        let seen = platforms.map(|platform| {
            if self.is_blind.load(Ordering::SeqCst) {
                return Err(DeployError::Passing("rate exceeded".to_owned()));
            }
            let mark = platform.current();
            let is_first = mark == "arn:deployment";
            Ok(Sighting {
                revision: Some("api:42".to_owned()),
                is_in_flight: false,
                created: match platform.made() {
                    None if is_first => Some(WallTime::since_unix_epoch(self.began.unix() - A_DAY)),
                    made => made,
                },
                mark,
            })
        });
        seen.collect()
    }
}

/// Collects what is to be remembered.
#[derive(Debug, Default)]
pub struct Collected(Mutex<Batch>);

impl Recorder for Collected {
    fn take(&self, batch: Batch) {
        let mut all = self.0.lock().unwrap();
        all.samples.extend(batch.samples);
        all.happenings.extend(batch.happenings);
        all.windows.extend(batch.windows);
    }

    fn standing(&self) -> StoreNow {
        StoreNow::default()
    }
}

/// As much of a history as the daemon itself asks for: the windows.
#[async_trait]
impl History for Collected {
    async fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        self.take(batch.clone());
        Ok(())
    }

    async fn slices(&self, _: &CheckId, _: Between, _: Duration) -> Result<Vec<Slice>, StoreError> {
        Ok(Vec::new())
    }

    async fn samples(
        &self,
        check: &CheckId,
        between: Between,
        _: usize,
    ) -> Result<Vec<Seen>, StoreError> {
        let is_asked = |one: &Seen| {
            one.sample.check == *check && one.at >= between.from && one.at < between.to
        };
        let samples = Self::samples(self).into_iter();
        Ok(samples.filter(is_asked).collect())
    }

    async fn samples_of_window(&self, _: &str) -> Result<Vec<Seen>, StoreError> {
        Ok(Vec::new())
    }

    async fn failures(&self, _: &CheckId, _: usize) -> Result<Vec<Seen>, StoreError> {
        Ok(Vec::new())
    }

    async fn windows(&self, _: &Page) -> Result<Vec<StoredWindow>, StoreError> {
        Ok(self.over())
    }

    async fn window(&self, id: &str) -> Result<Option<StoredWindow>, StoreError> {
        Ok(self.over().into_iter().find(|one| *one.id == *id))
    }

    async fn happenings(&self, _: &Page) -> Result<Vec<Happening>, StoreError> {
        Ok(Vec::new())
    }

    async fn thin(&self, _: WallTime, _: &Retention) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn figures(&self) -> Result<Figures, StoreError> {
        Ok(Figures::default())
    }
}

impl Collected {
    pub fn samples(&self) -> Vec<Seen> {
        self.0.lock().unwrap().samples.clone()
    }

    pub fn happened(&self, kind: &str) -> Vec<Happening> {
        let all = self.0.lock().unwrap();
        let of_it = all.happenings.iter().filter(|one| one.kind == kind);
        of_it.cloned().collect()
    }

    /// The windows that are over, each as it was kept last.
    pub fn over(&self) -> Vec<StoredWindow> {
        let all = self.0.lock().unwrap();
        let over = all.windows.iter().filter(|one| one.closed.is_some());
        over.cloned().collect()
    }
}

/// A yard with a daemon in it.
pub struct Yard {
    pub ground: Arc<Ground>,
    pub kept: Arc<Collected>,
    pub state: Arc<TempDir>,
    pub has_journal: bool,
    clock: Arc<PausedClock>,
}

/// A daemon that runs.
pub struct Running {
    pub handle: Handle,
    pub stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Yard {
    pub fn with(wards: Vec<Ward>) -> Self {
        let clock = Arc::new(PausedClock::start());
        Self {
            ground: Arc::new(Ground {
                wards: Mutex::new(wards),
                reads: Mutex::new(Ok(())),
                files: AtomicU64::new(0),
                silences: Mutex::default(),
                selection: Mutex::default(),
                notifying: Mutex::default(),
                is_blind: Arc::default(),
                out_of_reach: Mutex::default(),
                is_faulty: AtomicBool::new(false),
                clock: Arc::clone(&clock),
            }),
            kept: Arc::default(),
            state: Arc::new(TempDir::new().expect("a temporary folder")),
            has_journal: true,
            clock,
        }
    }

    pub fn kill_switch(&self) -> PathBuf {
        self.state.path().join("freeze")
    }

    pub fn now(&self) -> WallTime {
        self.clock.wall()
    }

    /// Starts the daemon, again where it ran before.
    pub async fn start(&self) -> Running {
        let stop = CancellationToken::new();
        let (events, _) = Events::queue(self.clock.clone());
        let outfit = Outfit {
            context: Context {
                clock: self.clock.clone(),
                events,
                slots: Arc::new(Slots::new(100)),
                threads: ProbeThreads::here(),
                stop: stop.clone(),
                control: Control::default(),
                instruments: Arc::default(),
                tape: None,
                traces: Arc::default(),
            },
            outside: Arc::clone(&self.ground) as Arc<dyn Outside>,
            recorder: Arc::clone(&self.kept) as Arc<dyn Recorder>,
            history: Some(Arc::clone(&self.kept) as Arc<dyn History>),
            journaling: match self.has_journal {
                true => state::journal_in(self.state.path()).await,
                false => Err("there is none".to_owned()),
            },
            kill_switch: self.kill_switch(),
            state: self.state.path().to_owned(),
            mask: Mask::default(),
            rollback: None,
            bake: None,
            own_task: None,
        };
        let (handle, asked) = Handle::new();
        let daemon = Daemon::new(outfit, handle.clone(), asked);
        let task = tokio::spawn(daemon.run(self.ground.configuration()));
        Running { handle, stop, task }
    }
}

impl Running {
    pub async fn live(&self) -> Live {
        self.handle.live().await.expect("the daemon answers")
    }

    pub async fn service(&self, name: &str) -> ServiceNow {
        let services = self.live().await.services;
        let mut services = services.into_iter();
        services.find(|one| *one.name == *name).expect("a service")
    }

    pub async fn check(&self, name: &str) -> CheckNow {
        let checks = self.live().await.checks;
        let mut checks = checks.into_iter();
        checks
            .find(|one| one.facts.id.as_str() == name)
            .expect("a check")
    }

    /// The open window of a service, as soon as it has one, within an hour.
    pub async fn window(&self, service: &str) -> WindowNow {
        for _ in 0..36_000 {
            if let Some(window) = self.service(service).await.window {
                return window;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no window of {service} is opened");
    }

    /// Waits until a service has no window open, an hour at most.
    pub async fn until_closed(&self, service: &str) {
        for _ in 0..36_000 {
            if self.service(service).await.window.is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the window of {service} stays open");
    }

    pub async fn order(&self, order: Order) -> Result<Done, Refused> {
        let by = Whose {
            name: "ops".to_owned(),
        };
        self.handle.order(by, order).await
    }

    /// Opens a window as a pipeline does.
    pub async fn open(&self, service: &str, deployment: Option<&str>) -> Result<Done, Refused> {
        let order = Order::Open {
            service: service.to_owned(),
            deployment: deployment.map(str::to_owned),
        };
        self.order(order).await
    }

    /// Ends the daemon in order.
    pub async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("it ends well");
    }
}
