//! What a query returned: how many rows, and those of them that are looked at, as exact values.
//!
//! Numbers stay as the server wrote them, so that a matcher compares integers and decimals of any
//! size exactly; only a reading is a float.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use crate::clock::WallTime;
use crate::expect::{Inquiry, Matcher};
use crate::probe::wire::said::one_line;
use crate::probe::{Attempt, Reply};
use crate::sample::Unit;

/// A column of the answer.
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
    form: Form,
}

/// How a column's text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As a number of any size.
    Number,
    /// As `t` or `f`.
    Boolean,
    /// As JSON.
    Json,
    /// As it stands.
    Text,
}

/// What the query returned.
#[derive(Debug)]
pub struct Answer {
    columns: Vec<Column>,
    rows: u64,
    looked_at: LookedAt,
    values: Vec<Vec<Value>>,
}

/// Which rows are looked at; the others are only counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookedAt {
    /// The first.
    First,
    /// Each.
    Every,
}

impl Column {
    /// A column of this name, whose text is to be read so.
    #[must_use]
    pub const fn new(name: String, form: Form) -> Self {
        Self { name, form }
    }
}

/// One of the rows that are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    columns: &'a [Column],
    cells: &'a [Value],
}

impl<'a> Row<'a> {
    /// A text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.cell(name)?.as_str()
    }

    /// A number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        number(self.cell(name)?)
    }

    fn cell(&self, name: &str) -> Option<&'a Value> {
        let at = self.columns.iter().position(|column| column.name == name);
        self.cells.get(at?)
    }
}

/// More rows came than a check may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRows(pub u64);

impl Answer {
    /// An answer of which no row has come yet.
    #[must_use]
    pub const fn new(columns: Vec<Column>, looked_at: LookedAt) -> Self {
        Self {
            columns,
            rows: 0,
            looked_at,
            values: Vec::new(),
        }
    }

    /// How many rows there are.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the next row, as texts and NULLs: counts it, and keeps its values where it is looked at.
    ///
    /// # Errors
    /// When there are more rows than a check may read, or what a text ends with that cannot be read.
    pub fn take<'a, E: From<TooManyRows>>(
        &mut self,
        cells: impl Iterator<Item = Result<Option<&'a str>, E>>,
    ) -> Result<(), E> {
        if self.rows == 0 || self.looked_at == LookedAt::Every {
            let mut values = Vec::with_capacity(self.columns.len());
            for (column, cell) in self.columns.iter().zip(cells) {
                values.push(cell?.map_or(Value::Null, |text| column.form.read(text)));
            }
            self.values.push(values);
        }
        self.rows += 1;
        if self.rows > MOST_ROWS {
            return Err(TooManyRows(MOST_ROWS).into());
        }
        Ok(())
    }

    /// Asks whether the number of rows, the first of them, and each are as expected. Where the number
    /// of rows may be none, there need not be any.
    pub fn ask(
        &self,
        rows: Option<&Matcher>,
        row: &BTreeMap<String, Matcher>,
        each: &BTreeMap<String, Matcher>,
        inquiry: &mut Inquiry,
    ) {
        let number = |matcher: &Matcher| matcher.judge(&self.rows.into());
        if let Some(matcher) = rows {
            inquiry.ask_of("rows", matcher, |matcher, _| number(matcher));
        }
        for (name, matcher) in row {
            inquiry.ask_for(matcher, |matcher, now| self.mismatch(name, matcher, now));
        }
        let may_be_empty = rows.is_some_and(|matcher| number(matcher).holds());
        if self.rows == 0 && may_be_empty {
            return;
        }
        for (name, matcher) in each {
            inquiry.ask_for(matcher, |matcher, now| {
                self.mismatch_in_any(name, matcher, now)
            });
        }
    }

    /// Reports the number of rows and the numbers of the first row as readings.
    pub fn record(&self, attempt: &mut Attempt) {
        #[expect(clippy::cast_precision_loss, reason = "MOST_ROWS is exact in a float")]
        attempt.reading(ROWS, self.rows as f64, Unit::Number);
        let known = attempt.readings().iter();
        let mut names: Vec<String> = known.map(|it| it.name.to_string()).collect();
        for (column, value) in self.columns.iter().zip(self.first()).take(MOST_READINGS) {
            let shown = one_line(&column.name);
            if names.contains(&column.name) {
                attempt.note(format!(
                    "`{shown}` is the name of another reading and gives none"
                ));
            } else if let Some(number) = number(value) {
                attempt.reading(&column.name, number, Unit::Number);
            } else if column.form.is_measured() {
                let what = if value.is_null() {
                    "NULL"
                } else {
                    "no finite number"
                };
                attempt.note(format!("`{shown}` is {what} and gives no reading"));
            }
            names.push(column.name.clone());
        }
    }

    /// How many rows there are, and the first of them: `1 row; version_num: "41"`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let rows = match self.rows {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        };
        let cells = self.columns.iter().zip(self.first());
        let cells = cells.map(|(column, value)| format!("; {}: {value}", column.name));
        std::iter::once(rows).chain(cells).collect()
    }

    /// What is wrong with a column of the first row.
    fn mismatch(&self, name: &str, matcher: &Matcher, now: Option<WallTime>) -> Option<String> {
        let cell = self.column(name).and_then(|at| {
            let cell = self.first().get(at);
            cell.ok_or_else(|| format!("{name}: there is no row"))
        });
        let mismatch = match cell {
            Ok(value) => matcher.judge_at(value, now).mismatch()?,
            Err(absent) => return Some(absent),
        };
        Some(format!("{name}: {mismatch}"))
    }

    /// What is wrong with a column of the first row in which something is.
    fn mismatch_in_any(
        &self,
        name: &str,
        matcher: &Matcher,
        now: Option<WallTime>,
    ) -> Option<String> {
        let at = match self.column(name) {
            Ok(at) => at,
            Err(absent) => return Some(absent),
        };
        if self.rows == 0 {
            return Some(format!("{name}: there is no row"));
        }
        let wrong = |(row, values): (usize, &Vec<Value>)| {
            let mismatch = matcher.judge_at(values.get(at)?, now).mismatch()?;
            Some(format!("{name} of row {}: {mismatch}", row + 1))
        };
        self.values.iter().enumerate().find_map(wrong)
    }

    /// The texts of two columns of every row: names and values.
    pub fn pairs<'a>(
        &'a self,
        name: &str,
        value: &str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let at = self.column(name).ok().zip(self.column(value).ok());
        let pair = move |row: &'a Vec<Value>| {
            let (name, value) = at?;
            Some((row.get(name)?.as_str()?, row.get(value)?.as_str()?))
        };
        self.values.iter().filter_map(pair)
    }

    /// Each row that is looked at.
    pub fn each(&self) -> impl Iterator<Item = Row<'_>> {
        let columns = &self.columns;
        self.values.iter().map(|cells| Row { columns, cells })
    }

    /// What a step of a flow captures from: `{ "rows": 2, "row": { "id": 7 } }`, as expectations name
    /// it.
    #[must_use]
    pub fn reply(&self) -> Reply {
        let names = self.columns.iter().map(|column| column.name.clone());
        let row: serde_json::Map<String, Value> = names.zip(self.first().iter().cloned()).collect();
        let document = serde_json::json!({ "rows": self.rows, "row": row });
        Reply::of(document.to_string())
    }

    /// The place of a column, or what to say where there is none of that name.
    fn column(&self, name: &str) -> Result<usize, String> {
        let at = self.columns.iter().position(|column| column.name == name);
        at.ok_or_else(|| {
            let names = self.names();
            format!("{name}: no such column; the query returns {names}")
        })
    }

    fn first(&self) -> &[Value] {
        self.values.first().map_or(&[], Vec::as_slice)
    }

    fn cell(&self, name: &str) -> Option<&Value> {
        self.first().get(self.column(name).ok()?)
    }

    /// A number of the first row.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<f64> {
        number(self.cell(name)?)
    }

    /// A count of the first row.
    #[must_use]
    pub fn count(&self, name: &str) -> Option<u64> {
        self.cell(name)?.as_u64()
    }

    /// A boolean of the first row.
    #[must_use]
    pub fn truth(&self, name: &str) -> Option<bool> {
        self.cell(name)?.as_bool()
    }

    /// A text of the first row.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.cell(name)?.as_str()
    }

    /// The first column of the first row as a text; absent where there is none or it is NULL.
    #[must_use]
    pub fn first_cell(&self) -> Option<String> {
        match self.first().first()? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|it| it.name.as_str()).collect();
        let shown = names.len().min(MOST_NAMES);
        let more = if names.len() > shown { ", …" } else { "" };
        format!("{}{more}", names[..shown].join(", "))
    }
}

/// The reading that every run gives.
const ROWS: &str = "rows";
/// More rows than this are a table, not a figure.
const MOST_ROWS: u64 = 10_000;
/// How many columns may become readings.
const MOST_READINGS: usize = 64;
/// How many columns a message lists.
const MOST_NAMES: usize = 8;

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(truth) => Some(f64::from(u8::from(*truth))),
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        _ => None,
    }
}

impl Form {
    /// Whether the column is meant to become a reading.
    const fn is_measured(self) -> bool {
        matches!(self, Self::Number | Self::Boolean)
    }

    /// Reads what the server wrote; what does not have the form, as `NaN`, stays a text.
    fn read(self, text: &str) -> Value {
        let value = match self {
            Self::Number => serde_json::from_str::<Number>(text).ok().map(Value::Number),
            Self::Boolean => match text {
                "t" => Some(Value::Bool(true)),
                "f" => Some(Value::Bool(false)),
                _ => None,
            },
            Self::Json => serde_json::from_str(text).ok(),
            Self::Text => None,
        };
        value.unwrap_or_else(|| Value::String(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_is_read_by_its_columns_type() {
        let exact: Value = serde_json::from_str("123456789012345678901234567890.10").unwrap();
        for (form, text, expected) in [
            (Form::Number, "-42", json!(-42)),
            (Form::Number, "123456789012345678901234567890.10", exact),
            (
                Form::Number,
                "1e+20",
                serde_json::from_str("1e+20").unwrap(),
            ),
            (Form::Number, "NaN", json!("NaN")),
            (Form::Boolean, "t", json!(true)),
            (Form::Json, r#"{"a": [1]}"#, json!({"a": [1]})),
            (Form::Text, "0042", json!("0042")),
        ] {
            assert_eq!(form.read(text), expected, "{form:?} {text}");
        }
    }

    #[test]
    fn only_finite_numbers_and_booleans_become_readings() {
        for (value, expected) in [
            (json!(12.5), Some(12.5)),
            (json!(true), Some(1.0)),
            (json!(false), Some(0.0)),
            (json!("NaN"), None),
            (json!("12"), None),
            (Value::Null, None),
            (serde_json::from_str("1e999").unwrap(), None),
        ] {
            assert_eq!(number(&value), expected, "{value}");
        }
    }
}
