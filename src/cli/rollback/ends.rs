//! How a rollback by hand ended, service by service: what is written, and the one exit code.

use std::io;
use std::sync::Arc;

use crate::cli::exit;
use crate::cli::formats::Format;
use crate::cli::session::Session;
use crate::engine::record::Record;
use crate::report::{json, line, text};

/// How it ended for one service.
pub(super) struct End {
    pub(super) service: Arc<str>,
    pub(super) code: u8,
    /// What happened, or why nothing did.
    pub(super) record: Result<Record, String>,
}

/// Writes the reports of all services and says with which code to end.
pub(super) fn report(session: &Session, ends: &[End], shown: io::Result<()>) -> u8 {
    let code = worst(ends.iter().map(|end| end.code));
    let mask = session.terminal.mask();
    let summary = |colour| summary(ends, colour);
    let written = session.write(summary, |format| match format {
        Format::Text => Ok(Some(mask.apply(&summary(text::Colour::Plain)))),
        Format::Json => {
            let records = ends
                .iter()
                .filter_map(|end| Some((end, end.record.as_ref().ok()?)));
            let lines = records.map(|(end, record)| json::render(record, end.code, mask));
            let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
            Ok(Some(lines.iter().map(|line| format!("{line}\n")).collect()))
        }
        Format::Samples
        | Format::Ndjson
        | Format::Prometheus
        | Format::Html
        | Format::Junit
        | Format::Markdown => Ok(None),
    });
    session.end(code, shown.and(written))
}

/// The end of each service, and of several a line each.
fn summary(ends: &[End], colour: text::Colour) -> String {
    let mut summary = String::new();
    for end in ends {
        match &end.record {
            Ok(record) => summary.push_str(&text::render(record, end.code, colour)),
            Err(why) => {
                text::push_wrapped(&mut summary, &format!("{}: ", end.service), why);
                let code = format!("exit code {}", end.code);
                text::push_wrapped(&mut summary, "", &code);
            }
        }
        if ends.len() > 1 {
            summary.push('\n');
        }
    }
    if ends.len() > 1 {
        for end in ends {
            let line = format!("{}, exit code {}", meaning(end), end.code);
            text::push_wrapped(&mut summary, &format!("{}: ", end.service), &line);
        }
    }
    summary
}

fn meaning(end: &End) -> String {
    let rollback = end
        .record
        .as_ref()
        .ok()
        .and_then(|record| record.rollback.as_ref());
    rollback.map_or_else(
        || "nothing was changed".to_owned(),
        |rollback| {
            let to = rollback.to.as_ref();
            let to = to.map_or_else(String::new, |to| format!(" -> {to}"));
            format!("{}{to}: {}", rollback.from, line::ended(rollback.outcome))
        },
    )
}

/// The worst code of several, by the contract's order.
fn worst(codes: impl Iterator<Item = u8>) -> u8 {
    let rank = |code: &u8| {
        let order = WORST_FIRST.iter().position(|known| known == code);
        std::cmp::Reverse(order.unwrap_or(0))
    };
    codes.max_by_key(rank).unwrap_or(exit::PASS)
}

/// Of several services the worst end is the command's. An error of usage at one of them is worth
/// more than that another went well.
const WORST_FIRST: [u8; 10] = [
    exit::ROLLBACK_FAILED,
    exit::REFUSED,
    exit::ROLLED_BACK,
    exit::SUPERSEDED,
    exit::FAILED,
    exit::INCONCLUSIVE,
    exit::USAGE,
    exit::INTERRUPTED,
    exit::TERMINATED,
    exit::PASS,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_services_the_worst_end_counts() {
        let cases: [(&[u8], u8, &str); 5] = [
            (&[10, 11, 12], 11, "a rollback that failed is the worst"),
            (&[10, 12], 12, "then one that was refused"),
            (&[13, 10], 10, "then one that was done"),
            (&[2, 0], 2, "a mistake is worse than nothing"),
            (&[], 0, "nothing was to be done"),
        ];
        for (codes, expected, why) in cases {
            assert_eq!(worst(codes.iter().copied()), expected, "{why}");
        }
    }
}
