//! Reading matchers from settings: a bare value means equal, a mapping names operators.
//!
//! Written by hand and not as an untagged enum, so that a mistake is reported where it is and with
//! the list of what could stand there.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::age::Age;
use super::compare::{self, Origin};
use super::matcher::{JsonType, Matcher, OPERATORS, Operator, Pattern};
use super::{Decimal, Undated};

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MatcherVisitor)
    }
}

struct MatcherVisitor;

/// Scalars that a format may hand over, each meaning "equal".
macro_rules! bare {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method<E: de::Error>(self, value: $type) -> Result<Matcher, E> {
            Ok(Matcher::equal(value))
        })*
    };
}

impl<'de> Visitor<'de> for MatcherVisitor {
    type Value = Matcher;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, or a mapping of operators as `{ lt: 100 }`")
    }

    bare! { visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_str: &str, visit_string: String }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Matcher, E> {
        exact(&value.to_string())
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Matcher, E> {
        exact(&value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Matcher, E> {
        if !value.is_finite() {
            return Err(E::custom("a number must be finite"));
        }
        // The shortest decimal that means this float is what was written.
        exact(&value.to_string())
    }

    fn visit_unit<E: de::Error>(self) -> Result<Matcher, E> {
        Ok(Matcher::equal(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Matcher, E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Matcher, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element::<Value>()? {
            values.push(value);
        }
        Ok(Matcher::equal(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Matcher, A::Error> {
        let mut operators = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if name == NUMBER_IN_DISGUISE {
                return exact(&map.next_value::<String>()?);
            }
            operators.push(Operator::read(&name, &mut map)?);
        }
        if operators.is_empty() {
            return Err(de::Error::custom(
                "an empty mapping expects nothing; name an operator, or write `eq: {}`",
            ));
        }
        // There is nearly always one, and room was made for four.
        operators.shrink_to_fit();
        Ok(Matcher { operators })
    }
}

/// The key under which `serde_json` hands over a number whose digits it keeps.
const NUMBER_IN_DISGUISE: &str = "$serde_json::private::Number";

fn exact<E: de::Error>(digits: &str) -> Result<Matcher, E> {
    let number: Number = digits.parse().map_err(E::custom)?;
    Ok(Matcher::equal(Value::Number(number)))
}

impl Operator {
    /// Reads the value of the operator of this name, which is the next one of `map`.
    ///
    /// # Errors
    /// What is wrong with it; a name that is no operator's.
    pub fn read<'de, A: MapAccess<'de>>(name: &str, map: &mut A) -> Result<Self, A::Error> {
        Ok(match name {
            "eq" => Self::Equal(map.next_value()?),
            "ne" => Self::NotEqual(map.next_value()?),
            "lt" => Self::Less(map.next_value()?),
            "le" => Self::AtMost(map.next_value()?),
            "gt" => Self::Greater(map.next_value()?),
            "ge" => Self::AtLeast(map.next_value()?),
            "in" => Self::In(map.next_value()?),
            "contains" => Self::Contains(map.next_value()?),
            "not_contains" => Self::NotContains(map.next_value()?),
            "starts_with" => Self::StartsWith(map.next_value()?),
            "ends_with" => Self::EndsWith(map.next_value()?),
            "matches" => Self::Matches(map.next_value()?),
            "exists" => Self::Exists(map.next_value()?),
            "type" => Self::Type(map.next_value()?),
            "len" => Self::Length(map.next_value::<Undated>()?.into_matcher()),
            "all" => match map.next_value()? {
                OneOrList::One(matcher) => Self::EachElement(matcher),
                OneOrList::List(matchers) => Self::All(matchers),
            },
            "any" => match map.next_value()? {
                OneOrList::One(matcher) => Self::AnyElement(matcher),
                OneOrList::List(matchers) => Self::Any(matchers),
            },
            "each" => Self::EachElement(map.next_value()?),
            "not" => Self::Not(map.next_value()?),
            "age" => Self::Age(map.next_value()?),
            unknown => return Err(de::Error::unknown_field(unknown, OPERATORS)),
        })
    }
}

/// Scalars that stand for one matcher.
macro_rules! one {
    ($($method:ident: $type:ty),* $(,)?) => {
        $(fn $method<E: de::Error>(self, value: $type) -> Result<OneOrList, E> {
            MatcherVisitor.$method(value).map(OneOrList::One)
        })*
    };
}

/// `all` and `any` take a list of matchers for the value, or one matcher for its elements.
enum OneOrList {
    One(Matcher),
    List(Vec<Matcher>),
}

impl<'de> Deserialize<'de> for OneOrList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrListVisitor;

        impl<'de> Visitor<'de> for OneOrListVisitor {
            type Value = OneOrList;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of matchers, or one matcher for the elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<OneOrList, A::Error> {
                let mut matchers = Vec::new();
                while let Some(matcher) = sequence.next_element()? {
                    matchers.push(matcher);
                }
                if matchers.is_empty() {
                    return Err(de::Error::custom("an empty list expects nothing"));
                }
                Ok(OneOrList::List(matchers))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<OneOrList, A::Error> {
                MatcherVisitor.visit_map(map).map(OneOrList::One)
            }

            one! { visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str }
        }

        deserializer.deserialize_any(OneOrListVisitor)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // Within braces a number that stands in a variable can only be written in quotes.
        compare::number(&value, Origin::Text)
            .ok_or_else(|| de::Error::custom("expected a number, or a hex quantity as \"0x1a\""))
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|why| {
            de::Error::custom(format!("`{text}` is not a regular expression: {why}"))
        })
    }
}

impl<'de> Deserialize<'de> for JsonType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::NAMED
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, named)| *named)
            .ok_or_else(|| {
                let names: Vec<&str> = Self::NAMED.iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                de::Error::custom(format!("`{text}` is not a type; write one of {names}"))
            })
    }
}

impl JsonSchema for Matcher {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let matcher = generator.subschema_for::<Self>();
        let several = |description: &str| {
            json_schema!({
                "description": description,
                "anyOf": [{ "type": "array", "items": matcher, "minItems": 1 }, matcher]
            })
        };
        let one =
            |description: &str| json_schema!({ "description": description, "allOf": [matcher] });
        let number = |description: &str| {
            json_schema!({
                "description": description,
                "anyOf": [
                    { "type": "number" },
                    { "type": "string", "pattern": "^0[xX][0-9a-fA-F]+$" }
                ]
            })
        };
        let age = generator.subschema_for::<Age>();
        let age = json_schema!({ "description": "How long ago the date is.", "allOf": [age] });
        let types: Vec<&str> = JsonType::NAMED.iter().map(|(name, _)| *name).collect();
        json_schema!({
            "description": "What is expected of a value: the value itself, or operators that must all hold.",
            "anyOf": [
                { "type": ["string", "number", "boolean", "null", "array"] },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "minProperties": 1,
                    "properties": {
                        "eq": { "description": "Equal to this value." },
                        "ne": { "description": "Not equal to this value." },
                        "lt": number("Less than this number; a hex quantity is the integer it is."),
                        "le": number("At most this number."),
                        "gt": number("Greater than this number."),
                        "ge": number("At least this number."),
                        "in": { "description": "Equal to one of these.", "type": "array" },
                        "contains": { "description": "A text with this part, or a list with this element." },
                        "not_contains": { "description": "A text without this part, or a list without this element." },
                        "starts_with": { "description": "A text with this beginning.", "type": "string" },
                        "ends_with": { "description": "A text with this end.", "type": "string" },
                        "matches": { "description": "A regular expression that is found in the text.", "type": "string" },
                        "exists": { "description": "Whether there is a value at all, `null` included.", "type": "boolean" },
                        "type": { "description": "The sort of the value.", "enum": types },
                        "len": one("The length of a list, a text or an object; of what a path finds, the number."),
                        "all": several("Each of these matchers holds; or, with one matcher, it holds for every element."),
                        "any": several("One of these matchers holds; or, with one matcher, it holds for some element."),
                        "each": one("Holds for every element of a list, or for all that a path finds."),
                        "not": one("Does not hold. What cannot be told stays so."),
                        "age": age
                    }
                }
            ]
        })
    }
}
