//! `smokejumper plan`: validate everything and show what would be run and judged. Probes nothing.

use super::arguments::PlanArguments;
use super::session::Session;
use super::{exit, refuse};

/// Runs the command and says with which code it ends.
#[must_use]
pub fn run(arguments: &PlanArguments) -> u8 {
    let session = match Session::open(&arguments.common, &[]) {
        Ok(session) => session,
        Err(code) => return code,
    };
    match session
        .terminal
        .data(&crate::report::plan::render(&session.plan))
    {
        Ok(()) => exit::PASS,
        Err(error) => refuse(&session.terminal, exit::INTERNAL, &error.to_string()),
    }
}
