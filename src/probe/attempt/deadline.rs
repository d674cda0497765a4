//! Holds one run to its deadline, contains its panic, and says who is to blame when it passes.
//!
//! Called by [`super::run`] and [`super::observe`] only.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;

use super::Attempt;
use crate::probe::Probe;
use crate::quantity::human;
use crate::sample::{Fault, Phase, Reason};

impl Attempt {
    /// Says what is going on, for the message of a deadline that passes meanwhile: `logging in`. Holds
    /// until the next phase, whose own words are said where nothing is.
    pub fn doing(&mut self, what: impl Into<Cow<'static, str>>) {
        self.doing = Some(what.into());
    }
}

/// Holds one run to its deadline, and tells what is the target's fault from that of somebody who was
/// only asked about it.
pub(super) async fn attend(probe: &dyn Probe, attempt: &mut Attempt) -> Result<(), Fault> {
    let ended = within_deadline(probe, attempt).await;
    match probe.source() {
        None => ended,
        Some(source) => ended.map_err(|fault| secondhand(source, fault)),
    }
}

fn secondhand(source: &str, fault: Fault) -> Fault {
    let reason = fault.reason.secondhand();
    let detail = match reason == fault.reason {
        true => fault.detail,
        false => format!("{source}: {}", fault.detail),
    };
    Fault {
        reason,
        detail,
        ..fault
    }
}

async fn within_deadline(probe: &dyn Probe, attempt: &mut Attempt) -> Result<(), Fault> {
    let left = attempt.remaining();
    let guarded = AssertUnwindSafe(probe.run(attempt)).catch_unwind();
    let ended = tokio::time::timeout(left, guarded).await;
    match ended {
        Ok(Ok(Ok(()))) if attempt.latency() > attempt.allowed() => Err(timed_out(attempt)),
        // Whatever went wrong was met by a machine that was away: the target may have waited.
        Ok(Ok(Err(_))) if attempt.late() > FAR_TOO_LATE => Err(timed_out(attempt)),
        // The server's own deadline, which is what was left of ours.
        Ok(Ok(Err(fault)))
            if fault.reason == Reason::Timeout && attempt.kept_waiting().is_some() =>
        {
            Err(timed_out(attempt))
        }
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(Fault::new(Reason::Panic, panic_text(&*panic))),
        Err(_) => Err(timed_out(attempt)),
    }
}

/// Who is to blame for a deadline that passed.
fn timed_out(attempt: &Attempt) -> Fault {
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
    // An answer that was whole only after the deadline is the target's, whoever came late to see it.
    if attempt.stopped.is_some() && attempt.latency() <= attempt.allowed() {
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
const FAR_TOO_LATE: Duration = Duration::from_secs(1);

fn doing(attempt: &Attempt) -> Cow<'static, str> {
    if let (Some(doing), Some(_)) = (&attempt.doing, attempt.current) {
        return format!("while {doing}").into();
    }
    let of_the_phase = match attempt.current.map(|(phase, _)| phase) {
        Some(Phase::Dns) => "while resolving the name",
        Some(Phase::Connect) => "while connecting",
        Some(Phase::Tls) => "during the TLS handshake",
        Some(Phase::Request) => "while sending the request",
        Some(Phase::Ttfb) => "waiting for the answer",
        Some(Phase::Body) => "while reading the answer",
        None if attempt.stopped.is_some() => "before the last of the answer was here",
        None => "before it began",
    };
    of_the_phase.into()
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("the probe itself failed, which is a bug of ours: {text}")
}
