//! Figures of a server, each with what kept us from it where something did.
//!
//! A figure that our login may not see says nothing about the server: it is noted, and where the
//! check expects something of it, nothing is learnt. A figure that the server does not have (the
//! lag of replicas that are not there) is an answer, and an expectation of it does not hold.

use serde_json::Value;

use crate::expect::{Inquiry, Matcher};
use crate::probe::Attempt;
use crate::sample::{Fault, Reason, Unit};

/// What was seen of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// Its value.
    Number(f64),
    /// Our login may not see it.
    Hidden,
    /// There is none, and why: `no replica is connected`.
    Absent(&'static str),
    /// Not yet, and why: `a rate takes two runs`. That is ours: the server has one.
    NotYet(&'static str),
}

impl Seen {
    /// The number, where there is one that is finite; else absent for this reason.
    #[must_use]
    pub fn or_absent(number: Option<f64>, why: &'static str) -> Self {
        number
            .filter(|number| number.is_finite())
            .map_or(Self::Absent(why), Self::Number)
    }
}

/// All figures of one run, in the order in which they are reported.
#[derive(Debug, Default)]
pub struct Figures(Vec<(&'static str, Unit, Seen)>);

/// What is expected of figures, by name. Several figures may be expected, each once.
pub type Expected<'a> = [(&'static str, Option<&'a Matcher>)];

impl Figures {
    /// Adds a figure.
    pub fn put(&mut self, name: &'static str, unit: Unit, seen: Seen) {
        self.0.push((name, unit, seen));
    }

    /// Adds what others hold.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// What was seen of a figure; absent when nobody asked for it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Seen> {
        let found = self.0.iter().find(|(known, ..)| *known == name);
        found.map(|(.., seen)| *seen)
    }

    /// Reports the numbers as readings; notes what our login may not see, and which `grant` would
    /// let it.
    pub fn record(&self, attempt: &mut Attempt, grant: &str) {
        for (name, unit, seen) in &self.0 {
            if let Seen::Number(value) = seen {
                attempt.reading(name, *value, *unit);
            }
        }
        let hidden = self.0.iter().filter(|(.., seen)| *seen == Seen::Hidden);
        let hidden: Vec<&str> = hidden.map(|(name, ..)| *name).collect();
        if !hidden.is_empty() {
            attempt.note(format!("not visible: {}; {grant}", hidden.join(", ")));
        }
    }

    /// Asks whether the figures that can be seen are as expected.
    pub fn ask(&self, expected: &Expected<'_>, inquiry: &mut Inquiry) {
        for (name, matcher) in expected {
            let (Some(matcher), Some(seen)) = (*matcher, self.get(name)) else {
                continue;
            };
            match seen {
                Seen::Hidden | Seen::NotYet(_) => {}
                Seen::Number(value) => {
                    inquiry.ask_of(name, matcher, |matcher, _| matcher.judge(&exact(value)));
                }
                Seen::Absent(why) => inquiry.ask(|| {
                    let mismatch = matcher.judge_absent().mismatch()?;
                    Some(format!("{name}: {mismatch}: {why}"))
                }),
            }
        }
    }

    /// That nothing is expected of a figure which our login may not see, or which this run cannot tell
    /// yet.
    ///
    /// # Errors
    /// [`Reason::NotPermitted`] with the figures, and the grant that would show them;
    /// [`Reason::NoData`].
    pub fn visible(&self, expected: &Expected<'_>, grant: &str) -> Result<(), Fault> {
        let hidden = expected
            .iter()
            .filter(|(name, matcher)| matcher.is_some() && self.get(name) == Some(Seen::Hidden));
        let hidden: Vec<&str> = hidden.map(|(name, _)| *name).collect();
        if hidden.is_empty() {
            return self.told(expected);
        }
        let names = hidden.join(", ");
        let detail = format!("{names} cannot be seen; {grant}");
        Err(Fault::new(Reason::NotPermitted, detail))
    }

    fn told(&self, expected: &Expected<'_>) -> Result<(), Fault> {
        let untold = expected.iter().find_map(|(name, matcher)| {
            let Some((_, Seen::NotYet(why))) = matcher.zip(self.get(name)) else {
                return None;
            };
            let detail = format!("{name}: there is none yet, {why}");
            Some(Fault::new(Reason::NoData, detail))
        });
        untold.map_or(Ok(()), Err)
    }
}

/// A whole number as one, so that it is shown and compared as people write it.
fn exact(value: f64) -> Value {
    /// Beyond it not every whole number is a float of its own.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= WHOLE {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
        return Value::from(value as i64);
    }
    Value::from(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn figures() -> Figures {
        let mut figures = Figures::default();
        figures.put("connections", Unit::Number, Seen::Number(12.0));
        figures.put("longest_transaction", Unit::Seconds, Seen::Hidden);
        figures.put(
            "lag",
            Unit::Seconds,
            Seen::Absent("no replica is connected"),
        );
        figures
    }

    fn matcher(written: Value) -> Matcher {
        serde_json::from_value(written).unwrap()
    }

    /// What is told of figures that are not as expected.
    fn wrong_of(figures: &Figures, expected: &Expected<'_>) -> String {
        let mut inquiry = Inquiry::default();
        figures.ask(expected, &mut inquiry);
        let unmet = inquiry.unmet();
        unmet.map(|unmet| unmet.told()).unwrap_or_default()
    }

    #[test]
    fn what_is_seen_is_compared_and_what_is_absent_is_not_as_expected() {
        let (ten, any, twelve) = (
            matcher(json!({"lt": 10})),
            matcher(json!({"lt": 1})),
            matcher(json!(12)),
        );
        let none = matcher(json!({"exists": false}));
        let wrong = |expected: &Expected<'_>| wrong_of(&figures(), expected);
        assert_eq!(
            wrong(&[
                ("connections", Some(&ten)),
                ("lag", Some(&any)),
                ("longest_transaction", Some(&any))
            ]),
            "connections: expected { lt: 10 }, got 12 (1 more not evaluated)",
        );
        assert_eq!(
            wrong(&[("lag", Some(&any))]),
            "lag: expected { lt: 1 }, got nothing: no replica is connected"
        );
        assert_eq!(
            wrong(&[("connections", Some(&twelve)), ("lag", Some(&none))]),
            ""
        );
        assert_eq!(wrong(&[("connections", None)]), "");
    }

    #[test]
    fn what_may_not_be_seen_teaches_nothing_where_it_is_expected() {
        let any = matcher(json!({"ge": 0}));
        let grant = "grant pg_monitor to reader";
        assert!(
            figures()
                .visible(&[("connections", Some(&any))], grant)
                .is_ok()
        );
        assert!(
            figures()
                .visible(&[("longest_transaction", None)], grant)
                .is_ok()
        );
        let told = figures()
            .visible(&[("longest_transaction", Some(&any))], grant)
            .unwrap_err();
        assert_eq!(told.reason, Reason::NotPermitted);
        assert_eq!(
            told.detail,
            "longest_transaction cannot be seen; grant pg_monitor to reader"
        );
    }

    #[test]
    fn what_cannot_be_told_yet_is_no_failure_and_no_pass() {
        let mut figures = figures();
        figures.put("rate", Unit::Number, Seen::NotYet("a rate takes two runs"));
        let (any, ten) = (matcher(json!({"ge": 0})), matcher(json!({"lt": 10})));
        for matcher in [&any, &matcher(json!({"exists": false}))] {
            let expected = [("rate", Some(matcher))];
            assert_eq!(wrong_of(&figures, &expected), "");
            let told = figures.visible(&expected, "").unwrap_err();
            assert_eq!(told.reason, Reason::NoData);
            let detail = "rate: there is none yet, a rate takes two runs";
            assert_eq!(told.detail, detail);
        }
        assert!(figures.visible(&[("rate", None)], "").is_ok());
        // What is wrong beside is told first.
        let wrong = wrong_of(
            &figures,
            &[("rate", Some(&any)), ("connections", Some(&ten))],
        );
        assert_eq!(wrong, "connections: expected { lt: 10 }, got 12");
    }

    #[test]
    fn a_number_that_is_none_is_absent() {
        for number in [None, Some(f64::NAN), Some(f64::INFINITY)] {
            assert_eq!(Seen::or_absent(number, "why"), Seen::Absent("why"));
        }
        assert_eq!(exact(3.0), json!(3));
        assert_eq!(exact(2.5), json!(2.5));
    }
}
