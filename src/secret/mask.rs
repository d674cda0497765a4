//! The mask that keeps secrets out of every output: what is hidden, in which forms it travels, and
//! where it stands in a text, even when a message broke it over lines or cut its end off.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use super::MASKED;
use super::reading::Reading;

/// The set of texts that may appear in no output. Clones share the set.
#[derive(Clone, Default)]
pub struct Mask(Arc<RwLock<Vec<Form>>>);

/// One form of a secret, with runs of white space as single spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Form {
    text: String,
    /// How many bytes at each end are quotes, which stay.
    quotes: usize,
}

impl Mask {
    /// Adds a secret in the forms in which it may travel: as it is, line by line,
    /// percent-encoded, JSON-escaped, quoted.
    ///
    /// A text shorter than [`SHORTEST`] characters is hidden only where it stands alone in
    /// quotes, be it a single one: anywhere else, masking it would make every output unreadable and
    /// hide nothing. White space alone is no secret.
    pub fn hide(&self, secret: &str) {
        for text in forms(secret) {
            if text.chars().count() < SHORTEST {
                self.hide_in_quotes(&text);
            } else {
                self.add(Form { text, quotes: 0 });
            }
        }
    }

    /// Adds a text that is hidden only where it stands alone in quotes. Nothing, or nothing but white
    /// space, is no secret: a user that a URL leaves out, a variable that is set to nothing.
    pub fn hide_in_quotes(&self, text: &str) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return;
        }
        for quote in ['`', '"', '\''] {
            self.add(Form {
                text: format!("{quote}{text}{quote}"),
                quotes: 1,
            });
        }
    }

    /// Hides what another mask hides, as it does.
    pub fn include(&self, other: &Self) {
        if Arc::ptr_eq(&self.0, &other.0) {
            return;
        }
        let forms = other
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        forms.into_iter().for_each(|form| self.add(form));
    }

    fn add(&self, form: Form) {
        let mut hidden = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if !hidden.contains(&form) {
            hidden.push(form);
        }
    }

    /// The text with every hidden secret replaced by [`MASKED`].
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut at = 0;
        for range in united(self.find(text)) {
            masked.push_str(&text[at..range.start]);
            masked.push_str(MASKED);
            at = range.end;
        }
        masked.push_str(&text[at..]);
        masked
    }

    /// The ranges of the text that hold hidden secrets, for those who must keep count of columns.
    /// They may overlap.
    #[must_use]
    pub fn find(&self, text: &str) -> Vec<Range<usize>> {
        let hidden = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if hidden.is_empty() {
            return Vec::new();
        }
        let readings = Reading::all_of(text);
        readings
            .flat_map(|reading| find_in(&reading, &hidden))
            .collect()
    }
}

/// The ranges of the text, of which this is a reading, that hold one of these.
fn find_in(reading: &Reading, hidden: &[Form]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for form in hidden {
        let places = reading.text().match_indices(form.text.as_str());
        found.extend(
            places.map(|(at, whole)| {
                reading.origin(at + form.quotes..at + whole.len() - form.quotes)
            }),
        );
    }
    for (at, _) in reading.text().match_indices(CUT) {
        let before = reading.text()[..at].trim_end();
        let beginnings = hidden
            .iter()
            .filter_map(|form| form.cut_at_the_end_of(before));
        found.extend(beginnings.map(|length| {
            let end = before.len();
            reading.origin(end - length..end)
        }));
    }
    found
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask(…)")
    }
}

/// Shorter texts are masked only where they stand alone in quotes.
pub const SHORTEST: usize = 4;

/// What stands where a message was shortened. A secret that was cut there is known by its
/// beginning.
pub(super) const CUT: char = '…';

impl Form {
    /// How many bytes of this form's beginning the text ends with, if enough to tell it.
    fn cut_at_the_end_of(&self, text: &str) -> Option<usize> {
        let last = text.chars().next_back()?;
        let ends = self.text.char_indices().skip(SHORTEST - 1);
        let ends = ends.filter(|(_, character)| *character == last);
        let ends = ends.map(|(at, character)| at + character.len_utf8());
        // All of it is no beginning, and is found without this.
        let ends = ends.filter(|end| *end < self.text.len());
        ends.filter(|end| text.ends_with(&self.text[..*end])).last()
    }
}

/// The ranges without overlaps, in order.
#[must_use]
pub fn united(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut united: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match united.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => united.push(range),
        }
    }
    united
}

/// Every form of a secret, none of them empty, none twice.
fn forms(secret: &str) -> Vec<String> {
    let mut forms: Vec<String> = Vec::new();
    for part in std::iter::once(secret).chain(secret.lines()) {
        let part = part.trim();
        let escaped = part
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n")
            .replace('\r', "\\r")
            .replace('\t', "\\t");
        // As our own messages quote it.
        let quoted = part.replace('"', "\\\"");
        let encoded = ENCODED.map(|also| percent_encoded(part, also));
        let plus = percent_encoded(part, EVERYTHING).replace("%20", "+");
        let all = [part.to_owned(), escaped, quoted, plus];
        for form in all.into_iter().chain(encoded) {
            let form = form.split_whitespace().collect::<Vec<_>>().join(" ");
            if !form.is_empty() && !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms
}

/// What is percent-encoded besides what always is, as URLs do it in a query, in a path, in the
/// userinfo, and where nothing may be left that means something.
const ENCODED: [&str; 4] = ["", "?`{}^", "?`{}^/:;=@[\\]|", EVERYTHING];

const EVERYTHING: &str = "?`{}^/:;=@[\\]|!$&'()*+,%";

fn percent_encoded(text: &str, also: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        if !byte.is_ascii_graphic() || "\"#<>".contains(character) || also.contains(character) {
            encoded.push_str(&format!("%{byte:02X}"));
        } else {
            encoded.push(character);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hiding(secret: &str) -> Mask {
        let mask = Mask::default();
        mask.hide(secret);
        mask
    }

    #[test]
    fn every_form_of_a_secret_is_masked() {
        let cases = [
            (
                "p@ss\"w/rd",
                [
                    "p@ss\"w/rd",
                    "p%40ss%22w%2Frd",
                    "p@ss\\\"w/rd",
                    "p@ss%22w/rd",
                ],
            ),
            (
                "a b\tcanary",
                [
                    "a b\tcanary",
                    "a%20b%09canary",
                    "a b\\tcanary",
                    "a+b%09canary",
                ],
            ),
        ];
        for (secret, forms) in cases {
            for form in forms {
                let masked = hiding(secret).apply(&format!("a {form} b"));
                assert_eq!(masked, "a *** b", "{form}");
            }
        }
    }

    #[test]
    fn a_secret_that_a_message_quotes_is_masked() {
        let mask = hiding(r#"canary\a"b"#);
        assert_eq!(mask.apply(r#""is canary\a\"b""#), r#""is ***""#);
    }

    #[test]
    fn a_secret_that_was_quoted_on_its_way_is_masked() {
        let mask = hiding(r#"Pass"word\99é/<"#);
        for said in [
            r#"{"password":"Pass\"word\\99é/<"}"#,
            r#"{\"password\":\"Pass\\\"word\\\\99é/<\"}"#,
            r#"{"password":"Pass\"word\\99\u00e9\/\u003c"}"#,
            r"password=Pass%22word%5c99%c3%a9%2f%3c",
            r"password=Pass&quot;word\99é/&lt;",
            r#"{\"password\":\"Pass\\\"wo…"#,
            r#"{\"password\":\"Pass\\\"word\…"#,
            r"password=Pass%22word%5c99%c3%a…",
            r"password=Pass%22word%5c99%c3%a9%2f%3c%zz",
            r"password=Pass%22word%5c99%c3%a9%2f%3c%ff",
            r#"password=Pass\"word\99\u00…"#,
            r"password=Pass&qu…",
            r"password=Pass%5c%22word%5c%5c99%c3%a9%2f%3c",
        ] {
            let masked = mask.apply(said);
            assert!(
                masked.contains("***") && !masked.contains("Pass"),
                "{masked}"
            );
            assert!(masked.contains("password"), "{masked}");
        }
    }

    #[test]
    fn the_longer_secret_wins() {
        let mask = hiding("abcd");
        mask.hide("abcdefgh");
        assert_eq!(mask.apply("abcdefgh a abcd"), "*** a ***");
    }

    #[test]
    fn a_short_secret_is_masked_where_it_stands_alone() {
        let mask = hiding("ab");
        assert_eq!(mask.apply("`ab` is above 'ab'"), "`***` is above '***'");
        assert_eq!(hiding("").apply("`` ''"), "`` ''");
    }

    #[test]
    fn nothing_and_white_space_are_no_secrets() {
        for none in ["", " ", "\t", "\u{a0}", " \n \r\n"] {
            let mask = hiding(none);
            mask.hide_in_quotes(none);
            for text in [
                "",
                "\"\" '' ``",
                "\" \" '\t' ` `",
                "got \"\"",
                "it is ''…",
                "…",
            ] {
                assert_eq!(mask.apply(text), text, "{none:?}");
                assert!(mask.find(text).is_empty(), "{none:?} in {text:?}");
            }
        }
    }

    #[test]
    fn of_a_few_characters_only_what_stands_alone_in_quotes_is_masked() {
        for short in ["7", "a", "é", "ab", "p50", "$ x"] {
            let mask = hiding(short);
            let quoted = format!("got \"{short}\", '{short}' and `{short}`");
            assert_eq!(
                mask.apply(&quoted),
                "got \"***\", '***' and `***`",
                "{short}"
            );
            for other in [
                format!("{short} of 97 in {short}s"),
                format!("\"{short} \"{short}"),
                format!("\"{short}{short}\" {short}…"),
                format!("\"\" {short}"),
            ] {
                assert_eq!(mask.apply(&other), other, "{short}");
            }
        }
        assert_eq!(hiding("abcd").apply("an abcd of abcde"), "an *** of ***e");
    }

    #[test]
    fn what_is_hidden_in_quotes_is_found_however_it_is_spaced() {
        let mask = Mask::default();
        mask.hide_in_quotes(" ada  lovelace ");
        assert_eq!(mask.apply("user \"ada\n lovelace\""), "user \"***\"");
    }

    #[test]
    fn a_secret_broken_over_lines_is_masked() {
        let mask = hiding("correct horse battery");
        assert_eq!(
            mask.apply("it is correct horse\n      battery."),
            "it is ***."
        );
    }

    #[test]
    fn each_line_of_a_secret_is_masked_and_blank_ones_hide_nothing() {
        let mask = hiding("first line\n      \n  second\nok");
        assert_eq!(
            mask.apply("a      second      `ok` ok"),
            "a      ***      `***` ok"
        );
    }

    #[test]
    fn a_secret_whose_end_was_cut_off_is_masked() {
        let mask = hiding("canary-é-password");
        let cases = [
            ("said canary-é-pass…", "said ***…"),
            (
                "said \"canary-é…\" (99 characters)",
                "said \"***…\" (99 characters)",
            ),
            ("said cana …", "said *** …"),
            ("said can…", "said can…"),
            ("said nary-é…", "said nary-é…"),
        ];
        for (text, masked) in cases {
            assert_eq!(mask.apply(text), masked);
        }
    }

    #[test]
    fn a_secret_that_was_wrapped_and_cut_off_is_masked() {
        let mask = hiding("correct horse battery");
        let cases = [
            ("a correct\thorse  battery b", "a *** b"),
            (
                "got \"correct horse b…\" (90 characters)",
                "got \"***…\" (90 characters)",
            ),
            ("got \"correct\n  horse…\"", "got \"***…\""),
            ("got \"cor…\"", "got \"cor…\""),
            ("correct horses", "correct horses"),
            ("incorrect horse battery", "in***"),
        ];
        for (text, masked) in cases {
            assert_eq!(mask.apply(text), masked);
        }
    }

    #[test]
    fn the_places_of_secrets_are_found() {
        let mask = hiding("canary");
        assert_eq!(mask.find("a canary, canary"), [2..8, 10..16]);
        assert!(mask.find("none").is_empty());
    }
}
