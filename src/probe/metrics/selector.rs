//! Which series are meant: `http_requests_total{status=~"5..",method!="GET"}`, as in PromQL. Pure.
//!
//! A label that a series does not have is empty, and a regular expression must match the whole value,
//! as in Prometheus.

use std::fmt;

use super::exposition::Series;
use crate::expect::Pattern;

/// A name, and what the labels must be.
#[derive(Clone, Debug)]
pub struct Selector {
    text: String,
    name: String,
    tests: Vec<(String, Test)>,
}

#[derive(Clone, Debug)]
enum Test {
    Is(String),
    IsNot(String),
    Matches(Pattern),
    MatchesNot(Pattern),
}

/// A text that is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// It begins with no name.
    #[error("`{0}` begins with no name of a metric")]
    Name(String),
    /// Something else than labels in braces follows the name.
    #[error("expected {expected} at `{found}`")]
    Form {
        /// What could have stood there.
        expected: &'static str,
        /// What stands there, shortened.
        found: String,
    },
    /// A regular expression that is none.
    #[error("`{pattern}` is no regular expression: {why}")]
    Pattern {
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
}

impl SelectorError {
    /// What to write instead.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        "write a name and, where some of its series are meant, labels: \
         http_requests_total{status=~\"5..\",method!=\"GET\"}"
    }
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        let mut rest = Cursor(text);
        let name = rest.name(true);
        if name.is_empty() {
            return Err(SelectorError::Name(shortened(text)));
        }
        let name = name.to_owned();
        let mut tests = Vec::new();
        if rest.take("{") {
            while !rest.take("}") {
                tests.push(rest.test()?);
                if !rest.take(",") && !rest.0.starts_with('}') {
                    return Err(rest.expected("`,` or `}`"));
                }
            }
        }
        if !rest.0.is_empty() {
            return Err(rest.expected("labels in braces, or nothing"));
        }
        Ok(Self {
            text: text.to_owned(),
            name,
            tests,
        })
    }

    /// The name of the metric.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same labels of the metric whose name has this ending as well: the buckets of a histogram.
    #[must_use]
    pub fn with_ending(mut self, ending: &str) -> Self {
        if !self.name.ends_with(ending) {
            self.name.push_str(ending);
        }
        self
    }

    /// Whether the series is meant.
    #[must_use]
    pub fn selects(&self, series: &Series<'_>) -> bool {
        series.name == self.name
            && self.tests.iter().all(|(label, test)| {
                let value = series.label(label).unwrap_or_default();
                match test {
                    Test::Is(wanted) => value == wanted,
                    Test::IsNot(other) => value != other,
                    Test::Matches(pattern) => pattern.is_in(value),
                    Test::MatchesNot(pattern) => !pattern.is_in(value),
                }
            })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is left to read.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// A name; colons are for metrics alone.
    fn name(&mut self, colons: bool) -> &'a str {
        let fits = |(at, c): (usize, char)| {
            c == '_'
                || (colons && c == ':')
                || c.is_ascii_alphabetic()
                || (at > 0 && c.is_ascii_digit())
        };
        let mut characters = self.0.char_indices();
        let end = characters.find(|one| !fits(*one));
        let (name, rest) = self.0.split_at(end.map_or(self.0.len(), |(at, _)| at));
        self.0 = rest.trim_start();
        name
    }

    fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.0.strip_prefix(token) else {
            return false;
        };
        self.0 = rest.trim_start();
        true
    }

    fn expected(&self, expected: &'static str) -> SelectorError {
        SelectorError::Form {
            expected,
            found: shortened(self.0),
        }
    }

    fn test(&mut self) -> Result<(String, Test), SelectorError> {
        let label = self.name(false).to_owned();
        if label.is_empty() {
            return Err(self.expected("the name of a label"));
        }
        let is_wanted = ["=~", "!~", "!=", "="];
        let Some(operator) = is_wanted.into_iter().find(|operator| self.take(operator)) else {
            return Err(self.expected("one of = != =~ !~"));
        };
        let value = self.quoted()?;
        let test = match operator {
            "=~" => Test::Matches(pattern(&value)?),
            "!~" => Test::MatchesNot(pattern(&value)?),
            "!=" => Test::IsNot(value),
            _ => Test::Is(value),
        };
        Ok((label, test))
    }

    fn quoted(&mut self) -> Result<String, SelectorError> {
        let quote = self.0.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else {
            return Err(self.expected("a value in quotes"));
        };
        let mut value = String::new();
        let mut characters = self.0.char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => match characters.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, escaped @ ('\\' | '"' | '\''))) => value.push(escaped),
                    // In a regular expression: `\.` and `\d` stay what they are.
                    Some((_, other)) => value.extend(['\\', other]),
                    None => break,
                },
                _ if c == quote => {
                    self.0 = self.0[at + 1..].trim_start();
                    return Ok(value);
                }
                _ => value.push(c),
            }
        }
        Err(self.expected("the quote that ends the value"))
    }
}

fn pattern(text: &str) -> Result<Pattern, SelectorError> {
    Pattern::parse(&format!("^(?s:{text})$")).map_err(|why| SelectorError::Pattern {
        pattern: shortened(text),
        why,
    })
}

/// How many characters of what is wrong a message repeats.
const SHOWN: usize = 60;

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn series<'a>(name: &'a str, labels: &[(&'a str, &'a str)]) -> Series<'a> {
        let labels = labels.iter();
        Series {
            name: Cow::Borrowed(name),
            labels: labels
                .map(|(label, value)| (Cow::Borrowed(*label), Cow::Borrowed(*value)))
                .collect(),
            value: 1.0,
        }
    }

    #[test]
    fn labels_are_compared_as_prometheus_compares_them() {
        let requests = series("requests_total", &[("status", "503"), ("path", "/a\"b")]);
        for (text, selects) in [
            ("requests_total", true),
            (" requests_total{} ", true),
            ("requests", false),
            (r#"requests_total{status="503"}"#, true),
            (r#"requests_total{ status = "503" , }"#, true),
            (r"requests_total{status='503'}", true),
            (r#"requests_total{status="50"}"#, false),
            (r#"requests_total{status=~"5.."}"#, true),
            (r#"requests_total{status=~"5."}"#, false),
            (r#"requests_total{status=~"4..|5.."}"#, true),
            (r#"requests_total{status=~"4\\d\\d|5\d\d"}"#, true),
            (r#"requests_total{status!~"5.."}"#, false),
            (r#"requests_total{status!="503"}"#, false),
            (r#"requests_total{method=""}"#, true),
            (r#"requests_total{method!=""}"#, false),
            (r#"requests_total{path="/a\"b"}"#, true),
        ] {
            let selector = Selector::parse(text).unwrap();
            assert_eq!(selector.selects(&requests), selects, "{text}");
        }
    }

    #[test]
    fn what_is_no_selector_says_where() {
        for (text, part) in [
            ("", "no name"),
            ("{job=\"a\"}", "no name"),
            ("5xx", "no name"),
            ("sum(up)", "labels in braces"),
            ("up{job}", "one of ="),
            ("up{job=a}", "in quotes"),
            ("up{job=\"a}", "ends the value"),
            ("up{job=\"a\" b=\"c\"}", "`,` or `}`"),
            ("up{=\"a\"}", "name of a label"),
            ("up{job=~\"(\"}", "no regular expression"),
            ("up[5m]", "labels in braces"),
        ] {
            let error = Selector::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
