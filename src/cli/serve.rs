//! `smokejumper serve`: the daemon. Loads the configuration, probes without end, opens a window for each
//! deployment that appears, and tells what happens, one line each.
//!
//! What only the command line can do for the daemon stands in `outside`; what runs beside it, in `beside`;
//! what it tells, in `told`.

mod answering;
mod beside;
mod exporting;
mod loading;
mod outside;
mod remembering;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::task::AbortOnDropHandle;

use self::beside::Beginning;
use self::loading::Loading;
use self::outside::Here;
use super::arguments::{RollbackFlag, ServeArguments};
use super::session::environment;
use super::state::Alone;
use super::stop::Stop;
use super::terminal::Terminal;
use super::{capacity, exit, refuse, state};
use crate::engine::clock::SystemClock;
use crate::engine::context::{Context, Events};
use crate::engine::control::Control;
use crate::engine::instruments::{Instruments, Outbound};
use crate::engine::logbook::Journaling;
use crate::engine::serve::Daemon;
use crate::engine::serve::handle::{Handle, Order, Whose};
use crate::engine::serve::outfit::{Configuration, Outfit};
use crate::engine::slots::Slots;
use crate::engine::traces::Traces;
use crate::plan::Plan;
use crate::store::history::History;
use crate::telemetry::log::{self, LogError};

/// Where ECS tells the containers of a task about it.
const TASK_METADATA: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// Runs the command and says with which code it ends.
pub async fn run(arguments: ServeArguments) -> u8 {
    let environment = environment();
    let terminal = Terminal::new(arguments.common.shown, environment.contains_key("NO_COLOR"));
    let ready = match Ready::with(&arguments, environment, terminal) {
        Ok(ready) => ready,
        Err(code) => return code,
    };
    ready.serve(&arguments).await
}

/// A program that is ready to serve: it knows what is declared, and the state folder is its own.
struct Ready {
    environment: BTreeMap<String, String>,
    terminal: Terminal,
    loading: Loading,
    configuration: Configuration,
    stop: Stop,
    /// Heard from the beginning: until it is, a hangup ends the program.
    hangups: Option<Signal>,
    _alone: Alone,
}

impl Ready {
    /// Reads what is declared and begins the log; an error is the exit code, and was told.
    fn with(
        arguments: &ServeArguments,
        environment: BTreeMap<String, String>,
        terminal: Terminal,
    ) -> Result<Self, u8> {
        let loading = Loading::new(&arguments.common, &environment)
            .map_err(|why| refuse(&terminal, exit::USAGE, &why))?;
        let terminal = terminal.hiding(loading.mask.clone());
        let configuration = loading.begin(&terminal, arguments.bake)?;
        let stop = Stop::listen()
            .map_err(|error| refuse(&terminal, exit::INTERNAL, &error.to_string()))?;
        begin_log(&environment, &configuration.plan, &terminal)
            .map_err(|error| refuse(&terminal, exit::USAGE, &error.to_string()))?;
        let alone = state::alone(&state::folder(&environment))
            .map_err(|why| refuse(&terminal, exit::USAGE, &why))?;
        Ok(Self {
            environment,
            terminal,
            loading,
            configuration,
            stop,
            // Where the system gives us none, files that change are noticed all the same.
            hangups: signal(SignalKind::hangup()).ok(),
            _alone: alone,
        })
    }

    async fn serve(self, arguments: &ServeArguments) -> u8 {
        let (terminal, configuration) = (self.terminal, self.configuration);
        let format = configuration.plan.telemetry.log;
        let outbound = Arc::new(Outbound::default());
        let context = context(&self.stop, &configuration, &outbound);
        let (handle, asked) = Handle::new();
        let here = Here::new(self.loading, &configuration);
        let beginning = Beginning {
            environment: &self.environment,
            store: &configuration.plan.store,
            here: &here,
            handle: &handle,
            outbound,
            clock: Arc::clone(&context.clock),
            mask: terminal.mask(),
        };
        let beside = match beginning.begin().await {
            Ok(beside) => beside,
            Err(why) => return refuse(&terminal, exit::USAGE, &why),
        };
        let page = format!("the page is at {}\n", beside.url());
        told::say(&terminal, format, &page);
        let (journaling, trouble) = journal(&self.environment, &terminal).await;
        if let Some(trouble) = trouble {
            told::say(&terminal, format, &trouble);
        }
        let outfit = Outfit {
            context,
            outside: Arc::new(here),
            recorder: Arc::new(beside.remembering()),
            history: Some(Arc::clone(&beside.history) as Arc<dyn History>),
            journaling,
            kill_switch: state::kill_switch(&self.environment),
            state: state::folder(&self.environment),
            mask: terminal.mask().clone(),
            rollback: arguments.rollback.map(|flag| flag == RollbackFlag::Auto),
            bake: arguments.bake,
            own_task: own_task(&self.environment),
        };
        let telling = told::tell(handle.listen(), terminal.clone(), format);
        let hearing = hear_hangups(self.hangups, handle.clone());
        let daemon = Daemon::new(outfit, handle, asked).run(configuration);
        let ended = self.stop.unless_insisted(daemon).await;
        drop(hearing);
        beside.finish().await;
        match ended {
            Ok(()) => {
                telling.finish().await;
                self.stop.signal().unwrap_or(exit::PASS)
            }
            Err(signal) => {
                let why = "ended at once: what was under way is left to the next run";
                refuse(&terminal, signal, why)
            }
        }
    }
}

/// The journal, and what is to be told where it cannot be opened yet.
async fn journal(
    environment: &BTreeMap<String, String>,
    terminal: &Terminal,
) -> (Journaling, Option<String>) {
    let (journaling, trouble) = state::journal_at_last(environment, terminal.mask()).await;
    let told = trouble.map(|why| {
        format!("warning: no journal, so no automatic rollback until it can be opened: {why}\n")
    });
    (journaling, told)
}

/// Where ECS tells us about our own task, when we run in one.
fn own_task(environment: &BTreeMap<String, String>) -> Option<String> {
    let url = environment.get(TASK_METADATA);
    url.filter(|url| !url.is_empty()).cloned()
}

/// What every run of the engine shares.
fn context(stop: &Stop, configuration: &Configuration, outbound: &Arc<Outbound>) -> Context {
    let clock = Arc::new(SystemClock::start());
    // Each window has a queue of its own; nothing else emits.
    let (events, _) = Events::queue(clock.clone());
    Context {
        clock,
        events,
        slots: Arc::new(Slots::new(capacity::slots())),
        threads: capacity::threads(),
        control: Control::of(&configuration.plan.controls),
        instruments: Arc::new(Instruments::default().with_outbound(outbound)),
        stop: stop.token.clone(),
        tape: None,
        traces: Arc::new(Traces::sampling(configuration.plan.telemetry.sample)),
    }
}

/// What of the log is seen, by level and by part.
const LOG: &str = "SMOKEJUMPER_LOG";

/// Begins the log, beside what is told.
fn begin_log(
    environment: &BTreeMap<String, String>,
    plan: &Plan,
    terminal: &Terminal,
) -> Result<(), LogError> {
    let wish = environment.get(LOG).filter(|wish| !wish.is_empty());
    let wish = wish.map_or(log::USUAL, String::as_str);
    let out = terminal.clone();
    let mask = terminal.mask().clone();
    log::begin(plan.telemetry.log, wish, mask, move |line| {
        out.tell(&String::from_utf8_lossy(line));
    })
}

/// SIGHUP: the configuration is read again.
fn hear_hangups(hangups: Option<Signal>, handle: Handle) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        let Some(mut hangups) = hangups else {
            return;
        };
        while hangups.recv().await.is_some() {
            let by = Whose {
                name: "SIGHUP".to_owned(),
            };
            // What came of it is told as everything else that happens.
            drop(handle.order(by, Order::Reload).await);
        }
    }))
}
