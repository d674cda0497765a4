//! `smokejumper gate`: probe every selected check, judge once, exit.

use super::arguments::{FailOn, GateArguments};
use super::session::Session;
use super::{exit, refuse};
use crate::engine::gate::{GateOptions, gate};

/// Runs the command and says with which code it ends.
pub async fn run(arguments: GateArguments) -> u8 {
    let session = match Session::open(&arguments.common, &arguments.reported.reports) {
        Ok(session) => session,
        Err(code) => return code,
    };
    let stop = match super::stop::Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return refuse(&session.terminal, exit::INTERNAL, &error.to_string()),
    };
    let options = GateOptions {
        wait: arguments.wait,
        samples: arguments.samples,
        lasting: arguments.lasting,
    };
    let (context, shown) = session.context(&stop, &session.plan.checks);
    let work = gate(&context, &session.plan.checks, options);
    let record = match stop.unless_insisted(work).await {
        Ok(record) => record,
        Err(signal) => {
            drop(context);
            return shown.give_up(&session.terminal, signal).await;
        }
    };
    drop(context);
    let recorded = shown.finish().await;
    let fail_on_warning = arguments.reported.fail_on == Some(FailOn::Warning);
    let code = exit::exit_code(&record, fail_on_warning, stop.signal());
    session.report(&record, code, recorded)
}
