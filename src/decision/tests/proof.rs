//! What proves a rollback.

use super::super::{Proof, prove};
use super::{chain, database, policy, web};
use crate::event::Verdict;
use crate::verdict::{Finding, assess};

use Verdict::{Fail, Inconclusive, Pass, Warn};

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
