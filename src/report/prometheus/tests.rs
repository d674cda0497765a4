use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::clock::{Clock, Moment};
use crate::engine::clock::SystemClock;
use crate::event::Verdict;
use crate::plan::CheckPlan;
use crate::probe::{Attempt, Probe};
use crate::report::metrics::MOST_WITH_HISTOGRAMS;
use crate::sample::{CheckId, Fault, Outcome, Phase, Phases, Reading, Reason, Sample, Unit};
use crate::verdict::CheckFacts;

struct Idle;

#[async_trait::async_trait]
impl Probe for Idle {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        Ok(())
    }
}

fn check(name: &str) -> CheckPlan {
    CheckPlan {
        facts: CheckFacts {
            id: CheckId::new(name),
            kind: "http",
            service: "web".into(),
            tags: Vec::new(),
        },
        every: Duration::from_secs(10),
        timeout: Duration::from_secs(5),
        pace: None,
        max_in_flight: None,
        resolver: None,
        thresholds: Arc::new([]),
        tolerances: Arc::new([]),
        declared_thresholds: false,
        probe: Arc::new(Idle),
    }
}

fn sample(name: &str, millis: u64, reason: Option<Reason>) -> Sample {
    let mut phases = Phases::default();
    phases.add(Phase::Connect, Duration::from_millis(1));
    phases.add(Phase::Ttfb, Duration::from_millis(millis - 1));
    Sample {
        check: CheckId::new(name),
        started: Moment::at(Duration::ZERO),
        latency: Duration::from_millis(millis),
        phases,
        outcome: reason.map_or(Outcome::Pass, Reason::outcome),
        fault: reason.map(|reason| Fault::new(reason, "a detail that is no label")),
        readings: vec![Reading::new("cert_days", 21.5, Unit::Days)],
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        session: None,
        sending: None,
        trace: None,
    }
}

fn render(instruments: &Instruments, mask: &Mask) -> String {
    let mut out = Vec::new();
    write(&mut out, instruments, mask).unwrap();
    String::from_utf8(out).unwrap()
}

fn filled() -> Instruments {
    let instruments = Instruments::of(&[check("home"), check("a \"quoted\\name\"")]);
    instruments.record(0, &sample("home", 4, None));
    instruments.record(0, &sample("home", 40_000, None));
    instruments.record(0, &sample("home", 9, Some(Reason::Timeout)));
    instruments.record(7, &sample("nobody", 9, None));
    instruments.judged(0, Verdict::Warn);
    instruments.lateness().count(Duration::from_micros(300));
    instruments.lateness().count(Duration::from_secs(60));
    instruments.lateness().miss(3);
    instruments
}

#[test]
fn everything_that_was_counted_is_told() {
    let text = render(&filled(), &Mask::default());
    let lines: BTreeSet<&str> = text.lines().collect();
    let labels = "check=\"home\",service=\"web\",kind=\"http\"";
    for expected in [
        format!("smokejumper_probe_total{{{labels},outcome=\"pass\",reason=\"\"}} 2"),
        format!("smokejumper_probe_total{{{labels},outcome=\"error\",reason=\"timeout\"}} 1"),
        format!("smokejumper_probe_duration_seconds_bucket{{{labels},le=\"0.0025\"}} 0"),
        format!("smokejumper_probe_duration_seconds_bucket{{{labels},le=\"0.005\"}} 1"),
        format!("smokejumper_probe_duration_seconds_bucket{{{labels},le=\"30\"}} 1"),
        format!("smokejumper_probe_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 2"),
        format!("smokejumper_probe_duration_seconds_sum{{{labels}}} 40.004"),
        format!("smokejumper_probe_duration_seconds_count{{{labels}}} 2"),
        format!("smokejumper_probe_phase_seconds_count{{{labels},phase=\"ttfb\"}} 2"),
        "smokejumper_check_verdict{check=\"home\",service=\"web\",verdict=\"warn\"} 1".to_owned(),
        "smokejumper_check_verdict{check=\"home\",service=\"web\",verdict=\"fail\"} 0".to_owned(),
        "smokejumper_reading{check=\"home\",service=\"web\",reading=\"cert_days\"} 21.5".to_owned(),
        "smokejumper_schedule_lag_seconds_bucket{le=\"0.00025\"} 0".to_owned(),
        "smokejumper_schedule_lag_seconds_bucket{le=\"0.0005\"} 1".to_owned(),
        "smokejumper_schedule_lag_seconds_bucket{le=\"10\"} 1".to_owned(),
        "smokejumper_schedule_lag_seconds_bucket{le=\"+Inf\"} 2".to_owned(),
        "smokejumper_schedule_missed_total 3".to_owned(),
        "smokejumper_samples_lost_total 0".to_owned(),
    ] {
        assert!(
            lines.contains(&*expected),
            "{expected} is missing in:\n{text}"
        );
    }
    assert!(!text.contains("phase=\"tls\""), "what never happened");
    assert!(
        !text.contains("nobody") && !text.contains("detail"),
        "{text}"
    );
}

#[test]
fn what_is_written_is_the_text_format_and_nothing_else() {
    let text = render(&filled(), &Mask::default());
    let families = families(&text);
    assert_eq!(families.len(), 9, "{families:?}");
    assert!(
        families
            .iter()
            .all(|(name, series)| { name.starts_with("smokejumper_") && !series.is_empty() })
    );
    let quoted = &families["smokejumper_probe_total"];
    assert!(
        quoted
            .iter()
            .any(|(labels, _)| labels["check"] == "a \"quoted\\name\""),
        "names come back as they were declared: {quoted:?}"
    );
}

#[test]
fn without_checks_it_is_the_text_format_still() {
    assert_eq!(
        families(&render(&Instruments::default(), &Mask::default())).len(),
        4
    );
}

#[test]
fn of_very_many_checks_the_histograms_are_those_of_their_service() {
    let checks: Vec<CheckPlan> = (0..=MOST_WITH_HISTOGRAMS)
        .map(|number| check(&format!("c{number}")))
        .collect();
    let instruments = Instruments::of(&checks);
    for place in 0..checks.len() {
        instruments.record(place, &sample("c", 4, None));
    }
    let text = render(&instruments, &Mask::default());
    let families = families(&text);
    assert_eq!(families["smokejumper_probe_total"].len(), checks.len());
    let summed = format!(
        "smokejumper_probe_duration_seconds_count{{service=\"web\",kind=\"http\"}} {}",
        checks.len()
    );
    assert!(text.lines().any(|line| line == summed), "{summed}");
    assert!(!text.contains("_bucket{check="), "none for a check alone");
}

#[test]
fn the_last_run_goes_by_other_names_as_well_where_it_is_kept() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let instruments = Instruments::of(&[check("home")]);
    instruments.record(0, &sample("home", 4, None));
    assert!(!render(&instruments, &Mask::default()).contains("probe_success"));

    let instruments = instruments.keeping_last(&clock);
    let told = |reason| {
        let mut run = sample("home", 4, reason);
        run.readings = vec![Reading::new("chain_days", 21.5, Unit::Days)];
        instruments.record(0, &run);
        families(&render(&instruments, &Mask::default()))
    };
    let passed = told(None);
    let labels = &passed["probe_success"][0].0;
    let labels: Vec<(&str, &str)> = labels
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let expected = [
        ("check", "home"),
        ("instance", "home"),
        ("job", "web"),
        ("service", "web"),
    ];
    assert_eq!(labels, expected);
    let value = |told: &Families, name: &str| told[name][0].1;
    assert_eq!(value(&passed, "probe_success"), 1.0);
    assert_eq!(value(&passed, "probe_duration_seconds"), 0.004);
    assert_eq!(
        value(&passed, "probe_http_status_code"),
        0.0,
        "none was read"
    );
    let parts: BTreeMap<&str, f64> = passed["probe_http_duration_seconds"]
        .iter()
        .map(|(labels, value)| (&*labels["phase"], *value))
        .collect();
    let expected = [
        ("connect", 0.001),
        ("processing", 0.003),
        ("resolve", 0.0),
        ("tls", 0.0),
        ("transfer", 0.0),
    ];
    assert_eq!(parts, expected.into());
    let ends = value(&passed, "probe_ssl_earliest_cert_expiry");
    let failed = told(Some(Reason::Timeout));
    assert_eq!(value(&failed, "probe_success"), 0.0);
    assert_eq!(
        value(&failed, "probe_ssl_earliest_cert_expiry"),
        ends,
        "it is the same date"
    );
    assert!(
        passed["probe_dns_lookup_time_seconds"].is_empty(),
        "nothing was looked up"
    );
    let unknown = told(Some(Reason::Offline));
    let names = [
        "probe_success",
        "probe_duration_seconds",
        "probe_http_status_code",
    ];
    assert!(
        names.iter().all(|name| unknown[*name].is_empty()),
        "{unknown:?}"
    );
    let after = Instruments::default().for_checks(&[check("home")]);
    assert!(!after.keeps_last(), "each configuration says it anew");
}

#[test]
fn a_secret_in_a_name_is_masked_and_breaks_no_line() {
    let mask = Mask::default();
    mask.hide("hunter2hunter2");
    let instruments = Instruments::of(&[check("token-hunter2hunter2")]);
    let text = render(&instruments, &mask);
    assert!(!text.contains("hunter2"), "{text}");
    assert_eq!(families(&text)["smokejumper_probe_total"].len(), 1);
}

type Labels = BTreeMap<String, String>;
type Families = BTreeMap<String, Vec<(Labels, f64)>>;

/// Reads an exposition as strictly as its specification has it: every family announced by one HELP
/// and one TYPE, its series in one block, none twice, buckets that only grow and end with `+Inf`.
fn families(text: &str) -> Families {
    assert!(text.ends_with('\n'), "the last line ends as the others do");
    let mut families = Families::new();
    let (mut family, mut kind) = (String::new(), String::new());
    let mut seen = BTreeSet::new();
    let mut bucket: Option<(f64, f64)> = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(!words.is_empty());
            family = name.to_owned();
            let typed = lines.next().unwrap();
            let typed = typed.strip_prefix(&format!("# TYPE {name} ")).unwrap();
            assert!(
                ["counter", "gauge", "histogram"].contains(&typed),
                "{typed}"
            );
            assert_eq!(typed == "counter", name.ends_with("_total"), "{name}");
            kind = typed.to_owned();
            assert!(
                families.insert(family.clone(), Vec::new()).is_none(),
                "{name} twice"
            );
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap();
        assert!(seen.insert(series.to_owned()), "{series} is there twice");
        let (name, labels) = match series.split_once('{') {
            Some((name, rest)) => (name, labels(rest.strip_suffix('}').unwrap())),
            None => (series, Labels::new()),
        };
        let part = name.strip_prefix(&family).unwrap();
        match (kind.as_str(), part) {
            ("histogram", "_bucket") => {
                let bound = labels["le"].replace("+Inf", "inf").parse().unwrap();
                let (last_bound, last) = bucket.unwrap_or((f64::NEG_INFINITY, 0.0));
                assert!(bound > last_bound && value >= last, "{line}");
                bucket = Some((bound, value));
            }
            ("histogram", "_sum") => assert_eq!(bucket.unwrap().0, f64::INFINITY, "{line}"),
            ("histogram", "_count") => assert_eq!(bucket.take().unwrap().1, value, "{line}"),
            (_, rest) => assert_eq!(rest, "", "{line}"),
        }
        families.get_mut(&family).unwrap().push((labels, value));
    }
    families
}

/// Reads the labels of a series, with what is escaped in them.
fn labels(text: &str) -> Labels {
    let mut labels = Labels::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap();
        assert!(name.chars().all(|c| c.is_ascii_lowercase()), "{name}");
        let mut characters = value.char_indices();
        let mut read = String::new();
        let end = loop {
            match characters.next().unwrap() {
                (_, '\\') => match characters.next().unwrap().1 {
                    'n' => read.push('\n'),
                    escaped => read.push(escaped),
                },
                (at, '"') => break at,
                (_, other) => read.push(other),
            }
        };
        assert!(
            labels.insert(name.to_owned(), read).is_none(),
            "{name} twice"
        );
        rest = &value[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    labels
}
