//! A station: one service, and all that is done about it. While no window is open its monitor probes;
//! when something new is deployed there, a window is opened and the monitor rests, so that nothing is
//! probed twice. One task, which owns both and shares nothing but the board.
//!
//! Reading order: here the round; `sighted` (what is new), `open_window` (the watch of it), `baked` (what
//! becomes of what it tells), `told` and `ordered` (what the daemon tells it, what people order).

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;

use super::board::ServiceBoard;
use super::happenings::Herald;
use super::looking::{Look, Looked, Unseen, Waiting};
use super::monitor::{self, Roll};
use super::open_window::{OpenWindow, Step};
use super::ordered::{Answer, Undone};
use super::outfit::Outfit;
use super::silencing::Silencing;
use super::told::{Assigned, Told};
use crate::clock::{Moment, WallTime};
use crate::decision::Permission;
use crate::deploy::DeploymentTarget;
use crate::deployment::Sighting;
use crate::engine::desk::Counsel;
use crate::engine::record::Record;
use crate::engine::sampling::Sampling;
use crate::event::Event;
use crate::notify::narrator::Narrator;
use crate::plan::{CheckPlan, ServicePlan};
use crate::sample::Sample;

/// What the lookout saw last; absent before it looked.
pub(super) type Seen = Option<Result<Sighting, String>>;

/// What a station is made with.
pub(super) struct Post {
    pub(super) outfit: Outfit,
    pub(super) herald: Herald,
    pub(super) silencing: Silencing,
    pub(super) counsel: Option<Arc<dyn Counsel>>,
    pub(super) told: mpsc::Receiver<Told>,
    pub(super) seen: watch::Receiver<Seen>,
}

/// A service that is looked after.
pub(super) struct Station {
    pub(super) post: Post,
    pub(super) service: ServicePlan,
    pub(super) checks: Vec<CheckPlan>,
    pub(super) board: Arc<ServiceBoard>,
    pub(super) roll: Roll,
    pub(super) target: Option<Arc<dyn DeploymentTarget>>,
    sampling: Option<Sampling>,
    /// Probing that starts nothing more, while its last runs end.
    ending: Option<Sampling>,
    pub(super) window: Option<OpenWindow>,
    /// Tells people of the open window, or of the rollback by hand.
    pub(super) narrator: Option<Narrator>,
    /// A rollback by hand that is under way, and what it tells.
    pub(super) by_hand: Option<AbortOnDropHandle<Option<Record>>>,
    undone: Option<Undone>,
    pub(super) looking: Option<AbortOnDropHandle<Looked>>,
    /// Who waits for the window that is looked for.
    pub(super) asked: Option<Answer>,
    /// Who waits for the look to be over.
    pub(super) waiting: Vec<Waiting>,
    /// That its deployments cannot be seen, since when, and whether people were told.
    pub(super) unseen: Option<Unseen>,
    /// The mark that was looked into.
    pub(super) settled: Option<String>,
    /// Since when it is looked, as long as nothing was seen.
    pub(super) first_since: Option<WallTime>,
    /// Whether our own task is asked first which deployment is meant.
    pub(super) asks_own_task: bool,
    /// Whether what an earlier run has left is still to be found.
    pub(super) takes_over: bool,
    /// The deployment that was judged last.
    pub(super) judged: Option<String>,
    /// Before this nothing is looked into again: the platform could not be asked.
    pub(super) not_before: Moment,
    /// How often in a row it came to nothing.
    pub(super) tries: u32,
    /// How many windows in a row were not judged.
    pub(super) unjudged: u32,
    /// Whether its service is not declared any more.
    pub(super) is_retired: bool,
    silenced: watch::Receiver<()>,
}

/// What happens next at a station.
enum Next {
    Samples(Vec<Sample>),
    Told(Option<Told>),
    Seen,
    Looked(Look),
    Silenced,
    Window(Step),
    Undone(Event),
    ByHand(Option<Box<Record>>),
    Stopped,
}

impl Station {
    pub(super) fn new(mut post: Post, assigned: Assigned) -> Self {
        let Assigned {
            service,
            checks,
            board,
            instruments,
            control,
        } = assigned;
        post.outfit.context.instruments = instruments;
        post.outfit.context.control = control;
        let roll = Roll::new(&service.name, &checks, &board);
        let silenced = post.silencing.changes();
        let since = post.outfit.context.clock.wall();
        Self {
            post,
            service,
            checks,
            board,
            roll,
            target: None,
            sampling: None,
            ending: None,
            window: None,
            narrator: None,
            by_hand: None,
            undone: None,
            looking: None,
            asked: None,
            waiting: Vec::new(),
            unseen: None,
            settled: None,
            first_since: Some(since),
            asks_own_task: true,
            takes_over: true,
            judged: None,
            not_before: Moment::ORIGIN,
            tries: 0,
            unjudged: 0,
            is_retired: false,
            silenced,
        }
    }

    /// Looks after the service until told to stop, or until nobody tells it anything any more; an open
    /// window is brought to its end all the same, or left where it is told to stop.
    pub(super) async fn run(mut self) {
        self.probe();
        loop {
            match self.wait().await {
                Next::Samples(samples) => self.hear(samples),
                Next::Told(Some(told)) => self.take(told),
                Next::Told(None) | Next::Stopped => break,
                Next::Seen => self.look(),
                Next::Looked(look) => self.looked(look),
                Next::Silenced => self.probe(),
                Next::Window(Step::Event(event)) => self.happened(&event),
                Next::Window(Step::Ended(ending)) => {
                    self.closed(*ending);
                    self.go_on();
                }
                Next::Undone(event) => self.happened(&event),
                Next::ByHand(record) => {
                    self.by_hand = None;
                    self.hear_last_of_undone();
                    self.narrator = None;
                    record.iter().for_each(|record| self.over_by_hand(record));
                    self.go_on();
                }
            }
        }
        self.leave().await;
    }

    async fn wait(&mut self) -> Next {
        let stop = self.post.outfit.context.stop.clone();
        let until = self.post.outfit.context.clock.now();
        let pause = self.not_before.since(until);
        // Also where it has passed while something else was done.
        let looks_again = self.not_before > Moment::ORIGIN;
        tokio::select! {
            () = stop.cancelled() => Next::Stopped,
            step = of_window(&mut self.window) => Next::Window(step),
            told = self.post.told.recv() => Next::Told(told),
            Ok(()) = self.post.seen.changed() => Next::Seen,
            looked = of(&mut self.looking) => {
                self.looking = None;
                Next::Looked(looked.map(Box::new))
            }
            Ok(()) = self.silenced.changed() => Next::Silenced,
            Some(event) = of_undone(&mut self.undone) => Next::Undone(event),
            record = of(&mut self.by_hand) => Next::ByHand(record.flatten().map(Box::new)),
            () = tokio::time::sleep(pause), if looks_again => Next::Seen,
            samples = of_sampling(&mut self.sampling) => Next::Samples(samples),
            samples = of_sampling(&mut self.ending) => Next::Samples(samples),
        }
    }

    /// Lets an open window end in order: it is left in the journal, and the next run goes on with it.
    async fn leave(mut self) {
        self.sampling = None;
        while let Some(window) = &mut self.window {
            match window.next().await {
                Step::Event(event) => self.happened(&event),
                Step::Ended(ending) => self.closed(*ending),
            }
        }
        if let Some(by_hand) = self.by_hand.take() {
            // It is told to stop as well, and leaves in the journal what is not over.
            let record = by_hand.await.ok().flatten();
            self.hear_last_of_undone();
            record.iter().for_each(|record| self.over_by_hand(record));
        }
    }

    /// Probes while no window is open and nothing is undone by hand.
    pub(super) fn probe(&mut self) {
        self.rest();
        if self.window.is_some() || self.by_hand.is_some() || self.is_retired {
            return;
        }
        let silencing = &self.post.silencing;
        let runs = |check: &&CheckPlan| {
            // What asks the tasks of a deployment under test has nobody to ask without one.
            !check.probe.asks_tasks() && silencing.stops(&check.facts).is_none()
        };
        let checks: Vec<CheckPlan> = self.checks.iter().filter(runs).cloned().collect();
        if !checks.is_empty() {
            let context = &self.post.outfit.context;
            self.sampling = Some(monitor::start(context, &self.roll, &checks));
        }
    }

    /// Starts no more runs; those under way are heard to their ends.
    pub(super) fn rest(&mut self) {
        if let Some(sampling) = self.sampling.take() {
            sampling.finish();
            self.ending = Some(sampling);
        }
    }

    fn hear(&self, samples: Vec<Sample>) {
        let context = &self.post.outfit.context;
        self.roll.hear(&self.post.herald, context, None, samples);
    }

    /// Goes on after a window, with what was deployed meanwhile.
    pub(super) fn go_on(&mut self) {
        self.probe();
        self.look();
    }

    /// Whether the platform is being asked or something undone.
    pub(super) const fn is_busy(&self) -> bool {
        self.looking.is_some() || self.by_hand.is_some()
    }

    /// Sees a rollback by hand to its end.
    pub(super) fn undo_with(&mut self, task: JoinHandle<Option<Record>>, undone: Undone) {
        self.narrator = Some(Narrator::of(Arc::clone(&self.service.name)));
        self.by_hand = Some(AbortOnDropHandle::new(task));
        self.undone = Some(undone);
    }

    /// What a rollback by hand told last: it is over, and none of it is to be lost.
    fn hear_last_of_undone(&mut self) {
        if let Some(mut undone) = self.undone.take() {
            while let Ok(event) = undone.try_recv() {
                self.happened(&event);
            }
        }
    }

    /// Whether a rollback may be carried out here.
    pub(super) fn permission(&self) -> Permission {
        match self.post.outfit.rollback {
            Some(false) => Permission::Forbidden,
            Some(true) => Permission::Armed,
            None if self.service.policy.rollback.arm => Permission::Armed,
            None => Permission::NotArmed,
        }
    }
}

async fn of_window(window: &mut Option<OpenWindow>) -> Step {
    match window {
        Some(window) => window.next().await,
        None => std::future::pending().await,
    }
}

/// The samples that are there; none ever once the last has been heard.
async fn of_sampling(sampling: &mut Option<Sampling>) -> Vec<Sample> {
    if let Some(probing) = sampling {
        if let Some(samples) = probing.next_batch().await {
            return samples;
        }
        *sampling = None;
    }
    std::future::pending().await
}

async fn of_undone(undone: &mut Option<Undone>) -> Option<Event> {
    match undone {
        Some(undone) => undone.recv().await,
        None => std::future::pending().await,
    }
}

/// What a task comes to; nothing where it was given up.
async fn of<T>(task: &mut Option<AbortOnDropHandle<T>>) -> Option<T> {
    match task {
        Some(task) => task.await.ok(),
        None => std::future::pending().await,
    }
}
