//! All comparisons of a window with what was before: which there are, what each may spend, and which
//! of them each check feeds. The half of the budget that goes to them is divided as the other half
//! is: errors and latency, pooled and per check.

use super::before::Before;
use super::docket::{Budget, Party, rate};
use super::regression::{Regression, Subject};
use super::stream::Allowance;
use crate::clock::Moment;
use crate::event::Level;
use crate::sample::{Outcome, Sample};

/// How much worse than before is too much, as declared under a check's `baseline`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// What is compared.
    pub subject: Subject,
    /// The change that warns: 0.1 for `> +10%`.
    pub warning: Option<f64>,
    /// The change that fails.
    pub critical: Option<f64>,
}

/// A comparison and whose it is.
#[derive(Clone, Debug)]
pub struct Compared {
    /// What is compared.
    pub subject: Subject,
    /// At which level it counts.
    pub level: Level,
    /// How much worse is allowed.
    pub tolerance: f64,
    /// The checks that feed it.
    pub members: Vec<usize>,
    /// Its state.
    pub regression: Regression,
    /// Of one check alone: the pool that it belongs to.
    pool: Option<usize>,
    /// Of a pool: whether a member of it is proven by itself.
    is_told_apart: bool,
}

/// All comparisons of a window.
#[derive(Clone, Debug, Default)]
pub struct Comparisons {
    all: Vec<Compared>,
    /// For each check the comparisons that it feeds.
    feeds: Vec<Vec<usize>>,
    warm: Moment,
}

/// Checks that ask for the same.
struct Group {
    subject: Subject,
    level: Level,
    tolerance: f64,
    members: Vec<usize>,
}

/// The share of a budget that goes to what is pooled, and to comparisons.
const HALF: f64 = 0.5;

impl Comparisons {
    /// The comparisons of a window before its first sample; `before` has one entry a check. `well`
    /// is the share of errors that is well in any case.
    #[must_use]
    pub fn new(parties: &[Party<'_>], before: &[Before], well: f64, budget: &Budget) -> Self {
        let mut comparisons = Self {
            all: Vec::new(),
            feeds: vec![Vec::new(); parties.len()],
            warm: budget.start + budget.warm_up,
        };
        for level in [Level::Warning, Level::Critical] {
            let groups = groups(parties, before, level);
            let (errors, latency): (Vec<Group>, Vec<Group>) = groups
                .into_iter()
                .partition(|group| group.subject == Subject::Errors);
            let halves = f64::from(u8::from(!errors.is_empty()) + u8::from(!latency.is_empty()));
            for half in [errors, latency] {
                let members: usize = half.iter().map(|group| group.members.len()).sum();
                for group in half {
                    let share = group.members.len() as f64 / members as f64;
                    let alpha = budget.false_rollback * HALF / halves * share;
                    comparisons.open(&group, alpha, parties, before, well, budget);
                }
            }
        }
        comparisons
    }

    fn open(
        &mut self,
        group: &Group,
        alpha: f64,
        parties: &[Party<'_>],
        before: &[Before],
        well: f64,
        budget: &Budget,
    ) {
        let mut add = |members: &[usize], alpha: f64, pool: Option<usize>| -> Option<usize> {
            let allowance = Allowance {
                rate: members
                    .iter()
                    .map(|check| rate(parties[*check].every))
                    .sum(),
                window_rate: parties.iter().map(|party| rate(party.every)).sum(),
                length: budget.length,
                alpha,
                warning: 0.0,
                forgive: budget.forgive,
            };
            let earlier = Before::pooled(members.iter().map(|check| &before[*check]));
            let regression =
                Regression::new(group.subject, &earlier, group.tolerance, well, allowance)?;
            let place = self.all.len();
            members
                .iter()
                .for_each(|check| self.feeds[*check].push(place));
            self.all.push(Compared {
                subject: group.subject,
                level: group.level,
                tolerance: group.tolerance,
                members: members.to_vec(),
                regression,
                pool,
                is_told_apart: false,
            });
            Some(place)
        };
        if let [_] = group.members.as_slice() {
            add(&group.members, alpha, None);
            return;
        }
        let pool = add(&group.members, alpha * HALF, None);
        let each = alpha * HALF / group.members.len() as f64;
        for member in &group.members {
            add(std::slice::from_ref(member), each, pool);
        }
    }

    /// Takes a sample of a check in; says whether it proved something.
    pub fn push(&mut self, check: usize, sample: &Sample) -> bool {
        if sample.outcome == Outcome::Unknown || sample.started < self.warm {
            return false;
        }
        let is_bad = sample.outcome != Outcome::Pass;
        let mut is_news = false;
        for place in &self.feeds[check] {
            let one = &mut self.all[*place];
            if is_bad && one.subject != Subject::Errors {
                continue;
            }
            let before = one.regression.proven();
            one.regression.push(sample.started, is_bad, sample.latency);
            let is_proven = before != one.regression.proven();
            let pool = one.pool.filter(|_| is_proven);
            is_news |= is_proven;
            if let Some(pool) = pool {
                self.all[pool].is_told_apart = true;
            }
        }
        is_news
    }

    /// What is proven of a check at a level: a proof of its own, or one of a pool of which no
    /// member is proven by itself.
    pub fn proven(&self, check: usize, level: Level) -> impl Iterator<Item = &Compared> {
        let feeds = self.feeds.get(check).into_iter().flatten();
        feeds
            .map(|place| &self.all[*place])
            .filter(move |one| one.level == level && one.regression.proven().is_some())
            .filter(|one| !one.is_told_apart)
    }

    /// Whether anything is compared.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

fn groups(parties: &[Party<'_>], before: &[Before], level: Level) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (check, party) in parties.iter().enumerate() {
        let is_known = before.get(check).is_some_and(|before| !before.is_empty());
        for declared in party.tolerances.iter().filter(|_| is_known) {
            let tolerance = match level {
                Level::Warning => declared.warning,
                Level::Critical => declared.critical,
            };
            let Some(tolerance) = tolerance else {
                continue;
            };
            let alike = |group: &&mut Group| {
                group.subject == declared.subject && group.tolerance == tolerance
            };
            match groups.iter_mut().find(alike) {
                Some(group) => group.members.push(check),
                None => groups.push(Group {
                    subject: declared.subject,
                    level,
                    tolerance,
                    members: vec![check],
                }),
            }
        }
    }
    groups
}
