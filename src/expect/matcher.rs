//! What can be expected of a value: the operators, and how they read in a message.

use std::fmt;

use serde_json::Value;

use super::Decimal;
use super::age::Age;

/// What is expected of a value: all of these operators hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Matcher {
    pub(super) operators: Vec<Operator>,
}

/// One expectation of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Operator {
    /// `eq`, and a bare value.
    Equal(Value),
    /// `ne`
    NotEqual(Value),
    /// `lt`
    Less(Decimal),
    /// `le`
    AtMost(Decimal),
    /// `gt`
    Greater(Decimal),
    /// `ge`
    AtLeast(Decimal),
    /// `in`
    In(Vec<Value>),
    /// `contains`: a part of a text, or an element of a list.
    Contains(Value),
    /// `not_contains`
    NotContains(Value),
    /// `starts_with`
    StartsWith(String),
    /// `ends_with`
    EndsWith(String),
    /// `matches`: a regular expression somewhere in the text.
    Matches(Pattern),
    /// `exists`
    Exists(bool),
    /// `type`
    Type(JsonType),
    /// `len`: of a list, a text, an object, or of what a path finds.
    Length(Matcher),
    /// `all` with a list of matchers: each of them holds for the value.
    All(Vec<Matcher>),
    /// `any` with a list of matchers: one of them holds for the value.
    Any(Vec<Matcher>),
    /// `each`, and `all` with one matcher: it holds for every element.
    EachElement(Matcher),
    /// `any` with one matcher: it holds for at least one element.
    AnyElement(Matcher),
    /// `not`
    Not(Matcher),
    /// `age`: how long ago the date is.
    Age(Age),
}

/// The names of the operators, as the user writes them.
pub const OPERATORS: &[&str] = &[
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "in",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "matches",
    "exists",
    "type",
    "len",
    "all",
    "any",
    "each",
    "not",
    "age",
];

/// A regular expression whose matching takes time in proportion to the text.
#[derive(Clone, Debug)]
pub struct Pattern(regex::Regex);

impl Pattern {
    /// Reads a regular expression.
    ///
    /// # Errors
    /// What is wrong with it, on one line; also when it is too large.
    pub fn parse(text: &str) -> Result<Self, String> {
        regex::RegexBuilder::new(text)
            .size_limit(LARGEST_PATTERN)
            .dfa_size_limit(LARGEST_PATTERN)
            .build()
            .map(Self)
            .map_err(|error| {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                last.trim().trim_start_matches("error: ").to_owned()
            })
    }

    /// What the expression finds in `text`: its first group, or all of it where it has none.
    #[must_use]
    pub fn first_in<'t>(&self, text: &'t str) -> Option<&'t str> {
        let found = self.0.captures(text)?;
        let group = found.get(1).or_else(|| found.get(0));
        group.map(|group| group.as_str())
    }

    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the expression is found in `text`.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// How many bytes a compiled regular expression may take.
const LARGEST_PATTERN: usize = 1 << 20;

/// The sort of a JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    /// An object.
    Object,
    /// A list.
    Array,
    /// A text.
    String,
    /// Any number.
    Number,
    /// A number without a fraction; `1.0` is one.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// `null`
    Null,
}

impl JsonType {
    /// All types, with the names that JSON Schema gives them.
    pub const NAMED: &[(&str, Self)] = &[
        ("object", Self::Object),
        ("array", Self::Array),
        ("string", Self::String),
        ("number", Self::Number),
        ("integer", Self::Integer),
        ("boolean", Self::Boolean),
        ("null", Self::Null),
    ];

    /// Whether `value` is of this type.
    #[must_use]
    pub fn is_of(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Integer, Value::Number(number)) => Decimal::from(number).is_integer(),
            (Self::Number, Value::Number(_))
            | (Self::Object, Value::Object(_))
            | (Self::Array, Value::Array(_))
            | (Self::String, Value::String(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::Null, Value::Null) => true,
            _ => false,
        }
    }

    /// The name of the type of `value`.
    #[must_use]
    pub const fn name_of(value: &Value) -> &'static str {
        match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }
}

impl Matcher {
    /// Makes the matcher that expects exactly this value.
    #[must_use]
    pub fn equal(value: impl Into<Value>) -> Self {
        Self::of(Operator::Equal(value.into()))
    }

    /// Makes a matcher of one operator.
    #[must_use]
    pub fn of(operator: Operator) -> Self {
        Self {
            operators: vec![operator],
        }
    }

    /// Makes a matcher of operators that must all hold; at least one.
    #[must_use]
    pub fn all_of(operators: Vec<Operator>) -> Self {
        Self { operators }
    }

    /// The operators, all of which must hold; at least one.
    #[must_use]
    pub fn operators(&self) -> &[Operator] {
        &self.operators
    }
}
