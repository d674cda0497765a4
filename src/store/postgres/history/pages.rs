//! Windows and what happened, a page at a time, the newest first: their names sort by time.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::super::fault::Fault;
use super::names::clean;
use crate::clock::WallTime;
use crate::event::Verdict;
use crate::sample::CheckId;
use crate::store::history::{self, Figures, Happening, Page, StoredWindow};

/// What is asked for, as conditions and what stands in them.
#[derive(Default)]
struct Conditions<'a> {
    all: Vec<String>,
    texts: Vec<Cow<'a, str>>,
    kinds: Vec<&'a str>,
}

impl<'a> Conditions<'a> {
    /// Adds a condition in which `$` stands for a value, where there is one.
    fn add(&mut self, condition: &str, value: Option<&'a str>) {
        if let Some(value) = value {
            self.texts.push(clean(value));
            let place = format!("${}", self.texts.len());
            self.all.push(condition.replace('$', &place));
        }
    }

    /// Asks, at most so many rows of it.
    async fn ask(
        self,
        client: &Client,
        columns: &str,
        table: &str,
        limit: usize,
    ) -> Result<Vec<Row>, Fault> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut all = self.all;
        let mut values: Vec<(&(dyn ToSql + Sync), Type)> = Vec::new();
        for text in &self.texts {
            values.push((text, Type::TEXT));
        }
        if !self.kinds.is_empty() {
            values.push((&self.kinds, Type::TEXT_ARRAY));
            all.push(format!("kind = ANY (${})", values.len()));
        }
        values.push((&limit, Type::INT8));
        let conditions = match all.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", all.join(" AND ")),
        };
        let number = values.len();
        let question =
            format!("SELECT {columns} FROM {table} {conditions} ORDER BY id DESC LIMIT ${number}");
        Ok(client.query_typed(&question, &values).await?)
    }
}

const WINDOW: &str =
    "id, service, opened, closed, verdict, revision, action, rollback, detected_after, report";

/// A page of windows.
pub(super) async fn windows(client: &Client, page: &Page) -> Result<Vec<StoredWindow>, Fault> {
    let mut conditions = Conditions::default();
    conditions.add("service = $", page.service.as_deref());
    conditions.add("id = $", page.window.as_deref());
    let of_check = "id IN (SELECT texts.name FROM texts JOIN members USING (number)
        JOIN checks ON checks.number = members.check_number
        WHERE md5(checks.name) = md5($) AND checks.name = $)";
    conditions.add(of_check, page.check.as_ref().map(CheckId::as_str));
    conditions.add("id < $", page.before.as_deref());
    let rows = conditions
        .ask(client, WINDOW, "windows", page.limit)
        .await?;
    rows.iter().map(window_of).collect()
}

/// One window.
pub(super) async fn window(client: &Client, id: &str) -> Result<Option<StoredWindow>, Fault> {
    let mut conditions = Conditions::default();
    conditions.add("id = $", Some(id));
    let rows = conditions.ask(client, WINDOW, "windows", 1).await?;
    rows.first().map(window_of).transpose()
}

fn window_of(row: &Row) -> Result<StoredWindow, Fault> {
    let id: &str = row.try_get(0)?;
    let not_understood =
        |error: serde_json::Error| Fault::Part(format!("window {id}"), error.to_string());
    let text = |at: usize| row.try_get::<_, Option<String>>(at);
    let number = |at: usize| row.try_get::<_, Option<i64>>(at);
    let verdict = text(4)?.map(|name| serde_json::from_value::<Verdict>(name.into()));
    let report = text(9)?.map(|report| serde_json::from_str(&report));
    Ok(StoredWindow {
        service: Arc::from(row.try_get::<_, &str>(1)?),
        opened: wall(row.try_get(2)?),
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
pub(super) async fn happenings(client: &Client, page: &Page) -> Result<Vec<Happening>, Fault> {
    let mut conditions = Conditions {
        kinds: page.kinds.iter().map(String::as_str).collect(),
        ..Conditions::default()
    };
    conditions.add("service = $", page.service.as_deref());
    conditions.add("of_window = $", page.window.as_deref());
    conditions.add("check_name = $", page.check.as_ref().map(CheckId::as_str));
    conditions.add("id < $", page.before.as_deref());
    let columns = "id, at, service, of_window, check_name, kind, line, facts";
    let rows = conditions
        .ask(client, columns, "happenings", page.limit)
        .await?;
    rows.iter().map(happening_of).collect()
}

fn happening_of(row: &Row) -> Result<Happening, Fault> {
    let id: &str = row.try_get(0)?;
    let not_understood = |why: String| Fault::Part(format!("happening {id}"), why);
    let text = |at: usize| row.try_get::<_, Option<&str>>(at);
    let kind: &str = row.try_get(5)?;
    let facts: &str = row.try_get(7)?;
    Ok(Happening {
        at: wall(row.try_get(1)?),
        service: text(2)?.map(Arc::from),
        window: text(3)?.map(Arc::from),
        check: text(4)?.map(CheckId::new),
        kind: history::kind(kind)
            .ok_or_else(|| not_understood(format!("there are too many kinds to know `{kind}`")))?,
        text: row.try_get(6)?,
        facts: serde_json::from_str(facts).map_err(|error| not_understood(error.to_string()))?,
        id: id.to_owned(),
    })
}

/// How much is kept.
pub(super) async fn figures(client: &Client, schema: &str) -> Result<Figures, Fault> {
    let question = "SELECT samples, slices, happenings,
            (SELECT count(*) FROM windows),
            (SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint
                FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname = $1 AND relkind = 'r')
        FROM counts";
    let row = client
        .query_typed_one(question, &[(&schema, Type::TEXT)])
        .await?;
    let number = |at: usize| Ok::<u64, Fault>(row.try_get::<_, i64>(at)?.max(0).unsigned_abs());
    Ok(Figures {
        samples: number(0)?,
        slices: number(1)?,
        happenings: number(2)?,
        windows: number(3)?,
        bytes: number(4)?,
    })
}

fn wall(nanoseconds: i64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_nanos(nanoseconds.unsigned_abs()))
}
