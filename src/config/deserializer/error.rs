//! What serde could not read: the message, the innermost value that it is about, the way there.

use std::fmt::Display;

use serde::de;

use crate::config::place::Place;
use crate::config::problem::{Code, Problem};
use crate::config::suggestion;
use crate::config::tree::Step;

/// An error of deserializing, to become a [`Problem`]. Boxed, for it travels in every result.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<Misread>);

#[derive(Clone, Debug, PartialEq)]
struct Misread {
    sort: Sort,
    message: String,
    help: Option<String>,
    place: Option<Place>,
    /// From the innermost step outwards.
    way: Vec<Step>,
}

/// What sort of error it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Refused by whoever reads the value.
    Refused,
    /// Of another type.
    Type,
    /// A key that must be there is not.
    Missing(String),
    /// A key that is not known.
    Unknown(String),
}

impl Error {
    /// Makes an error that does not know its place yet.
    #[must_use]
    pub fn new(sort: Sort, message: impl Into<String>) -> Self {
        Self(Box::new(Misread {
            sort,
            message: message.into(),
            help: None,
            place: None,
            way: Vec::new(),
        }))
    }

    /// The same error with what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The same error with what to write instead, where that is known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.0.help = help.or(self.0.help.take());
        self
    }

    /// The same error on its way out: through a step, with the place of the value there.
    #[must_use]
    pub fn under(mut self, step: Step, place: impl FnOnce() -> Place) -> Self {
        self.0.place.get_or_insert_with(place);
        self.0.way.push(step);
        self
    }

    /// What sort it is.
    #[must_use]
    pub const fn sort(&self) -> &Sort {
        &self.0.sort
    }

    /// The way from the outermost value to the one that it is about.
    #[must_use]
    pub fn path(&self) -> Vec<Step> {
        self.0.way.iter().rev().cloned().collect()
    }

    /// The problem to report. `owner` is the place of the outermost value.
    #[must_use]
    pub fn problem(&self, owner: &Place) -> Problem {
        let code = match self.0.sort {
            Sort::Refused => Code::BadValue,
            Sort::Type => Code::WrongType,
            Sort::Missing(_) => Code::MissingKey,
            Sort::Unknown(_) => Code::UnknownKey,
        };
        Problem::error(code, &self.0.message)
            .at(self.0.place.as_ref().unwrap_or(owner))
            .maybe_help(self.0.help.clone())
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    /// What follows a `;` in a message says what to write instead, as our own quantities have it.
    fn custom<T: Display>(message: T) -> Self {
        let message = message.to_string();
        match message.split_once("; ") {
            Some((wrong, help)) => Self::new(Sort::Refused, wrong).help(help),
            None => Self::new(Sort::Refused, message),
        }
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = described(&found);
        Self::new(Sort::Type, format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = described(&found);
        Self::new(Sort::Refused, format!("expected {expected}, found {found}"))
    }

    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Self {
        let message = format!("expected {expected}, found {length} items");
        Self::new(Sort::Refused, message)
    }

    fn missing_field(field: &'static str) -> Self {
        let message = format!("the key `{field}` is missing");
        Self::new(Sort::Missing(field.to_owned()), message).help(format!("add `{field}: …`"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(
            Sort::Unknown(field.to_owned()),
            format!("unknown key `{field}`"),
        )
        .maybe_help(suggestion::did_you_mean(field, expected.iter().copied()))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Sort::Refused, format!("`{variant}` is not known here"))
            .maybe_help(suggestion::did_you_mean(variant, expected.iter().copied()))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(
            Sort::Refused,
            format!("`{field}` is given twice, under two of its names"),
        )
    }
}

fn described(found: &de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Unit | de::Unexpected::Option => "nothing".to_owned(),
        de::Unexpected::Seq => "a list".to_owned(),
        de::Unexpected::Map => "a mapping".to_owned(),
        de::Unexpected::Bool(value) => format!("`{value}`"),
        de::Unexpected::Str(text) => format!("the text `{text}`"),
        de::Unexpected::Unsigned(number) => format!("the number `{number}`"),
        de::Unexpected::Signed(number) => format!("the number `{number}`"),
        de::Unexpected::Float(number) => format!("the number `{number}`"),
        other => other.to_string(),
    }
}
