//! The evidence against recorded vectors: blocks in, its logarithm after each of them out.
//!
//! They were computed by a simulation in Python with the same method; `out` of a gate (`cusum`) is
//! a logarithm already.

use std::time::Duration;

use serde::Deserialize;
use smokejumper::clock::Moment;
use smokejumper::verdict::Forgive;
use smokejumper::verdict::sequential::process::{Block, Process, Terms};

const VECTORS: &str = include_str!("../../fixtures/judge/golden.ndjson");

#[derive(Deserialize)]
struct Vector {
    /// The rate that a healthy service does not exceed.
    p0: f64,
    /// The least and the largest rate that is bet on, and how many there are.
    qlo: f64,
    qmax: f64,
    #[serde(rename = "J")]
    alternatives: u32,
    /// Over how many blocks the capital is paid in, and what plays from the start.
    #[serde(rename = "N")]
    blocks_in_all: f64,
    w0: f64,
    /// What is forgiven: seconds, and how often.
    #[serde(rename = "D")]
    span: f64,
    #[serde(rename = "B")]
    times: u32,
    temper: f64,
    cusum: bool,
    /// Start, first bad sample, share of bad samples.
    blocks: Vec<(f64, Option<f64>, f64)>,
    out: Vec<f64>,
}

/// What ours says after each block.
fn evidence(vector: &Vector) -> Vec<f64> {
    // These are constants of ours, not arguments.
    assert_eq!(
        (vector.qmax, vector.w0, vector.alternatives),
        (0.98, 0.5, 5)
    );
    let moment = |seconds: f64| Moment::at(Duration::from_secs_f64(seconds));
    let terms = Terms {
        p0: vector.p0,
        least: vector.qlo,
        blocks: vector.blocks_in_all,
        forgive: Forgive {
            span: Duration::from_secs_f64(vector.span),
            times: vector.times,
        },
        temper: vector.temper,
    };
    let mut process = if vector.cusum {
        Process::gate(terms)
    } else {
        Process::martingale(terms)
    };
    let after = |(start, first_bad, bad): &(f64, Option<f64>, f64)| {
        process.push(Block {
            start: moment(*start),
            first_bad: first_bad.map(moment),
            bad: *bad,
        });
        if vector.cusum {
            process.value()
        } else {
            process.value().ln()
        }
    };
    vector.blocks.iter().map(after).collect()
}

#[test]
fn the_evidence_agrees_with_the_recorded_vectors() {
    let mut vectors = 0;
    for (at, line) in VECTORS.lines().enumerate() {
        let vector: Vector = serde_json::from_str(line).expect("a vector a line");
        let ours = evidence(&vector);
        assert_eq!(ours.len(), vector.out.len());
        for (block, (ours, theirs)) in ours.iter().zip(&vector.out).enumerate() {
            assert!(
                (ours - theirs).abs() <= 1e-9,
                "vector {at}, block {block}: {ours}, not {theirs}"
            );
        }
        vectors += 1;
    }
    assert_eq!(vectors, 40);
}
