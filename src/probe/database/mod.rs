//! What the kinds that look into a database share: answers to a query, figures that a login may or may not see, what
//! counters gained between two runs, which part a server has, how far its schema has been migrated.
//!
//! It speaks to nobody: the kinds ask, each in its own protocol, and hand over what they were told.
//! Called by `postgres`, `redis` and `mysql`.

mod answer;
mod figures;
mod gains;
mod limits;
mod migration;

use schemars::JsonSchema;
use serde::Deserialize;

pub use answer::{Answer, Column, Form, LookedAt, Row, TooManyRows};
pub use figures::{Expected, Figures, Seen};
pub use gains::{Gain, Gains};
pub use limits::limits;
pub use migration::{Migration, Revision, Source, Tool};

/// The part that a server has among those that hold the same data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It takes writes.
    Primary,
    /// It follows another server and only reads.
    Replica,
}

impl Role {
    /// What is wrong where another part was expected.
    #[must_use]
    pub fn mismatch(self, expected: Option<Self>) -> Option<String> {
        let expected = expected.filter(|expected| *expected != self)?;
        let (expected, is) = (expected.name(), self.name());
        Some(format!("role: expected {expected}, got {is}"))
    }

    /// As the language says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Replica => "replica",
        }
    }
}

/// Which figures a check gives beside its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metrics {
    /// All that the kind can give. Its page names them, with limits that suit most servers; two of
    /// those hold where the check declares no thresholds.
    Standard,
}

/// A hundred times the share that `part` is of `whole`; absent where there is no whole.
#[must_use]
pub fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part * 100.0 / whole)
}
