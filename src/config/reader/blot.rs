//! References that lack their quotes inside YAML's own braces: found, reported, blotted out.
//!
//! `{ url: ${X} }` and `url: {{ token }}` mean something else to YAML, or nothing. The characters
//! of such a reference are replaced by as many harmless ones, so that places stay what they are.

use std::ops::Range;
use std::sync::Arc;

use crate::config::place::{Place, SourceFile};
use crate::config::problem::{Code, Problem};

/// A text with parts blotted out.
pub struct Blots {
    text: String,
    ranges: Vec<Range<usize>>,
}

impl Blots {
    /// A text without blots.
    pub fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            ranges: Vec::new(),
        }
    }

    /// The text with the blots.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether another blot is allowed: each one means reading the text again.
    pub const fn has_room(&self) -> bool {
        self.ranges.len() < MOST_BLOTS
    }

    /// Blots a range out. The range must begin and end between characters.
    pub fn add(&mut self, range: Range<usize>) {
        let blot = "x".repeat(range.len());
        self.text.replace_range(range.clone(), &blot);
        self.ranges.push(range);
    }

    /// Whether a blot touches the range.
    pub fn touch(&self, range: &Range<usize>) -> bool {
        self.ranges
            .iter()
            .any(|blot| blot.start < range.end && range.start < blot.end)
    }
}

const MOST_BLOTS: usize = 64;

/// The problem of a reference without quotes.
pub fn unquoted(file: &Arc<SourceFile>, range: Range<usize>) -> Problem {
    let place = Place::new(file, range);
    let reference = place.text();
    let message = if reference.starts_with("{{") {
        "`{{ … }}` needs quotes: without them YAML reads its braces as a mapping"
    } else {
        "`${…}` needs quotes inside YAML's own braces or brackets"
    };
    Problem::error(Code::UnquotedBraces, message)
        .at(&place)
        .help("put the whole value in double quotes, as \"${NAME}/path\" or \"{{ name }}\"")
}

/// The reference without quotes that made the text unreadable at `offset`, if there is one.
/// `double_brace` is where two mappings opened directly one after the other.
pub fn unquoted_near(
    text: &str,
    offset: usize,
    double_brace: Option<usize>,
) -> Option<Range<usize>> {
    if text.get(..offset)?.ends_with('$') && text[offset..].starts_with('{') {
        return Some(until(text, offset - 1, "}"));
    }
    let start = double_brace.filter(|start| *start <= offset)?;
    let between = text.get(start..offset)?;
    (!between.contains('\n')).then(|| until(text, start, "}}"))
}

/// From `start` to the end of the closing braces, or of the line.
pub fn until(text: &str, start: usize, closing: &str) -> Range<usize> {
    let rest = &text[start..];
    let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
    let end = rest[..line].find(closing).map(|at| at + closing.len());
    start..start + end.unwrap_or(line)
}
