//! Applying a matcher to what was found: Kleene's three-valued logic, so that what cannot be told
//! stays so under `not`, and under `all` and `any` unless the rest decides alone.

use std::cmp::Ordering;

use serde_json::Value;

use super::compare::{self, Origin};
use super::matcher::{JsonType, Matcher, Operator};
use super::shown::shown;
use super::{Answer, Mismatch};

impl Matcher {
    /// What the matcher says of one JSON value.
    #[must_use]
    pub fn judge(&self, value: &Value) -> Answer {
        self.on(&[value], Origin::Json)
    }

    /// What the matcher says of a value that travels as text: a header, a field of Redis. There,
    /// `0` is also the number.
    #[must_use]
    pub fn judge_text(&self, text: &str) -> Answer {
        // Most texts are as expected, which is told without making a value of them.
        if self.surely_holds(text) {
            return Answer::Holds;
        }
        self.on(&[&Value::String(text.to_owned())], Origin::Text)
    }

    /// What the matcher says of all that a path found in a body that did parse.
    ///
    /// Nothing satisfies `exists: false` only. Several values can be asked for their number
    /// (`len`), for their presence, and one by one (`each`, `any`, `all`); any other question fits
    /// a single value and cannot be told of several.
    #[must_use]
    pub fn judge_found(&self, found: &[&Value]) -> Answer {
        self.on(found, Origin::Json)
    }

    /// What the matcher says where nothing is: a header that is missing.
    #[must_use]
    pub fn judge_absent(&self) -> Answer {
        self.on(&[], Origin::Text)
    }

    /// Whether the matcher holds of a text as a text, told without making a value of it. Where it
    /// does not, the long way may still find that it holds.
    pub(super) fn surely_holds(&self, text: &str) -> bool {
        self.operators.iter().all(|one| one.surely_holds(text))
    }

    fn on(&self, found: &[&Value], origin: Origin) -> Answer {
        every(self.operators.iter().map(|one| one.on(found, origin)))
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
            | Self::Not(_) => false,
        }
    }

    fn on(&self, found: &[&Value], origin: Origin) -> Answer {
        match self {
            Self::Exists(wanted) => self.answer(Some(*wanted != found.is_empty()), found),
            Self::Not(matcher) => self.negated(matcher.on(found, origin), found),
            Self::All(matchers) => every(matchers.iter().map(|one| one.on(found, origin))),
            Self::Any(matchers) => {
                self.some(matchers.iter().map(|one| one.on(found, origin)), found)
            }
            Self::EachElement(matcher) => self.over_elements(found, |elements| {
                every(elements.iter().map(|one| matcher.on(&[one], origin)))
            }),
            Self::AnyElement(matcher) => self.over_elements(found, |elements| {
                self.some(elements.iter().map(|one| matcher.on(&[one], origin)), found)
            }),
            Self::Length(matcher) => self.length(matcher, found),
            Self::Equal(_)
            | Self::NotEqual(_)
            | Self::Less(_)
            | Self::AtMost(_)
            | Self::Greater(_)
            | Self::AtLeast(_)
            | Self::In(_)
            | Self::Contains(_)
            | Self::NotContains(_)
            | Self::StartsWith(_)
            | Self::EndsWith(_)
            | Self::Matches(_)
            | Self::Type(_) => {
                let told = match found {
                    [one] => self.of_one(one, origin),
                    _ => None,
                };
                self.answer(told, found)
            }
        }
    }

    /// Whether the operator holds of a single value; absent when the question does not fit it.
    fn of_one(&self, value: &Value, origin: Origin) -> Option<bool> {
        let order = |limit| compare::order(value, limit, origin);
        match self {
            Self::Equal(expected) => compare::equal(expected, value, origin),
            Self::NotEqual(expected) => compare::equal(expected, value, origin).map(|same| !same),
            Self::Less(limit) => order(limit).map(Ordering::is_lt),
            Self::AtMost(limit) => order(limit).map(Ordering::is_le),
            Self::Greater(limit) => order(limit).map(Ordering::is_gt),
            Self::AtLeast(limit) => order(limit).map(Ordering::is_ge),
            Self::In(values) => among(values, value, origin),
            Self::Contains(part) => contains(value, part),
            Self::NotContains(part) => contains(value, part).map(|there| !there),
            Self::StartsWith(start) => Some(value.as_str()?.starts_with(start)),
            Self::EndsWith(end) => Some(value.as_str()?.ends_with(end)),
            Self::Matches(pattern) => Some(pattern.is_in(value.as_str()?)),
            Self::Type(wanted) => Some(wanted.is_of(value)),
            Self::Exists(_)
            | Self::Not(_)
            | Self::All(_)
            | Self::Any(_)
            | Self::EachElement(_)
            | Self::AnyElement(_)
            | Self::Length(_) => None,
        }
    }

    fn answer(&self, told: Option<bool>, found: &[&Value]) -> Answer {
        match told {
            Some(true) => Answer::Holds,
            Some(false) => Answer::DoesNotHold(self.mismatch(actual(found))),
            None => Answer::CannotTell(self.mismatch(unfit(found))),
        }
    }

    fn mismatch(&self, actual: String) -> Mismatch {
        Mismatch {
            expected: self.to_string(),
            actual,
        }
    }

    fn negated(&self, answer: Answer, found: &[&Value]) -> Answer {
        match answer {
            Answer::Holds => Answer::DoesNotHold(self.mismatch(actual(found))),
            Answer::DoesNotHold(_) => Answer::Holds,
            Answer::CannotTell(mismatch) => Answer::CannotTell(self.mismatch(mismatch.actual)),
        }
    }

    /// Holds when one holds; cannot be told when none does and one cannot be told.
    fn some(&self, answers: impl Iterator<Item = Answer>, found: &[&Value]) -> Answer {
        let mut untold = false;
        for answer in answers {
            match answer {
                Answer::Holds => return Answer::Holds,
                Answer::DoesNotHold(_) => {}
                Answer::CannotTell(_) => untold = true,
            }
        }
        self.answer((!untold).then_some(false), found)
    }

    fn over_elements(&self, found: &[&Value], judge: impl Fn(&[&Value]) -> Answer) -> Answer {
        match found {
            [] => self.answer(None, found),
            [Value::Array(elements)] => judge(&elements.iter().collect::<Vec<_>>()),
            [_] => self.answer(None, found),
            several => judge(several),
        }
    }

    fn length(&self, matcher: &Matcher, found: &[&Value]) -> Answer {
        let length = match found {
            [] => return self.answer(None, found),
            [Value::Array(elements)] => elements.len(),
            [Value::Object(members)] => members.len(),
            [Value::String(text)] => text.chars().count(),
            [_] => return self.answer(None, found),
            several => several.len(),
        };
        match matcher.judge(&Value::from(length)) {
            Answer::Holds => Answer::Holds,
            Answer::DoesNotHold(_) => {
                Answer::DoesNotHold(self.mismatch(format!("length {length}")))
            }
            Answer::CannotTell(_) => Answer::CannotTell(self.mismatch(format!("length {length}"))),
        }
    }
}

/// Holds when all hold; what does not hold outweighs what cannot be told.
fn every(answers: impl Iterator<Item = Answer>) -> Answer {
    let mut untold = None;
    for answer in answers {
        match answer {
            Answer::Holds => {}
            Answer::DoesNotHold(_) => return answer,
            Answer::CannotTell(_) => untold = untold.or(Some(answer)),
        }
    }
    untold.unwrap_or(Answer::Holds)
}

fn among(values: &[Value], actual: &Value, origin: Origin) -> Option<bool> {
    let mut fits = None;
    for expected in values {
        match compare::equal(expected, actual, origin) {
            Some(true) => return Some(true),
            Some(false) => fits = Some(false),
            None => {}
        }
    }
    fits
}

fn contains(whole: &Value, part: &Value) -> Option<bool> {
    match (whole, part) {
        (Value::String(whole), Value::String(part)) => Some(whole.contains(part.as_str())),
        (Value::Array(elements), part) => Some(elements.iter().any(|one| compare::same(part, one))),
        _ => None,
    }
}

fn actual(found: &[&Value]) -> String {
    match found {
        [] => "nothing".to_owned(),
        [one] => shown(one),
        several => format!("{} values", several.len()),
    }
}

/// What was there, with the reason why the question does not fit it.
fn unfit(found: &[&Value]) -> String {
    match found {
        [] => "nothing".to_owned(),
        [Value::Null] => "null".to_owned(),
        [one] => format!(
            "{}, which is of type {}",
            shown(one),
            JsonType::name_of(one)
        ),
        several => format!(
            "{} values: say `each`, `any`, `all` or `len` of them",
            several.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_surely_holds_of_a_text_holds() {
        let matchers = [
            r#""ok""#,
            "0",
            "true",
            r#"{"in":["ok",0]}"#,
            r#"{"contains":"o"}"#,
            r#"{"contains":0}"#,
            r#"{"not_contains":"o"}"#,
            r#"{"not_contains":0}"#,
            r#"{"starts_with":"o"}"#,
            r#"{"ends_with":"k"}"#,
            r#"{"matches":"^[0-9]+$"}"#,
            r#"{"exists":true}"#,
            r#"{"exists":false}"#,
            r#"{"all":["ok",{"len":2}]}"#,
            r#"{"all":["ok",{"contains":"k"}]}"#,
            r#"{"any":[0,"ok"]}"#,
            r#"{"any":[0,{"lt":5}]}"#,
            r#"{"not":"ok"}"#,
            r#"{"starts_with":"o","ends_with":"x"}"#,
            r#"{"each":"ok"}"#,
            r#"{"type":"string"}"#,
        ];
        let mut sure = 0;
        for matcher in matchers {
            let read: Matcher = serde_json::from_str(matcher).unwrap();
            for text in ["", "ok", "0", "true", "0x0", "äö"] {
                if read.surely_holds(text) {
                    sure += 1;
                    let value = Value::String(text.to_owned());
                    let answer = read.on(&[&value], Origin::Text);
                    assert!(answer.holds(), "{matcher} of {text}: {answer:?}");
                }
            }
        }
        assert!(sure > 15, "the short way is taken at all: {sure}");
    }
}
