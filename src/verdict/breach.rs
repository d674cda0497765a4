//! Is one limit breached, as written, `for` and `consecutive` included, and how sure is that?

use std::time::Duration;

use super::evidence::TOO_FEW_TO_CONDEMN;
use super::measure::{Certainty, Lack, measure};
use super::threshold::{Limit, Subject, Threshold};
use super::wording::{self, one_line};
use super::{Before, FindingReason, reading};
use crate::clock::Moment;
use crate::sample::Outcome;
use crate::window::{View, Window};

/// What is looked at, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) window: &'a Window,
    pub(super) at: Moment,
    /// What was measured before the deployment, where something is known of it.
    pub(super) before: Option<&'a Before>,
}

/// What is to be said of one limit.
#[derive(Debug)]
pub(super) enum Opinion {
    /// It is not breached.
    Holds,
    /// It is.
    Breached(Breach),
    /// That cannot be told yet.
    Untold(FindingReason),
}

/// A limit that is breached.
#[derive(Debug)]
pub(super) struct Breach {
    /// The reason, whose level is still open.
    pub(super) reason: FindingReason,
    /// How much it is worth.
    pub(super) strength: Strength,
    /// How many samples made it, where that can be counted.
    pub(super) bad: Option<u64>,
    /// Why samples did not pass, where the limit is about that.
    pub(super) fault: Option<String>,
}

/// How much a breach is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// It stands by itself, whatever else is missing.
    Proven,
    /// It is the plain estimate over enough samples to name one.
    Estimated,
    /// It is the plain estimate over a handful of samples.
    Scarce,
    /// It was seen in a sample or two and may be gone in the next.
    Glimpsed,
}

/// Judges one limit of a threshold.
pub(super) fn opinion(threshold: &Threshold, limit: Limit, look: Look<'_>) -> Opinion {
    match &threshold.subject {
        Subject::Reading(name) => reading::opinion(name, threshold, limit, look),
        Subject::ErrorRate
        | Subject::Availability
        | Subject::Quantile(..)
        | Subject::Max(_)
        | Subject::Mean(_)
        | Subject::ConsecutiveFailures => summary_opinion(threshold, limit, look),
    }
}

fn summary_opinion(threshold: &Threshold, limit: Limit, look: Look<'_>) -> Opinion {
    let subject = &threshold.subject;
    let view = part(threshold, look.window.view(), look.at);
    let measured = match measure(subject, limit, view) {
        Ok(measured) => measured,
        Err(lack) => return Opinion::Untold(insufficient(subject, lack)),
    };
    if !limit.is_breached_by(measured.value) || !was_breached_before(threshold, limit, look) {
        return Opinion::Holds;
    }
    let text = wording::summary_breach(subject, measured.value, measured.samples, limit);
    let reason = FindingReason {
        code: subject.name(),
        level: None,
        measured: Some(measured.value),
        limit: Some(limit.value),
        samples: measured.samples,
        first_bad: measured.first_bad,
        text,
        is_glimpse: false,
        evidence: None,
    };
    if let Some(lacking) = too_young(threshold, look) {
        return Opinion::Untold(unripe(reason, &lacking));
    }
    let strength = match measured.certainty {
        Certainty::Counted => Strength::Proven,
        Certainty::Estimated(odds) if odds.are_proof() => Strength::Proven,
        _ if measured.samples <= TOO_FEW_TO_CONDEMN => Strength::Scarce,
        Certainty::Estimated(_) | Certainty::Plain => Strength::Estimated,
    };
    let fault = is_about_failures(subject)
        .then(|| commonest(view))
        .flatten();
    Opinion::Breached(Breach {
        reason,
        strength,
        bad: measured.certainty.bad(),
        fault,
    })
}

/// The part of the window that a threshold on a summary is about: all, or the last `for`.
fn part<'a>(threshold: &Threshold, view: View<'a>, at: Moment) -> View<'a> {
    threshold
        .lasting
        .map_or(view, |span| view.of_last(span, at))
}

/// Whether the summary was breached after each of the last samples as well, as `consecutive` asks.
/// Samples from which nothing is learnt are no step: they neither break the row nor lengthen it.
fn was_breached_before(threshold: &Threshold, limit: Limit, look: Look<'_>) -> bool {
    let mut view = look.window.view();
    (1..threshold.consecutive.unwrap_or(1)).all(|_| {
        let Some(before) = view.before_last_known() else {
            return false;
        };
        view = before;
        let Some(last) = view.last_known() else {
            return false;
        };
        let then = part(threshold, view, last.started);
        measure(&threshold.subject, limit, then)
            .is_ok_and(|measured| limit.is_breached_by(measured.value))
    })
}

/// What is missing of the time that `for` asks for, where the window is not that old.
pub(super) fn too_young(threshold: &Threshold, look: Look<'_>) -> Option<String> {
    let age = look.at.since(look.window.bounds().start);
    let asked = threshold.lasting.filter(|span| age < *span)?;
    let told = |span: Duration| wording::duration(span);
    Some(format!(
        "must last {}, watched for {}",
        told(asked),
        told(age)
    ))
}

/// A breach that cannot be told to have lasted.
pub(super) fn unripe(reason: FindingReason, lacking: &str) -> FindingReason {
    FindingReason {
        code: "insufficient".to_owned(),
        text: one_line(&format!("{}, {lacking}", reason.text)),
        ..reason
    }
}

/// That no sample tells anything of a limit's subject.
pub(super) fn unseen(subject: &Subject) -> FindingReason {
    let name = subject.name().replace('_', " ");
    FindingReason::gap("insufficient", 0, format!("no sample has a {name}"))
}

fn insufficient(subject: &Subject, lack: Lack) -> FindingReason {
    let name = subject.name().replace('_', " ");
    let needs = wording::plural(lack.needs, "sample");
    FindingReason::gap(
        "insufficient",
        lack.has,
        format!("{name} needs {needs}, has {}", lack.has),
    )
}

const fn is_about_failures(subject: &Subject) -> bool {
    matches!(
        subject,
        Subject::ErrorRate | Subject::Availability | Subject::ConsecutiveFailures
    )
}

fn commonest(view: View<'_>) -> Option<String> {
    let is_bad = |outcome| matches!(outcome, Outcome::Fail | Outcome::Error);
    view.commonest_fault(is_bad)
        .map(|fault| wording::common_fault(&fault))
}
