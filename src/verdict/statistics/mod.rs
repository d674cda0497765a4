//! The statistics that verdicts and reports rest on: intervals, tails, quantiles, dispersion, power.
//!
//! Plain functions of numbers; nothing here knows of checks, limits or verdicts. All of them are
//! total: a question that makes no sense (more bad samples than samples, a rate that is not a
//! number) is answered as if nothing had been seen, because nonsense is no evidence. Rates are
//! shares from 0 to 1, and so are confidences. Called by the judge and by whoever explains it.

mod beta;
mod dispersion;
mod interval;
mod order;
mod power;
mod tail;

pub use dispersion::{BlockCount, dispersion};
pub use interval::{Interval, clopper_pearson, lower_bound, upper_bound};
pub use order::{
    Bounds, order_statistic_ranks, quantile_bounds, upper_quantile_rank, woodruff_ranks,
};
pub use power::{excluded_rate, samples_to_exclude};
pub use tail::{at_least, at_most, normal_quantile};

/// Whether a number is a share: from 0 to 1, and a number.
fn is_share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

/// Whether a confidence leaves something to be wrong about: above 0 and below 1.
fn is_confidence(value: f64) -> bool {
    value > 0.0 && value < 1.0
}
