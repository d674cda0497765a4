//! The metrics: which there are, what they are called, and what each of them says. One walk over the
//! instruments for every way out: `/metrics`, the textfile collector and OTLP tell the same.
//!
//! The names are the contract's, and each label comes from a closed set: what was declared, or an enum of
//! ours. No label holds an answer, an address or an error. Secrets in declared names are masked, name by
//! name. Form and escaping are the business of the [`Scribe`].

mod blackbox;
mod families;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use self::families::{
    BUILD, CONFIGURATION, DECISIONS, DURATION, LATENESS, LOST, MISSED, PHASE, PROBES, READING,
    REFUSED, RELOADS, ROLLBACKS, SPANS_LOST, VERDICT, WINDOW,
};
pub use self::families::{Family, Form, Labels, Number, Scribe, Spread};
use crate::deployment::RollbackOutcome;
use crate::engine::instruments::{
    Binned, Bins, Instruments, Lateness, Meter, Outbound, PROBE_BOUNDS, Reloads, ServiceMeter,
    Signal,
};
use crate::engine::serve::live::WindowState;
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

/// More checks than this have their histograms summed up by service and kind: a hundred lines for
/// each of a hundred thousand checks are a file that nobody can read every quarter of a minute.
pub const MOST_WITH_HISTOGRAMS: usize = 1_000;

/// Tells everything that was counted so far.
///
/// # Errors
/// When the scribe cannot write it down.
pub fn tell<S: Scribe>(
    scribe: &mut S,
    instruments: &Instruments,
    mask: &Mask,
) -> Result<(), S::Error> {
    let mut teller = Teller { scribe, mask };
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    teller.numbers(&BUILD, [(version, Number::Whole(1))])?;
    teller.lateness(instruments.lateness())?;
    if let Some(reloads) = instruments.reloads() {
        teller.reloads(reloads)?;
    }
    if let Some(outbound) = instruments.outbound() {
        teller.outbound(outbound)?;
    }
    teller.windows(instruments.services())?;
    let meters = instruments.meters();
    if meters.is_empty() {
        return Ok(());
    }
    teller.outcomes(meters)?;
    teller.scribe.begin(&DURATION)?;
    let latency = teller.series(meters, |meter| Some(meter.latency()));
    teller.histograms(&DURATION, latency)?;
    teller.scribe.begin(&PHASE)?;
    for phase in Phase::ALL {
        let mut spans = teller.series(meters, |meter| meter.phase(phase));
        // A phase that never happened would be a dozen zeros for each check.
        spans.retain(|(_, binned)| binned.up_to().last() != Some(&0));
        for (labels, _) in &mut spans {
            labels.push(("phase", phase.name().to_owned()));
        }
        teller.histograms(&PHASE, spans)?;
    }
    teller.verdicts(meters)?;
    teller.readings(meters)?;
    blackbox::tell(&mut teller, instruments)
}

/// What is told to, and what may not be seen there.
struct Teller<'a, S> {
    scribe: &'a mut S,
    mask: &'a Mask,
}

impl<S: Scribe> Teller<'_, S> {
    fn numbers(
        &mut self,
        family: &Family,
        series: impl IntoIterator<Item = (Labels, Number)>,
    ) -> Result<(), S::Error> {
        self.scribe.begin(family)?;
        for (labels, number) in series {
            self.scribe.number(family, &labels, number)?;
        }
        Ok(())
    }

    /// `check` and `service`.
    fn labels(&self, meter: &Meter) -> Labels {
        vec![
            ("check", self.mask.apply(meter.check().as_str())),
            ("service", self.mask.apply(meter.service())),
        ]
    }

    fn outcomes(&mut self, meters: &[Arc<Meter>]) -> Result<(), S::Error> {
        self.scribe.begin(&PROBES)?;
        for meter in meters {
            let told = |outcome: Outcome, reason: &str| {
                let mut labels = self.labels(meter);
                labels.push(("kind", meter.kind().to_owned()));
                labels.push(("outcome", outcome_name(outcome).to_owned()));
                labels.push(("reason", reason.to_owned()));
                labels
            };
            let passed = (told(Outcome::Pass, ""), meter.passed());
            let faults = meter.faults();
            let faults = faults
                .iter()
                .map(|(reason, count)| (told(reason.outcome(), reason.code()), *count));
            let all: Vec<(Labels, u64)> = std::iter::once(passed).chain(faults).collect();
            for (labels, count) in all {
                self.scribe.number(&PROBES, &labels, Number::Whole(count))?;
            }
        }
        Ok(())
    }

    /// The histograms of all checks with their labels; of very many, of all services and kinds.
    fn series<'m>(
        &self,
        meters: &'m [Arc<Meter>],
        bins: impl Fn(&'m Meter) -> Option<&'m Bins>,
    ) -> Vec<(Labels, Binned)> {
        let told = meters
            .iter()
            .filter_map(|meter| Some((&**meter, bins(meter)?.read())));
        if meters.len() <= MOST_WITH_HISTOGRAMS {
            let named = |(meter, binned): (&Meter, Binned)| {
                let mut labels = self.labels(meter);
                labels.push(("kind", meter.kind().to_owned()));
                (labels, binned)
            };
            return told.map(named).collect();
        }
        let mut summed: BTreeMap<(&str, &str), Binned> = BTreeMap::new();
        for (meter, binned) in told {
            let group = (meter.service(), meter.kind());
            summed.entry(group).or_default().add(&binned);
        }
        let named = |((service, kind), binned): ((&str, &str), Binned)| {
            let service = self.mask.apply(service);
            (
                vec![("service", service), ("kind", kind.to_owned())],
                binned,
            )
        };
        summed.into_iter().map(named).collect()
    }

    fn histograms(
        &mut self,
        family: &Family,
        series: Vec<(Labels, Binned)>,
    ) -> Result<(), S::Error> {
        for (labels, binned) in series {
            let spread = Spread {
                bounds: &PROBE_BOUNDS,
                up_to: &binned.up_to(),
                sum: binned.sum,
            };
            self.scribe.spread(family, &labels, spread)?;
        }
        Ok(())
    }

    fn verdicts(&mut self, meters: &[Arc<Meter>]) -> Result<(), S::Error> {
        self.scribe.begin(&VERDICT)?;
        for meter in meters {
            let Some(stands) = meter.verdict() else {
                continue;
            };
            for verdict in VERDICTS {
                let mut labels = self.labels(meter);
                labels.push(("verdict", verdict.name().to_owned()));
                let value = Number::Whole(u64::from(verdict == stands));
                self.scribe.number(&VERDICT, &labels, value)?;
            }
        }
        Ok(())
    }

    fn readings(&mut self, meters: &[Arc<Meter>]) -> Result<(), S::Error> {
        self.scribe.begin(&READING)?;
        for meter in meters {
            for (name, value) in meter.readings() {
                let mut labels = self.labels(meter);
                labels.push(("reading", self.mask.apply(&name)));
                self.scribe.number(&READING, &labels, Number::Real(value))?;
            }
        }
        Ok(())
    }

    fn windows(&mut self, services: &[Arc<ServiceMeter>]) -> Result<(), S::Error> {
        if services.is_empty() {
            return Ok(());
        }
        let of = |mask: &Mask, meter: &ServiceMeter, label: &'static str, value: &str| {
            vec![
                ("service", mask.apply(meter.service())),
                (label, value.to_owned()),
            ]
        };
        let mask = self.mask;
        let states = services.iter().flat_map(|meter| {
            let is = meter.state();
            WindowState::ALL.map(|state| {
                let number = Number::Whole(u64::from(state == is));
                (of(mask, meter, "state", state.name()), number)
            })
        });
        self.numbers(&WINDOW, states)?;
        let decisions = services.iter().flat_map(|meter| {
            let counts = meter.decisions();
            counts.map(|(action, count)| {
                let labels = of(mask, meter, "action", action.name());
                (labels, Number::Whole(count))
            })
        });
        self.numbers(&DECISIONS, decisions)?;
        let rollbacks = services.iter().flat_map(|meter| {
            let ended = meter.rollbacks();
            // Those that never happened as well: of a series that begins with 1, no rule sees the 1.
            RollbackOutcome::ALL.map(|outcome| {
                let count = ended.iter().find(|(one, _)| *one == outcome);
                let number = Number::Whole(count.map_or(0, |(_, count)| *count));
                (of(mask, meter, "outcome", outcome.name()), number)
            })
        });
        self.numbers(&ROLLBACKS, rollbacks)
    }

    fn reloads(&mut self, reloads: &Reloads) -> Result<(), S::Error> {
        let is_current = Number::Whole(u64::from(!reloads.is_refused()));
        self.numbers(&CONFIGURATION, [(Labels::new(), is_current)])?;
        let counts = [("loaded", reloads.loaded()), ("refused", reloads.refused())];
        let counts = counts.map(|(outcome, count)| {
            let labels = vec![("outcome", outcome.to_owned())];
            (labels, Number::Whole(count))
        });
        self.numbers(&RELOADS, counts)
    }

    fn outbound(&mut self, outbound: &Outbound) -> Result<(), S::Error> {
        let refused = Signal::ALL.map(|signal| {
            let labels = vec![("signal", signal.name().to_owned())];
            (labels, Number::Whole(outbound.refused(signal)))
        });
        self.numbers(&REFUSED, refused)?;
        let lost = Number::Whole(outbound.lost_spans());
        self.numbers(&SPANS_LOST, [(Labels::new(), lost)])
    }

    fn lateness(&mut self, lateness: &Lateness) -> Result<(), S::Error> {
        let histogram = lateness.histogram();
        let up_to = |bound: &Duration| -> u64 {
            let below = histogram.steps().take_while(|step| step.middle <= *bound);
            below.map(|step| u64::from(step.count)).sum()
        };
        let mut counts: Vec<u64> = LATENESS_BOUNDS.iter().map(up_to).collect();
        counts.push(histogram.count());
        self.scribe.begin(&LATENESS)?;
        let spread = Spread {
            bounds: &LATENESS_BOUNDS,
            up_to: &counts,
            sum: lateness.sum(),
        };
        self.scribe.spread(&LATENESS, &Labels::new(), spread)?;
        for (family, count) in [(&MISSED, lateness.missed()), (&LOST, lateness.lost())] {
            self.numbers(family, [(Labels::new(), Number::Whole(count))])?;
        }
        Ok(())
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
