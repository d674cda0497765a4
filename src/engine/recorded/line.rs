//! One line of a recording, as it is written: JSON in, its fields out. What they mean is said by
//! [`super`], which alone calls this.
//!
//! A key that is given twice is refused: which of the two was meant cannot be told. An unknown key
//! is passed over, because a newer version may write more, and is handed on so that the reader of
//! the report learns of a misspelt one. `null` is as good as absent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Number;

/// The fields of a line.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) t: Option<f64>,
    pub(super) check: Option<Cow<'a, str>>,
    pub(super) ok: Option<bool>,
    pub(super) latency_ms: Option<f64>,
    pub(super) unknown: Option<bool>,
    pub(super) closer_look: Option<bool>,
    pub(super) retries: Option<u32>,
    pub(super) reason: Option<Cow<'a, str>>,
    pub(super) detail: Option<Cow<'a, str>>,
    pub(super) window_start: Option<Cow<'a, str>>,
    pub(super) readings: Option<Pairs<'a>>,
    pub(super) phases_ms: Option<Pairs<'a>>,
    pub(super) waited_ms: Option<f64>,
    pub(super) unsent: Option<u64>,
    pub(super) in_flight: Option<u32>,
    /// The first key that this version does not know.
    pub(super) strange: Option<Cow<'a, str>>,
}

/// The keys of a line.
pub(super) const KEYS: [&str; 15] = [
    "t",
    "check",
    "ok",
    "latency_ms",
    "unknown",
    "closer_look",
    "retries",
    "reason",
    "detail",
    "window_start",
    "readings",
    "phases_ms",
    "waited_ms",
    "unsent",
    "in_flight",
];

/// Names with numbers, in the order in which they are written.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Pairs<'a>(pub(super) Vec<(Cow<'a, str>, f64)>);

impl<'a> Line<'a> {
    /// Reads one line.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        let mut line = Self::default();
        let mut json = serde_json::Deserializer::from_slice(bytes);
        // Filled where it stands: handed from call to call it would be copied as often.
        json.deserialize_map(LineVisitor(&mut line))?;
        json.end()?;
        Ok(line)
    }
}

struct LineVisitor<'l, 'de>(&'l mut Line<'de>);

impl<'de> Visitor<'de> for LineVisitor<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sample, as {\"t\":12.5,\"check\":\"web\",\"ok\":true,\"latency_ms\":31.2}")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let line = self.0;
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "t" => once(&mut line.t, &key, map.next_value()?)?,
                "check" => once(&mut line.check, &key, text(map.next_value()?))?,
                "ok" => once(&mut line.ok, &key, map.next_value()?)?,
                "latency_ms" => once(&mut line.latency_ms, &key, map.next_value()?)?,
                "unknown" => once(&mut line.unknown, &key, map.next_value()?)?,
                "closer_look" => once(&mut line.closer_look, &key, map.next_value()?)?,
                "retries" => once(&mut line.retries, &key, map.next_value()?)?,
                "reason" => once(&mut line.reason, &key, text(map.next_value()?))?,
                "detail" => once(&mut line.detail, &key, text(map.next_value()?))?,
                "window_start" => once(&mut line.window_start, &key, text(map.next_value()?))?,
                "readings" => once(&mut line.readings, &key, map.next_value()?)?,
                "phases_ms" => once(&mut line.phases_ms, &key, map.next_value()?)?,
                "waited_ms" => once(&mut line.waited_ms, &key, map.next_value()?)?,
                "unsent" => once(&mut line.unsent, &key, map.next_value()?)?,
                "in_flight" => once(&mut line.in_flight, &key, map.next_value()?)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    line.strange.get_or_insert(key);
                }
            }
        }
        Ok(())
    }
}

fn once<T, E: Error>(slot: &mut Option<T>, key: &str, value: Option<T>) -> Result<(), E> {
    if slot.is_some() {
        return Err(E::custom(format_args!("`{key}` is given twice")));
    }
    *slot = value;
    Ok(())
}

fn text<'a>(text: Option<Text<'a>>) -> Option<Cow<'a, str>> {
    text.map(|Text(text)| text)
}

/// A text that is borrowed from the line unless it holds escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names with numbers, as {\"used_pct\":31}")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<'de>, M::Error> {
        let mut pairs = Vec::new();
        while let Some(Text(name)) = map.next_key()? {
            // Read as written and then by the standard library: a limit may be met exactly.
            let Some(number) = map.next_value::<Option<Number>>()? else {
                continue;
            };
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(M::Error::custom(format_args!("`{name}` is given twice")));
            }
            let value = number.as_f64().filter(|value| value.is_finite());
            let value =
                value.ok_or_else(|| M::Error::custom(format_args!("`{name}` is too large")))?;
            pairs.push((name, value));
        }
        Ok(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Line<'_>, String> {
        Line::read(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_key_is_read_in_any_order() {
        let text = r#"{"phases_ms":{"dns":0.5},"latency_ms":31.2,"ok":false,"check":"caf\u00e9","t":12,
            "unknown":true,"closer_look":true,"retries":2,"reason":"timeout","detail":"late",
            "waited_ms":7.5,"unsent":40,"in_flight":3,
            "window_start":"2026-11-21T08:50:00Z","readings":{"used_pct":0.1,"none":null}}"#;
        let line = line(text).unwrap();
        assert_eq!(line.t, Some(12.0));
        assert_eq!(line.check.as_deref(), Some("café"));
        assert_eq!((line.ok, line.unknown), (Some(false), Some(true)));
        assert_eq!(line.latency_ms, Some(31.2));
        assert_eq!((line.closer_look, line.retries), (Some(true), Some(2)));
        assert_eq!((line.unsent, line.in_flight), (Some(40), Some(3)));
        assert_eq!(line.waited_ms, Some(7.5));
        assert_eq!(line.reason.as_deref(), Some("timeout"));
        assert_eq!(line.detail.as_deref(), Some("late"));
        assert_eq!(line.readings.unwrap().0, [("used_pct".into(), 0.1)]);
        assert_eq!(line.phases_ms.unwrap().0, [("dns".into(), 0.5)]);
        assert_eq!(line.strange, None);
    }

    #[test]
    fn every_known_key_is_one_that_is_read() {
        for key in KEYS {
            let text = format!("{{\"{key}\":null}}");
            assert_eq!(line(&text).unwrap(), Line::default(), "{key}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_refused_and_what_is_unknown_is_handed_on() {
        assert!(line(r#"{"t":1,"t":2}"#).unwrap_err().contains("twice"));
        let twice = line(r#"{"readings":{"lag":1,"lag":2}}"#);
        assert!(twice.unwrap_err().contains("`lag` is given twice"));
        let large = line(r#"{"readings":{"lag":1e999}}"#);
        assert!(large.unwrap_err().contains("too large"));
        assert!(line(r#"{"t":"1"}"#).unwrap_err().contains("f64"));
        let strange = line(r#"{"unkown":true,"other":[{"t":1}],"t":1}"#).unwrap();
        assert_eq!(strange.strange.as_deref(), Some("unkown"));
        assert_eq!(strange.t, Some(1.0));
    }
}
