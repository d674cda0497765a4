//! How fast the judge is: samples a second on one core, and what a large `watch` spends on judging.
//!
//! Run by `scripts/bench`. Each window is judged as `watch` does it, one sample after the other and
//! a verdict after each, then all findings at the end. A yardstick runs beside it over the same
//! samples, so that figures from different machines can be compared: it hashes them with the
//! standard library's SipHash, which is about what a map from names would cost.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::hint::black_box;
use std::time::Duration;

use divan::Bencher;
use divan::counter::ItemsCount;
use smokejumper::clock::Moment;
use smokejumper::sample::{CheckId, Fault, Outcome, Phases, Reason, Sample};
use smokejumper::verdict::threshold::{Comparison, Limit, Measure, Subject, Threshold};
use smokejumper::verdict::{
    Assessment, Bench, CheckFacts, Closing, Forgive, JudgeKind, Regressed, Rules, Sufficiency,
    Terms, default_thresholds,
};

/// A window's checks and their schedule.
#[derive(Clone, Copy, Debug)]
struct Watch {
    name: &'static str,
    checks: u32,
    every: Duration,
    bake: Duration,
}

/// One check at a hundred requests a second: 30,000 samples.
const OPEN_LOOP: Watch = Watch {
    name: "1 check at 100/s, 5 min",
    checks: 1,
    every: Duration::from_millis(10),
    bake: Duration::from_secs(300),
};
/// The ordinary window: 1,440 samples.
const ORDINARY: Watch = Watch {
    name: "4 checks at 5 s, 30 min",
    checks: 4,
    every: Duration::from_secs(5),
    bake: Duration::from_secs(1_800),
};
/// A large one: 45,000 samples.
const LARGE: Watch = Watch {
    name: "500 checks at 10 s, 15 min",
    checks: 500,
    every: Duration::from_secs(10),
    bake: Duration::from_secs(900),
};
const WATCHES: [Watch; 3] = [OPEN_LOOP, ORDINARY, LARGE];

fn main() {
    divan::main();
    summary::print();
}

#[divan::bench(args = WATCHES)]
fn judged(bencher: Bencher, watch: Watch) {
    let window = watch.window();
    bencher
        .counter(ItemsCount::new(window.len()))
        .with_inputs(|| watch.bench())
        .bench_values(|bench| watch.judge(bench, &window));
}

#[divan::bench(args = WATCHES)]
fn yardstick(bencher: Bencher, watch: Watch) {
    let window = watch.window();
    bencher
        .counter(ItemsCount::new(window.len()))
        .bench(|| hashed(&window));
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl Watch {
    /// All samples with the place of their check, in the order of time: a healthy service with an
    /// error in a thousand and latencies whose 95th percentile is near 0.8 s.
    fn window(&self) -> Vec<(usize, Sample)> {
        let mut random = Random(42);
        let names: Vec<CheckId> = (0..self.checks).map(check).collect();
        let mut window = Vec::new();
        let mut round = Duration::ZERO;
        while round < self.bake {
            for (place, name) in (0_u32..).zip(&names) {
                let at = round + self.every * place / self.checks;
                let sample = sample(name.clone(), at, &mut random);
                window.push((place as usize, sample));
            }
            round += self.every;
        }
        window
    }

    fn bench(&self) -> Bench {
        let rules = (0..self.checks).map(|number| self.rules(check(number)));
        let terms = Terms {
            start: Moment::ORIGIN,
            warm_up: Duration::from_secs(60),
            bake: self.bake,
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

    fn rules(&self, id: CheckId) -> Rules {
        let above = |value| {
            Some(Limit {
                comparison: Comparison::Above,
                value,
                measure: Measure::Seconds,
            })
        };
        let mut thresholds = default_thresholds();
        thresholds.push(Threshold {
            subject: Subject::Quantile(None, 0.95),
            warning: above(1.0),
            critical: above(2.0),
            lasting: None,
            consecutive: None,
        });
        Rules {
            facts: CheckFacts {
                id,
                kind: "http",
                service: "api".into(),
                tags: Vec::new(),
            },
            thresholds,
            tolerances: Vec::new(),
            sufficiency: Sufficiency::Window {
                min_samples: 10,
                every: self.every,
                coverage: 0.7,
                least_bad: 2,
            },
        }
    }

    fn judge(&self, mut bench: Bench, window: &[(usize, Sample)]) -> Assessment {
        for (place, sample) in window {
            bench.push(*place, sample);
            black_box(bench.verdict(*place));
        }
        bench.assessment(Moment::at(self.bake), Closing::Final)
    }
}

fn check(number: u32) -> CheckId {
    CheckId::new(&format!("check-{number}"))
}

fn sample(check: CheckId, at: Duration, random: &mut Random) -> Sample {
    let is_ok = random.share() >= 0.001;
    let bell = (0..12).map(|_| random.share()).sum::<f64>() - 6.0;
    Sample {
        check,
        started: Moment::at(at),
        latency: Duration::from_secs_f64(0.35 * (0.5 * bell).exp()),
        phases: Phases::default(),
        outcome: if is_ok { Outcome::Pass } else { Outcome::Fail },
        fault: (!is_ok).then(|| Fault::new(Reason::Status, "expected 200, got 500")),
        readings: Vec::new(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    }
}

fn hashed(window: &[(usize, Sample)]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (place, sample) in window {
        (place, sample.started.since_origin()).hash(&mut hasher);
        (sample.latency, sample.outcome).hash(&mut hasher);
    }
    hasher.finish()
}

/// The same numbers on every machine (Marsaglia, Xorshift RNGs, 2003).
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The two figures that the table above does not hold: the ratio to the yardstick, and the share of
/// a core that judging costs while samples come at their own pace.
mod summary {
    use super::{WATCHES, black_box, hashed};
    use std::time::Duration;

    /// The fastest of so many runs is the one that was disturbed least.
    const RUNS: usize = 15;

    #[expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]
    pub(super) fn print() {
        println!();
        for watch in WATCHES {
            let window = watch.window();
            let judging = fastest(|| watch.bench(), |bench| watch.judge(bench, &window));
            let yardstick = fastest(|| (), |()| hashed(&window));
            let million_a_second = window.len() as f64 / judging.as_secs_f64() / 1e6;
            let ratio = judging.as_secs_f64() / yardstick.as_secs_f64();
            let share = 100.0 * judging.as_secs_f64() / watch.bake.as_secs_f64();
            println!(
                "{watch:26} {million_a_second:6.2} million samples/s, {ratio:5.2} × hashing them, \
                 {share:.4} % of a core while it runs"
            );
        }
    }

    #[expect(
        clippy::disallowed_types,
        reason = "a benchmark measures time; nothing here is replayed"
    )]
    fn fastest<I, O>(prepare: impl Fn() -> I, run: impl Fn(I) -> O) -> Duration {
        let once = || {
            let input = prepare();
            let started = std::time::Instant::now();
            black_box(run(input));
            started.elapsed()
        };
        (0..RUNS).map(|_| once()).min().unwrap_or_default()
    }
}
