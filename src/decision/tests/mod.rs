//! What holds of decisions: tables, one row a case with its reason in words, and laws.

mod brakes;
mod conflicts;
mod laws;
mod moments;
mod proof;

use std::sync::Arc;
use std::time::Duration;

use super::{
    Choice, Circumstances, Decide, Decision, Interlock, Judging, Permission, Policy,
    RollbackPolicy, Rule, When, decide,
};
use crate::deployment::Standing;
use crate::event::{Level, Verdict};
use crate::sample::CheckId;
use crate::verdict::{CheckFacts, Finding, FindingReason, Forgive, JudgeKind, Regressed, assess};
use crate::window::Summary;

use Verdict::{Fail, Inconclusive, Pass, Warn};

const DATABASE: &str = "database errors: do not roll back, investigate";

/// A runbook: hold on database errors, only tell about the chain, roll back for the web alone when
/// its latency is meant, and otherwise as the contract's example says.
fn policy() -> Policy {
    let tagged = |tag: &str| When {
        tags: vec![Arc::from(tag)],
        ..When::default()
    };
    Policy {
        name: Arc::from("careful"),
        bake: Duration::from_secs(900),
        warm_up: Duration::ZERO,
        min_samples: 10,
        coverage: 0.7,
        judging: Judging {
            judge: JudgeKind::Sequential,
            false_rollback: 0.01,
            forgive: Forgive {
                span: Duration::from_secs(30),
                times: 1,
            },
            closer_look: true,
            regression: Regressed::Warns,
            has_own_warm_up: true,
            has_own_span: true,
        },
        decide: Decide {
            critical: Choice::Rollback,
            warning: Choice::Accept,
            inconclusive: Choice::Hold,
        },
        rules: vec![
            Rule {
                when: When {
                    verdict: Some(Fail),
                    ..tagged("database")
                },
                then: Choice::Hold,
                because: Some(DATABASE.to_owned()),
            },
            Rule {
                when: tagged("chain"),
                then: Choice::Alert,
                because: None,
            },
            Rule {
                when: tagged("database"),
                then: Choice::Rollback,
                because: None,
            },
        ],
        rollback: RollbackPolicy {
            arm: true,
            cooldown: Duration::from_secs(600),
            min_time: Duration::from_secs(60),
            ..RollbackPolicy::usual()
        },
    }
}

/// A finding on a check whose only tag is its name, for the reason given.
fn finding(name: &str, verdict: Verdict, code: &str) -> Finding {
    let level = match verdict {
        Fail => Some(Level::Critical),
        Warn => Some(Level::Warning),
        Pass | Inconclusive => None,
    };
    let reason = FindingReason {
        code: code.to_owned(),
        level,
        measured: None,
        limit: None,
        samples: 20,
        first_bad: None,
        text: format!("{code} of {name}"),
        is_glimpse: false,
        evidence: None,
    };
    Finding {
        facts: CheckFacts {
            id: CheckId::new(name),
            kind: "http",
            service: Arc::from("shop"),
            tags: vec![Arc::from(name)],
        },
        verdict,
        summary: Summary::default(),
        reasons: if verdict == Pass {
            vec![]
        } else {
            vec![reason]
        },
        assurance: None,
    }
}

fn web(verdict: Verdict) -> Finding {
    finding("web", verdict, "error_rate")
}

fn database(verdict: Verdict) -> Finding {
    finding("database", verdict, "used_pct")
}

fn chain(verdict: Verdict) -> Finding {
    finding("chain", verdict, "head_age")
}

fn roll_back(because: &[&str]) -> Decision {
    Decision::RollBack {
        because: owned(because),
    }
}

fn accept(because: &[&str]) -> Decision {
    Decision::Accept {
        because: owned(because),
    }
}

fn hold(because: &[&str], interlock: Option<Interlock>) -> Decision {
    Decision::Hold {
        because: owned(because),
        interlock,
    }
}

fn owned(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|line| (*line).to_owned()).collect()
}

fn database_rule() -> Option<Interlock> {
    Some(Interlock::Rule {
        check: "database".to_owned(),
        because: Some(DATABASE.to_owned()),
    })
}

fn decided(
    policy: &Policy,
    findings: Vec<Finding>,
    bake_over: bool,
    standing: Standing,
    permission: Permission,
) -> Decision {
    let circumstances = Circumstances {
        bake_over,
        watched: Duration::MAX,
        samples: u64::MAX,
        standing,
        permission,
    };
    decide(policy, &assess(findings), &circumstances)
}
