//! The steps that some kinds are made of, and the settings of checks with a session: each step has a
//! kind of its own, whose settings are read as those of a check, and names in braces that are filled
//! in at run time.

mod mold;
mod names;
pub mod template;

use std::sync::Arc;

use self::names::{Captured, Known, Whoever};
use super::checks::kind::{self, Bearer};
use super::kinds::Kinds;
use crate::config::problem::{Code, Problem};
use crate::config::tree::Key;
use crate::config::{Entry, Node, Place, Step, Value};
use crate::probe::{Mold, Nature, Readings, Replies, ValueOf};

/// The keys of a step besides its kind.
const KEYS: [&str; 3] = ["name", "capture", "timeout"];

/// What the messages about kinds say of a step.
const BEARER: Bearer<'_> = Bearer {
    what: "step",
    keys: &KEYS,
    // A session may belong to checks of several services.
    deployment: None,
};

/// The steps of one kind's settings.
pub struct Lowered {
    /// What each does, list by list.
    pub molds: Vec<Vec<Arc<Mold>>>,
    /// The settings without what the steps do.
    pub rest: Node,
}

/// Reads the steps in the settings of `owner`, which stand in these lists: the first in order, those
/// of the others after all of the first. A session gives these names.
pub fn lower(
    owner: &Entry,
    lists: &[&'static str],
    given: &[Arc<str>],
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> Lowered {
    let mut rest = owner.value.clone();
    let mut before: Vec<Captured<'_>> = Vec::new();
    let mut molds = Vec::with_capacity(lists.len());
    for list in lists {
        let items = owner.value.entry(list);
        let items = items.map_or(&[][..], |entry| entry.value.items());
        let mut course = Course {
            given,
            kinds,
            before: &mut before,
        };
        molds.push(course.list(items, problems));
        strip(&mut rest, list);
    }
    Lowered { molds, rest }
}

/// The names that steps in these lists capture, each once.
pub fn captured(owner: &Entry, lists: &[&'static str]) -> Vec<Arc<str>> {
    let mut captured: Vec<Arc<str>> = Vec::new();
    for list in lists {
        let items = owner.value.entry(list);
        for node in items.map_or(&[][..], |entry| entry.value.items()) {
            for one in names::captured(node, "") {
                if !captured.iter().any(|known| **known == *one.name) {
                    captured.push(Arc::from(one.name));
                }
            }
        }
    }
    captured
}

/// Reads the settings of a check with a session, which gives these names.
pub fn with_session(
    kind: &'static str,
    entry: &Entry,
    session: &str,
    given: &[Arc<str>],
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> Arc<Mold> {
    let known = Known {
        given,
        before: &[],
        later: &[],
        whoever: Whoever::Session(session),
    };
    names::examine(entry, &known, problems);
    mold::lower(kind, entry, kinds, problems)
}

/// The steps as they are read, one after the other.
struct Course<'a, 'b> {
    given: &'b [Arc<str>],
    kinds: &'b dyn Kinds,
    before: &'b mut Vec<Captured<'a>>,
}

impl<'a> Course<'a, '_> {
    fn list(&mut self, items: &'a [Node], problems: &mut Vec<Problem>) -> Vec<Arc<Mold>> {
        let called: Vec<String> = items.iter().enumerate().map(called).collect();
        let mut molds = Vec::with_capacity(items.len());
        for (index, node) in items.iter().enumerate() {
            // What is no mapping is refused by whoever reads the rest.
            let Value::Map(entries) = &node.value else {
                continue;
            };
            let step = Entry {
                key: Key {
                    text: called[index].clone(),
                    place: place(node),
                },
                value: node.clone(),
            };
            let later: Vec<Captured<'_>> = items[index..]
                .iter()
                .zip(&called[index..])
                .flat_map(|(node, called)| names::captured(node, called))
                .collect();
            let known = Known {
                given: self.given,
                before: self.before,
                later: &later,
                whoever: match index.checked_sub(1) {
                    Some(last) => Whoever::Before(&called[last], &items[last].place),
                    None => Whoever::Nobody,
                },
            };
            molds.push(mold(&step, entries, &known, self.kinds, problems));
            self.before.extend(names::captured(node, &called[index]));
        }
        molds
    }
}

fn mold(
    step: &Entry,
    entries: &[Entry],
    known: &Known<'_>,
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> Arc<Mold> {
    let nature = Nature {
        kind: "",
        replies: Replies::Whole,
        readings: Readings::UNKNOWN,
    };
    let unread = || {
        let nothing = |_: &ValueOf<'_>| Err(String::new());
        Arc::new(Mold::new(nature, None, Vec::new(), nothing))
    };
    let Some((name, entry)) = kind::find(step, entries, &BEARER, kinds, problems) else {
        return unread();
    };
    if !kinds.steps(name).is_empty() {
        let message = format!("a step cannot be a `{name}` itself");
        let problem = Problem::error(Code::BadValue, message)
            .at(&entry.key.place)
            .help("write its steps here, one after the other");
        problems.push(problem);
        return unread();
    }
    names::examine(entry, known, problems);
    mold::lower(name, entry, kinds, problems)
}

/// What messages call a step: its name, or its number where it has none.
fn called((index, node): (usize, &Node)) -> String {
    match node.entry("name").map(|entry| &entry.value.value) {
        Some(Value::Text(text)) => text.text.clone(),
        _ => format!("step {}", index + 1),
    }
}

/// Where a step is: its name, where it has one.
fn place(node: &Node) -> Place {
    let name = node.entry("name");
    name.map_or_else(|| node.place.clone(), Entry::pointer)
}

/// Leaves of the steps in a list what is no kind.
fn strip(rest: &mut Node, list: &str) {
    let way = [Step::Key(list.to_owned())];
    let Some(Value::List(items)) = rest.at_mut(&way).map(|node| &mut node.value) else {
        return;
    };
    for item in items {
        if let Value::Map(entries) = &mut item.value {
            entries.retain(|entry| KEYS.contains(&entry.key.text.as_str()));
        }
    }
}
