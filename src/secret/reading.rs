//! Ways to read a text in which a secret may stand: as it is, and with the escapes of JSON, of URLs and of
//! HTML undone, so that a secret is known however often, and by whomever, it was quoted on its way here.
//! Each reading knows the way back to the places of the text itself.
//!
//! It refuses to guess: what is no escape stays as it is. Called by the mask.

use std::ops::Range;

use super::mask::CUT;

/// A text as it reads, with runs of white space as single spaces.
#[derive(Default)]
pub(super) struct Reading {
    text: String,
    /// Where in the text itself it stands: few pieces, however long the text.
    pieces: Vec<Piece>,
}

/// A part of a reading: a stretch of the text itself, or what one escape of it means.
struct Piece {
    /// Where it begins in the reading.
    at: usize,
    length: usize,
    /// Where it stands in the text itself: of another length where it is an escape.
    origin: Range<usize>,
}

/// A message that quotes an answer that quotes a message: more is nobody's doing.
const DEEPEST: usize = 3;

impl Reading {
    /// The text as it is, and every other reading that differs, each made when it is asked for.
    pub(super) fn all_of(text: &str) -> impl Iterator<Item = Self> {
        let of_one_kind = [JSON, PERCENT, HTML].into_iter().flat_map(move |escape| {
            let plain = Self::plain(text);
            std::iter::successors(plain.without(escape), move |last| last.without(escape))
                .take(DEEPEST)
        });
        // Quoted as JSON what stood in a URL or on a page, and the other way round.
        let mixed = [(JSON, PERCENT), (JSON, HTML), (PERCENT, JSON), (HTML, JSON)];
        let mixed = mixed
            .into_iter()
            .filter_map(move |(outer, inner)| Self::plain(text).without(outer)?.without(inner));
        let plain = std::iter::once_with(move || Self::plain(text));
        plain
            .chain(of_one_kind)
            .chain(mixed)
            .map(|one| one.spaced())
    }

    fn plain(text: &str) -> Self {
        let mut plain = Self::default();
        plain.push(text, 0..text.len());
        plain
    }

    /// Adds what stands at `origin` of the text itself.
    fn push(&mut self, text: &str, origin: Range<usize>) {
        let at = self.text.len();
        self.text.push_str(text);
        match self.pieces.last_mut() {
            Some(last)
                if last.is_stretch()
                    && text.len() == origin.len()
                    && last.origin.end == origin.start =>
            {
                last.length += text.len();
                last.origin.end = origin.end;
            }
            _ => self.pieces.push(Piece {
                at,
                length: text.len(),
                origin,
            }),
        }
    }

    /// With one kind of escape undone; absent where there is none.
    fn without(&self, escape: Escape) -> Option<Self> {
        let mut undone = Self::default();
        let mut differs = false;
        let mut at = 0;
        while let Some(next) = self.text[at..].find(escape.begins_with) {
            let next = at + next;
            self.copy(at..next, &mut undone);
            let rest = &self.text[next..];
            let length = match (escape.read)(rest).or_else(|| cut_off(rest)) {
                Some(Escaped { meant, length }) => {
                    differs = true;
                    undone.push(&meant, self.origin(next..next + length));
                    length
                }
                None => {
                    let length = escape.begins_with.len_utf8();
                    self.copy(next..next + length, &mut undone);
                    length
                }
            };
            at = next + length;
        }
        if !differs {
            return None;
        }
        self.copy(at..self.text.len(), &mut undone);
        Some(undone)
    }

    fn spaced(&self) -> Self {
        let mut spaced = Self::default();
        let mut at = 0;
        while let Some(next) = self.text[at..].find(char::is_whitespace) {
            let next = at + next;
            self.copy(at..next, &mut spaced);
            let length = self.text[next..].chars().next().map_or(1, char::len_utf8);
            at = next + length;
            if !spaced.text.ends_with(' ') {
                spaced.push(" ", self.origin(next..at));
            }
        }
        self.copy(at..self.text.len(), &mut spaced);
        spaced
    }

    /// Adds a range of this reading to another, piece by piece.
    fn copy(&self, range: Range<usize>, to: &mut Self) {
        let first = self
            .pieces
            .partition_point(|piece| piece.end() <= range.start);
        for piece in &self.pieces[first..] {
            if piece.at >= range.end {
                break;
            }
            let part = piece.at.max(range.start)..piece.end().min(range.end);
            let origin = piece.start_of(part.start)..piece.end_of(part.end);
            to.push(&self.text[part], origin);
        }
    }

    /// How it reads.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where in the text itself this range stands.
    pub(super) fn origin(&self, range: Range<usize>) -> Range<usize> {
        let piece = |at: usize| {
            let after = self.pieces.partition_point(|piece| piece.at <= at);
            self.pieces.get(after.checked_sub(1)?)
        };
        match (piece(range.start), range.end.checked_sub(1).and_then(piece)) {
            (Some(first), Some(last)) if !range.is_empty() => {
                first.start_of(range.start)..last.end_of(range.end)
            }
            _ => 0..0,
        }
    }
}

impl Piece {
    const fn end(&self) -> usize {
        self.at + self.length
    }

    /// Whether it stands in the text as it reads; an escape is longer than what it means.
    const fn is_stretch(&self) -> bool {
        self.length == self.origin.end - self.origin.start
    }

    const fn start_of(&self, at: usize) -> usize {
        match self.is_stretch() {
            true => self.origin.start + (at - self.at),
            false => self.origin.start,
        }
    }

    const fn end_of(&self, at: usize) -> usize {
        match self.is_stretch() {
            true => self.origin.start + (at - self.at),
            false => self.origin.end,
        }
    }
}

/// A way to escape.
#[derive(Clone, Copy)]
struct Escape {
    begins_with: char,
    /// Reads the one with which a text begins, where it is one.
    read: fn(&str) -> Option<Escaped>,
}

const JSON: Escape = Escape {
    begins_with: '\\',
    read: json,
};
const PERCENT: Escape = Escape {
    begins_with: '%',
    read: percent,
};
const HTML: Escape = Escape {
    begins_with: '&',
    read: html,
};

/// An escape at the beginning of a text: what it means, and how many bytes it has.
struct Escaped {
    meant: String,
    length: usize,
}

impl Escaped {
    fn of(character: char, length: usize) -> Self {
        Self {
            meant: character.to_string(),
            length,
        }
    }
}

/// What a message has cut off in the middle means nothing: before it a secret may have begun.
fn cut_off(text: &str) -> Option<Escaped> {
    let mut beginning = text.char_indices().take(LONGEST_ESCAPE);
    let (length, _) = beginning.find(|(_, character)| *character == CUT)?;
    let is_one = text[..length]
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"\\%&#".contains(&byte));
    let meant = String::new();
    is_one.then_some(Escaped { meant, length })
}

/// Twelve characters of a pair in JSON, or of four bytes in a URL.
const LONGEST_ESCAPE: usize = 13;

/// RFC 8259, section 7.
fn json(text: &str) -> Option<Escaped> {
    let after = text.strip_prefix('\\')?;
    let character = match after.chars().next()? {
        named @ ('"' | '\\' | '/') => named,
        'n' | 'r' | 't' => ' ',
        'u' => return numbered(after),
        _ => return None,
    };
    Some(Escaped::of(character, 2))
}

/// `u` and four digits, or two of them that are one character beyond the first plane.
fn numbered(after: &str) -> Option<Escaped> {
    let unit = |text: &str| {
        let digits = text.get(1..5)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(after)?;
    if let Some(character) = char::from_u32(u32::from(first)) {
        return Some(Escaped::of(character, 6));
    }
    let second = unit(after.get(5..)?.strip_prefix('\\')?)?;
    let mut characters = char::decode_utf16([first, second]);
    Some(Escaped::of(characters.next()?.ok()?, 12))
}

/// RFC 3986, section 2.1: as many bytes as are one character.
fn percent(text: &str) -> Option<Escaped> {
    let mut bytes = Vec::with_capacity(4);
    let mut rest = text;
    while let Some(digits) = rest.strip_prefix('%').and_then(|after| after.get(..2)) {
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        bytes.push(is_hex.then(|| u8::from_str_radix(digits, 16).ok())??);
        rest = &rest[3..];
        match std::str::from_utf8(&bytes) {
            Ok(meant) => {
                let (meant, length) = (meant.to_owned(), text.len() - rest.len());
                return Some(Escaped { meant, length });
            }
            // More is to come, or it is none.
            Err(error) if error.error_len().is_none() => {}
            Err(_) => return None,
        }
    }
    None
}

/// The references of HTML that escaping gives.
fn html(text: &str) -> Option<Escaped> {
    let name = text.strip_prefix('&')?;
    let name = &name[..name
        .bytes()
        .take(LONGEST_NAME)
        .position(|byte| byte == b';')?];
    let character = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number)?
        }
    };
    Some(Escaped::of(character, name.len() + 2))
}

/// `#x10ffff` and its end.
const LONGEST_NAME: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &str) -> Vec<String> {
        Reading::all_of(text).map(|reading| reading.text).collect()
    }

    #[test]
    fn escapes_are_undone_as_often_as_they_were_made() {
        for (text, expected) in [
            (r#"a\"b"#, "a\"b"),
            (r#"a\\\"b"#, "a\"b"),
            (r#"a\\\\\\\"b"#, "a\"b"),
            (r"a\/b", "a/b"),
            (r"a\u0026b", "a&b"),
            (r"a\ud83d\ude00b", "a\u{1f600}b"),
            ("a%2fb", "a/b"),
            ("a%252Fb", "a/b"),
            ("a%C3%A9b", "aéb"),
            ("a&quot;b", "a\"b"),
            ("a&#39;b&#x27;", "a'b'"),
            ("a&amp;lt;b", "a<b"),
            (r"a\u0026quot;b", "a\"b"),
            (r"a\n  b", "a b"),
        ] {
            let readings = readings(text);
            assert!(readings.iter().any(|one| one == expected), "{readings:?}");
        }
    }

    #[test]
    fn what_is_no_escape_stays() {
        for text in [
            "%ff%fe", "a", "50% off", "%zz", "%", r"C:\path", "a & b; c", "&nope;", "&#xd800;",
            "%C3",
        ] {
            let readings = readings(text);
            assert_eq!(readings[0], text);
            assert_eq!(readings.len(), 1, "{readings:?}");
        }
    }

    #[test]
    fn the_way_back_leads_to_whole_escapes() {
        let text = r#"é "x\u00e9\"y" z"#;
        for reading in Reading::all_of(text) {
            if let Some(at) = reading.text().find("é\"y") {
                let origin = reading.origin(at..at + "é\"y".len());
                assert_eq!(&text[origin], r#"\u00e9\"y"#);
                return;
            }
        }
        panic!("it is not read: {:?}", readings(text));
    }
}
