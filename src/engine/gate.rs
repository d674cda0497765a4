//! `gate`: every selected check is probed, judged once, and reported. Nothing is ever changed.

use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::in_force::{self, InForce};
use super::panel::Panel;
use super::record::{Command, Decided, Record, Stamp};
use super::sampling::{Manner, Sampling, Stint};
use super::schedule;
use super::troubles::Troubles;
use crate::clock::Moment;
use crate::event::{Action, What};
use crate::plan::CheckPlan;
use crate::verdict::threshold::Subject;
use crate::verdict::{Assessment, Closing, JudgeKind, Sufficiency};

/// How a gate takes its samples.
#[derive(Clone, Copy, Debug, Default)]
pub struct GateOptions {
    /// How long a check that is not ready yet is tried again.
    pub wait: Option<Duration>,
    /// How many samples of each check are taken.
    pub samples: Option<u32>,
    /// Over how long they are taken.
    pub lasting: Option<Duration>,
}

/// How many of ten samples must have taught us something: the share that a window needs as well.
const KNOWN_OF_TEN: u64 = 7;

/// Probes every check, judges once, and says what was found.
pub async fn gate(context: &Context, checks: &[CheckPlan], options: GateOptions) -> Record {
    let started = Stamp::now(&*context.clock);
    context.events.emit(What::Started {
        checks: checks.len(),
        lasts: options.lasting,
    });
    let mut panel = Panel::as_written(checks, started.moment, Duration::ZERO, |check| {
        sufficiency(check, options)
    });
    let manner = Manner {
        stint: Some(stint(checks, options, started.moment)),
        ..Manner::default()
    };
    let mut sampling = Sampling::start(context, checks, manner);
    loop {
        let sample = tokio::select! {
            sample = sampling.next() => sample,
            () = context.stop.cancelled() => None,
        };
        let Some(sample) = sample else { break };
        context.events.emit(What::Sampled(sample.clone()));
        context.tape(started, &sample);
        panel.hold(&sample);
    }
    let (assessment, changes) = panel.close(context.clock.now(), Closing::Final);
    for change in changes {
        context.instruments.judged(change.place, change.to);
        context.events.emit(What::CheckJudged {
            check: change.check,
            from: change.from,
            to: change.to,
            because: change.because,
        });
    }
    let mut record = record(context, checks, started, assessment);
    record.in_force = in_force(checks, options);
    record.troubles = panel.troubles().clone();
    record.warnings = context.control.notes().await;
    record
}

fn record(
    context: &Context,
    checks: &[CheckPlan],
    started: Stamp,
    assessment: Assessment,
) -> Record {
    let first = checks.first().map(|check| Arc::clone(&check.facts.service));
    let service = first.filter(|first| checks.iter().all(|check| check.facts.service == *first));
    Record {
        command: Command::Gate,
        window: ulid::Ulid::new().to_string(),
        service,
        started,
        finished: Stamp::now(&*context.clock),
        judge: JudgeKind::Plain,
        assessment,
        in_force: Vec::new(),
        deployment: None,
        decision: Decided {
            action: Action::None,
            because: Vec::new(),
        },
        rollback: None,
        diagnosis: None,
        troubles: Troubles::default(),
        interrupted: context.stop.is_cancelled(),
        warnings: Vec::new(),
        punctuality: context.instruments.lateness().told(),
    }
}

/// By what each check is judged: where one sample decides, by its limits on readings alone.
fn in_force(checks: &[CheckPlan], options: GateOptions) -> Vec<InForce> {
    let mut in_force = in_force::of(checks, &[]);
    for (one, check) in in_force.iter_mut().zip(checks) {
        if sufficiency(check, options) == Sufficiency::OneSample {
            let limits = one.thresholds.iter();
            let of_readings = limits.filter(|it| matches!(it.subject, Subject::Reading(_)));
            one.thresholds = of_readings.cloned().collect();
        }
    }
    in_force
}

/// How many samples a check gives under these options.
fn planned(check: &CheckPlan, options: GateOptions) -> u32 {
    match (options.samples, options.lasting) {
        // Of a rate the first so many are sent, as far as they fit in.
        (Some(samples), Some(lasting)) if check.pace.is_some() => {
            samples.clamp(1, clamped(check.runs_within(lasting)))
        }
        (Some(samples), _) => samples.max(1),
        (None, Some(lasting)) => clamped(check.runs_within(lasting)),
        (None, None) => 1,
    }
}

fn clamped(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether a check is sent at its rate: a gate that takes one sample runs it as any other.
fn is_load(check: &CheckPlan, options: GateOptions) -> bool {
    check.pace.is_some() && (options.samples.is_some() || options.lasting.is_some())
}

/// The time between the starts of two samples of a check.
fn spacing(check: &CheckPlan, options: GateOptions) -> Duration {
    match (options.samples, options.lasting) {
        (_, Some(lasting)) if check.pace.is_some() => check.interval(lasting),
        (Some(samples), Some(lasting)) => lasting / samples.max(1),
        (None, Some(_)) => check.every,
        (_, None) => Duration::ZERO,
    }
}

fn sufficiency(check: &CheckPlan, options: GateOptions) -> Sufficiency {
    match planned(check, options) {
        // Three samples or fewer are too few for a window: any of them decides by itself.
        1..=3 => Sufficiency::OneSample,
        // The samples are counted, not promised by a schedule; a few may be lost to our own faults.
        samples => Sufficiency::Window {
            min_samples: (u64::from(samples) * KNOWN_OF_TEN).div_ceil(10),
            every: spacing(check, options),
            coverage: 0.0,
            least_bad: 1,
        },
    }
}

/// The runs of a gate. A few checks start at once; very many are spread, since a burst would measure
/// itself.
fn stint(checks: &[CheckPlan], options: GateOptions, start: Moment) -> Stint {
    let every: Vec<Duration> = checks.iter().map(|check| spacing(check, options)).collect();
    let (mut turns, in_a_row): (Vec<u32>, u32) = match (options.samples, options.lasting) {
        // Without a time over which to take them, one follows the other.
        (Some(samples), None) => (vec![1; checks.len()], samples.max(1)),
        (_, _) => (
            checks.iter().map(|check| planned(check, options)).collect(),
            1,
        ),
    };
    let first = match options.lasting {
        Some(_) if checks.len() > AT_ONCE => schedule::spread(&every, start),
        _ => (0..checks.len())
            .map(|place| start + burst(place))
            .collect(),
    };
    let mut sends = vec![0; checks.len()];
    for (place, check) in checks.iter().enumerate() {
        if is_load(check, options) {
            sends[place] = u64::from(planned(check, options));
            // A load on what still starts would show nothing: one run finds out.
            turns[place] = u32::from(options.wait.is_some());
        }
    }
    Stint {
        first,
        every,
        turns,
        sends,
        in_a_row,
        patience: options.wait,
    }
}

/// When the check at a place starts, in a burst.
fn burst(place: usize) -> Duration {
    let waves = place.saturating_sub(AT_ONCE) / A_MILLISECOND;
    Duration::from_millis(waves as u64)
}

/// So many checks start at once.
const AT_ONCE: usize = 400;
/// So many more start in each millisecond: a thousand have started within a sixth of a second.
const A_MILLISECOND: usize = 4;
