//! What a bake cannot give: too few samples, a breach that lasts longer than it, a percentile that
//! needs more, a limit that cannot be told from health. Told before anything runs, with the numbers.

use std::time::Duration;

use super::checks::CheckDraft;
use super::pace::runs_within;
use super::policies::PolicyDraft;
use super::services::ServiceDraft;
use super::thresholds::ThresholdDraft;
use crate::config::Entry;
use crate::config::problem::{Code, Problem};
use crate::decision::{Judging, Policy};
use crate::quantity::human;
use crate::verdict::statistics::{excluded_rate, samples_to_exclude};
use crate::verdict::threshold::{Subject, Threshold};
use crate::verdict::{JudgeKind, Regressed, with_error_limit};

/// Finds what cannot happen within the bakes of the policies.
pub fn examine(
    services: &[ServiceDraft<'_>],
    checks: &[CheckDraft<'_>],
    problems: &mut Vec<Problem>,
) {
    let standard = super::policies::standard();
    for check in checks.iter().filter(|check| !check.every.is_zero()) {
        let Some(service) = check.service.map(|index| &services[index]) else {
            continue;
        };
        if !service.bakes {
            continue;
        }
        let declared = service.policy;
        let policy = declared.map_or(&standard, |draft| &draft.policy);
        let bake = Bake {
            declared,
            length: policy.bake,
            samples: runs_within(check.pace, check.every, policy.bake),
            counted: counted(check, policy),
        };
        // What could not be read may be the interval that is missing.
        let is_written = |key| check.entry.value.entry(key).is_some();
        let settled = check.whole || (is_written("every") && !is_written("rate"));
        if settled && bake.samples < policy.min_samples {
            problems.push(too_short(check, &bake, policy.min_samples));
        }
        for draft in check.thresholds.iter().flatten() {
            threshold(draft, &bake, often(check).1, problems);
        }
        problems.extend(idle_baseline(check, policy));
        let is_long_enough = settled && bake.samples >= policy.min_samples;
        if is_long_enough && policy.judging.judge == JudgeKind::Sequential {
            problems.extend(unresolved(check, &bake));
        }
    }
}

/// What a bake gives to one check.
struct Bake<'a> {
    declared: Option<&'a PolicyDraft<'a>>,
    length: Duration,
    /// How many samples.
    samples: u64,
    /// How many of them after the warm-up.
    counted: u64,
}

/// How many samples come after the warm-up. What a ramp sends in it is not sent after it.
fn counted(check: &CheckDraft<'_>, policy: &Policy) -> u64 {
    let within = |span| runs_within(check.pace, check.every, span);
    match check.pace {
        Some(_) => within(policy.bake).saturating_sub(within(policy.warm_up)),
        None => within(policy.bake.saturating_sub(policy.warm_up)),
    }
}

/// How often a check runs, and what would make it run more often.
fn often(check: &CheckDraft<'_>) -> (String, &'static str) {
    match check.pace {
        Some(pace) => (format!("sent at {pace}"), "raise `rate`"),
        None => (
            format!("one every {}", human(check.every)),
            "run the check more often",
        ),
    }
}

fn too_short(check: &CheckDraft<'_>, bake: &Bake<'_>, needed: u64) -> Problem {
    let length = human(bake.length);
    let ((how_often, _), enough) = (often(check), human(lasts(check, needed)));
    let message = format!(
        "the check `{}` gives {} samples in a bake of {length}, {how_often}, and {needed} are needed",
        check.entry.key.text, bake.samples
    );
    let mut help = vec![
        format!("lengthen `bake` to {enough}"),
        format!("lower `min_samples` to {}", bake.samples),
    ];
    help.splice(0..0, oftener(check, bake.length, needed));
    let problem = Problem::error(Code::BakeTooShort, message)
        .at(&check.every_place)
        .help(help.join(", or "));
    let Some(draft) = bake.declared else {
        return problem;
    };
    let written = ["bake", "min_samples"].into_iter();
    written
        .filter(|key| draft.entry.value.entry(key).is_some())
        .fold(problem, |problem, key| {
            problem.other(&draft.place(key), format!("`{key}` of this policy"))
        })
}

/// How long so many samples of a check take.
fn lasts(check: &CheckDraft<'_>, samples: u64) -> Duration {
    let gaps = samples.saturating_sub(1);
    match check.pace {
        Some(pace) => pace.due(gaps),
        None => {
            let gaps = u32::try_from(gaps).unwrap_or(u32::MAX);
            check.every.saturating_mul(gaps)
        }
    }
}

/// What to write for so many samples within a bake; nothing where an interval would be too short.
fn oftener(check: &CheckDraft<'_>, length: Duration, samples: u64) -> Option<String> {
    if check.pace.is_some() {
        return Some("raise `rate`".to_owned());
    }
    let gaps = u32::try_from(samples.saturating_sub(1)).unwrap_or(u32::MAX);
    match (length / gaps.max(1)).as_secs() {
        0 => None,
        seconds => Some(format!(
            "run it `every: {}`",
            human(Duration::from_secs(seconds))
        )),
    }
}

/// A comparison with before that cannot lead to what the policy asks for.
fn idle_baseline(check: &CheckDraft<'_>, policy: &Policy) -> Option<Problem> {
    let section = check.entry.value.entry("baseline")?;
    if check.tolerances.is_empty() {
        return None;
    }
    let is_never_critical = check.tolerances.iter().all(|one| one.critical.is_none());
    let (message, help) = match policy.judging {
        Judging {
            judge: JudgeKind::Plain,
            ..
        } => (
            "nothing is compared with before under `judge: plain`",
            "leave `judge` out, or the `baseline`",
        ),
        Judging {
            regression: Regressed::Condemns,
            ..
        } if is_never_critical => (
            "the policy has `regression: rollback`, and this baseline has no `critical` change",
            "add `critical: \"> +50%\"`, or it only warns",
        ),
        Judging { .. } => return None,
    };
    Some(
        Problem::warning(Code::Unused, message)
            .at(&section.key.place)
            .help(help),
    )
}

/// What a window without a single failure rules out so surely must include the critical limit.
const CONFIDENCE: f64 = 0.95;

/// A bake whose samples cannot tell the critical limit from health: even if all of them pass, the
/// service may be worse than it.
fn unresolved(check: &CheckDraft<'_>, bake: &Bake<'_>) -> Option<Problem> {
    let declared = check.thresholds.iter().flatten();
    let declared: Vec<Threshold> = declared.map(|draft| draft.threshold.clone()).collect();
    let limits = with_error_limit(&declared);
    let mut errors = limits
        .iter()
        .filter(|one| one.subject == Subject::ErrorRate);
    let limit = errors.find_map(|one| one.critical)?.value;
    let excluded = excluded_rate(bake.samples, CONFIDENCE);
    if excluded <= limit || limit <= 0.0 {
        return None;
    }
    let needed = samples_to_exclude(limit, CONFIDENCE)?;
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let message = format!(
        "the check `{}` alone cannot show its critical error rate of {}: {} clean samples rule out \
         rates above {} only",
        check.entry.key.text,
        percent(limit),
        bake.samples,
        percent(excluded),
    );
    let often = oftener(check, bake.length, needed);
    let often = often.map(|often| format!("{often}, or "));
    let often = often.unwrap_or_default();
    let longer = human(lasts(check, needed));
    let help =
        format!("{often}lengthen `bake` to {longer}; `smokejumper drill` shows what is seen");
    Some(
        Problem::warning(Code::Unresolved, message)
            .at(&check.every_place)
            .help(help),
    )
}

fn threshold(
    draft: &ThresholdDraft<'_>,
    bake: &Bake<'_>,
    oftener: &str,
    problems: &mut Vec<Problem>,
) {
    let name = &draft.entry.key.text;
    let threshold = &draft.threshold;
    let place = |key: &str| {
        let written = draft.entry.value.entry(key);
        written.map_or_else(|| draft.entry.key.place.clone(), Entry::pointer)
    };
    let length = human(bake.length);
    if let Some(lasting) = threshold.lasting.filter(|lasting| *lasting > bake.length) {
        let message = format!(
            "`{name}` would have to be breached for {}, and the bake is {length}",
            human(lasting)
        );
        let problem = Problem::error(Code::NeverBreached, message)
            .at(&place("for"))
            .help("shorten `for` or lengthen `bake`");
        problems.push(problem);
    }
    let samples = bake.samples;
    if let Some(count) = threshold
        .consecutive
        .filter(|count| u64::from(*count) > samples)
    {
        let message = format!(
            "`{name}` would have to be breached {count} times in a row, and the bake gives {samples} samples"
        );
        let problem = Problem::error(Code::NeverBreached, message)
            .at(&place("consecutive"))
            .help(format!("lower `consecutive`, {oftener} or lengthen `bake`"));
        problems.push(problem);
    }
    let (least, counted) = (threshold.subject.least_samples(), bake.counted);
    if least > counted {
        let message = format!(
            "`{name}` needs {least} samples, and the bake gives {counted} whose latency counts"
        );
        let problem = Problem::warning(Code::NeverBreached, message)
            .at(&draft.entry.key.place)
            .help(format!(
                "limit a lower percentile, {oftener} or lengthen `bake`"
            ));
        problems.push(problem);
    }
}
