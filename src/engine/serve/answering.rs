//! What the daemon does with a question: what is true now is put together beside it, an order goes to the
//! station that it is about, and the few that concern no station are carried out here.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::board::ServiceBoard;
use super::daemon::Daemon;
use super::frozen;
use super::handle::{Order, Ordered, Refused};
use super::live::{Live, ServiceNow};
use super::ordered;
use super::told::Told;
use crate::engine::freeze;
use crate::store::history::{History, StoredWindow};

impl Daemon {
    /// What is true now, put together on a thread beside this one: there may be many checks.
    pub(super) fn answer(&self, answer: oneshot::Sender<Live>) {
        // A service that is not declared any more is shown until its window is over.
        let boards: Vec<Arc<ServiceBoard>> = self
            .manned
            .iter()
            .chain(&self.retired)
            .map(|one| Arc::clone(&one.board))
            .collect();
        let (clock, since) = (Arc::clone(&self.outfit.context.clock), self.since);
        let kill_switch = self.outfit.kill_switch.clone();
        let recorder = Arc::clone(&self.outfit.recorder);
        let configuration = self.configuration.clone();
        let people = self.herald.people.clone();
        let silences = self.silencing.now(clock.wall());
        tokio::task::spawn_blocking(move || {
            let service = |board: &Arc<ServiceBoard>| {
                let now = board.now(&*clock);
                let file = freeze::of_service(&kill_switch, &now.name);
                let freeze = frozen::read(&file);
                ServiceNow { freeze, ..now }
            };
            let live = Live {
                at: clock.wall(),
                since,
                services: boards.iter().map(service).collect(),
                checks: boards.iter().flat_map(|board| board.checks_now()).collect(),
                freeze: frozen::read(&kill_switch),
                silences,
                store: recorder.standing(),
                configuration,
                notifiers: people.doing(),
            };
            // Whoever asked may have gone.
            drop(answer.send(live));
        });
    }

    pub(super) fn order(&mut self, ordered: Ordered) {
        match &ordered.order {
            Order::Open { service, .. } => {
                let service = service.clone();
                self.pass_on(&service, ordered, None);
            }
            Order::Accept { window, .. }
            | Order::Hold { window, .. }
            | Order::RollBack { window, .. } => {
                let window = window.clone();
                self.pass_on_by_window(window, ordered);
            }
            Order::Freeze {
                service,
                on,
                reason,
            } => {
                let told = self.freeze(&ordered.by, service.as_deref(), *on, reason.as_deref());
                ordered::reply(ordered.answer, told);
            }
            Order::Reload => {
                let Ordered { by, answer, .. } = ordered;
                self.read_again(by, Some(answer));
            }
            Order::Silence(silence) => {
                let told = self.silence(&ordered.by, silence.clone());
                ordered::reply(ordered.answer, told);
            }
            Order::Lift { silence } => {
                let told = self.lift(&ordered.by, silence);
                ordered::reply(ordered.answer, told);
            }
        }
    }

    fn pass_on(&self, service: &str, ordered: Ordered, closed: Option<StoredWindow>) {
        pass_on(&self.posts(), service, ordered, closed);
    }

    /// Where each station is told something.
    fn posts(&self) -> Posts {
        let all = self.manned.iter().chain(&self.retired);
        all.map(|one| (Arc::clone(&one.service.name), one.told.clone()))
            .collect()
    }

    /// Passes an order about a window on. The history is asked beside everything else which service a
    /// window was of that is not open: it may hang.
    fn pass_on_by_window(&mut self, window: String, ordered: Ordered) {
        let mut all = self.manned.iter().chain(&self.retired);
        if let Some(open) = all.find(|one| one.board.has_open(&window)) {
            let service = Arc::clone(&open.service.name);
            return self.pass_on(&service, ordered, None);
        }
        if self.asking.len() >= MOST_ASKED {
            let why = "too many orders wait for the history".to_owned();
            return ordered::refuse(ordered.answer, Refused::Failed(why));
        }
        let (posts, history) = (self.posts(), self.outfit.history.clone());
        self.asking.spawn(async move {
            match known_window(history.as_deref(), &window).await {
                Ok(Some(closed)) => {
                    let service = Arc::clone(&closed.service);
                    pass_on(&posts, &service, ordered, Some(closed));
                }
                Ok(None) => {
                    let why = format!("there is no window {window}");
                    ordered::refuse(ordered.answer, Refused::Unknown(why));
                }
                Err(why) => ordered::refuse(ordered.answer, Refused::Failed(why)),
            }
        });
    }
}

/// Where each station is told something, by the name of its service.
type Posts = Vec<(Arc<str>, mpsc::Sender<Told>)>;

fn pass_on(posts: &Posts, service: &str, ordered: Ordered, closed: Option<StoredWindow>) {
    let Some((_, post)) = posts.iter().find(|(name, _)| **name == *service) else {
        let why = format!("there is no service {service}");
        return ordered::refuse(ordered.answer, Refused::Unknown(why));
    };
    let closed = closed.map(Box::new);
    let (told, why) = match post.try_send(Told::Order(ordered, closed)) {
        Ok(()) => return,
        Err(TrySendError::Full(told)) => (told, "too many orders wait at"),
        Err(TrySendError::Closed(told)) => (told, "nobody looks just now after"),
    };
    if let Told::Order(ordered, _) = told {
        ordered::refuse(
            ordered.answer,
            Refused::Conflict(format!("{why} {service}")),
        );
    }
}

/// So many orders may wait for the history.
const MOST_ASKED: usize = 64;
/// How long the history is waited for when somebody names a window that is over.
const REMEMBERING: Duration = Duration::from_secs(5);

async fn known_window(
    history: Option<&dyn History>,
    window: &str,
) -> Result<Option<StoredWindow>, String> {
    let Some(history) = history else {
        return Ok(None);
    };
    let asked = tokio::time::timeout(REMEMBERING, history.window(window)).await;
    let asked = asked.map_err(|_| "the history does not answer".to_owned())?;
    asked.map_err(|error| error.to_string())
}
