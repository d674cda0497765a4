//! Laws of the decision, over random findings and circumstances.

use proptest::prelude::*;

use super::super::{Circumstances, Decision, Permission, decide};
use super::{chain, database, finding, policy};
use crate::deployment::Standing;
use crate::event::Verdict;
use crate::verdict::{Finding, assess};

use Permission::Armed;
use Standing::{Completed, InFlight};
use Verdict::{Fail, Inconclusive, Pass, Warn};

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
            watched: std::time::Duration::MAX,
            samples: u64::MAX,
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
