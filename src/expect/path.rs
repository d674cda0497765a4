//! JSON paths of RFC 9535: read once at load, applied to every answer, explained where they stop.
//!
//! The library parses them and evaluates their filters. The walk is our own: the library's notes
//! the whole way to every value it visits, and a hostile body with long names would make that
//! thousands of times its own size.

use std::borrow::Cow;
use std::fmt;

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use serde_json::Value;

use super::matcher::JsonType;
use super::walk;

/// How many values a path may find: by its form, whatever the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finds {
    /// At most one: the path has names and indices only (RFC 9535, "singular query").
    One,
    /// Any number.
    Several,
}

/// A path into a JSON document.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    text: String,
    query: JpQuery,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it, on one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("a path has at most {LONGEST} characters"));
        }
        if !text.starts_with('$') {
            return Err(format!(
                "`{text}` is not a JSON path: it starts with `$`, as $.status"
            ));
        }
        let query = parse_json_path(text).map_err(|_| {
            format!("`{text}` is not a JSON path (RFC 9535); odd names are written $['like-this']")
        })?;
        Ok(Self {
            text: text.to_owned(),
            query,
        })
    }

    /// All that the path finds in `document`, in document order where the path has one.
    ///
    /// Absent when the walk meets more than a million values at one step.
    #[must_use]
    pub fn find<'v>(&self, document: &'v Value) -> Option<Vec<&'v Value>> {
        if self.looks_back() {
            let found = js_path_process(&self.query, document).ok()?;
            return Some(found.into_iter().map(|one| one.val).collect());
        }
        walk::find(&self.query, document)
    }

    /// The one value to which the path leads straight, through names and indices only; absent
    /// where it stops on the way, and for any other path.
    #[must_use]
    pub fn direct<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        walk::direct(&self.query, document)
    }

    /// How many values the path may find.
    #[must_use]
    pub fn finds(&self) -> Finds {
        let leads_straight = |one: &Segment| {
            matches!(
                one,
                Segment::Selector(Selector::Name(_) | Selector::Index(_))
            )
        };
        match self.query.segments.iter().all(leads_straight) {
            true => Finds::One,
            false => Finds::Several,
        }
    }

    /// Whether the path is one of names only.
    #[must_use]
    pub fn is_of_names(&self) -> bool {
        let is_name = |one: &Segment| matches!(one, Segment::Selector(Selector::Name(_)));
        self.query.segments.iter().all(is_name)
    }

    /// The name at this place of the path; absent beyond its end, and where it is no name.
    #[must_use]
    pub fn name_at(&self, place: usize) -> Option<&str> {
        match self.query.segments.get(place)? {
            Segment::Selector(Selector::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// Whether a filter asks about the whole document: only the library's own walk knows it then.
    fn looks_back(&self) -> bool {
        self.text.get(1..).is_some_and(|rest| rest.contains('$'))
    }

    /// Where and why the path finds nothing: `$.checks.database: no member \`status\``.
    #[must_use]
    pub fn where_it_stops(&self, document: &Value) -> String {
        let mut here = document;
        let mut so_far = "$".to_owned();
        for segment in &self.query.segments {
            let Segment::Selector(selector) = segment else {
                return format!("{}: finds nothing", self.text);
            };
            let (next, missing) = match selector {
                Selector::Name(name) => (here.get(name), format!("no member `{name}`")),
                Selector::Index(index) => (walk::at(here, *index), format!("no element {index}")),
                Selector::Wildcard | Selector::Slice(..) | Selector::Filter(_) => {
                    return format!("{}: finds nothing", self.text);
                }
            };
            let Some(next) = next else {
                return format!("{so_far}: {}", why(here, selector, missing));
            };
            so_far.push_str(&step(selector));
            here = next;
        }
        format!("{so_far}: finds nothing")
    }
}

fn why(here: &Value, selector: &Selector, missing: String) -> String {
    match (here, selector) {
        (Value::Object(_), Selector::Name(_)) => missing,
        (Value::Array(elements), Selector::Index(_)) => {
            format!("{missing}, there are {}", elements.len())
        }
        _ => format!(
            "{missing}, the value is of type {}",
            JsonType::name_of(here)
        ),
    }
}

fn step(selector: &Selector) -> String {
    match selector {
        Selector::Name(name) if is_plain(name) => format!(".{name}"),
        Selector::Name(name) => format!("['{name}']"),
        Selector::Index(index) => format!("[{index}]"),
        Selector::Wildcard | Selector::Slice(..) | Selector::Filter(_) => String::new(),
    }
}

fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A longer path is a slip of the generator that wrote it.
const LONGEST: usize = 1_024;

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for Path {
    fn schema_name() -> Cow<'static, str> {
        "Path".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^\\$",
            "description": "A path into the body (RFC 9535), as $.status or $.items[0].name."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_says_where_it_stops() {
        let document = json!({"checks": {"database": {"up": true}}, "items": [1, 2], "s": "x"});
        let cases = [
            (
                "$.checks.database.status",
                "$.checks.database: no member `status`",
            ),
            ("$.items[5]", "$.items: no element 5, there are 2"),
            (
                "$.s.length",
                "$.s: no member `length`, the value is of type string",
            ),
            ("$['odd-name'].x", "$: no member `odd-name`"),
            ("$.items[?@.x]", "$.items[?@.x]: finds nothing"),
        ];
        for (path, stop) in cases {
            let path = Path::parse(path).unwrap();
            assert!(path.find(&document).unwrap().is_empty(), "{path}");
            assert_eq!(path.where_it_stops(&document), stop);
        }
    }

    #[test]
    fn paths_find_what_rfc_9535_says() {
        let document = json!({"a-b": 1, "items": [{"n": 1}, {"n": 2}], "n": null});
        let cases = [
            ("$['a-b']", json!([1])),
            ("$.items[-1].n", json!([2])),
            ("$.items[*].n", json!([1, 2])),
            ("$..n", json!([null, 1, 2])),
            ("$.items[?@.n > 1].n", json!([2])),
            ("$", json!([document])),
        ];
        for (path, found) in cases {
            let path = Path::parse(path).unwrap();
            assert_eq!(json!(path.find(&document).unwrap()), found, "{path}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_at_load() {
        for text in ["", "status", "$.", "$.a-b", "$[", &"$.a".repeat(1000)] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
        let deep = format!("${}", "[?(".repeat(300));
        assert!(Path::parse(&deep).is_err());
    }
}
