//! An open window: a watch of its own, what it tells, and what is kept of it.
//!
//! The watch runs in a task; its events come out here one by one, and when the last has come out, its
//! record. Everything that it decides it decides as under `watch`; here it is only shown and kept.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::handle::{Done, Refused};
use super::live::WindowState;
use crate::clock::WallTime;
use crate::deploy::{DeployError, DeploymentTarget};
use crate::deployment::Deployment;
use crate::engine::before::{self, Source};
use crate::engine::context::{Context, Events};
use crate::engine::desk::{Counsel, Desk, Outlook, Ruled, Ruling, Seat};
use crate::engine::record::Record;
use crate::engine::rollback::Pace;
use crate::engine::watch::{Watch, WatchOptions};
use crate::event::{Event, Verdict, What};
use crate::plan::{CheckPlan, ServicePlan};
use crate::store::history::{History, StoredWindow};
use crate::verdict::Before;

/// How a window ended: its record, or why nothing was judged.
pub(super) type Ending = Result<Record, DeployError>;

/// What comes out of a window.
pub(super) enum Step {
    /// Something happened.
    Event(Box<Event>),
    /// It is over.
    Ended(Box<Ending>),
}

/// What a window is opened with.
pub(super) struct Opening {
    pub(super) context: Context,
    pub(super) service: ServicePlan,
    pub(super) checks: Vec<CheckPlan>,
    pub(super) target: Arc<dyn DeploymentTarget>,
    pub(super) options: WatchOptions,
    /// Where it is known from how the service was before; absent where nothing is remembered.
    pub(super) history: Option<Arc<dyn History>>,
}

/// An open window.
pub(super) struct OpenWindow {
    pub(super) id: Arc<str>,
    service: Arc<str>,
    /// The deployment under test.
    pub(super) deployment: Deployment,
    opened: WallTime,
    pub(super) state: WindowState,
    seat: Seat,
    /// Who waits for the answer to a ruling.
    asked: Option<(Ruled, oneshot::Sender<Result<Done, Refused>>)>,
    failed_after: Option<Duration>,
    events: mpsc::Receiver<Event>,
    watching: AbortOnDropHandle<Ending>,
}

impl OpenWindow {
    /// Opens it: the watch begins.
    pub(super) fn open(
        mut opening: Opening,
        id: &Arc<str>,
        opened: WallTime,
        deployment: Deployment,
        counsel: Option<Arc<dyn Counsel>>,
    ) -> Self {
        let (desk, seat) = Desk::new(counsel);
        let (events, receiver) = Events::queue(Arc::clone(&opening.context.clock));
        opening.context.events = events;
        opening.options.desk = Some(desk);
        opening.options.window = Some(id.to_string());
        let service = Arc::clone(&opening.service.name);
        let watching = AbortOnDropHandle::new(tokio::spawn(watch(opening, deployment.created)));
        Self {
            id: Arc::clone(id),
            service,
            deployment,
            opened,
            state: WindowState::Opening,
            seat,
            asked: None,
            failed_after: None,
            events: receiver,
            watching,
        }
    }

    /// Waits for what comes out next. A wait that is dropped loses nothing.
    pub(super) async fn next(&mut self) -> Step {
        if let Some(event) = self.events.recv().await {
            return Step::Event(Box::new(event));
        }
        let ended = (&mut self.watching).await;
        Step::Ended(Box::new(ended.unwrap_or_else(|_| {
            // It is contained here: the other services go on.
            let why = "the watch ended by a fault of its own: this is a bug";
            Err(DeployError::Strange(why.to_owned()))
        })))
    }

    pub(super) fn outlook(&self) -> tokio::sync::watch::Receiver<Option<Outlook>> {
        self.seat.outlook.clone()
    }

    /// Takes in how far it has come.
    pub(super) fn follow(&mut self, event: &Event) {
        match &event.what {
            What::Started { lasts: Some(_), .. } => self.state = WindowState::Baking,
            What::RollbackIntended(_) => self.state = WindowState::RollingBack,
            What::VerificationStarted { .. } => self.state = WindowState::Verifying,
            What::CheckJudged { to, .. }
                if *to == Verdict::Fail && self.state == WindowState::Baking =>
            {
                let after = event.wall.since(self.opened);
                self.failed_after.get_or_insert(after);
            }
            What::Pinned { deployment, .. } => self.deployment = deployment.clone(),
            What::Decided { action, .. } => self.answer(action.name()),
            _ => {}
        }
    }

    /// Lays a ruling on the desk; who gave it hears what came of it.
    pub(super) fn rule(
        &mut self,
        ruling: Ruling,
        answer: oneshot::Sender<Result<Done, Refused>>,
    ) -> Result<(), (Refused, oneshot::Sender<Result<Done, Refused>>)> {
        let refused = |why: &str| Refused::Conflict(format!("window {}: {why}", self.id));
        let why = match self.state {
            WindowState::Opening | WindowState::Baking if self.asked.is_some() => {
                refused("somebody has ruled upon it just now")
            }
            WindowState::Opening | WindowState::Baking => {
                self.asked = Some((ruling.ruled, answer));
                self.seat.rulings.send_replace(Some(ruling));
                return Ok(());
            }
            WindowState::RollingBack | WindowState::Verifying => {
                refused("its deployment is being undone already")
            }
            WindowState::Closed => refused("it is closed"),
        };
        Err((why, answer))
    }

    /// Says what was decided to whoever waits for it.
    fn answer(&mut self, action: &str) {
        let Some((ruled, answer)) = self.asked.take() else {
            return;
        };
        let wanted = match ruled {
            Ruled::Accept => "accept",
            Ruled::Hold => "hold",
            Ruled::RollBack => "roll_back",
        };
        let told = match wanted == action {
            true => Ok(Done::Said(format!("window {}: {action}", self.id))),
            false => Err(Refused::Conflict(format!(
                "window {} was decided meanwhile: {action}",
                self.id
            ))),
        };
        // Who asked may have gone; what was ordered holds all the same.
        answer.send(told).unwrap_or_default();
    }

    /// It is over: whoever waits for the answer to a ruling that nothing came of is told so.
    pub(super) fn dismiss(&mut self) {
        if let Some((_, answer)) = self.asked.take() {
            let why = format!("window {} was over before it could be done", self.id);
            answer.send(Err(Refused::Conflict(why))).unwrap_or_default();
        }
    }

    /// What is kept of it, while it is open or when it is over.
    pub(super) fn stored(&self, record: Option<(&Record, serde_json::Value)>) -> StoredWindow {
        let (record, report) = record.unzip();
        let rollback = record.and_then(|record| record.rollback.as_ref());
        StoredWindow {
            id: Arc::clone(&self.id),
            service: Arc::clone(&self.service),
            opened: self.opened,
            closed: record.map(|record| record.finished.wall),
            verdict: record.map(|record| record.assessment.verdict),
            revision: Some(self.deployment.revision.label.clone()),
            action: record.map(|record| record.decision.action.name().to_owned()),
            rollback: rollback.map(|one| one.outcome.name().to_owned()),
            detected_after: self.failed_after,
            report,
        }
    }
}

/// A window does not wait longer for what is remembered.
const REMEMBERING: Duration = Duration::from_secs(5);

async fn watch(opening: Opening, created: Option<WallTime>) -> Ending {
    let Opening {
        context,
        service,
        checks,
        target,
        mut options,
        history,
    } = opening;
    let is_compared = checks.iter().any(CheckPlan::is_compared_with_before);
    if let Some(history) = history.filter(|_| is_compared) {
        let until = created.unwrap_or_else(|| context.clock.wall());
        let mut before = vec![Before::default(); checks.len()];
        let reading = before::from_history(&*history, &checks, until, &mut before);
        // A store that does not answer is gone on without: what it has told by then is good.
        match tokio::time::timeout(REMEMBERING, reading).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "not all is known of before"),
            Err(_) => tracing::warn!("the history does not answer: not all is known of before"),
        }
        options.before = Source::Recorded(before);
    }
    let watch = Watch {
        context: &context,
        service: &service,
        checks: &checks,
        target,
        options,
    };
    watch.run().await
}

/// A short bake is followed more closely: at most a twentieth of it passes between two questions.
pub(super) fn pace(bake: Duration) -> Pace {
    let usual = Pace::default();
    let poll = (bake / 20).clamp(Duration::from_secs(1), usual.poll);
    Pace { poll, ..usual }
}
