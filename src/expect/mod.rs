//! Matchers over what a probe saw. Three-valued: holds, does not hold, cannot be told. Pure.
//!
//! A path that finds nothing, a body that is not JSON and a value of another type say nothing
//! about the expectation: it cannot be told, and negating it does not make it hold. The kinds of
//! check read matchers from their settings and apply them to an answer; nothing here reads or
//! sends one.

mod age;
mod compare;
mod decimal;
mod document;
mod judge;
mod matcher;
mod path;
mod read;
mod shown;
mod sieve;
mod surely;
mod undated;
mod unmet;
mod unordered;
mod walk;
mod written;

pub use decimal::Decimal;
pub use document::{Document, JsonExpectations};
pub use matcher::{JsonType, Matcher, OPERATORS, Operator, Pattern};
pub use path::{Finds, Path};
pub use shown::shown;
pub use undated::Undated;
pub use unmet::{Inquiry, Unmet};
pub use unordered::Unordered;

use std::fmt;

/// What a matcher says of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The value is as expected.
    Holds,
    /// The value is of the right sort and not as expected.
    DoesNotHold(Mismatch),
    /// There is no value, or one that the question does not fit.
    CannotTell(Mismatch),
}

/// What was expected and what was there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The expectation, in a few words.
    pub expected: String,
    /// What was there, shortened.
    pub actual: String,
}

impl Answer {
    /// Whether the expectation holds; what cannot be told does not.
    #[must_use]
    pub const fn holds(&self) -> bool {
        matches!(self, Self::Holds)
    }

    /// The same with what is wrong in other words.
    fn worded(self, word: impl FnOnce(Mismatch) -> Mismatch) -> Self {
        match self {
            Self::Holds => Self::Holds,
            Self::DoesNotHold(mismatch) => Self::DoesNotHold(word(mismatch)),
            Self::CannotTell(mismatch) => Self::CannotTell(word(mismatch)),
        }
    }

    /// What is wrong, where something is.
    #[must_use]
    pub fn mismatch(self) -> Option<Mismatch> {
        match self {
            Self::Holds => None,
            Self::DoesNotHold(mismatch) | Self::CannotTell(mismatch) => Some(mismatch),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, got {}", self.expected, self.actual)
    }
}

#[cfg(test)]
mod tests;
