//! The judge against the second one in `tests/reference/judge.py`: same verdict, same moment.
//!
//! Small seeded streams of many sorts, in layouts from ten samples to thousands. The second judge
//! saves no work and shares no code, so that a slip in pruning, blocks or shares shows as a
//! difference. Times are whole milliseconds, which both compare exactly.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use smokejumper::clock::Moment;
use smokejumper::sample::{CheckId, Fault, Outcome, Phases, Reason, Sample};
use smokejumper::verdict::threshold::{Comparison, Limit, Measure, Subject, Threshold};
use smokejumper::verdict::{
    Bench, CheckFacts, Closing, Forgive, JudgeKind, Regressed, Rules, Sufficiency, Terms,
    default_thresholds,
};

use crate::harness::reference;
use crate::harness::seeded::Seeded;

/// How a window is sampled.
struct Layout {
    checks: usize,
    every: Duration,
    bake: Duration,
    /// How many streams are judged.
    streams: u64,
    seed: u64,
}

/// One sample of a stream.
struct Shot {
    at: Duration,
    check: usize,
    is_ok: bool,
    latency: Duration,
}

/// What is wrong with a stream, and from when on.
#[derive(Debug)]
enum Trouble {
    /// Nothing but an error in a thousand.
    None,
    /// Errors at a rate, from a share of the window on.
    Errors { rate: f64, from: f64 },
    /// All latencies times a factor, from a share of the window on.
    Slowness { factor: f64, from: f64 },
    /// Bursts of failures, some seconds long.
    Blips { count: u32, seconds: f64 },
    /// One check fails always.
    OneCheck { from: f64 },
    /// Samples that never came.
    Missing { rate: f64 },
    /// No samples from a share of the window on.
    Stops { at: f64 },
    /// No samples.
    Empty,
}

impl Trouble {
    fn any(random: &mut Seeded) -> Self {
        let from = *random.pick(&[0.0, 0.3, 0.6]);
        match random.next() % 12 {
            0 | 1 => Self::None,
            2 => Self::Errors { rate: 1.0, from },
            3 | 4 => {
                let rate = *random.pick(&[0.01, 0.03, 0.1, 0.2, 0.3]);
                Self::Errors { rate, from }
            }
            5 | 6 => {
                let factor = *random.pick(&[1.3, 2.0, 3.0, 5.0]);
                Self::Slowness { factor, from }
            }
            7 | 8 => Self::Blips {
                count: *random.pick(&[1, 2]),
                seconds: *random.pick(&[10.0, 20.0, 40.0]),
            },
            9 => Self::OneCheck { from },
            10 => Self::Missing {
                rate: *random.pick(&[0.2, 0.4]),
            },
            _ => match random.next() % 4 {
                0 => Self::Empty,
                _ => Self::Stops { at: 0.5 },
            },
        }
    }

    /// When the bursts begin, as seconds.
    fn bursts(&self, random: &mut Seeded, bake: f64) -> Vec<f64> {
        match self {
            Self::Blips { count, seconds } => (0..*count)
                .map(|_| random.between(0.0, bake - seconds))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn is_lost(&self, random: &mut Seeded, passed: f64) -> bool {
        match self {
            Self::Missing { rate } => random.share() < *rate,
            Self::Stops { at } => passed >= *at,
            Self::Empty => true,
            _ => false,
        }
    }

    fn error_rate(&self, check: usize, at: f64, passed: f64, bursts: &[f64]) -> f64 {
        match self {
            Self::Errors { rate, from } if passed >= *from => *rate,
            Self::OneCheck { from } if passed >= *from && check == 0 => 1.0,
            Self::Blips { seconds, .. }
                if bursts.iter().any(|b| (*b..b + seconds).contains(&at)) =>
            {
                1.0
            }
            _ => 0.001,
        }
    }

    fn slowness(&self, passed: f64) -> f64 {
        match self {
            Self::Slowness { factor, from } if passed >= *from => *factor,
            _ => 1.0,
        }
    }
}

impl Layout {
    /// One stream, in the order of time.
    fn stream(&self, random: &mut Seeded) -> Vec<Shot> {
        let trouble = Trouble::any(random);
        let (every, bake) = (self.every.as_secs_f64(), self.bake.as_secs_f64());
        let bursts = trouble.bursts(random, bake);
        let phase = random.between(0.0, every);
        let mut shots = Vec::new();
        for check in 0..self.checks {
            let mut next = (phase + check as f64 * every / self.checks as f64) % every;
            while next < bake {
                let passed = next / bake;
                if !trouble.is_lost(random, passed) {
                    let is_ok = random.share() >= trouble.error_rate(check, next, passed, &bursts);
                    // Log-normal enough, with a 95th percentile near 0.8 s.
                    let spread = (0..12).map(|_| random.share()).sum::<f64>() - 6.0;
                    let latency = 0.35 * (0.5 * spread).exp() * trouble.slowness(passed);
                    shots.push(Shot {
                        at: milliseconds(next),
                        check,
                        is_ok,
                        latency: milliseconds(latency),
                    });
                }
                next += every * random.between(0.99, 1.01);
            }
        }
        shots.sort_by_key(|shot| (shot.at, shot.check));
        shots
    }

    fn names(&self) -> Vec<String> {
        (0..self.checks)
            .map(|check| format!("check-{check}"))
            .collect()
    }
}

fn milliseconds(seconds: f64) -> Duration {
    Duration::from_millis((seconds * 1e3).floor() as u64)
}

/// A verdict and when it was reached, in seconds.
#[derive(Debug, PartialEq, Deserialize)]
struct Judged {
    stream: String,
    verdict: String,
    t: f64,
}

/// What our judge says of a stream.
fn judge(layout: &Layout, stream: &str, shots: &[Shot]) -> Judged {
    let names = layout.names();
    let mut bench = bench(layout, &names);
    for shot in shots {
        bench.push(shot.check, &sample(&names[shot.check], shot));
        if let Some(at) = bench.condemned_at() {
            return Judged {
                stream: stream.to_owned(),
                verdict: "fail".to_owned(),
                t: at.since_origin().as_secs_f64(),
            };
        }
    }
    let end = bench.assessment(Moment::at(layout.bake), Closing::Final);
    Judged {
        stream: stream.to_owned(),
        verdict: end.verdict.name().to_owned(),
        t: layout.bake.as_secs_f64(),
    }
}

fn bench(layout: &Layout, names: &[String]) -> Bench {
    let rules = names.iter().map(|name| Rules {
        facts: CheckFacts {
            id: CheckId::new(name),
            kind: "http",
            service: "api".into(),
            tags: Vec::new(),
        },
        thresholds: [default_thresholds(), vec![slowness()]].concat(),
        tolerances: Vec::new(),
        sufficiency: Sufficiency::Window {
            min_samples: 10,
            every: layout.every,
            coverage: 0.7,
            least_bad: 2,
        },
    });
    let terms = Terms {
        start: Moment::ORIGIN,
        warm_up: Duration::from_secs(60),
        bake: layout.bake,
        judge: JudgeKind::Sequential,
        false_rollback: 0.01,
        forgive: Forgive {
            span: Duration::from_secs(30),
            times: 1,
        },
        regression: Regressed::Warns,
    };
    Bench::new(rules.collect(), terms)
}

/// `p95: { warning: "> 1s", critical: "> 2s" }`.
fn slowness() -> Threshold {
    let above = |value| {
        Some(Limit {
            comparison: Comparison::Above,
            value,
            measure: Measure::Seconds,
        })
    };
    Threshold {
        subject: Subject::Quantile(None, 0.95),
        warning: above(1.0),
        critical: above(2.0),
        lasting: None,
        consecutive: None,
    }
}

fn sample(check: &str, shot: &Shot) -> Sample {
    Sample {
        check: CheckId::new(check),
        started: Moment::at(shot.at),
        latency: shot.latency,
        phases: Phases::default(),
        outcome: if shot.is_ok {
            Outcome::Pass
        } else {
            Outcome::Fail
        },
        fault: (!shot.is_ok).then(|| Fault::new(Reason::Status, "expected 200, got 500")),
        readings: Vec::new(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    }
}

/// Writes a stream as recorded samples.
fn record(path: &Path, layout: &Layout, shots: &[Shot]) {
    let names = layout.names();
    let mut lines = String::new();
    for shot in shots {
        let (t, ms) = (shot.at.as_secs_f64(), shot.latency.as_millis());
        let Shot { is_ok, check, .. } = shot;
        let check = &names[*check];
        writeln!(
            lines,
            r#"{{"t":{t:.3},"check":"{check}","ok":{is_ok},"latency_ms":{ms}}}"#
        )
        .expect("text grows");
    }
    std::fs::write(path, lines).expect("a file in a folder of ours");
}

/// Judges a layout's streams twice and demands that nothing differs.
fn agree(layout: &Layout) {
    let folder = tempfile::tempdir().expect("a folder for the streams");
    let mut random = Seeded::new(layout.seed);
    let mut ours = Vec::new();
    for number in 0..layout.streams {
        let name = format!("stream-{number:04}");
        let shots = layout.stream(&mut random);
        record(
            &folder.path().join(format!("{name}.ndjson")),
            layout,
            &shots,
        );
        ours.push(judge(layout, &name, &shots));
    }
    let theirs = reference::run(
        "judge.py",
        &[
            &folder.path().to_string_lossy(),
            "--checks",
            &layout.names().join(","),
            "--every",
            &layout.every.as_secs_f64().to_string(),
            "--bake",
            &layout.bake.as_secs_f64().to_string(),
        ],
        "",
    );
    let theirs: Vec<Judged> = theirs
        .lines()
        .map(|line| serde_json::from_str(line).expect("a verdict a line"))
        .collect();
    assert_eq!(ours.len(), theirs.len());
    let differ: Vec<String> = ours
        .iter()
        .zip(&theirs)
        .filter(|(ours, theirs)| {
            ours.stream != theirs.stream
                || ours.verdict != theirs.verdict
                || (ours.t - theirs.t).abs() > 1e-6
        })
        .map(|(ours, theirs)| format!("ours {ours:?}\ntheirs {theirs:?}"))
        .collect();
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
    // Agreement on passes alone would show little.
    for verdict in ["pass", "fail", "inconclusive"] {
        assert!(
            ours.iter().any(|judged| judged.verdict == verdict),
            "no {verdict} among them"
        );
    }
}

#[test]
fn ten_samples_are_judged_as_by_the_reference() {
    agree(&Layout {
        checks: 1,
        every: Duration::from_secs(30),
        bake: Duration::from_secs(300),
        streams: 120,
        seed: 1,
    });
}

#[test]
fn one_check_is_judged_as_by_the_reference() {
    agree(&Layout {
        checks: 1,
        every: Duration::from_secs(5),
        bake: Duration::from_secs(600),
        streams: 100,
        seed: 2,
    });
}

#[test]
fn four_checks_are_judged_as_by_the_reference() {
    agree(&Layout {
        checks: 4,
        every: Duration::from_secs(10),
        bake: Duration::from_secs(600),
        streams: 60,
        seed: 3,
    });
}

#[test]
fn checks_closer_than_a_block_are_judged_as_by_the_reference() {
    agree(&Layout {
        checks: 2,
        every: Duration::from_secs(3),
        bake: Duration::from_secs(300),
        streams: 60,
        seed: 4,
    });
}

#[test]
fn an_open_loop_rate_is_judged_as_by_the_reference() {
    agree(&Layout {
        checks: 1,
        every: Duration::from_millis(50),
        bake: Duration::from_secs(120),
        streams: 60,
        seed: 5,
    });
}
