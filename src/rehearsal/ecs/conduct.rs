//! How a service deploys: its `deploymentConfiguration`, read once and shown again as it came.

use std::time::Duration;

use serde_json::{Value, json};

use super::operations::Refusal;
use super::parameters;
use super::stages::Stage;

/// The deployment configuration of a service, and of each of its deployments as it began.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conduct {
    pub(super) strategy: Strategy,
    /// After the traffic has shifted; for rolling, after the new tasks run while alarms are watched.
    pub(super) bake: Option<Duration>,
    pub(super) hooks: Vec<PauseHook>,
    pub(super) breaker: Breaker,
    pub(super) alarms: Alarms,
    document: Value,
}

/// How new tasks take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strategy {
    Rolling,
    BlueGreen,
    /// Equal steps of so many thousandths, with a wait after each.
    Linear {
        step: u32,
        wait: Duration,
    },
    /// A first step of so many thousandths, a wait, then the rest.
    Canary {
        first: u32,
        wait: Duration,
    },
}

impl Strategy {
    /// Whether a second set of tasks runs beside the first and takes the traffic over.
    pub(super) const fn has_two_sides(self) -> bool {
        !matches!(self, Self::Rolling)
    }
}

/// A hook at which a deployment waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PauseHook {
    pub(super) stages: Vec<Stage>,
    pub(super) timeout: Duration,
    pub(super) at_timeout: HookAction,
}

/// How a hook is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookAction {
    Continue,
    RollBack,
}

impl HookAction {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Continue => "CONTINUE",
            Self::RollBack => "ROLLBACK",
        }
    }

    /// Reads an action; nothing when none is named.
    pub(super) fn read(input: &Value, name: &str) -> Result<Option<Self>, Refusal> {
        match parameters::text(input, name)? {
            None => Ok(None),
            Some("CONTINUE") => Ok(Some(Self::Continue)),
            Some("ROLLBACK") => Ok(Some(Self::RollBack)),
            Some(other) => Err(Refusal::invalid(format!(
                "The action {other} is not valid."
            ))),
        }
    }
}

/// ECS's own circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Breaker {
    pub(super) enabled: bool,
    pub(super) rolls_back: bool,
    pub(super) limit: Limit,
}

impl Breaker {
    /// The failures at which it trips, for so many tasks.
    pub(super) fn threshold(self, desired: usize) -> usize {
        let share = |percent: usize| (desired * percent).div_ceil(100);
        match self.limit {
            Limit::Bounded(percent) => share(percent).clamp(FEWEST_FAILURES, MOST_FAILURES),
            Limit::Unbounded(percent) => share(percent).max(1),
            Limit::Count(count) => count,
        }
    }
}

/// How the circuit breaker's threshold is worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// A percentage of the desired count, between 3 and 200.
    Bounded(usize),
    /// A percentage of the desired count.
    Unbounded(usize),
    /// So many.
    Count(usize),
}

/// The alarms that end a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Alarms {
    pub(super) enabled: bool,
    pub(super) roll_back: bool,
    pub(super) names: Vec<String>,
}

impl Conduct {
    /// Reads a `deploymentConfiguration`, or the defaults of ECS from nothing.
    pub(super) fn read(given: &Value) -> Result<Self, Refusal> {
        let breaker = breaker(&given["deploymentCircuitBreaker"])?;
        let alarms = alarms(&given["alarms"])?;
        let mut document = json!({
            "strategy": "ROLLING",
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "deploymentCircuitBreaker": {
                "enable": breaker.enabled,
                "rollback": breaker.rolls_back,
            },
        });
        if let Value::Object(members) = given {
            for (name, member) in members {
                document[name] = member.clone();
            }
        }
        Ok(Self {
            strategy: strategy(given)?,
            bake: minutes(given, "bakeTimeInMinutes")?,
            hooks: hooks(&given["lifecycleHooks"])?,
            breaker,
            alarms,
            document,
        })
    }

    /// As ECS shows it.
    pub(super) const fn document(&self) -> &Value {
        &self.document
    }
}

fn strategy(given: &Value) -> Result<Strategy, Refusal> {
    let wait = |of: &Value, name: &str, default: Duration| {
        Ok::<_, Refusal>(minutes(of, name)?.unwrap_or(default))
    };
    match parameters::text(given, "strategy")? {
        None | Some("ROLLING") => Ok(Strategy::Rolling),
        Some("BLUE_GREEN") => Ok(Strategy::BlueGreen),
        Some("LINEAR") => {
            let of = &given["linearConfiguration"];
            Ok(Strategy::Linear {
                step: percent(of, "stepPercent")?.unwrap_or(100),
                wait: wait(of, "stepBakeTimeInMinutes", Duration::from_mins(6))?,
            })
        }
        Some("CANARY") => {
            let of = &given["canaryConfiguration"];
            Ok(Strategy::Canary {
                first: percent(of, "canaryPercent")?.unwrap_or(50),
                wait: wait(of, "canaryBakeTimeInMinutes", Duration::from_mins(10))?,
            })
        }
        Some(other) => Err(Refusal::invalid(format!(
            "The deployment strategy {other} is not valid."
        ))),
    }
}

/// A percentage, in thousandths: ECS weighs no finer.
fn percent(given: &Value, name: &str) -> Result<Option<u32>, Refusal> {
    let Some(percent) = parameters::seconds(given, name)? else {
        return Ok(None);
    };
    let mut thousandths = 1..=1000_u32;
    thousandths
        .find(|thousandths| f64::from(*thousandths) >= percent * 10.0)
        .filter(|_| percent >= 0.1)
        .map(Some)
        .ok_or_else(|| Refusal::invalid(format!("{name} must be between 0.1 and 100.")))
}

fn minutes(given: &Value, name: &str) -> Result<Option<Duration>, Refusal> {
    let minutes = parameters::count(given, name)?;
    Ok(minutes.map(|minutes| Duration::from_mins(u64::from(minutes))))
}

fn breaker(given: &Value) -> Result<Breaker, Refusal> {
    let of = &given["thresholdConfiguration"];
    let value = parameters::count(of, "value")?.and_then(|value| usize::try_from(value).ok());
    let limit = match parameters::text(of, "type")? {
        None | Some("BOUNDED_PERCENT") => Limit::Bounded(value.unwrap_or(DEFAULT_PERCENT)),
        Some("UNBOUNDED_PERCENT") => Limit::Unbounded(value.unwrap_or(DEFAULT_PERCENT)),
        Some("COUNT") => Limit::Count(value.unwrap_or(FEWEST_FAILURES)),
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "The threshold type {other} is not valid."
            )));
        }
    };
    Ok(Breaker {
        enabled: parameters::flag(given, "enable")?,
        rolls_back: parameters::flag(given, "rollback")?,
        limit,
    })
}

fn alarms(given: &Value) -> Result<Alarms, Refusal> {
    let names = parameters::texts(given, "alarmNames")?;
    Ok(Alarms {
        enabled: parameters::flag(given, "enable")?,
        roll_back: parameters::flag(given, "rollback")?,
        names: names.into_iter().map(str::to_owned).collect(),
    })
}

/// The PAUSE hooks; hooks that call a function are kept in the document and never run.
fn hooks(given: &Value) -> Result<Vec<PauseHook>, Refusal> {
    let Value::Array(given) = given else {
        return Ok(Vec::new());
    };
    let pauses = given.iter().filter(|hook| hook["targetType"] == "PAUSE");
    let hooks = pauses.map(hook).collect::<Result<Vec<_>, _>>()?;
    if hooks.len() > MOST_HOOKS {
        return Err(Refusal::invalid(format!(
            "A service can have at most {MOST_HOOKS} PAUSE hooks."
        )));
    }
    Ok(hooks)
}

fn hook(given: &Value) -> Result<PauseHook, Refusal> {
    let of = &given["timeoutConfiguration"];
    let timeout = parameters::count(of, "timeoutInMinutes")?.unwrap_or(DEFAULT_TIMEOUT);
    if !(1..=LONGEST_TIMEOUT).contains(&timeout) {
        return Err(Refusal::invalid(format!(
            "timeoutInMinutes must be between 1 and {LONGEST_TIMEOUT}."
        )));
    }
    let stages = parameters::some_texts(given, "lifecycleStages", Stage::ALL.len())?;
    let stages = stages.into_iter().map(|name| {
        Stage::of(name)
            .filter(|stage| stage.takes_pauses())
            .ok_or_else(|| Refusal::invalid(format!("PAUSE hooks cannot be configured at {name}.")))
    });
    Ok(PauseHook {
        stages: stages.collect::<Result<_, _>>()?,
        timeout: Duration::from_mins(u64::from(timeout)),
        at_timeout: HookAction::read(of, "action")?.unwrap_or(HookAction::RollBack),
    })
}

/// Half of the desired count, with these bounds.
const DEFAULT_PERCENT: usize = 50;
const FEWEST_FAILURES: usize = 3;
const MOST_FAILURES: usize = 200;
/// In minutes: a day, and two weeks.
const DEFAULT_TIMEOUT: u32 = 1440;
const LONGEST_TIMEOUT: u32 = 20_160;
const MOST_HOOKS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_ecs() {
        let conduct = Conduct::read(&Value::Null).unwrap();
        assert_eq!(conduct.strategy, Strategy::Rolling);
        assert!(!conduct.breaker.enabled && !conduct.alarms.enabled);
        assert_eq!(conduct.document()["strategy"], "ROLLING");
        let pause = json!([{ "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"] }]);
        let [hook] = Conduct::read(&json!({ "lifecycleHooks": pause }))
            .unwrap()
            .hooks
            .try_into()
            .unwrap();
        assert_eq!(hook.timeout, Duration::from_hours(24));
        assert_eq!(hook.at_timeout, HookAction::RollBack);
    }

    #[test]
    fn a_pause_where_traffic_shifts_or_without_end_is_refused() {
        let pause = |stage: &str, minutes: u32| {
            let hook = json!({
                "targetType": "PAUSE",
                "lifecycleStages": [stage],
                "timeoutConfiguration": { "timeoutInMinutes": minutes },
            });
            Conduct::read(&json!({ "lifecycleHooks": [hook] })).map(|_| ())
        };
        assert_eq!(pause("POST_PRODUCTION_TRAFFIC_SHIFT", 20_160), Ok(()));
        for (stage, minutes) in [
            ("PRODUCTION_TRAFFIC_SHIFT", 1),
            ("TEST_TRAFFIC_SHIFT", 1),
            ("BAKE_TIME", 1),
            ("PRE_SCALE_UP", 0),
            ("PRE_SCALE_UP", 20_161),
        ] {
            let refused = pause(stage, minutes).unwrap_err();
            assert_eq!(refused.code, "InvalidParameterException", "{stage}");
        }
    }

    #[test]
    fn the_breaker_s_threshold_follows_the_desired_count_within_bounds() {
        let breaker = |limit| Breaker {
            enabled: true,
            rolls_back: true,
            limit,
        };
        let cases = [
            (Limit::Bounded(50), 2, 3),
            (Limit::Bounded(50), 25, 13),
            (Limit::Bounded(50), 1000, 200),
            (Limit::Unbounded(50), 2, 1),
            (Limit::Count(7), 2, 7),
        ];
        for (limit, desired, threshold) in cases {
            assert_eq!(breaker(limit).threshold(desired), threshold, "{limit:?}");
        }
    }
}
