//! What is shown and recorded while a run goes on, and how that ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::cli::exposition::Exposition;
use crate::cli::page::Page;
use crate::cli::refuse;
use crate::cli::samples::Recorder;
use crate::cli::seen::Seen;
use crate::cli::terminal::Terminal;
use crate::clock::{Clock, WallTime};
use crate::event::Event;
use crate::report::board::Board;
use crate::report::line::{self, Detail};
use crate::report::text;
use crate::report::wall::time_of_day;

/// How often the state of a bake is shown.
const BOARD_EVERY: Duration = Duration::from_secs(5);

/// The tasks that show events and record samples.
#[derive(Debug)]
pub struct Shown {
    pub(super) showing: JoinHandle<Seen>,
    pub(super) recorder: Option<Recorder>,
    pub(super) exposition: Option<Exposition>,
}

/// How long the terminal may take for what is left to show, when the program is to end at once.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Shown {
    /// Waits until everything was shown, and recorded where that was asked for. Everyone who emits
    /// events must be gone.
    ///
    /// # Errors
    /// When the samples could not all be recorded, or what was counted could not be written.
    pub async fn finish(self) -> io::Result<()> {
        // The task ends when the queue closes; it cannot panic in a way that matters here.
        self.showing.await.unwrap_or_default();
        let recorded = match self.recorder {
            Some(recorder) => recorder.finish().await,
            None => Ok(()),
        };
        match self.exposition {
            Some(exposition) => recorded.and(exposition.finish().await),
            None => recorded,
        }
    }

    /// Ends a run that was given up at the second signal, and says with which code: what was proven
    /// or begun until then is not hidden. Everyone who emits events must be gone.
    pub async fn give_up(self, terminal: &Terminal, signal: u8) -> u8 {
        let seen = tokio::time::timeout(LAST_WORDS, self.showing).await;
        let seen = seen.ok().and_then(Result::ok).unwrap_or_default();
        let code = seen.code(signal);
        refuse(terminal, code, &seen.last_words())
    }
}

/// Shows events as they come, until nobody emits any.
pub(super) async fn show_events(
    mut events: mpsc::Receiver<Event>,
    terminal: Terminal,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
    page: Option<Page>,
) -> Seen {
    let mut board = Board::default();
    let mut seen = Seen::default();
    let mut told_to_stop = false;
    let mut turns = tokio::time::interval(BOARD_EVERY);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    // The first turn is at once, when there is nothing to show yet.
    turns.tick().await;
    loop {
        tokio::select! {
            // In this order: an end must not come before the answer to whoever asked for it.
            biased;
            () = stop.cancelled(), if !told_to_stop => {
                told_to_stop = true;
                let line = "told to stop: what is under way is brought to an end; \
                            a second signal ends at once";
                tell(&terminal, clock.wall(), line);
            }
            _ = turns.tick(), if terminal.detail == Detail::Normal => {
                let lines = board.lines(clock.now());
                if let Some((first, rest)) = lines.split_first() {
                    tell(&terminal, clock.wall(), first);
                    terminal.tell(&rest.iter().map(|line| format!("{line}\n")).collect::<String>());
                }
            }
            event = events.recv() => {
                let Some(event) = event else { return seen };
                board.take(&event);
                seen.take(&event.what);
                if let Some(page) = &page {
                    page.take(&event, terminal.mask());
                }
                if let Some(line) = line::line(&event, terminal.detail) {
                    tell(&terminal, event.wall, &line);
                }
            }
        }
    }
}

fn tell(terminal: &Terminal, time: WallTime, line: &str) {
    let mut wrapped = String::new();
    text::push_wrapped(&mut wrapped, &format!("{}  ", time_of_day(time)), line);
    terminal.tell(&wrapped);
}
