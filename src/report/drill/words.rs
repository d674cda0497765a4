//! The words and numbers that the text and the page of a drill share.

use std::time::Duration;

use crate::decision::Choice;
use crate::plan::CheckPlan;
use crate::quantity::human;
use crate::rehearsal::drill::Drill;
use crate::rehearsal::drill::advice::{Alternative, Change};
use crate::rehearsal::drill::curve::{Curve, Point};
use crate::rehearsal::drill::families::{Ladder, USUAL_LEVEL};
use crate::rehearsal::drill::layout::{
    CLOSER_EVERY, CLOSER_FOR, SHORTEST_OF_A_RATE, Spacing, Trial,
};
use crate::rehearsal::drill::tally::{Share, Tally};
use crate::report::text::counted;

/// Seconds as a person reads them: tenths below ten, whole ones above.
pub fn seconds(seconds: f64) -> String {
    let tenths = if seconds < 10.0 { 10.0 } else { 1.0 };
    human(Duration::from_millis(
        ((seconds * tenths).round() / tenths * 1e3) as u64,
    ))
}

/// A span, or a dash where there is none.
pub fn maybe_seconds(span: Option<f64>) -> String {
    span.map_or_else(|| "–".to_owned(), seconds)
}

/// A share as a percentage; small ones with enough digits not to look like none.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    if value > 0.0 && value < 0.1 {
        format!("{value:.2} %")
    } else {
        format!("{value:.1} %")
    }
}

/// The interval of a share: `0.0 to 0.9 %`.
pub fn interval(share: &Share) -> String {
    format!("{:.1} to {:.1} %", share.low * 100.0, share.high * 100.0)
}

/// What the policy does to a release that it condemns, as a participle.
pub const fn deed(trial: &Trial) -> &'static str {
    match trial.policy.decide.critical {
        Choice::Rollback => "rolled back",
        Choice::Hold => "held",
        Choice::Alert => "reported",
        Choice::Accept => "condemned",
    }
}

/// What was simulated, as sentences.
pub fn simulated(drill: &Drill) -> Vec<String> {
    let trial = &drill.trial;
    let policy = &trial.policy;
    let mut intervals: Vec<Duration> = trial.checks.iter().map(|check| check.every).collect();
    intervals.sort();
    intervals.dedup();
    let intervals: Vec<String> = intervals.into_iter().map(human).collect();
    let mut sentences = vec![format!(
        "The policy {} ({} judge) on {} probed every {} for {}: {} in a window.",
        policy.name,
        policy.judging.judge.name(),
        counted(trial.checks.len() as u64, "check", "checks, each"),
        intervals.join(" or "),
        human(policy.bake),
        counted(trial.samples(), "sample", "samples"),
    )];
    if !policy.warm_up.is_zero() {
        sentences.push(format!(
            "Latency does not count in the first {}.",
            human(policy.warm_up)
        ));
    }
    let is_closer = |check: &CheckPlan| check.every > CLOSER_EVERY;
    if policy.judging.closer_look && trial.checks.iter().any(is_closer) {
        sentences.push(format!(
            "A check that looks bad is probed every {} for {} (closer look).",
            human(CLOSER_EVERY),
            human(CLOSER_FOR)
        ));
    }
    sentences.push(format!(
        "{} of each kind, seed {}; no probe ran. Answers come from a simulated service, whose \
         latency is chosen relative to the limits.",
        counted(drill.windows, "window", "windows"),
        drill.seed
    ));
    if deed(trial) != "rolled back" {
        sentences.push(format!(
            "A release that fails is {} by this policy, and not rolled back.",
            deed(trial)
        ));
    }
    if trial.is_thinned {
        sentences.push(format!(
            "Of checks with a rate one sample every {} is simulated.",
            human(SHORTEST_OF_A_RATE)
        ));
    }
    if !trial.left_out.is_empty() {
        sentences.push(format!(
            "Limits that cannot be simulated are left out: {}.",
            trial.left_out.join(", ")
        ));
    }
    if trial
        .checks
        .iter()
        .any(|check| !check.tolerances.is_empty())
    {
        sentences.push("The comparison with before (`baseline`) is not simulated.".to_owned());
    }
    if !trial.limits_latency() {
        sentences.push("No check limits its latency, so slowness is not judged.".to_owned());
    }
    sentences
}

/// How the healthy releases stand to the budget that the policy gives the judge.
pub fn budget(drill: &Drill) -> String {
    let budget = drill.trial.policy.judging.false_rollback;
    let over: Vec<&str> = drill
        .healthy
        .iter()
        .filter(|row| row.tallies[0].any_share().low > budget)
        .map(|row| &*row.variant.title)
        .collect();
    let words = format!("The budget of this policy is {} a window", percent(budget));
    if over.is_empty() {
        format!("{words} (`false_rollback`); none of these is proven to be over it.")
    } else {
        format!(
            "{words} (`false_rollback`), and these are over it: {}. `forgive` says how much \
             trouble is forgiven.",
            over.join("; ")
        )
    }
}

/// From which size on a fault is seen, as a sentence.
pub fn smallest_seen(drill: &Drill, curve: &Curve) -> String {
    let kind = match curve.ladder {
        Ladder::Errors => "errors in all checks",
        Ladder::OneCheck => "errors in one check alone",
        Ladder::Slowdown => "slowness",
    };
    let Some(point) = curve.smallest_seen(0) else {
        let worst = match curve.ladder {
            Ladder::Errors => "not even an outage",
            Ladder::OneCheck => "not even if it is wholly down",
            Ladder::Slowdown => "none of those simulated",
        };
        return format!("{kind}: none ({worst}).");
    };
    format!(
        "{kind}: from {} on{}.",
        size(drill, curve.ladder, point),
        pace(&point.tallies[0])
    )
}

fn size(drill: &Drill, ladder: Ladder, point: &Point) -> String {
    if ladder != Ladder::Slowdown {
        return format!("{:.0} %", point.size * 100.0);
    }
    let (before, after) = (USUAL_LEVEL, USUAL_LEVEL * point.size);
    let layout = drill.trial.layout(Spacing::AsScheduled);
    let mut references = layout.checks.iter().map(|check| check.reference);
    let first = references.next().unwrap_or_default();
    // One limit for all checks can be told in seconds.
    let rise = if references.all(|other| (other - first).abs() < f64::EPSILON) {
        format!(
            "a p95 that rises from {} to {}",
            seconds(first * before),
            seconds(first * after)
        )
    } else {
        format!(
            "latency that rises from {:.0} % of the warning limit to {:.0} % of it",
            before * 100.0,
            after * 100.0
        )
    };
    format!("{} times as slow ({rise})", point.size)
}

fn pace(tally: &Tally) -> String {
    let half = tally
        .median
        .map(|span| format!(", half of them within {}", seconds(span)));
    let most = tally
        .most
        .map(|span| format!(", 95 % within {}", seconds(span)));
    [half, most].into_iter().flatten().collect()
}

/// What an alternative would give, as a sentence.
pub fn advice(alternative: &Alternative, trial: &Trial) -> String {
    let samples = counted(alternative.samples, "sample", "samples");
    let bake = human(trial.policy.bake);
    let (lead, would) = match alternative.change {
        Change::AsItIs => {
            let every = human(trial.shortest_interval());
            (
                format!("With a probe every {every} for {bake} there are {samples}"),
                "",
            )
        }
        Change::Every(every) => (
            format!("With a probe every {} for {bake}: {samples}", human(every)),
            "would be ",
        ),
        Change::Bake(bake) => (
            format!("With a bake of {}: {samples}", human(bake)),
            "would be ",
        ),
    };
    let seen = if would.is_empty() { "is seen" } else { "seen" };
    match &alternative.smallest_errors {
        None if would.is_empty() => {
            format!("{lead}: not even an outage is seen in nine of ten windows.")
        }
        None => format!("{lead}; not even an outage would be seen in nine of ten windows."),
        Some((share, tally)) if *share >= 1.0 => {
            format!("{lead}; only an outage {would}{seen}{}.", pace(tally))
        }
        Some((share, tally)) => format!(
            "{lead}; an error rate of {:.0} % or more {would}{seen}{}.",
            share * 100.0,
            pace(tally)
        ),
    }
}
