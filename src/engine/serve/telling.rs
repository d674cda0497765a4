//! Who is told of what happens: makes notices of it, leaves out what a silence mutes, and hands the rest
//! to the notifiers that are declared now. It never waits: a notifier that hangs holds up nothing here.
//!
//! A silence mutes only what opens a trouble, and reminders of it (`reminding`). That a trouble is over
//! goes to whoever was told of it, whatever is silent by then; what was decided and done about a
//! deployment is never muted. Called by the stations, the daemon and `standing`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::live::{Freeze, NotifierNow, StoreNow};
use super::reminding::Silent;
use super::silencing::Silencing;
use crate::clock::{Clock, WallTime};
use crate::deployment::Deployment;
use crate::event::{Event, Verdict};
use crate::notify::dispatcher::{Dispatcher, Failure, Surroundings};
use crate::notify::narrator::Narrator;
use crate::notify::notices::{self, Judged, subject};
use crate::notify::{Effect, Kind, Notice};
use crate::plan::Plan;
use crate::sample::CheckId;
use crate::secret::Mask;

/// The folder in the state folder where it is remembered who was told of what.
const MEMORY: &str = "told";

/// Who is told. Clones tell the same people.
#[derive(Clone)]
pub(super) struct Telling(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    mask: Mask,
    memory: PathBuf,
    silent: Silent,
    now: RwLock<Now>,
}

/// What was declared last.
#[derive(Default)]
struct Now {
    mark: Option<u64>,
    dispatcher: Option<Dispatcher>,
    /// The address under which people open the pages, without a slash at its end.
    url: Option<Arc<str>>,
    declared: Arc<Declared>,
}

/// What there is, selected for this run or not.
#[derive(Default)]
struct Declared {
    services: HashSet<Arc<str>>,
    checks: HashMap<Arc<str>, HashSet<String>>,
}

impl Declared {
    fn of(plan: &Plan) -> Self {
        let unselected = &plan.unselected;
        let services = plan.services.iter().map(|one| &one.name);
        let services = services.chain(&unselected.services).cloned();
        let own = plan.checks.iter().map(|check| &check.facts);
        let own = own.map(|facts| (&facts.service, &facts.id));
        let others = unselected.checks.iter().map(|(service, id)| (service, id));
        let mut checks: HashMap<Arc<str>, HashSet<String>> = HashMap::new();
        for (service, id) in own.chain(others) {
            let of_service = checks.entry(Arc::clone(service)).or_default();
            of_service.insert(id.to_string());
        }
        Self {
            services: services.collect(),
            checks,
        }
    }
}

/// What is said of a check outside any window.
pub(super) struct Said<'a> {
    pub(super) service: &'a Arc<str>,
    pub(super) check: &'a CheckId,
    pub(super) verdict: Verdict,
    pub(super) because: &'a str,
    pub(super) revision: Option<&'a str>,
}

impl Telling {
    /// Tells nobody until somebody is declared.
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        mask: Mask,
        state: &std::path::Path,
        silencing: Silencing,
    ) -> Self {
        Self(Arc::new(Inner {
            clock,
            mask,
            memory: state.join(MEMORY),
            silent: Silent::new(silencing),
            now: RwLock::default(),
        }))
    }

    /// Puts a plan in force, of which this marks who is told of what: by the same mark the same. Those who
    /// stay keep what they were told, and what is not declared any more is over; of `watched`, services of
    /// which a window is open, their deployments go on. Called by one task, within a runtime.
    pub(super) fn declare(&self, plan: &Plan, mark: u64, watched: &HashSet<Arc<str>>) {
        self.0.silent.declare(&plan.unselected);
        let known = {
            let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
            (now.mark == Some(mark), now.dispatcher.clone())
        };
        // Made before the lock is taken: files are read for it.
        let dispatcher = match known {
            (true, known) => known,
            (false, Some(before)) => Some(before.succeeded_by(&plan.notifying)),
            (false, None) if plan.notifying.notifiers.is_empty() => None,
            (false, None) => Some(Dispatcher::start(&plan.notifying, self.surroundings())),
        };
        *self.0.now.write().unwrap_or_else(PoisonError::into_inner) = Now {
            mark: Some(mark),
            dispatcher,
            url: plan.server.url.clone(),
            declared: Arc::new(Declared::of(plan)),
        };
        self.end_undeclared(watched);
    }

    /// What was told of checks and services that are not declared any more is over; of `watched`, whose
    /// window is still open, once that is over. What is declared and was not selected stays as it is.
    pub(super) fn end_undeclared(&self, watched: &HashSet<Arc<str>>) {
        let declared = {
            let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(&now.declared)
        };
        let Declared { checks, services } = &*declared;
        let is_check = |service: &str, check: &str| {
            let one = checks.get(service);
            one.is_some_and(|checks| checks.contains(check))
        };
        for open in self.open_subjects() {
            let (kind, service, what) = match open.split('/').collect::<Vec<_>>()[..] {
                [_, service, "check", check] if !is_check(service, check) => {
                    (Kind::CheckRecovered, service, check)
                }
                [_, service, ref about @ ..] if !services.contains(service) => match about {
                    ["deployments"] => (Kind::DeploymentsSeen, service, "its deployment"),
                    _ if watched.contains(service) => continue,
                    ["deployment", ..] => (Kind::Superseded, service, "the service"),
                    ["freeze"] => (Kind::Thawed, service, "the service"),
                    _ => continue,
                },
                _ => continue,
            };
            let line = format!("{what} is not declared any more");
            self.tell(notices::over(self.now(), kind, service, &open, &line));
        }
    }

    fn open_subjects(&self) -> BTreeSet<String> {
        let dispatcher = self.dispatcher();
        dispatcher.map_or_else(BTreeSet::new, |one| one.open_subjects())
    }

    /// A deployment of a service is accepted: what people were told of earlier ones is over.
    pub(super) fn accepted(&self, service: &Arc<str>, deployment: &Deployment) {
        let all = subject(Some(service), &["deployment", ""]);
        let own = subject(Some(service), &["deployment", &deployment.id]);
        let line = format!("another one is accepted: {}", deployment.revision);
        for open in self.open_subjects() {
            if open.starts_with(&all) && open != own {
                let kind = Kind::Superseded;
                self.tell(notices::over(self.now(), kind, service, &open, &line));
            }
        }
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            clock: Arc::clone(&self.0.clock),
            mask: self.0.mask.clone(),
            memory: Some(self.0.memory.clone()),
            hush: Arc::new(self.0.silent.clone()),
        }
    }

    /// A narrator for a window of a service, with the address of its page.
    pub(super) fn narrator(&self, service: &Arc<str>, window: &Arc<str>) -> Narrator {
        let link = self.link(&["windows", window]);
        Narrator::of(Arc::clone(service)).in_window(Arc::clone(window), link)
    }

    /// Tells what an event means, where it is news.
    pub(super) fn happened(&self, narrator: &mut Narrator, event: &Event) {
        if let Some(notice) = narrator.take(event) {
            self.tell(notice);
        }
    }

    /// Tells how a check does between windows. That it does well is told to who was told otherwise.
    pub(super) fn judged(&self, said: &Said<'_>) {
        let link = self.link(&["checks", said.check.as_str()]);
        let judged = Judged {
            at: self.0.clock.wall(),
            service: said.service,
            check: said.check,
            to: said.verdict,
            because: said.because,
            revision: said.revision,
            link: link.as_deref(),
        };
        notices::judged(&judged)
            .into_iter()
            .for_each(|one| self.tell(one));
    }

    /// Tells that the rollbacks of a service on this machine, of all where none is named, are stopped, or
    /// allowed again; `by` as far as it is known.
    pub(super) fn frozen(
        &self,
        service: Option<&Arc<str>>,
        freeze: Option<&Freeze>,
        by: Option<&str>,
    ) {
        let (now, is_on) = (self.now(), freeze.is_some());
        let reason = freeze.map_or("", |freeze| &*freeze.reason);
        self.tell(match service {
            None => notices::freeze(now, is_on, by, reason),
            Some(service) => notices::freeze_of(now, service, is_on, by, reason),
        });
    }

    /// Tells that a newer configuration is wrong, or right again.
    pub(super) fn configured(&self, refused: Option<&str>) {
        self.tell(notices::configuration(self.now(), refused));
    }

    /// Tells that the deployments of a service cannot be seen, or can be again.
    pub(super) fn sees(&self, service: &Arc<str>, unseen: Option<&str>) {
        self.tell(notices::deployments(self.now(), service, unseen));
    }

    /// Tells that the history cannot be written, or can be again.
    pub(super) fn stored(&self, store: &StoreNow) {
        let trouble = store.trouble.as_deref();
        self.tell(notices::store(self.now(), &store.place, trouble));
    }

    /// Tells a notice, unless a silence mutes it.
    pub(super) fn tell(&self, notice: Notice) {
        let is_muted = notice.effect == Effect::Opens && self.0.silent.mutes(&notice.topic());
        if !is_muted && let Some(dispatcher) = self.dispatcher() {
            dispatcher.tell(notice);
        }
    }

    /// How each notifier does.
    pub(super) fn doing(&self) -> Vec<NotifierNow> {
        let Some(dispatcher) = self.dispatcher() else {
            return Vec::new();
        };
        let doing = dispatcher.doing().into_iter();
        doing
            .map(|one| NotifierNow {
                name: one.notifier,
                channel: one.channel,
                waiting: one.waiting,
                sent: one.counts.sent,
                unsent: one.counts.refused + one.counts.expired + one.counts.dropped,
                trouble: one.trouble.map(|why| self.0.mask.apply(&why)),
            })
            .collect()
    }

    /// Sends what still waits, for at most so long; says what could not be sent.
    pub(super) async fn finish(&self, bound: Duration) -> Vec<Failure> {
        match self.dispatcher() {
            Some(dispatcher) => dispatcher.finish(bound).await,
            None => Vec::new(),
        }
    }

    fn dispatcher(&self) -> Option<Dispatcher> {
        let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        now.dispatcher.clone()
    }

    /// The address of a page, where it is known how people reach us.
    fn link(&self, path: &[&str]) -> Option<String> {
        let now = self.0.now.read().unwrap_or_else(PoisonError::into_inner);
        let url = now.url.as_deref()?;
        Some(format!("{url}/{}", path.join("/")))
    }

    fn now(&self) -> WallTime {
        self.0.clock.wall()
    }
}
