//! Walking a JSON document along a path, one step after the other, with a bound on what a step may
//! hold at once.

use jsonpath_rust::parser::model::{JpQuery, Segment, Selector};
use jsonpath_rust::query::js_path_process;
use serde_json::Value;

/// All that the path finds; absent when a step holds more than [`MOST_VALUES`] values.
pub fn find<'v>(path: &JpQuery, document: &'v Value) -> Option<Vec<&'v Value>> {
    let mut here = vec![document];
    for segment in &path.segments {
        let mut next = Vec::new();
        for value in here {
            step(segment, value, &mut next)?;
        }
        here = next;
    }
    Some(here)
}

/// The one value to which a path of names and indices leads; absent where it stops on the way, and
/// for any other path.
pub fn direct<'v>(path: &JpQuery, document: &'v Value) -> Option<&'v Value> {
    path.segments
        .iter()
        .try_fold(document, |here, segment| match segment {
            Segment::Selector(Selector::Name(name)) => here.as_object()?.get(name),
            Segment::Selector(Selector::Index(index)) => at(here, *index),
            _ => None,
        })
}

/// The element at an index; a negative one counts from the end.
pub fn at(value: &Value, index: i64) -> Option<&Value> {
    let elements = value.as_array()?;
    let position = match usize::try_from(index) {
        Ok(position) => position,
        Err(_) => {
            let back = usize::try_from(index.unsigned_abs()).ok()?;
            elements.len().checked_sub(back)?
        }
    };
    elements.get(position)
}

fn step<'v>(segment: &Segment, value: &'v Value, found: &mut Vec<&'v Value>) -> Option<()> {
    match segment {
        Segment::Selector(selector) => select(selector, value, found)?,
        Segment::Selectors(selectors) => {
            for selector in selectors {
                select(selector, value, found)?;
            }
        }
        // As deep as the document, which its parser bounds.
        Segment::Descendant(inner) => {
            step(inner, value, found)?;
            for child in children(value) {
                step(segment, child, found)?;
            }
        }
    }
    (found.len() <= MOST_VALUES).then_some(())
}

fn select<'v>(selector: &Selector, value: &'v Value, found: &mut Vec<&'v Value>) -> Option<()> {
    match selector {
        Selector::Name(name) => found.extend(value.as_object().and_then(|all| all.get(name))),
        Selector::Index(index) => found.extend(at(value, *index)),
        Selector::Wildcard => found.extend(children(value)),
        Selector::Slice(start, end, stride) => {
            let elements = value.as_array().map_or(&[][..], Vec::as_slice);
            found.extend(slice(elements, *start, *end, stride.unwrap_or(1)));
        }
        Selector::Filter(_) => {
            let one = JpQuery::new(vec![Segment::Selector(selector.clone())]);
            let matching = js_path_process(&one, value).ok()?;
            found.extend(matching.into_iter().map(|one| one.val));
        }
    }
    Some(())
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(elements) => elements.iter().collect(),
        Value::Object(members) => members.values().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The elements of a slice (RFC 9535, section 2.3.4.2.2). Saturating: an index far beyond the list
/// is its end.
fn slice(elements: &[Value], start: Option<i64>, end: Option<i64>, stride: i64) -> Vec<&Value> {
    let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
    let from_start = |index: i64| {
        if index < 0 {
            length.saturating_add(index)
        } else {
            index
        }
    };
    let mut positions = Vec::new();
    if stride > 0 {
        let mut position = start.map_or(0, from_start).clamp(0, length);
        let end = end.map_or(length, from_start).clamp(0, length);
        while position < end {
            positions.push(position);
            position = position.saturating_add(stride);
        }
    } else if stride < 0 {
        let mut position = start.map_or(length - 1, from_start).clamp(-1, length - 1);
        let end = end.map_or(-1, from_start).clamp(-1, length - 1);
        while position > end {
            positions.push(position);
            position = position.saturating_add(stride);
        }
    }
    positions
        .into_iter()
        .filter_map(|position| elements.get(usize::try_from(position).ok()?))
        .collect()
}

/// A step that holds more values than this comes of a path such as `$..*..*` over a large body.
const MOST_VALUES: usize = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use jsonpath_rust::parser::parse_json_path;
    use proptest::prelude::*;
    use serde_json::json;

    fn found(path: &str, document: &Value) -> Option<Vec<Value>> {
        let path = parse_json_path(path).unwrap();
        find(&path, document).map(|found| found.into_iter().cloned().collect())
    }

    #[test]
    fn the_walk_finds_what_the_library_finds() {
        let document = json!({
            "a": [0, 1, 2, 3, 4, 5],
            "b": {"c": {"a": [{"n": 1}, {"n": 2}, {"m": 3}]}, "n": 9},
            "": null
        });
        for path in [
            "$",
            "$.a",
            "$.a[*]",
            "$.a[1]",
            "$.a[-2]",
            "$.a[9]",
            "$.a[1:3]",
            "$.a[:-1]",
            "$.a[::2]",
            "$.a[::-1]",
            "$.a[4:1:-2]",
            "$.a[0,2]",
            "$['a','b']",
            "$..n",
            "$..a[0]",
            "$..*",
            "$.*",
            "$..[?@.n]",
            "$.b.c.a[?@.n > 1].n",
            "$.b.c.a[?@.n == 1 || @.m]",
            "$.none.a",
            "$..[0,1]",
            "$[?@.n]",
            "$..a[?length(@) > 0]",
            "$.a[?@ >= 3]",
            "$.a[0:100:2]",
        ] {
            let parsed = parse_json_path(path).unwrap();
            let mut library: Vec<String> = js_path_process(&parsed, &document)
                .unwrap()
                .into_iter()
                .map(|one| one.val.to_string())
                .collect();
            let mut walk: Vec<String> = found(path, &document)
                .unwrap()
                .iter()
                .map(Value::to_string)
                .collect();
            library.sort();
            walk.sort();
            assert_eq!(walk, library, "{path}");
        }
    }

    #[test]
    fn a_direct_way_leads_where_the_walk_leads() {
        let document = json!({"a": [0, {"b": null}], "": {"c": "x"}, "a$b": 1});
        for (path, is_direct) in [
            ("$", true),
            ("$.a[1].b", true),
            ("$.a[-2]", true),
            ("$[''].c", true),
            ("$['a$b']", true),
            ("$.a.b", false),
            ("$.a[7]", false),
            ("$.a[*]", false),
            ("$..c", false),
        ] {
            let parsed = parse_json_path(path).unwrap();
            let direct = direct(&parsed, &document).cloned();
            assert_eq!(direct.is_some(), is_direct, "{path}");
            if is_direct {
                assert_eq!(found(path, &document).unwrap().first(), direct.as_ref());
            }
        }
    }

    #[test]
    fn a_path_that_multiplies_is_given_up() {
        let document = json!(vec![vec![1; 300]; 300]);
        assert_eq!(found("$..*", &document).unwrap().len(), 300 + 90_000);
        let nested = (0..100).fold(json!([1]), |inner, _| json!([inner]));
        assert_eq!(found("$..*..*..*..*..*", &nested), None);
    }

    proptest! {
        #[test]
        fn slices_never_panic(start: Option<i64>, end: Option<i64>, stride: i64, length in 0_usize..9) {
            let elements = vec![json!(1); length];
            prop_assert!(slice(&elements, start, end, stride).len() <= length);
        }
    }
}
