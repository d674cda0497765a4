//! From the numbers of several series to readings, and to the end of a run: shared by the kinds that read
//! series, whoever tells them. Pure but for what it reports to the attempt.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde_json::Value;

use crate::expect::{Inquiry, Matcher};
use crate::probe::{Attempt, Misfit};
use crate::sample::{Fault, Reason, Unit};
use crate::verdict::threshold::Subject;

/// What came of the readings of one run.
#[derive(Debug, Default, PartialEq)]
pub struct Told {
    /// The readings.
    pub readings: Vec<(String, f64, Unit)>,
    /// The readings without a value, and why.
    pub silent: Vec<(String, Cow<'static, str>)>,
    /// The readings whose series is not there, what that means, and in words what is not there.
    pub missing: Vec<(String, Absent, String)>,
}

/// So many readings one label gives at most.
const MOST_OF_A_LABEL: usize = 100;

/// Why there is no value.
const NOT_A_NUMBER: &str = "it is not a number";

impl Told {
    /// Keeps a number, which must be one.
    pub fn give(&mut self, name: &str, unit: Unit, value: f64) {
        if value.is_finite() {
            self.readings.push((name.to_owned(), value, unit));
        } else {
            self.silent(name, NOT_A_NUMBER);
        }
    }

    /// Keeps that a reading has no value.
    pub fn silent(&mut self, name: &str, why: impl Into<Cow<'static, str>>) {
        self.silent.push((name.to_owned(), why.into()));
    }

    /// Keeps that the series of a reading is not there.
    pub fn missing(&mut self, name: &str, unit: Unit, absent: Absent, what: String) {
        match absent {
            Absent::Zero => self.give(name, unit, 0.0),
            Absent::Fail | Absent::Unknown => self.missing.push((name.to_owned(), absent, what)),
        }
    }

    /// Makes one reading of several numbers, or one for each value of a label.
    pub fn fold<'a>(
        &mut self,
        name: &str,
        unit: Unit,
        fold: &Fold,
        values: impl Iterator<Item = (&'a str, f64)>,
    ) {
        if fold.each.is_none() {
            let values: Vec<f64> = values.map(|(_, value)| value).collect();
            return self.give(name, unit, folded(fold.take, &values));
        }
        let mut by_label: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (label, value) in values {
            by_label.entry(label).or_default().push(value);
        }
        for (label, values) in by_label.into_iter().take(MOST_OF_A_LABEL) {
            let name = match label {
                "" => name.to_owned(),
                label => format!("{name}.{label}"),
            };
            self.give(&name, unit, folded(fold.take, &values));
        }
    }

    /// Tells the attempt the readings, and judges the run. What fails goes before what cannot be told,
    /// and of that `besides` goes first.
    ///
    /// # Errors
    /// [`Reason::Expectation`] for what is not as expected, [`Reason::NoData`] for what is not there.
    pub fn end(
        &self,
        attempt: &mut Attempt,
        expected: &BTreeMap<String, impl AsRef<Matcher>>,
        besides: Option<Fault>,
    ) -> Result<(), Fault> {
        let mut matchers = expected.values().map(AsRef::as_ref);
        let now = attempt.wall_if(matchers.any(Matcher::is_dated));
        for (name, value, unit) in &self.readings {
            attempt.reading(name, *value, *unit);
        }
        let missing = |meant: Absent| {
            let of_that = self.missing.iter().filter(move |one| one.1 == meant);
            let words = of_that.map(|(name, _, what)| format!("{name}: {what}"));
            words.collect::<Vec<String>>()
        };
        let (mut failing, mut untold) = (Inquiry::at(now), Inquiry::default());
        for words in missing(Absent::Fail) {
            failing.ask(|| Some(words));
        }
        for words in missing(Absent::Unknown) {
            untold.ask(|| Some(words));
        }
        for (name, matcher) in expected {
            match self.readings.iter().find(|(known, ..)| known == name) {
                Some((_, value, _)) => failing.ask_of(name, matcher.as_ref(), |matcher, now| {
                    matcher.judge_at(&number(*value), now)
                }),
                None if self.missing.iter().any(|(known, ..)| known == name) => {}
                None => untold
                    .ask(|| Some(format!("{name}: no value, so that `expect` cannot be told"))),
            }
        }
        failing.end()?;
        if let Some(fault) = besides {
            return Err(fault);
        }
        if let Some(unmet) = untold.unmet() {
            let detail = unmet.told();
            let detail = match self.missing.is_empty() {
                true => detail,
                false => format!("{detail}; say what that means with `absent`"),
            };
            return Err(Fault::new(Reason::NoData, detail));
        }
        for (name, why) in &self.silent {
            attempt.note(format!("no {name}: {why}"));
        }
        Ok(())
    }
}

/// A whole number as one: `1`, and not `1.0`.
fn number(value: f64) -> Value {
    let whole = value as i64;
    // The conversion saturates, and beyond 2^53 not every whole number is a float.
    match whole as f64 == value && value.abs() < 9e15 {
        true => Value::from(whole),
        false => Value::from(value),
    }
}

/// Refuses the name of a reading that thresholds would take for something else.
///
/// # Errors
/// The misfit, at `read`.
pub fn check_name(name: &str) -> Result<(), Misfit> {
    if matches!(Subject::parse(name), Ok(Subject::Reading(_))) {
        return Ok(());
    }
    let message = format!("`{name}` is a summary of the check's own latency or outcome");
    let hint = format!("choose another name, as `users_{name}`");
    Err(Misfit::at(&["read", name], message).hint(hint))
}

/// The misfits of expectations of what is not among the readings; with `each`, the values of a label
/// follow the name.
pub fn strangers<'a>(
    expected: &'a BTreeMap<String, impl AsRef<Matcher>>,
    read: &'a [&'a str],
) -> impl Iterator<Item = Misfit> + 'a {
    let is_read = |name: &str| {
        read.iter().any(|known| {
            let rest = name.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let strange = expected.keys().filter(move |name| !is_read(name));
    strange.map(|name| {
        Misfit::at(&["expect", name], format!("`{name}` is not read"))
            .hint("name it below `read` first")
    })
}

/// What it means that a series is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Absent {
    /// The run fails.
    Fail,
    /// Nothing is learnt from the run.
    #[default]
    Unknown,
    /// It is a zero: nothing has happened yet that would be counted.
    Zero,
}

impl<'de> Deserialize<'de> for Absent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrZero;

        impl Visitor<'_> for WordOrZero {
            type Value = Absent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`fail`, `unknown` or `0`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Absent, E> {
                match text {
                    "fail" => Ok(Absent::Fail),
                    "unknown" => Ok(Absent::Unknown),
                    "0" => Ok(Absent::Zero),
                    other => Err(E::custom(format!(
                        "`{other}` is none of `fail`, `unknown` and `0`"
                    ))),
                }
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Absent, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Absent, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(WordOrZero)
    }
}

impl JsonSchema for Absent {
    fn schema_name() -> Cow<'static, str> {
        "Absent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What it means that a series is not there: the run fails, nothing is learnt from it, or it is a zero.",
            "enum": ["fail", "unknown", "0", 0]
        })
    }
}

/// How the numbers of several series become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// Their sum.
    Sum,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// Their mean.
    Avg,
    /// How many there are.
    Count,
}

/// How the numbers of several series become readings.
#[derive(Clone, Debug)]
pub struct Fold {
    /// How several become one.
    pub take: Take,
    /// The label whose values give readings of their own.
    pub each: Option<String>,
}

/// What a reading counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Counts {
    /// A plain number.
    #[default]
    Number,
    /// Seconds: limits may be `2s`.
    Seconds,
    /// Bytes.
    Bytes,
    /// A part of a whole, from 0 to 1: limits may be `5%`.
    Share,
}

impl Counts {
    /// The unit of the reading.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Number => Unit::Number,
            Self::Seconds => Unit::Seconds,
            Self::Bytes => Unit::Bytes,
            Self::Share => Unit::Share,
        }
    }
}

/// Makes one of several numbers.
fn folded(take: Take, values: &[f64]) -> f64 {
    let sum = || values.iter().sum::<f64>();
    // A float counts exactly up to 2^53, and there are at most some thousand.
    let count = values.len() as f64;
    match take {
        Take::Sum => sum(),
        Take::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Take::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
        Take::Avg => sum() / count,
        Take::Count => count,
    }
}
