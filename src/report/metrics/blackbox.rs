//! The last run of each check under the names of Prometheus' blackbox_exporter, for teams whose dashboards
//! and alerts ask for those. What such a name means is theirs:
//! <https://github.com/prometheus/blackbox_exporter>. Only what a run has shown is told: of a last run that
//! taught nothing, nothing, so that neither a success nor a failure is made of it.

use super::families::{Family, Labels, Number, Scribe, gauge};
use super::{Meter, Teller};
use crate::engine::instruments::{Instruments, Last};
use crate::sample::{Outcome, Phase};

const SUCCESS: Family = gauge(
    "probe_success",
    "Whether the last run of a check passed: 1, or 0; absent where it taught nothing.",
);
const DURATION: Family = gauge(
    "probe_duration_seconds",
    "How long the last run of a check took.",
);
const LOOKUP: Family = gauge(
    "probe_dns_lookup_time_seconds",
    "How long its name was looked up; absent where none was.",
);
const STATUS: Family = gauge(
    "probe_http_status_code",
    "The status of HTTP with which it was answered; 0 where no answer came.",
);
const PHASES: Family = gauge(
    "probe_http_duration_seconds",
    "How long the phases of its request took; 0 for one that did not happen.",
);
const EXPIRY: Family = gauge(
    "probe_ssl_earliest_cert_expiry",
    "When the first of the certificates ends that it was shown, in seconds since 1970.",
);

/// The phases of a request by their names there, and of which of ours each is made.
const PARTS: [(&str, &[Phase]); 5] = [
    ("resolve", &[Phase::Dns]),
    ("connect", &[Phase::Connect]),
    ("tls", &[Phase::Tls]),
    ("processing", &[Phase::Request, Phase::Ttfb]),
    ("transfer", &[Phase::Body]),
];

/// The kind whose runs are requests of HTTP.
const HTTP: &str = "http";

/// Tells the last runs, where they are kept.
pub(super) fn tell<S: Scribe>(
    teller: &mut Teller<'_, S>,
    instruments: &Instruments,
) -> Result<(), S::Error> {
    if !instruments.keeps_last() {
        return Ok(());
    }
    let meters = instruments.meters().iter();
    let taught = meters.filter_map(|meter| {
        let last = meter.last()?;
        let has_taught = last.outcome != Outcome::Unknown;
        has_taught.then(|| (labels(teller, meter), meter.kind() == HTTP, last))
    });
    let runs: Vec<(Labels, bool, Last)> = taught.collect();
    let each = |value: fn(bool, &Last) -> Option<f64>| {
        let told = runs.iter().filter_map(move |(labels, is_http, last)| {
            let value = value(*is_http, last)?;
            Some((labels.clone(), Number::Real(value)))
        });
        told.collect::<Vec<_>>()
    };
    let passed = |_, last: &Last| Some(f64::from(u8::from(last.outcome == Outcome::Pass)));
    teller.numbers(&SUCCESS, each(passed))?;
    teller.numbers(&DURATION, each(|_, last| Some(last.latency.as_secs_f64())))?;
    teller.numbers(
        &LOOKUP,
        each(|_, last| Some(last.phases.get(Phase::Dns)?.as_secs_f64())),
    )?;
    teller.numbers(
        &STATUS,
        each(|is_http, last| is_http.then(|| last.status.unwrap_or_default())),
    )?;
    let phases = runs.iter().filter(|(_, is_http, _)| *is_http);
    teller.numbers(&PHASES, phases.flat_map(parts).collect::<Vec<_>>())?;
    teller.numbers(&EXPIRY, each(|_, last| last.chain_ends))
}

/// `instance` and `job` are what the queries of others group by: the check, and its service.
fn labels<S>(teller: &Teller<'_, S>, meter: &Meter) -> Labels {
    let check = teller.mask.apply(meter.check().as_str());
    let service = teller.mask.apply(meter.service());
    vec![
        ("check", check.clone()),
        ("service", service.clone()),
        ("instance", check),
        ("job", service),
    ]
}

fn parts((labels, _, last): &(Labels, bool, Last)) -> Vec<(Labels, Number)> {
    let part = |(name, phases): (&str, &[Phase])| {
        let spans = phases.iter().filter_map(|phase| last.phases.get(*phase));
        let span: std::time::Duration = spans.sum();
        let mut labels = labels.clone();
        labels.push(("phase", name.to_owned()));
        (labels, Number::Real(span.as_secs_f64()))
    };
    PARTS.map(part).into()
}
