//! Laws of the judge, over random windows.

use std::time::Duration;

use proptest::prelude::*;

use super::super::threshold::{Subject, Threshold};
use super::super::{Closing, Finding, Verdict, assess, default_thresholds, judge};
use super::{EVERY, START, above, judged, rules, samples, window};
use crate::clock::Moment;
use crate::window::{Window, WindowBounds};

fn any_line() -> impl Strategy<Value = String> {
    // From healthy to hopeless, so that every verdict is common.
    (
        0.0_f64..0.6,
        prop::collection::vec((0.0_f64..1.0, 0..8_usize), 0..70),
    )
        .prop_map(|(share, letters)| {
            let letter = |(chance, which): (f64, usize)| match chance < share {
                true => ['F', 'E', 'U', '_', '9', 's', 'F', 'E'][which],
                false => ['.', '1'][which % 2],
            };
            letters.into_iter().map(letter).collect()
        })
}

fn any_closing() -> impl Strategy<Value = Closing> {
    prop_oneof![Just(Closing::Running), Just(Closing::Final)]
}

/// Limits on failures of every sort, plain, lasting and in a row.
fn on_failures() -> Vec<Threshold> {
    let rate = || above(Subject::ErrorRate, 0.01, 0.05);
    vec![
        rate(),
        Threshold {
            lasting: Some(Duration::from_secs(60)),
            ..rate()
        },
        Threshold {
            consecutive: Some(2),
            ..rate()
        },
        above(Subject::ConsecutiveFailures, 2.0, 4.0),
    ]
}

fn everything() -> Vec<Threshold> {
    let mut all = on_failures();
    all.push(above(Subject::Quantile(None, 0.5), 1.0, 2.0));
    all.push(above(Subject::Max(None), 1.0, 2.0));
    all.push(above(Subject::Reading("lag".into()), 50.0, 80.0));
    all
}

proptest! {
    // A slow pass that becomes a failure leaves the latencies by contract and counts as an error
    // instead, so the law is about limits on failures, with latency limits that nothing reaches.
    #[test]
    fn turning_one_pass_into_a_failure_never_improves_a_verdict(
        line in any_line(), place in any::<prop::sample::Index>(), closing in any_closing(),
    ) {
        let passes: Vec<usize> = line.char_indices().filter(|(_, c)| *c == '.').map(|(at, _)| at).collect();
        prop_assume!(!passes.is_empty());
        let mut worse = line.clone();
        let place = passes[place.index(passes.len())];
        worse.replace_range(place..=place, "F");
        let thresholds: Vec<Threshold> = on_failures()
            .into_iter()
            .chain([above(Subject::Max(None), 60.0, 90.0)])
            .collect();
        let (before, after) = (judged(&thresholds, &line, closing), judged(&thresholds, &worse, closing));
        prop_assert!(after.verdict >= before.verdict, "{before:?} and {after:?}");
    }

    #[test]
    fn making_one_sample_slower_never_improves_a_verdict(
        line in any_line(), place in any::<prop::sample::Index>(), closing in any_closing(),
    ) {
        let passes: Vec<usize> = line.char_indices().filter(|(_, c)| *c == '.').map(|(at, _)| at).collect();
        prop_assume!(!passes.is_empty());
        let mut slower = line.clone();
        let place = passes[place.index(passes.len())];
        slower.replace_range(place..=place, "s");
        let thresholds = [
            above(Subject::Quantile(None, 0.5), 1.0, 2.0),
            above(Subject::Quantile(None, 0.95), 1.0, 2.0),
            above(Subject::Mean(None), 0.1, 1.0),
        ];
        let verdict = |line: &str| judged(&thresholds, line, closing).verdict;
        prop_assert!(verdict(&slower) >= verdict(&line));
    }

    #[test]
    fn no_samples_never_pass(closing in any_closing(), missing in 0_usize..40, unknown in 0_usize..40) {
        let line = "_".repeat(missing) + &"U".repeat(unknown);
        prop_assert_eq!(judged(&everything(), &line, closing).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn three_samples_never_condemn(line in "[FE9s.]{0,3}", min_samples in 0_u64..4) {
        let finding = judge(&rules(everything(), min_samples), &window(&samples(&line)), Moment::at(START + EVERY * 3), Closing::Final);
        prop_assert_ne!(finding.verdict, Verdict::Fail);
    }

    #[test]
    fn shifting_all_times_changes_nothing(
        line in any_line(), shift in 0_u64..1_000_000, closing in any_closing(),
    ) {
        let shift = Duration::from_millis(shift);
        let moved = judge_shifted(&line, shift, closing);
        let original = judge_shifted(&line, Duration::ZERO, closing);
        prop_assert_eq!(moved.verdict, original.verdict);
        let texts = |finding: &Finding| -> Vec<String> {
            finding.reasons.iter().map(|one| one.text.clone()).collect()
        };
        prop_assert_eq!(texts(&moved), texts(&original));
    }

    #[test]
    fn a_check_added_that_never_fails_never_condemns(
        lines in prop::collection::vec(any_line(), 0..4), closing in any_closing(), length in 0_usize..60,
    ) {
        let mut findings: Vec<Finding> =
            lines.iter().map(|line| judged(&default_thresholds(), line, closing)).collect();
        let before = assess(findings.clone()).verdict;
        findings.push(judged(&default_thresholds(), &".".repeat(length), closing));
        let after = assess(findings).verdict;
        prop_assert!(after != Verdict::Fail || before == Verdict::Fail);
    }

    #[test]
    fn the_order_of_samples_with_equal_times_changes_nothing(
        (line, shuffled) in "[.FEUs19]{1,30}".prop_flat_map(|line| {
            let letters: Vec<char> = line.chars().collect();
            (Just(line), Just(letters).prop_shuffle())
        }),
    ) {
        let at_once = |line: &str| {
            let mut samples = samples(line);
            samples.iter_mut().for_each(|one| one.started = Moment::at(START));
            judge(&rules(everything(), 5), &window(&samples), Moment::at(START + EVERY), Closing::Final)
        };
        prop_assert_eq!(at_once(&line), at_once(&shuffled.iter().collect::<String>()));
    }

    #[test]
    fn every_verdict_but_a_pass_gives_its_reason(line in any_line(), closing in any_closing()) {
        let finding = judged(&everything(), &line, closing);
        prop_assert_eq!(finding.verdict == Verdict::Pass, finding.reasons.is_empty());
        for reason in &finding.reasons {
            prop_assert!(reason.text.chars().count() <= 160 && !reason.text.contains('\n'));
        }
    }
}

fn judge_shifted(line: &str, shift: Duration, closing: Closing) -> Finding {
    let bounds = WindowBounds {
        start: Moment::at(START + shift),
        warm_up: Duration::from_secs(20),
    };
    let mut window = Window::new(bounds);
    for mut sample in samples(line) {
        sample.started = sample.started + shift;
        window.push(&sample);
    }
    let length = u32::try_from(line.len()).unwrap();
    judge(
        &rules(everything(), 10),
        &window,
        bounds.start + EVERY * length,
        closing,
    )
}

/// A healthy service with an error now and then and one blip of 15 s is not rolled back while it
/// is watched: 1,000 windows of ten minutes, judged after every sample.
#[test]
fn healthy_windows_are_not_condemned_while_they_run() {
    let mut chance = Congruence(11);
    let mut condemned = 0;
    for _ in 0..1_000 {
        let blip = 3 + chance.below(100);
        let letter = |n| match (blip..blip + 3).contains(&n) || chance.below(100) == 0 {
            true => 'F',
            false => '.',
        };
        let line: String = (0..120).map(letter).collect();
        // A failure changes the verdict for the worse, so only windows that end with one are asked.
        let ends = line.match_indices('F').map(|(at, _)| at + 1);
        let fails = |end: usize| {
            judged(&default_thresholds(), &line[..end], Closing::Running).verdict == Verdict::Fail
        };
        condemned += u32::from(ends.filter(|end| *end >= 10).any(fails));
    }
    assert!(
        condemned <= 10,
        "{condemned} of 1,000 healthy windows were condemned"
    );
}

/// The linear congruence of MMIX: the same windows in every run.
struct Congruence(u64);

impl Congruence {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}
