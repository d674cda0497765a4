//! The drill: simulates a policy against healthy services and against faults of many kinds and
//! sizes, and says how often and how fast each is caught, and how often a good release would suffer.
//!
//! `scenario` describes what happens, `generate` simulates one window of it, `rules` judge windows
//! (our own rule is the judge of every other command), `simulate` does so many times on all
//! processors, `tally` sums up, `advice` tries other settings. No probe runs, nothing is reached, and
//! the same seed gives the same figures to the last digit. Called by `cli`; shown by `report`.

pub mod advice;
pub mod course;
pub mod curve;
pub mod dice;
pub mod families;
pub mod generate;
pub mod layout;
pub mod rules;
pub mod scenario;
pub mod simulate;
pub mod summary;
pub mod tally;
pub mod window;

use std::num::NonZeroUsize;

use self::advice::Alternative;
use self::curve::Curve;
use self::families::Ladder;
use self::layout::{Spacing, Trial};
use self::rules::{Contestant, Rule};
use self::scenario::Variant;
use self::simulate::{Cell, simulate};
use self::tally::Tally;

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Other seeds give other windows.
    pub seed: u64,
    /// How many windows of each variant; chosen by the number of samples without it.
    pub windows: Option<u64>,
    /// The rules that are set beside ours, each once.
    pub compared: Vec<Contestant>,
    /// On how many threads.
    pub threads: NonZeroUsize,
}

/// The drill of one service.
#[derive(Clone, Debug)]
pub struct Drill {
    /// The service as it was simulated.
    pub trial: Trial,
    /// How many windows of each variant.
    pub windows: u64,
    /// The seed.
    pub seed: u64,
    /// The rules, ours first.
    pub contestants: Vec<Contestant>,
    /// The healthy variants.
    pub healthy: Vec<Row>,
    /// The faults.
    pub bad: Vec<Row>,
    /// The faults that come in sizes; none on the bench.
    pub curves: Vec<Curve>,
    /// What other settings would give, the present ones first; none on the bench.
    pub alternatives: Vec<Alternative>,
}

/// One variant, with what each rule made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The variant.
    pub variant: Variant,
    /// For each rule, in the order of the drill.
    pub tallies: Vec<Tally>,
}

/// What a drill shows that a person did not ask for by name.
const ORDINARY_LEAVES_OUT: [&str; 8] = [
    "within",
    "err0.1",
    "err0.5",
    "half-blip",
    "blip-err1",
    "err6",
    "err30-mid",
    "slow3-mid",
];
/// Variants that are about latency, which a policy without limits on it does not judge.
const ABOUT_LATENCY: [&str; 12] = [
    "within",
    "near",
    "bimodal",
    "heavy",
    "pause",
    "cold",
    "waves",
    "tide",
    "slow3",
    "slow3-mid",
    "slow5",
    "ramp",
];

/// Drills a service as it would be watched.
#[must_use]
pub fn drill(trial: &Trial, setting: &Setting) -> Drill {
    let limits_latency = trial.limits_latency();
    let is_shown = |variant: &Variant| {
        let name = &*variant.name;
        !ORDINARY_LEAVES_OUT.contains(&name) && (limits_latency || !ABOUT_LATENCY.contains(&name))
    };
    let mut variants = families::healthy();
    variants.extend(families::bad(trial.checks.len()));
    variants.retain(is_shown);
    let ladders = Ladder::of(trial.checks.len(), limits_latency);
    let mut drill = simulated(trial, setting, Spacing::AsScheduled, variants, &ladders);
    drill.alternatives = advice::alternatives(trial, drill.windows, setting);
    drill
}

/// Runs the judge's bench on a service: all its families, with samples spaced as on the bench.
#[must_use]
pub fn bench(trial: &Trial, setting: &Setting) -> Drill {
    let mut variants = families::healthy();
    variants.extend(families::bad(trial.checks.len()));
    simulated(trial, setting, Spacing::Even, variants, &[])
}

fn simulated(
    trial: &Trial,
    setting: &Setting,
    spacing: Spacing,
    variants: Vec<Variant>,
    ladders: &[Ladder],
) -> Drill {
    let layout = trial.layout(spacing);
    let contestants: Vec<Contestant> = std::iter::once(Contestant::Ours)
        .chain(setting.compared.iter().copied())
        .collect();
    let rules: Vec<Box<dyn Rule>> = contestants.iter().map(|one| one.rule(trial)).collect();
    let windows = setting.windows.unwrap_or_else(|| usual_windows(trial));
    let sized: Vec<(Ladder, f64, Variant)> = ladders
        .iter()
        .flat_map(|ladder| {
            let sizes = ladder.sizes().iter();
            sizes.map(|size| (*ladder, *size, ladder.variant(*size)))
        })
        .collect();
    let cell = |variant, windows| Cell {
        layout: &layout,
        variant,
        rules: &rules,
        windows,
    };
    let mut cells: Vec<Cell<'_>> = variants.iter().map(|one| cell(one, windows)).collect();
    let of_curves = windows.div_ceil(CURVE_PART);
    cells.extend(sized.iter().map(|(_, _, one)| cell(one, of_curves)));
    let mut tallies = simulate(&cells, setting.seed, setting.threads);
    let points = tallies.split_off(variants.len());
    let (healthy, bad) = variants
        .into_iter()
        .zip(tallies)
        .map(|(variant, tallies)| Row { variant, tallies })
        .partition(|row| row.variant.is_healthy());
    let sized = sized.into_iter().map(|(ladder, size, _)| (ladder, size));
    Drill {
        trial: trial.clone(),
        windows,
        seed: setting.seed,
        contestants,
        healthy,
        bad,
        curves: curve::curves(ladders, sized.zip(points)),
        alternatives: Vec::new(),
    }
}

/// A point of a curve gets half as many windows as a row: its neighbours speak for it as well.
const CURVE_PART: u64 = 2;
/// How many samples a variant's windows hold together, unless told otherwise. An ordinary policy of
/// a few hundred samples a window is then done within seconds.
const USUAL_SAMPLES: u64 = 100_000;
/// Fewer windows would leave intervals too wide to act upon.
const FEWEST_WINDOWS: u64 = 50;
/// More windows tell nothing that an ordinary drill shows.
const MOST_WINDOWS: u64 = 400;

fn usual_windows(trial: &Trial) -> u64 {
    (USUAL_SAMPLES / trial.samples().max(1)).clamp(FEWEST_WINDOWS, MOST_WINDOWS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::drill::rules::stage::trial;

    fn setting(threads: usize) -> Setting {
        Setting {
            seed: 1,
            windows: Some(3),
            compared: Contestant::OTHERS.to_vec(),
            threads: NonZeroUsize::new(threads).unwrap(),
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_figures_on_any_number_of_threads() {
        let trial = trial(2);
        let alone = bench(&trial, &setting(1));
        let together = bench(&trial, &setting(5));
        assert_eq!(alone.healthy, together.healthy);
        assert_eq!(alone.bad, together.bad);
        let other = Setting {
            seed: 2,
            ..setting(2)
        };
        assert_ne!(bench(&trial, &other).bad, alone.bad);
    }

    #[test]
    fn a_rule_sees_the_same_windows_whoever_else_judges_them() {
        let trial = trial(2);
        let all = bench(&trial, &setting(2));
        let few = Setting {
            compared: vec![Contestant::Argo(0)],
            ..setting(2)
        };
        let few = bench(&trial, &few);
        let at = |drill: &Drill| {
            let wanted = |one: &Contestant| *one == Contestant::Argo(0);
            drill.contestants.iter().position(wanted).unwrap()
        };
        let of = |drill: &Drill| -> Vec<Tally> {
            let rows = drill.healthy.iter().chain(&drill.bad);
            rows.map(|row| row.tallies[at(drill)].clone()).collect()
        };
        assert_eq!(of(&all), of(&few));
    }
}
