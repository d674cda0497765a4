//! The variants that are simulated: an ordinary drill's, and those of the judge's own bench.
//!
//! An ordinary drill shows a person what the policy would do in situations that everybody knows. The
//! bench holds the families on which the judge was measured against the rules of other tools, with
//! their parameters, so that its figures can be reproduced.

use super::scenario::{Breakage, Form, Habit, Stall, Variant};

/// The healthy variants of the bench.
#[must_use]
pub fn healthy() -> Vec<Variant> {
    let usual = Habit::usual;
    let bursts = Habit {
        bursts: true,
        ..Habit::clean().losing(0.01)
    };
    let mut diurnal = usual()
        .at(0.8)
        .waving(0.1, 60.0)
        .formed(Form::LogNormal(0.4));
    diurnal.latency.tide = 0.15;
    let missing = Habit {
        missing: 0.3,
        ..usual()
    };
    vec![
        Variant::healthy("clean", "no errors", Habit::clean()),
        Variant::healthy("err0.1", "0.1 % errors", usual()),
        Variant::healthy("err0.5", "0.5 % errors", usual().losing(0.005)),
        Variant::healthy("err1", "1 % errors", usual().losing(0.01)),
        Variant::healthy("bursts1", "1 % errors, in bursts", bursts),
        Variant::healthy("blip", "one blip of 10 to 20 s", usual().with_blip(1.0)),
        Variant::healthy(
            "blip-err1",
            "one blip and 1 % errors",
            usual().losing(0.01).with_blip(1.0),
        ),
        Variant::healthy(
            "half-blip",
            "one blip, half of it fails",
            usual().with_blip(0.5),
        ),
        Variant::healthy("missing30", "30 % of samples missing", missing),
        Variant::healthy("near", "latency close to its limit", usual().at(0.95)),
        Variant::healthy(
            "within",
            "latency up by 20 %, within its limit",
            usual().at(0.8 * 1.2),
        ),
        Variant::healthy(
            "bimodal",
            "latency of two kinds",
            usual().at(0.85).formed(Form::Bimodal),
        ),
        Variant::healthy(
            "heavy",
            "latency with a long tail",
            usual().at(0.9).formed(Form::LogNormal(1.2)),
        ),
        Variant::healthy(
            "pause",
            "one pause of 3 to 8 s",
            usual().at(0.6).stalling(Stall::Pause),
        ),
        Variant::healthy(
            "cold",
            "a cold start of 30 to 60 s",
            usual().at(0.7).stalling(Stall::ColdStart),
        ),
        Variant::healthy(
            "waves",
            "latency in slow waves",
            usual()
                .at(0.8)
                .waving(0.25, 60.0)
                .formed(Form::LogNormal(0.4)),
        ),
        Variant::healthy("tide", "latency with a tide", diurnal),
    ]
}

/// The bad variants of the bench; those of one check among several only where there are several.
#[must_use]
pub fn bad(checks: usize) -> Vec<Variant> {
    let usual = Habit::usual;
    let slow = || usual().at(USUAL_LEVEL);
    let errors = |share| Breakage::Errors(share);
    let mut variants = vec![
        Variant::bad(
            "outage",
            "outage from the start",
            usual(),
            errors(1.0).at_start(),
        ),
        Variant::bad(
            "outage-mid",
            "outage in the middle",
            usual(),
            errors(1.0).in_the_middle(),
        ),
        Variant::bad("err6", "6 % errors", usual(), errors(0.06).at_start()),
        Variant::bad("err10", "10 % errors", usual(), errors(0.10).at_start()),
        Variant::bad(
            "err10-mid",
            "10 % errors from the middle",
            usual(),
            errors(0.10).in_the_middle(),
        ),
        Variant::bad(
            "err25",
            "one task of four (25 % errors)",
            usual(),
            errors(0.25).at_start(),
        ),
        Variant::bad("err30", "30 % errors", usual(), errors(0.30).at_start()),
        Variant::bad(
            "err30-mid",
            "30 % errors from the middle",
            usual(),
            errors(0.30).in_the_middle(),
        ),
    ];
    if checks > 1 {
        variants.extend([
            Variant::bad(
                "one-check",
                format!("one check of {checks} down"),
                usual(),
                Breakage::OneCheck(1.0).at_start(),
            ),
            Variant::bad(
                "one-check-mid",
                format!("one check of {checks} down, middle"),
                usual(),
                Breakage::OneCheck(1.0).in_the_middle(),
            ),
        ]);
    }
    variants.extend([
        Variant::bad(
            "slow3",
            "3 times as slow",
            slow(),
            Breakage::Slow(3.0).at_start(),
        ),
        Variant::bad(
            "slow3-mid",
            "3 times as slow from the middle",
            slow(),
            Breakage::Slow(3.0).in_the_middle(),
        ),
        Variant::bad(
            "slow5",
            "5 times as slow",
            slow(),
            Breakage::Slow(5.0).at_start(),
        ),
        Variant::bad(
            "ramp",
            "ever slower, up to 6 times",
            slow(),
            Breakage::Ramp(6.0).at_start(),
        ),
        Variant::bad(
            "flap20",
            "down for 10 s of every 20 s",
            usual(),
            Breakage::Flapping(20.0).at_start(),
        ),
        Variant::bad(
            "flap60",
            "down for 30 s of every 60 s",
            usual(),
            Breakage::Flapping(60.0).at_start(),
        ),
    ]);
    variants
}

/// Where the 95th percentile of a service stands before it becomes slow, as a share of the warning
/// limit: a limit is usually set a little above what a service does.
pub const USUAL_LEVEL: f64 = 0.8;

/// The shares of errors whose detection is measured, ascending.
pub const ERROR_SIZES: [f64; 12] = [
    0.02, 0.03, 0.05, 0.08, 0.10, 0.15, 0.20, 0.30, 0.40, 0.50, 0.70, 1.0,
];

/// The slowdowns whose detection is measured, as factors, ascending.
pub const SLOW_SIZES: [f64; 9] = [1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0];

/// A kind of fault that comes in sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ladder {
    /// A share of all answers fails.
    Errors,
    /// A share of the answers to one check of several fails.
    OneCheck,
    /// Answers take so many times as long.
    Slowdown,
}

impl Ladder {
    /// The ladders that make sense with so many checks.
    #[must_use]
    pub fn of(checks: usize, limits_latency: bool) -> Vec<Self> {
        let mut ladders = vec![Self::Errors];
        if checks > 1 {
            ladders.push(Self::OneCheck);
        }
        if limits_latency {
            ladders.push(Self::Slowdown);
        }
        ladders
    }

    /// The machine-readable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::OneCheck => "one_check",
            Self::Slowdown => "slowdown",
        }
    }

    /// The sizes, ascending: shares, or factors.
    #[must_use]
    pub const fn sizes(self) -> &'static [f64] {
        match self {
            Self::Errors | Self::OneCheck => &ERROR_SIZES,
            Self::Slowdown => &SLOW_SIZES,
        }
    }

    /// The variant of this size, from the start of the bake.
    #[must_use]
    pub fn variant(self, size: f64) -> Variant {
        let (what, habit) = match self {
            Self::Errors => (Breakage::Errors(size), Habit::usual()),
            Self::OneCheck => (Breakage::OneCheck(size), Habit::usual()),
            Self::Slowdown => (Breakage::Slow(size), Habit::usual().at(USUAL_LEVEL)),
        };
        let name = format!("{}-{size}", self.name());
        Variant::bad(name, self.size_words(size), habit, what.at_start())
    }

    /// A size in words: `10 % errors`.
    #[must_use]
    pub fn size_words(self, size: f64) -> String {
        let percent = size * 100.0;
        match self {
            Self::Errors if size >= 1.0 => "an outage".to_owned(),
            Self::Errors => format!("{percent:.0} % errors"),
            Self::OneCheck if size >= 1.0 => "one check wholly down".to_owned(),
            Self::OneCheck => format!("{percent:.0} % errors in one check"),
            Self::Slowdown => format!("{size} times as slow"),
        }
    }
}
