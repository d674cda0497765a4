//! When something happens again and again: five fields as cron has them, in a time zone.
//!
//! `minute hour day month weekday`, each `*`, a number, a range `1-5`, a step `*/15` or `8-18/2`, a name
//! (`jan`, `mon`), or several of these with commas. Where both a day of the month and a weekday are
//! given, either will do, as in cron. Sunday is 0 or 7.
//!
//! An hour that a change of clocks leaves out begins when the clock has jumped; one that comes twice
//! counts the first time. A value; it asks for no time.

use std::time::Duration;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::clock::WallTime;

/// A recurring moment.
#[derive(Clone, Debug)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// Whether both kinds of day are restricted: then either will do.
    either_day: bool,
    zone: TimeZone,
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It has another number of fields than five.
    #[error("it has {0} fields, and cron has five: minute hour day month weekday")]
    Fields(usize),
    /// A field holds something else than it may.
    #[error("`{0}` is no {1}: {2}")]
    Field(String, &'static str, String),
    /// No day has it, such as the 30th of February.
    #[error("no day is ever meant by it")]
    Never,
    /// There is no such time zone.
    #[error("there is no time zone `{0}`: write a name such as Europe/Berlin, or UTC")]
    Zone(String),
}

/// One field: what it is called, what it may hold, and the names of its numbers.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        least: 0,
        most: 59,
        names: &[],
    },
    Field {
        name: "hour",
        least: 0,
        most: 23,
        names: &[],
    },
    Field {
        name: "day of the month",
        least: 1,
        most: 31,
        names: &[],
    },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field {
        name: "weekday",
        least: 0,
        most: 7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

/// The 29th of February comes every four years, and once after eight.
const MOST_DAYS: usize = 366 * 8 + 2;

impl Cron {
    /// Reads an expression, in the time zone of this name; in UTC without one.
    ///
    /// # Errors
    /// What is wrong with either.
    pub fn parse(expression: &str, zone: Option<&str>) -> Result<Self, CronError> {
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else {
            return Err(CronError::Fields(fields.len()));
        };
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|_| CronError::Zone(name.to_owned()))?,
        };
        let read = |at: usize, text: &str| set(&FIELDS[at], text);
        let mut of_week = read(4, weekdays)?;
        // Sunday has two numbers.
        if of_week & (1 << 7) != 0 {
            of_week = (of_week | 1) & !(1 << 7);
        }
        let cron = Self {
            minutes: read(0, minutes)?,
            hours: read(1, hours)?,
            days: read(2, days)?,
            months: read(3, months)?,
            weekdays: of_week,
            either_day: *days != "*" && *weekdays != "*",
            zone,
        };
        let some_day = WallTime::since_unix_epoch(SOME_TIME);
        cron.next_after(some_day)
            .map(|_| cron)
            .ok_or(CronError::Never)
    }

    /// When it comes next, after a time; nothing where it never does.
    #[must_use]
    pub fn next_after(&self, time: WallTime) -> Option<WallTime> {
        let after = timestamp(time)?;
        let mut date = after.to_zoned(self.zone.clone()).date();
        for _ in 0..MOST_DAYS {
            if self.is_day(date) {
                let next = self.times(date).find(|at| *at > after);
                if let Some(next) = next {
                    return Some(wall(next));
                }
            }
            date = date.checked_add(1.day()).ok()?;
        }
        None
    }

    /// All its times of one day, in order.
    fn times(&self, date: Date) -> impl Iterator<Item = Timestamp> + '_ {
        let hours = (0..24_i8).filter(|hour| has(self.hours, *hour));
        let times = hours.flat_map(move |hour| {
            let minutes = (0..60_i8).filter(|minute| has(self.minutes, *minute));
            minutes.map(move |minute| date.at(hour, minute, 0, 0))
        });
        // A time that is left out is the one by which the clock has jumped, one that comes twice is
        // the first of both.
        times.filter_map(|at| Some(at.to_zoned(self.zone.clone()).ok()?.timestamp()))
    }

    fn is_day(&self, date: Date) -> bool {
        let by_month = has(self.days, date.day());
        let by_week = has(self.weekdays, number(date.weekday()));
        let is_day = match self.either_day {
            true => by_month || by_week,
            false => by_month && by_week,
        };
        is_day && has(self.months, date.month())
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        let key = |one: &Self| {
            (
                (one.minutes, one.hours, one.days, one.months, one.weekdays),
                one.either_day,
                one.zone.clone(),
            )
        };
        key(self) == key(other)
    }
}

/// The first of January 2026: whether an expression ever comes does not depend on when it is read.
const SOME_TIME: Duration = Duration::from_secs(1_767_225_600);

fn has(set: u64, number: i8) -> bool {
    u32::try_from(number).is_ok_and(|number| set & (1 << number) != 0)
}

fn number(weekday: Weekday) -> i8 {
    weekday.to_sunday_zero_offset()
}

/// The numbers that a field names, as bits.
fn set(field: &Field, text: &str) -> Result<u64, CronError> {
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (part, None),
        };
        let wrong = |why: &str| CronError::Field(part.to_owned(), field.name, why.to_owned());
        let step = match step {
            None => 1,
            Some(step) => step
                .parse::<usize>()
                .ok()
                .filter(|step| *step > 0)
                .ok_or_else(|| wrong("a step is a number from 1"))?,
        };
        let one = |text: &str| number_of(field, text).ok_or_else(|| wrong(&allowed(field)));
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (field.least, field.most),
            Some((first, last)) => (one(first)?, one(last)?),
            // `5/15` means from 5 on.
            None if part.contains('/') => (one(range)?, field.most),
            None => (one(range)?, one(range)?),
        };
        if first > last {
            return Err(wrong("a range begins with the smaller"));
        }
        set |= (first..=last)
            .step_by(step)
            .fold(0, |set, one| set | 1 << one);
    }
    Ok(set)
}

fn number_of(field: &Field, text: &str) -> Option<u32> {
    let named = field
        .names
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text));
    let number = match named {
        Some(place) => u32::try_from(place).ok()? + field.least,
        None => text.parse().ok()?,
    };
    (field.least..=field.most)
        .contains(&number)
        .then_some(number)
}

fn allowed(field: &Field) -> String {
    let Field { least, most, .. } = field;
    match field.names {
        [] => format!("from {least} to {most}"),
        [first, .., last] => format!("from {least} to {most}, or {first} to {last}"),
        [only] => (*only).to_owned(),
    }
}

fn timestamp(time: WallTime) -> Option<Timestamp> {
    let seconds = i64::try_from(time.unix().as_secs()).ok()?;
    let nanoseconds = i32::try_from(time.unix().subsec_nanos()).ok()?;
    Timestamp::new(seconds, nanoseconds).ok()
}

fn wall(at: Timestamp) -> WallTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    WallTime::since_unix_epoch(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> WallTime {
        wall(text.parse().unwrap())
    }

    fn next(expression: &str, zone: Option<&str>, after: &str) -> String {
        let cron = Cron::parse(expression, zone).unwrap();
        let next = cron.next_after(at(after)).unwrap();
        timestamp(next).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_the_one_that_cron_means() {
        let cases = [
            ("0 2 * * *", "2026-11-22T01:59:59Z", "2026-11-22T02:00:00Z"),
            ("0 2 * * *", "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z"),
            (
                "*/15 8-10 * * *",
                "2026-11-22T10:46:00Z",
                "2026-11-23T08:00:00Z",
            ),
            (
                "5/20 * * * *",
                "2026-11-22T10:26:00Z",
                "2026-11-22T10:45:00Z",
            ),
            // 2026-11-22 is a Sunday.
            (
                "30 1 * * mon-fri",
                "2026-11-22T00:00:00Z",
                "2026-11-23T01:30:00Z",
            ),
            ("0 0 * * 7", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"),
            (
                "0 0 1 jan *",
                "2026-11-22T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
            ("0 0 29 2 *", "2026-11-22T00:00:00Z", "2028-02-29T00:00:00Z"),
            (
                "0 0 13 * fri",
                "2026-11-22T00:00:00Z",
                "2026-11-27T00:00:00Z",
            ),
        ];
        for (expression, after, expected) in cases {
            assert_eq!(next(expression, None, after), expected, "{expression}");
        }
    }

    #[test]
    fn a_night_in_which_the_clocks_change_has_its_time_once() {
        let berlin = Some("Europe/Berlin");
        let cases = [
            // In winter an hour ahead of UTC, in summer two.
            ("0 3 * * *", "2026-01-10T00:00:00Z", "2026-01-10T02:00:00Z"),
            ("0 3 * * *", "2026-07-10T00:00:00Z", "2026-07-10T01:00:00Z"),
            // On 2026-03-29 there is no half past two: it begins when the clock has jumped.
            ("30 2 * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"),
            ("30 2 * * *", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"),
            // On 2026-10-25 it comes twice, and counts the first time.
            ("30 2 * * *", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z"),
            ("30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
        ];
        for (expression, after, expected) in cases {
            assert_eq!(
                next(expression, berlin, after),
                expected,
                "{expression} after {after}"
            );
        }
    }

    #[test]
    fn what_is_no_cron_is_told_with_what_is_allowed() {
        let cases = [
            (
                "0 2 * *",
                None,
                "it has 4 fields, and cron has five: minute hour day month weekday",
            ),
            ("60 2 * * *", None, "`60` is no minute: from 0 to 59"),
            (
                "0 2 * * funday",
                None,
                "`funday` is no weekday: from 0 to 7, or sun to sat",
            ),
            (
                "0 5-2 * * *",
                None,
                "`5-2` is no hour: a range begins with the smaller",
            ),
            (
                "*/0 2 * * *",
                None,
                "`*/0` is no minute: a step is a number from 1",
            ),
            ("0 0 30 feb *", None, "no day is ever meant by it"),
            (
                "0 2 * * *",
                Some("Europe/Berln"),
                "there is no time zone `Europe/Berln`: write a name such as Europe/Berlin, or UTC",
            ),
        ];
        for (expression, zone, told) in cases {
            let error = Cron::parse(expression, zone).unwrap_err();
            assert_eq!(error.to_string(), told);
        }
    }
}
