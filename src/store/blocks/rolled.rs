//! From samples to sums: an hour of a check by minute and as a whole.

use std::collections::BTreeMap;

use super::bytes::Damaged;
use super::record::Record;
use super::sum::Sum;
use super::{HOUR, MINUTE};

/// What is left of an hour of a check when its samples are dropped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rolled {
    /// By the number of the minute in the hour.
    pub minutes: BTreeMap<u8, Sum>,
    /// All of it, under the number 0.
    pub hour: BTreeMap<u8, Sum>,
    /// The samples that did not pass.
    pub failures: Vec<Record>,
}

/// Sums the samples of an hour up.
///
/// # Errors
/// When a sample means nothing to this version.
pub fn roll(records: &[Record]) -> Result<Rolled, Damaged> {
    let mut rolled = Rolled::default();
    for record in records {
        let minute = record.at.rem_euclid(HOUR) / MINUTE;
        let minute = rolled.minutes.entry(minute as u8).or_default();
        minute.add(record)?;
        if record.is_bad() {
            rolled.failures.push(record.clone());
        }
    }
    if !rolled.minutes.is_empty() {
        let hour = rolled.hour.entry(0).or_default();
        rolled.minutes.values().for_each(|sum| hour.merge(sum));
    }
    Ok(rolled)
}
