//! What the daemon tells whoever sits before it: one line for everything that happens, with its time and
//! its service; where the log is JSON, an object a line, as everything else in it.

use serde_json::Value;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::task::JoinHandle;

use super::super::terminal::Terminal;
use crate::plan::telemetry::LogFormat;
use crate::report::line::Detail;
use crate::report::text;
use crate::report::wall::time_of_day;
use crate::store::history::Happening;
use crate::telemetry::log;

/// The task that tells.
#[derive(Debug)]
pub struct Telling(JoinHandle<()>);

/// Starts telling what happens.
#[must_use]
pub fn tell(
    mut happenings: broadcast::Receiver<Happening>,
    terminal: Terminal,
    format: LogFormat,
) -> Telling {
    Telling(tokio::spawn(async move {
        loop {
            match happenings.recv().await {
                Ok(happening) => {
                    let is_last = happening.kind == "daemon_stopped";
                    if terminal.detail > Detail::Quiet || is_done(happening.kind) {
                        match format {
                            LogFormat::Text => terminal.tell(&line(&happening)),
                            LogFormat::Json => log::happened(&happening),
                        }
                    }
                    if is_last {
                        return;
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    let text = format!("{missed} lines were not shown: too many at once\n");
                    say(&terminal, format, &text);
                }
                Err(RecvError::Closed) => return,
            }
        }
    }))
}

/// Tells something that is no happening.
pub fn say(terminal: &Terminal, format: LogFormat, text: &str) {
    match format {
        LogFormat::Text => terminal.tell(text),
        LogFormat::Json => log::say(text),
    }
}

impl Telling {
    /// Waits until the last line was told.
    pub async fn finish(self) {
        // A terminal that hangs is not waited for.
        tokio::time::timeout(LAST_WORDS, self.0)
            .await
            .map(Result::unwrap_or_default)
            .unwrap_or_default();
    }
}

/// How long the terminal may take for what is left to tell.
const LAST_WORDS: std::time::Duration = std::time::Duration::from_secs(2);

/// Whether it is about what was decided and done: all that is told with `--quiet`.
fn is_done(kind: &str) -> bool {
    matches!(
        kind,
        "decided"
            | "rollback_intended"
            | "rollback_ended"
            | "window_closed"
            | "frozen"
            | "thawed"
            | "ordered"
            | "configuration_refused"
            | "deployments_unseen"
    )
}

fn line(happening: &Happening) -> String {
    let mut first = format!("{}  ", time_of_day(happening.at));
    if let Some(service) = &happening.service {
        first.push_str(&format!("{service}  "));
    }
    let mut wrapped = String::new();
    text::push_wrapped(&mut wrapped, &first, &happening.text);
    let whole = happening.facts.get("because").and_then(Value::as_str);
    if let Some(whole) = whole.filter(|_| happening.kind == "configuration_refused") {
        // With its places: it was drawn for a terminal.
        wrapped.push_str(whole);
    }
    wrapped
}
