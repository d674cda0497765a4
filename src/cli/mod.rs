//! The commands: what was typed → the engine → what is printed and with which code it ends.
//!
//! Only this folder prints, reads the environment, and knows exit codes.

pub mod arguments;
pub mod demo;
pub mod exit;
pub mod gate;
pub mod plan;
pub mod session;
pub mod stop;
pub mod terminal;
pub mod watch;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use arguments::{Command, CommandLine};
use terminal::Terminal;

/// Runs the program and says with which code it ends.
#[must_use]
pub fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return usage(&error),
    };
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
    let ended = runtime.block_on(async {
        // In a task of its own, so that a panic is an exit code and not an abort.
        tokio::spawn(run(command_line.command)).await
    });
    // Whatever still runs (a resolver's thread, say) is not waited for.
    runtime.shutdown_background();
    ExitCode::from(ended.unwrap_or(exit::INTERNAL))
}

async fn run(command: Command) -> u8 {
    match command {
        Command::Gate(arguments) => gate::run(arguments).await,
        Command::Watch(arguments) => watch::run(arguments).await,
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Demo(arguments) => demo::run(arguments).await,
    }
}

/// Help and version are data; everything else is an error of usage.
fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ if printed.is_ok() => ExitCode::from(exit::USAGE),
        _ => ExitCode::from(exit::USAGE),
    }
}

/// Ends a command that could not do its work, with one line that says why.
fn refuse(terminal: &Terminal, code: u8, why: &str) -> u8 {
    terminal.tell(&format!("smokejumper: {why}\n"));
    code
}
