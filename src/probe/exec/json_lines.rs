//! Lines of JSON on the standard output. Each line that begins with `{` is one object and one of
//! these; every other line is talk for people:
//!
//! - `{"ok": true, "name": "login", "message": "…"}`: something was tested;
//! - `{"reading": "orders", "value": 12.5, "unit": "seconds"}`: a number (`number`, `seconds`,
//!   `bytes`, `days`);
//! - `{"unknown": "no test account"}`: it cannot tell;
//! - `{"note": "…"}`: a remark.

use serde::Deserialize;
use serde_json::Value;

use super::program::Finished;
use super::suite::Suite;
use super::told::Told;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason, Unit};

/// What a line says.
#[derive(Debug)]
enum Line {
    Tested(Tested),
    Reading(Reading),
    Unknown(Unknown),
    Note(Note),
}

impl Line {
    /// Told by the one key that each of them has; nothing for any other object.
    fn parse(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let has = |key: &str| value.get(key).is_some();
        match () {
            () if has("ok") => serde_json::from_value(value).map(Self::Tested),
            () if has("reading") => serde_json::from_value(value).map(Self::Reading),
            () if has("unknown") => serde_json::from_value(value).map(Self::Unknown),
            () => serde_json::from_value(value).map(Self::Note),
        }
        .ok()
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tested {
    ok: bool,
    #[serde(default)]
    name: String,
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    reading: String,
    value: f64,
    #[serde(default)]
    unit: Unit,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unknown {
    unknown: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    note: String,
}

/// Reads the lines, and says whether the check passes.
pub(super) fn read(finished: &Finished, told: &mut Told) -> Result<(), Fault> {
    finished.output.must_fit("standard output")?;
    let text = finished.output.text();
    let mut suite = Suite::default();
    let mut numbers = 0_usize;
    let mut unknown = None;
    let objects = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('{'));
    for (line, number) in objects.zip(1_usize..) {
        match Line::parse(line) {
            Some(Line::Tested(Tested { ok: true, .. })) => suite.passed(),
            Some(Line::Tested(tested)) => {
                suite.failed(&tested.called(number), &tested.message, false)
            }
            Some(Line::Reading(reading)) => {
                numbers += 1;
                told.reading(&reading.reading, reading.value, reading.unit);
            }
            Some(Line::Unknown(Unknown { unknown: why })) => unknown = unknown.or(Some(why)),
            Some(Line::Note(Note { note })) => told.note(&note),
            None => return Err(malformed(line)),
        }
    }
    if suite.tests > 0 {
        told.count("tests", suite.tests);
        told.count("failures", suite.failures);
    }
    if let (true, Some(why)) = (suite.bad.is_empty(), unknown) {
        let detail = format!("it cannot tell: {}", one_line(&why));
        return Err(Fault::new(Reason::Undecided, detail));
    }
    // Numbers alone are enough: limits on them say what is well.
    suite.tests += usize::from(suite.tests == 0 && numbers > 0);
    suite.judge(finished)
}

impl Tested {
    fn called(&self, number: usize) -> String {
        match self.name.is_empty() {
            true => format!("the test of line {number}"),
            false => self.name.clone(),
        }
    }
}

fn malformed(line: &str) -> Fault {
    let detail = format!(
        "a line is neither a test, a reading, a note nor an unknown: {}",
        one_line(line)
    );
    Fault::new(Reason::Malformed, detail)
}
