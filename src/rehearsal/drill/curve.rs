//! How surely a fault is caught, by its size.

use super::families::Ladder;
use super::tally::Tally;

/// A kind of fault in all its sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// The kind.
    pub ladder: Ladder,
    /// The sizes, ascending.
    pub points: Vec<Point>,
}

/// One size of a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// A share, or a factor.
    pub size: f64,
    /// For each rule, in the order of the drill.
    pub tallies: Vec<Tally>,
}

/// From this share of windows on a fault counts as seen.
pub const CERTAIN: f64 = 0.9;

impl Curve {
    /// The smallest size from which on the rule at this place catches every size in nine of ten
    /// windows; nothing where not even the largest is.
    #[must_use]
    pub fn smallest_seen(&self, rule: usize) -> Option<&Point> {
        let is_seen = |point: &&Point| point.tallies[rule].share().seen >= CERTAIN;
        self.points.iter().rev().take_while(is_seen).last()
    }
}

/// Puts points that come in the order of the ladders and their sizes into curves.
pub(super) fn curves(
    ladders: &[Ladder],
    points: impl Iterator<Item = ((Ladder, f64), Vec<Tally>)>,
) -> Vec<Curve> {
    let empty = |ladder: &Ladder| Curve {
        ladder: *ladder,
        points: Vec::new(),
    };
    let mut curves: Vec<Curve> = ladders.iter().map(empty).collect();
    for ((ladder, size), tallies) in points {
        let of_ladder = curves.iter_mut().filter(|curve| curve.ladder == ladder);
        for curve in of_ladder {
            curve.points.push(Point {
                size,
                tallies: tallies.clone(),
            });
        }
    }
    curves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_size_is_the_one_from_which_on_all_are_seen() {
        let tally = |condemned| Tally {
            windows: 10,
            condemned,
            early: 0,
            inconclusive: 0,
            warned: 0,
            median: None,
            most: None,
            exposure: 0.0,
        };
        let smallest = |caught: &[u64]| {
            let points = (1..).zip(caught).map(|(size, condemned)| Point {
                size: f64::from(size),
                tallies: vec![tally(*condemned)],
            });
            let curve = Curve {
                ladder: Ladder::Errors,
                points: points.collect(),
            };
            curve.smallest_seen(0).map(|point| point.size)
        };
        assert_eq!(smallest(&[0, 9, 10]), Some(2.0));
        assert_eq!(smallest(&[9, 8, 10]), Some(3.0), "a gap is no certainty");
        assert_eq!(smallest(&[10, 10, 8]), None);
        assert_eq!(smallest(&[]), None);
    }
}
