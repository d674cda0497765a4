//! What a target said, made fit to be repeated in a message.

/// The text as one line of bounded length: a target decides what it sends, not how much of it a
/// person must read, nor what it does to a terminal.
#[must_use]
pub fn one_line(text: &str) -> String {
    let printable = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(READ);
    let spaced: String = printable.collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if text.chars().nth(READ).is_some() => format!("{line}…"),
        None => line,
    }
}

/// How many characters are looked at.
const READ: usize = 2_000;
/// How many characters of the line are kept.
const SHOWN: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_said_becomes_one_bounded_line() {
        assert_eq!(one_line(" a\n\tb\u{1b}[31m  c "), "a b [31m c");
        for long in ["x".repeat(5_000), "x ".repeat(5_000), "ä".repeat(5_000)] {
            assert_eq!(one_line(&long).chars().count(), SHOWN + 1);
        }
        // Cut off after much white space: still marked as cut, for the mask.
        assert_eq!(one_line(&format!("{}abcdef", " ".repeat(READ - 3))), "abc…");
    }
}
