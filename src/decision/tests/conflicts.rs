//! Who wins when findings ask for different things, and what stops a rollback.

use std::sync::Arc;

use super::super::{Choice, Decision, Interlock, Permission, Rule, When};
use super::{DATABASE, database, database_rule, decided, finding, hold, policy, roll_back, web};
use crate::deployment::Standing;
use crate::event::{Level, Verdict};

use Permission::Armed;
use Standing::Completed;
use Verdict::{Fail, Inconclusive, Pass, Warn};

#[test]
fn a_hold_by_rule_wins_over_a_rollback_and_a_rollback_over_a_general_hold() {
    let both = vec![web(Fail), database(Fail)];
    let held = hold(&["database: used_pct", "web: error_rate"], database_rule());
    for bake_over in [false, true] {
        let decision = decided(&policy(), both.clone(), bake_over, Completed, Armed);
        assert_eq!(decision, held, "the web fails because the database does");
    }

    let mut general = policy();
    general.decide.critical = Choice::Hold;
    general.rules = vec![Rule {
        when: When {
            checks: vec![Arc::from("web")],
            ..When::default()
        },
        then: Choice::Rollback,
        because: None,
    }];
    let decision = decided(&general, both, true, Completed, Armed);
    assert_eq!(
        decision,
        roll_back(&["web: error_rate"]),
        "the rule that names the web is meant"
    );
    let decision = decided(&general, vec![database(Fail)], true, Completed, Armed);
    let expected = hold(&["database: used_pct"], Some(Interlock::Policy));
    assert_eq!(decision, expected, "the policy forbids, and says so");
}

#[test]
fn a_rollback_waits_while_a_failure_that_would_hold_it_is_about_to_be_proven() {
    let mut failing = database(Inconclusive);
    failing.summary.consecutive_failures = 2;
    let findings = vec![web(Fail), failing];
    let decision = decided(&policy(), findings.clone(), false, Completed, Armed);
    assert_eq!(
        decision,
        Decision::Wait,
        "the database's last samples failed as well"
    );
    let decision = decided(&policy(), findings, true, Completed, Armed);
    assert_eq!(
        decision,
        roll_back(&["web: error_rate"]),
        "it was not proven in time"
    );
    let decision = decided(
        &policy(),
        vec![web(Fail), database(Pass)],
        false,
        Completed,
        Armed,
    );
    assert_eq!(
        decision,
        roll_back(&["web: error_rate"]),
        "the database is well"
    );
}

#[test]
fn an_interlock_turns_a_rollback_into_a_hold_and_names_itself() {
    use Permission::{DryRun, Forbidden, NotArmed};
    let rows = [
        (
            NotArmed,
            Interlock::NotArmed,
            "not_armed",
            "policy: arm is false",
        ),
        (
            Forbidden,
            Interlock::Forbidden,
            "forbidden",
            "command line: --rollback never",
        ),
        (
            DryRun,
            Interlock::DryRun,
            "dry_run",
            "command line: --dry-run",
        ),
    ];
    for (permission, interlock, name, told) in rows {
        let decision = decided(&policy(), vec![web(Fail)], false, Completed, permission);
        assert_eq!(
            decision,
            hold(&["web: error_rate"], Some(interlock.clone()))
        );
        assert_eq!(
            (interlock.name(), interlock.to_string().as_str()),
            (name, told)
        );
    }
    let rule = database_rule().unwrap();
    assert_eq!(
        (rule.name(), rule.to_string()),
        ("rule", format!("rule: {DATABASE}"))
    );
}

#[test]
fn the_first_rule_that_matches_wins_and_every_condition_must_hold() {
    let names = |list: &[&str]| list.iter().map(|name| Arc::from(*name)).collect::<Vec<_>>();
    let none = When::default;
    let rows = [
        (none(), true, "no condition"),
        (
            When {
                tags: names(&["other", "web"]),
                ..none()
            },
            true,
            "one of the tags",
        ),
        (
            When {
                tags: names(&["other"]),
                ..none()
            },
            false,
            "none of the tags",
        ),
        (
            When {
                checks: names(&["web"]),
                ..none()
            },
            true,
            "the check",
        ),
        (
            When {
                checks: names(&["we"]),
                ..none()
            },
            false,
            "another check",
        ),
        (
            When {
                kinds: names(&["http"]),
                ..none()
            },
            true,
            "the kind",
        ),
        (
            When {
                kinds: names(&["redis"]),
                ..none()
            },
            false,
            "another kind",
        ),
        (
            When {
                thresholds: names(&["error_rate"]),
                ..none()
            },
            true,
            "the critical reason",
        ),
        (
            When {
                thresholds: names(&["p95"]),
                ..none()
            },
            false,
            "p95 only warns",
        ),
        (
            When {
                level: Some(Level::Critical),
                ..none()
            },
            true,
            "the level",
        ),
        (
            When {
                level: Some(Level::Warning),
                ..none()
            },
            false,
            "another level",
        ),
        (
            When {
                verdict: Some(Fail),
                ..none()
            },
            true,
            "the verdict",
        ),
        (
            When {
                verdict: Some(Inconclusive),
                ..none()
            },
            false,
            "another verdict",
        ),
        (
            When {
                tags: names(&["web"]),
                kinds: names(&["redis"]),
                ..none()
            },
            false,
            "one condition of two",
        ),
    ];
    let mut found = web(Fail);
    found.reasons.extend(finding("web", Warn, "p95").reasons);
    for (when, matches, why) in rows {
        assert_eq!(when.matches(&found), matches, "{why}");
    }
}
