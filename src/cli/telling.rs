//! Tells people of a watch while it goes on: events → narrator → dispatcher. The engine never waits for
//! it, and the program waits at its end no longer than it says here.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::session::Session;
use super::terminal::Terminal;
use crate::engine::context::Context;
use crate::notify::dispatcher::{Dispatcher, Surroundings};
use crate::notify::narrator::Narrator;

/// What tells, where somebody is to be told.
pub struct Telling {
    running: Option<(Dispatcher, JoinHandle<()>)>,
}

impl Telling {
    /// How long the end of a run waits for what is unsent: two sendings that get no answer.
    pub const PATIENCE: Duration = Duration::from_secs(20);
    /// The same, when the program is to end at once.
    pub const LAST_WORDS: Duration = Duration::from_secs(2);

    /// Begins to listen to what happens to a service.
    #[must_use]
    pub fn begin(session: &Session, context: &mut Context, service: &Arc<str>) -> Self {
        let notifying = &session.plan.notifying;
        if notifying.notifiers.is_empty() {
            return Self { running: None };
        }
        let surroundings = Surroundings {
            clock: Arc::clone(&context.clock),
            mask: session.terminal.mask().clone(),
            // One window, of which nothing is left to be told afterwards.
            memory: None,
            hush: Arc::new(()),
        };
        let dispatcher = Dispatcher::start(notifying, surroundings);
        let (events, mut heard) = context.events.clone().heard();
        context.events = events;
        let mut narrator = Narrator::of(Arc::clone(service));
        let told = dispatcher.clone();
        let listening = tokio::spawn(async move {
            while let Some(event) = heard.recv().await {
                if let Some(notice) = narrator.take(&event) {
                    told.tell(notice);
                }
            }
        });
        Self {
            running: Some((dispatcher, listening)),
        }
    }

    /// Waits, for at most `bound`, until everything is told, and warns of what could not be. Everyone who
    /// emits events must be gone.
    pub async fn finish(self, terminal: &Terminal, bound: Duration) {
        let Some((dispatcher, mut listening)) = self.running else {
            return;
        };
        // It ends when the queue closes, and never waits for a notifier.
        if tokio::time::timeout(bound, &mut listening).await.is_err() {
            listening.abort();
        }
        for unsent in dispatcher.finish(bound).await {
            let line = format!(
                "warning: {} was not told \"{}\": {}\n",
                unsent.notifier, unsent.headline, unsent.why
            );
            terminal.tell(&line);
        }
    }
}
