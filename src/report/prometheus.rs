//! `--report prometheus`: what the prober counts, as Prometheus reads it (text format 0.0.4), for the
//! textfile collector of node_exporter.
//!
//! The names are the contract's, and each label comes from a closed set: what was declared, or an
//! enum of ours. No label holds an answer, an address or an error. Secrets in declared names are
//! masked, name by name, so that the form of a line cannot break. It is written line by line, since
//! of very many checks it is larger than all else that is held of them. The source of the form:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use crate::engine::instruments::{Binned, Bins, Instruments, Lateness, Meter, PROBE_BOUNDS};
use crate::event::Verdict;
use crate::sample::{Outcome, Phase};
use crate::secret::Mask;

/// The upper bounds of the lateness: two milliseconds are what we promise, a second is what stops a
/// rollback.
const LATENESS_BOUNDS: [Duration; 12] = [
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(10),
];

/// Every verdict, each a series: a rule can ask for one without knowing the others.
const VERDICTS: [Verdict; 4] = [
    Verdict::Pass,
    Verdict::Warn,
    Verdict::Inconclusive,
    Verdict::Fail,
];

/// What the metric of all runs of a probe is called.
const PROBES: &str = "smokejumper_probe_total";
/// That of how long they took.
const DURATION: &str = "smokejumper_probe_duration_seconds";
/// That of the parts of it.
const PHASE: &str = "smokejumper_probe_phase_seconds";
/// That of what is said of a check.
const VERDICT: &str = "smokejumper_check_verdict";
/// That of the numbers that probes observed.
const READING: &str = "smokejumper_reading";
/// That of our own lateness.
const LATENESS: &str = "smokejumper_schedule_lag_seconds";
/// That of turns which never came.
const MISSED: &str = "smokejumper_schedule_missed_total";
/// That of samples that nobody judged.
const LOST: &str = "smokejumper_samples_lost_total";
/// That of the version.
const BUILD: &str = "smokejumper_build_info";

/// More checks than this have their histograms summed up by service and kind: a hundred lines for
/// each of a hundred thousand checks are a file that nobody can read every quarter of a minute.
pub const MOST_WITH_HISTOGRAMS: usize = 1_000;

/// Writes everything that was counted so far.
///
/// # Errors
/// When it cannot be written there.
pub fn write(out: &mut impl Write, instruments: &Instruments, mask: &Mask) -> io::Result<()> {
    let mut sheet = Sheet { out, mask };
    sheet.head(BUILD, "gauge", "The version that runs.")?;
    let version = env!("CARGO_PKG_VERSION");
    writeln!(sheet.out, "{BUILD}{{version=\"{version}\"}} 1")?;
    sheet.lateness(instruments.lateness())?;
    let meters = instruments.meters();
    if meters.is_empty() {
        return Ok(());
    }
    sheet.outcomes(meters)?;
    sheet.head(
        DURATION,
        "histogram",
        "How long the runs took that passed, to the last byte.",
    )?;
    let latency = sheet.series(meters, |meter| Some(meter.latency()));
    sheet.histograms(DURATION, &latency, "")?;
    sheet.head(
        PHASE,
        "histogram",
        "How long the phases of these runs took.",
    )?;
    for phase in Phase::ALL {
        let spans = sheet.series(meters, |meter| meter.phase(phase));
        sheet.histograms(PHASE, &spans, &format!(",phase=\"{}\"", phase.name()))?;
    }
    sheet.verdicts(meters)?;
    sheet.readings(meters)
}

/// What is written to, and what may not be seen there.
struct Sheet<'a, W> {
    out: &'a mut W,
    mask: &'a Mask,
}

impl<W: Write> Sheet<'_, W> {
    fn head(&mut self, name: &str, kind: &str, help: &str) -> io::Result<()> {
        writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}")
    }

    /// `check` and `service`.
    fn labels(&self, meter: &Meter) -> String {
        format!(
            "check=\"{}\",service=\"{}\"",
            self.shown(meter.check().as_str()),
            self.shown(meter.service())
        )
    }

    fn shown(&self, text: &str) -> String {
        escaped(&self.mask.apply(text))
    }

    fn outcomes(&mut self, meters: &[Meter]) -> io::Result<()> {
        self.head(PROBES, "counter", "Runs of probes, by how they ended.")?;
        for meter in meters {
            let (labels, kind) = (self.labels(meter), meter.kind());
            let passed = meter.passed();
            writeln!(
                self.out,
                "{PROBES}{{{labels},kind=\"{kind}\",outcome=\"pass\",reason=\"\"}} {passed}"
            )?;
            for (reason, count) in meter.faults() {
                let (outcome, reason) = (outcome_name(reason.outcome()), reason.code());
                writeln!(
                    self.out,
                    "{PROBES}{{{labels},kind=\"{kind}\",outcome=\"{outcome}\",reason=\"{reason}\"}} {count}"
                )?;
            }
        }
        Ok(())
    }

    /// The histograms of all checks with their labels; of very many, of all services and kinds.
    fn series<'m>(
        &self,
        meters: &'m [Meter],
        bins: impl Fn(&'m Meter) -> Option<&'m Bins>,
    ) -> Vec<(String, Binned)> {
        let told = meters
            .iter()
            .filter_map(|meter| Some((meter, bins(meter)?.read())));
        if meters.len() <= MOST_WITH_HISTOGRAMS {
            let named = |(meter, binned): (&Meter, Binned)| {
                let labels = format!("{},kind=\"{}\"", self.labels(meter), meter.kind());
                (labels, binned)
            };
            return told.map(named).collect();
        }
        let mut summed: BTreeMap<(&str, &str), Binned> = BTreeMap::new();
        for (meter, binned) in told {
            let group = (meter.service(), meter.kind());
            summed.entry(group).or_default().add(&binned);
        }
        let named = |((service, kind), binned)| {
            let service = self.shown(service);
            (format!("service=\"{service}\",kind=\"{kind}\""), binned)
        };
        summed.into_iter().map(named).collect()
    }

    fn histograms(
        &mut self,
        name: &str,
        series: &[(String, Binned)],
        besides: &str,
    ) -> io::Result<()> {
        for (labels, binned) in series {
            let (up_to, sum) = (binned.up_to(), binned.sum.as_secs_f64());
            let all = up_to.last().copied().unwrap_or_default();
            // A phase that never happened would be a dozen zeros for each check.
            if all == 0 && !besides.is_empty() {
                continue;
            }
            for (bound, count) in PROBE_BOUNDS.iter().zip(up_to) {
                let bound = bound.as_secs_f64();
                writeln!(
                    self.out,
                    "{name}_bucket{{{labels}{besides},le=\"{bound}\"}} {count}"
                )?;
            }
            writeln!(
                self.out,
                "{name}_bucket{{{labels}{besides},le=\"+Inf\"}} {all}\n\
                 {name}_sum{{{labels}{besides}}} {sum}\n\
                 {name}_count{{{labels}{besides}}} {all}"
            )?;
        }
        Ok(())
    }

    fn verdicts(&mut self, meters: &[Meter]) -> io::Result<()> {
        self.head(
            VERDICT,
            "gauge",
            "What is said of a check: 1 for the verdict that stands, 0 for the others.",
        )?;
        for meter in meters {
            let Some(stands) = meter.verdict() else {
                continue;
            };
            let labels = self.labels(meter);
            for verdict in VERDICTS {
                let (name, value) = (verdict.name(), u8::from(verdict == stands));
                writeln!(self.out, "{VERDICT}{{{labels},verdict=\"{name}\"}} {value}")?;
            }
        }
        Ok(())
    }

    fn readings(&mut self, meters: &[Meter]) -> io::Result<()> {
        self.head(
            READING,
            "gauge",
            "The last value of each number that a probe observed.",
        )?;
        for meter in meters {
            let labels = self.labels(meter);
            for (name, value) in meter.readings() {
                let name = self.shown(&name);
                writeln!(self.out, "{READING}{{{labels},reading=\"{name}\"}} {value}")?;
            }
        }
        Ok(())
    }

    fn lateness(&mut self, lateness: &Lateness) -> io::Result<()> {
        self.head(
            LATENESS,
            "histogram",
            "How late runs started against their schedule: our own machine's fault.",
        )?;
        let histogram = lateness.histogram();
        let up_to = |bound: Duration| -> u64 {
            let below = histogram.steps().take_while(|step| step.middle <= bound);
            below.map(|step| u64::from(step.count)).sum()
        };
        for bound in LATENESS_BOUNDS {
            let (seconds, count) = (bound.as_secs_f64(), up_to(bound));
            writeln!(self.out, "{LATENESS}_bucket{{le=\"{seconds}\"}} {count}")?;
        }
        let (all, sum) = (histogram.count(), lateness.sum().as_secs_f64());
        writeln!(
            self.out,
            "{LATENESS}_bucket{{le=\"+Inf\"}} {all}\n{LATENESS}_sum {sum}\n{LATENESS}_count {all}"
        )?;
        self.head(
            MISSED,
            "counter",
            "Turns of the schedule that were left out because they came too late.",
        )?;
        writeln!(self.out, "{MISSED} {}", lateness.missed())?;
        self.head(
            LOST,
            "counter",
            "Samples that did not reach the judge because it did not keep up.",
        )?;
        writeln!(self.out, "{LOST} {}", lateness.lost())
    }
}

/// The name of an outcome, as in recordings.
const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Fail => "fail",
        Outcome::Error => "error",
        Outcome::Unknown => "unknown",
    }
}

/// The value of a label, as it stands between quotes.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
