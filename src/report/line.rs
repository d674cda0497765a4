//! One line for each event, for whoever watches while it happens.

use std::time::Duration;

use crate::deployment::{RollbackOutcome, Standing};
use crate::event::{Action, Event, Verdict, What};
use crate::quantity::human;
use crate::report::text::{counted, millis};
use crate::sample::{Outcome, Sample};

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Only what was decided and done.
    Quiet,
    /// Every change.
    Normal,
    /// Every sample.
    Verbose,
}

/// The line for an event, without time and line break; `None` when it is not shown at this detail.
#[must_use]
pub fn line(event: &Event, detail: Detail) -> Option<String> {
    let (least, text) = describe(&event.what)?;
    (detail >= least).then_some(text)
}

fn describe(what: &What) -> Option<(Detail, String)> {
    Some(match what {
        What::Started { checks, lasts } => {
            let lasts = lasts
                .map(|span| format!(" for {}", human(span)))
                .unwrap_or_default();
            let checks = counted(*checks as u64, "check", "checks");
            (Detail::Normal, format!("probing {checks}{lasts}"))
        }
        What::NotReady {
            check,
            fault,
            again_in,
        } => (
            Detail::Normal,
            format!(
                "{check} is not ready ({}); again in {}",
                fault.detail,
                human(*again_in)
            ),
        ),
        What::Waiting { service, at_most } => (
            Detail::Normal,
            format!(
                "waiting for the next deployment of {service}, at most {}",
                human(*at_most)
            ),
        ),
        What::Pinned {
            deployment,
            standing,
            rollback,
        } => {
            let was = deployment
                .previous
                .as_ref()
                .map(|was| format!(", was {was}"));
            let state = standing_words(*standing);
            let consequence = match rollback {
                Ok(plan) => {
                    let takes = plan
                        .expected
                        .map(|span| format!(" in about {}", human(whole(span))));
                    format!(
                        "a rollback would return to {} ({}){}",
                        plan.target,
                        plan.actuator.name(),
                        takes.unwrap_or_default()
                    )
                }
                Err(why) => why.clone(),
            };
            let text = format!(
                "{} runs {}{}, {state}; {consequence}",
                deployment.service,
                deployment.revision,
                was.unwrap_or_default()
            );
            (Detail::Normal, text)
        }
        What::Sampled(sample) => (Detail::Verbose, sample_words(sample)),
        What::CheckJudged {
            check,
            from,
            to,
            because,
        } => judged(check.as_str(), *from, *to, because)?,
        What::StandingChanged(standing) => (
            Detail::Normal,
            format!("the deployment is {}", standing_words(*standing)),
        ),
        What::Decided { action, because } => (Detail::Quiet, decided(*action, because)),
        What::RollbackIntended(plan) => (
            Detail::Quiet,
            format!(
                "rolling back {} -> {} ({})",
                plan.deployment.revision,
                plan.target,
                plan.actuator.name()
            ),
        ),
        What::RollbackStarted { carrier } => {
            (Detail::Normal, format!("rollback accepted: {carrier}"))
        }
        What::RollbackProgress(text) => (Detail::Normal, format!("rollback: {text}")),
        What::VerificationStarted { checks } => (
            Detail::Normal,
            format!(
                "previous revision is back; verifying with {} on fresh connections",
                counted(*checks as u64, "check", "checks")
            ),
        ),
        What::RollbackEnded { outcome, because } => {
            (Detail::Quiet, format!("{}: {because}", ended(*outcome)))
        }
        What::Warned(text) => (Detail::Quiet, format!("warning: {text}")),
    })
}

/// A guess is not told in parts of a second.
const fn whole(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs())
}

fn judged(
    check: &str,
    from: Option<Verdict>,
    to: Verdict,
    because: &str,
) -> Option<(Detail, String)> {
    // A window opens without enough samples: that is its nature, not news.
    if from.is_none() && to == Verdict::Inconclusive {
        return None;
    }
    let to = match to {
        Verdict::Fail => "FAIL",
        Verdict::Warn => "WARN",
        other => other.name(),
    };
    let because = if because.is_empty() {
        String::new()
    } else {
        format!(": {because}")
    };
    Some((Detail::Normal, format!("{to} {check}{because}")))
}

/// How a rollback ended, in a few words.
#[must_use]
pub const fn ended(outcome: RollbackOutcome) -> &'static str {
    match outcome {
        RollbackOutcome::RolledBackVerified => "rolled back and verified",
        RollbackOutcome::RolledBackUnhealthy => "rolled back, and it is no better",
        RollbackOutcome::RolledBackByEcs => "rolled back by the platform itself",
        RollbackOutcome::Failed => "rollback failed",
        RollbackOutcome::Timeout => "rollback not proven in time",
        RollbackOutcome::Refused => "not rolled back",
        RollbackOutcome::Superseded => "superseded",
        RollbackOutcome::NoTarget | RollbackOutcome::NotRollbackable => "cannot roll back",
        RollbackOutcome::DryRun => "not rolled back, only rehearsed",
    }
}

fn decided(action: Action, because: &[String]) -> String {
    let because = if because.is_empty() {
        String::new()
    } else {
        format!(", because {}", because.join("; "))
    };
    let action = match action {
        Action::Accept => "accept the deployment",
        Action::RollBack => "roll back",
        Action::Hold => "hold and ask a person",
        Action::None => "nothing to decide",
    };
    format!("decided: {action}{because}")
}

fn sample_words(sample: &Sample) -> String {
    let outcome = match sample.outcome {
        Outcome::Pass => "ok",
        Outcome::Fail => "failed",
        Outcome::Error => "error",
        Outcome::Unknown => "unknown",
    };
    let fault = sample
        .fault
        .as_ref()
        .map(|fault| format!("  {}: {}", fault.reason.code(), fault.detail))
        .unwrap_or_default();
    format!(
        "{} {outcome} in {}{fault}",
        sample.check,
        millis(sample.latency)
    )
}

/// What the platform says of a deployment, in words.
#[must_use]
pub const fn standing_words(standing: Standing) -> &'static str {
    match standing {
        Standing::InFlight => "being rolled out",
        Standing::Completed => "rolled out",
        Standing::RollingBack => "being rolled back by the platform",
        Standing::RolledBack => "rolled back by the platform",
        Standing::Failed => "given up by the platform",
        Standing::Superseded => "superseded by a newer deployment",
    }
}
