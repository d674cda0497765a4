//! What holds of decisions: tables, one row a case with its reason in words, and laws.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::{
    Choice, Circumstances, Decide, Decision, Interlock, Permission, Policy, Proof, RollbackPolicy,
    Rule, When, decide, prove,
};
use crate::deployment::Standing;
use crate::event::{Level, Verdict};
use crate::sample::CheckId;
use crate::verdict::{Assessment, CheckFacts, Finding, FindingReason, assess};
use crate::window::Summary;

use Permission::Armed;
use Standing::{Completed, InFlight};
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
            timeout: Duration::from_secs(900),
            verify: true,
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
        standing,
        permission,
    };
    decide(policy, &assess(findings), &circumstances)
}

#[test]
fn while_the_deployment_bakes_only_what_is_proven_is_acted_upon() {
    let rows = [
        (vec![web(Pass)], Decision::Wait, "more samples can come"),
        (vec![web(Warn)], Decision::Wait, "a warning may pass"),
        (
            vec![web(Inconclusive)],
            Decision::Wait,
            "nothing is known yet",
        ),
        (vec![], Decision::Wait, "nothing was judged yet"),
        (
            vec![web(Fail)],
            roll_back(&["web: error_rate"]),
            "a failure is proven when found",
        ),
        (
            vec![database(Fail)],
            hold(&["database: used_pct"], database_rule()),
            "so is what a rule holds",
        ),
        (vec![chain(Fail)], Decision::Wait, "an alert is not counted"),
    ];
    for (findings, expected, why) in rows {
        for standing in [InFlight, Completed] {
            let decision = decided(&policy(), findings.clone(), false, standing, Armed);
            assert_eq!(decision, expected, "{standing:?}: {why}");
        }
    }
}

#[test]
fn at_the_end_of_the_bake_every_finding_is_answered() {
    let rows = [
        (
            vec![web(Pass), chain(Pass)],
            accept(&["2 checks pass"]),
            "all is well",
        ),
        (
            vec![web(Warn), chain(Pass)],
            accept(&["1 check passes", "web: error_rate (accepted)"]),
            "the policy accepts warnings",
        ),
        (
            vec![web(Inconclusive)],
            hold(&["web: error_rate"], None),
            "and holds what cannot be told",
        ),
        (
            vec![web(Fail), web(Pass)],
            roll_back(&["web: error_rate"]),
            "one failure is enough",
        ),
        (
            vec![chain(Fail), web(Pass)],
            accept(&["1 check passes"]),
            "an alert is not counted",
        ),
        (
            vec![chain(Fail)],
            accept(&["nothing but checks that only alert"]),
            "even alone",
        ),
        (
            vec![],
            hold(&["nothing was judged"], None),
            "no data is no pass",
        ),
        (
            vec![database(Warn)],
            roll_back(&["database: used_pct"]),
            "the second rule matches",
        ),
        (
            vec![web(Fail), database(Inconclusive)],
            roll_back(&["web: error_rate"]),
            "what cannot be told holds nothing that is proven",
        ),
    ];
    for (findings, expected, why) in rows {
        let decision = decided(&policy(), findings, true, Completed, Armed);
        assert_eq!(decision, expected, "{why}");
    }
}

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
fn the_platform_has_its_say() {
    use Standing::{Failed, RolledBack, RollingBack, Superseded};
    let gave_up = hold(&["the platform gave up on the deployment"], None);
    let rows = [
        (
            Superseded,
            Fail,
            true,
            Decision::Superseded,
            "nothing is left to undo, though it failed",
        ),
        (
            Superseded,
            Pass,
            false,
            Decision::Superseded,
            "nor to accept",
        ),
        (
            RollingBack,
            Fail,
            false,
            Decision::Follow,
            "two hands on one wheel help nobody",
        ),
        (
            RolledBack,
            Pass,
            true,
            Decision::Follow,
            "it is gone, however well it looked",
        ),
        (InFlight, Pass, true, Decision::Wait, "not seen whole yet"),
        (
            InFlight,
            Inconclusive,
            true,
            Decision::Wait,
            "more may be known when it is",
        ),
        (
            InFlight,
            Fail,
            true,
            roll_back(&["web: error_rate"]),
            "what failed need not finish",
        ),
        (
            Failed,
            Fail,
            false,
            roll_back(&["web: error_rate"]),
            "bad by both accounts",
        ),
        (
            Failed,
            Pass,
            true,
            gave_up.clone(),
            "never accepted, not bad by our account",
        ),
        (Failed, Warn, false, gave_up, "waiting changes nothing"),
    ];
    for (standing, verdict, bake_over, expected, why) in rows {
        let decision = decided(&policy(), vec![web(verdict)], bake_over, standing, Armed);
        assert_eq!(decision, expected, "{standing:?}: {why}");
    }
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

#[test]
fn a_rollback_is_proven_by_the_checks_that_led_to_it() {
    let row = |judged: Vec<Finding>, found: Vec<Finding>| {
        prove(&policy(), &assess(judged), &assess(found))
    };
    let broken = || vec![web(Fail), database(Inconclusive), chain(Pass)];
    let rows = [
        (
            row(
                broken(),
                vec![web(Pass), database(Inconclusive), chain(Pass)],
            ),
            Proof::Healthy("2 checks pass on the previous revision, web again".to_owned()),
            "what could not be told before need not be told now",
        ),
        (
            row(broken(), vec![web(Pass), database(Pass), chain(Fail)]),
            Proof::Healthy("2 checks pass on the previous revision, web again".to_owned()),
            "an alert is not counted",
        ),
        (
            row(broken(), vec![web(Warn)]),
            Proof::Healthy("1 check passes on the previous revision, web again".to_owned()),
            "a warning is no failure",
        ),
        (
            row(broken(), vec![web(Fail), database(Pass)]),
            Proof::Unhealthy(
                "web fails on the previous revision as well: error_rate of web".to_owned(),
            ),
            "the deployment was not the cause",
        ),
        (
            row(broken(), vec![web(Inconclusive), database(Pass)]),
            Proof::Unproven(
                "web cannot be told on the previous revision: error_rate of web".to_owned(),
            ),
            "what led to the rollback must be told",
        ),
        (
            row(broken(), vec![]),
            Proof::Unproven("nothing was seen to pass on the previous revision".to_owned()),
            "no data is no pass",
        ),
        (
            row(vec![], vec![web(Pass)]),
            Proof::Healthy("1 check passes on the previous revision".to_owned()),
            "the platform rolled back before anything was judged",
        ),
        (
            row(vec![], vec![web(Pass), database(Inconclusive)]),
            Proof::Unproven(
                "database cannot be told on the previous revision: used_pct of database".to_owned(),
            ),
            "nothing is known of it from before",
        ),
    ];
    for (proof, expected, why) in rows {
        assert_eq!(proof, expected, "{why}");
    }
}

fn any_findings() -> impl Strategy<Value = Vec<Finding>> {
    let name = prop_oneof![Just("web"), Just("database"), Just("chain"), Just("cache")];
    let verdict = prop_oneof![Just(Pass), Just(Warn), Just(Inconclusive), Just(Fail)];
    let one = (name, verdict).prop_map(|(name, verdict)| finding(name, verdict, "error_rate"));
    prop::collection::vec(one, 0..6)
}

fn any_circumstances() -> impl Strategy<Value = Circumstances> {
    use Permission::{DryRun, Forbidden, NotArmed};
    use Standing::{Failed, RolledBack, RollingBack, Superseded};
    let standing = prop::sample::select(vec![
        InFlight,
        Completed,
        RollingBack,
        RolledBack,
        Failed,
        Superseded,
    ]);
    let permission = prop::sample::select(vec![Armed, NotArmed, Forbidden, DryRun]);
    (any::<bool>(), standing, permission).prop_map(|(bake_over, standing, permission)| {
        Circumstances {
            bake_over,
            standing,
            permission,
        }
    })
}

fn judged(findings: &[Finding], circumstances: &Circumstances) -> Decision {
    decide(&policy(), &assess(findings.to_vec()), circumstances)
}

proptest! {
    #[test]
    fn no_rollback_leaves_without_permission_a_reason_and_a_deployment_to_undo(
        findings in any_findings(), circumstances in any_circumstances(),
    ) {
        if let Decision::RollBack { because } = judged(&findings, &circumstances) {
            prop_assert_eq!(circumstances.permission, Armed);
            prop_assert!(matches!(circumstances.standing, InFlight | Completed | Standing::Failed));
            prop_assert!(!because.is_empty());
            prop_assert!(findings.iter().any(|one| one.verdict != Pass));
        }
    }

    #[test]
    fn no_rollback_leaves_while_a_rule_holds_a_failure(
        findings in any_findings(), circumstances in any_circumstances(),
    ) {
        let findings = [findings, vec![database(Fail)]].concat();
        let decision = judged(&findings, &circumstances);
        let acts = matches!(decision, Decision::RollBack { .. } | Decision::Accept { .. });
        prop_assert!(!acts, "{:?}", decision);
    }

    #[test]
    fn what_only_alerts_changes_no_decision(
        findings in any_findings(), circumstances in any_circumstances(), verdict in prop::sample::select(vec![Warn, Inconclusive, Fail]),
    ) {
        prop_assume!(!findings.is_empty());
        let with_alert = [findings.clone(), vec![chain(verdict)]].concat();
        prop_assert_eq!(judged(&findings, &circumstances), judged(&with_alert, &circumstances));
    }

    #[test]
    fn the_order_of_findings_decides_nothing(
        (findings, shuffled) in any_findings()
            .prop_flat_map(|findings| (Just(findings.clone()), Just(findings).prop_shuffle())),
        circumstances in any_circumstances(),
    ) {
        let kind = |decision: &Decision| std::mem::discriminant(decision);
        let decisions = [judged(&findings, &circumstances), judged(&shuffled, &circumstances)];
        prop_assert_eq!(kind(&decisions[0]), kind(&decisions[1]));
    }

    #[test]
    fn nothing_is_accepted_that_failed_or_was_never_judged(
        findings in any_findings(), circumstances in any_circumstances(),
    ) {
        if matches!(judged(&findings, &circumstances), Decision::Accept { .. }) {
            prop_assert!(!findings.is_empty());
            let counted = |one: &&Finding| one.facts.id.as_str() != "chain";
            prop_assert!(!findings.iter().filter(counted).any(|one| matches!(one.verdict, Fail | Inconclusive)));
        }
    }
}

#[test]
fn an_empty_assessment_is_inconclusive() {
    let nothing: Assessment = assess(vec![]);
    assert_eq!(nothing.verdict, Inconclusive);
}
