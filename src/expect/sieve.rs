//! The short way through a JSON body: only what the paths lead to is looked at, nothing is kept.
//!
//! It says that everything surely holds, or nothing: whatever is odd about a body or a path, and
//! whatever does not hold, is for the long way to tell. It must never hold where that would not.

use std::fmt;

use serde::Deserialize as _;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Matcher, Path};

/// Whether the body is JSON and all that is expected of it holds, as far as the short way can tell.
pub fn surely_holds(expected: &[(Path, Matcher)], body: &[u8]) -> bool {
    if expected.len() > MOST_PATHS || !expected.iter().all(|(path, _)| path.is_of_names()) {
        return false;
    }
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    if !is_plain(text) {
        return false;
    }
    let all = (1_u64 << expected.len()) - 1;
    let mut holding = 0;
    let mut reader = serde_json::Deserializer::from_str(text);
    let whole = Level {
        expected,
        depth: 0,
        active: all,
        holding: &mut holding,
    };
    let read = whole.deserialize(&mut reader).and_then(|()| reader.end());
    read.is_ok() && holding == all
}

/// One bit for each.
const MOST_PATHS: usize = 63;

/// Whether the long way reads the text too if the short way does: no deeper than it goes, no escapes
/// that name half a character, nothing that its library takes for a number of its own.
fn is_plain(text: &str) -> bool {
    let mut openings = 0;
    for byte in text.bytes() {
        match byte {
            b'\\' | b'$' => return false,
            b'{' | b'[' => openings += 1,
            _ => {}
        }
    }
    openings < DEEPEST
}

/// How deep the long way goes.
const DEEPEST: usize = 128;

/// A value to which some of the paths lead, or through which they lead further.
struct Level<'a> {
    expected: &'a [(Path, Matcher)],
    /// How many names lead here.
    depth: usize,
    /// The paths that lead here.
    active: u64,
    /// The paths whose expectation holds so far.
    holding: &'a mut u64,
}

impl Level<'_> {
    /// Those of the active paths of which `is` is true.
    fn those(&self, is: impl Fn(&Path) -> bool) -> u64 {
        let mut those = 0;
        for (index, (path, _)) in self.expected.iter().enumerate() {
            let bit = 1 << index;
            if self.active & bit != 0 && is(path) {
                those |= bit;
            }
        }
        those
    }

    /// The matcher of the only path that leads here, where it is one and ends here.
    fn matcher(&self) -> Option<&Matcher> {
        let index = self.active.trailing_zeros() as usize;
        let (path, matcher) = self.expected.get(index)?;
        let ends = path.name_at(self.depth).is_none();
        (self.active.is_power_of_two() && ends).then_some(matcher)
    }
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if let Some(matcher) = self.matcher() {
            if deserializer.deserialize_any(End(matcher))? {
                *self.holding |= self.active;
            }
            return Ok(());
        }
        // One path ends where another goes on: seldom, and the long way tells both.
        if self.those(|path| path.name_at(self.depth).is_none()) != 0 {
            return Err(D::Error::custom("several paths lead here"));
        }
        deserializer.deserialize_any(self)
    }
}

/// What a path leads to: whether the expectation surely holds of it.
struct End<'a>(&'a Matcher);

impl End<'_> {
    fn judge<E>(&self, value: &Value) -> Result<bool, E> {
        Ok(self.0.judge(value).holds())
    }
}

impl<'de> Visitor<'de> for End<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        if self.0.surely_holds(text) {
            return Ok(true);
        }
        self.judge(&Value::from(text))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        self.judge(&Value::from(value))
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        self.judge(&Value::Null)
    }

    /// Objects, and numbers, which the library hands over as objects of its own.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        let value = Value::deserialize(MapAccessDeserializer::new(map))?;
        self.judge(&value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<bool, A::Error> {
        let value = Value::deserialize(SeqAccessDeserializer::new(sequence))?;
        self.judge(&value)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(active) = map.next_key_seed(Name(&self))? {
            if active == 0 {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            // Of members of one name the last one counts: what an earlier one held is forgotten.
            *self.holding &= !active;
            map.next_value_seed(Level {
                expected: self.expected,
                depth: self.depth + 1,
                active,
                holding: &mut *self.holding,
            })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The name of a member: tells which of the active paths lead through it.
struct Name<'a, 'b>(&'a Level<'b>);

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<u64, E> {
        let Self(level) = self;
        Ok(level.those(|path| path.name_at(level.depth) == Some(name)))
    }
}

#[cfg(test)]
mod tests {
    use crate::expect::{Document, JsonExpectations};

    #[test]
    fn where_the_short_way_holds_the_long_way_does_too() {
        let expectations = [
            r#"{"$.status":"ok"}"#,
            r#"{"$.n":{"lt":100}}"#,
            r#"{"$.n":5,"$.status":{"in":["ok","warn"]}}"#,
            r#"{"$.a.b":"ok","$.a.c":{"exists":true}}"#,
            r#"{"$.a":{"type":"object"},"$.a.b":"ok"}"#,
            r#"{"$.a":{"len":2}}"#,
            r#"{"$.list":{"each":{"gt":0}}}"#,
            r#"{"$":{"type":"object"}}"#,
            r#"{"$.none":{"exists":false}}"#,
            r#"{"$.list[0]":1}"#,
            r#"{"$.b":null}"#,
            r#"{"$.b":true}"#,
        ];
        let deep = format!("{{\"n\":{}{}}}", "[".repeat(200), "]".repeat(200));
        let bodies: &[&[u8]] = &[
            br#"{"status":"ok","n":5,"a":{"b":"ok","c":0},"list":[1,2.5],"b":null}"#,
            br#"{"status":"ok","status":"bad","n":5e0,"b":true}"#,
            br#"{"a":{"b":"ok","c":1},"a":{"c":1}}"#,
            br#"{"a":{"b":"ok"},"a":"ok"}"#,
            br#"{"a":["b","ok"],"status":{"status":"ok"}}"#,
            br#"{"n":99999999999999999999999999,"status":"warn"}"#,
            br#"{"status":"ok","x":"\ud800"}"#,
            br#"{"status":"o\u006b"}"#,
            br#"{"status":"ok","x":{"$serde_json::private::Number":"x"}}"#,
            b"{\"status\":\"ok\",\"x\":\"\xff\"}",
            br#"{"status":"ok"} trailing"#,
            br#"{"status":"ok""#,
            br#"{"status":"ok","x":01}"#,
            br#""ok""#,
            b"",
            deep.as_bytes(),
        ];
        let mut held = 0;
        for text in expectations {
            let expected: JsonExpectations = serde_json::from_str(text).unwrap();
            for body in bodies {
                let long = expected.first_unmet(&Document::read(body), None);
                if expected.surely_hold(body) {
                    held += 1;
                    assert!(
                        long.is_none(),
                        "{text} of {}: {long:?}",
                        body.escape_ascii()
                    );
                }
            }
        }
        assert!(held >= 12, "the short way is taken at all: {held}");
    }
}
