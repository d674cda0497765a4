//! Simulates many windows on all processors and sums them up.
//!
//! Which thread simulates which window is left to chance; the sums are not: each window has dice of
//! its own, and windows are put in order before they are summed.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::generate::generate;
use super::layout::Layout;
use super::rules::Rule;
use super::scenario::Variant;
use super::tally::{Outcome, Tally};

/// Windows of one variant, to be judged by some rules.
pub struct Cell<'a> {
    /// How samples are taken.
    pub layout: &'a Layout,
    /// What happens in the windows.
    pub variant: &'a Variant,
    /// Who judges them.
    pub rules: &'a [Box<dyn Rule>],
    /// How many windows.
    pub windows: u64,
}

/// How many processors there are; one where nobody says so.
#[must_use]
pub fn processors() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Simulates all cells: for each of them one sum a rule.
#[must_use]
pub fn simulate(cells: &[Cell<'_>], seed: u64, threads: NonZeroUsize) -> Vec<Vec<Tally>> {
    let portions: Vec<Portion> = cells.iter().enumerate().flat_map(portions).collect();
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(portions.len()));
    thread::scope(|scope| {
        for _ in 0..threads.get().min(portions.len()) {
            scope.spawn(|| {
                while let Some(portion) = portions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcomes = portion.simulate(&cells[portion.cell], seed);
                    // A thread that panicked ends the whole, so that no lock is left poisoned.
                    done.lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push((portion.cell, portion.windows.start, outcomes));
                }
            });
        }
    });
    let mut done = done
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(cell, start, _)| (*cell, *start));
    gathered(cells, done)
}

/// Some windows of a cell, simulated in one go.
struct Portion {
    cell: usize,
    windows: Range<u64>,
}

/// A portion takes about so many samples, so that all threads end at about the same time.
const PORTION_SAMPLES: f64 = 50_000.0;

fn portions((cell, of): (usize, &Cell<'_>)) -> Vec<Portion> {
    let samples: f64 = of
        .layout
        .checks
        .iter()
        .map(|check| of.layout.bake / check.every)
        .sum();
    let step = (PORTION_SAMPLES / samples.max(1.0)).ceil().max(1.0) as u64;
    (0..of.windows)
        .step_by(usize::try_from(step).unwrap_or(usize::MAX))
        .map(|start| Portion {
            cell,
            windows: start..of.windows.min(start.saturating_add(step)),
        })
        .collect()
}

impl Portion {
    /// For each window one outcome a rule.
    fn simulate(&self, cell: &Cell<'_>, seed: u64) -> Vec<Vec<Outcome>> {
        let windows = self.windows.clone();
        windows
            .map(|number| {
                let window = generate(cell.layout, cell.variant, seed, number);
                let judged = cell.rules.iter().map(|rule| rule.judge(&window));
                judged.map(|judged| Outcome::of(judged, &window)).collect()
            })
            .collect()
    }
}

type Done = (usize, u64, Vec<Vec<Outcome>>);

fn gathered(cells: &[Cell<'_>], done: Vec<Done>) -> Vec<Vec<Tally>> {
    let mut outcomes: Vec<Vec<Vec<Outcome>>> = cells
        .iter()
        .map(|cell| vec![Vec::new(); cell.rules.len()])
        .collect();
    for (cell, _, windows) in done {
        for window in windows {
            for (rule, outcome) in window.into_iter().enumerate() {
                outcomes[cell][rule].push(outcome);
            }
        }
    }
    let tallies = |rules: Vec<Vec<Outcome>>| rules.iter().map(|of| Tally::of(of)).collect();
    outcomes.into_iter().map(tallies).collect()
}
