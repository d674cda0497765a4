//! What the prober counts of its own work: one model, for every way out of it.
//!
//! Made once for the checks of a run, shared by everyone who probes, and read while they go on: the
//! counters are atomics of one check each, so that probing threads meet at none of them but the
//! lateness. Recording a sample costs some forty nanoseconds and allocates nothing once a check has
//! shown what it does. A check takes about half a kilobyte. It holds no limit and judges nothing; the
//! names and forms of metrics are the business of `report::prometheus`. Fed by the engine, read by
//! reports.

mod last;
mod lateness;
mod meter;
mod outbound;
mod reloads;
mod service_meter;

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::event::Verdict;
use crate::plan::CheckPlan;
use crate::sample::{CheckId, Sample};

pub use last::Last;
pub use lateness::{Lateness, Punctuality};
pub use meter::{Binned, Bins, Meter, PROBE_BOUNDS};
pub use outbound::{Outbound, Signal};
pub use reloads::Reloads;
pub use service_meter::ServiceMeter;

/// The instruments of one run.
#[derive(Debug, Default)]
pub struct Instruments {
    meters: Box<[Arc<Meter>]>,
    lateness: Arc<Lateness>,
    services: Box<[Arc<ServiceMeter>]>,
    outbound: Arc<Outbound>,
    reloads: Option<Arc<Reloads>>,
    is_sent: bool,
    keeps_last: bool,
}

impl Instruments {
    /// Instruments for these checks, each known by its place among them.
    #[must_use]
    pub fn of(checks: &[CheckPlan]) -> Self {
        Self {
            meters: checks.iter().map(fresh).collect(),
            ..Self::default()
        }
    }

    /// Instruments for other checks of the same run, with what is counted of those that are known:
    /// whoever counts by the one counts by the other.
    #[must_use]
    pub fn for_checks(&self, checks: &[CheckPlan]) -> Self {
        let known: HashMap<&CheckId, &Arc<Meter>> = self
            .meters
            .iter()
            .map(|meter| (meter.check(), meter))
            .collect();
        let meter = |check: &CheckPlan| match known.get(&check.facts.id) {
            Some(known) if known.is_of(&check.facts) => Arc::clone(known),
            _ => fresh(check),
        };
        Self {
            meters: checks.iter().map(meter).collect(),
            lateness: Arc::clone(&self.lateness),
            services: self.services.clone(),
            outbound: Arc::clone(&self.outbound),
            reloads: self.reloads.clone(),
            is_sent: false,
            keeps_last: false,
        }
    }

    /// The instruments of each service by itself, its checks in their order: one pass, however many
    /// services there are.
    #[must_use]
    pub fn by_service(&self) -> HashMap<String, Self> {
        let mut meters: HashMap<String, Vec<Arc<Meter>>> = HashMap::new();
        for meter in &self.meters {
            let own = meters.entry(meter.service().to_owned()).or_default();
            own.push(Arc::clone(meter));
        }
        let of_one = |(service, meters): (String, Vec<Arc<Meter>>)| {
            let own = self.service(&service).cloned();
            let instruments = Self {
                meters: meters.into_boxed_slice(),
                lateness: Arc::clone(&self.lateness),
                services: own.into_iter().collect(),
                outbound: Arc::clone(&self.outbound),
                reloads: self.reloads.clone(),
                is_sent: self.is_sent,
                keeps_last: self.keeps_last,
            };
            (service, instruments)
        };
        meters.into_iter().map(of_one).collect()
    }

    /// The same with the windows of these services counted; those that are known go on.
    #[must_use]
    pub fn with_services(mut self, services: &[Arc<str>]) -> Self {
        let known = std::mem::take(&mut self.services);
        let meter = |service: &Arc<str>| {
            let mut known = known.iter();
            let known = known.find(|one| one.service() == &**service);
            known.map_or_else(|| Arc::new(ServiceMeter::of(service)), Arc::clone)
        };
        self.services = services.iter().map(meter).collect();
        self
    }

    /// The same with this count of what does not reach a collector.
    #[must_use]
    pub fn with_outbound(mut self, outbound: &Arc<Outbound>) -> Self {
        self.outbound = Arc::clone(outbound);
        self
    }

    /// The same with this count of what became of newer configurations.
    #[must_use]
    pub fn with_reloads(mut self, reloads: &Arc<Reloads>) -> Self {
        self.reloads = Some(Arc::clone(reloads));
        self
    }

    /// What became of newer configurations; absent where none is ever read.
    #[must_use]
    pub fn reloads(&self) -> Option<&Reloads> {
        self.reloads.as_deref()
    }

    /// The same, told to be sent to a collector or not.
    #[must_use]
    pub const fn sent(mut self, is_sent: bool) -> Self {
        self.is_sent = is_sent;
        self
    }

    /// What did not reach a collector; absent where none is declared.
    #[must_use]
    pub fn outbound(&self) -> Option<&Outbound> {
        self.is_sent.then_some(&*self.outbound)
    }

    /// The same, with the last run of each check kept from now on, dated by this clock.
    #[must_use]
    pub fn keeping_last(mut self, clock: &Arc<dyn Clock>) -> Self {
        self.keeps_last = true;
        self.meters.iter().for_each(|meter| meter.keep_last(clock));
        self
    }

    /// Whether the last run of each check is kept.
    #[must_use]
    pub const fn keeps_last(&self) -> bool {
        self.keeps_last
    }

    /// What is counted of a service's windows; absent where nobody opens any by themselves.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Arc<ServiceMeter>> {
        self.services.iter().find(|one| one.service() == name)
    }

    /// What is counted of all services' windows.
    #[must_use]
    pub fn services(&self) -> &[Arc<ServiceMeter>] {
        &self.services
    }

    /// Takes in what one run of the check at a place came to. A place that no check has is passed
    /// over: guards and tests probe without instruments.
    pub fn record(&self, place: usize, sample: &Sample) {
        if let Some(meter) = self.meters.get(place) {
            meter.record(sample);
        }
    }

    /// Takes in what the judge says of the check at a place.
    pub fn judged(&self, place: usize, verdict: Verdict) {
        if let Some(meter) = self.meters.get(place) {
            meter.judged(verdict);
        }
    }

    /// How late probes start.
    #[must_use]
    pub fn lateness(&self) -> &Lateness {
        &self.lateness
    }

    /// What is known of each check, by place.
    #[must_use]
    pub fn meters(&self) -> &[Arc<Meter>] {
        &self.meters
    }
}

fn fresh(check: &CheckPlan) -> Arc<Meter> {
    Arc::new(Meter::of(&check.facts))
}
