//! A limit as people write it: a comparison, or what is demanded of the course of a reading.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::course::CourseSettings;

/// A comparison with a limit, or a bare value; or what is demanded of the course of a reading.
#[derive(Debug)]
pub enum LimitSetting {
    /// `> 5%`
    Text(String),
    /// `{ advances: { within: 60s } }`
    Course(CourseSettings),
}

impl<'de> Deserialize<'de> for LimitSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrCourse;

        impl<'de> Visitor<'de> for TextOrCourse {
            type Value = LimitSetting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a comparison as \"> 5%\", or a mapping as `{ stable: 30% }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<LimitSetting, E> {
                Ok(LimitSetting::Text(text.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<LimitSetting, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<LimitSetting, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<LimitSetting, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<LimitSetting, A::Error> {
                let map = MapAccessDeserializer::new(map);
                CourseSettings::deserialize(map).map(LimitSetting::Course)
            }
        }

        deserializer.deserialize_any(TextOrCourse)
    }
}

impl JsonSchema for LimitSetting {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let course = generator.subschema_for::<CourseSettings>();
        let text = schemars::json_schema!({
            "type": ["string", "number"],
            "pattern": "^ *(>=|<=|==|!=|>|<|=)? *[-+]?[0-9.]",
            "description": "A comparison that says when it is breached: > >= < <= == != and a limit. A bare value means >.",
            "examples": ["> 5%", "< 99%", "> 2s", "> 90"]
        });
        schemars::json_schema!({
            "description": "A comparison with a limit; or, for a reading, what is demanded of its course.",
            "anyOf": [text, course]
        })
    }
}
