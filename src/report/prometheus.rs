//! `--report prometheus`: what the prober counts, as Prometheus reads it (text format 0.0.4), for the
//! textfile collector of node_exporter.
//!
//! The names are the contract's, and each label comes from a closed set: what was declared, or an
//! enum of ours. No label holds an answer, an address or an error. Secrets in declared names are
//! masked, name by name, so that the form of a line cannot break. The source of the form:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::fmt::{self, Write};
use std::time::Duration;

use crate::engine::instruments::{Bins, Instruments, Lateness, Meter, PROBE_BOUNDS};
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

/// Renders everything that was counted so far.
#[must_use]
pub fn render(instruments: &Instruments, mask: &Mask) -> String {
    let checks: Vec<Labelled<'_>> = instruments
        .meters()
        .iter()
        .map(|meter| Labelled::of(meter, mask))
        .collect();
    let mut text = String::new();
    let lateness = instruments.lateness();
    // A string takes whatever is written to it.
    write(&mut text, &checks, lateness, mask).unwrap_or_default();
    text
}

/// A check and the labels that each of its series carries.
struct Labelled<'a> {
    meter: &'a Meter,
    /// `check` and `service`.
    short: String,
    /// These and `kind`.
    long: String,
}

impl<'a> Labelled<'a> {
    fn of(meter: &'a Meter, mask: &Mask) -> Self {
        let shown = |text: &str| escaped(&mask.apply(text));
        let short = format!(
            "check=\"{}\",service=\"{}\"",
            shown(meter.check().as_str()),
            shown(meter.service())
        );
        let long = format!("{short},kind=\"{}\"", meter.kind());
        Self { meter, short, long }
    }
}

fn write(
    text: &mut String,
    checks: &[Labelled<'_>],
    lateness: &Lateness,
    mask: &Mask,
) -> fmt::Result {
    head(text, BUILD, "gauge", "The version that runs.")?;
    writeln!(
        text,
        "{BUILD}{{version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    )?;
    write_lateness(text, lateness)?;
    if checks.is_empty() {
        return Ok(());
    }
    head(
        text,
        PROBES,
        "counter",
        "Runs of probes, by how they ended.",
    )?;
    checks
        .iter()
        .try_for_each(|check| write_outcomes(text, check))?;
    head(
        text,
        DURATION,
        "histogram",
        "How long the runs took that passed, to the last byte.",
    )?;
    for check in checks {
        write_bins(text, DURATION, &check.long, check.meter.latency())?;
    }
    head(
        text,
        PHASE,
        "histogram",
        "How long the phases of these runs took.",
    )?;
    checks
        .iter()
        .try_for_each(|check| write_phases(text, check))?;
    head(
        text,
        VERDICT,
        "gauge",
        "What is said of a check: 1 for the verdict that stands, 0 for the others.",
    )?;
    checks
        .iter()
        .try_for_each(|check| write_verdict(text, check))?;
    head(
        text,
        READING,
        "gauge",
        "The last value of each number that a probe observed.",
    )?;
    for check in checks {
        for (name, value) in check.meter.readings() {
            let (labels, name) = (&check.short, escaped(&mask.apply(&name)));
            writeln!(text, "{READING}{{{labels},reading=\"{name}\"}} {value}")?;
        }
    }
    Ok(())
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn write_outcomes(text: &mut String, check: &Labelled<'_>) -> fmt::Result {
    let (labels, meter) = (&check.long, check.meter);
    let passed = meter.passed();
    writeln!(
        text,
        "{PROBES}{{{labels},outcome=\"pass\",reason=\"\"}} {passed}"
    )?;
    for (reason, count) in meter.faults() {
        let outcome = outcome_name(reason.outcome());
        let reason = reason.code();
        writeln!(
            text,
            "{PROBES}{{{labels},outcome=\"{outcome}\",reason=\"{reason}\"}} {count}"
        )?;
    }
    Ok(())
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

fn write_phases(text: &mut String, check: &Labelled<'_>) -> fmt::Result {
    for phase in Phase::ALL {
        let bins = check.meter.phase(phase);
        // A phase that never happened would be a dozen zeros for each check.
        if let Some(bins) = bins.filter(|bins| bins.up_to().last().is_some_and(|all| *all > 0)) {
            let labels = format!("{},phase=\"{}\"", check.long, phase.name());
            write_bins(text, PHASE, &labels, bins)?;
        }
    }
    Ok(())
}

fn write_verdict(text: &mut String, check: &Labelled<'_>) -> fmt::Result {
    let Some(stands) = check.meter.verdict() else {
        return Ok(());
    };
    for verdict in VERDICTS {
        let (labels, name) = (&check.short, verdict.name());
        let value = u8::from(verdict == stands);
        writeln!(text, "{VERDICT}{{{labels},verdict=\"{name}\"}} {value}")?;
    }
    Ok(())
}

fn write_bins(text: &mut String, name: &str, labels: &str, bins: &Bins) -> fmt::Result {
    let up_to = bins.up_to();
    for (bound, count) in PROBE_BOUNDS.iter().zip(up_to) {
        let bound = bound.as_secs_f64();
        writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}")?;
    }
    let all = up_to.last().copied().unwrap_or_default();
    let sum = bins.sum().as_secs_f64();
    writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {all}")?;
    writeln!(text, "{name}_sum{{{labels}}} {sum}")?;
    writeln!(text, "{name}_count{{{labels}}} {all}")
}

fn write_lateness(text: &mut String, lateness: &Lateness) -> fmt::Result {
    head(
        text,
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
        writeln!(text, "{LATENESS}_bucket{{le=\"{seconds}\"}} {count}")?;
    }
    let (all, sum) = (histogram.count(), lateness.sum().as_secs_f64());
    writeln!(text, "{LATENESS}_bucket{{le=\"+Inf\"}} {all}")?;
    writeln!(text, "{LATENESS}_sum {sum}\n{LATENESS}_count {all}")?;
    head(
        text,
        MISSED,
        "counter",
        "Turns of the schedule that were left out because they came too late.",
    )?;
    writeln!(text, "{MISSED} {}", lateness.missed())?;
    head(
        text,
        LOST,
        "counter",
        "Samples that did not reach the judge because it did not keep up.",
    )?;
    writeln!(text, "{LOST} {}", lateness.lost())
}

/// The value of a label, as it stands between quotes.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
