//! Samples into blocks: what starts within five seconds of the first is one observation; in windows
//! under five minutes, within a sixtieth of them.
//!
//! A block absorbs short-range dependence, and however often the closer look probes inside it, it
//! counts once. A block is opened by its first sample and closed by the first that starts
//! that much later or more. A sample that started earlier but arrives later (it timed out) joins the
//! block that is open when it arrives: the test is valid for whatever order samples arrive in.

use std::time::Duration;

use super::process::Block;
use crate::clock::Moment;

/// How long a block is: a few samples of a service that is probed every second or two, and short
/// against the half minute that is forgiven.
const BLOCK: Duration = Duration::from_secs(5);
/// A window has at least so many blocks: with fewer nothing but an outage could be proven in it.
const LEAST_BLOCKS: u32 = 60;

/// How long a block of a window is.
#[must_use]
pub fn block_length(window: Duration) -> Duration {
    BLOCK.min(window / LEAST_BLOCKS)
}

/// One sample as a stream sees it.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    /// When it started.
    pub started: Moment,
    /// Whether it is bad by the warning limit.
    pub over_warning: bool,
    /// Whether it is bad by the critical limit.
    pub over_critical: bool,
}

/// A closed block, seen by both limits.
#[derive(Clone, Copy, Debug)]
pub struct Closed {
    /// By the warning limit.
    pub warning: Block,
    /// By the critical limit.
    pub critical: Block,
}

/// The block that is open.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    length: Duration,
    samples: u32,
    start: Moment,
    warning: Bad,
    critical: Bad,
}

/// The bad samples of a block.
#[derive(Clone, Copy, Debug, Default)]
struct Bad {
    count: u32,
    first: Option<Moment>,
}

impl Open {
    /// A block of a length, before its first sample.
    #[must_use]
    pub fn new(length: Duration) -> Self {
        Self {
            length,
            samples: 0,
            start: Moment::ORIGIN,
            warning: Bad::default(),
            critical: Bad::default(),
        }
    }

    /// Takes a sample in; gives the block that it closes.
    pub fn push(&mut self, glance: Glance) -> Option<Closed> {
        let is_over = self.samples > 0 && glance.started >= self.start + self.length;
        let closed = is_over.then(|| self.close());
        if self.samples == 0 {
            self.start = glance.started;
        }
        self.samples += 1;
        self.warning.count(glance.over_warning, glance.started);
        self.critical.count(glance.over_critical, glance.started);
        closed
    }

    fn close(&mut self) -> Closed {
        let block = |bad: Bad| Block {
            start: self.start,
            first_bad: bad.first,
            bad: f64::from(bad.count) / f64::from(self.samples),
        };
        let closed = Closed {
            warning: block(self.warning),
            critical: block(self.critical),
        };
        *self = Self::new(self.length);
        closed
    }
}

impl Bad {
    fn count(&mut self, is_bad: bool, started: Moment) {
        if is_bad {
            self.count += 1;
            // The earliest, whatever the order of arrival.
            self.first = Some(self.first.map_or(started, |first| first.min(started)));
        }
    }
}
