//! Applying a matcher to what was found: Kleene's three-valued logic, so that what cannot be told
//! stays so under `not`, and under `all` and `any` unless the rest decides alone.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use super::age::{Age, Told};
use super::compare::{self, Origin};
use super::matcher::{JsonType, Matcher, Operator};
use super::path::Finds;
use super::shown::shown;
use super::{Answer, Mismatch};
use crate::clock::WallTime;

impl Matcher {
    /// What the matcher says of one JSON value.
    #[must_use]
    pub fn judge(&self, value: &Value) -> Answer {
        self.judge_at(value, None)
    }

    /// As [`Matcher::judge`], where it is known what time it is.
    #[must_use]
    pub fn judge_at(&self, value: &Value, now: Option<WallTime>) -> Answer {
        self.told_of(&[value], Sight::of(Origin::Json, now))
    }

    /// What the matcher says of a value that travels as text: a header, a field of Redis. There,
    /// `0` is also the number.
    #[must_use]
    pub fn judge_text(&self, text: &str) -> Answer {
        self.judge_text_at(text, None)
    }

    /// As [`Matcher::judge_text`], where it is known what time it is.
    #[must_use]
    pub fn judge_text_at(&self, text: &str, now: Option<WallTime>) -> Answer {
        // Most texts are as expected, which is told without making a value of them.
        if self.surely_holds(text) {
            return Answer::Holds;
        }
        let value = Value::String(text.to_owned());
        self.told_of(&[&value], Sight::of(Origin::Text, now))
    }

    /// What the matcher says of a value that may stand several times, each of them a text: the values
    /// of a header. `each`, `any` and `all` ask of them one by one, everything else of all of them
    /// joined by a comma.
    #[must_use]
    pub fn judge_texts(&self, values: &[&str], now: Option<WallTime>) -> Answer {
        let Some((only, [])) = values.split_first() else {
            return self.of_several(values, Sight::of(Origin::Text, now));
        };
        match self.asks_elements() {
            true => self.of_several(values, Sight::of(Origin::Text, now)),
            false => self.judge_text_at(only, now),
        }
    }

    fn of_several(&self, values: &[&str], sight: Sight) -> Answer {
        if values.is_empty() {
            return self.told_of(&[], sight);
        }
        let joined = Value::String(values.join(", "));
        let apart = Value::from(values);
        let answer = every(self.operators.iter().map(|one| {
            let seen = if one.asks_elements() { &apart } else { &joined };
            one.on(&[seen], sight)
        }));
        answer.worded(|mismatch| self.whole(mismatch))
    }

    fn asks_elements(&self) -> bool {
        self.operators.iter().any(Operator::asks_elements)
    }

    /// Whether what it says depends on what time it is.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.operators.iter().any(Operator::is_dated)
    }

    /// What the matcher says of all that a path found in a body that did parse, at a time, where that
    /// is known.
    ///
    /// Nothing satisfies `exists: false` only. Several values can be asked for their number
    /// (`len`), for their presence, and one by one (`each`, `any`, `all`); any other question fits
    /// a single value and cannot be told of several. Where the path may find several, these ask of
    /// what was found also where that is a single value, and not of the value's own elements: what
    /// they mean must not depend on how many there happen to be.
    #[must_use]
    pub fn judge_found(&self, found: &[&Value], finds: Finds, now: Option<WallTime>) -> Answer {
        let is_list = finds == Finds::Several;
        let sight = Sight {
            is_list,
            ..Sight::of(Origin::Json, now)
        };
        self.told_of(found, sight)
    }

    /// What the matcher says where nothing is: a header that is missing.
    #[must_use]
    pub fn judge_absent(&self) -> Answer {
        self.told_of(&[], Sight::of(Origin::Text, None))
    }

    /// The answer in the words of the whole matcher.
    fn told_of(&self, found: &[&Value], sight: Sight) -> Answer {
        self.on(found, sight)
            .worded(|mismatch| self.whole(mismatch))
    }

    fn on(&self, found: &[&Value], sight: Sight) -> Answer {
        every(self.operators.iter().map(|one| one.on(found, sight)))
    }
}

/// How a value is looked at: as what, and at what time, where that is known.
#[derive(Clone, Copy)]
struct Sight {
    origin: Origin,
    now: Option<WallTime>,
    /// Whether a single value stands for a list of one.
    is_list: bool,
}

impl Sight {
    const fn of(origin: Origin, now: Option<WallTime>) -> Self {
        Self {
            origin,
            now,
            is_list: false,
        }
    }

    /// One element of what was looked at.
    const fn of_element(self) -> Self {
        Self::of(self.origin, self.now)
    }
}

impl Operator {
    /// Whether it asks of elements one by one.
    const fn asks_elements(&self) -> bool {
        matches!(self, Self::EachElement(_) | Self::AnyElement(_))
    }

    fn is_dated(&self) -> bool {
        match self {
            Self::Age(_) => true,
            Self::Not(matcher) | Self::EachElement(matcher) | Self::AnyElement(matcher) => {
                matcher.is_dated()
            }
            Self::All(matchers) | Self::Any(matchers) => matchers.iter().any(Matcher::is_dated),
            _ => false,
        }
    }

    fn age(&self, age: &Age, found: &[&Value], sight: Sight) -> Answer {
        let [one] = found else {
            return self.answer(None, found);
        };
        match age.judge(one, sight.origin, sight.now) {
            Told::Holds => Answer::Holds,
            Told::DoesNotHold(actual) => Answer::DoesNotHold(self.mismatch(actual)),
            Told::Unknown(actual) => Answer::CannotTell(self.mismatch(actual)),
        }
    }

    fn on(&self, found: &[&Value], sight: Sight) -> Answer {
        match self {
            Self::Exists(wanted) => self.answer(Some(*wanted != found.is_empty()), found),
            Self::Not(matcher) => self.negated(matcher.on(found, sight), found),
            Self::All(matchers) => every(matchers.iter().map(|one| one.on(found, sight))),
            Self::Any(matchers) => {
                self.some(matchers.iter().map(|one| one.on(found, sight)), found)
            }
            Self::EachElement(matcher) => self.over_elements(found, sight, |elements| {
                every(elements.map(|one| matcher.on(&[one], sight.of_element())))
            }),
            Self::AnyElement(matcher) => self.over_elements(found, sight, |elements| {
                let answers = elements.map(|one| matcher.on(&[one], sight.of_element()));
                self.some(answers, found)
            }),
            Self::Length(matcher) => self.length(matcher, found, sight),
            Self::Age(age) => self.age(age, found, sight),
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
                    [one] => self.of_one(one, sight.origin),
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
            | Self::Age(_)
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

    fn over_elements(
        &self,
        found: &[&Value],
        sight: Sight,
        judge: impl Fn(&mut dyn Iterator<Item = &Value>) -> Answer,
    ) -> Answer {
        match found {
            [] => self.answer(None, found),
            [_] if sight.is_list => judge(&mut found.iter().copied()),
            [Value::Array(elements)] => judge(&mut elements.iter()),
            [_] => self.answer(None, found),
            several => judge(&mut several.iter().copied()),
        }
    }

    fn length(&self, matcher: &Matcher, found: &[&Value], sight: Sight) -> Answer {
        let counted = match found {
            [] => return self.answer(None, found),
            several if sight.is_list || several.len() > 1 => Counted::Values(several.len()),
            [Value::Array(elements), ..] => Counted::Length(elements.len()),
            [Value::Object(members), ..] => Counted::Length(members.len()),
            [Value::String(text), ..] => Counted::Length(text.chars().count()),
            _ => return self.answer(None, found),
        };
        let (Counted::Values(length) | Counted::Length(length)) = counted;
        let mismatch = || self.mismatch(counted.to_string());
        match matcher.on(&[&Value::from(length)], Sight::of(Origin::Json, None)) {
            Answer::Holds => Answer::Holds,
            Answer::DoesNotHold(_) => Answer::DoesNotHold(mismatch()),
            Answer::CannotTell(_) => Answer::CannotTell(mismatch()),
        }
    }
}

/// What `len` counted.
enum Counted {
    /// What a path found.
    Values(usize),
    /// What one value consists of.
    Length(usize),
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(1) => f.write_str("1 value"),
            Self::Values(values) => write!(f, "{values} values"),
            Self::Length(length) => write!(f, "length {length}"),
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
                    let answer = read.on(&[&value], Sight::of(Origin::Text, None));
                    assert!(answer.holds(), "{matcher} of {text}: {answer:?}");
                }
            }
        }
        assert!(sure > 15, "the short way is taken at all: {sure}");
    }

    #[test]
    fn values_of_one_name_are_asked_one_by_one_or_joined() {
        let cases: &[(&str, &[&str], bool)] = &[
            (r#"{"each":{"starts_with":"a"}}"#, &["a1", "a2"], true),
            (r#"{"each":{"starts_with":"a"}}"#, &["a1"], true),
            (r#"{"each":{"starts_with":"a"}}"#, &["a1", "b"], false),
            (
                r#"{"any":{"eq":"b"},"contains":"a1, b"}"#,
                &["a1", "b"],
                true,
            ),
            (r#"{"any":"b"}"#, &[], false),
            (r#""a1, b""#, &["a1", "b"], true),
            (r#"{"exists":false}"#, &[], true),
            (r#"{"lt":5}"#, &["3"], true),
        ];
        for (matcher, values, holds) in cases {
            let read: Matcher = serde_json::from_str(matcher).unwrap();
            let answer = read.judge_texts(values, None);
            assert_eq!(
                answer.holds(),
                *holds,
                "{matcher} of {values:?}: {answer:?}"
            );
        }
    }

    #[test]
    fn what_depends_on_the_time_is_known_however_deep_it_stands() {
        for (matcher, is_dated) in [
            (r#"{"age":{"lt":"60s"}}"#, true),
            (r#"{"not":{"each":{"any":[1,{"age":{"gt":"1s"}}]}}}"#, true),
            (r#"{"len":{"lt":5}}"#, false),
        ] {
            let read: Matcher = serde_json::from_str(matcher).unwrap();
            assert_eq!(read.is_dated(), is_dated, "{matcher}");
        }
        let read: Matcher = serde_json::from_str(r#"{"age":{"lt":"60s"}}"#).unwrap();
        let now = WallTime::since_unix_epoch(std::time::Duration::from_secs(1_000));
        assert!(read.judge_at(&Value::from(970), Some(now)).holds());
        assert!(read.judge_text_at("970", Some(now)).holds());
        // Neither way where nobody knows what time it is.
        let negated: Matcher = serde_json::from_str(r#"{"not":{"age":{"lt":"60s"}}}"#).unwrap();
        assert!(!read.judge(&Value::from(970)).holds());
        assert!(!negated.judge(&Value::from(970)).holds());
    }
}
