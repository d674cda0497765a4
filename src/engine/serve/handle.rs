//! What others may ask of the running daemon: what is true now, what happens next, and the few things
//! that a person may order. Each order is answered, and each is written down with who gave it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};

use super::live::Live;
use crate::clock::WallTime;
use crate::engine::instruments::Instruments;
use crate::store::history::Happening;

/// How many happenings a slow listener may be behind before it misses some, which it is told.
pub const LISTENERS_PATIENCE: usize = 4_096;

/// Who orders something: the name of a token, or of the program on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whose {
    /// The name.
    pub name: String,
}

/// What can be ordered.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Open a window over a deployment of a service: the given one, else the current one.
    Open {
        /// The service.
        service: String,
        /// The platform's identifier of the deployment.
        deployment: Option<String>,
    },
    /// Accept the deployment of an open window now.
    Accept {
        /// The window.
        window: String,
        /// Why.
        reason: Option<String>,
    },
    /// Stop judging it, change nothing.
    Hold {
        /// The window.
        window: String,
        /// Why.
        reason: Option<String>,
    },
    /// Undo the deployment of a window now, under all interlocks that hold.
    RollBack {
        /// The window.
        window: String,
        /// Why.
        reason: Option<String>,
    },
    /// Stop all rollbacks on this machine, or those of one service, or allow them again.
    Freeze {
        /// The service; all where none is named.
        service: Option<String>,
        /// Whether to stop them.
        on: bool,
        /// Why.
        reason: Option<String>,
    },
    /// Stop alerts, or checks, for a while.
    Silence(Silence),
    /// End a silence that was ordered.
    Lift {
        /// Its name.
        silence: String,
    },
    /// Read the configuration again.
    Reload,
}

/// A silence that is ordered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// About this service; all where none is named.
    pub service: Option<String>,
    /// About checks with this tag; all where none is named.
    pub tag: Option<String>,
    /// About this check; all where none is named.
    pub check: Option<String>,
    /// Until when.
    pub until: WallTime,
    /// Why.
    pub reason: String,
    /// Whether checks do not even run.
    pub stops_checks: bool,
}

/// What came of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// A window was opened, or was open already over this very deployment.
    Window(String),
    /// A silence was made.
    Silence(String),
    /// It was done, in a line.
    Said(String),
}

/// Why an order was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// What it names does not exist.
    #[error("{0}")]
    Unknown(String),
    /// Things are not so that it could be done: the window is closed, another one is open.
    #[error("{0}")]
    Conflict(String),
    /// It makes no sense: a silence that ends in the past.
    #[error("{0}")]
    Senseless(String),
    /// It could not be done for a reason of ours or of a third party.
    #[error("{0}")]
    Failed(String),
}

/// An order on its way, with the way back for the answer.
#[derive(Debug)]
pub struct Ordered {
    /// Who gave it.
    pub by: Whose,
    /// What.
    pub order: Order,
    /// Where the answer goes.
    pub answer: oneshot::Sender<Result<Done, Refused>>,
}

/// A question on its way.
#[derive(Debug)]
pub enum Asked {
    /// What is true now.
    Live(oneshot::Sender<Live>),
    /// Something to be done.
    Order(Ordered),
}

/// What others hold of the running daemon. Clones speak to the same one.
#[derive(Clone, Debug)]
pub struct Handle {
    asked: mpsc::Sender<Asked>,
    happenings: broadcast::Sender<Happening>,
    instruments: Arc<RwLock<Arc<Instruments>>>,
}

/// How long a question waits for its answer: longer than the daemon is ever busy with one.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many questions may wait.
const QUESTIONS: usize = 256;

impl Handle {
    /// A handle, and where its questions come out.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Asked>) {
        let (asked, questions) = mpsc::channel(QUESTIONS);
        let (happenings, _) = broadcast::channel(LISTENERS_PATIENCE);
        let handle = Self {
            asked,
            happenings,
            instruments: Arc::default(),
        };
        (handle, questions)
    }

    /// What is true now.
    ///
    /// # Errors
    /// When the daemon is ending or does not answer in time.
    pub async fn live(&self) -> Result<Live, Refused> {
        let (answer, answered) = oneshot::channel();
        self.ask(Asked::Live(answer), answered).await
    }

    /// Orders something.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn order(&self, by: Whose, order: Order) -> Result<Done, Refused> {
        let (answer, answered) = oneshot::channel();
        let ordered = Ordered { by, order, answer };
        self.ask(Asked::Order(ordered), answered).await?
    }

    /// What happens from now on. Who listens too slowly is told how many it missed.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Happening> {
        self.happenings.subscribe()
    }

    /// Tells everyone who listens; that nobody does is no error.
    pub fn tell(&self, happening: Happening) {
        drop(self.happenings.send(happening));
    }

    /// What is counted of the checks that are declared now and of the services' windows. Counts go on
    /// over a reload; ask again rather than keep it.
    #[must_use]
    pub fn instruments(&self) -> Arc<Instruments> {
        let instruments = self.instruments.read();
        Arc::clone(&instruments.unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts other instruments in the place of those that were counted by.
    pub(super) fn counts_by(&self, instruments: Arc<Instruments>) {
        *self
            .instruments
            .write()
            .unwrap_or_else(PoisonError::into_inner) = instruments;
    }

    async fn ask<T>(&self, asked: Asked, answered: oneshot::Receiver<T>) -> Result<T, Refused> {
        let asking = async {
            let gone = || Refused::Failed("the daemon is ending".to_owned());
            self.asked.send(asked).await.map_err(|_| gone())?;
            answered.await.map_err(|_| gone())
        };
        tokio::time::timeout(PATIENCE, asking)
            .await
            .unwrap_or_else(|_| {
                let why = format!("the daemon did not answer within {PATIENCE:?}");
                Err(Refused::Failed(why))
            })
    }
}
