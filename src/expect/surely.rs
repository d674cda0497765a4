//! The short way for the usual case: most texts are as expected, which is told without making a value of
//! them. What it cannot tell, `judge` does.

use serde_json::Value;

use super::matcher::{Matcher, Operator};

impl Matcher {
    /// Whether the matcher holds of a text as a text, told without making a value of it. Where it
    /// does not, the long way may still find that it holds.
    pub(super) fn surely_holds(&self, text: &str) -> bool {
        self.operators.iter().all(|one| one.surely_holds(text))
    }
}

impl Operator {
    /// Whether it holds of a text as a text. Where it does not, it may still hold of the number or
    /// the truth value that the text also is.
    fn surely_holds(&self, text: &str) -> bool {
        let is = |value: &Value| value.as_str() == Some(text);
        match self {
            Self::Equal(expected) => is(expected),
            Self::In(values) => values.iter().any(is),
            Self::Contains(part) => part.as_str().is_some_and(|part| text.contains(part)),
            Self::NotContains(part) => part.as_str().is_some_and(|part| !text.contains(part)),
            Self::StartsWith(start) => text.starts_with(start),
            Self::EndsWith(end) => text.ends_with(end),
            Self::Matches(pattern) => pattern.is_in(text),
            Self::Exists(wanted) => *wanted,
            Self::All(matchers) => matchers.iter().all(|one| one.surely_holds(text)),
            Self::Any(matchers) => matchers.iter().any(|one| one.surely_holds(text)),
            Self::NotEqual(_)
            | Self::Less(_)
            | Self::AtMost(_)
            | Self::Greater(_)
            | Self::AtLeast(_)
            | Self::Type(_)
            | Self::Length(_)
            | Self::EachElement(_)
            | Self::AnyElement(_)
            | Self::Age(_)
            | Self::Not(_) => false,
        }
    }
}
