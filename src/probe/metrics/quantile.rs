//! The quantile of a histogram, as Prometheus's `histogram_quantile` has it for classic buckets. Pure.
//!
//! Source of the rules: the documentation of `histogram_quantile`, and `promql/quantile.go` of
//! Prometheus: within a bucket observations lie evenly; the first bucket begins at zero where its
//! bound is above zero; a rank in the last bucket, which has no end, gives the bound below it; counts
//! that fall from one bucket to the next are raised.

/// A bucket: its upper bound, and how many observations were at most that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The upper bound; infinite for the last.
    pub bound: f64,
    /// How many observations it has, those of the buckets below included.
    pub count: f64,
}

/// The value below which the share `q` of the observations lies; nothing where there are none, or no
/// bucket without an end, or no other one.
#[must_use]
pub fn quantile(q: f64, buckets: &[Bucket]) -> Option<f64> {
    let buckets = in_order(buckets);
    let (last, bounded) = buckets.split_last()?;
    if last.bound != f64::INFINITY || last.count <= 0.0 || !last.count.is_finite() {
        return None;
    }
    let highest = bounded.last()?;
    let rank = q * last.count;
    let at = bounded.partition_point(|bucket| bucket.count < rank);
    let Some(bucket) = bounded.get(at) else {
        return Some(highest.bound);
    };
    let below = at.checked_sub(1).map(|below| bounded[below]);
    if below.is_none() && bucket.bound <= 0.0 {
        return Some(bucket.bound);
    }
    let below = below.unwrap_or(Bucket {
        bound: 0.0,
        count: 0.0,
    });
    let within = bucket.count - below.count;
    if within <= 0.0 {
        // A rank of zero in an empty bucket: its lower end.
        return Some(below.bound);
    }
    Some(below.bound + (bucket.bound - below.bound) * (rank - below.count) / within)
}

/// By bound, equal bounds as one, and never falling.
fn in_order(buckets: &[Bucket]) -> Vec<Bucket> {
    let mut buckets: Vec<Bucket> = buckets
        .iter()
        .copied()
        .filter(|bucket| !bucket.bound.is_nan() && !bucket.count.is_nan())
        .collect();
    buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
    let mut ordered: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match ordered.last_mut() {
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => ordered.push(bucket),
        }
    }
    let mut most = 0.0_f64;
    for bucket in &mut ordered {
        most = most.max(bucket.count);
        bucket.count = most;
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(q: f64, buckets: &[(f64, f64)]) -> Option<f64> {
        let buckets: Vec<Bucket> = buckets
            .iter()
            .map(|&(bound, count)| Bucket { bound, count })
            .collect();
        quantile(q, &buckets)
    }

    const ENDLESS: f64 = f64::INFINITY;

    #[test]
    fn quantiles_are_those_of_histogram_quantile() {
        let latency = [(0.1, 50.0), (0.2, 90.0), (0.5, 100.0), (ENDLESS, 100.0)];
        for (q, buckets, value, why) in [
            (0.5, &latency[..], Some(0.1), "just at the end of the first"),
            (0.25, &latency, Some(0.05), "evenly from zero"),
            (0.7, &latency, Some(0.15), "half way through the second"),
            (0.95, &latency, Some(0.35), "half way through the third"),
            (1.0, &latency, Some(0.5), "the end of the last with an end"),
            (0.0, &latency, Some(0.0), "the beginning"),
            (
                0.99,
                &[(1.0, 10.0), (2.0, 10.0), (ENDLESS, 100.0)],
                Some(2.0),
                "in the bucket without an end: the bound below it",
            ),
            (
                0.5,
                &[(-1.0, 10.0), (1.0, 12.0), (ENDLESS, 12.0)],
                Some(-1.0),
                "a first bucket below zero has no beginning",
            ),
            (
                0.5,
                &[(ENDLESS, 10.0), (0.2, 10.0), (0.1, 0.0)],
                Some(0.15),
                "in whatever order they come",
            ),
            (
                0.9,
                &[(0.1, 50.0), (0.2, 40.0), (0.5, 100.0), (ENDLESS, 100.0)],
                Some(0.2 + 0.3 * 0.8),
                "a count that falls is raised",
            ),
            (
                0.5,
                &[(0.1, 5.0), (0.1, 5.0), (ENDLESS, 20.0)],
                Some(0.1),
                "equal bounds are one",
            ),
            (0.5, &[(0.1, 0.0), (ENDLESS, 0.0)], None, "no observation"),
            (
                0.5,
                &[(0.1, 5.0), (0.2, 9.0)],
                None,
                "no bucket without an end",
            ),
            (0.5, &[(ENDLESS, 9.0)], None, "no other bucket"),
            (0.5, &[], None, "no bucket"),
        ] {
            match (of(q, buckets), value) {
                (Some(found), Some(value)) => {
                    assert!((found - value).abs() < 1e-12, "{why}: {found}");
                }
                (found, value) => assert_eq!(found, value, "{why}"),
            }
        }
    }
}
