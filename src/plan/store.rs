//! `store`: where the daemon remembers what it saw, and for how long.

mod postgres;

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::postgres::{PostgresPlan, PostgresSettings};
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Node, Place, Value, read};
use crate::quantity::{Span, human};
use crate::store::history::Retention;

/// Where the daemon remembers, and for how long.
#[derive(Clone, Debug)]
pub struct StorePlan {
    /// Where the history is kept.
    pub keeper: Keeper,
    /// How long each form of the past is kept.
    pub retention: Retention,
}

impl Default for StorePlan {
    fn default() -> Self {
        Self {
            keeper: Keeper::StateFolder,
            retention: USUAL,
        }
    }
}

/// Where a history is kept.
#[derive(Clone, Debug)]
pub enum Keeper {
    /// In a file in the state folder.
    StateFolder,
    /// In this file.
    File(PathBuf),
    /// In a database, which several instances share.
    Postgres(Box<PostgresPlan>),
}

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// How long the past is kept where nobody says.
pub const USUAL: Retention = Retention {
    // The same hour of yesterday is there in full, and what a baseline is made of. A check every ten
    // seconds takes some 130 KB a day; a hundred thousand of them 13 GB.
    samples: DAY,
    // What a postmortem of last month asks for. They are few, unless everything is down.
    failures: Duration::from_secs(30 * 24 * 3_600),
    // Two weeks: this week beside the last, minute by minute.
    minutes: Duration::from_secs(14 * 24 * 3_600),
    // More than a year, so that a season can be laid beside the last.
    hours: Duration::from_secs(400 * 24 * 3_600),
};

/// The past is summed up by the hour, so that nothing is kept for less.
const SHORTEST: Duration = HOUR;

/// Where the daemon remembers what it saw, and for how long.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// An SQLite file on a local disk, relative to this file; it is made where it does not exist.
    /// Without it, `history.sqlite` in the state folder.
    pub sqlite: Option<PathBuf>,
    /// A schema in a PostgreSQL database instead, which several instances may share. The journal of
    /// rollbacks stays in the state folder of each: one machine should act on a service.
    pub postgres: Option<PostgresSettings>,
    /// How long each form of the past is kept. What happened, decisions and windows are kept for
    /// good.
    pub keep: Option<KeepSettings>,
}

/// How long each form of the past is kept, each at least an hour.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepSettings {
    /// Samples as they came; 24h without it.
    pub samples: Option<Span>,
    /// Samples that did not pass, as they came; 30d without it, or as long as samples.
    pub failures: Option<Span>,
    /// Histograms by minute; 14d without it, or as long as samples.
    pub minutes: Option<Span>,
    /// Histograms by hour; 400d without it, or as long as minutes.
    pub hours: Option<Span>,
}

/// Reads the section.
pub fn lower(document: &Document, problems: &mut Vec<Problem>) -> StorePlan {
    let Some(first) = document.store.first() else {
        return StorePlan::default();
    };
    let place = &first.key.place;
    let node = Node {
        place: place.clone(),
        value: Value::Map(document.store.clone()),
    };
    let Some(settings) = read::<StoreSettings>(&node, place, problems).any() else {
        return StorePlan::default();
    };
    if let (Some(file), Some(database)) = (node.entry("sqlite"), node.entry("postgres")) {
        let problem = Problem::error(Code::BadValue, "a history is kept in one place")
            .at(&database.key.place)
            .other(&file.key.place, "and this is another")
            .help("remove `sqlite` or `postgres`");
        problems.push(problem);
    }
    let keep = node.entry("keep");
    StorePlan {
        keeper: keeper(settings.sqlite, settings.postgres.as_ref(), &node, problems),
        retention: retention(&settings.keep.unwrap_or_default(), keep, problems),
    }
}

fn keeper(
    sqlite: Option<PathBuf>,
    postgres: Option<&PostgresSettings>,
    node: &Node,
    problems: &mut Vec<Problem>,
) -> Keeper {
    let file = sqlite.and_then(|path| file(path, node, problems));
    let database = postgres
        .zip(node.entry("postgres"))
        .and_then(|(settings, entry)| postgres::lower(settings, entry, problems));
    match (database, file) {
        (Some(database), _) => Keeper::Postgres(Box::new(database)),
        (None, Some(file)) => Keeper::File(file),
        (None, None) => Keeper::StateFolder,
    }
}

fn file(path: PathBuf, node: &Node, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    let entry = node.entry("sqlite")?;
    if path.as_os_str().is_empty() {
        let problem = Problem::error(Code::BadValue, "`sqlite` is empty")
            .at(&entry.pointer())
            .help("write the path of a file, or leave it out for the one in the state folder");
        problems.push(problem);
        return None;
    }
    Some(entry.key.place.file().folder().join(path))
}

fn retention(
    settings: &KeepSettings,
    keep: Option<&Entry>,
    problems: &mut Vec<Problem>,
) -> Retention {
    let place = |key: &str| -> Option<Place> {
        let entry = keep?.value.entry(key)?;
        Some(entry.pointer())
    };
    let mut kept = |key: &str, span: Option<Span>, usual: Duration, least: (&str, Duration)| {
        let Some(Span(span)) = span else {
            return usual.max(least.1);
        };
        if span < least.1
            && let Some(place) = place(key)
        {
            problems.push(too_short(key, span, least, &place));
        }
        span.max(least.1)
    };
    let samples = kept("samples", settings.samples, USUAL.samples, ("", SHORTEST));
    let as_samples = ("samples", samples);
    let failures = kept("failures", settings.failures, USUAL.failures, as_samples);
    let minutes = kept("minutes", settings.minutes, USUAL.minutes, as_samples);
    let hours = kept("hours", settings.hours, USUAL.hours, ("minutes", minutes));
    Retention {
        samples,
        failures,
        minutes,
        hours,
    }
}

fn too_short(key: &str, span: Duration, (of, least): (&str, Duration), place: &Place) -> Problem {
    let (span, least) = (human(span), human(least));
    let (message, help) = match of {
        "" => (
            format!("`{key}` is kept for {span}, and the past is summed up by the hour"),
            format!("write {least} or more"),
        ),
        of => (
            format!("`{key}` is kept for {span}, shorter than `{of}` with {least}"),
            format!("write {least} or more, or keep `{of}` for less"),
        ),
    };
    Problem::error(Code::BadValue, message).at(place).help(help)
}
