//! Quantiles: exact ones by Hyndman and Fan's type 7, and the same from a compact histogram.
//!
//! Type 7 interpolates between the two order statistics around rank (n − 1) q, counted from 0
//! (Hyndman, Fan: Sample Quantiles in Statistical Packages, The American Statistician 50(4), 1996);
//! it is what R and NumPy give unless told otherwise. From the histogram each order statistic is
//! known within 1 %, and so is every value between two of them. Called by the window's tally only.

use std::time::Duration;

use super::Latency;
use super::histogram::Histogram;

/// Spans of time: the newest in full, the folded ones as a histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Spans {
    exact: Vec<Duration>,
    folded: Option<Histogram>,
    count: u64,
    sum_nanoseconds: u128,
    max: Duration,
}

impl Spans {
    pub(super) fn add(&mut self, span: Duration) {
        self.exact.push(span);
        self.count += 1;
        self.sum_nanoseconds += span.as_nanos();
        self.max = self.max.max(span);
    }

    /// Moves what is held in full into the histogram.
    pub(super) fn fold(&mut self) {
        if self.exact.is_empty() {
            return;
        }
        let histogram = self.folded.get_or_insert_default();
        for span in self.exact.drain(..) {
            histogram.record(span);
        }
        self.exact.shrink_to_fit();
    }

    /// Adds the folded spans of another window.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.exact.extend_from_slice(&other.exact);
        self.count += other.count;
        self.sum_nanoseconds += other.sum_nanoseconds;
        self.max = self.max.max(other.max);
        if let Some(theirs) = &other.folded {
            let histogram = self.folded.get_or_insert_default();
            histogram.merge(theirs);
        }
    }

    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// How many of them `is_counted`, as told by the histogram where they are folded.
    pub(super) fn count_where(&self, is_counted: impl Fn(Duration) -> bool) -> u64 {
        let exact = self.exact.iter().filter(|span| is_counted(**span)).count() as u64;
        let steps = self.folded.iter().flat_map(Histogram::steps);
        let folded: u64 = steps
            .filter(|step| is_counted(step.highest))
            .map(|step| u64::from(step.count))
            .sum();
        exact + folded
    }

    /// The quantile, unless there are fewer spans than it needs.
    pub(super) fn quantile(&mut self, q: f64) -> Option<Duration> {
        if self.count < least_count(q) {
            return None;
        }
        if self.folded.is_some() {
            self.fold();
        }
        match &self.folded {
            Some(histogram) => histogram_quantile(histogram, q),
            None => {
                self.exact.sort_unstable();
                type_seven(&self.exact, q)
            }
        }
    }

    pub(super) fn summary(&mut self) -> Latency {
        Latency {
            count: self.count,
            p50: self.quantile(0.5),
            p90: self.quantile(0.9),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
            p999: self.quantile(0.999),
            mean: self.mean(),
            max: (self.count > 0).then_some(self.max),
        }
    }

    fn mean(&self) -> Option<Duration> {
        let mean = self.sum_nanoseconds.checked_div(u128::from(self.count))?;
        Some(Duration::from_nanos(
            u64::try_from(mean).unwrap_or(u64::MAX),
        ))
    }
}

/// How many samples a quantile needs to mean something: enough that one of them is expected beyond
/// it, and never fewer than five: p50 5, p90 10, p95 20, p99 100, p999 1000.
#[must_use]
pub fn least_count(q: f64) -> u64 {
    // 1 / (1 - 0.9) is a hair above 10 in binary; that hair is not an eleventh sample.
    let one_beyond = (1.0 / (1.0 - q) - 1e-6).ceil();
    (one_beyond as u64).max(5)
}

/// The type-7 quantile of spans in ascending order; absent without any.
#[must_use]
pub fn type_seven(ascending: &[Duration], q: f64) -> Option<Duration> {
    let last = ascending.len().checked_sub(1)?;
    let (below, fraction) = split_rank(last as u64, q);
    let below = usize::try_from(below).ok()?;
    let low = *ascending.get(below)?;
    let high = ascending.get(below + 1).copied().unwrap_or(low);
    Some(between(low, high, fraction))
}

fn histogram_quantile(histogram: &Histogram, q: f64) -> Option<Duration> {
    let last = histogram.count().checked_sub(1)?;
    let (below, fraction) = split_rank(last, q);
    let (mut seen, mut low) = (0, None);
    for step in histogram.steps() {
        seen += u64::from(step.count);
        // The middle of the step halves the error of its edge.
        if low.is_none() && seen > below {
            low = Some(step.middle);
        }
        if seen > (below + 1).min(last) {
            return low.map(|low| between(low, step.middle, fraction));
        }
    }
    low
}

/// The rank (n − 1) q as the index below it and what is left.
fn split_rank(last: u64, q: f64) -> (u64, f64) {
    let rank = last as f64 * q;
    (rank.floor() as u64, rank.fract())
}

fn between(low: Duration, high: Duration, fraction: f64) -> Duration {
    low + high.saturating_sub(low).mul_f64(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(values: &[u64]) -> Vec<Duration> {
        values.iter().map(|v| Duration::from_millis(*v)).collect()
    }

    #[test]
    fn type_seven_agrees_with_known_values() {
        // Values of R's quantile(x, q, type = 7), which NumPy's default shares.
        let one_to_ten: Vec<u64> = (1..=10).collect();
        let cases: [(&[u64], f64, f64); 8] = [
            (&one_to_ten, 0.5, 5.5),
            (&one_to_ten, 0.9, 9.1),
            (&one_to_ten, 0.95, 9.55),
            (&one_to_ten, 0.25, 3.25),
            (&[1, 2, 3, 4], 0.5, 2.5),
            (&[15, 20, 35, 40, 50], 0.4, 29.0),
            (&[7], 0.95, 7.0),
            (&[3, 9], 1.0, 9.0),
        ];
        for (values, q, expected) in cases {
            let got = type_seven(&milliseconds(values), q).unwrap().as_secs_f64() * 1e3;
            assert!((got - expected).abs() < 1e-5, "{values:?} at {q}: {got}");
        }
        assert_eq!(type_seven(&[], 0.5), None);
    }

    #[test]
    fn each_quantile_has_its_least_count() {
        let cases = [
            (0.5, 5),
            (0.75, 5),
            (0.9, 10),
            (0.95, 20),
            (0.99, 100),
            (0.999, 1000),
        ];
        for (q, least) in cases {
            assert_eq!(least_count(q), least, "{q}");
        }
        let mut spans = Spans::default();
        for _ in 0..19 {
            spans.add(Duration::from_millis(3));
        }
        assert_eq!(spans.quantile(0.95), None, "one short");
        spans.add(Duration::from_millis(3));
        assert_eq!(spans.quantile(0.95), Some(Duration::from_millis(3)));
    }

    #[test]
    fn the_histogram_stays_within_one_percent_of_the_exact_quantile() {
        // A heavy tail over five orders of magnitude, from a fixed linear congruence.
        let mut state = 7_u64;
        let mut spans = Spans::default();
        let mut all = Vec::new();
        for _ in 0..30_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let uniform = ((state >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
            let span = Duration::from_secs_f64(0.000_02 / uniform.powf(1.2)).min(HOUR);
            spans.add(span);
            all.push(span);
        }
        spans.fold();
        all.sort_unstable();
        for q in [0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
            let exact = type_seven(&all, q).unwrap().as_secs_f64();
            let compact = histogram_quantile(spans.folded.as_ref().unwrap(), q).unwrap();
            let error = (compact.as_secs_f64() - exact).abs() / exact;
            assert!(error <= 0.01, "at {q}: {exact} and {compact:?}");
        }
        assert_eq!(
            spans.summary().max,
            all.last().copied(),
            "the largest stays exact"
        );
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn spans_of_hours_and_of_nothing_are_counted() {
        let mut spans = Spans::default();
        for _ in 0..5 {
            spans.add(HOUR * 3);
            spans.add(Duration::ZERO);
        }
        spans.fold();
        assert_eq!(spans.summary().max, Some(HOUR * 3));
        assert_eq!(spans.count_where(|span| span >= HOUR.mul_f64(0.99)), 5);
        assert_eq!(spans.count(), 10);
    }
}
