//! The statistics against scipy's, far into the tails.
//!
//! scipy computes with Boost, which shares nothing with ours. It is itself off by up to 3e-10 of the
//! value for millions of samples, so tails are also held against a sum of their terms with 30 digits.
//! The tolerances are relative and stand beside each family of cases.

use serde_json::{Value, json};
use smokejumper::verdict::statistics::{
    at_least, at_most, lower_bound, normal_quantile, order_statistic_ranks, upper_bound,
};

use crate::harness::reference;
use crate::harness::seeded::Seeded;

/// A question with our answer; scipy gets the question only.
struct Case {
    question: Value,
    ours: f64,
    /// How far the two answers may be apart, as a share of the larger.
    tolerance: f64,
}

/// Answers below this are too near to the end of the doubles to have all their digits.
const SMALLEST: f64 = 1e-300;

/// From a handful of samples to ten million, evenly over the orders of magnitude.
fn count(random: &mut Seeded) -> u64 {
    10_f64.powf(random.between(0.0, 7.0)).round() as u64
}

/// A number of bad samples around what the rate lets expect, up to `far` standard errors away.
fn bad(random: &mut Seeded, of: u64, rate: f64, far: f64) -> u64 {
    let mean = of as f64 * rate;
    let spread = (mean * (1.0 - rate)).sqrt();
    let bad = mean + random.between(-far, far) * spread;
    bad.round().clamp(0.0, of as f64) as u64
}

/// A rate, as often near 0 as near ½.
fn rate(random: &mut Seeded) -> f64 {
    10_f64.powf(random.between(-6.0, -0.05))
}

fn tails(random: &mut Seeded, cases: &mut Vec<Case>) {
    // 37 standard errors of a normal variable have a tail of 1e-300.
    for far in [3.0, 10.0, 37.0] {
        for _ in 0..700 {
            let (of, rate) = (count(random), rate(random));
            let bad = bad(random, of, rate, far);
            for (name, ours) in [
                ("at_least", at_least(bad, of, rate)),
                ("at_most", at_most(bad, of, rate)),
            ] {
                let question = json!([name, bad, of, rate]);
                let tolerance = 1e-9;
                cases.push(Case {
                    question,
                    ours,
                    tolerance,
                });
            }
        }
    }
}

/// Tails that are small and so have few terms; the sum is slow.
fn summed_tails(random: &mut Seeded, cases: &mut Vec<Case>) {
    for _ in 0..150 {
        let of = count(random);
        let rate = 10_f64.powf(random.between(-6.0, -2.0));
        let bad = bad(random, of, rate, 37.0);
        let is_above = bad as f64 > of as f64 * rate;
        let (name, ours) = if is_above {
            ("summed_at_least", at_least(bad, of, rate))
        } else {
            ("summed_at_most", at_most(bad, of, rate))
        };
        cases.push(Case {
            question: json!([name, bad, of, rate]),
            ours,
            tolerance: 1e-11,
        });
    }
}

fn bounds(random: &mut Seeded, cases: &mut Vec<Case>) {
    for _ in 0..1_000 {
        let of = count(random);
        let rate = rate(random);
        let bad = bad(random, of, rate, 4.0) as f64;
        // As for a baseline: k/φ of n/φ.
        let dispersion = *random.pick(&[1.0, 1.0, 1.7, 6.25]);
        let (bad, of) = (bad / dispersion, of as f64 / dispersion);
        let confidence = *random.pick(&[0.9, 0.95, 0.99, 0.9999]);
        let tolerance = 1e-10;
        if bad > 0.0 {
            cases.push(Case {
                question: json!(["lower_bound", bad, of, confidence]),
                ours: lower_bound(bad, of, confidence),
                tolerance,
            });
        }
        if bad < of {
            cases.push(Case {
                question: json!(["upper_bound", bad, of, confidence]),
                ours: upper_bound(bad, of, confidence),
                tolerance,
            });
        }
    }
}

fn quantiles(random: &mut Seeded, cases: &mut Vec<Case>) {
    for _ in 0..500 {
        let probability = 10_f64.powf(random.between(-250.0, -1e-3));
        cases.push(Case {
            question: json!(["normal_quantile", probability]),
            ours: normal_quantile(probability),
            tolerance: 1e-11,
        });
        let of = count(random).min(100_000);
        let q = *random.pick(&[0.5, 0.9, 0.95, 0.99, 0.999]);
        let confidence = *random.pick(&[0.9, 0.95, 0.99]);
        let ranks = order_statistic_ranks(of, q, confidence);
        for (name, ours) in [
            ("low_rank", ranks.low.map_or(-1.0, |rank| rank as f64)),
            ("high_rank", ranks.high.unwrap_or(of) as f64),
        ] {
            cases.push(Case {
                question: json!([name, of, q, confidence]),
                ours,
                tolerance: 0.0,
            });
        }
    }
}

/// How far apart two answers are, as a share of the larger.
fn apart(ours: f64, theirs: f64) -> f64 {
    if ours == theirs {
        return 0.0;
    }
    (ours - theirs).abs() / ours.abs().max(theirs.abs())
}

#[test]
fn tails_bounds_and_ranks_agree_with_scipy() {
    let mut cases = Vec::new();
    let random = &mut Seeded::new(20_261_121);
    tails(random, &mut cases);
    summed_tails(random, &mut cases);
    bounds(random, &mut cases);
    quantiles(random, &mut cases);

    let questions: Vec<&Value> = cases.iter().map(|case| &case.question).collect();
    let answers = reference::run("values.py", &[], &json!(questions).to_string());
    let answers: Vec<f64> = serde_json::from_str(&answers).expect("a number for each case");
    assert_eq!(answers.len(), cases.len());

    let mut compared = 0;
    let mut wrong = Vec::new();
    for (case, theirs) in cases.iter().zip(answers) {
        if theirs.abs() < SMALLEST && case.ours.abs() < SMALLEST {
            continue;
        }
        compared += 1;
        let (ours, question) = (case.ours, &case.question);
        let apart = apart(ours, theirs);
        if apart.is_nan() || apart > case.tolerance {
            wrong.push(format!(
                "{question}: {ours:e}, not {theirs:e}, {apart:.1e} apart"
            ));
        }
    }
    let first = wrong
        .iter()
        .take(20)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n");
    assert!(wrong.is_empty(), "{} disagree:\n{first}", wrong.len());
    assert!(compared > 6_000, "{compared} were compared");
}
