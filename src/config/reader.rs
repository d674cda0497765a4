//! YAML text → a tree with places. Bounded in depth and size, and never guesses.
//!
//! Left out of YAML on purpose: tags, keys that are not plain names, several documents in one
//! file. A reference in braces that lacks its quotes (`{ url: ${X} }`) is not YAML; since it is
//! clear what was meant, it is reported, blotted out and the text is read again, so that the
//! problems behind it are found in the same run.

mod anchors;
mod blot;
pub(super) mod builder;

use std::sync::Arc;

use granit_parser::{Parser, options};

use self::blot::Blots;
use self::builder::{Builder, Unreadable};
use super::place::{Place, SourceFile};
use super::problem::{Code, Problem};
use super::tree::Node;

/// Deeper is not a configuration.
pub const DEEPEST: usize = 64;

/// Reads the one document of a file: `None` when it holds none, or when it cannot be read, which
/// is then among the problems.
pub fn read(file: &Arc<SourceFile>, problems: &mut Vec<Problem>) -> Option<Node> {
    let mut blots = Blots::new(file.text());
    loop {
        let mut found = Vec::new();
        match parse(file, &blots, &mut found) {
            Ok(tree) => {
                problems.append(&mut found);
                return tree;
            }
            Err(Unreadable::Unquoted(range)) if blots.has_room() => {
                problems.push(blot::unquoted(file, range.clone()));
                blots.add(range);
            }
            Err(Unreadable::Unquoted(range)) => {
                problems.push(blot::unquoted(file, range));
                return None;
            }
            Err(Unreadable::Other(problem)) => {
                problems.append(&mut found);
                problems.push(*problem);
                return None;
            }
        }
    }
}

fn parse(
    file: &Arc<SourceFile>,
    blots: &Blots,
    problems: &mut Vec<Problem>,
) -> Result<Option<Node>, Unreadable> {
    let limits = options! {
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
        disallow_directives: true,
    };
    let mut builder = Builder::new(file, blots, problems);
    for event in Parser::new_from_str_with_options(blots.text(), limits) {
        match event {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or_default();
                let tag = span.tag_span().and_then(|tag| tag.byte_range());
                builder.take(event, range, tag)?;
            }
            Err(error) => {
                let offset = error.marker().byte_offset().unwrap_or_default();
                return Err(not_yaml(file, &builder, blots, offset, &error.info()));
            }
        }
    }
    Ok(builder.finish())
}

fn not_yaml(
    file: &Arc<SourceFile>,
    builder: &Builder<'_>,
    blots: &Blots,
    offset: usize,
    message: &str,
) -> Unreadable {
    if let Some(range) = blot::unquoted_near(blots.text(), offset, builder.last_double_brace()) {
        return Unreadable::Unquoted(range);
    }
    // An error at the end of a file points behind the last line; the last character is shown.
    let offset = offset.min(file.text().trim_end().len().saturating_sub(1));
    let place = Place::new(file, offset..offset + 1);
    let problem = Problem::error(Code::Syntax, format!("this is not YAML: {message}"))
        .at(&place)
        .help(advice(message, file, &place));
    Unreadable::Other(Box::new(problem))
}

/// What usually helps: a few slips make up nearly all broken files.
fn advice(message: &str, file: &SourceFile, place: &Place) -> String {
    let line = &file.text()[file.line_range(place.line())];
    let slip = if message.contains("tab") || line.trim_start_matches(' ').starts_with('\t') {
        "indent with spaces; YAML does not allow tabs there"
    } else if message.contains("quoted scalar") || message.contains("end of stream") {
        "a quotation mark or a bracket may be missing before this place"
    } else if line.matches(": ").count() > 1 {
        "put the value in quotes if it contains `: `, and check the indentation of the line"
    } else if message.contains("limit") || message.contains("recursion") {
        "the nesting is deeper than a configuration can be"
    } else {
        "check the indentation, and that a value with special characters stands in quotes"
    };
    format!("{slip}; the rest of this file was not read")
}

#[cfg(test)]
mod tests;
