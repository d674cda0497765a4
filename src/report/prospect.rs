//! What a rollback by hand would do, for the person who is asked whether to do it: target and way,
//! how long it takes, what it does not restore, what holds it back.

use super::line::standing_words;
use super::text::{counted, push_wrapped};
use std::time::Duration;

use crate::deployment::RollbackPlan;
use crate::engine::by_hand::Prospect;
use crate::quantity::human;

/// Renders a prospect. `service` is its name, `named` the interlocks that were named to be
/// overridden, `checks` how many checks will prove the rollback.
#[must_use]
pub fn render(service: &str, prospect: &Prospect, named: &[String], checks: usize) -> String {
    let deployment = &prospect.deployment;
    let was = deployment.previous.as_ref();
    let was = was.map_or_else(String::new, |was| format!(" (was {was})"));
    let mut text = String::new();
    let standing = standing_words(prospect.standing);
    let runs = format!("runs {}{was}, {standing}", deployment.revision);
    push_wrapped(&mut text, &format!("{service} "), &runs);
    let mut push = |name: &str, said: &str| {
        push_wrapped(&mut text, &format!("  {name:<LONGEST_NAME$}  "), said);
    };
    match &prospect.plan {
        Ok(plan) => push_plan(plan, &mut push),
        Err(none) => push("rollback", &none.to_string()),
    }
    for interlock in &prospect.holding {
        push("held by", &format!("{} ({interlock})", interlock.name()));
    }
    for interlock in &prospect.overridden {
        push("overridden", &format!("{} ({interlock})", interlock.name()));
    }
    let holds = |name: &str| {
        let mut all = prospect.holding.iter().chain(&prospect.overridden);
        all.any(|one| one.name() == name)
    };
    for name in named.iter().filter(|name| !holds(name)) {
        push("overridden", &format!("{name}, which does not hold"));
    }
    let checks = counted(checks as u64, "check is", "checks are");
    push("proof", &format!("{checks} run again afterwards"));
    text
}

fn push_plan(plan: &RollbackPlan, push: &mut impl FnMut(&str, &str)) {
    push(
        "rollback",
        &format!("to {} ({})", plan.target, plan.actuator.name()),
    );
    match plan.expected {
        Some(expected) => {
            let whole = Duration::from_secs(expected.as_secs());
            push("takes", &format!("about {}, by its past", human(whole)));
        }
        None => push("takes", "not known: nothing of its past says so"),
    }
    if !plan.not_restored.is_empty() {
        push("stays", &plan.not_restored.join(", "));
    }
    for caveat in &plan.caveats {
        push("mind", caveat);
    }
}

/// As long as `overridden`.
const LONGEST_NAME: usize = 10;
