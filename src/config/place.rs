//! Where something is written: a file and a range of its text. Values only; nothing is read here.
//!
//! Everything that `config` hands on carries a [`Place`], so that a problem found much later can
//! still show the user's own line.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The text of one file, under the name by which the user knows it.
pub struct SourceFile {
    path: PathBuf,
    folder: PathBuf,
    text: String,
    line_starts: Vec<u32>,
}

impl SourceFile {
    /// Keeps a text. `path` is what messages show, `folder` is where relative paths in it start.
    #[must_use]
    pub fn new(path: PathBuf, folder: PathBuf, text: String) -> Arc<Self> {
        let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let breaks = breaks.map(|at| u32::try_from(at).unwrap_or(u32::MAX));
        let mut line_starts: Vec<u32> = std::iter::once(0).chain(breaks).collect();
        line_starts.shrink_to_fit();
        Arc::new(Self {
            path,
            folder,
            text,
            line_starts,
        })
    }

    /// The name by which the user knows the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder in which the file lies.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The number of the line, from 1, that holds the byte at `offset`.
    #[must_use]
    pub fn line_number(&self, offset: usize) -> usize {
        self.line_starts
            .partition_point(|start| *start as usize <= offset)
    }

    /// The range of a line's text, its line break not included; empty when there is no such line.
    #[must_use]
    pub fn line_range(&self, number: usize) -> Range<usize> {
        let Some(&start) = number.checked_sub(1).and_then(|n| self.line_starts.get(n)) else {
            return self.text.len()..self.text.len();
        };
        let start = start as usize;
        let next = self.line_starts.get(number);
        let next = next.map_or(self.text.len(), |next| *next as usize);
        let line = &self.text[start..next];
        start..start + line.trim_end_matches(['\n', '\r']).len()
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the text: it may hold secrets.
        f.debug_tuple("SourceFile").field(&self.path).finish()
    }
}

/// A range of the text of one file.
///
/// Everything that is written has two of these, so they are small: a file is a mebibyte at most, and
/// what lies beyond four gibibytes of a text counts as its end.
#[derive(Clone, Debug)]
pub struct Place {
    file: Arc<SourceFile>,
    start: u32,
    end: u32,
}

impl Place {
    /// Names a range of bytes; what lies outside the text or inside a character is moved to where
    /// the text can be cut.
    #[must_use]
    pub fn new(file: &Arc<SourceFile>, range: Range<usize>) -> Self {
        let start = floor_boundary(file.text(), range.start);
        let end = floor_boundary(file.text(), range.end).max(start);
        let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            file: Arc::clone(file),
            start: offset(start),
            end: offset(end),
        }
    }

    /// The file.
    #[must_use]
    pub const fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// The range of bytes.
    #[must_use]
    pub const fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The line on which it begins, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.file.line_number(self.range().start)
    }

    /// The character of that line at which it begins, from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        let line = self.file.line_range(self.line());
        let start = self.range().start.min(line.end).max(line.start);
        self.file.text()[line.start..start].chars().count() + 1
    }

    /// The text itself.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.file.text()[self.range()]
    }

    /// The first occurrence of `part` inside this place, or the whole place.
    #[must_use]
    pub fn narrowed_to(&self, part: &str) -> Self {
        self.text().find(part).map_or_else(
            || self.clone(),
            |at| {
                let start = self.range().start + at;
                Self::new(&self.file, start..start + part.len())
            },
        )
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.file, &other.file) && self.range() == other.range()
    }
}

impl Eq for Place {}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Arc<SourceFile> {
        SourceFile::new("a.yaml".into(), ".".into(), text.to_owned())
    }

    #[test]
    fn lines_and_columns_count_from_one_in_characters() {
        let file = file("a: 1\r\nü: x\n\n");
        let cases = [
            (0, 1, 1),
            (3, 1, 4),
            (6, 2, 1),
            (8, 2, 2),
            (10, 2, 4),
            (12, 3, 1),
            (99, 4, 1),
        ];
        for (offset, line, column) in cases {
            let place = Place::new(&file, offset..offset + 1);
            assert_eq!((place.line(), place.column()), (line, column), "{offset}");
        }
        assert_eq!(&file.text()[file.line_range(1)], "a: 1");
        assert_eq!(&file.text()[file.line_range(2)], "ü: x");
        assert!(file.line_range(9).is_empty() && file.line_range(0).is_empty());
    }

    #[test]
    fn a_place_can_be_narrowed_to_a_part_of_it() {
        let file = file("url: ${HOST}/x");
        let place = Place::new(&file, 5..14);
        assert_eq!(place.narrowed_to("${HOST}").range(), 5..12);
        assert_eq!(place.narrowed_to("absent").range(), 5..14);
    }
}
