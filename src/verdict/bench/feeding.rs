//! Which streams and limits each check feeds, so that a sample is taken to them and to no others.

use crate::verdict::sequential::docket::Docket;

/// What a check feeds: the streams, and its limits that they hear.
#[derive(Clone, Debug, Default)]
pub(super) struct Feeding {
    pub(super) cases: Vec<usize>,
    pub(super) thresholds: Vec<usize>,
}

pub(super) fn feeding(docket: &Docket, checks: usize) -> Vec<Feeding> {
    let mut feeding = vec![Feeding::default(); checks];
    for (place, case) in docket.cases().iter().enumerate() {
        for member in &case.members {
            let Feeding { cases, thresholds } = &mut feeding[member.check];
            if cases.last() != Some(&place) {
                cases.push(place);
            }
            thresholds.push(member.threshold);
        }
    }
    feeding
}
