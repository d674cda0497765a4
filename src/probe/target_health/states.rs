//! The states of targets, counted and judged. Pure.

use std::collections::BTreeMap;

use crate::expect::{Decimal, Inquiry, Matcher, Operator};
use crate::probe::Attempt;
use crate::sample::{Fault, Reason, Unit};

/// The states of all targets that were asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct States(Vec<State>);

/// A target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Its address.
    pub(super) target: String,
    /// As Elastic Load Balancing calls it: `healthy`, `unhealthy`, `unhealthy.draining` …
    pub(super) state: String,
    /// Why it is not healthy: `Target.Timeout`.
    pub(super) reason: Option<String>,
}

impl State {
    /// The reading that it counts for; a state that is new to us is one that is not used.
    fn reading(&self) -> &'static str {
        match self.state.as_str() {
            "healthy" => "healthy",
            "unhealthy" => "unhealthy",
            "initial" => "initial",
            "draining" | "unhealthy.draining" => "draining",
            _ => "unused",
        }
    }
}

impl States {
    pub(super) fn add(&mut self, states: impl Iterator<Item = State>) {
        self.0.extend(states);
    }

    fn count(&self, reading: &str) -> usize {
        match reading {
            "targets" => self.0.len(),
            reading => self.0.iter().filter(|it| it.reading() == reading).count(),
        }
    }

    pub(super) fn record(&self, attempt: &mut Attempt) {
        for (name, ..) in super::READINGS {
            attempt.reading(name, self.count(name) as f64, Unit::Number);
        }
    }

    pub(super) fn judge(&self, expected: &BTreeMap<String, Matcher>) -> Result<(), Fault> {
        let unused = self.count("unused");
        if unused > 0 && unused == self.0.len() {
            let detail = format!(
                "none of {unused} targets is looked at{}",
                self.reasons("unused")
            );
            return Err(Fault::new(Reason::NoData, detail));
        }
        // What is ill says more than that too few are well.
        let (ill, others): (Vec<_>, Vec<_>) =
            expected.iter().partition(|(name, _)| *name == "unhealthy");
        let mut inquiry = Inquiry::default();
        for (name, matcher) in ill.into_iter().chain(others) {
            inquiry.ask(|| {
                let mismatch = matcher.judge(&self.count(name).into()).mismatch()?;
                let reasons = self.reasons("unhealthy");
                Some(format!("{name} targets: {mismatch}{reasons}"))
            });
        }
        inquiry.end()
    }

    /// The first targets that count for a reading, with their reasons, as the end of a message.
    fn reasons(&self, reading: &str) -> String {
        let found = self.0.iter().filter(|it| it.reading() == reading);
        let shown: Vec<String> = found
            .take(MOST_SHOWN)
            .map(|it| match &it.reason {
                Some(reason) => format!("{} {reason}", it.target),
                None => it.target.clone(),
            })
            .collect();
        match shown.is_empty() {
            true => String::new(),
            false => format!("; {}", shown.join(", ")),
        }
    }
}

/// What is expected of `healthy` where the check does not say.
pub(super) fn at_least_one() -> Matcher {
    Matcher::of(Operator::AtLeast(Decimal::from(&serde_json::Number::from(
        1,
    ))))
}

/// Enough to see whether they fail alike.
const MOST_SHOWN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn states(states: &[(&str, Option<&str>)]) -> States {
        let numbered = states.iter().zip(1..);
        States(
            numbered
                .map(|((state, reason), number)| State {
                    target: format!("10.0.0.{number}:80"),
                    state: (*state).to_owned(),
                    reason: reason.map(str::to_owned),
                })
                .collect(),
        )
    }

    #[test]
    fn each_mix_of_states_says_what_it_means() {
        let expected = BTreeMap::from([
            ("unhealthy".to_owned(), Matcher::equal(0)),
            ("healthy".to_owned(), at_least_one()),
        ]);
        let cases = [
            (states(&[("healthy", None), ("initial", None)]), None),
            (states(&[("healthy", None), ("draining", None)]), None),
            (
                states(&[]),
                Some((
                    Reason::Expectation,
                    "healthy targets: expected { ge: 1 }, got 0",
                )),
            ),
            (
                states(&[("unhealthy", Some("Target.Timeout"))]),
                Some((
                    Reason::Expectation,
                    "unhealthy targets: expected 0, got 1; 10.0.0.1:80 Target.Timeout (1 more not \
                     evaluated)",
                )),
            ),
            (
                states(&[("unused", Some("Target.NotInUse")), ("unavailable", None)]),
                Some((
                    Reason::NoData,
                    "none of 2 targets is looked at; 10.0.0.1:80 Target.NotInUse, 10.0.0.2:80",
                )),
            ),
        ];
        for (states, judged) in cases {
            let met = states.judge(&expected).err();
            let met = met
                .as_ref()
                .map(|fault| (fault.reason, fault.detail.as_str()));
            assert_eq!(met, judged);
        }
    }
}
