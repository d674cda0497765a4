//! The parser's events → a tree. Checks keys, aliases and merges on the way.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, ScalarStyle, StructureStyle};

use super::anchors::{Anchors, Refusal};
use super::blot::{self, Blots};
use crate::config::names::Names;
use crate::config::place::{Place, SourceFile};
use crate::config::problem::{Code, Problem};
use crate::config::scalar;
use crate::config::tree::{Entry, Form, Key, Node, Text, Value};

/// Why a text cannot be read on.
pub enum Unreadable {
    /// A reference without quotes; the text can be read again without it.
    Unquoted(Range<usize>),
    /// Anything else.
    Other(Box<Problem>),
}

/// Builds the tree of one document.
pub struct Builder<'a> {
    file: &'a Arc<SourceFile>,
    blots: &'a Blots,
    problems: &'a mut Vec<Problem>,
    anchors: Anchors,
    open: Vec<Open>,
    documents: usize,
    last_flow: Option<usize>,
    last_double_brace: Option<usize>,
    root: Option<Node>,
}

/// A mapping or list that is not finished.
struct Open {
    start: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        names: Names,
        merges: Vec<Node>,
        key: Option<KeyRead>,
    },
}

/// A key whose value is still to come.
enum KeyRead {
    Name(Key),
    Merge,
    /// Already reported: the value is dropped.
    Wrong,
}

impl<'a> Builder<'a> {
    /// Begins.
    pub fn new(
        file: &'a Arc<SourceFile>,
        blots: &'a Blots,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self {
            file,
            blots,
            problems,
            anchors: Anchors::default(),
            open: Vec::new(),
            documents: 0,
            last_flow: None,
            last_double_brace: None,
            root: None,
        }
    }

    /// The finished tree.
    pub fn finish(self) -> Option<Node> {
        self.root
    }

    /// Where two mappings last opened directly one after the other: `{{`.
    pub const fn last_double_brace(&self) -> Option<usize> {
        self.last_double_brace
    }

    /// Takes the next event, with its range and that of its tag.
    pub fn take(
        &mut self,
        event: Event<'_>,
        range: Range<usize>,
        tag: Option<Range<usize>>,
    ) -> Result<(), Unreadable> {
        if let Some(tag) = tag {
            self.refuse_tag(tag);
        }
        match event {
            Event::DocumentStart(..) => self.begin_document(range)?,
            Event::Scalar(text, style, anchor, _) => {
                let node = self.scalar(text, style, &range);
                let plain = style == ScalarStyle::Plain;
                self.complete(node, anchor, plain)?;
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(range.start, anchor, Content::List(Vec::new()));
            }
            Event::MappingStart(style, anchor, _) => {
                self.note_braces(style, range.start);
                let content = Content::Map {
                    entries: Vec::new(),
                    names: Names::default(),
                    merges: Vec::new(),
                    key: None,
                };
                self.begin(range.start, anchor, content);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(range.end)?,
            Event::Alias(anchor) => {
                let node = self.alias(anchor, range)?;
                self.complete(node, 0, false)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn place(&self, range: Range<usize>) -> Place {
        Place::new(self.file, range)
    }

    fn refuse_tag(&mut self, range: Range<usize>) {
        let place = self.place(range);
        let problem = Problem::error(
            Code::OutsideTheLanguage,
            "tags are not part of the language",
        )
        .at(&place)
        .help("remove the tag; put the value in quotes where it is meant as text");
        self.problems.push(problem);
    }

    fn begin_document(&mut self, range: Range<usize>) -> Result<(), Unreadable> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        let problem = Problem::error(Code::OutsideTheLanguage, "a second document begins here")
            .at(&self.place(range))
            .help("a file holds one document; move the second into a file of its own");
        Err(Unreadable::Other(Box::new(problem)))
    }

    fn scalar(&self, text: Cow<'_, str>, style: ScalarStyle, range: &Range<usize>) -> Node {
        let value = if self.blots.touch(range) {
            Value::Hole
        } else if style == ScalarStyle::Plain {
            scalar::plain(&text)
        } else {
            Value::Text(Text {
                text: text.into_owned(),
                form: Form::Quoted,
            })
        };
        Node {
            place: self.place(range.clone()),
            value,
        }
    }

    fn note_braces(&mut self, style: StructureStyle, start: usize) {
        if style == StructureStyle::Flow {
            let previous = self.last_flow.replace(start);
            if previous.is_some_and(|previous| previous + 1 == start) {
                self.last_double_brace = previous;
            }
        }
    }

    fn begin(&mut self, start: usize, anchor: usize, content: Content) {
        self.open.push(Open {
            start,
            anchor,
            content,
        });
    }

    fn end(&mut self, end: usize) -> Result<(), Unreadable> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.content {
            Content::List(mut items) => {
                items.shrink_to_fit();
                Value::List(items)
            }
            Content::Map {
                entries, merges, ..
            } => {
                let mut entries = self.merged(entries, merges);
                // Most mappings have one or two entries, and room for four.
                entries.shrink_to_fit();
                Value::Map(entries)
            }
        };
        let end = self.file.text()[..end].trim_end().len().max(open.start);
        let place = self.place(open.start..end);
        self.complete(Node { place, value }, open.anchor, false)
    }

    fn alias(&mut self, anchor: usize, range: Range<usize>) -> Result<Node, Unreadable> {
        let (code, message, help) = match self.anchors.fill_in(anchor, self.open.len()) {
            Ok(node) => return Ok(node),
            Err(Refusal::Itself) => (
                Code::OutsideTheLanguage,
                "the alias stands inside the value that it repeats",
                "write the value out",
            ),
            Err(Refusal::TooLarge) => (
                Code::Boundless,
                "the aliases of this file repeat more values than a configuration can have",
                "repeat less with aliases",
            ),
            Err(Refusal::TooDeep) => (
                Code::Boundless,
                "with this alias filled in the file is nested too deep",
                "repeat less with aliases",
            ),
        };
        let problem = Problem::error(code, message)
            .at(&self.place(range))
            .help(help);
        Err(Unreadable::Other(Box::new(problem)))
    }

    /// Puts a finished value where it belongs: into the open list or mapping, or as the root.
    fn complete(&mut self, node: Node, anchor: usize, plain: bool) -> Result<(), Unreadable> {
        self.anchors.keep(anchor, &node);
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map {
                entries,
                names,
                merges,
                key,
            } => match key.take() {
                Some(KeyRead::Name(key)) => match names.find(entries, &key.text) {
                    Some(first) => {
                        let problem = defined_twice(&entries[first].key, &key);
                        self.problems.push(problem);
                    }
                    None => entries.push(Entry { key, value: node }),
                },
                Some(KeyRead::Merge) => merges.push(node),
                Some(KeyRead::Wrong) => {}
                None => *key = Some(key_of(node, plain, self.problems)?),
            },
        }
        Ok(())
    }

    /// The entries of a mapping with those of its `<<`, which never replace what is written.
    fn merged(&mut self, mut entries: Vec<Entry>, merges: Vec<Node>) -> Vec<Entry> {
        for merge in merges {
            let place = merge.place;
            let maps = match merge.value {
                Value::List(items) => items,
                value => vec![Node { place, value }],
            };
            for map in maps {
                let Value::Map(more) = map.value else {
                    let message = format!("`<<` takes a mapping, not {}", map.description());
                    let problem = Problem::error(Code::WrongType, message)
                        .at(&map.place)
                        .help("name an anchored mapping, as `<<: *name`");
                    self.problems.push(problem);
                    continue;
                };
                for entry in more {
                    if !entries.iter().any(|known| known.key.text == entry.key.text) {
                        entries.push(entry);
                    }
                }
            }
        }
        entries
    }
}

fn key_of(node: Node, plain: bool, problems: &mut Vec<Problem>) -> Result<KeyRead, Unreadable> {
    let place = node.place;
    let text = match node.value {
        Value::Text(text) => text.text,
        Value::Number(number) => number,
        Value::Bool(value) => value.to_string(),
        Value::Hole => return Ok(KeyRead::Wrong),
        Value::Null => return Ok(wrong_key(&place, "a key is missing", problems)),
        Value::List(_) | Value::Map(_) => {
            let (text, start) = (place.file().text(), place.range().start);
            if text[..start].ends_with('{') && text[start..].starts_with('{') {
                return Err(Unreadable::Unquoted(blot::until(text, start - 1, "}}")));
            }
            let message = "a key is a name, not a list or a mapping";
            return Ok(wrong_key(&place, message, problems));
        }
    };
    if text.contains("${") {
        let message = "variables are filled in for values, not for keys";
        return Ok(wrong_key(&place, message, problems));
    }
    if plain && text == "<<" {
        return Ok(KeyRead::Merge);
    }
    Ok(KeyRead::Name(Key { text, place }))
}

fn wrong_key(place: &Place, message: &str, problems: &mut Vec<Problem>) -> KeyRead {
    let problem = Problem::error(Code::OutsideTheLanguage, message)
        .at(place)
        .help("write the key as a name, in quotes if it has special characters");
    problems.push(problem);
    KeyRead::Wrong
}

/// The problem of a key that stands twice in one mapping or in two files.
pub fn defined_twice(first: &Key, second: &Key) -> Problem {
    Problem::error(
        Code::DuplicateKey,
        format!("`{}` is defined twice", second.text),
    )
    .at(&second.place)
    .label("defined again here")
    .other(&first.place, "first defined here")
    .help("remove one of the two, or give one of them another name")
}
