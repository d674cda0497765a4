//! Limits on how a reading goes on from sample to sample, as people write them: `advances`,
//! `never_decreases`, `changes_less_than`, `stable`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::quantity::Span;
use crate::verdict::threshold::{Comparison, Course, Limit, Measure, Way};

/// What is demanded of the course of a reading. Exactly one of them.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CourseSettings {
    /// The reading rises: at least once within this time, as `{ within: 60s }`.
    pub advances: Option<Within>,
    /// The reading is never below what it was already in this window.
    pub never_decreases: Option<bool>,
    /// The reading stays this close to where it was when the window began: a percentage of that, or
    /// a number.
    pub changes_less_than: Option<Amount>,
    /// The reading stays this close to what was usual before the deployment (`--baseline`), in both
    /// directions: a percentage of that, or a number; or one of them alone, as `{ down: 30% }`.
    pub stable: Option<Stable>,
}

/// A span of time, or a mapping that says so.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// How long it may stand still.
    pub within: Span,
}

/// A percentage, or a plain number.
#[derive(Clone, Copy, Debug)]
pub struct Amount(pub f64, pub Measure);

impl Amount {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(percent) = text.strip_suffix('%') {
            // More than the whole is a change as well.
            let percent: f64 = percent.trim_end().parse().ok()?;
            let share = percent / 100.0;
            return (share > 0.0 && share.is_finite()).then_some(Self(share, Measure::Share));
        }
        let number: f64 = text.parse().ok()?;
        (number > 0.0 && number.is_finite()).then_some(Self(number, Measure::Number))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let message =
                format!("`{text}` is no change; write a percentage above 0%, or a number");
            de::Error::custom(message)
        })
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "number"],
            "pattern": "^ *[0-9.]+ *%? *$",
            "description": "How far a reading may move: a percentage, as 10%, or a number.",
            "examples": ["10%", "5"]
        })
    }
}

/// How far from before, in which direction.
#[derive(Clone, Copy, Debug)]
pub struct Stable(pub Amount, pub Way);

/// One direction alone.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneWay {
    /// By how much it may drop; it may grow as it likes.
    down: Option<Amount>,
    /// By how much it may grow; it may drop as it likes.
    up: Option<Amount>,
}

impl<'de> Deserialize<'de> for Stable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AmountOrWay;

        impl<'de> Visitor<'de> for AmountOrWay {
            type Value = Stable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a change as `30%`, or one direction as `{ down: 30% }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Stable, E> {
                let amount = Amount::parse(text).ok_or_else(|| {
                    E::custom(format!(
                        "`{text}` is no change; write a percentage above 0%, or a number"
                    ))
                })?;
                Ok(Stable(amount, Way::Either))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Stable, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Stable, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Stable, A::Error> {
                let way = OneWay::deserialize(MapAccessDeserializer::new(map))?;
                match (way.down, way.up) {
                    (Some(down), None) => Ok(Stable(down, Way::Down)),
                    (None, Some(up)) => Ok(Stable(up, Way::Up)),
                    _ => Err(de::Error::custom(
                        "write one of `down` and `up`, or the change alone for both",
                    )),
                }
            }
        }

        deserializer.deserialize_any(AmountOrWay)
    }
}

impl JsonSchema for Stable {
    fn schema_name() -> Cow<'static, str> {
        "Stable".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let amount = generator.subschema_for::<Amount>();
        let way = generator.subschema_for::<OneWay>();
        json_schema!({
            "description": "How far a reading may be from before: in both directions, or in one.",
            "anyOf": [amount, way]
        })
    }
}

impl CourseSettings {
    /// The limit.
    ///
    /// # Errors
    /// What is wrong, in one line.
    pub fn limit(&self) -> Result<Limit, &'static str> {
        let across = |course, value, measure| Limit {
            comparison: Comparison::Across(course),
            value,
            measure,
        };
        match self {
            Self {
                advances: Some(Within { within }),
                never_decreases: None,
                changes_less_than: None,
                stable: None,
            } => match within.0.is_zero() {
                true => Err("nothing advances without time"),
                false => {
                    let seconds = within.0.as_secs_f64();
                    Ok(across(Course::Advances, seconds, Measure::Seconds))
                }
            },
            Self {
                advances: None,
                never_decreases: Some(demanded),
                changes_less_than: None,
                stable: None,
            } => match demanded {
                true => Ok(across(Course::NeverDecreases, 0.0, Measure::Number)),
                false => Err("`never_decreases: false` demands nothing"),
            },
            Self {
                advances: None,
                never_decreases: None,
                changes_less_than: Some(Amount(value, measure)),
                stable: None,
            } => Ok(across(Course::Changes, *value, *measure)),
            Self {
                advances: None,
                never_decreases: None,
                changes_less_than: None,
                stable: Some(Stable(Amount(value, measure), way)),
            } => Ok(across(Course::Stable(*way), *value, *measure)),
            _ => Err("a limit demands exactly one thing"),
        }
    }
}

/// What to write instead.
pub const FORMS: &str = "write one of `{ advances: { within: 60s } }`, `{ never_decreases: true }`, \
                         `{ changes_less_than: 10% }` and `{ stable: 30% }`";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn limit(settings: &Value) -> Result<String, String> {
        let settings: CourseSettings =
            serde_json::from_value(settings.clone()).map_err(|error| error.to_string())?;
        let limit = settings.limit().map_err(str::to_owned)?;
        Ok(limit.to_string())
    }

    #[test]
    fn each_demand_is_told_as_it_is_declared() {
        for (settings, told) in [
            (
                json!({ "advances": { "within": "60s" } }),
                "advances within 1m",
            ),
            (json!({ "never_decreases": true }), "never decreases"),
            (
                json!({ "changes_less_than": "10%" }),
                "changes less than 10 %",
            ),
            (json!({ "changes_less_than": "5" }), "changes less than 5"),
            (json!({ "stable": "30%" }), "stable within 30 %"),
            (
                json!({ "stable": { "down": "30%" } }),
                "drops less than 30 % from before",
            ),
            (
                json!({ "stable": { "up": "150%" } }),
                "grows less than 150 % from before",
            ),
        ] {
            assert_eq!(limit(&settings).unwrap(), told, "{settings}");
        }
    }

    #[test]
    fn what_demands_nothing_or_two_things_is_refused() {
        for (settings, part) in [
            (json!({}), "exactly one"),
            (
                json!({ "stable": "30%", "never_decreases": true }),
                "exactly one",
            ),
            (json!({ "never_decreases": false }), "demands nothing"),
            (json!({ "advances": { "within": "0s" } }), "without time"),
            (json!({ "advances": {} }), "within"),
            (json!({ "stable": "0%" }), "no change"),
            (
                json!({ "stable": { "down": "1%", "up": "2%" } }),
                "one of `down` and `up`",
            ),
            (json!({ "changes_less_than": "-5%" }), "no change"),
            (json!({ "steady": "5%" }), "unknown field"),
        ] {
            let error = limit(&settings).unwrap_err();
            assert!(error.contains(part), "{settings}: {error}");
        }
    }
}
