//! A rule in one line: how bad its worst healthy variant is, and what it catches on the whole.

use super::{Drill, Row};
use crate::rehearsal::drill::rules::Contestant;
use crate::rehearsal::drill::tally::Share;

/// A rule in one line.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The rule.
    pub contestant: Contestant,
    /// The healthy variant that it rolls back most often: the service, the variant, how often.
    pub worst: Option<(String, String, Share)>,
    /// How often it rolls healthy variants back, on the mean of the variants.
    pub healthy: f64,
    /// How often it catches faults, on the mean of the variants.
    pub caught: f64,
    /// The mean seconds of bad service before the verdict, on the mean of the variants; the rest of
    /// the window where there was none.
    pub exposure: f64,
    /// Of how many healthy and of how many bad variants these are the means.
    pub variants: (usize, usize),
}

/// One line a rule, over all services together. All drills must have the same rules.
#[must_use]
pub fn summaries(drills: &[Drill]) -> Vec<Summary> {
    let contestants = drills.first().map_or(&[][..], |drill| &drill.contestants);
    let places = contestants.iter().enumerate();
    places
        .map(|(place, contestant)| summary(drills, place, *contestant))
        .collect()
}

fn summary(drills: &[Drill], place: usize, contestant: Contestant) -> Summary {
    let healthy: Vec<(&Drill, &Row)> = drills
        .iter()
        .flat_map(|drill| drill.healthy.iter().map(move |row| (drill, row)))
        .collect();
    let bad: Vec<&Row> = drills.iter().flat_map(|drill| &drill.bad).collect();
    let shares = healthy
        .iter()
        .map(|(drill, row)| (drill, row, row.tallies[place].any_share()));
    // The first of several that are equally bad, so that the choice is the same every time.
    let worst = shares.reduce(|worst, other| {
        if other.2.seen > worst.2.seen {
            other
        } else {
            worst
        }
    });
    Summary {
        contestant,
        worst: worst.map(|(drill, row, share)| {
            let service = drill.trial.service.to_string();
            (service, row.variant.name.to_string(), share)
        }),
        healthy: mean(
            healthy
                .iter()
                .map(|(_, row)| row.tallies[place].any_share().seen),
        ),
        caught: mean(bad.iter().map(|row| row.tallies[place].share().seen)),
        exposure: mean(bad.iter().map(|row| row.tallies[place].exposure)),
        variants: (healthy.len(), bad.len()),
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}
