//! After a rollback: do the same checks pass against the previous revision?

use super::rules::vote;
use super::{Choice, Policy};
use crate::event::Verdict;
use crate::verdict::{Assessment, Finding};

/// What the checks say of the previous revision. Each variant says why in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is healthy: the rollback helped.
    Healthy(String),
    /// It fails as well: the deployment was not the cause, and rolling back further would not help.
    Unhealthy(String),
    /// That cannot be told. It is not "unhealthy", for nothing was seen to fail, and not
    /// "verified" either: what ran out is the time to find out.
    Unproven(String),
}

/// Compares what was found after a rollback with what led to it.
///
/// Findings that only alert are not counted. A check about which nothing could be said before the
/// rollback need not be conclusive after it; every other one must, and none may fail.
#[must_use]
pub fn prove(policy: &Policy, judged: &Assessment, found: &Assessment) -> Proof {
    let only_alerts =
        |one: &&Finding| vote(policy, one).is_some_and(|vote| vote.choice == Choice::Alert);
    let counted: Vec<&Finding> = found
        .findings
        .iter()
        .filter(|one| !only_alerts(one))
        .collect();
    let with = |verdict| counted.iter().find(|one| one.verdict == verdict).copied();
    if let Some(failing) = with(Verdict::Fail) {
        return Proof::Unhealthy(told(failing, "fails on the previous revision as well"));
    }
    let open = counted
        .iter()
        .filter(|one| one.verdict == Verdict::Inconclusive)
        .find(|one| verdict_before(judged, one) != Some(Verdict::Inconclusive));
    if let Some(open) = open {
        return Proof::Unproven(told(open, "cannot be told on the previous revision"));
    }
    let passed = |one: &&&Finding| matches!(one.verdict, Verdict::Pass | Verdict::Warn);
    match counted.iter().filter(passed).count() {
        0 => Proof::Unproven("nothing was seen to pass on the previous revision".to_owned()),
        count => Proof::Healthy(healthy(count, judged, &counted)),
    }
}

fn verdict_before(judged: &Assessment, finding: &Finding) -> Option<Verdict> {
    let before = judged
        .findings
        .iter()
        .find(|one| one.facts.id == finding.facts.id)?;
    Some(before.verdict)
}

fn told(finding: &Finding, what: &str) -> String {
    let check = &finding.facts.id;
    match finding.reasons.first() {
        Some(reason) => format!("{check} {what}: {}", reason.text),
        None => format!("{check} {what}"),
    }
}

fn healthy(count: usize, judged: &Assessment, counted: &[&Finding]) -> String {
    let mended = counted
        .iter()
        .find(|one| verdict_before(judged, one) == Some(Verdict::Fail));
    let checks = match count {
        1 => "1 check passes".to_owned(),
        _ => format!("{count} checks pass"),
    };
    match mended {
        Some(one) => format!("{checks} on the previous revision, {} again", one.facts.id),
        None => format!("{checks} on the previous revision"),
    }
}
