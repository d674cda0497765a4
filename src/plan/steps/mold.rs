//! Settings with `{{ name }}` in them: tried at load with values that stand in for what is not known
//! yet, so that every mistake in them is found there; built at run time with what is.

use std::cell::RefCell;
use std::sync::Arc;

use serde_json::Value as Json;

use super::template::{self, Part};
use crate::config::problem::{Code, Problem};
use crate::config::tree::{Form, Text};
use crate::config::{Deserializer, Entry, Node, Step, Value};
use crate::plan::checks::kind;
use crate::plan::kinds::{Builder, Built, Kinds};
use crate::probe::{Misfit, Mold, Nature, Probe, Readings, Surroundings, ValueOf};

/// Reads the settings of one kind. There is a mold even of settings that are wrong, so that what
/// stands around them is read too.
pub fn lower(
    kind: &'static str,
    entry: &Entry,
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> Arc<Mold> {
    let mut blanks = Vec::new();
    find(&entry.value, &mut Vec::new(), &mut blanks, problems);
    let settings = Settings {
        kind,
        tree: entry.value.clone(),
        blanks,
        surroundings: kind::surroundings(entry),
        build: kinds.builder(),
    };
    let nature = Nature {
        kind,
        replies: kinds.replies(kind),
        readings: kinds.readings(kind).unwrap_or(Readings::UNKNOWN),
    };
    let stand_ins = settings.stand_ins();
    let first = settings.on_trial(&stand_ins, 0);
    let probe = kind::tried(entry, &first, problems, |node| settings.read(node));
    let names = settings.names();
    if settings.blanks.is_empty() {
        let ready: Option<Arc<dyn Probe>> = probe.map(Arc::from);
        let seen = ready.clone();
        return Arc::new(Mold::new(nature, seen.as_deref(), names, move |_| {
            ready
                .clone()
                .ok_or_else(|| "the settings are wrong".to_owned())
        }));
    }
    let second = settings.on_trial(&stand_ins, 1);
    let other = settings.quietly(&second);
    let build = move |value_of: &ValueOf<'_>| settings.with(value_of);
    let mold = Mold::new(nature, probe.as_deref(), names, build);
    Arc::new(mold.unless_differing_from(other.as_deref()))
}

/// A place where something is to be filled in.
struct Blank {
    way: Vec<Step>,
    parts: Vec<Part>,
}

/// Settings with blanks.
struct Settings {
    kind: &'static str,
    tree: Node,
    blanks: Vec<Blank>,
    surroundings: Surroundings,
    build: Builder,
}

impl Settings {
    /// The names, each once.
    fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        for part in self.blanks.iter().flat_map(|blank| &blank.parts) {
            if let Part::Name(name) = part
                && !names.iter().any(|known| **known == **name)
            {
                names.push(Arc::from(name.as_str()));
            }
        }
        names
    }

    /// The settings on trial, with the stand-ins that each blank takes. Those that refused all are left
    /// out, or are holes where that cannot be.
    fn on_trial(&self, stand_ins: &[usize], which: usize) -> Node {
        let mut tree = self.filled(Form::Filled, |blank, _| stand_in(stand_ins[blank], which));
        for (blank, chosen) in self.blanks.iter().zip(stand_ins) {
            if *chosen > STAND_INS.len() && matches!(blank.way.last(), Some(Step::Key(_))) {
                tree.remove(&blank.way);
            }
        }
        tree
    }

    /// The settings with every blank filled in; where there is no value, a hole. A blank that is
    /// nothing but a name takes the value as what it is, a number as a number; a text is of this
    /// form.
    fn filled(&self, form: Form, value_of: impl Fn(usize, &str) -> Option<Json>) -> Node {
        let mut tree = self.tree.clone();
        for (index, blank) in self.blanks.iter().enumerate() {
            if let Some(node) = tree.at_mut(&blank.way) {
                let value = fill(&blank.parts, form, |name| value_of(index, name));
                node.value = value.unwrap_or(Value::Hole);
            }
        }
        tree
    }

    fn read(&self, settings: Deserializer<'_>) -> Built {
        let missing = || Ok(Err(vec![Misfit::at(&[], "the kind is not there")]));
        (self.build)(self.kind, settings, &self.surroundings).unwrap_or_else(missing)
    }

    /// The probe of filled in settings, if they are right.
    fn quietly(&self, node: &Node) -> Option<Box<dyn Probe>> {
        let notes = RefCell::default();
        self.read(Deserializer::new(node, &notes)).ok()?.ok()
    }

    /// Which stand-in each blank takes. Each try gives up one that was refused, until those that are
    /// left are not what is wrong; a blank that refuses all of them is left open, and then left out.
    fn stand_ins(&self) -> Vec<usize> {
        let mut chosen = vec![0; self.blanks.len()];
        loop {
            let node = self.on_trial(&chosen, 0);
            let mut is_changed = false;
            for blank in self.refused(&node) {
                if chosen[blank] <= STAND_INS.len() {
                    chosen[blank] += 1;
                    is_changed = true;
                }
            }
            if !is_changed {
                return chosen;
            }
        }
    }

    /// The blanks with whose values the settings are wrong.
    fn refused(&self, node: &Node) -> Vec<usize> {
        let notes = RefCell::default();
        let ways: Vec<Vec<Step>> = match self.read(Deserializer::new(node, &notes)) {
            Ok(Ok(_)) => Vec::new(),
            Ok(Err(misfits)) => {
                let ways = misfits.iter().map(|misfit| kind::way(&misfit.path, node));
                ways.collect()
            }
            Err(error) => vec![error.path()],
        };
        let blanks = self.blanks.iter().enumerate();
        let refused = blanks.filter(|(_, blank)| ways.contains(&blank.way));
        refused.map(|(index, _)| index).collect()
    }

    /// The probe with what is known when it is run.
    fn with(&self, value_of: &ValueOf<'_>) -> Result<Arc<dyn Probe>, String> {
        if let Some(name) = self.names().iter().find(|name| value_of(name).is_none()) {
            return Err(format!("nothing fills in `{name}`"));
        }
        let node = self.filled(Form::Quoted, |_, name| value_of(name));
        let notes = RefCell::default();
        match self.read(Deserializer::new(&node, &notes)) {
            Ok(Ok(probe)) => Ok(Arc::from(probe)),
            Ok(Err(misfits)) => Err(misfits.first().map_or_else(
                || "the settings cannot work".to_owned(),
                |misfit| format!("{}: {}", misfit.path.join("."), misfit.message),
            )),
            Err(error) => {
                let way = error.path().into_iter().map(|step| match step {
                    Step::Key(key) => key,
                    Step::Item(index) => index.to_string(),
                });
                let way: Vec<String> = way.collect();
                Err(format!("{}: {error}", way.join(".")))
            }
        }
    }
}

/// What stands in for a value that is not known yet, most settings taking the first: each twice, so
/// that one sees what depends on it.
const STAND_INS: &[[&str; 2]] = &[
    ["7", "8"],
    ["http://seven.invalid/", "http://eight.invalid/"],
    ["/7", "/8"],
    ["true", "false"],
    ["7s", "8s"],
    ["GET", "PUT"],
];

fn stand_in(chosen: usize, which: usize) -> Option<Json> {
    let text = STAND_INS.get(chosen)?[which];
    Some(Json::String(text.to_owned()))
}

fn fill(parts: &[Part], form: Form, value_of: impl Fn(&str) -> Option<Json>) -> Option<Value> {
    if let Some(name) = template::only_name(parts) {
        return Some(match value_of(name)? {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(value),
            Json::Number(number) => Value::Number(number.to_string()),
            Json::String(text) => Value::Text(Text { text, form }),
            other @ (Json::Array(_) | Json::Object(_)) => quoted(other.to_string()),
        });
    }
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(literal),
            Part::Name(name) => match value_of(name)? {
                Json::String(value) => text.push_str(&value),
                other => text.push_str(&other.to_string()),
            },
        }
    }
    Some(quoted(text))
}

fn quoted(text: String) -> Value {
    let form = Form::Quoted;
    Value::Text(Text { text, form })
}

/// Finds all blanks of a tree.
fn find(node: &Node, way: &mut Vec<Step>, blanks: &mut Vec<Blank>, problems: &mut Vec<Problem>) {
    match &node.value {
        Value::Text(text) => match template::parse(&text.text) {
            Ok(Some(parts)) => blanks.push(Blank {
                way: way.clone(),
                parts,
            }),
            Ok(None) => {}
            Err(wrong) => problems.push(no_name(&wrong.excerpt, node)),
        },
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                way.push(Step::Item(index));
                find(item, way, blanks, problems);
                way.pop();
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                if let Some(found) = template::first(&entry.key.text) {
                    let message = format!("`{found}` stands in a key, and keys are not filled in");
                    let problem = Problem::error(Code::BadReference, message)
                        .at(&entry.key.place)
                        .help("write the key itself");
                    problems.push(problem);
                }
                way.push(Step::Key(entry.key.text.clone()));
                find(&entry.value, way, blanks, problems);
                way.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Hole => {}
    }
}

fn no_name(excerpt: &str, node: &Node) -> Problem {
    let message = match excerpt {
        "{{" => "`{{` is never closed".to_owned(),
        whole => format!("`{whole}` holds no name"),
    };
    Problem::error(Code::BadReference, message)
        .at(&node.place.narrowed_to(excerpt))
        .help("write `{{ name }}`; for the two braces themselves write {{ \"{{\" }}")
}
