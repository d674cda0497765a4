//! `{{ name }}` in a text: found at load, filled in at run time. A name is letters, digits, `_`, `-`
//! and dots; `{{ "{{" }}` stands for the two braces themselves.

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Characters as they are.
    Literal(String),
    /// A name to be filled in.
    Name(String),
}

/// What stands between braces and is no name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoName {
    /// The characters to point at.
    pub excerpt: String,
}

/// Takes a text apart; absent where it has nothing to be filled in.
///
/// # Errors
/// Braces that are never closed, or that hold no name.
pub fn parse(text: &str) -> Result<Option<Vec<Part>>, NoName> {
    if !text.contains("{{") {
        return Ok(None);
    }
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        literal.push_str(&rest[..start]);
        let inside = &rest[start + 2..];
        if let Some(after) = braces_themselves(inside) {
            literal.push_str("{{");
            rest = after;
            continue;
        }
        let Some(end) = inside.find("}}") else {
            let excerpt = "{{".to_owned();
            return Err(NoName { excerpt });
        };
        let name = inside[..end].trim();
        if !is_name(name) {
            let excerpt = rest[start..start + 2 + end + 2].to_owned();
            return Err(NoName { excerpt });
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal)));
        }
        parts.push(Part::Name(name.to_owned()));
        rest = &inside[end + 2..];
    }
    literal.push_str(rest);
    if !literal.is_empty() || parts.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(Some(parts))
}

/// What follows ` "{{" }}`.
fn braces_themselves(inside: &str) -> Option<&str> {
    let inside = inside.trim_start();
    let quoted = inside
        .strip_prefix("\"{{\"")
        .or_else(|| inside.strip_prefix("'{{'"));
    quoted?.trim_start().strip_prefix("}}")
}

/// The name, where a text is nothing but one.
pub fn only_name(parts: &[Part]) -> Option<&str> {
    match parts {
        [Part::Name(name)] => Some(name),
        _ => None,
    }
}

/// Whether a text can be a name.
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

/// The first `{{ name }}` of a text, as it is written.
pub fn first(text: &str) -> Option<&str> {
    text.match_indices("{{").find_map(|(start, _)| {
        let end = start + text[start..].find("}}")? + 2;
        is_name(text[start + 2..end - 2].trim()).then(|| &text[start..end])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Part {
        Part::Name(text.to_owned())
    }

    fn literal(text: &str) -> Part {
        Part::Literal(text.to_owned())
    }

    #[test]
    fn a_text_is_taken_apart() {
        let cases = [
            ("plain { } }}", None),
            ("{{ token }}", Some(vec![name("token")])),
            ("{{token}}", Some(vec![name("token")])),
            (
                "Bearer {{ token }}!",
                Some(vec![literal("Bearer "), name("token"), literal("!")]),
            ),
            (
                "{{ a }}{{ random.email.b-2 }}",
                Some(vec![name("a"), name("random.email.b-2")]),
            ),
            ("{{ \"{{\" }} x }}", Some(vec![literal("{{ x }}")])),
            ("{{'{{'}}", Some(vec![literal("{{")])),
        ];
        for (text, parts) in cases {
            assert_eq!(parse(text), Ok(parts), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_pointed_at() {
        for (text, excerpt) in [
            ("a {{ b", "{{"),
            ("a {{ b c }}", "{{ b c }}"),
            ("{{}}", "{{}}"),
            ("{{ x | upper }} {{ y }}", "{{ x | upper }}"),
        ] {
            assert_eq!(parse(text).unwrap_err().excerpt, excerpt, "{text}");
        }
    }

    #[test]
    fn the_first_name_is_found_whatever_else_there_is() {
        assert_eq!(first("{{ {{ a }} {{ b }}"), Some("{{ a }}"));
        assert_eq!(first("{{ }} { a }"), None);
    }
}
