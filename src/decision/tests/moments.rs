//! What is decided when, and what the platform has to say to it.

use super::super::{Decision, Permission};
use super::{accept, chain, database, database_rule, decided, hold, policy, roll_back, web};
use crate::deployment::Standing;
use crate::event::Verdict;

use Permission::Armed;
use Standing::{Completed, InFlight};
use Verdict::{Fail, Inconclusive, Pass, Warn};

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
