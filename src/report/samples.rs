//! `--report samples`: what a window measured, one JSON object a line, in the order in which it
//! reached the judge. `replay` reads it back to the same verdict.
//!
//! Times are written to the nanosecond, so that nothing is rounded between the two. Notes of runs
//! that passed are left out: nothing is judged by them.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Number, Value};

use super::wall::rfc3339;
use crate::engine::tape::Taped;
use crate::sample::{CheckId, Outcome, Phase, Sample};
use crate::secret::Mask;

/// One line of a recording.
#[derive(Debug, Serialize)]
pub struct SampleLine {
    /// When the run started, in seconds from the start of the window.
    pub t: Decimal,
    /// The declared name of the check.
    pub check: String,
    /// Whether it passed.
    pub ok: bool,
    /// From the start to the last byte, in milliseconds.
    pub latency_ms: Decimal,
    /// Whether nothing was learnt about the target; left out when something was.
    #[serde(skip_serializing_if = "is_false")]
    pub unknown: bool,
    /// Whether it was taken beside the schedule, because an earlier one looked bad; left out when not.
    #[serde(skip_serializing_if = "is_false")]
    pub closer_look: bool,
    /// How many tries came before it (`gate --wait`); left out when none did.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u32,
    /// The code of the fault; left out for a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The fault in words, with secrets masked; left out for a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The numbers observed; left out when there are none.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub readings: Map<String, Value>,
    /// The parts of the latency, in milliseconds; left out when none was measured.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub phases_ms: Map<String, Value>,
    /// How long an open loop's run waited because the target held every place in flight, in
    /// milliseconds: a part of `latency_ms`; left out when it did not wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<Decimal>,
    /// How many sends an open loop gave up since the sample before; left out where none sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
    /// How many runs were in flight at most since the sample before; left out where no open loop
    /// sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// When the window began (RFC 3339, UTC); on the first line only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_start: Option<String>,
}

/// A number that is written as it is, digit for digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal(String);

impl Decimal {
    fn seconds(span: Duration) -> Self {
        Self::of(span.as_nanos(), 9)
    }

    fn millis(span: Duration) -> Self {
        Self::of(span.as_nanos(), 6)
    }

    /// The number of so many parts of a unit that has `digits` decimals.
    fn of(parts: u128, digits: usize) -> Self {
        let padded = format!("{parts:0width$}", width = digits + 1);
        let (whole, decimals) = padded.split_at(padded.len() - digits);
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        Self(format!("{whole}{point}{decimals}"))
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number: Number = self.0.parse().map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

/// Writes the lines of one window.
#[derive(Debug)]
pub struct Lines {
    mask: Mask,
    /// The names of the checks as they are written: a mask is not looked through for every sample.
    names: HashMap<CheckId, String>,
    is_begun: bool,
}

impl Lines {
    /// Lines in which these secrets are masked.
    #[must_use]
    pub fn new(mask: Mask) -> Self {
        Self {
            mask,
            names: HashMap::new(),
            is_begun: false,
        }
    }

    /// The line of a sample, its end included.
    ///
    /// # Errors
    /// Never with these types; the serializer's error is handed on all the same.
    pub fn line(&mut self, taped: &Taped) -> Result<String, serde_json::Error> {
        let sample = &taped.sample;
        let (fault, sending) = (sample.fault.as_ref(), sample.sending);
        let line = SampleLine {
            t: Decimal::seconds(taped.after),
            check: self.name(&sample.check),
            ok: sample.outcome == Outcome::Pass,
            latency_ms: Decimal::millis(sample.latency),
            unknown: sample.outcome == Outcome::Unknown,
            closer_look: sample.closer_look,
            retries: sample.retries,
            reason: fault.map(|fault| fault.reason.code()),
            detail: fault.map(|fault| self.mask.apply(&fault.detail)),
            readings: self.readings(sample),
            phases_ms: phases(sample)?,
            waited_ms: sending
                .filter(|sending| !sending.waited.is_zero())
                .map(|sending| Decimal::millis(sending.waited)),
            unsent: sending.map(|sending| sending.unsent),
            in_flight: sending.map(|sending| sending.in_flight),
            window_start: (!self.is_begun).then(|| rfc3339(taped.window_start)),
        };
        self.is_begun = true;
        serde_json::to_string(&line).map(|line| format!("{line}\n"))
    }

    fn name(&mut self, check: &CheckId) -> String {
        if let Some(name) = self.names.get(check) {
            return name.clone();
        }
        let name = self.mask.apply(check.as_str());
        self.names.insert(check.clone(), name.clone());
        name
    }

    /// The finite readings, the first of each name: those are the ones that are judged.
    fn readings(&self, sample: &Sample) -> Map<String, Value> {
        let mut readings = Map::new();
        for reading in &sample.readings {
            if let Some(value) = Number::from_f64(reading.value) {
                let name = self.mask.apply(&reading.name);
                readings.entry(name).or_insert(Value::Number(value));
            }
        }
        readings
    }
}

fn phases(sample: &Sample) -> Result<Map<String, Value>, serde_json::Error> {
    let mut phases = Map::new();
    for phase in Phase::ALL {
        if let Some(span) = sample.phases.get(phase) {
            let millis = serde_json::to_value(Decimal::millis(span))?;
            phases.insert(phase.name().to_owned(), millis);
        }
    }
    Ok(phases)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Moment, WallTime};
    use crate::sample::{Fault, Phases, Reading, Reason, Unit};

    fn taped(after: Duration, fault: Option<Fault>) -> Taped {
        let mut phases = Phases::default();
        phases.add(Phase::Dns, Duration::from_nanos(250));
        let outcome = fault
            .as_ref()
            .map_or(Outcome::Pass, |fault| fault.reason.outcome());
        Taped {
            window_start: WallTime::since_unix_epoch(Duration::from_secs(1_795_250_400)),
            after,
            sample: Sample {
                check: CheckId::new("web"),
                started: Moment::at(after),
                latency: Duration::from_nanos(31_200_001),
                phases,
                outcome,
                fault,
                readings: vec![
                    Reading::new("used_pct", 0.1 + 0.2, Unit::Number),
                    Reading::new("used_pct", 7.0, Unit::Number),
                    Reading::new("lag", f64::NAN, Unit::Number),
                ],
                notes: vec!["not judged".to_owned()],
                retries: 0,
                closer_look: false,
                sending: None,
                session: None,
                trace: None,
            },
        }
    }

    #[test]
    fn a_line_holds_all_that_is_judged_and_the_first_says_when_the_window_began() {
        let mut lines = Lines::new(Mask::default());
        assert_eq!(
            lines
                .line(&taped(Duration::from_nanos(12_500_000_001), None))
                .unwrap(),
            "{\"t\":12.500000001,\"check\":\"web\",\"ok\":true,\"latency_ms\":31.200001,\
             \"readings\":{\"used_pct\":0.30000000000000004},\"phases_ms\":{\"dns\":0.00025},\
             \"window_start\":\"2026-11-21T08:40:00Z\"}\n"
        );
        let fault = Fault::new(Reason::Throttled, "429 for \"secret\"");
        let mask = Mask::default();
        mask.hide("secret");
        lines.mask = mask;
        assert_eq!(
            lines.line(&taped(Duration::ZERO, Some(fault))).unwrap(),
            "{\"t\":0,\"check\":\"web\",\"ok\":false,\"latency_ms\":31.200001,\"unknown\":true,\
             \"reason\":\"throttled\",\"detail\":\"429 for \\\"***\\\"\",\
             \"readings\":{\"used_pct\":0.30000000000000004},\"phases_ms\":{\"dns\":0.00025}}\n"
        );
    }

    #[test]
    fn a_line_says_how_an_open_loop_sent_it() {
        let mut taped = taped(Duration::ZERO, None);
        taped.sample.sending = Some(crate::sample::Sending {
            waited: Duration::from_micros(1_500),
            unsent: 40,
            in_flight: 3,
        });
        let line = Lines::new(Mask::default()).line(&taped).unwrap();
        let said = "\"waited_ms\":1.5,\"unsent\":40,\"in_flight\":3";
        assert!(line.contains(said), "{line}");
    }

    #[test]
    fn decimals_are_written_digit_for_digit() {
        let cases = [
            (0, "0"),
            (1, "0.000000001"),
            (1_000_000_000, "1"),
            (12_500_000_000, "12.5"),
            (86_400_000_000_100, "86400.0000001"),
        ];
        for (nanos, expected) in cases {
            assert_eq!(Decimal::seconds(Duration::from_nanos(nanos)).0, expected);
        }
    }
}
