//! All files as one document: merged by key, each key defined once, or laid over by an overlay.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::names::Names;
use super::place::Place;
use super::problem::{Code, Problem};
use super::reader::builder::defined_twice;
use super::suggestion;
use super::tree::{Entry, Node, Value};

/// What was declared, as far as it could be read, and what is wrong with it so far.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// `services`, in the order of declaration.
    pub services: Vec<Entry>,
    /// `defaults`.
    pub defaults: Vec<Entry>,
    /// `checks`, in the order of declaration.
    pub checks: Vec<Entry>,
    /// `policies`, in the order of declaration.
    pub policies: Vec<Entry>,
    /// The environment with which it was read, for kinds of check that run a program.
    pub environment: Arc<BTreeMap<String, String>>,
    /// `sessions`, in the order of declaration.
    pub sessions: Vec<Entry>,
    /// `server`: where the daemon listens, and for whom.
    pub server: Vec<Entry>,
    /// `store`: where the daemon remembers, and for how long.
    pub store: Vec<Entry>,
    /// `notifiers`, in the order of declaration: how people are told.
    pub notifiers: Vec<Entry>,
    /// `routes`, in the order of declaration: who is told of what.
    pub routes: Vec<Entry>,
    /// `silences`, in the order of declaration: when nobody is told.
    pub silences: Vec<Entry>,
    /// `telemetry`: where metrics and traces go.
    pub telemetry: Vec<Entry>,
    /// The files, in the order in which they were read.
    pub files: Vec<PathBuf>,
    /// The problems of reading.
    pub problems: Vec<Problem>,
    /// Whether a part could not be read: what is missing may be declared there.
    pub partial: bool,
    /// Where each name of the sections stands.
    names: [Names; SECTIONS.len()],
}

/// The keys of a file.
pub const SECTIONS: [&str; 11] = [
    "services",
    "defaults",
    "checks",
    "policies",
    "sessions",
    "server",
    "store",
    "notifiers",
    "routes",
    "silences",
    "telemetry",
];

impl Document {
    /// Adds what a file declares. What an overlay defines again is laid over: mappings are merged,
    /// everything else is replaced.
    pub fn add(&mut self, tree: Node, overlay: bool) {
        let entries = match tree.value {
            Value::Map(entries) => entries,
            Value::Null => return,
            _ => {
                self.partial = true;
                let message = format!("a file is a mapping, not {}", tree.description());
                let problem = Problem::error(Code::WrongType, message)
                    .at(&tree.place)
                    .help("begin with `checks:`, `services:`, `policies:` or `defaults:`");
                self.problems.push(problem);
                return;
            }
        };
        for entry in entries {
            self.add_section(entry, overlay);
        }
    }

    fn add_section(&mut self, section: Entry, overlay: bool) {
        let place = section.pointer();
        let name = section.key.text.as_str();
        if name.starts_with("x-") {
            // A place to keep anchored values, as other tools have it.
            return;
        }
        let Some(number) = SECTIONS.iter().position(|one| *one == name) else {
            self.problems
                .push(unknown_section(name, &section.key.place));
            return;
        };
        let names = &mut self.names[number];
        // In the order of `SECTIONS`.
        let known = [
            &mut self.services,
            &mut self.defaults,
            &mut self.checks,
            &mut self.policies,
            &mut self.sessions,
            &mut self.server,
            &mut self.store,
            &mut self.notifiers,
            &mut self.routes,
            &mut self.silences,
            &mut self.telemetry,
        ];
        let Some(known) = known.into_iter().nth(number) else {
            return;
        };
        match section.value.value {
            Value::Map(entries) => {
                for entry in entries {
                    lay_over(known, names, entry, overlay, &mut self.problems);
                }
            }
            Value::Null => {}
            Value::Hole => self.partial = true,
            _ => {
                self.partial = true;
                let found = section.value.description();
                self.problems.push(no_mapping(name, &found, &place));
            }
        }
    }
}

fn lay_over(
    known: &mut Vec<Entry>,
    names: &mut Names,
    entry: Entry,
    overlay: bool,
    problems: &mut Vec<Problem>,
) {
    let Some(first) = names.find(known, &entry.key.text) else {
        known.push(entry);
        return;
    };
    let first = &mut known[first];
    if !overlay {
        let help = "remove one of the two, rename it, or give the later file with `--overlay`";
        problems.push(defined_twice(&first.key, &entry.key).help(help));
        return;
    }
    match (&mut first.value.value, entry.value.value) {
        (Value::Map(below), Value::Map(above)) => {
            let mut names = Names::default();
            for entry in above {
                lay_over(below, &mut names, entry, true, problems);
            }
        }
        (_, value) => {
            let place = entry.value.place;
            first.key = entry.key;
            first.value = Node { place, value };
        }
    }
}

fn unknown_section(name: &str, place: &Place) -> Problem {
    Problem::error(Code::UnknownKey, format!("unknown key `{name}`"))
        .at(place)
        .maybe_help(suggestion::did_you_mean(name, SECTIONS))
}

fn no_mapping(name: &str, found: &str, place: &Place) -> Problem {
    let message = format!("`{name}` is a mapping from names, not {found}");
    Problem::error(Code::WrongType, message)
        .at(place)
        .help(format!(
            "write each one under its name, indented below `{name}:`"
        ))
}
