//! The readings of a check, lowered: which series each needs, and what is made of their numbers. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::selector::Selector;
use super::settings::{Read, ReadSettings};
use crate::probe::Misfit;
use crate::probe::api::{Absent, Fold, Take, check_name};
use crate::sample::Unit;

/// One reading.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name.
    pub name: Arc<str>,
    /// What it is.
    pub what: What,
    /// What it means that its series is not there.
    pub absent: Absent,
    /// What it counts.
    pub unit: Unit,
}

/// What a reading is, with the places of its series in [`Plan::series`].
#[derive(Clone, Debug)]
pub enum What {
    /// Values as they stand.
    Values(usize, Fold),
    /// How long ago the values are, taken as times.
    Ages(usize, Fold),
    /// What was counted, a second where `per_second`.
    Counted {
        /// The counter.
        series: usize,
        /// Whether a second.
        per_second: bool,
        /// How several become one.
        fold: Fold,
    },
    /// A part of a whole.
    Ratio {
        /// The part.
        of: usize,
        /// The whole.
        over: usize,
        /// Whether of the values as they stand.
        now: bool,
    },
    /// A quantile of what was observed.
    Quantile {
        /// Which one.
        q: f64,
        /// The buckets.
        buckets: usize,
    },
}

/// All readings of a check and the series that they need.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The readings.
    pub wanted: Vec<Wanted>,
    /// The series, each with how it is held.
    pub series: Vec<Needed>,
}

/// A series that a reading needs.
#[derive(Clone, Debug)]
pub struct Needed {
    /// Which.
    pub selector: Selector,
    /// Whether what is counted between two scrapes is wanted of it.
    pub is_counter: bool,
    /// The label that is kept of it.
    pub label: Option<String>,
}

impl What {
    /// The places of the series that must be there.
    pub fn series(&self) -> Vec<usize> {
        match self {
            Self::Values(at, _)
            | Self::Ages(at, _)
            | Self::Counted { series: at, .. }
            | Self::Quantile { buckets: at, .. } => vec![*at],
            Self::Ratio { of, over, .. } => vec![*of, *over],
        }
    }

    /// Whether it takes two scrapes.
    pub const fn takes_two(&self) -> bool {
        match self {
            Self::Values(..) | Self::Ages(..) => false,
            Self::Ratio { now, .. } => !*now,
            Self::Counted { .. } | Self::Quantile { .. } => true,
        }
    }
}

impl Plan {
    /// Lowers the readings; `absent` is what holds where one does not say.
    pub fn lower(read: BTreeMap<String, Read>, absent: Absent, misfits: &mut Vec<Misfit>) -> Self {
        let mut plan = Self::default();
        if read.is_empty() {
            let hint = "name what is read, as `read: { active_users: active_users }`";
            misfits.push(Misfit::at(&["read"], "nothing is read").hint(hint));
        }
        for (name, Read(settings)) in read {
            if let Err(misfit) = plan.add(&name, settings, absent) {
                misfits.push(misfit);
            }
        }
        plan
    }

    fn add(&mut self, name: &str, settings: ReadSettings, absent: Absent) -> Result<(), Misfit> {
        check_name(name)?;
        let absent = settings.absent.unwrap_or(absent);
        let (what, unit) = self.what(name, settings)?;
        self.wanted.push(Wanted {
            name: Arc::from(name),
            what,
            absent,
            unit,
        });
        Ok(())
    }

    fn what(&mut self, name: &str, settings: ReadSettings) -> Result<(What, Unit), Misfit> {
        let ReadSettings {
            series,
            rate,
            increase,
            ratio,
            quantile,
            histogram,
            age,
            take,
            each,
            absent: _,
        } = settings;
        let is_folded = take.is_some() || each.is_some();
        let fold = |usual: Take| Fold {
            take: take.unwrap_or(usual),
            each: each.clone(),
        };
        let here = |key: &str| ["read".to_owned(), name.to_owned(), key.to_owned()];
        let whole = |message: &str| Misfit::at(&["read", name], message).hint(FORMS);
        let alone = |misfit: &str| match is_folded {
            true => Err(whole(misfit)),
            false => Ok(()),
        };
        let given = (series, rate, increase, ratio, (quantile, histogram), age);
        let found = match given {
            (Some(text), None, None, None, (None, None), None) => {
                let (at, unit) = self.need(&here("series"), &text, false, each.as_ref())?;
                (What::Values(at, fold(Take::Sum)), unit)
            }
            (None, Some(text), None, None, (None, None), None) => {
                let (series, _) = self.need(&here("rate"), &text, true, each.as_ref())?;
                let fold = fold(Take::Sum);
                let per_second = true;
                (
                    What::Counted {
                        series,
                        per_second,
                        fold,
                    },
                    Unit::Number,
                )
            }
            (None, None, Some(text), None, (None, None), None) => {
                let (series, unit) = self.need(&here("increase"), &text, true, each.as_ref())?;
                let fold = fold(Take::Sum);
                let per_second = false;
                (
                    What::Counted {
                        series,
                        per_second,
                        fold,
                    },
                    unit,
                )
            }
            (None, None, None, Some(ratio), (None, None), None) => {
                alone("a `ratio` is of sums: `take` and `each` mean nothing here")?;
                let counted = !ratio.now;
                let (of, _) = self.need(&here("ratio"), &ratio.of, counted, None)?;
                let (over, _) = self.need(&here("ratio"), &ratio.over, counted, None)?;
                let now = ratio.now;
                (What::Ratio { of, over, now }, Unit::Share)
            }
            (None, None, None, None, (Some(q), Some(text)), None) => {
                alone("a `quantile` is of all series: `take` and `each` mean nothing here")?;
                if !(0.0..=1.0).contains(&q) {
                    let message = format!("{q} is no quantile");
                    return Err(Misfit {
                        path: here("quantile").to_vec(),
                        message,
                        hint: None,
                    }
                    .hint("write a number from 0 to 1, as 0.95"));
                }
                let (buckets, unit) = self.need_buckets(&here("histogram"), &text)?;
                (What::Quantile { q, buckets }, unit)
            }
            (None, None, None, None, (None, None), Some(text)) => {
                let (at, _) = self.need(&here("age"), &text, false, each.as_ref())?;
                (What::Ages(at, fold(Take::Max)), Unit::Seconds)
            }
            (None, None, None, None, (Some(_), None) | (None, Some(_)), None) => {
                return Err(whole("`quantile` and `histogram` go together"));
            }
            _ => return Err(whole("a reading is exactly one thing")),
        };
        Ok(found)
    }

    fn need(
        &mut self,
        path: &[String],
        text: &str,
        is_counter: bool,
        label: Option<&String>,
    ) -> Result<(usize, Unit), Misfit> {
        let selector = parse(path, text)?;
        let unit = unit_of(selector.name());
        self.series.push(Needed {
            selector,
            is_counter,
            label: label.cloned(),
        });
        Ok((self.series.len() - 1, unit))
    }

    fn need_buckets(&mut self, path: &[String], text: &str) -> Result<(usize, Unit), Misfit> {
        let selector = parse(path, text)?;
        let unit = unit_of(selector.name().trim_end_matches(BUCKET));
        self.series.push(Needed {
            selector: selector.with_ending(BUCKET),
            is_counter: true,
            label: Some(BOUND.to_owned()),
        });
        Ok((self.series.len() - 1, unit))
    }
}

/// What the series of a histogram's buckets are called.
const BUCKET: &str = "_bucket";
/// The label with the upper bound of a bucket.
const BOUND: &str = "le";

/// The forms of a reading.
const FORMS: &str = "write one of: a series alone; { series: … }; { rate: … }; { increase: … }; \
                     { ratio: { of: …, over: … } }; { quantile: 0.95, histogram: … }; { age: … }";

fn parse(path: &[String], text: &str) -> Result<Selector, Misfit> {
    Selector::parse(text).map_err(|error| Misfit {
        path: path.to_vec(),
        message: error.to_string(),
        hint: Some(error.hint().to_owned()),
    })
}

/// What a metric counts, by the ending that the conventions of Prometheus ask for. A time of day in
/// seconds is a date and no span.
fn unit_of(name: &str) -> Unit {
    let name = name.strip_suffix("_total").unwrap_or(name);
    let is_date = name.ends_with("_timestamp_seconds") || name.ends_with("_time_seconds");
    if name.ends_with("_bytes") {
        Unit::Bytes
    } else if name.ends_with("_seconds") && !is_date {
        Unit::Seconds
    } else {
        Unit::Number
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn lower(read: Value) -> (Plan, Vec<Misfit>) {
        let mut misfits = Vec::new();
        let read = serde_json::from_value(read).unwrap();
        (Plan::lower(read, Absent::Unknown, &mut misfits), misfits)
    }

    #[test]
    fn the_unit_of_a_reading_follows_from_what_it_is() {
        let histogram = "http_request_duration_seconds";
        for (read, unit) in [
            (json!("active_users{app=\"web\"}"), Unit::Number),
            (json!("process_resident_memory_bytes"), Unit::Bytes),
            (
                json!({ "series": "queue_wait_seconds", "take": "max" }),
                Unit::Seconds,
            ),
            (json!("process_start_time_seconds"), Unit::Number),
            (json!({ "rate": "sent_bytes_total" }), Unit::Number),
            (json!({ "increase": "sent_bytes_total" }), Unit::Bytes),
            (json!({ "ratio": { "of": "a", "over": "b" } }), Unit::Share),
            (
                json!({ "quantile": 0.95, "histogram": histogram }),
                Unit::Seconds,
            ),
            (json!({ "age": "backup_timestamp_seconds" }), Unit::Seconds),
        ] {
            let (plan, misfits) = lower(json!({ "it": read }));
            assert_eq!(misfits, [], "{read}");
            assert_eq!(plan.wanted[0].unit, unit, "{read}");
        }
    }

    #[test]
    fn what_is_no_reading_is_refused_with_its_place() {
        for (read, path, part) in [
            (json!({}), "read", "nothing is read"),
            (json!({ "p95": "a" }), "read.p95", "summary"),
            (json!({ "error_rate": "a" }), "read.error_rate", "summary"),
            (json!({ "a": "5xx" }), "read.a.series", "no name"),
            (json!({ "a": {} }), "read.a", "exactly one"),
            (
                json!({ "a": { "rate": "a", "series": "a" } }),
                "read.a",
                "exactly one",
            ),
            (json!({ "a": { "quantile": 0.5 } }), "read.a", "go together"),
            (
                json!({ "a": { "quantile": 95.0, "histogram": "a" } }),
                "read.a.quantile",
                "no quantile",
            ),
            (
                json!({ "a": { "ratio": { "of": "a", "over": "b{" } } }),
                "read.a.ratio",
                "expected",
            ),
            (
                json!({ "a": { "ratio": { "of": "a", "over": "b" }, "take": "max" } }),
                "read.a",
                "mean nothing",
            ),
        ] {
            let (_, misfits) = lower(read.clone());
            assert_eq!(misfits.len(), 1, "{read}");
            assert_eq!(misfits[0].path.join("."), path, "{read}");
            assert!(misfits[0].message.contains(part), "{misfits:?}");
        }
    }
}
