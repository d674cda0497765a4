//! What makes the evidence honest, tried out: its mean under a healthy service, by every pattern of
//! failures there is, and how often it is fooled however often one looks.

use std::time::Duration;

use proptest::prelude::*;
use smokejumper::clock::Moment;
use smokejumper::verdict::Forgive;
use smokejumper::verdict::sequential::process::{Block, Process, Terms};

use crate::harness::seeded::Seeded;

/// Between the starts of two blocks.
const STEP: Duration = Duration::from_secs(5);
const NOTHING: Forgive = Forgive {
    span: Duration::ZERO,
    times: 0,
};
const TWENTY_SECONDS: Forgive = Forgive {
    span: Duration::from_secs(20),
    times: 1,
};

fn terms(p0: f64, blocks: usize, forgive: Forgive) -> Terms {
    Terms {
        p0,
        least: (1.5 * p0).max(0.05),
        blocks: blocks as f64,
        forgive,
        temper: 1.0,
    }
}

fn block(number: usize, bad: f64) -> Block {
    let start = Moment::at(STEP * u32::try_from(number).expect("a short window"));
    Block {
        start,
        first_bad: (bad > 0.0).then_some(start),
        bad,
    }
}

/// The evidence after blocks with these shares of bad samples.
fn evidence(terms: Terms, bad: &[f64]) -> Vec<f64> {
    let mut process = Process::martingale(terms);
    let after = |(number, bad): (usize, &f64)| {
        process.push(block(number, *bad));
        process.value()
    };
    bad.iter().enumerate().map(after).collect()
}

/// Over all patterns of twelve blocks of one sample at the rate p0, the mean of the last evidence;
/// the blocks in `forced` fail always.
fn mean(p0: f64, forgive: Forgive, forced: std::ops::Range<usize>) -> f64 {
    const BLOCKS: usize = 12;
    let mut mean = 0.0;
    for pattern in 0_u32..1 << BLOCKS {
        let is_bad = |number: &usize| pattern & (1 << number) != 0;
        if !forced.clone().all(|number| is_bad(&number)) {
            continue;
        }
        let free = (0..BLOCKS).filter(|number| !forced.contains(number));
        let chances = free.map(|number| if is_bad(&number) { p0 } else { 1.0 - p0 });
        let bad: Vec<f64> = (0..BLOCKS)
            .map(|number| f64::from(u8::from(is_bad(&number))))
            .collect();
        let last = evidence(terms(p0, BLOCKS, forgive), &bad)[BLOCKS - 1];
        mean += chances.product::<f64>() * last;
    }
    mean
}

#[test]
fn its_mean_is_one_for_a_service_that_is_just_well() {
    for p0 in [0.01, 0.05, 0.2] {
        let mean = mean(p0, NOTHING, 0..0);
        assert!((mean - 1.0).abs() < 1e-12, "{p0}: {mean}");
    }
}

#[test]
fn forgiveness_only_lowers_its_mean_even_when_a_forgiven_burst_is_certain() {
    for p0 in [0.01, 0.05, 0.2] {
        // Blocks 4 to 7 start within twenty seconds.
        for forced in [0..0, 0..4, 4..8, 8..12] {
            let mean = mean(p0, TWENTY_SECONDS, forced.clone());
            assert!(mean <= 1.0 + 1e-12, "{p0}, {forced:?} bad: {mean}");
        }
        // A burst that is longer than what is forgiven does show.
        assert!(mean(p0, TWENTY_SECONDS, 2..8) > 1.0);
    }
}

#[test]
fn looking_after_every_block_fools_it_no_oftener_than_promised() {
    // 2,000 windows a case, each just well, each looked at after each of its blocks.
    const WINDOWS: u32 = 2_000;
    for (p0, blocks, samples, alpha) in [
        (0.01, 240, 1, 0.05),
        (0.05, 120, 1, 0.05),
        (0.05, 120, 8, 0.05),
        (0.01, 360, 4, 0.01),
    ] {
        let mut random = Seeded::new(7);
        let mut fooled = 0;
        for _ in 0..WINDOWS {
            let share = |_| {
                let bad = (0..samples).filter(|_| random.share() < p0).count();
                bad as f64 / f64::from(samples)
            };
            let bad: Vec<f64> = (0..blocks).map(share).collect();
            let evidence = evidence(terms(p0, blocks, NOTHING), &bad);
            fooled += u32::from(evidence.iter().any(|evidence| *evidence >= 1.0 / alpha));
        }
        let share = f64::from(fooled) / f64::from(WINDOWS);
        assert!(
            share <= alpha,
            "{p0}, {blocks} blocks: {share} over {alpha}"
        );
        assert!(fooled > 0, "a test that nothing can fail shows nothing");
    }
}

proptest! {
    #[test]
    fn a_worse_block_never_lowers_it_where_nothing_is_forgiven(
        mut bad in prop::collection::vec(0.0_f64..=1.0, 1..60),
        at in any::<prop::sample::Index>(),
        by in 0.0_f64..=1.0,
    ) {
        let terms = terms(0.05, 60, NOTHING);
        let before = evidence(terms, &bad);
        let at = at.index(bad.len());
        bad[at] += (1.0 - bad[at]) * by;
        for (before, after) in before.iter().zip(evidence(terms, &bad)) {
            prop_assert!(after >= before * (1.0 - 1e-12));
        }
    }

    #[test]
    fn forgiving_more_never_raises_it(
        bad in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0), 0.0_f64..=1.0], 1..60),
    ) {
        let forgiving = |times| evidence(terms(0.05, 60, Forgive { times, ..TWENTY_SECONDS }), &bad);
        let none = evidence(terms(0.05, 60, NOTHING), &bad);
        for ((none, once), twice) in none.iter().zip(forgiving(1)).zip(forgiving(2)) {
            prop_assert!(once <= none * (1.0 + 1e-12));
            prop_assert!(twice <= once * (1.0 + 1e-12));
        }
    }

    #[test]
    fn moving_all_blocks_in_time_changes_nothing(
        bad in prop::collection::vec(prop_oneof![Just(0.0), Just(1.0)], 1..60),
        later in 0_u32..1_000_000,
    ) {
        let terms = terms(0.01, 60, TWENTY_SECONDS);
        let mut process = Process::martingale(terms);
        for (number, before) in evidence(terms, &bad).into_iter().enumerate() {
            let block = block(number, bad[number]);
            let shift = Duration::from_millis(later.into());
            process.push(Block {
                start: block.start + shift,
                first_bad: block.first_bad.map(|moment| moment + shift),
                ..block
            });
            prop_assert_eq!(process.value(), before);
        }
    }
}
