//! Secrets in a raw line of a file, found by their look: for files that could not be parsed, and
//! for lines that are shown beside a problem.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::look;
use crate::config::place::SourceFile;

/// The ranges of a line that must not be shown, by the look of the line and of those above it.
#[must_use]
pub fn hidden(file: &SourceFile, number: usize) -> Vec<Range<usize>> {
    let line = &file.text()[file.line_range(number)];
    let mut ranges: Vec<Range<usize>> = look::places(line).collect();
    ranges.extend(defaults(line));
    ranges.extend(values(line));
    if continues_a_secret(file, number) {
        let trimmed = line.trim();
        let start = line.len() - line.trim_start().len();
        ranges.push(start..start + trimmed.len());
    }
    ranges.retain(|range| !range.is_empty());
    ranges
}

#[expect(
    clippy::expect_used,
    reason = "constant patterns, compiled by the tests below"
)]
static DEFAULT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\$\{([A-Za-z_][A-Za-z0-9_]*):?[-?=]([^}]*)").expect("a valid pattern")
});

#[expect(
    clippy::expect_used,
    reason = "constant patterns, compiled by the tests below"
)]
static VALUE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"["']?([A-Za-z_$.][\w.$-]*)["']?\s*:(?:\s+|$)("[^"]*"?|'[^']*'?|(?:\$\{[^}]*\}|[^\s"'{\[&*|>#,]).*)?"#)
        .expect("a valid pattern")
});

/// Defaults of variables whose names say that they are secret.
fn defaults(line: &str) -> impl Iterator<Item = Range<usize>> {
    DEFAULT.captures_iter(line).filter_map(|found| {
        let (name, default) = (found.get(1)?, found.get(2)?);
        super::is_secret_variable(name.as_str()).then(|| default.range())
    })
}

/// Values after keys whose names say that they are secret.
pub fn values(line: &str) -> impl Iterator<Item = Range<usize>> {
    keyed(line).into_iter().filter_map(|(key, value)| {
        let shown = line[value.clone()].trim_matches(['"', '\'']);
        let reference = shown.starts_with("${") && shown.find('}') == Some(shown.len() - 1);
        let harmless = reference
            || super::is_filled_in_later(shown)
            || ["true", "false", "null", "~"].contains(&shown.trim());
        (super::is_secret_key(key) && !harmless).then_some(value)
    })
}

/// The keys of a line, each with the range of its value. A value without quotes goes on to the end
/// of the line; between braces a comma or a brace ends it.
fn keyed(line: &str) -> Vec<(&str, Range<usize>)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(captures) = VALUE.captures_at(line, at) {
        let (Some(whole), Some(key)) = (captures.get(0), captures.get(1)) else {
            break;
        };
        at = whole.end();
        if let Some(value) = captures.get(2) {
            let mut range = value.range();
            if !value.as_str().starts_with(['"', '\'']) && line[..range.start].contains('{') {
                let reference = value.as_str().starts_with("${");
                let from = if reference {
                    value.as_str().find('}').map_or(0, |end| end + 1)
                } else {
                    0
                };
                let length = value.as_str()[from..].find([',', '}']);
                range.end = length.map_or(range.end, |length| range.start + from + length);
            }
            at = range.end.max(whole.start() + 1);
            found.push((key.as_str(), range));
        }
    }
    found
}

/// Whether the line continues a value that began under a secret key above: a block, a list, or
/// text in quotes over several lines.
fn continues_a_secret(file: &SourceFile, number: usize) -> bool {
    let text = |number| &file.text()[file.line_range(number)];
    let indent = |line: &str| line.len() - line.trim_start().len();
    let line = text(number);
    // A line without a key of its own may continue a value that stands no deeper.
    let has_key = VALUE.is_match(line);
    let mut limit = indent(line) + usize::from(!has_key);
    let farthest = number.saturating_sub(LINES_BACK);
    let nearest = || {
        let above = (farthest.max(1)..number).rev().map(text);
        above.filter_map(last_key).next()
    };
    // In a file that could not be parsed the indentation may be what is wrong.
    if !has_key && nearest().is_some_and(super::is_secret_key) {
        return true;
    }
    // `? password`, and its value on the next line behind a colon.
    let above = (farthest.max(1)..number).rev().map(text);
    let key = above.map(str::trim).find(|line| !line.is_empty());
    let key = key.and_then(|line| line.strip_prefix("? ")).map(str::trim);
    if line.trim_start().starts_with(':') && key.is_some_and(super::is_secret_key) {
        return true;
    }
    for above in (farthest.max(1)..number).rev() {
        let line = text(above);
        if line.trim().is_empty() || indent(line) >= limit {
            continue;
        }
        limit = indent(line);
        let key = line.trim_start().trim_start_matches("- ").split(':').next();
        let key = key.unwrap_or_default().trim_matches(['"', '\'', ' ']);
        if super::is_secret_key(key) {
            return true;
        }
        if limit == 0 {
            return false;
        }
    }
    false
}

/// The last key of a line, if it has one.
fn last_key(line: &str) -> Option<&str> {
    let last = VALUE.captures_iter(line).last()?;
    Some(last.get(1)?.as_str())
}

/// So far up is looked for the key of a value.
const LINES_BACK: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, number: usize) -> String {
        let file = SourceFile::new("a.yaml".into(), ".".into(), text.to_owned());
        let mut line = text[file.line_range(number)].to_owned();
        let mut ranges = hidden(&file, number);
        ranges.sort_by_key(|range| std::cmp::Reverse(range.start));
        for range in ranges {
            line.replace_range(range.start..range.end.min(line.len()), "***");
        }
        line
    }

    #[test]
    fn secrets_are_found_by_their_look() {
        let cases = [
            ("url: postgres://u:canary@h/db", "url: postgres://***@h/db"),
            (
                "url: postgres://u:${PW}@h/db",
                "url: postgres://u:${PW}@h/db",
            ),
            ("password: canary", "password: ***"),
            ("password: \"canary", "password: ***"),
            ("  Authorization: Bearer canary", "  Authorization: ***"),
            (
                "{ user: a, password: canary, x: 1 }",
                "{ user: a, password: ***, x: 1 }",
            ),
            (
                "{ \"x-api-key\": \"canary, too\" }",
                "{ \"x-api-key\": *** }",
            ),
            ("a: ${DB_PASSWORD:-canary}", "a: ${DB_PASSWORD:-***}"),
            ("a: ${DB_PASSWORD:?canary}", "a: ${DB_PASSWORD:?***}"),
            ("a: ${HOST:-localhost}", "a: ${HOST:-localhost}"),
            ("password: ${DB_PASSWORD}", "password: ${DB_PASSWORD}"),
            (
                "token: { json: $.token, secret: true }",
                "token: { json: $.token, secret: true }",
            ),
            ("tags: [core]", "tags: [core]"),
            ("password: can,ary}", "password: ***"),
            ("{ password: ${PW}, x: 1 }", "{ password: ${PW}, x: 1 }"),
        ];
        for (line, expected) in cases {
            assert_eq!(shown(line, 1), expected);
        }
    }

    #[test]
    fn a_secret_over_several_lines_is_hidden_on_each() {
        let text = "a:\n  password: |\n    canary\n\n    canary: two\n  b: shown\n";
        assert_eq!(shown(text, 3), "    ***");
        assert_eq!(shown(text, 5), "    ***");
        assert_eq!(shown(text, 6), "  b: shown");
        assert_eq!(shown("password: \"can\nary", 2), "***");
        assert_eq!(shown("a:\n  ? password\n  : can: [", 3), "  ***");
        assert_eq!(shown("a:\n  token: |\n    can\n - ary", 4), " ***");
    }
}
