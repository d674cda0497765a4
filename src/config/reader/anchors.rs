//! Anchored values, and the bound on what their aliases may grow to.

use std::collections::HashMap;

use crate::config::tree::{Node, Value};

/// What is anchored, by the parser's number of the anchor.
#[derive(Default)]
pub struct Anchors {
    known: HashMap<usize, Anchored>,
    filled_in: usize,
}

struct Anchored {
    node: Node,
    size: usize,
    height: usize,
}

/// Why an alias cannot be filled in.
pub enum Refusal {
    /// The value is not finished: it would contain itself.
    Itself,
    /// Too many values in all.
    TooLarge,
    /// Nested too deep.
    TooDeep,
}

/// So many values may be filled in for aliases in one file.
const MOST_VALUES: usize = 50_000;

impl Anchors {
    /// Keeps a finished value under its anchor; zero is no anchor.
    pub fn keep(&mut self, anchor: usize, node: &Node) {
        if anchor == 0 {
            return;
        }
        let (size, height) = extent(node);
        let node = node.clone();
        let anchored = Anchored { node, size, height };
        self.known.insert(anchor, anchored);
    }

    /// The value for an alias that stands `depth` levels deep.
    pub fn fill_in(&mut self, anchor: usize, depth: usize) -> Result<Node, Refusal> {
        let anchored = self.known.get(&anchor).ok_or(Refusal::Itself)?;
        if depth + anchored.height > super::DEEPEST {
            return Err(Refusal::TooDeep);
        }
        self.filled_in += anchored.size;
        if self.filled_in > MOST_VALUES {
            return Err(Refusal::TooLarge);
        }
        Ok(anchored.node.clone())
    }
}

/// The number of values in a tree, and of its levels.
fn extent(node: &Node) -> (usize, usize) {
    let parts: Vec<(usize, usize)> = match &node.value {
        Value::List(items) => items.iter().map(extent).collect(),
        Value::Map(entries) => entries.iter().map(|entry| extent(&entry.value)).collect(),
        _ => Vec::new(),
    };
    let size = parts.iter().map(|(size, _)| size).sum::<usize>();
    let height = parts.iter().map(|(_, height)| height).max().copied();
    (size + 1, height.unwrap_or_default() + 1)
}
