//! The commands: what was typed → the engine → what is printed and with which code it ends.
//!
//! Only this folder prints, reads the environment, and knows exit codes.

pub mod arguments;
pub mod baseline;
mod capacity;
mod confirm;
pub mod demo;
pub mod doctor;
pub mod drill;
pub mod exit;
mod exposition;
pub mod formats;
pub mod gate;
pub mod history;
mod notify;
pub mod page;
pub mod plan;
pub mod replay;
mod report;
mod rollback;
pub mod samples;
pub mod seen;
mod serve;
pub mod session;
pub mod state;
pub mod stop;
mod telling;
pub mod terminal;
pub mod watch;

use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser as _;
use clap::error::ErrorKind;

use arguments::{Command, CommandLine, Shown, When};
use terminal::Terminal;

use crate::config::mask_by_look;

/// Runs the program and says with which code it ends.
#[must_use]
pub fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return usage(&error),
    };
    let shown = command_line.command.shown();
    // One TLS provider for everything; a second installation is refused and harmless.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::from(exit::INTERNAL);
    };
    silence_panics();
    let ended = runtime.block_on(async {
        // In a task of its own, so that a panic is an exit code and not an abort.
        tokio::spawn(run(command_line.command)).await
    });
    // Whatever still runs (a resolver's thread, say) is not waited for.
    runtime.shutdown_background();
    ExitCode::from(ended.unwrap_or_else(|_| {
        let place = lock(&PANICKED)
            .take()
            .unwrap_or_else(|| "an unknown place".to_owned());
        let why = format!("internal error at {place}: this is a bug; nothing more was changed");
        refuse(&Terminal::new(shown, true), exit::INTERNAL, &why)
    }))
}

/// Where the last panic happened.
static PANICKED: Mutex<Option<String>> = Mutex::new(None);

/// A panic's message may hold anything, a secret included; only its place is kept. A panic inside a
/// probe is a sample, and is told there.
fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| {
        *lock(&PANICKED) = panic.location().map(ToString::to_string);
    }));
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

async fn run(command: Command) -> u8 {
    match command {
        Command::Gate(arguments) => gate::run(arguments).await,
        Command::Watch(arguments) => watch::run(arguments).await,
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Report(arguments) => report::run(arguments).await,
        Command::Doctor(arguments) => doctor::run(arguments).await,
        Command::Rollback(arguments) => rollback::run(arguments).await,
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Replay(arguments) => replay::run(arguments).await,
        Command::Drill(arguments) => drill::run(&arguments),
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Notify(arguments) => notify::run(arguments).await,
    }
}

/// Help and version are data; everything else is an error of usage.
fn usage(error: &clap::Error) -> ExitCode {
    let help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    let told = error.to_string();
    let masked = mask_by_look(&told);
    if help || masked == told {
        // With the colours of the terminal. That nobody listens is no error of its own.
        error.print().unwrap_or_default();
    } else {
        // What was typed at the wrong place is repeated in the message, and may be a secret.
        let shown = Shown {
            color: When::Never,
            quiet: false,
            verbose: false,
        };
        Terminal::new(shown, true).tell(&masked);
    }
    if help {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(exit::USAGE)
    }
}

/// Ends a command that could not do its work, with one line that says why.
fn refuse(terminal: &Terminal, code: u8, why: &str) -> u8 {
    terminal.tell(&format!("smokejumper: {why}\n"));
    code
}
