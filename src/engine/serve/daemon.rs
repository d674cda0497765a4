//! The daemon: a station for each service, a lookout over all of them, and the answers to whoever asks.
//!
//! It waits for nobody: what takes time is done by the stations, or on a thread beside it. It ends when
//! its context is told to stop, and then as a watch does: what is open is left for the next run.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::task::AbortOnDropHandle;

use super::brakes::Brakes;
use super::common_cause::CommonCause;
use super::handle::{Asked, Handle, Whose};
use super::happenings::{Herald, News, Severity, counted};
use super::live::ConfigurationNow;
use super::lookout::{self, Watched};
use super::manning::Manned;
use super::outfit::{Configuration, Declared, Outfit};
use super::reload::{self, Reading};
use super::silencing::Silencing;
use super::standing;
use super::telling::Telling;
use crate::clock::{Moment, WallTime};
use crate::engine::control::Control;
use crate::engine::instruments::Reloads;
use crate::plan::telemetry::Names;
use crate::plan::{CheckPlan, Plan};

/// What begins at a minute begins within a second of it.
const REVIEWED_EVERY: Duration = Duration::from_secs(1);
/// How long the end waits for what people are still to be told: less than what the platforms leave to a
/// process between their two signals.
const LAST_NOTICES: Duration = Duration::from_secs(10);

/// The daemon.
pub struct Daemon {
    pub(super) outfit: Outfit,
    pub(super) handle: Handle,
    asked: mpsc::Receiver<Asked>,
    pub(super) herald: Herald,
    pub(super) silencing: Silencing,
    pub(super) brakes: Brakes,
    pub(super) common_cause: Arc<CommonCause>,
    pub(super) manned: Vec<Manned>,
    /// Stations whose service is not declared any more, and whose window is still open.
    pub(super) retired: Vec<Manned>,
    /// Stations that nobody tells anything any more.
    pub(super) leaving: Vec<AbortOnDropHandle<()>>,
    /// When a station began anew last.
    pub(super) revived_last: Option<Moment>,
    /// Orders about windows that the history is asked about.
    pub(super) asking: JoinSet<()>,
    lookout: Option<AbortOnDropHandle<()>>,
    pub(super) reading: Option<Reading>,
    pub(super) configuration: ConfigurationNow,
    pub(super) reloads: Arc<Reloads>,
    /// The mark of the control checks.
    controls: Option<u64>,
    /// The mark of the files that were read last.
    files: Arc<AtomicU64>,
    pub(super) since: WallTime,
}

impl Daemon {
    /// A daemon that is about to run; the handle and its questions are those of [`Handle::new`].
    #[must_use]
    pub fn new(outfit: Outfit, handle: Handle, asked: mpsc::Receiver<Asked>) -> Self {
        let silencing = Silencing::default();
        let clock = Arc::clone(&outfit.context.clock);
        let people = Telling::new(
            Arc::clone(&clock),
            outfit.mask.clone(),
            &outfit.state,
            silencing.clone(),
        );
        let herald = Herald::new(
            handle.clone(),
            Arc::clone(&outfit.recorder),
            Arc::clone(&clock),
            silencing.clone(),
            outfit.mask.clone(),
            people,
        );
        Self {
            since: clock.wall(),
            brakes: Brakes::new(&outfit.kill_switch),
            outfit,
            handle,
            asked,
            herald,
            silencing,
            common_cause: Arc::new(CommonCause::new(clock)),
            manned: Vec::new(),
            retired: Vec::new(),
            leaving: Vec::new(),
            revived_last: None,
            asking: JoinSet::new(),
            lookout: None,
            reading: None,
            configuration: ConfigurationNow::default(),
            reloads: Arc::default(),
            controls: None,
            files: Arc::default(),
        }
    }

    /// Runs until its context is told to stop, and ends in order.
    pub async fn run(mut self, configuration: Configuration) {
        self.begin(configuration);
        let stop = self.outfit.context.stop.clone();
        let _standing = standing::watch(
            &self.herald,
            &self.brakes,
            Arc::clone(&self.outfit.recorder),
        );
        let (mut changed, _watching) = reload::watch_files(&self.outfit.outside, &self.files);
        let mut turns = tokio::time::interval(REVIEWED_EVERY);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = turns.tick() => {
                    self.review_silences();
                    self.review_stations();
                }
                Some(_) = self.asking.join_next() => {}
                Some(()) = changed.recv() => {
                    let by = Whose { name: "a file has changed".to_owned() };
                    self.read_again(by, None);
                }
                read = Reading::next(&mut self.reading) => self.was_read(read),
                asked = self.asked.recv() => match asked {
                    Some(Asked::Live(answer)) => self.answer(answer),
                    Some(Asked::Order(ordered)) => self.order(ordered),
                    None => break,
                },
            }
        }
        self.end().await;
    }

    fn begin(&mut self, configuration: Configuration) {
        let (services, checks) = (
            configuration.plan.services.len(),
            configuration.plan.checks.len(),
        );
        self.remember_silences();
        self.put_in_force(configuration);
        let (of, all) = (counted(services, "service"), counted(checks, "check"));
        let text = format!("watching {of} with {all}");
        let news = News::new("daemon_started", Severity::Info, text);
        let news = news.fact("services", services).fact("checks", checks);
        self.herald
            .tell(news.fact("version", env!("CARGO_PKG_VERSION")));
    }

    /// Ends in order: the stations leave what is open to the next run.
    async fn end(mut self) {
        self.lookout = None;
        let stations = self.manned.into_iter().chain(self.retired);
        let stations: Vec<_> = stations.map(|one| one.task).collect();
        for station in stations.into_iter().chain(self.leaving) {
            // They were told to stop; that it ended is all that this says.
            station.await.unwrap_or_default();
        }
        for unsent in self.herald.people.finish(LAST_NOTICES).await {
            let text = format!(
                "{} was not told \"{}\": {}",
                unsent.notifier, unsent.headline, unsent.why
            );
            self.herald
                .tell(News::new("warned", Severity::Warning, text));
        }
        let text = "stopped; open windows are left for the next run";
        self.herald
            .tell(News::new("daemon_stopped", Severity::Info, text));
    }

    /// Puts a configuration in force, in place of the one before.
    pub(super) fn put_in_force(&mut self, configuration: Configuration) {
        let Configuration {
            plan,
            declared,
            controls,
            notifying,
            files,
        } = configuration;
        self.files.store(files, Ordering::SeqCst);
        if self.controls != Some(controls) {
            self.controls = Some(controls);
            self.outfit.context.control = Control::of(&plan.controls);
        }
        let now = self.outfit.context.clock.wall();
        self.count(&plan);
        self.silencing.declare(plan.silences.clone(), &plan.checks);
        let people = &self.herald.people;
        people.declare(&plan, notifying, &self.services_with_a_window());
        self.herald.people.configured(None);
        self.review_silences();
        let before = std::mem::take(&mut self.manned).into_iter();
        let before = before.chain(std::mem::take(&mut self.retired));
        let mut shares = shares(&plan, declared);
        let mut counted = self.outfit.context.instruments.by_service();
        let mut before: HashMap<Arc<str>, Manned> = before.map(by_name).collect();
        for service in &plan.services {
            let share = shares.remove(&service.name).unwrap_or_default();
            let known = before.remove(&service.name);
            let counted = counted.remove(&*service.name).unwrap_or_default();
            self.man(service, share, known, counted);
        }
        self.retire(before.into_values());
        self.obey();
        self.configuration = ConfigurationNow {
            loaded: now,
            refused: None,
        };
        let boards = self.manned.iter();
        let boards = boards.map(|one| (Arc::clone(&one.service.name), Arc::clone(&one.board)));
        self.common_cause.among(boards.collect());
        self.look_out();
        // Whoever is new among those who are told hears what is wrong already; who knows it hears nothing.
        self.tell_what_is_bad();
    }

    /// Counts, and names runs, by what is declared now.
    fn count(&mut self, plan: &Plan) {
        let names: Vec<Arc<str>> = plan
            .services
            .iter()
            .map(|one| Arc::clone(&one.name))
            .collect();
        self.outfit.context.traces.sample(plan.telemetry.sample);
        let known = &self.outfit.context.instruments;
        let instruments = known.for_checks(&plan.checks).with_services(&names);
        let instruments = instruments.with_reloads(&self.reloads);
        let mut instruments = instruments.sent(plan.telemetry.otlp.is_some());
        if plan.telemetry.names == Names::Blackbox {
            instruments = instruments.keeping_last(&self.outfit.context.clock);
        }
        let instruments = Arc::new(instruments);
        self.outfit.context.instruments = Arc::clone(&instruments);
        self.handle.counts_by(instruments);
    }

    /// Obeys the kill switches of those that are looked after, and of no others.
    fn obey(&self) {
        let obeying = self.manned.iter().chain(&self.retired);
        let obeying = obeying.map(|one| Arc::clone(&one.service.name));
        self.brakes.of(obeying);
    }

    /// Nothing of a service that is not declared any more is under way.
    pub(super) fn let_go(&self) {
        self.obey();
        let watched = self.services_with_a_window();
        self.herald.people.end_undeclared(&watched);
    }

    fn services_with_a_window(&self) -> HashSet<Arc<str>> {
        let all = self.manned.iter().chain(&self.retired);
        let open = all.filter(|one| one.board.is_open());
        open.map(|one| Arc::clone(&one.service.name)).collect()
    }

    /// Looks at every service that is deployed somewhere.
    pub(super) fn look_out(&mut self) {
        let deployed = self
            .manned
            .iter()
            .filter(|one| one.service.platform.is_some());
        let watched: Vec<Watched> = deployed
            .map(|one| Watched {
                service: one.service.clone(),
                seen: one.seen.clone(),
            })
            .collect();
        self.lookout = (!watched.is_empty()).then(|| {
            let stop = &self.outfit.context.stop;
            lookout::start(&self.outfit.outside, watched, stop)
        });
    }
}

impl std::fmt::Debug for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Daemon")
            .field("services", &self.manned.len())
            .finish_non_exhaustive()
    }
}

fn by_name(manned: Manned) -> (Arc<str>, Manned) {
    (Arc::clone(&manned.service.name), manned)
}

/// The checks of one service, each with how it was declared.
pub(super) type Share = Vec<(CheckPlan, Declared)>;

/// The checks by their services.
fn shares(plan: &Plan, declared: Vec<Declared>) -> HashMap<Arc<str>, Share> {
    let mut shares: HashMap<Arc<str>, Share> = HashMap::new();
    for (check, declared) in plan.checks.iter().zip(declared) {
        let service = Arc::clone(&check.facts.service);
        shares
            .entry(service)
            .or_default()
            .push((check.clone(), declared));
    }
    shares
}
