//! `gate`: every selected check is probed, judged once, and reported. Nothing is ever changed.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::context::Context;
use super::panel::Panel;
use super::record::{Command, Decided, Record, Stamp};
use super::sampling;
use crate::clock::Moment;
use crate::event::{Action, What};
use crate::plan::CheckPlan;
use crate::probe::attempt::Conditions;
use crate::sample::Sample;
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

/// The first pause before a check that is not ready is tried again; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How many of ten samples must have taught us something: the share that a window needs as well.
const KNOWN_OF_TEN: u64 = 7;
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

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
    let mut running = JoinSet::new();
    for check in checks {
        let (context, check) = (context.clone(), check.clone());
        running.spawn(async move { sample_check(&context, &check, options).await });
    }
    while let Some(ended) = running.join_next().await {
        // A task ends by itself; a panic inside a probe is already a sample.
        for sample in ended.unwrap_or_default() {
            context.tape(started, &sample);
            panel.push(&sample);
        }
    }
    let (assessment, changes) = panel.close(context.clock.now(), Closing::Final);
    for change in changes {
        context.events.emit(What::CheckJudged {
            check: change.check,
            from: change.from,
            to: change.to,
            because: change.because,
        });
    }
    record(context, checks, started, assessment)
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
        deployment: None,
        decision: Decided {
            action: Action::None,
            because: Vec::new(),
        },
        rollback: None,
        diagnosis: None,
        interrupted: context.stop.is_cancelled(),
        warnings: Vec::new(),
    }
}

/// How many samples a check gives under these options.
fn planned(check: &CheckPlan, options: GateOptions) -> u32 {
    match (options.samples, options.lasting) {
        (Some(samples), _) => samples.max(1),
        (None, Some(lasting)) => {
            let turns = lasting.as_nanos() / check.every.as_nanos().max(1);
            u32::try_from(turns).unwrap_or(u32::MAX).saturating_add(1)
        }
        (None, None) => 1,
    }
}

/// The time between the starts of two samples of a check.
fn spacing(check: &CheckPlan, options: GateOptions) -> Duration {
    match (options.samples, options.lasting) {
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

async fn sample_check(context: &Context, check: &CheckPlan, options: GateOptions) -> Vec<Sample> {
    let start = context.clock.now();
    let (planned, spacing) = (planned(check, options), spacing(check, options));
    let mut samples = Vec::new();
    for turn in 0..planned {
        let due = start + spacing.saturating_mul(turn);
        tokio::select! {
            () = context.sleep_until(due) => {}
            () = context.stop.cancelled() => break,
        }
        let until = match options.wait {
            Some(wait) if turn == 0 => start + wait,
            _ => start,
        };
        let Some(sample) = sample_when_ready(context, check, until).await else {
            break;
        };
        context.events.emit(What::Sampled(sample.clone()));
        samples.push(sample);
    }
    samples
}

/// Runs a check, again and again while it is not ready, until a moment; `None` when stopped.
async fn sample_when_ready(context: &Context, check: &CheckPlan, until: Moment) -> Option<Sample> {
    let mut pause = FIRST_PAUSE;
    let mut retries = 0;
    loop {
        let mut sample = tokio::select! {
            sample = sampling::sample(context, check, Conditions::default()) => sample,
            () = context.stop.cancelled() => return None,
        };
        sample.retries = retries;
        let left = until.since(context.clock.now());
        match sample
            .fault
            .as_ref()
            .filter(|fault| fault.transient && !left.is_zero())
        {
            None => return Some(sample),
            Some(fault) => {
                let again_in = pause.min(left);
                context.events.emit(What::NotReady {
                    check: check.facts.id.clone(),
                    fault: fault.clone(),
                    again_in,
                });
                if !context.pause(again_in).await {
                    return None;
                }
            }
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
        retries += 1;
    }
}
