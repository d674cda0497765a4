//! What happens to a service in a simulated window, as values: how it behaves while healthy, and
//! what breaks. Nothing is simulated here.

use std::borrow::Cow;

/// A service that is watched through a window, healthy or with a fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// The name, which also seeds its windows: `err10`.
    pub name: Cow<'static, str>,
    /// What it is, in words.
    pub title: Cow<'static, str>,
    /// How the service behaves apart from the fault.
    pub habit: Habit,
    /// What breaks; nothing in a healthy variant.
    pub fault: Option<Fault>,
}

impl Variant {
    /// A healthy service.
    #[must_use]
    pub fn healthy(name: &'static str, title: &'static str, habit: Habit) -> Self {
        Self {
            name: Cow::Borrowed(name),
            title: Cow::Borrowed(title),
            habit,
            fault: None,
        }
    }

    /// A service that breaks.
    pub fn bad(
        name: impl Into<Cow<'static, str>>,
        title: impl Into<Cow<'static, str>>,
        habit: Habit,
        fault: Fault,
    ) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            habit,
            fault: Some(fault),
        }
    }

    /// Whether a rollback would be wrong.
    #[must_use]
    pub const fn is_healthy(&self) -> bool {
        self.fault.is_none()
    }
}

/// How a service behaves while nothing is broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Habit {
    /// The share of answers that fail, from 0 to 1.
    pub errors: f64,
    /// Whether failures come in bursts instead of one by one.
    pub bursts: bool,
    /// How long answers take.
    pub latency: Latency,
    /// What disturbs it for a while, as good releases are disturbed.
    pub disturbance: Disturbance,
    /// Whether one such disturbance is of another kind: a garbage collection, a cold start.
    pub stall: Stall,
    /// The share of samples that never arrive, from 0 to 1.
    pub missing: f64,
}

/// How long answers take, relative to the limit at which the policy warns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// The limited quantile as a share of the limit: 0.4 is far below it, 0.95 close to it.
    pub level: f64,
    /// The form of the distribution.
    pub form: Form,
    /// Slow waves: the standard deviation of the logarithm and the memory in seconds.
    pub waves: Option<Waves>,
    /// A tide: the amplitude of the logarithm over a period of twenty minutes.
    pub tide: f64,
}

/// The form of a distribution of latencies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// Log-normal with this standard deviation of the logarithm.
    LogNormal(f64),
    /// Most answers come from a cache, the others from behind it.
    Bimodal,
}

/// Latency that remembers what it was (an AR(1) process of its logarithm).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waves {
    /// The standard deviation of the logarithm.
    pub height: f64,
    /// After so many seconds 1/e of a wave is left.
    pub memory: f64,
}

/// A burst of failures that a good release survives: tasks are replaced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disturbance {
    /// None.
    Calm,
    /// One blip of so many seconds, from the shortest to the longest.
    Blip {
        /// The shortest, in seconds.
        shortest: f64,
        /// The longest, in seconds.
        longest: f64,
        /// The share of answers that fail in it.
        share: f64,
    },
}

/// A while of slowness that a good release survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stall {
    /// None.
    Quick,
    /// A pause of three to eight seconds in which answers wait as long.
    Pause,
    /// Thirty to sixty seconds at the start in which answers take four to eight times as long at
    /// first, and at least one in fifty fails.
    ColdStart,
}

/// What breaks, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fault {
    /// What breaks.
    pub what: Breakage,
    /// When.
    pub onset: Onset,
}

/// When a fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onset {
    /// With the deployment.
    Start,
    /// At a moment between 30 % and 70 % of the bake, each as likely as the next.
    Middle,
}

/// What breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Breakage {
    /// This share of all answers fails.
    Errors(f64),
    /// This share of the answers to the first check fails; the others stay well.
    OneCheck(f64),
    /// Answers take so many times as long.
    Slow(f64),
    /// Answers take ever longer, up to so many times at the end of the bake.
    Ramp(f64),
    /// It is wholly down for half of every period of so many seconds.
    Flapping(f64),
}

impl Habit {
    /// A service without errors whose limited quantile stands at 40 % of the limit.
    #[must_use]
    pub const fn clean() -> Self {
        Self {
            errors: 0.0,
            bursts: false,
            latency: Latency {
                level: 0.4,
                form: Form::LogNormal(USUAL_SPREAD),
                waves: None,
                tide: 0.0,
            },
            disturbance: Disturbance::Calm,
            stall: Stall::Quick,
            missing: 0.0,
        }
    }

    /// A service that loses one answer in a thousand, as real ones do.
    #[must_use]
    pub const fn usual() -> Self {
        Self::clean().losing(0.001)
    }

    /// The same with this share of failures.
    #[must_use]
    pub const fn losing(mut self, errors: f64) -> Self {
        self.errors = errors;
        self
    }

    /// The same with its limited quantile at this share of the limit.
    #[must_use]
    pub const fn at(mut self, level: f64) -> Self {
        self.latency.level = level;
        self
    }

    /// The same with latencies of this form.
    #[must_use]
    pub const fn formed(mut self, form: Form) -> Self {
        self.latency.form = form;
        self
    }

    /// The same with a blip of ten to twenty seconds in which this share of answers fails.
    #[must_use]
    pub const fn with_blip(mut self, share: f64) -> Self {
        self.disturbance = Disturbance::Blip {
            shortest: 10.0,
            longest: 20.0,
            share,
        };
        self
    }

    /// The same with a while of slowness.
    #[must_use]
    pub const fn stalling(mut self, stall: Stall) -> Self {
        self.stall = stall;
        self
    }

    /// The same with slow waves in its latency.
    #[must_use]
    pub const fn waving(mut self, height: f64, memory: f64) -> Self {
        self.latency.waves = Some(Waves { height, memory });
        self
    }
}

impl Breakage {
    /// This breakage with the deployment.
    #[must_use]
    pub const fn at_start(self) -> Fault {
        Fault {
            what: self,
            onset: Onset::Start,
        }
    }

    /// This breakage in the middle of the bake.
    #[must_use]
    pub const fn in_the_middle(self) -> Fault {
        Fault {
            what: self,
            onset: Onset::Middle,
        }
    }
}

/// The usual standard deviation of the logarithm of latency: the slowest answer in twenty takes 2.3
/// times as long as the middle one.
pub const USUAL_SPREAD: f64 = 0.5;
