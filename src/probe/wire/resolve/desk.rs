//! Where questions are asked: one thread of its own, for the whole process.
//!
//! Runs begin and end on several threads and runtimes, and an answer belongs to all who wait for it.
//! So nobody's end takes a question with it, and the sockets and timers of the asking slow no probe.
//! The thread ends with the process and never holds it up.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;

use super::answer::{Answer, Question, Told};
use super::memory::{Lookup, Memory, Next};
use super::servers::{NameServers, Usual};
use super::system;
use crate::probe::Source;
use crate::quantity::human;
use crate::sample::{Fault, Reason};

/// The answer to a question, or the asking of it: what was asked before `of_use` is of no use,
/// what is being asked now is.
///
/// # Errors
/// [`Reason::Exhausted`] when too much is being asked, or the thread cannot be started.
pub fn ask(question: Question, of_use: Option<Instant>) -> Result<Lookup, Fault> {
    let now = Instant::now();
    let (sender, awaited) = match DESK.memory.look(&question, now, of_use) {
        Next::Look(lookup) => return Ok(lookup),
        Next::Ask(sender, awaited) => (sender, awaited),
        Next::Full => {
            let detail = "too many names are being resolved on our side: this one was not";
            return Err(Fault::new(Reason::Exhausted, detail));
        }
    };
    let asking = Asking {
        question,
        asked: now,
        settled: false,
    };
    // It ends by itself, within `LONGEST_QUESTION`; its runtime is its owner.
    DESK.handle()?.spawn(async move {
        let answer = asking.run().await;
        sender.send_replace(Some(answer));
    });
    Ok(Lookup::Coming(awaited))
}

static DESK: LazyLock<Desk> = LazyLock::new(Desk::default);

#[derive(Default)]
struct Desk {
    memory: Memory,
    usual: Usual,
    named: Mutex<HashMap<Source, Arc<NameServers>>>,
    handle: Mutex<Option<Handle>>,
}

impl Desk {
    fn handle(&self) -> Result<Handle, Fault> {
        let mut handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = &*handle {
            return Ok(handle.clone());
        }
        let opened = open().map_err(|error| {
            let detail = format!("our resolver could not be started: {error}");
            Fault::new(Reason::Exhausted, detail)
        })?;
        Ok(handle.insert(opened).clone())
    }

    async fn tell(&self, question: &Question) -> Told {
        let servers = match &question.source {
            Source::System => return system::ask(&question.name).await,
            Source::Usual => self.usual.current(),
            Source::Servers(servers) => {
                let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
                match named.get(&question.source) {
                    Some(known) => Ok(Arc::clone(known)),
                    None => NameServers::named(servers).map(|made| {
                        let made = Arc::new(made);
                        named.insert(question.source.clone(), Arc::clone(&made));
                        made
                    }),
                }
            }
        };
        match servers {
            Ok(servers) => servers.ask(&question.name, question.family).await,
            Err(why) => Told::cannot_tell(why),
        }
    }
}

fn open() -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("resolver".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}

/// A question in flight. However it ends, the memory hears of it.
struct Asking {
    question: Question,
    asked: Instant,
    settled: bool,
}

impl Asking {
    async fn run(mut self) -> Answer {
        let told = tokio::time::timeout(LONGEST_QUESTION, DESK.tell(&self.question)).await;
        let told = told.unwrap_or_else(|_| {
            let longest = human(LONGEST_QUESTION);
            Told::cannot_tell(format!("no answer within {longest}"))
        });
        let answer = told.answer.clone();
        self.settled = true;
        DESK.memory.settle(&self.question, self.asked, Some(told));
        answer
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.settled {
            DESK.memory.settle(&self.question, self.asked, None);
        }
    }
}

/// A question that has no answer by then is given up, and the next run asks anew: about as long as
/// a run may take that does not say how long.
const LONGEST_QUESTION: Duration = Duration::from_secs(5);
