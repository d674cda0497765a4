//! Reads a part of the tree into a struct and finds *all* that is wrong with it.
//!
//! serde gives up at the first error. So the error is noted, the value that it is about is struck
//! out, and the rest is read again, until nothing new is found. A struck value becomes a hole,
//! which reads as an empty value of whatever type is wanted; where even that is refused, it is
//! taken out, and its absence is not reported. A missing key is made up in the same way.

use std::cell::RefCell;
use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::deserializer::{Deserializer, Error, Sort};
use super::place::Place;
use super::problem::Problem;
use super::tree::{Entry, Key, Node, Step, Value};

/// What became of a part of the tree.
#[derive(Debug)]
pub enum Outcome<T> {
    /// Read as it is written.
    Whole(T),
    /// Read with something in it made up, because what is written is wrong and was reported.
    Guessed(T),
    /// Not readable; the reasons were reported.
    Nothing,
}

impl<T> Outcome<T> {
    /// The value, made up or not: good enough to look for more problems.
    pub fn any(self) -> Option<T> {
        match self {
            Self::Whole(value) | Self::Guessed(value) => Some(value),
            Self::Nothing => None,
        }
    }
}

/// Reads a value of a type.
pub fn read<T: DeserializeOwned>(
    node: &Node,
    owner: &Place,
    problems: &mut Vec<Problem>,
) -> Outcome<T> {
    read_with(node, owner, problems, |deserializer| {
        T::deserialize(deserializer)
    })
}

/// Reads a value with a function, which is called once more for every problem that it finds.
pub fn read_with<T>(
    node: &Node,
    owner: &Place,
    problems: &mut Vec<Problem>,
    mut build: impl FnMut(Deserializer<'_>) -> Result<T, Error>,
) -> Outcome<T> {
    let mut struck = Struck {
        whole: !node.has_hole(),
        tree: node.clone(),
        removed: HashSet::new(),
    };
    let mut outcome = Outcome::Nothing;
    for _ in 0..MOST_READS {
        let notes = RefCell::new(Vec::new());
        let result = build(Deserializer::new(&struck.tree, &notes));
        add_new(problems, notes.into_inner());
        match result {
            Ok(value) if struck.whole => outcome = Outcome::Whole(value),
            Ok(value) => outcome = Outcome::Guessed(value),
            Err(error) => {
                if !struck.explains(&error) {
                    add_new(problems, vec![error.problem(owner)]);
                }
                if struck.strike(&error) {
                    continue;
                }
            }
        }
        break;
    }
    outcome
}

/// So often is a part read again at most; more problems in one part are not told in one run.
const MOST_READS: usize = 200;

/// A tree with parts struck out.
struct Struck {
    tree: Node,
    whole: bool,
    removed: HashSet<Vec<Step>>,
}

impl Struck {
    /// Whether the error is only a consequence of what was struck out before.
    fn explains(&self, error: &Error) -> bool {
        let mut path = error.path();
        if self
            .tree
            .at(&path)
            .is_none_or(|node| node.value == Value::Hole)
        {
            return true;
        }
        let Sort::Missing(field) = error.sort() else {
            return self.has_emptied(&path);
        };
        path.push(Step::Key(field.clone()));
        self.removed.contains(&path)
    }

    /// Whether nothing is left of a mapping because all of it was struck out.
    fn has_emptied(&self, path: &[Step]) -> bool {
        let node = self.tree.at(path);
        let is_empty =
            node.is_some_and(|node| matches!(&node.value, Value::Map(left) if left.is_empty()));
        let is_below = |gone: &Vec<Step>| gone.len() > path.len() && gone.starts_with(path);
        is_empty && self.removed.iter().any(is_below)
    }

    /// Strikes out what the error is about; false when nothing is left to strike.
    fn strike(&mut self, error: &Error) -> bool {
        self.whole = false;
        let mut path = error.path();
        if let Sort::Unknown(key) = error.sort() {
            let below = Step::Key(key.clone());
            if path.last() != Some(&below) {
                path.push(below);
            }
            return self.remove(path);
        }
        if let Sort::Missing(field) = error.sort()
            && self.make_up(&path, field)
        {
            return true;
        }
        match self.tree.at_mut(&path) {
            Some(node) if node.value != Value::Hole => {
                node.value = Value::Hole;
                // The whole of it: what is left would be made up from beginning to end.
                !path.is_empty()
            }
            _ => self.remove(path),
        }
    }

    /// Puts a hole where a key is missing, once, so that the next missing key is found as well.
    fn make_up(&mut self, path: &[Step], field: &str) -> bool {
        let mut below = path.to_vec();
        below.push(Step::Key(field.to_owned()));
        if self.removed.contains(&below) || self.tree.at(&below).is_some() {
            return false;
        }
        let Some(node) = self.tree.at_mut(path) else {
            return false;
        };
        let place = node.place.clone();
        if node.value == Value::Null {
            node.value = Value::Map(Vec::new());
        }
        let Value::Map(entries) = &mut node.value else {
            return false;
        };
        let value = Value::Hole;
        entries.push(Entry {
            key: Key {
                text: field.to_owned(),
                place: place.clone(),
            },
            value: Node { place, value },
        });
        true
    }

    fn remove(&mut self, path: Vec<Step>) -> bool {
        let there = !path.is_empty() && self.tree.at(&path).is_some();
        self.tree.remove(&path);
        self.removed.insert(path);
        there
    }
}

/// Adds the problems that were not found before; the help may differ by what was struck out since.
fn add_new(problems: &mut Vec<Problem>, found: Vec<Problem>) {
    for problem in found {
        let same = |known: &Problem| {
            (known.code, &known.place, &known.message)
                == (problem.code, &problem.place, &problem.message)
        };
        if !problems.iter().any(same) {
            problems.push(problem);
        }
    }
}

#[cfg(test)]
mod tests;
