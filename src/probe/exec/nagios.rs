//! A Nagios plugin: what its exit status means, and its performance data as readings (Monitoring
//! Plugins Development Guidelines, "Plugin Output for Nagios").

use super::program::Finished;
use super::told::Told;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason, Unit};

/// Reads what the plugin wrote, and says whether the check passes.
pub(super) fn read(finished: &Finished, told: &mut Told) -> Result<(), Fault> {
    finished.output.must_fit("standard output")?;
    let text = finished.output.text();
    let (said, data) = parts(&text);
    let status = finished.ended.status();
    if let Some(state @ 0..=3) = status {
        told.reading("state", f64::from(state), Unit::Number);
    }
    for datum in data.iter().flat_map(|line| data_of(line)) {
        if let Some(remark) = datum.beyond() {
            told.note(&remark);
        }
        told.reading(&datum.label, datum.value, datum.unit);
    }
    let said = match said.is_empty() {
        true => "it says nothing".to_owned(),
        false => one_line(&said),
    };
    match status {
        Some(0) => Ok(()),
        Some(1) => {
            told.note(&format!("warning: {said}"));
            Ok(())
        }
        Some(2) => Err(Fault::new(Reason::Status, format!("critical: {said}"))),
        Some(3) => Err(Fault::new(
            Reason::Undecided,
            format!("it cannot tell: {said}"),
        )),
        other => {
            let other = other.unwrap_or_default();
            let detail = format!("exit status {other} is none of a plugin's 0 to 3: {said}");
            Err(Fault::new(Reason::Undecided, detail))
        }
    }
}

/// The first line for people, and every line of performance data: after the `|` of the first line,
/// and after a `|` in any later one all that follows.
fn parts(text: &str) -> (String, Vec<&str>) {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let (said, data) = first.split_once('|').unwrap_or((first, ""));
    let mut found = vec![data];
    let mut in_data = false;
    for line in lines {
        match (in_data, line.split_once('|')) {
            (true, _) => found.push(line),
            (false, Some((_, data))) => {
                in_data = true;
                found.push(data);
            }
            (false, None) => {}
        }
    }
    (said.trim().to_owned(), found)
}

/// One number of the performance data.
#[derive(Debug, PartialEq)]
struct Datum {
    label: String,
    value: f64,
    unit: Unit,
    /// The value as the plugin compares it with its limits, in its own unit.
    written: f64,
    warning: Option<Range>,
    critical: Option<Range>,
}

impl Datum {
    /// That it is beyond the plugin's own limit.
    fn beyond(&self) -> Option<String> {
        let limits = [("critical", &self.critical), ("warning", &self.warning)];
        let met = limits.into_iter().find_map(|(level, range)| {
            let range = range
                .as_ref()
                .filter(|range| range.alerts_at(self.written))?;
            Some((level, &range.shown))
        });
        let (level, limit) = met?;
        let (label, value) = (&self.label, self.written);
        Some(format!(
            "{label} {value} is beyond the plugin's own {level} limit {limit}"
        ))
    }
}

/// A range of the plugin's own: `10`, `10:`, `~:10`, `10:20`, `@10:20`.
#[derive(Debug, PartialEq)]
struct Range {
    from: f64,
    to: f64,
    /// Whether it alerts within and not outside.
    is_inside: bool,
    shown: String,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (is_inside, range) = match text.strip_prefix('@') {
            Some(range) => (true, range),
            None => (false, text),
        };
        let (from, to) = range.split_once(':').unwrap_or(("0", range));
        let from = match from {
            "~" => f64::NEG_INFINITY,
            "" => 0.0,
            text => number(text)?,
        };
        let to = match to {
            "" if range.is_empty() => return None,
            "" => f64::INFINITY,
            text => number(text)?,
        };
        Some(Self {
            from,
            to,
            is_inside,
            shown: text.to_owned(),
        })
    }

    fn alerts_at(&self, value: f64) -> bool {
        (self.from <= value && value <= self.to) == self.is_inside
    }
}

/// The numbers of a line: `'label'=value[unit];[warning];[critical];[min];[max]`, apart by white space.
fn data_of(line: &str) -> Vec<Datum> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && found.len() < MOST_DATA {
        let Some((label, after)) = label(rest) else {
            break;
        };
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (written, next) = after.split_at(end);
        found.extend(datum(label, written));
        rest = next.trim_start();
    }
    found
}

/// A label, in quotes where it holds a blank or `=`, two quotes standing for one.
fn label(text: &str) -> Option<(String, &str)> {
    let Some(mut rest) = text.strip_prefix('\'') else {
        let (label, rest) = text.split_once('=')?;
        return Some((label.to_owned(), rest));
    };
    let mut label = String::new();
    loop {
        let (part, after) = rest.split_once('\'')?;
        label.push_str(part);
        match after.strip_prefix('\'') {
            Some(more) => {
                label.push('\'');
                rest = more;
            }
            None => return Some((label, after.strip_prefix('=')?)),
        }
    }
}

/// The value with its limits; nothing for `U`, which says that there is none, and for what is no number
/// with a unit.
fn datum(label: String, written: &str) -> Option<Datum> {
    let mut fields = written.split(';');
    let (digits, suffix) = number_and_unit(fields.next()?);
    let written = number(digits)?;
    if suffix.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (unit, factor) = unit(suffix);
    let mut range = || fields.next().and_then(Range::parse);
    Some(Datum {
        label,
        value: written * factor,
        unit,
        written,
        warning: range(),
        critical: range(),
    })
}

/// Where the unit begins; `1e5` has none.
fn number_and_unit(value: &str) -> (&str, &str) {
    let is_of_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+');
    let end = |text: &str| text.find(|c| !is_of_number(c)).unwrap_or(text.len());
    let whole = end(value);
    let exponent = value[whole..].strip_prefix(['e', 'E']);
    match exponent.map(end) {
        Some(digits) if digits > 0 => value.split_at(whole + 1 + digits),
        _ => value.split_at(whole),
    }
}

/// A plugin writes as its language has it: `0,25` is `0.25`.
fn number(text: &str) -> Option<f64> {
    let number: f64 = text.replace(',', ".").parse().ok()?;
    number.is_finite().then_some(number)
}

/// What a suffix stands for; `%`, `c` (a counter) and whatever is not known are plain numbers.
/// Prefixes count by a thousand, those with an `i` by 1024.
fn unit(suffix: &str) -> (Unit, f64) {
    let known = UNITS
        .iter()
        .find(|(name, ..)| name.eq_ignore_ascii_case(suffix));
    known.map_or((Unit::Number, 1.0), |(_, unit, factor)| (*unit, *factor))
}

const UNITS: &[(&str, Unit, f64)] = &[
    ("s", Unit::Seconds, 1.0),
    ("ms", Unit::Seconds, 1e-3),
    ("us", Unit::Seconds, 1e-6),
    ("ns", Unit::Seconds, 1e-9),
    ("B", Unit::Bytes, 1.0),
    ("KB", Unit::Bytes, 1e3),
    ("MB", Unit::Bytes, 1e6),
    ("GB", Unit::Bytes, 1e9),
    ("TB", Unit::Bytes, 1e12),
    ("KiB", Unit::Bytes, 1024.0),
    ("MiB", Unit::Bytes, 1_048_576.0),
    ("GiB", Unit::Bytes, 1_073_741_824.0),
    ("TiB", Unit::Bytes, 1_099_511_627_776.0),
    ("d", Unit::Days, 1.0),
];

/// More than any plugin measures.
const MOST_DATA: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_told_from_what_was_measured() {
        let text = "DISK OK - free: 3 GB|/=2643MB;5948;5958;0;5968\n/boot 68 MB\n/home 69 MB | /boot=68MB;88;93;0;98\n/home=69357MB;253404\n";
        let (said, data) = parts(text);
        assert_eq!(said, "DISK OK - free: 3 GB");
        assert_eq!(
            data,
            [
                "/=2643MB;5948;5958;0;5968",
                " /boot=68MB;88;93;0;98",
                "/home=69357MB;253404"
            ]
        );
        assert_eq!(parts("").0, "");
    }

    #[test]
    fn numbers_come_with_their_units() {
        let cases = [
            ("time=0.25s;1;2;0;10", "time", 0.25, Unit::Seconds),
            ("rta=12.5ms", "rta", 0.0125, Unit::Seconds),
            ("used=2KB", "used", 2_000.0, Unit::Bytes),
            ("used=2KiB", "used", 2_048.0, Unit::Bytes),
            ("pl=20%;50;60", "pl", 20.0, Unit::Number),
            ("hits=17c", "hits", 17.0, Unit::Number),
            ("'it''s a label'=-3", "it's a label", -3.0, Unit::Number),
            ("'a=b'=1", "a=b", 1.0, Unit::Number),
            ("time=0,25s;1,5;2", "time", 0.25, Unit::Seconds),
            ("big=1.5e+3B", "big", 1_500.0, Unit::Bytes),
            ("short=1e3", "short", 1_000.0, Unit::Number),
            ("half=5e", "half", 5.0, Unit::Number),
        ];
        for (line, label, value, unit) in cases {
            let data = data_of(line);
            assert_eq!(data.len(), 1, "{line}");
            assert_eq!((&*data[0].label, data[0].unit), (label, unit), "{line}");
            assert!((data[0].value - value).abs() < 1e-9, "{line}: {data:?}");
        }
        assert_eq!(data_of("a=1 b=2;;; 'c d'=3").len(), 3);
        for line in [
            "a=U",
            "a",
            "'a=1",
            "=;",
            "a=",
            "'a'1",
            "a=1/2",
            "a=1,234,567",
            "a=inf",
            "a=nan",
            "a=1e999",
        ] {
            assert!(data_of(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn a_value_beyond_the_plugins_own_limit_is_remarked() {
        let cases = [
            ("load=5;10;20", None),
            ("load=15;10;20", Some("warning limit 10")),
            ("load=25;10;20", Some("critical limit 20")),
            ("free=5;10:;2:", Some("warning limit 10:")),
            ("load=-1;10", Some("warning limit 10")),
            ("t=-1;~:10", None),
            ("t=15;@10:20", Some("warning limit @10:20")),
            ("t=25;@10:20", None),
            ("t=25;;", None),
            ("t=0,7;0,5;1", Some("warning limit 0,5")),
            ("t=7;x;y", None),
        ];
        for (line, expected) in cases {
            let remark = data_of(line)[0].beyond();
            match expected {
                None => assert_eq!(remark, None, "{line}"),
                Some(words) => assert!(remark.unwrap().ends_with(words), "{line}"),
            }
        }
    }
}
