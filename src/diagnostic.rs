//! Problems of the configuration as a person reads them: the user's own line, a caret, what to type.
//!
//! Shows and hides, and decides nothing. No secret passes: lines are masked by what is known to be
//! secret and by the look of the line, and the whole text is masked once more at the end. Called by
//! `cli`, which prints.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use crate::config::{self, Place, Problem, Severity};
use crate::secret::{MASKED, Mask, united};

/// So many problems are shown; the others are counted.
pub const MOST_SHOWN: usize = 50;

/// The width for which messages are written.
const WIDTH: usize = 80;

/// Renders problems in the order given, with colours or without.
#[must_use]
pub fn render(problems: &[Problem], mask: &Mask, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.term_width(WIDTH);
    let mut text = String::new();
    for problem in problems.iter().take(MOST_SHOWN) {
        text.push_str(&one(problem, mask, &renderer));
        text.push_str("\n\n");
    }
    let more = problems.len().saturating_sub(MOST_SHOWN);
    if more > 0 {
        text.push_str(&format!("and {more} more; mend these first\n"));
    }
    mask.apply(&text)
}

/// Counts problems in words: `2 errors, 1 warning`.
#[must_use]
pub fn count(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let words = [(errors, "error"), (problems.len() - errors, "warning")];
    let parts = words.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, word)| format!("{count} {word}{}", if *count == 1 { "" } else { "s" }))
        .collect();
    parts.join(", ")
}

fn one(problem: &Problem, mask: &Mask, renderer: &Renderer) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = mask_text(&problem.message, mask);
    let mut group = level
        .primary_title(wrap(&message, WIDTH - TITLE_INDENT))
        .id(problem.code.id())
        .elements(Vec::<Element<'_>>::new());
    if let Some(place) = &problem.place {
        let label = problem.label.as_deref().unwrap_or_default();
        let (same, others): (Vec<_>, Vec<_>) = problem
            .others
            .iter()
            .partition(|(other, _)| on_one_line(place, other));
        group = show(group, place, label, &same, AnnotationKind::Primary, mask);
        for (other, label) in others {
            group = show(group, other, label, &[], AnnotationKind::Context, mask);
        }
    }
    if let Some(help) = &problem.help {
        let help = mask_text(help, mask);
        group = group.element(Level::HELP.message(wrap(&help, WIDTH - HELP_INDENT)));
    }
    let group = [group];
    let plain = Renderer::plain().term_width(WIDTH).render(&group);
    without_bare_marks(&renderer.render(&group), &plain)
}

/// Takes out the marks that the renderer sets between a place and its line, which name no file.
fn without_bare_marks(rendered: &str, plain: &str) -> String {
    let lines = rendered.lines().zip(plain.lines());
    let kept: Vec<&str> = lines
        .filter(|(_, plain)| plain.trim() != ":::")
        .map(|(line, _)| line)
        .collect();
    kept.join("\n")
}

/// The room that `warning[SJ0000]: ` takes.
const TITLE_INDENT: usize = 17;

/// The room that `   = help: ` takes.
const HELP_INDENT: usize = 14;

fn on_one_line(left: &Place, right: &Place) -> bool {
    std::sync::Arc::ptr_eq(left.file(), right.file()) && left.line() == right.line()
}

/// Adds a line of a file to a message, with its marks.
fn show<'a>(
    group: Group<'a>,
    place: &Place,
    label: &str,
    same_line: &[&(Place, String)],
    kind: AnnotationKind,
    mask: &Mask,
) -> Group<'a> {
    let line = Line::new(place, mask);
    let annotate = |kind: AnnotationKind, place: &Place, label: &str| {
        let annotation = kind.span(line.marked(place));
        if label.is_empty() {
            annotation
        } else {
            annotation.label(mask_text(label, mask))
        }
    };
    let mut snippet = Snippet::source(line.text.clone())
        .line_start(place.line())
        .annotation(annotate(kind, place, label));
    for (other, label) in same_line {
        snippet = snippet.annotation(annotate(AnnotationKind::Context, other, label));
    }
    let path = place.file().path().display().to_string();
    let origin = Origin::path(path)
        .line(place.line())
        .char_column(place.column());
    group.element(origin).element(snippet)
}

/// A line of a file with its secrets masked, and the way from its own columns to the shown ones.
struct Line {
    text: String,
    range: Range<usize>,
    masked: Vec<Range<usize>>,
}

impl Line {
    fn new(place: &Place, mask: &Mask) -> Self {
        let file = place.file();
        let range = file.line_range(place.line());
        let raw = &file.text()[range.clone()];
        let mut found = config::hidden_in_line(file, place.line());
        found.extend(mask.find(raw));
        let masked = united(found);
        let mut text = String::with_capacity(raw.len());
        let mut at = 0;
        for part in &masked {
            text.push_str(&raw[at..part.start]);
            text.push_str(MASKED);
            at = part.end;
        }
        text.push_str(&raw[at..]);
        Self {
            text,
            range,
            masked,
        }
    }

    /// The range of the shown line that stands for a place, as far as it lies on this line.
    fn marked(&self, place: &Place) -> Range<usize> {
        let own = |offset: usize| offset.clamp(self.range.start, self.range.end) - self.range.start;
        let start = self.shown(own(place.range().start), false);
        let end = self.shown(own(place.range().end), true);
        start..end.max(start)
    }

    /// Where a column of the line is shown; inside of what is masked, its beginning or its end.
    fn shown(&self, column: usize, end: bool) -> usize {
        let mut shown = column;
        for part in &self.masked {
            if column >= part.end {
                shown = shown + MASKED.len() - part.len();
            } else if column > part.start {
                shown = shown - (column - part.start) + if end { MASKED.len() } else { 0 };
            }
        }
        shown
    }
}

/// Masks what is known to be secret, and what looks like it.
fn mask_text(text: &str, mask: &Mask) -> String {
    config::mask_by_look(&mask.apply(text))
}

/// Breaks a text into lines between words.
fn wrap(text: &str, width: usize) -> String {
    let mut wrapped = String::with_capacity(text.len());
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            wrapped.push('\n');
            column = 0;
        } else if column > 0 {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += length;
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Code, SourceFile};

    fn place(text: &str, range: Range<usize>) -> Place {
        let file = SourceFile::new("a.yaml".into(), ".".into(), text.to_owned());
        Place::new(&file, range)
    }

    #[test]
    fn a_problem_shows_the_line_the_caret_and_the_help() {
        let text = "checks:\n  web:\n    evry: 5s\n";
        let problem = Problem::error(Code::UnknownKey, "unknown key `evry`")
            .at(&place(text, 19..23))
            .help("did you mean `every`?");
        let shown = render(&[problem], &Mask::default(), false);
        assert_eq!(
            shown,
            "error[SJ0401]: unknown key `evry`\n \
             --> a.yaml:3:5\n  \
               |\n\
             3 |     evry: 5s\n  \
               |     ^^^^\n  \
               |\n  \
               = help: did you mean `every`?\n\n"
        );
    }

    #[test]
    fn secrets_are_masked_and_carets_stay_where_they_belong() {
        let mask = Mask::default();
        mask.hide("canary");
        let text = "a: [canary-one, http://u:pw@h, here]";
        let problem = Problem::error(Code::BadValue, "canary at http://u:pw@h is wrong")
            .at(&place(text, 31..35))
            .label("canary");
        let shown = render(&[problem], &mask, false);
        assert!(
            shown.contains("1 | a: [***-one, http://***@h, here]"),
            "{shown}"
        );
        assert!(
            shown.contains("  |                            ^^^^ ***"),
            "{shown}"
        );
        assert!(shown.contains("--> a.yaml:1:32"), "{shown}");
        assert!(
            !shown.contains("canary") && !shown.contains("pw"),
            "{shown}"
        );
    }

    #[test]
    fn many_problems_are_cut_and_counted() {
        let mut problems = vec![Problem::error(Code::NoChecks, "one"); MOST_SHOWN + 2];
        problems.push(Problem::warning(Code::Unused, "two"));
        let shown = render(&problems, &Mask::default(), false);
        assert!(shown.ends_with("and 3 more; mend these first\n"), "{shown}");
        assert_eq!(count(&problems), "52 errors, 1 warning");
    }

    #[test]
    fn colours_come_only_when_asked_for() {
        let problem = [Problem::error(Code::NoChecks, "one")];
        assert!(!render(&problem, &Mask::default(), false).contains('\u{1b}'));
        assert!(render(&problem, &Mask::default(), true).contains('\u{1b}'));
    }

    #[test]
    fn long_lines_are_trimmed_around_the_caret() {
        let text = format!("a: {}here{}", "x".repeat(300), "y".repeat(300));
        let problem = Problem::error(Code::BadValue, "wrong").at(&place(&text, 303..307));
        let shown = render(&[problem], &Mask::default(), false);
        assert!(shown.contains("here"), "{shown}");
        assert!(
            shown.lines().all(|line| line.chars().count() <= WIDTH + 4),
            "{shown}"
        );
    }
}
