//! Spans of time as a histogram: within 1 % of each, small, and the same whatever the order.
//!
//! Log-linear: every power of two of nanoseconds is cut into 64 steps of equal width, so that the
//! middle of a step is within 1/128 of all that it holds, from one nanosecond to centuries. Only
//! steps that hold something take room, 8 bytes each: a check whose latency varies by a factor of
//! two needs some sixty. Merging adds step by step; it is associative and commutative. It is no
//! place for exact values: the sum and the largest are kept beside it by whoever needs them. Used by
//! the window for samples that it no longer holds in full, and by the engine's instruments.

use std::time::Duration;

/// How many bits of a value, after its first, are kept.
const BITS: u32 = 6;

/// How many steps a power of two is cut into.
const STEPS: u64 = 1 << BITS;

/// How many steps there are in all: 57 powers of two beyond the first 128 values.
pub const PLACES: usize = ((u64::BITS - BITS) as usize + 1) * STEPS as usize;

/// How many further steps room is made for at a time: doubling would leave half of it empty.
const ROOM: usize = 8;

/// How often spans of about each length were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// By place, and none of them empty.
    steps: Vec<Step>,
}

/// One step that holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    place: u16,
    count: u32,
}

/// A step as it is read: a range of spans and how many fell into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The shortest span of the step.
    pub lowest: Duration,
    /// Its middle, within 1 % of every span of it.
    pub middle: Duration,
    /// The longest span of the step.
    pub highest: Duration,
    /// How many: at most `u32::MAX`, where counting stops.
    pub count: u32,
}

impl Histogram {
    /// Counts a span.
    pub fn record(&mut self, span: Duration) {
        self.add(place_of(span), 1);
    }

    /// Counts so many spans at a place, as [`place_of`] tells it.
    pub fn record_at(&mut self, place: usize, count: u64) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if let Some(place) = u16::try_from(place).ok().filter(|_| place < PLACES)
            && count > 0
        {
            self.add(place, count);
        }
    }

    /// Adds everything that another has counted.
    pub fn merge(&mut self, other: &Self) {
        if self.steps.is_empty() {
            self.steps.clone_from(&other.steps);
            return;
        }
        for step in &other.steps {
            self.add(step.place, step.count);
        }
    }

    /// How many spans were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.steps.iter().map(|step| u64::from(step.count)).sum()
    }

    /// The steps that hold something, the shortest spans first.
    pub fn steps(&self) -> impl Iterator<Item = Counted> {
        self.steps.iter().map(|step| counted(*step))
    }

    /// The span at a quantile from 0 to 1, by nearest rank; absent without any.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let last = self.count().checked_sub(1)?;
        let rank = (last as f64 * q).round() as u64;
        let mut seen = 0;
        let found = self.steps().find(|step| {
            seen += u64::from(step.count);
            seen > rank
        });
        found.map(|step| step.middle)
    }

    fn add(&mut self, place: u16, count: u32) {
        match self.steps.binary_search_by_key(&place, |step| step.place) {
            Ok(at) => {
                let step = &mut self.steps[at];
                step.count = step.count.saturating_add(count);
            }
            Err(at) => {
                if self.steps.len() == self.steps.capacity() {
                    self.steps.reserve_exact(ROOM);
                }
                self.steps.insert(at, Step { place, count });
            }
        }
    }
}

/// The place of the step that holds a span, below [`PLACES`].
#[must_use]
pub fn place_of(span: Duration) -> u16 {
    let value = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
    let Some(shift) = value
        .checked_ilog2()
        .and_then(|power| power.checked_sub(BITS))
    else {
        // Shorter than 64 ns: each has a step of its own.
        return value as u16;
    };
    // What is left of the value has seven bits: 64 to 127.
    (u64::from(shift) * STEPS + (value >> shift)) as u16
}

fn counted(step: Step) -> Counted {
    let place = u64::from(step.place);
    let shift = (place / STEPS).saturating_sub(1);
    let lowest = (place - shift * STEPS) << shift;
    let width = 1_u64 << shift;
    Counted {
        lowest: Duration::from_nanos(lowest),
        middle: Duration::from_nanos(lowest + width / 2),
        highest: Duration::from_nanos(lowest + (width - 1)),
        count: step.count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(nanoseconds: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in nanoseconds {
            histogram.record(Duration::from_nanos(*value));
        }
        histogram
    }

    /// Values of every magnitude alike: uniform ones would all be near the largest.
    fn any_span() -> impl Strategy<Value = u64> {
        (0_u32..64, any::<u64>()).prop_map(|(shift, value)| value >> shift)
    }

    fn any_spans() -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec(any_span(), 0..60)
    }

    proptest! {
        #[test]
        fn a_step_holds_what_is_counted_in_it_and_its_middle_is_within_a_percent(value in any_span()) {
            let histogram = of(&[value]);
            let step = histogram.steps().next().unwrap();
            let span = Duration::from_nanos(value);
            prop_assert!(step.lowest <= span && span <= step.highest, "{value}: {step:?}");
            let error = step.middle.abs_diff(span).as_secs_f64();
            prop_assert!(error <= span.as_secs_f64() / 100.0, "{value}: {step:?}");
        }

        #[test]
        fn longer_spans_never_have_an_earlier_place(a in any_span(), b in any_span()) {
            let (short, long) = (a.min(b), a.max(b));
            let place = |value| place_of(Duration::from_nanos(value));
            prop_assert!(place(short) <= place(long));
            prop_assert!(usize::from(place(long)) < PLACES);
        }

        #[test]
        fn merging_is_counting_everything_in_any_order(
            a in any_spans(), b in any_spans(), c in any_spans()
        ) {
            let merged = |parts: [&[u64]; 2]| {
                let mut whole = of(parts[0]);
                whole.merge(&of(parts[1]));
                whole
            };
            let mut left = merged([&a, &b]);
            left.merge(&of(&c));
            let mut right = of(&a);
            right.merge(&merged([&b, &c]));
            prop_assert_eq!(&left, &right, "associative");
            prop_assert_eq!(merged([&a, &b]), merged([&b, &a]), "commutative");
            prop_assert_eq!(left, of(&[a, b, c].concat()), "the same as one that heard it all");
        }

        #[test]
        fn a_quantile_is_within_a_percent_of_the_sorted_value(
            mut spans in proptest::collection::vec(any_span(), 1..200), q in 0.0..=1.0
        ) {
            let found = of(&spans).quantile(q).unwrap().as_secs_f64();
            spans.sort_unstable();
            let rank = ((spans.len() - 1) as f64 * q).round() as usize;
            let exact = Duration::from_nanos(spans[rank]).as_secs_f64();
            prop_assert!((found - exact).abs() <= exact / 100.0, "{found} and {exact}");
        }
    }

    #[test]
    fn the_ends_are_counted() {
        let histogram = of(&[0, u64::MAX]);
        assert_eq!(histogram.count(), 2);
        let steps: Vec<Counted> = histogram.steps().collect();
        assert_eq!(steps[0].highest, Duration::ZERO);
        assert_eq!(steps[1].highest, Duration::from_nanos(u64::MAX));
        let mut beyond = Histogram::default();
        beyond.record(Duration::MAX);
        assert_eq!(beyond.count(), 1);
        beyond.record_at(PLACES, 1);
        assert_eq!(beyond.count(), 1, "there is no such place");
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn counting_stops_at_the_largest_number() {
        let mut full = Histogram::default();
        full.record_at(7, u64::MAX);
        full.record_at(7, 1);
        assert_eq!(full.count(), u64::from(u32::MAX));
    }

    #[test]
    fn a_check_whose_latency_doubles_takes_half_a_kilobyte() {
        let mut histogram = Histogram::default();
        for micros in 1_000..=2_000 {
            histogram.record(Duration::from_micros(micros));
        }
        assert!(histogram.steps.capacity() * size_of::<Step>() <= 640);
    }
}
