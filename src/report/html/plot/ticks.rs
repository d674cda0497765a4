//! Where axes are marked: at round values, and at round times of day.

use std::time::Duration;

use super::scale::Across;
use crate::clock::WallTime;
use crate::report::wall::{rfc3339, time_of_day};

/// Round values from above zero to `high`, about so many.
#[must_use]
pub fn values(high: f64, about: usize) -> Vec<f64> {
    if !high.is_finite() || high <= 0.0 || about == 0 {
        return Vec::new();
    }
    let step = round_up(high / about as f64);
    // A hair more than the quotient: 0.3 / 0.1 is a little less than 3.
    let count = (high / step + 1e-9).floor() as usize;
    (1..=count).map(|turn| turn as f64 * step).collect()
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that is no less than a value.
#[must_use]
pub fn round_up(value: f64) -> f64 {
    if !value.is_finite() || value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let found = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|digit| digit * power)
        // A hair less: 0.1 must not become 0.2.
        .find(|round| *round >= value * (1.0 - 1e-9));
    found.unwrap_or(power * 10.0)
}

/// A value in seconds, as an axis shows it: `0.5 ms`, `20 ms`, `1.5 s`, `2 min`.
#[must_use]
pub fn seconds(value: f64) -> String {
    let (value, unit) = match value {
        value if value < 1e-3 => (value * 1e6, "µs"),
        value if value < 1.0 => (value * 1e3, "ms"),
        value if value < 120.0 => (value, "s"),
        value if value < 7_200.0 => (value / 60.0, "min"),
        value => (value / 3_600.0, "h"),
    };
    let digits = format!("{value:.1}");
    let digits = digits.strip_suffix(".0").unwrap_or(&digits);
    format!("{digits} {unit}")
}

/// Distances between marks of time, in seconds: those that people count in.
const STEPS: [u64; 22] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 259_200, 604_800, 2_592_000,
];
/// From this distance on the day is told, not the time of day.
const DAILY: u64 = 86_400;

/// Round times within a span, at most so many, each with its label in UTC: `08:45`, `08:45:30`,
/// `21 Nov`.
#[must_use]
pub fn times(across: &Across, most: usize) -> Vec<(WallTime, String)> {
    let fits = |step: &u64| across.span().as_secs() / step < most.max(1) as u64;
    let last = STEPS[STEPS.len() - 1];
    let step = STEPS.into_iter().find(fits).unwrap_or(last);
    let first = across.from.unix().as_secs().div_ceil(step) * step;
    let all =
        (0..).map(|turn| WallTime::since_unix_epoch(Duration::from_secs(first + turn * step)));
    all.take_while(|time| *time <= across.to)
        .take(most.max(1))
        .map(|time| (time, label(time, step)))
        .collect()
}

fn label(time: WallTime, step: u64) -> String {
    if step >= DAILY {
        return day(time);
    }
    let whole = time_of_day(time);
    if step < 60 {
        whole
    } else {
        whole[..HOURS_AND_MINUTES].to_owned()
    }
}

/// The length of `08:45`.
const HOURS_AND_MINUTES: usize = 5;

/// The day of a time, in UTC: `21 Nov`.
#[must_use]
pub fn day(time: WallTime) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    // `2026-11-21T…`: month and day stand at fixed places.
    let text = rfc3339(time);
    let number = |range| {
        text.get(range)
            .and_then(|part: &str| part.parse::<usize>().ok())
    };
    match (number(5..7), number(8..10)) {
        (Some(month @ 1..=12), Some(day)) => format!("{day} {}", MONTHS[month - 1]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_about_as_many_as_asked_for() {
        let cases: [(f64, usize, &[f64]); 5] = [
            (0.3, 3, &[0.1, 0.2, 0.3]),
            (0.05, 4, &[0.02, 0.04]),
            (1.0, 4, &[0.25, 0.5, 0.75, 1.0]),
            (7.3, 4, &[2.0, 4.0, 6.0]),
            (0.0, 4, &[]),
        ];
        for (high, about, expected) in cases {
            let found = values(high, about);
            assert_eq!(found.len(), expected.len(), "{high}: {found:?}");
            for (one, other) in found.iter().zip(expected) {
                assert!((one - other).abs() < 1e-9, "{high}: {found:?}");
            }
        }
        assert!(values(f64::INFINITY, 4).is_empty());
    }

    #[test]
    fn rounding_up_stays_where_it_is_round_already() {
        for (value, expected) in [
            (0.1, 0.1),
            (0.11, 0.2),
            (0.24, 0.25),
            (0.3, 0.5),
            (6.0, 10.0),
            (1.0, 1.0),
            (-3.0, 1.0),
        ] {
            let found = round_up(value);
            assert!((found - expected).abs() < 1e-12, "{value}: {found}");
        }
    }

    #[test]
    fn axes_of_latency_have_units() {
        for (value, expected) in [
            (0.000_25, "250 µs"),
            (0.0015, "1.5 ms"),
            (0.02, "20 ms"),
            (1.5, "1.5 s"),
            (90.0, "90 s"),
            (300.0, "5 min"),
            (10_800.0, "3 h"),
        ] {
            assert_eq!(seconds(value), expected);
        }
    }

    #[test]
    fn times_are_round_and_never_too_many() {
        // 2026-11-21T08:40:00Z
        let start = 1_795_250_400;
        let cases: [(u64, u64, &str, usize); 5] = [
            (7, 20, "08:40:10", 2),
            (7, 900, "08:45", 3),
            (0, 86_400, "12:00", 4),
            (0, 14 * 86_400, "24 Nov", 4),
            (0, 0, "08:40:00", 1),
        ];
        for (after, length, first, count) in cases {
            let at = |seconds| WallTime::since_unix_epoch(Duration::from_secs(seconds));
            let across = Across {
                from: at(start + after),
                to: at(start + after + length),
            };
            let found = times(&across, 5);
            assert_eq!(found[0].1, first, "{length}: {found:?}");
            assert!(found.len() <= 5 && found.len() >= count.min(2), "{found:?}");
            let distances = found.windows(2).map(|two| two[1].0.since(two[0].0));
            let mut distances: Vec<Duration> = distances.collect();
            distances.dedup();
            assert!(distances.len() <= 1, "equally far apart: {found:?}");
        }
    }
}
