//! The plan for a person: what would be probed, how often, and by which limits it would be judged.
//!
//! Shows no address and no query: they may hold what must not be seen.

use std::fmt::Write as _;

use super::load::{how_often, planned};
use super::text::{counted, push_wrapped};
use crate::decision::{Budget, Choice, Policy, Rule};
use crate::deploy::Platform;
use crate::plan::{CheckPlan, ControlPlan, GuardPlan, Plan, ServicePlan};
use crate::quantity::human;
use crate::verdict::statistics::excluded_rate;
use crate::verdict::threshold::Threshold;
use crate::verdict::{Forgive, JudgeKind, Regressed, with_error_limit};

/// Renders a plan.
#[must_use]
pub fn render(plan: &Plan) -> String {
    let mut text = String::new();
    for service in &plan.services {
        let checks: Vec<&CheckPlan> = plan
            .checks
            .iter()
            .filter(|check| check.facts.service == service.name)
            .collect();
        if checks.is_empty() {
            continue;
        }
        render_service(&mut text, service);
        if let Some(load) = planned(&checks, &service.policy) {
            push_wrapped(&mut text, "  load ", &load);
        }
        for check in checks {
            render_check(&mut text, check, &service.policy);
        }
        text.push('\n');
    }
    for control in &plan.controls {
        push_wrapped(&mut text, "control ", &control_words(control));
    }
    if !plan.controls.is_empty() {
        text.push('\n');
    }
    let services = plan
        .services
        .iter()
        .filter(|service| {
            plan.checks
                .iter()
                .any(|check| check.facts.service == service.name)
        })
        .count();
    push_wrapped(
        &mut text,
        "",
        &format!(
            "The configuration is valid: {} of {}. Nothing was probed.",
            counted(plan.checks.len() as u64, "check", "checks"),
            counted(services as u64, "service", "services")
        ),
    );
    text
}

fn render_service(text: &mut String, service: &ServicePlan) {
    let place = match &service.platform {
        Some(Platform::Ecs(ecs)) => {
            let region = ecs.region.as_ref().map(|region| format!(" in {region}"));
            format!(
                "ecs {}/{}{}",
                ecs.cluster,
                ecs.service,
                region.unwrap_or_default()
            )
        }
        None => "not deployed anywhere that watch knows".to_owned(),
    };
    push_wrapped(text, "service ", &format!("{}: {place}", service.name));
    let policy = &service.policy;
    push_wrapped(text, "  policy ", &policy_words(policy));
    push_wrapped(text, "  judge ", &judging_words(policy));
    for rule in &policy.rules {
        push_wrapped(text, "  rule ", &rule_words(rule));
    }
    if policy.rollback.arm {
        push_wrapped(text, "  brakes ", &brakes_words(policy));
    }
    for guard in &service.guards {
        push_wrapped(text, "  guard ", &guard_words(guard));
    }
}

/// What stops a rollback that the findings ask for.
fn brakes_words(policy: &Policy) -> String {
    let rollback = &policy.rollback;
    let mut words = format!(
        "not before {}, not with more than {} of them saying nothing",
        counted(policy.min_samples, "sample", "samples"),
        share(rollback.max_unknown),
    );
    if !rollback.min_time.is_zero() {
        let least = human(rollback.min_time);
        push(&mut words, format_args!("; not before {least}"));
    }
    if !rollback.cooldown.is_zero() {
        let cooldown = human(rollback.cooldown);
        push(&mut words, format_args!("; one in {cooldown}"));
    }
    if let Some(Budget { times, span }) = rollback.budget {
        let times = counted(times.into(), "rollback", "rollbacks");
        push(&mut words, format_args!("; {times} in {}", human(span)));
    }
    if rollback.shadow > 0 {
        let first = counted(rollback.shadow as u64, "deployment", "deployments");
        push(
            &mut words,
            format_args!("; the first {first} are only watched"),
        );
    }
    if let Some(file) = &rollback.freeze.file {
        push(
            &mut words,
            format_args!("; none while {} exists", file.display()),
        );
    }
    if let Some(name) = &rollback.freeze.parameter {
        push(
            &mut words,
            format_args!("; none while the parameter {name} says so"),
        );
    }
    words
}

fn guard_words(guard: &GuardPlan) -> String {
    let what = match guard.unchanged {
        true => "must answer what it answered before",
        false => "must answer as expected",
    };
    let because = guard.because.as_ref();
    let because = because.map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{}: {} {what}{because}", guard.name, guard.kind)
}

fn policy_words(policy: &Policy) -> String {
    let rollback = if policy.rollback.arm {
        let verify = if policy.rollback.verify {
            "verified"
        } else {
            "not verified"
        };
        format!(
            "rollback armed, at most {}, {verify}",
            human(policy.rollback.timeout)
        )
    } else {
        "rollback not armed".to_owned()
    };
    format!(
        "{}: bake {}, warm-up {}, at least {} a check and {:.0} % of those promised; \
         on failure {}, on warning {}, when inconclusive {}; {rollback}",
        policy.name,
        human(policy.bake),
        human(policy.warm_up),
        counted(policy.min_samples, "sample", "samples"),
        policy.coverage * 100.0,
        choice(policy.decide.critical),
        choice(policy.decide.warning),
        choice(policy.decide.inconclusive),
    )
}

fn judging_words(policy: &Policy) -> String {
    let judging = &policy.judging;
    if judging.judge == JudgeKind::Plain {
        return "plain, each limit as written, with no promise on false rollbacks".to_owned();
    }
    let forgiven = match judging.forgive {
        Forgive { times: 0, .. } => "nothing is forgiven".to_owned(),
        Forgive { times: 1, span } => format!("one burst of {} is forgiven", human(span)),
        Forgive { times, span } => format!("{times} bursts of {} are forgiven", human(span)),
    };
    let closer = match judging.closer_look {
        true => "what looks bad is looked at more closely",
        false => "no closer looks",
    };
    let regression = match judging.regression {
        Regressed::Warns => "being worse than before warns",
        Regressed::Condemns => "being worse than before may condemn",
    };
    format!(
        "sequential: at most {} of healthy windows are condemned; {forgiven}; {closer}; {regression}",
        share(judging.false_rollback),
    )
}

/// A share as a percentage with as many digits as it needs.
fn share(share: f64) -> String {
    let percent = format!("{:.4}", share * 100.0);
    let percent = percent.trim_end_matches('0').trim_end_matches('.');
    format!("{percent} %")
}

fn rule_words(rule: &Rule) -> String {
    let when = &rule.when;
    let list = |name: &str, items: &[std::sync::Arc<str>]| {
        (!items.is_empty()).then(|| format!("{name} {}", items.join(" or ")))
    };
    let conditions: Vec<String> = [
        list("tag", &when.tags),
        list("check", &when.checks),
        list("kind", &when.kinds),
        list("threshold", &when.thresholds),
        when.level.map(|level| format!("level {}", level.name())),
        when.verdict
            .map(|verdict| format!("verdict {}", verdict.name())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let because = rule
        .because
        .as_ref()
        .map(|why| format!(" ({why})"))
        .unwrap_or_default();
    format!(
        "{}: {}{because}",
        conditions.join(" and "),
        choice(rule.then)
    )
}

const fn choice(choice: Choice) -> &'static str {
    match choice {
        Choice::Rollback => "roll back",
        Choice::Accept => "accept",
        Choice::Hold => "hold",
        Choice::Alert => "alert only",
    }
}

/// How sure "rule out" is.
const CONFIDENCE: f64 = 0.95;

fn render_check(text: &mut String, check: &CheckPlan, policy: &Policy) {
    let samples = check.runs_within(policy.bake);
    let mut words = format!(
        "{}: {}, timeout {}, {samples} samples in a bake",
        check.facts.kind,
        how_often(check),
        human(check.timeout)
    );
    if policy.judging.judge == JudgeKind::Sequential {
        let excluded = excluded_rate(samples, CONFIDENCE);
        let least = (excluded * 1000.0).ceil() / 1000.0;
        push(
            &mut words,
            format_args!("; clean ones rule out error rates above {}", share(least)),
        );
    }
    if !check.facts.tags.is_empty() {
        push(
            &mut words,
            format_args!(" [{}]", check.facts.tags.join(", ")),
        );
    }
    push_wrapped(text, &format!("  {}  ", check.facts.id), &words);
    // What is judged, and not only what was declared.
    for threshold in with_error_limit(&check.thresholds).iter() {
        let is_declared = check.declared_thresholds && check.thresholds.contains(threshold);
        let default = if is_declared { "" } else { " (by default)" };
        let words = format!("{}{default}", threshold_words(threshold));
        push_wrapped(text, "      ", &words);
    }
}

/// A check that is not judged.
fn control_words(control: &ControlPlan) -> String {
    format!(
        "{}: {}: every {}, timeout {}, and whenever a check cannot reach its target; never judged",
        control.id,
        control.kind,
        human(control.every),
        human(control.timeout)
    )
}

fn threshold_words(threshold: &Threshold) -> String {
    let mut words = threshold.subject.name();
    if let Some(limit) = &threshold.warning {
        push(&mut words, format_args!(" warning {limit}"));
    }
    if let Some(limit) = &threshold.critical {
        push(&mut words, format_args!(" critical {limit}"));
    }
    if let Some(span) = threshold.lasting {
        push(&mut words, format_args!(" for {}", human(span)));
    }
    if let Some(count) = threshold.consecutive {
        push(&mut words, format_args!(" in {count} samples in a row"));
    }
    words
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    text.write_fmt(arguments).unwrap_or_default();
}
