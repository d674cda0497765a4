//! How long ago something was: dates in the forms in which services write them, against limits that are
//! spans. What time it is comes in as a fact.

use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::compare::{self, Origin};
use super::shown::shown;
use crate::clock::WallTime;
use crate::quantity::{Span, human};

/// Limits on an age, all of which hold: `{ lt: 60s }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Age(Vec<Limit>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Limit {
    bound: Bound,
    span: Duration,
    /// The span as it was written.
    written: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What is known of an age.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// It is within its limits.
    Holds,
    /// It is not; how old it is instead.
    DoesNotHold(String),
    /// It is not known; why not.
    Unknown(String),
}

impl Age {
    /// Judges the age of the date that a value is.
    pub fn judge(&self, value: &Value, origin: Origin, now: Option<WallTime>) -> Told {
        let Some(now) = now else {
            let why = format!("{}, whose age is not told here", shown(value));
            return Told::Unknown(why);
        };
        let Some(date) = date(value, origin) else {
            return Told::Unknown(format!("{}, which is no date", shown(value)));
        };
        let ahead = date.saturating_sub(now.unix());
        if ahead > SKEW {
            let ahead = human(ahead);
            let why = format!("{}, which is {ahead} ahead of our clock", shown(value));
            return Told::Unknown(why);
        }
        let age = now.unix().saturating_sub(date);
        let holds = self.0.iter().all(|limit| match limit.bound {
            Bound::Less => age < limit.span,
            Bound::AtMost => age <= limit.span,
            Bound::Greater => age > limit.span,
            Bound::AtLeast => age >= limit.span,
        });
        if holds {
            Told::Holds
        } else {
            Told::DoesNotHold(format!("an age of {} ({})", human(age), shown(value)))
        }
    }
}

/// Two machines that keep their clocks differ by less.
const SKEW: Duration = Duration::from_secs(60);

/// The date that a value is, since 1970: a text as RFC 3339 or RFC 9110 (5.6.7) writes it, a number or a
/// hex quantity of seconds, or of milliseconds where it would be thousands of years otherwise.
fn date(value: &Value, origin: Origin) -> Option<Duration> {
    if let Some(number) = compare::number(value, origin) {
        let number: f64 = number.to_string().parse().ok()?;
        let seconds = if number >= MILLISECONDS_FROM {
            number / 1e3
        } else {
            number
        };
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let text = value.as_str()?.trim();
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let parsed = text.parse::<jiff::Timestamp>().ok();
    let stamp = parsed.or_else(|| parser.parse_timestamp(text).ok())?;
    Duration::try_from(stamp.duration_since(jiff::Timestamp::UNIX_EPOCH)).ok()
}

/// As seconds this is the year 5138, as milliseconds it is 1973.
const MILLISECONDS_FROM: f64 = 1e11;

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = self.0.iter().map(|limit| {
            let name = match limit.bound {
                Bound::Less => "lt",
                Bound::AtMost => "le",
                Bound::Greater => "gt",
                Bound::AtLeast => "ge",
            };
            format!("{name}: {}", limit.written)
        });
        let limits: Vec<String> = limits.collect();
        write!(f, "{{ {} }}", limits.join(", "))
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AgeVisitor;

        impl<'de> Visitor<'de> for AgeVisitor {
            type Value = Age;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of limits, as `{ lt: 60s }`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Age, A::Error> {
                let mut bounds = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    let bound = match key.as_str() {
                        "lt" => Bound::Less,
                        "le" => Bound::AtMost,
                        "gt" => Bound::Greater,
                        "ge" => Bound::AtLeast,
                        unknown => return Err(de::Error::unknown_field(unknown, KEYS)),
                    };
                    let written: String = map.next_value()?;
                    let Span(span) = Span::parse(&written).map_err(de::Error::custom)?;
                    bounds.push(Limit {
                        bound,
                        span,
                        written,
                    });
                }
                if bounds.is_empty() {
                    let message = "an age without a limit expects nothing; write `{ lt: 60s }`";
                    return Err(de::Error::custom(message));
                }
                Ok(Age(bounds))
            }
        }

        deserializer.deserialize_map(AgeVisitor)
    }
}

const KEYS: &[&str] = &["lt", "le", "gt", "ge"];

impl JsonSchema for Age {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Age".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let span = generator.subschema_for::<Span>();
        let limit = |text: &str| json_schema!({ "description": text, "allOf": [span] });
        json_schema!({
            "type": "object",
            "description": "How long ago the date is: RFC 3339, an HTTP date, or seconds or milliseconds since 1970.",
            "additionalProperties": false,
            "minProperties": 1,
            "properties": {
                "lt": limit("Less than this."),
                "le": limit("At most this."),
                "gt": limit("More than this."),
                "ge": limit("At least this.")
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// 2026-11-21T08:50:00Z
    const NOW: u64 = 1_795_251_000;

    fn told(limits: Value, value: Value, origin: Origin) -> Told {
        let age: Age = serde_json::from_value(limits).unwrap();
        let now = WallTime::since_unix_epoch(Duration::from_secs(NOW));
        age.judge(&value, origin, Some(now))
    }

    #[test]
    fn dates_in_every_usual_form_have_an_age() {
        for date in [
            json!("2026-11-21T08:49:30Z"),
            json!("2026-11-21T09:49:30.000+01:00"),
            json!("Sat, 21 Nov 2026 08:49:30 GMT"),
            json!(NOW - 30),
            json!((NOW - 30) * 1_000),
            json!(1_795_250_970.0),
            json!(format!("{:#x}", NOW - 30)),
        ] {
            assert_eq!(
                told(json!({ "lt": "31s" }), date.clone(), Origin::Json),
                Told::Holds,
                "{date}"
            );
            let wrong = told(json!({ "lt": "30s" }), date.clone(), Origin::Json);
            let Told::DoesNotHold(told) = wrong else {
                panic!("{date}: {wrong:?}");
            };
            assert!(told.starts_with("an age of 30s ("), "{told}");
        }
        let as_text = told(
            json!({ "ge": "30s", "le": "30s" }),
            json!((NOW - 30).to_string()),
            Origin::Text,
        );
        assert_eq!(as_text, Told::Holds);
    }

    #[test]
    fn what_is_no_date_or_lies_ahead_is_not_known() {
        let cases = [
            (json!("yesterday"), "no date"),
            (json!(null), "no date"),
            (json!((NOW - 30).to_string()), "no date"),
            (json!(-5), "no date"),
            (json!(NOW + 3_600), "1h ahead of our clock"),
            (json!(1e300), "no date"),
        ];
        for (value, part) in cases {
            for limits in [json!({ "lt": "60s" }), json!({ "gt": "0s" })] {
                let Told::Unknown(why) = told(limits, value.clone(), Origin::Json) else {
                    panic!("{value}");
                };
                assert!(why.contains(part), "{why}");
            }
        }
        // Two clocks never agree exactly.
        assert_eq!(
            told(json!({ "lt": "60s" }), json!(NOW + 20), Origin::Json),
            Told::Holds
        );
        let age: Age = serde_json::from_value(json!({ "lt": "60s" })).unwrap();
        assert!(matches!(
            age.judge(&json!(NOW), Origin::Json, None),
            Told::Unknown(_)
        ));
    }

    #[test]
    fn limits_are_spans() {
        for (limits, part) in [
            (json!({}), "expects nothing"),
            (json!({ "lt": "60" }), "is not a duration"),
            (json!({ "eq": "60s" }), "unknown field `eq`"),
            (json!("60s"), "a mapping of limits"),
        ] {
            let error = serde_json::from_value::<Age>(limits.clone()).unwrap_err();
            assert!(error.to_string().contains(part), "{limits}: {error}");
        }
        let age: Age = serde_json::from_value(json!({ "gt": "1s", "le": "1m" })).unwrap();
        assert_eq!(age.to_string(), "{ gt: 1s, le: 1m }");
    }
}
