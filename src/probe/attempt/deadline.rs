//! Whose fault a deadline that passed is: the target's, our resolver's, or that of our own machine,
//! which noticed it far too late.

use std::time::Duration;

use super::Attempt;
use crate::quantity::human;
use crate::sample::{Fault, Phase, Reason};

/// Who is to blame for a deadline that passed.
pub(super) fn timed_out(attempt: &Attempt) -> Fault {
    let timeout = human(attempt.timeout);
    let late = attempt.late();
    if late > FAR_TOO_LATE {
        let late = human(late);
        let detail =
            format!("our own machine was too busy: it came {late} late to a deadline of {timeout}");
        return Fault::new(Reason::Starved, detail);
    }
    if let Some(queue) = attempt.kept_waiting() {
        return queue.fault(attempt.timeout);
    }
    if attempt
        .current
        .is_some_and(|(phase, _)| phase == Phase::Dns)
    {
        let detail = format!("our resolver did not tell the address within {timeout}");
        return Fault::new(Reason::Resolver, detail);
    }
    if attempt.stopped.is_some() {
        let detail = format!("our own machine did not get to judge the answer within {timeout}");
        return Fault::new(Reason::Starved, detail);
    }
    let doing = doing(attempt);
    let detail = match attempt.conditions.waited {
        Duration::ZERO => format!("no whole answer within {timeout}: timed out {doing}"),
        waited => format!(
            "no whole answer within {}: timed out {doing}, after a wait of {} for a place in flight",
            human(attempt.timeout + waited),
            human(waited),
        ),
    };
    Fault::new(Reason::Timeout, detail)
}

/// A deadline noticed later than this was noticed by a machine that does not keep up, and what it
/// measured meanwhile is its own slowness.
pub(super) const FAR_TOO_LATE: Duration = Duration::from_secs(1);

fn doing(attempt: &Attempt) -> &'static str {
    match attempt.current.map(|(phase, _)| phase) {
        Some(Phase::Dns) => "while resolving the name",
        Some(Phase::Connect) => "while connecting",
        Some(Phase::Tls) => "during the TLS handshake",
        Some(Phase::Request) => "while sending the request",
        Some(Phase::Ttfb) => "waiting for the answer",
        Some(Phase::Body) => "while reading the answer",
        None => "before it began",
    }
}
