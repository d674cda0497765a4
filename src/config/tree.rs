//! The tree of values that a file holds, each with its place. Values and ways through them only.

use super::place::Place;

/// A value and where it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where.
    pub place: Place,
    /// What.
    pub value: Value,
}

/// What can be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: `~`, `null`, or no value at all.
    Null,
    /// `true` or `false`, and nothing else.
    Bool(bool),
    /// A number, as it is written: exact at any size.
    Number(String),
    /// Text.
    Text(Text),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order in which it is written.
    Map(Vec<Entry>),
    /// Something that is already known to be wrong and was reported; it fits everywhere, so that
    /// the problems behind it are found too.
    Hole,
}

/// Text, and how firmly it is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The characters.
    pub text: String,
    /// How it is written.
    pub form: Form,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Without quotes.
    Plain,
    /// In quotes or as a block: never anything but text.
    Quoted,
    /// Filled in for a whole `${…}` without quotes: text, or the number or the boolean that its
    /// characters spell, whichever the setting takes.
    Filled,
    /// Filled in for a whole `"${…}"`, as it must be written within braces and brackets: text, and a
    /// number or a boolean only where the setting takes nothing else.
    FilledInQuotes,
}

impl Form {
    /// Whether it is written in quotes.
    #[must_use]
    pub const fn is_quoted(self) -> bool {
        matches!(self, Self::Quoted | Self::FilledInQuotes)
    }

    /// Whether a whole reference stands for it.
    #[must_use]
    pub const fn is_filled(self) -> bool {
        matches!(self, Self::Filled | Self::FilledInQuotes)
    }
}

/// A key of a mapping with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// One step into a tree.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an item of a list.
    Item(usize),
}

impl Node {
    /// The entries of a mapping; none when it is something else.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none when it is something else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entry of a mapping with this key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key.text == key)
    }

    /// The value that the steps lead to.
    #[must_use]
    pub fn at(&self, path: &[Step]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| match step {
            Step::Key(key) => node.entry(key).map(|entry| &entry.value),
            Step::Item(index) => node.items().get(*index),
        })
    }

    /// The value that the steps lead to, to be changed.
    pub fn at_mut(&mut self, path: &[Step]) -> Option<&mut Self> {
        path.iter()
            .try_fold(self, |node, step| match (&mut node.value, step) {
                (Value::Map(entries), Step::Key(key)) => entries
                    .iter_mut()
                    .find(|entry| entry.key.text == *key)
                    .map(|entry| &mut entry.value),
                (Value::List(items), Step::Item(index)) => items.get_mut(*index),
                _ => None,
            })
    }

    /// Takes the value that the steps lead to out of its mapping or list.
    pub fn remove(&mut self, path: &[Step]) {
        let Some((last, way)) = path.split_last() else {
            return;
        };
        match (self.at_mut(way).map(|node| &mut node.value), last) {
            (Some(Value::Map(entries)), Step::Key(key)) => {
                entries.retain(|entry| entry.key.text != *key);
            }
            (Some(Value::List(items)), Step::Item(index)) if *index < items.len() => {
                items.remove(*index);
            }
            _ => {}
        }
    }

    /// The place to point at for the value that the steps lead to, as far as they lead anywhere:
    /// a scalar's own place, the key of a mapping or list. `owner` stands for the tree itself.
    #[must_use]
    pub fn place_at(&self, path: &[Step], owner: &Place) -> Place {
        let mut node = self;
        let mut place = owner.clone();
        for step in path {
            match step {
                Step::Key(key) => {
                    let Some(entry) = node.entry(key) else { break };
                    place = entry.pointer();
                    node = &entry.value;
                }
                Step::Item(index) => {
                    let Some(item) = node.items().get(*index) else {
                        break;
                    };
                    place = item.place.clone();
                    node = item;
                }
            }
        }
        place
    }

    /// Whether any value in the tree is a hole.
    #[must_use]
    pub fn has_hole(&self) -> bool {
        match &self.value {
            Value::Hole => true,
            Value::List(items) => items.iter().any(Self::has_hole),
            Value::Map(entries) => entries.iter().any(|entry| entry.value.has_hole()),
            _ => false,
        }
    }

    /// What sort of value it is, for messages: `a list`, `the number 5`.
    #[must_use]
    pub fn description(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Number(number) => shown(number, "number"),
            Value::Text(text) => shown(&text.text, "text"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            Value::Hole => "something unreadable".to_owned(),
        }
    }

    /// Whether it is a mapping or a list.
    #[must_use]
    pub const fn is_collection(&self) -> bool {
        matches!(self.value, Value::List(_) | Value::Map(_))
    }
}

impl Entry {
    /// The place to point at for the value: its own, or the key where the value is a mapping, a
    /// list or nothing.
    #[must_use]
    pub fn pointer(&self) -> Place {
        if self.value.is_collection() || self.value.place.range().is_empty() {
            self.key.place.clone()
        } else {
            self.value.place.clone()
        }
    }
}

/// A scalar in a message: whole or not at all. A part of a secret would slip through the mask.
fn shown(text: &str, sort: &str) -> String {
    const LONGEST: usize = 48;
    let count = text.chars().count();
    if count == 0 {
        format!("an empty {sort}")
    } else if count > LONGEST || text.contains('\n') {
        format!("a {sort} of {count} characters")
    } else {
        format!("the {sort} `{text}`")
    }
}
