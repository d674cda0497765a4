//! Loads in words: what will be sent, and what was. Called by the plan and by the report for people.

use super::text::counted;
use crate::decision::Policy;
use crate::plan::CheckPlan;
use crate::quantity::human;
use crate::window::Sent;

/// How often a check runs: by its interval, or as a load.
#[must_use]
pub fn how_often(check: &CheckPlan) -> String {
    match check.load() {
        Some(load) => format!("{}, at most {} in flight", load.pace, load.max_in_flight),
        None => {
            let most = check.max_in_flight;
            let most = most.map(|most| format!(", at most {most} in flight"));
            format!("every {}{}", human(check.every), most.unwrap_or_default())
        }
    }
}

/// What the loads of a service come to, so that nobody overwhelms a system of his own by a slip;
/// nothing where no check has a rate.
#[must_use]
pub fn planned(checks: &[&CheckPlan], policy: &Policy) -> Option<String> {
    let loads = || checks.iter().filter_map(|check| check.load());
    let requests: u64 = loads()
        .map(|load| load.pace.sends_by(policy.bake))
        .fold(0, u64::saturating_add);
    let peak: f64 = loads().map(|load| load.pace.peak().per_second()).sum();
    let at_once: u64 = loads().map(|load| u64::from(load.max_in_flight)).sum();
    (requests > 0).then(|| {
        format!(
            "{} in a bake, up to {} a second, at most {at_once} in flight",
            counted(requests, "request", "requests"),
            figure(peak),
        )
    })
}

/// A number with as many digits as it needs, three decimals at most.
fn figure(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What an open loop sent: `99.8/s sent, at most 12 in flight, 30 not sent`.
#[must_use]
pub fn sent(sent: Sent) -> String {
    let rate = match sent.per_second() {
        Some(rate) => format!("{rate:.1}/s sent"),
        None => "one sent".to_owned(),
    };
    let unsent = match sent.unsent {
        0 => String::new(),
        unsent => format!(", {unsent} not sent"),
    };
    format!("{rate}, at most {} in flight{unsent}", sent.in_flight)
}
