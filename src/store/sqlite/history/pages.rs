//! Windows and what happened, a page at a time, the newest first: their names sort by time.

use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use super::super::fault::Fault;
use super::super::wall;
use crate::event::Verdict;
use crate::sample::CheckId;
use crate::store::history::{self, Happening, Page, StoredWindow};

/// What is asked for, as conditions and what stands in them.
#[derive(Default)]
struct Conditions {
    all: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.all.push(condition.to_owned());
            self.values.push(Value::Text(value.to_owned()));
        }
    }

    /// The question, with a limit.
    fn question(mut self, columns: &str, table: &str, limit: usize) -> (String, Vec<Value>) {
        let conditions = match self.all.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", self.all.join(" AND ")),
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.values.push(Value::Integer(limit));
        let question =
            format!("SELECT {columns} FROM {table} {conditions} ORDER BY id DESC LIMIT ?");
        (question, self.values)
    }
}

const WINDOW: &str =
    "id, service, opened, closed, verdict, revision, action, rollback, detected_after, report";

/// A page of windows.
pub(super) fn windows(connection: &Connection, page: &Page) -> Result<Vec<StoredWindow>, Fault> {
    let mut conditions = Conditions::default();
    conditions.add("service = ?", page.service.as_deref());
    conditions.add("id = ?", page.window.as_deref());
    let of_check = "id IN (SELECT text FROM texts JOIN members ON members.window = texts.number
        WHERE members.check_number = (SELECT number FROM checks WHERE name = ?))";
    conditions.add(of_check, page.check.as_ref().map(CheckId::as_str));
    conditions.add("id < ?", page.before.as_deref());
    let (question, values) = conditions.question(WINDOW, "windows", page.limit);
    let mut statement = connection.prepare_cached(&question)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut windows = Vec::new();
    while let Some(row) = rows.next()? {
        windows.push(window_of(row)?);
    }
    Ok(windows)
}

/// One window.
pub(super) fn window(connection: &Connection, id: &str) -> Result<Option<StoredWindow>, Fault> {
    let question = format!("SELECT {WINDOW} FROM windows WHERE id = ?");
    let mut statement = connection.prepare_cached(&question)?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(window_of).transpose()
}

fn window_of(row: &Row<'_>) -> Result<StoredWindow, Fault> {
    let id: String = row.get(0)?;
    let not_understood =
        |error: serde_json::Error| Fault::Part(format!("window {id}"), error.to_string());
    let text = |at: usize| row.get::<_, Option<String>>(at);
    let number = |at: usize| row.get::<_, Option<i64>>(at);
    let verdict = text(4)?.map(|name| serde_json::from_value::<Verdict>(name.into()));
    let report = text(9)?.map(|report| serde_json::from_str(&report));
    Ok(StoredWindow {
        service: Arc::from(row.get::<_, String>(1)?),
        opened: wall(row.get(2)?),
        closed: number(3)?.map(wall),
        verdict: verdict.transpose().map_err(not_understood)?,
        revision: text(5)?,
        action: text(6)?,
        rollback: text(7)?,
        detected_after: number(8)?.map(|span| wall(span).unix()),
        report: report.transpose().map_err(not_understood)?,
        id: Arc::from(id),
    })
}

/// A page of what happened.
pub(super) fn happenings(connection: &Connection, page: &Page) -> Result<Vec<Happening>, Fault> {
    let mut conditions = Conditions::default();
    conditions.add("service = ?", page.service.as_deref());
    conditions.add("window = ?", page.window.as_deref());
    conditions.add("check_name = ?", page.check.as_ref().map(CheckId::as_str));
    conditions.add("id < ?", page.before.as_deref());
    if !page.kinds.is_empty() {
        let places = vec!["?"; page.kinds.len()].join(", ");
        conditions.all.push(format!("kind IN ({places})"));
        let kinds = page.kinds.iter().cloned().map(Value::Text);
        conditions.values.extend(kinds);
    }
    let columns = "id, at, service, window, check_name, kind, text, facts";
    let (question, values) = conditions.question(columns, "happenings", page.limit);
    let mut statement = connection.prepare_cached(&question)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut happenings = Vec::new();
    while let Some(row) = rows.next()? {
        happenings.push(happening_of(row)?);
    }
    Ok(happenings)
}

fn happening_of(row: &Row<'_>) -> Result<Happening, Fault> {
    let id: String = row.get(0)?;
    let not_understood = |why: String| Fault::Part(format!("happening {id}"), why);
    let text = |at: usize| row.get::<_, Option<String>>(at);
    let kind: String = row.get(5)?;
    let facts: String = row.get(7)?;
    Ok(Happening {
        at: wall(row.get(1)?),
        service: text(2)?.map(Arc::from),
        window: text(3)?.map(Arc::from),
        check: text(4)?.map(|name| CheckId::new(&name)),
        kind: history::kind(&kind)
            .ok_or_else(|| not_understood(format!("there are too many kinds to know `{kind}`")))?,
        text: row.get(6)?,
        facts: serde_json::from_str(&facts).map_err(|error| not_understood(error.to_string()))?,
        id,
    })
}

/// How much is kept.
pub(super) fn figures(connection: &mut Connection) -> Result<history::Figures, Fault> {
    let instant = connection.transaction()?;
    let number = |question: &str| -> Result<u64, Fault> {
        let found: Option<i64> = instant
            .query_row(question, [], |row| row.get(0))
            .optional()?;
        Ok(found.unwrap_or(0).max(0).unsigned_abs())
    };
    Ok(history::Figures {
        samples: number("SELECT samples FROM counts")?,
        slices: number("SELECT slices FROM counts")?,
        happenings: number("SELECT count(*) FROM happenings")?,
        windows: number("SELECT count(*) FROM windows")?,
        bytes: number("PRAGMA page_count")? * number("PRAGMA page_size")?,
    })
}
