//! A text with references → its parts. Parsing only; nothing is looked up.

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Characters as they are.
    Literal(String),
    /// Something to fill in.
    Reference(Reference),
}

/// Something to fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `${NAME}` or `${NAME:-default}`.
    Variable {
        /// The variable's name.
        name: String,
        /// What stands in for it when it is unset or empty.
        default: Option<Vec<Part>>,
    },
    /// `${file:PATH}`.
    File(String),
    /// A source of secrets that the language knows and this version does not read.
    Elsewhere {
        /// Its name: `ssm`.
        form: &'static str,
        /// The whole reference, as it is written.
        text: String,
    },
}

/// A reference that is none of the known forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub message: String,
    /// The characters to point at.
    pub excerpt: String,
    /// What to write.
    pub help: String,
}

/// Sources of secrets that this version does not read.
const ELSEWHERE: [&str; 2] = ["ssm", "secretsmanager"];

/// Defaults within defaults, at most.
const DEEPEST: usize = 8;

/// Takes a text apart.
pub fn parse(text: &str) -> Result<Vec<Part>, Wrong> {
    parts(text, 0)
}

fn parts(text: &str, depth: usize) -> Result<Vec<Part>, Wrong> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        literal.push_str(&rest[..at]);
        let tail = &rest[at..];
        if let Some(after) = tail.strip_prefix("$$") {
            literal.push('$');
            rest = after;
        } else if let Some(inside) = tail.strip_prefix("${") {
            let Some(end) = closing(inside).filter(|_| depth < DEEPEST) else {
                return Err(unclosed(tail));
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Reference(reference(&inside[..end], depth)?));
            rest = &inside[end + 1..];
        } else {
            // A dollar by itself is a dollar: JSON paths and patterns are full of them.
            literal.push('$');
            rest = &tail[1..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() || parts.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

/// Where the brace closes that was opened before `inside`.
fn closing(inside: &str) -> Option<usize> {
    let mut open = 1_usize;
    let mut previous = ' ';
    for (at, character) in inside.char_indices() {
        match character {
            '{' if previous == '$' => open += 1,
            '}' => {
                open -= 1;
                if open == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
        previous = character;
    }
    None
}

fn reference(inside: &str, depth: usize) -> Result<Reference, Wrong> {
    if let Some(path) = inside.strip_prefix("file:") {
        return if path.trim().is_empty() {
            Err(unknown_form(inside))
        } else {
            Ok(Reference::File(path.trim().to_owned()))
        };
    }
    for form in ELSEWHERE {
        if inside
            .strip_prefix(form)
            .is_some_and(|rest| rest.starts_with(':'))
        {
            let text = format!("${{{inside}}}");
            return Ok(Reference::Elsewhere { form, text });
        }
    }
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(parts(default, depth + 1)?)),
        None => (inside, None),
    };
    if !is_variable(name) {
        return Err(unknown_form(inside));
    }
    let name = name.to_owned();
    Ok(Reference::Variable { name, default })
}

fn is_variable(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The characters that may be shown of a reference that was not understood: its beginning. What
/// follows may be a secret.
fn beginning(inside: &str) -> String {
    let name = inside.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    format!("${{{}", &inside[..name.unwrap_or(inside.len())])
}

fn unclosed(tail: &str) -> Wrong {
    Wrong {
        message: "`${` is never closed".to_owned(),
        excerpt: beginning(&tail[2..]),
        help: "close it with `}`, or write `$${` for these two characters themselves".to_owned(),
    }
}

fn unknown_form(inside: &str) -> Wrong {
    let excerpt = beginning(inside);
    Wrong {
        message: format!("`{excerpt}…}}` is no reference of a known form"),
        excerpt,
        help: "write ${NAME}, ${NAME:-default} or ${file:PATH}; `$$` is a dollar itself".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, default: Option<Vec<Part>>) -> Part {
        let name = name.to_owned();
        Part::Reference(Reference::Variable { name, default })
    }

    fn literal(text: &str) -> Part {
        Part::Literal(text.to_owned())
    }

    #[test]
    fn a_text_is_taken_apart() {
        let cases = [
            ("", vec![literal("")]),
            ("$.status", vec![literal("$.status")]),
            ("^a$", vec![literal("^a$")]),
            ("$$5 and $${X}", vec![literal("$5 and ${X}")]),
            ("${A}", vec![variable("A", None)]),
            (
                "${A}/b${C}",
                vec![variable("A", None), literal("/b"), variable("C", None)],
            ),
            ("${A:-x}", vec![variable("A", Some(vec![literal("x")]))]),
            ("${A:-}", vec![variable("A", Some(vec![literal("")]))]),
            (
                "${A:-${B:-c}}",
                vec![variable(
                    "A",
                    Some(vec![variable("B", Some(vec![literal("c")]))]),
                )],
            ),
            (
                "${file:a/b c}",
                vec![Part::Reference(Reference::File("a/b c".into()))],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused_without_showing_its_default() {
        for text in [
            "${",
            "${A",
            "${}",
            "${1A}",
            "${A:?canary}",
            "${A-canary}",
            "${file:}",
            "${a b}",
        ] {
            let wrong = parse(text).unwrap_err();
            assert!(
                !wrong.message.contains("canary"),
                "{text}: {}",
                wrong.message
            );
            assert!(text.contains(&wrong.excerpt), "{text}: {}", wrong.excerpt);
        }
    }
}
