//! What a query returned: how many rows, and those of them that are looked at, as exact values.
//!
//! Numbers stay as the server wrote them, so that a matcher compares integers and decimals of any
//! size exactly; only a reading is a float.

use serde_json::{Number, Value};
use tokio_postgres::SimpleQueryRow;
use tokio_postgres::types::{Kind, Type};

use super::fault::Broken;
use crate::expect::Matcher;
use crate::probe::Attempt;
use crate::probe::wire::said::one_line;
use crate::sample::Unit;

/// A column of the answer.
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
    form: Form,
    built_in: bool,
}

/// How a column's text is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Number,
    Boolean,
    Json,
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
    /// What the server says of a column.
    pub fn of(column: &tokio_postgres::Column) -> Self {
        Self {
            name: column.name().to_owned(),
            form: form(column.type_()),
            built_in: column.type_().oid() < FIRST_OF_USERS,
        }
    }

    /// Whether its type is one that every server has.
    pub const fn is_built_in(&self) -> bool {
        self.built_in
    }
}

/// Types from this number on are made by those who use the server (PostgreSQL's
/// `FirstNormalObjectId`, `src/include/access/transam.h`).
const FIRST_OF_USERS: u32 = 16_384;

fn form(of: &Type) -> Form {
    match *of {
        Type::INT2
        | Type::INT4
        | Type::INT8
        | Type::OID
        | Type::FLOAT4
        | Type::FLOAT8
        | Type::NUMERIC => Form::Number,
        Type::BOOL => Form::Boolean,
        Type::JSON | Type::JSONB => Form::Json,
        _ => match of.kind() {
            Kind::Domain(base) => form(base),
            _ => Form::Text,
        },
    }
}

impl Answer {
    /// An answer of which no row has come yet.
    pub const fn new(columns: Vec<Column>, looked_at: LookedAt) -> Self {
        Self {
            columns,
            rows: 0,
            looked_at,
            values: Vec::new(),
        }
    }

    /// How many rows there are.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes the next row: counts it, and keeps its values where it is looked at.
    ///
    /// # Errors
    /// When there are more rows than a check may read, or a text is no UTF-8.
    pub fn take(&mut self, row: &SimpleQueryRow) -> Result<(), Broken> {
        if self.rows == 0 || self.looked_at == LookedAt::Every {
            let mut values = Vec::with_capacity(self.columns.len());
            for (at, column) in self.columns.iter().enumerate().take(row.len()) {
                let text = row.try_get(at).map_err(Broken::Asking)?;
                values.push(text.map_or(Value::Null, |text| column.form.read(text)));
            }
            self.values.push(values);
        }
        self.rows += 1;
        if self.rows > MOST_ROWS {
            return Err(Broken::TooManyRows(MOST_ROWS));
        }
        Ok(())
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
    pub fn mismatch(&self, name: &str, matcher: &Matcher) -> Option<String> {
        let cell = self.column(name).and_then(|at| {
            let cell = self.first().get(at);
            cell.ok_or_else(|| format!("{name}: there is no row"))
        });
        let mismatch = match cell {
            Ok(value) => matcher.judge(value).mismatch()?,
            Err(absent) => return Some(absent),
        };
        Some(format!("{name}: {mismatch}"))
    }

    /// What is wrong with a column of the first row in which something is.
    pub fn mismatch_in_any(&self, name: &str, matcher: &Matcher) -> Option<String> {
        let at = match self.column(name) {
            Ok(at) => at,
            Err(absent) => return Some(absent),
        };
        if self.rows == 0 {
            return Some(format!("{name}: there is no row"));
        }
        let wrong = |(row, values): (usize, &Vec<Value>)| {
            let mismatch = matcher.judge(values.get(at)?).mismatch()?;
            Some(format!("{name} of row {}: {mismatch}", row + 1))
        };
        self.values.iter().enumerate().find_map(wrong)
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
    pub fn number(&self, name: &str) -> Option<f64> {
        number(self.cell(name)?)
    }

    /// A count of the first row.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.cell(name)?.as_u64()
    }

    /// A boolean of the first row.
    pub fn truth(&self, name: &str) -> Option<bool> {
        self.cell(name)?.as_bool()
    }

    /// A text of the first row.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.cell(name)?.as_str()
    }

    /// The first column of the first row as a text; absent where there is none or it is NULL.
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
        for (of, text, expected) in [
            (Type::INT8, "-42", json!(-42)),
            (Type::NUMERIC, "123456789012345678901234567890.10", exact),
            (
                Type::FLOAT8,
                "1e+20",
                serde_json::from_str("1e+20").unwrap(),
            ),
            (Type::FLOAT8, "NaN", json!("NaN")),
            (Type::BOOL, "t", json!(true)),
            (Type::JSONB, r#"{"a": [1]}"#, json!({"a": [1]})),
            (Type::TEXT, "0042", json!("0042")),
            (
                Type::TIMESTAMPTZ,
                "2026-01-01 00:00:00+00",
                json!("2026-01-01 00:00:00+00"),
            ),
        ] {
            assert_eq!(form(&of).read(text), expected, "{of} {text}");
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
