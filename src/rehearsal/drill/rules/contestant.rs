//! The rules by their names, as `--compare` takes them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Rule;
use super::argo::Argo;
use super::cloudwatch::CloudWatch;
use super::flagger::Flagger;
use super::k6::K6;
use super::ours::Ours;
use super::three_in_a_row::ThreeInARow;
use crate::quantity::{Span, human};
use crate::rehearsal::drill::layout::Trial;

/// A rule by its name and its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contestant {
    /// The judge of this program, by the policy.
    Ours,
    /// Three failures in a row.
    ThreeInARow,
    /// Argo Rollouts with this `failureLimit`.
    Argo(u32),
    /// Flagger with this `threshold`.
    Flagger(u32),
    /// A CloudWatch alarm: so many datapoints out of so many.
    CloudWatch(u32, u32),
    /// k6 with `abortOnFail` and this `delayAbortEval`.
    K6(Duration),
}

/// A name that no rule has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no rule `{0}`; there are three-in-a-row, argo:0, argo:3, flagger:5, cloudwatch:3of3, \
     cloudwatch:2of3, k6:10s and k6:60s (other numbers as well), and all"
)]
pub struct ContestantError(String);

/// What the documentation of Argo Rollouts shows most.
const ARGO_FAILURE_LIMIT: u32 = 3;
/// What the documentation of Flagger shows most.
const FLAGGER_THRESHOLD: u32 = 5;
/// What the documentation of k6 shows most.
const K6_DELAY: Duration = Duration::from_secs(10);
/// CloudWatch evaluates at most a day of periods, and this is a day of minutes.
const MOST_DATAPOINTS: u32 = 1_440;

impl Contestant {
    /// The rules of other tools that `all` stands for.
    pub const OTHERS: [Self; 8] = [
        Self::ThreeInARow,
        Self::Argo(0),
        Self::Argo(3),
        Self::Flagger(FLAGGER_THRESHOLD),
        Self::CloudWatch(3, 3),
        Self::CloudWatch(2, 3),
        Self::K6(K6_DELAY),
        Self::K6(Duration::from_secs(60)),
    ];

    /// The rules that a value of `--compare` names.
    ///
    /// # Errors
    /// When no rule has this name.
    pub fn named(name: &str) -> Result<Vec<Self>, ContestantError> {
        match name {
            "all" => Ok(Self::OTHERS.to_vec()),
            "argo" => Ok(vec![Self::Argo(0), Self::Argo(ARGO_FAILURE_LIMIT)]),
            "cloudwatch" => Ok(vec![Self::CloudWatch(3, 3), Self::CloudWatch(2, 3)]),
            "k6" => Ok(vec![Self::K6(K6_DELAY), Self::K6(Duration::from_secs(60))]),
            _ => name.parse().map(|one| vec![one]),
        }
    }

    /// The rule, made for a trial.
    #[must_use]
    pub fn rule(self, trial: &Trial) -> Box<dyn Rule> {
        match self {
            Self::Ours => Box::new(Ours::new(trial)),
            Self::ThreeInARow => Box::new(ThreeInARow::new(trial)),
            Self::Argo(failure_limit) => Box::new(Argo::new(trial, failure_limit)),
            Self::Flagger(threshold) => Box::new(Flagger::new(trial, threshold)),
            Self::CloudWatch(breaching, of) => Box::new(CloudWatch::new(trial, breaching, of)),
            Self::K6(delay) => Box::new(K6::new(trial, delay)),
        }
    }
}

impl FromStr for Contestant {
    type Err = ContestantError;

    fn from_str(text: &str) -> Result<Self, ContestantError> {
        let unknown = || ContestantError(text.to_owned());
        let (name, setting) = match text.split_once(':') {
            Some((name, setting)) => (name, Some(setting)),
            None => (text, None),
        };
        let number = |otherwise| match setting {
            Some(setting) => setting.parse::<u32>().map_err(|_| unknown()),
            None => Ok(otherwise),
        };
        match name {
            "three-in-a-row" if setting.is_none() => Ok(Self::ThreeInARow),
            "argo" => number(ARGO_FAILURE_LIMIT).map(Self::Argo),
            "flagger" => match number(FLAGGER_THRESHOLD)? {
                0 => Err(unknown()),
                threshold => Ok(Self::Flagger(threshold)),
            },
            "cloudwatch" => {
                let (breaching, of) = setting
                    .and_then(|setting| setting.split_once("of"))
                    .ok_or_else(unknown)?;
                let breaching = breaching.parse().map_err(|_| unknown())?;
                let of = of.parse().map_err(|_| unknown())?;
                if (1..=of).contains(&breaching) && of <= MOST_DATAPOINTS {
                    Ok(Self::CloudWatch(breaching, of))
                } else {
                    Err(unknown())
                }
            }
            "k6" => match setting {
                Some(setting) => Span::parse(setting)
                    .map(|span| Self::K6(span.0))
                    .map_err(|_| unknown()),
                None => Ok(Self::K6(K6_DELAY)),
            },
            _ => Err(unknown()),
        }
    }
}

/// The name by which a report and `--compare` know it.
impl fmt::Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Ours => "smokejumper".to_owned(),
            Self::ThreeInARow => "three-in-a-row".to_owned(),
            Self::Argo(limit) => format!("argo:{limit}"),
            Self::Flagger(threshold) => format!("flagger:{threshold}"),
            Self::CloudWatch(breaching, of) => format!("cloudwatch:{breaching}of{of}"),
            // In seconds as far as they are whole, as the documentation of k6 writes them.
            Self::K6(delay) if delay.subsec_nanos() == 0 => format!("k6:{}s", delay.as_secs()),
            Self::K6(delay) => format!("k6:{}", human(*delay)),
        };
        f.pad(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_found_by_the_name_that_it_shows() {
        for contestant in Contestant::OTHERS {
            let name = contestant.to_string();
            assert_eq!(Contestant::named(&name), Ok(vec![contestant]), "{name}");
        }
        assert_eq!(Contestant::named("all").map(|all| all.len()), Ok(8));
        assert_eq!(Contestant::named("k6:1m"), Contestant::named("k6:60s"));
        assert_eq!(
            Contestant::named("cloudwatch:5of10"),
            Ok(vec![Contestant::CloudWatch(5, 10)])
        );
    }

    #[test]
    fn what_is_no_rule_is_named_in_the_message() {
        for wrong in [
            "",
            "kayenta",
            "argo:x",
            "argo:-1",
            "flagger:0",
            "cloudwatch:4of3",
            "cloudwatch:0of3",
            "cloudwatch:1of2000",
            "k6:soon",
            "three-in-a-row:3",
            "smokejumper",
        ] {
            let error = Contestant::named(wrong).expect_err(wrong);
            assert!(error.to_string().contains(&format!("`{wrong}`")));
        }
    }
}
