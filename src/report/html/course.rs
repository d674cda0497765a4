//! What a check did over a span of time, in slices that can be drawn: at most so many, however long
//! the span is, each at least as long as the check's interval. Made of samples as they come, or of
//! what the history keeps.

use std::collections::BTreeMap;
use std::time::Duration;

use super::plot::scale::Across;
use crate::clock::WallTime;
use crate::sample::{Outcome, Phase, Sample};
use crate::store::history::{ReadingSlice, Slice};
use crate::window::histogram::Histogram;

/// What a check did over a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// The start of the span.
    pub from: WallTime,
    /// Its end.
    pub to: WallTime,
    /// How long each slice is.
    pub step: Duration,
    /// The slices in which anything ran, the oldest first.
    pub slices: Vec<Slice>,
}

/// A plot has at most so many slices: more are narrower than a point on a phone.
const MOST: usize = 96;
/// Half of so many slices still show a course.
const TO_SPARE: usize = 40;
/// Fewer runs than this make no distribution.
const FEW: u64 = 4;
/// Nothing ran for so many times the usual distance: it is shown as not seen.
const SILENCE: f64 = 2.5;

impl Course {
    /// Of what the history keeps, in slices of `step`.
    #[must_use]
    pub fn of_slices(across: Across, step: Duration, slices: Vec<Slice>) -> Self {
        let mut gathering = Gathering {
            step: step.max(FINEST),
            slices: BTreeMap::new(),
        };
        for slice in slices {
            merge(gathering.slice(slice.at), &slice);
        }
        gathering.finish(across)
    }

    /// The whole span.
    #[must_use]
    pub const fn across(&self) -> Across {
        Across {
            from: self.from,
            to: self.to,
        }
    }

    /// All slices as one.
    #[must_use]
    pub fn whole(&self) -> Slice {
        let mut whole = Slice {
            at: self.from,
            ..Slice::default()
        };
        for slice in &self.slices {
            merge(&mut whole, slice);
        }
        whole
    }

    /// Where nothing ran for longer than is usual, as shares of the span.
    #[must_use]
    pub fn gaps(&self) -> Vec<(f64, f64)> {
        let across = self.across();
        let silence = self.silence();
        let mut last = self.from;
        let mut gaps = Vec::new();
        let ends = self.slices.iter().map(|slice| {
            let end = WallTime::since_unix_epoch(slice.at.unix() + self.step);
            (slice.at, end)
        });
        for (start, end) in ends.chain([(self.to, self.to)]) {
            if start.since(last) > silence {
                gaps.push((across.share(last), across.share(start)));
            }
            last = end;
        }
        gaps
    }

    /// Runs of slices in which something passed, without a silence between them.
    #[must_use]
    pub fn pieces(&self) -> Vec<&[Slice]> {
        let silence = self.silence() + self.step;
        let with = self
            .slices
            .chunk_by(|one, next| {
                next.at.since(one.at) <= silence && has_latency(one) == has_latency(next)
            })
            .filter(|piece| piece.first().is_some_and(has_latency));
        with.collect()
    }

    /// Whether it has slices to spare and few runs in each.
    fn is_sparse(&self) -> bool {
        let runs: u64 = self.slices.iter().map(runs).sum();
        let slices = self.slices.len();
        slices >= TO_SPARE && runs < FEW * slices as u64
    }

    fn silence(&self) -> Duration {
        self.usual_distance().mul_f64(SILENCE)
    }

    /// From slice to slice, as a rule.
    fn usual_distance(&self) -> Duration {
        let distances = self.slices.windows(2).map(|two| two[1].at.since(two[0].at));
        let mut distances: Vec<Duration> = distances.collect();
        distances.sort_unstable();
        let median = distances.get(distances.len() / 2).copied();
        median.unwrap_or(self.step).max(self.step)
    }
}

/// How many runs a slice holds.
#[must_use]
pub const fn runs(slice: &Slice) -> u64 {
    slice.passed + slice.failed + slice.errored + slice.unknown
}

fn has_latency(slice: &Slice) -> bool {
    slice.latency.count() > 0
}

/// The course of a check while it goes on. It grows coarser as it grows longer.
#[derive(Clone, Debug)]
pub struct Gathering {
    step: Duration,
    /// By the number of the slice since the epoch.
    slices: BTreeMap<u64, Slice>,
}

/// Slices are no shorter.
const FINEST: Duration = Duration::from_secs(1);

impl Default for Gathering {
    fn default() -> Self {
        Self {
            step: FINEST,
            slices: BTreeMap::new(),
        }
    }
}

impl Gathering {
    /// Takes a sample whose run started at `at`.
    pub fn take(&mut self, at: WallTime, sample: &Sample) {
        count(self.slice(at), sample);
        if self.slices.len() > 2 * MOST {
            self.coarsen();
        }
    }

    /// What was gathered, over this span. What lies outside is left out.
    #[must_use]
    pub fn finish(mut self, across: Across) -> Course {
        let most = MOST as u32;
        while self.step * most < across.span() || self.slices.len() > MOST {
            self.coarsen();
        }
        let mut course = self.within(across);
        // A check that runs every ten seconds is not cut into seconds.
        while course.step < course.usual_distance() {
            self.coarsen();
            course = self.within(across);
        }
        // A quantile of one or two runs says little: a few slices of several say more.
        while course.is_sparse() {
            self.coarsen();
            course = self.within(across);
        }
        course
    }

    fn within(&self, across: Across) -> Course {
        let slices = self.slices.values().filter(|slice| {
            let end = slice.at.unix() + self.step;
            end > across.from.unix() && slice.at <= across.to
        });
        Course {
            from: across.from,
            to: across.to,
            step: self.step,
            slices: slices.cloned().collect(),
        }
    }

    fn slice(&mut self, at: WallTime) -> &mut Slice {
        let number = at.unix().as_nanos() / self.step.as_nanos().max(1);
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        let step = self.step.as_nanos();
        self.slices.entry(number).or_insert_with(|| Slice {
            at: WallTime::since_unix_epoch(span_of(u128::from(number) * step)),
            ..Slice::default()
        })
    }

    fn coarsen(&mut self) {
        self.step *= 2;
        for (_, slice) in std::mem::take(&mut self.slices) {
            merge(self.slice(slice.at), &slice);
        }
    }
}

fn span_of(nanoseconds: u128) -> Duration {
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).unwrap_or(u64::MAX);
    Duration::new(seconds, (nanoseconds % 1_000_000_000) as u32)
}

/// Counts a sample.
fn count(slice: &mut Slice, sample: &Sample) {
    match sample.outcome {
        Outcome::Pass => {
            slice.passed += 1;
            slice.latency.record(sample.latency);
            for phase in Phase::ALL {
                if let Some(span) = sample.phases.get(phase) {
                    histogram(slice, phase).record(span);
                }
            }
        }
        Outcome::Fail => slice.failed += 1,
        Outcome::Error => slice.errored += 1,
        Outcome::Unknown => slice.unknown += 1,
    }
    for reading in sample.readings.iter().filter(|it| it.value.is_finite()) {
        let one = ReadingSlice {
            name: reading.name.clone(),
            count: 1,
            sum: reading.value,
            least: reading.value,
            most: reading.value,
        };
        merge_reading(slice, &one);
    }
}

/// Adds all that another slice holds.
fn merge(slice: &mut Slice, other: &Slice) {
    slice.passed += other.passed;
    slice.failed += other.failed;
    slice.errored += other.errored;
    slice.unknown += other.unknown;
    slice.latency.merge(&other.latency);
    for (phase, spans) in &other.phases {
        histogram(slice, *phase).merge(spans);
    }
    for reading in &other.readings {
        merge_reading(slice, reading);
    }
}

fn histogram(slice: &mut Slice, phase: Phase) -> &mut Histogram {
    let found = slice.phases.iter().position(|(one, _)| *one == phase);
    let place = found.unwrap_or_else(|| {
        slice.phases.push((phase, Histogram::default()));
        slice.phases.len() - 1
    });
    &mut slice.phases[place].1
}

fn merge_reading(slice: &mut Slice, other: &ReadingSlice) {
    let found = slice.readings.iter_mut().find(|it| it.name == other.name);
    match found {
        Some(reading) => {
            reading.count += other.count;
            reading.sum += other.sum;
            reading.least = reading.least.min(other.least);
            reading.most = reading.most.max(other.most);
        }
        None => slice.readings.push(other.clone()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::sample::{CheckId, Phases};

    /// So many seconds after 2026-11-21T08:40:00Z.
    pub(crate) fn at(seconds: u64) -> WallTime {
        WallTime::since_unix_epoch(Duration::from_secs(1_795_250_400 + seconds))
    }

    pub(crate) fn sample(outcome: Outcome, ms: u64) -> Sample {
        let mut phases = Phases::default();
        phases.add(Phase::Connect, Duration::from_millis(2));
        phases.add(Phase::Ttfb, Duration::from_millis(ms.saturating_sub(2)));
        Sample {
            check: CheckId::new("web"),
            started: Moment::ORIGIN,
            latency: Duration::from_millis(ms),
            phases,
            outcome,
            fault: None,
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        }
    }

    /// Three minutes at a run a second, with a failure, errors, and half a minute of silence.
    pub(crate) fn course() -> Course {
        let mut gathering = Gathering::default();
        for second in (0..180).filter(|second| !(60..90).contains(second)) {
            let outcome = match second {
                30 => Outcome::Fail,
                120..=124 => Outcome::Error,
                126 => Outcome::Unknown,
                _ => Outcome::Pass,
            };
            let ms = 20 + second % 7 * if second > 150 { 4 } else { 0 };
            gathering.take(at(second), &sample(outcome, ms));
        }
        gathering.finish(Across {
            from: at(0),
            to: at(180),
        })
    }

    #[test]
    fn nothing_is_lost_and_silence_is_seen() {
        let course = course();
        let whole = course.whole();
        assert_eq!(
            (whole.passed, whole.failed, whole.errored, whole.unknown),
            (143, 1, 5, 1)
        );
        let gaps = course.gaps();
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!((gaps[0].0 - 1.0 / 3.0).abs() < 0.02, "{gaps:?}");
        assert_eq!(course.step, Duration::from_secs(4), "four runs a slice");
        assert_eq!(
            course.pieces().len(),
            3,
            "the silence, and four seconds of errors"
        );
    }

    #[test]
    fn a_slow_check_is_not_full_of_holes() {
        let mut gathering = Gathering::default();
        for turn in 0..30 {
            gathering.take(at(turn * 30), &sample(Outcome::Pass, 20));
        }
        let course = gathering.finish(Across {
            from: at(0),
            to: at(900),
        });
        assert!(course.gaps().is_empty(), "{course:?}");
        assert_eq!(course.pieces().len(), 1);
    }

    #[test]
    fn a_day_takes_no_more_room_than_a_minute() {
        let mut gathering = Gathering::default();
        for second in 0..86_400 {
            gathering.take(at(second), &sample(Outcome::Pass, 20));
        }
        assert!(gathering.slices.len() <= 2 * MOST);
        let course = gathering.finish(Across {
            from: at(0),
            to: at(86_400),
        });
        assert!(course.slices.len() <= MOST, "{}", course.slices.len());
        assert_eq!(course.whole().passed, 86_400);
    }

    #[test]
    fn what_never_ran_is_one_gap() {
        let course = Gathering::default().finish(Across {
            from: at(0),
            to: at(60),
        });
        assert_eq!(course.gaps(), [(0.0, 1.0)]);
        assert!(course.pieces().is_empty());
    }
}
