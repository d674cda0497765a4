//! The text in which a process exposes its metrics: Prometheus's format 0.0.4 and OpenMetrics 1.0.
//! Pure.
//!
//! Line by line and without keeping anything: each series is shown to whoever reads, once. Comments,
//! timestamps and exemplars are read over. A line that is no series ends the reading: half of a
//! document is not taken for the whole of one. Native histograms do not exist in text.

use std::borrow::Cow;

/// One line: a name, labels, a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Series<'a> {
    /// The name, suffix included: `http_requests_total`.
    pub name: Cow<'a, str>,
    /// The labels, in the order of the line.
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The value; may be infinite or not a number.
    pub value: f64,
}

/// Why a text is no exposition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no line of metrics: {why}")]
pub struct Broken {
    /// Which line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: &'static str,
}

/// A longer line is no series that anybody exposes.
const LONGEST_LINE: usize = 65_536;
/// More labels than any series has.
const MOST_LABELS: usize = 256;

impl Series<'_> {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        labels
            .find(|(label, _)| label == name)
            .map(|(_, value)| &**value)
    }
}

/// Shows every series of a text to `see`; with `is_open_metrics` the text must end as OpenMetrics
/// asks, so that one that was cut off is seen.
///
/// # Errors
/// The first line that is none; what came before it has been shown.
pub fn read(
    body: &[u8],
    is_open_metrics: bool,
    mut see: impl FnMut(&Series<'_>),
) -> Result<(), Broken> {
    let mut ended = false;
    let mut last = 0;
    for (line, bytes) in (1..).zip(body.split(|byte| *byte == b'\n')) {
        let broken = |why| Broken { line, why };
        last = line;
        if bytes.len() > LONGEST_LINE {
            return Err(broken("it is longer than 64 KiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| broken("it is no UTF-8"))?;
        let text = text.strip_suffix('\r').unwrap_or(text);
        let text = text.trim_matches([' ', '\t']);
        if is_open_metrics && text == "# EOF" {
            ended = true;
        } else if !text.is_empty() && !text.starts_with('#') {
            if ended {
                return Err(broken("something follows `# EOF`"));
            }
            see(&series(text).map_err(broken)?);
        }
    }
    if is_open_metrics && !ended {
        let why = "the text ends without `# EOF`, so that it may have been cut off";
        return Err(Broken { line: last, why });
    }
    Ok(())
}

fn series(text: &str) -> Result<Series<'_>, &'static str> {
    let end = text.find(['{', ' ', '\t']).ok_or("it has no value")?;
    let (name, rest) = text.split_at(end);
    let is_in_braces = name.is_empty() && rest.starts_with('{');
    if !is_name(name) && !is_in_braces {
        return Err("it begins with no name of a metric");
    }
    let mut series = Series {
        name: Cow::Borrowed(name),
        labels: Vec::new(),
        value: 0.0,
    };
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('{') {
        Some(inside) => labels(inside, &mut series)?,
        None => rest,
    };
    if series.name.is_empty() {
        return Err("it has no name of a metric");
    }
    // A timestamp and an exemplar may follow, of which nothing is needed.
    let value = rest.split_whitespace().next().ok_or("it has no value")?;
    series.value = number(value).ok_or("its value is no number")?;
    is_tail(rest)
        .then_some(series)
        .ok_or("something that is no timestamp follows the value")
}

/// Whether nothing but a timestamp, and an exemplar behind `#`, follows the value.
fn is_tail(rest: &str) -> bool {
    let mut words = rest.split_whitespace().skip(1);
    match words.next() {
        None | Some("#") => true,
        Some(word) => number(word).is_some() && matches!(words.next(), None | Some("#")),
    }
}

/// `f64::from_str` knows the words `inf`, `infinity` and `nan` in every case, as the format has them.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// The labels up to the brace that ends them, and what follows it.
fn labels<'a>(mut rest: &'a str, series: &mut Series<'a>) -> Result<&'a str, &'static str> {
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Ok(after.trim_start());
        }
        if series.labels.len() == MOST_LABELS {
            return Err("it has more than 256 labels");
        }
        rest = label(rest, series)?.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return Err("its labels are not separated by `,`"),
        }
    }
}

/// One label; or, in quotes and without a value, the name of the metric.
fn label<'a>(rest: &'a str, series: &mut Series<'a>) -> Result<&'a str, &'static str> {
    let (name, rest) = match rest.strip_prefix('"') {
        Some(inside) => quoted(inside)?,
        None => {
            let end = rest
                .find(['=', ' ', ',', '}'])
                .ok_or("its labels have no end")?;
            let (name, rest) = rest.split_at(end);
            if !is_name(name) {
                return Err("a label has no name");
            }
            (Cow::Borrowed(name), rest)
        }
    };
    let rest = rest.trim_start();
    let Some(rest) = rest.strip_prefix('=') else {
        if series.name.is_empty() {
            series.name = name;
            return Ok(rest);
        }
        return Err("a label has no value");
    };
    let inside = rest
        .trim_start()
        .strip_prefix('"')
        .ok_or("the value of a label stands in no quotes")?;
    let (value, rest) = quoted(inside)?;
    series.labels.push((name, value));
    Ok(rest)
}

/// What stands before the next quote, and what follows it. Copied only where something is escaped.
fn quoted(text: &str) -> Result<(Cow<'_, str>, &str), &'static str> {
    const ENDLESS: &str = "a quote is never closed";
    let end = text.find(['"', '\\']).ok_or(ENDLESS)?;
    if text[end..].starts_with('"') {
        return Ok((Cow::Borrowed(&text[..end]), &text[end + 1..]));
    }
    let mut value = text[..end].to_owned();
    let mut characters = text[end..].char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((Cow::Owned(value), &text[end + at + 1..])),
            '\\' => match characters.next().ok_or(ENDLESS)?.1 {
                'n' => value.push('\n'),
                escaped @ ('"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            _ => value.push(c),
        }
    }
    Err(ENDLESS)
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == ':')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(body: &str, open: bool) -> Result<Vec<(String, f64)>, Broken> {
        let mut seen = Vec::new();
        read(body.as_bytes(), open, |series| {
            let labels: Vec<String> = series
                .labels
                .iter()
                .map(|(label, value)| format!("{label}={value}"))
                .collect();
            seen.push((
                format!("{}|{}", series.name, labels.join("|")),
                series.value,
            ));
        })?;
        Ok(seen)
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        for (line, name, value) in [
            ("up 1", "up|", 1.0),
            ("up\t-0.5e3", "up|", -500.0),
            ("up{} 1 1712345678901", "up|", 1.0),
            ("  up { } 1\r", "up|", 1.0),
            ("a:b{x=\"1\",y=\"2\",} 3", "a:b|x=1|y=2", 3.0),
            (r#"a{x="q\"b\\n\nz"} 3"#, "a|x=q\"b\\n\nz", 3.0),
            (r#"a{x="a}b,c=d # e"} 3"#, "a|x=a}b,c=d # e", 3.0),
            (
                "a_bucket{le=\"+Inf\"} +Inf",
                "a_bucket|le=+Inf",
                f64::INFINITY,
            ),
            ("a -Inf", "a|", f64::NEG_INFINITY),
            (r#"{"my.metric",x="1"} 3"#, "my.metric|x=1", 3.0),
            (
                r#"a_total{x="1"} 3 # {trace_id="abc"} 0.7 1.5"#,
                "a_total|x=1",
                3.0,
            ),
            (r#"a_total 3 1712345678.5 # {t="x"} 1"#, "a_total|", 3.0),
        ] {
            let read = all(line, false).unwrap();
            assert_eq!(read, [(name.to_owned(), value)], "{line}");
        }
        assert!(all("a NaN", false).unwrap()[0].1.is_nan());
        let text = "# HELP a b\n# TYPE a counter\n\na 1\n#a 5\n";
        assert_eq!(all(text, false).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_line_is_named_with_its_number() {
        for (line, part) in [
            ("<html>", "no value"),
            ("<html lang=\"en\">", "no name"),
            ("{\"status\":\"ok\"} 1", "not separated"),
            ("{a=\"b\"} 1", "has no name"),
            ("up", "no value"),
            ("up{x=\"1\"}", "no value"),
            ("up one", "no number"),
            ("up 1 2 3", "no timestamp"),
            ("up 1 x", "no timestamp"),
            ("up{x=1} 1", "no quotes"),
            ("up{x=\"1} 1", "never closed"),
            ("up{x=\"1\\", "never closed"),
            ("up{x} 1", "no value"),
            ("up{x=\"1\" y=\"2\"} 1", "not separated"),
            ("9up 1", "no name"),
        ] {
            let broken = all(&format!("ok 1\n{line}\nok 2"), false).unwrap_err();
            assert_eq!(broken.line, 2, "{line}");
            assert!(broken.why.contains(part), "{line}: {broken}");
        }
        assert!(read(b"a 1\n\xff 2", false, |_| {}).is_err());
        assert!(all(&format!("a{{x=\"{}\"}} 1", "y".repeat(70_000)), false).is_err());
        let many: String = (0..300).map(|n| format!("l{n}=\"\",")).collect();
        assert!(all(&format!("a{{{many}}} 1"), false).is_err());
    }

    #[test]
    fn an_open_metrics_text_that_was_cut_off_is_seen() {
        assert_eq!(all("a 1\n# EOF\n", true).unwrap().len(), 1);
        assert!(all("a 1\n", true).unwrap_err().why.contains("cut off"));
        assert!(
            all("# EOF\na 1\n", true)
                .unwrap_err()
                .why
                .contains("follows")
        );
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(
            text in "([a-z_{}=,\"\\\\# \n\t0-9.+é-]|NaN|EOF){0,80}",
            open: bool,
        ) {
            let mut seen = 0;
            // Nothing but that it ends, and shows no more series than there are lines.
            let read = read(text.as_bytes(), open, |_| seen += 1);
            assert!(seen <= text.lines().count());
            assert!(read.is_ok() || read.is_err_and(|broken| broken.line <= text.lines().count() + 1));
        }
    }
}
