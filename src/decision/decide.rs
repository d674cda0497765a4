//! From an assessment to what is done about it.
//!
//! Where findings ask for different things, the more particular and the more careful wins:
//! 1. *hold, by a rule*. Somebody wrote down that this failure is no reason to roll back. What else
//!    fails at the same time is probably its consequence: when the database is down, so is the API.
//! 2. *roll back*, by a rule or in general.
//! 3. *hold, in general*. Otherwise one unnamed check would undo the rule that names another.
//! 4. *accept*. A finding that only alerts is not counted at all.
//!
//! A failure is proven when it is found, so it is acted upon at once, and a hold as well: waiting
//! would change neither. Warnings and doubts wait for the end of the bake. Findings that are not
//! failures never outvote one that is.

use std::time::Duration;

use super::interlock::{Interlock, Permission};
use super::rules::{Vote, carrying, may_soon_hold, vote};
use super::{Choice, Policy};
use crate::deployment::Standing;
use crate::event::{Action, Verdict};
use crate::verdict::{Assessment, Finding};

/// What a decision needs to know besides the findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// Whether the bake is over: no more samples will come.
    pub bake_over: bool,
    /// How long the deployment was watched, up to the last sample that was heard.
    pub watched: Duration,
    /// How many samples were heard, of all checks.
    pub samples: u64,
    /// What the platform says of the deployment under test.
    pub standing: Standing,
    /// Whether a rollback may be carried out.
    pub permission: Permission,
}

/// What is done.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Nothing yet: more samples, or the platform, may still change it.
    Wait,
    /// The deployment stays.
    Accept {
        /// Why, the most important first.
        because: Vec<String>,
    },
    /// The previous revision comes back.
    RollBack {
        /// Why, the most important first: `api-health: error_rate`.
        because: Vec<String>,
    },
    /// Nothing is changed, and a person decides.
    Hold {
        /// Why, the most important first.
        because: Vec<String>,
        /// What stopped a rollback that was due; absent when none was.
        interlock: Option<Interlock>,
    },
    /// Another deployment has taken over: there is nothing left to decide, even if this one failed.
    Superseded,
    /// The platform returns to the previous revision by itself: wait for it, then verify.
    Follow,
}

impl Decision {
    /// What the policy asks for, as reports have it. A rollback that is not armed, only
    /// rehearsed or stopped by a brake is asked for all the same; what became of it is its outcome.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Accept { .. } => Action::Accept,
            Self::RollBack { .. } => Action::RollBack,
            Self::Hold { interlock, .. } => match interlock {
                Some(Interlock::Policy | Interlock::Rule { .. }) | None => Action::Hold,
                Some(_) => Action::RollBack,
            },
            Self::Wait | Self::Superseded | Self::Follow => Action::None,
        }
    }
}

/// Decides, as things stand. May be asked at any time and as often as one likes.
#[must_use]
pub fn decide(policy: &Policy, assessment: &Assessment, circumstances: &Circumstances) -> Decision {
    match circumstances.standing {
        Standing::Superseded => return Decision::Superseded,
        Standing::RollingBack | Standing::RolledBack => return Decision::Follow,
        Standing::InFlight | Standing::Completed | Standing::Failed => {}
    }
    let votes = assessment
        .findings
        .iter()
        .filter_map(|finding| vote(policy, finding));
    let (failures, doubts): (Vec<_>, Vec<_>) =
        votes.partition(|vote| vote.finding.verdict == Verdict::Fail);
    if let Some(decision) = settle(&failures, circumstances.permission) {
        let may_hold = || {
            assessment
                .findings
                .iter()
                .any(|one| may_soon_hold(policy, one))
        };
        // Whether it may be carried out changes nothing: a rehearsal finds what an armed watch would.
        let rolls_back = decision.action() == Action::RollBack;
        // A failure whose rule says "do not roll back" may be about to be proven as well.
        let is_early = circumstances.watched < policy.rollback.min_time
            || circumstances.samples < policy.min_samples;
        return match rolls_back && !circumstances.bake_over && (is_early || may_hold()) {
            true => Decision::Wait,
            false => decision,
        };
    }
    match circumstances.standing {
        // It will never be rolled out, so it is never accepted; nor is it bad by our own account.
        Standing::Failed => hold(vec!["the platform gave up on the deployment".to_owned()]),
        _ if !circumstances.bake_over => Decision::Wait,
        // What is still being rolled out has not been seen whole; the engine bounds the wait.
        Standing::InFlight => Decision::Wait,
        _ => at_the_end(policy, assessment, &doubts, circumstances.permission),
    }
}

fn at_the_end(
    policy: &Policy,
    assessment: &Assessment,
    doubts: &[Vote<'_>],
    permission: Permission,
) -> Decision {
    if assessment.findings.is_empty() {
        let because = vec!["nothing was judged".to_owned()];
        return match policy.decide.inconclusive {
            Choice::Accept | Choice::Alert => Decision::Accept { because },
            // Without a finding there is nothing to roll back for.
            Choice::Hold | Choice::Rollback => hold(because),
        };
    }
    settle(doubts, permission).unwrap_or_else(|| Decision::Accept {
        because: acceptance(&assessment.findings, doubts),
    })
}

/// What findings of one gravity come to; absent when none of them stands in the way.
fn settle(votes: &[Vote<'_>], permission: Permission) -> Option<Decision> {
    let held_by_rule = pick(votes, |vote| {
        vote.choice == Choice::Hold && vote.rule.is_some()
    });
    let asking = pick(votes, |vote| vote.choice == Choice::Rollback);
    let held = pick(votes, |vote| vote.choice == Choice::Hold);
    let is_failure = votes
        .iter()
        .any(|vote| vote.finding.verdict == Verdict::Fail);
    if let Some(first) = held_by_rule.first() {
        let stops = is_failure || !asking.is_empty();
        let interlock = stops.then(|| Interlock::Rule {
            check: first.finding.facts.id.to_string(),
            because: first.rule.and_then(|rule| rule.because.clone()),
        });
        let because = [lines(&held_by_rule), lines(&asking)].concat();
        return Some(Decision::Hold { because, interlock });
    }
    if !asking.is_empty() {
        let because = lines(&asking);
        return Some(match permission.interlock() {
            None => Decision::RollBack { because },
            interlock => Decision::Hold { because, interlock },
        });
    }
    (!held.is_empty()).then(|| Decision::Hold {
        because: lines(&held),
        interlock: is_failure.then_some(Interlock::Policy),
    })
}

fn pick<'a>(votes: &[Vote<'a>], is_wanted: impl Fn(&Vote<'a>) -> bool) -> Vec<Vote<'a>> {
    votes
        .iter()
        .copied()
        .filter(|vote| is_wanted(vote))
        .collect()
}

/// `api-health: error_rate`, one line a reason.
fn lines(votes: &[Vote<'_>]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for vote in votes {
        let check = &vote.finding.facts.id;
        for reason in carrying(vote.finding) {
            let line = format!("{check}: {}", reason.code);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    lines
}

fn acceptance(findings: &[Finding], doubts: &[Vote<'_>]) -> Vec<String> {
    let passed = findings
        .iter()
        .filter(|one| one.verdict == Verdict::Pass)
        .count();
    let passed = match passed {
        0 => None,
        1 => Some("1 check passes".to_owned()),
        _ => Some(format!("{passed} checks pass")),
    };
    let accepted = pick(doubts, |vote| vote.choice == Choice::Accept);
    let accepted = lines(&accepted)
        .into_iter()
        .map(|line| format!("{line} (accepted)"));
    let because: Vec<String> = passed.into_iter().chain(accepted).collect();
    match because.is_empty() {
        true => vec!["nothing but checks that only alert".to_owned()],
        false => because,
    }
}

const fn hold(because: Vec<String>) -> Decision {
    Decision::Hold {
        because,
        interlock: None,
    }
}
