//! When is a breach more than chance? The seam behind which the statistics live: the judge asks
//! [`Odds::are_proof`] and nothing else.
//!
//! This first storey bounds, by Chernoff's inequality, how likely so many bad samples would be if
//! the true share were just what the limit allows: P(X ≥ k) ≤ exp(−n · KL(k/n ‖ p)) (Chernoff, Ann.
//! Math. Stat. 23, 1952; Hoeffding, JASA 58, 1963). The bound holds for one look. It is asked for
//! against the *limit*, not against the rate of a healthy service, and at one in a thousand, which
//! leaves room for the many looks of a bake; it carries no guarantee over them.

/// Bad samples, of how many, and the share of them that the limit allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Odds {
    pub(super) bad: u64,
    pub(super) of: u64,
    pub(super) allowed: f64,
}

/// What would happen by chance less often than this in one look is taken as proven. With a limit
/// of 5 %: 4 of 4 samples, 5 of 10, 7 of 20, 12 of 60, 15 of 100.
const CHANCE: f64 = 0.001;

/// Fewer bad samples than this prove nothing, whatever the limit: one or two are what replacing a
/// task costs a healthy service.
const LEAST_BAD: u64 = 3;

/// At or below this many samples nothing is ever condemned.
pub(super) const TOO_FEW_TO_CONDEMN: u64 = 3;

impl Odds {
    /// Whether the breach is proven by itself, whatever else is missing.
    pub(super) fn are_proof(self) -> bool {
        self.of > TOO_FEW_TO_CONDEMN && self.bad >= LEAST_BAD && self.chance() <= CHANCE
    }

    /// A bound on how likely at least so many bad samples are at the allowed share.
    fn chance(self) -> f64 {
        let seen = self.bad as f64 / self.of as f64;
        if seen <= self.allowed {
            return 1.0;
        }
        (-(self.of as f64) * divergence(seen, self.allowed)).exp()
    }
}

/// The Kullback–Leibler divergence of two coins, in nats; infinite when `allowed` is 0 and `seen`
/// is not.
fn divergence(seen: f64, allowed: f64) -> f64 {
    let part = |a: f64, b: f64| if a > 0.0 { a * (a / b).ln() } else { 0.0 };
    part(seen, allowed) + part(1.0 - seen, 1.0 - allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_is_proven_only_by_more_than_chance() {
        let cases = [
            (
                1,
                10,
                0.05,
                false,
                "one failed sample of ten is 10 %, and chance",
            ),
            (2, 10, 0.05, false, "so are two"),
            (4, 10, 0.05, false, "four in a row: one blip of 20 s at 5 s"),
            (5, 10, 0.05, true, "half of all samples"),
            (6, 20, 0.05, false, "30 % of a few"),
            (7, 20, 0.05, true, "35 % of them"),
            (
                10,
                100,
                0.05,
                false,
                "10 % of a hundred: the end of the bake decides",
            ),
            (11, 60, 0.05, false, "18 % of sixty, by a hair"),
            (12, 60, 0.05, true, "20 % of sixty"),
            (14, 100, 0.05, false, "14 % of a hundred"),
            (15, 100, 0.05, true, "15 % of a hundred"),
            (10, 10, 0.05, true, "a total outage"),
            (
                4,
                4,
                0.05,
                true,
                "a total outage on the least that may condemn",
            ),
            (3, 3, 0.05, false, "three samples never condemn"),
            (
                2,
                1_000,
                0.0,
                false,
                "nothing is allowed, and two are still a blip",
            ),
            (3, 1_000, 0.0, true, "nothing is allowed"),
            (50, 1_000, 0.05, false, "exactly what is allowed"),
            (1_000, 1_000, 1.0, false, "everything is allowed"),
            (0, 0, 0.05, false, "no samples"),
        ];
        for (bad, of, allowed, proven, why) in cases {
            let odds = Odds { bad, of, allowed };
            assert_eq!(
                odds.are_proof(),
                proven,
                "{bad} of {of}: {why}; {}",
                odds.chance()
            );
        }
    }

    #[test]
    fn the_bound_is_never_below_the_exact_tail() {
        for of in [4_u64, 10, 20, 60] {
            for allowed in [0.01, 0.05, 0.3] {
                for bad in 1..=of {
                    let odds = Odds { bad, of, allowed };
                    let exact = binomial_tail(bad, of, allowed);
                    assert!(odds.chance() >= exact - 1e-12, "{odds:?}: {exact}");
                }
            }
        }
    }

    #[test]
    fn each_further_bad_sample_is_more_evidence() {
        for bad in 1..200_u64 {
            let chance = |bad| {
                Odds {
                    bad,
                    of: 200,
                    allowed: 0.05,
                }
                .chance()
            };
            assert!(chance(bad) <= chance(bad - 1), "{bad}");
        }
    }

    fn binomial_tail(bad: u64, of: u64, p: f64) -> f64 {
        let mut term = (1.0 - p).powi(i32::try_from(of).unwrap());
        let mut below = 0.0;
        for k in 0..bad {
            below += term;
            term *= (of - k) as f64 / (k + 1) as f64 * p / (1.0 - p);
        }
        1.0 - below
    }
}
