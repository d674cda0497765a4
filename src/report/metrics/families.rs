//! The metrics by name, and what whoever writes them down is told of each. The names are the contract's.

use std::time::Duration;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// It only grows, until the process begins anew.
    Counter,
    /// It is what it is now.
    Gauge,
    /// Spans by their length, and their sum.
    Histogram,
}

/// A metric: all series of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What it is.
    pub form: Form,
    /// One sentence for people.
    pub help: &'static str,
}

/// The names and values that tell the series of a family apart, in the order in which they are told.
pub type Labels = Vec<(&'static str, String)>;

/// A number of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A count.
    Whole(u64),
    /// A measure.
    Real(f64),
}

/// A histogram of a series.
#[derive(Clone, Copy, Debug)]
pub struct Spread<'a> {
    /// The upper bounds, ascending.
    pub bounds: &'a [Duration],
    /// How many spans were at most as long as each bound, and last how many there are at all.
    pub up_to: &'a [u64],
    /// The sum of all spans.
    pub sum: Duration,
}

/// Whoever writes metrics down.
pub trait Scribe {
    /// Why it cannot.
    type Error;

    /// The series of a family follow.
    ///
    /// # Errors
    /// When it cannot be written.
    fn begin(&mut self, family: &Family) -> Result<(), Self::Error>;

    /// A number of the family that was begun last.
    ///
    /// # Errors
    /// When it cannot be written.
    fn number(
        &mut self,
        family: &Family,
        labels: &Labels,
        number: Number,
    ) -> Result<(), Self::Error>;

    /// A histogram of the family that was begun last.
    ///
    /// # Errors
    /// When it cannot be written.
    fn spread(
        &mut self,
        family: &Family,
        labels: &Labels,
        spread: Spread<'_>,
    ) -> Result<(), Self::Error>;
}

/// The version that runs.
pub(super) const BUILD: Family = gauge("smokejumper_build_info", "The version that runs.");
/// All runs of a probe.
pub(super) const PROBES: Family = counter(
    "smokejumper_probe_total",
    "Runs of probes, by how they ended.",
);
/// How long they took.
pub(super) const DURATION: Family = histogram(
    "smokejumper_probe_duration_seconds",
    "How long the runs took that passed, to the last byte.",
);
/// The parts of it.
pub(super) const PHASE: Family = histogram(
    "smokejumper_probe_phase_seconds",
    "How long the phases of these runs took.",
);
/// What is said of a check.
pub(super) const VERDICT: Family = gauge(
    "smokejumper_check_verdict",
    "What is said of a check: 1 for the verdict that stands, 0 for the others.",
);
/// The numbers that probes observed.
pub(super) const READING: Family = gauge(
    "smokejumper_reading",
    "The last value of each number that a probe observed.",
);
/// Our own lateness.
pub(super) const LATENESS: Family = histogram(
    "smokejumper_schedule_lag_seconds",
    "How late runs started against their schedule: our own machine's fault.",
);
/// Turns which never came.
pub(super) const MISSED: Family = counter(
    "smokejumper_schedule_missed_total",
    "Turns of the schedule that were left out because they came too late.",
);
/// Samples that nobody judged.
pub(super) const LOST: Family = counter(
    "smokejumper_samples_lost_total",
    "Samples that did not reach the judge because it did not keep up.",
);
/// Whether newer configurations are put in force.
pub(super) const CONFIGURATION: Family = gauge(
    "smokejumper_configuration_current",
    "Whether the configuration that was read last is in force: 0 where it is wrong and the one before stays.",
);
/// What became of them.
pub(super) const RELOADS: Family = counter(
    "smokejumper_configuration_reloads_total",
    "Times that the configuration was read again, by what became of it.",
);
/// What a collector did not take.
pub(super) const REFUSED: Family = counter(
    "smokejumper_otlp_refused_total",
    "Messages that the collector did not take, or not whole.",
);
/// Spans that never came to a collector.
pub(super) const SPANS_LOST: Family = counter(
    "smokejumper_otlp_spans_lost_total",
    "Spans that were given up because the collector did not take them in time.",
);

/// What the window of a service is doing.
pub(super) const WINDOW: Family = gauge(
    "smokejumper_window_state",
    "What the window of a service is doing: 1 for that, 0 for the others.",
);
/// What was decided about deployments.
pub(super) const DECISIONS: Family = counter(
    "smokejumper_decisions_total",
    "Windows that are over, by what was decided.",
);
/// How rollbacks ended.
pub(super) const ROLLBACKS: Family = counter(
    "smokejumper_rollbacks_total",
    "Rollbacks that were due, by how they ended.",
);

pub(super) const fn gauge(name: &'static str, help: &'static str) -> Family {
    family(name, Form::Gauge, help)
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    family(name, Form::Counter, help)
}

const fn histogram(name: &'static str, help: &'static str) -> Family {
    family(name, Form::Histogram, help)
}

const fn family(name: &'static str, form: Form, help: &'static str) -> Family {
    Family { name, form, help }
}
