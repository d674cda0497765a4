//! What a real `serve` sends to a collector: the same as `/metrics` says, and the runs that failed.

use std::collections::{BTreeMap, BTreeSet};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;

use super::collector::{Answers, Collector, attribute, metrics, resource};
use crate::cli::page::page;
use crate::cli::program::Program;
use crate::cli::serve::Serving;

/// The value of the header; no output may hold it.
const CANARY: &str = "canary-of-the-collector";

fn configuration(sample: &str) -> String {
    format!(
        r#"
services: {{ web: {{}} }}
checks:
  works: {{ http: {{ url: "${{WEB_URL}}/works", traceparent: true }}, every: 500ms, timeout: 490ms }}
  broken:
    http: {{ url: "${{WEB_URL}}/broken", traceparent: true, expect: {{ status: 418 }} }}
    every: 500ms
    timeout: 490ms
server: {{ listen: "127.0.0.1:0" }}
telemetry:
  otlp: {{ endpoint: "${{COLLECTOR}}", every: 1s, headers: {{ authorization: "Bearer ${{OTLP_TOKEN}}" }} }}
  traces: {{ sample: {sample} }}
"#
    )
}

/// One series, as text: its metric and its labels.
type Series = BTreeMap<String, f64>;

/// The series of `/metrics`, each with its value; bounds of histograms are labels.
fn scraped(text: &str) -> Series {
    let body = text.split_once("\r\n\r\n").map_or(text, |(_, body)| body);
    let lines = body.lines().filter(|line| line.starts_with("smokejumper_"));
    let series = lines.map(|line| {
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.trim_end_matches('}').split(',');
        let labels: BTreeSet<&str> = labels.filter(|label| !label.is_empty()).collect();
        (keyed(name, &labels), value.parse().expect("a number"))
    });
    series.collect()
}

fn keyed<T: AsRef<str>>(name: &str, labels: &BTreeSet<T>) -> String {
    let labels: Vec<&str> = labels.iter().map(AsRef::as_ref).collect();
    format!("{name}{{{}}}", labels.join(","))
}

/// The same of a message.
fn sent(request: &ExportMetricsServiceRequest) -> Series {
    let mut series = Series::new();
    for metric in metrics(request) {
        let name = &metric.name;
        let mut put = |suffix: &str, labels: &BTreeSet<String>, value: f64| {
            let key = keyed(&format!("{name}{suffix}"), labels);
            assert!(series.insert(key, value).is_none(), "{name} twice");
        };
        let points = match metric.data.as_ref().expect("data") {
            Data::Sum(sum) => {
                assert!(
                    sum.is_monotonic && sum.aggregation_temporality == 2,
                    "{name}"
                );
                &sum.data_points
            }
            Data::Gauge(gauge) => &gauge.data_points,
            Data::Histogram(histogram) => {
                assert_eq!(histogram.aggregation_temporality, 2, "{name} is cumulative");
                for point in &histogram.data_points {
                    let labels = labels(&point.attributes);
                    let mut all = 0;
                    let bounds = point.explicit_bounds.iter().map(f64::to_string);
                    let bounds = bounds.chain(["+Inf".to_owned()]);
                    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
                    for (bound, count) in bounds.zip(&point.bucket_counts) {
                        all += count;
                        let mut labels = labels.clone();
                        labels.insert(format!("le=\"{bound}\""));
                        put("_bucket", &labels, all as f64);
                    }
                    assert_eq!(all, point.count, "{name}");
                    put("_count", &labels, all as f64);
                    put("_sum", &labels, point.sum.expect("a sum"));
                }
                continue;
            }
            other => panic!("{name} is {other:?}"),
        };
        for point in points {
            let value = match point.value.expect("a value") {
                Value::AsInt(whole) => whole as f64,
                Value::AsDouble(real) => real,
            };
            put("", &labels(&point.attributes), value);
        }
    }
    series
}

fn labels(attributes: &[KeyValue]) -> BTreeSet<String> {
    let text = |one: &KeyValue| attribute(attributes, &one.key).expect("a text");
    let labels = attributes.iter();
    labels
        .map(|one| format!("{}=\"{}\"", one.key, text(one)))
        .collect()
}

/// Whether a series only grows.
fn grows(series: &str) -> bool {
    let name = series.split('{').next().expect("a name");
    ["_total", "_bucket", "_count", "_sum"]
        .iter()
        .any(|end| name.ends_with(end))
}

async fn assert_same_as_scraped(serving: &Serving, collector: &Collector) {
    // What fails first is known when the first of both is taken.
    collector.until(|it| it.metrics.len() > 2).await;
    let before = scraped(&serving.asked("/metrics").await);
    let so_far = collector.received(|it| it.metrics.len());
    // One may have begun before it was scraped; the next has not.
    collector.until(|it| it.metrics.len() > so_far + 1).await;
    let sent = collector.received(|it| sent(&it.metrics[so_far + 1]));
    let after = scraped(&serving.asked("/metrics").await);
    let names = |series: &Series| series.keys().cloned().collect::<BTreeSet<_>>();
    assert!(
        names(&before).is_subset(&names(&sent)),
        "{before:?}\n{sent:?}"
    );
    assert!(
        names(&sent).is_subset(&names(&after)),
        "{sent:?}\n{after:?}"
    );
    for (series, value) in sent.iter().filter(|(series, _)| grows(series)) {
        // Of a float that was written and read again, the last digit.
        let close = 1e-9;
        let (least, most) = (
            before.get(series).copied().unwrap_or_default(),
            after[series],
        );
        assert!(
            least <= value + close && *value <= most + close,
            "{series}: {least}, {value}, {most}"
        );
    }
    let counted = |series: &Series| series.values().sum::<f64>();
    assert!(
        counted(&after) > counted(&before),
        "it is not the same forever"
    );
}

fn assert_one_process_speaks(collector: &Collector) {
    collector.received(|it| {
        let speaks = resource(&it.metrics[0]);
        let text = |key| attribute(&speaks.attributes, key).expect(key);
        assert_eq!(text("service.name"), "smokejumper");
        assert_eq!(text("service.version"), env!("CARGO_PKG_VERSION"));
        assert!(!text("service.instance.id").is_empty());
        assert!(it.metrics.iter().all(|one| resource(one) == speaks));
        let spans = it.traces.iter().flat_map(|one| &one.resource_spans);
        assert!(spans.clone().count() > 0);
        assert!(
            spans
                .clone()
                .all(|one| one.resource.as_ref() == Some(speaks))
        );
        for metric in metrics(&it.metrics[0]) {
            let is_time = metric.name.ends_with("_seconds");
            assert_eq!(metric.unit == "s", is_time, "{}", metric.name);
            assert!(!metric.description.is_empty(), "{}", metric.name);
        }
    });
}

/// Start and end of the counting of each message: one beginning, later and later ends.
fn assert_times_go_on(collector: &Collector) {
    let times = collector.received(|it| {
        let lag = |one: &ExportMetricsServiceRequest| {
            let all = metrics(one);
            let lag = all
                .iter()
                .find(|it| it.name == "smokejumper_schedule_lag_seconds");
            let Some(Data::Histogram(lag)) = lag.and_then(|it| it.data.as_ref()) else {
                panic!("{one:?}");
            };
            let point = &lag.data_points[0];
            (point.start_time_unix_nano, point.time_unix_nano)
        };
        it.metrics.iter().map(lag).collect::<Vec<_>>()
    });
    assert!(
        times
            .iter()
            .all(|(from, to)| *from == times[0].0 && from < to),
        "{times:?}"
    );
    assert!(times.is_sorted_by(|one, next| one.1 < next.1), "{times:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_hears_what_prometheus_scrapes_and_of_each_run_that_failed() {
    let (web, collector) = (
        page("200 OK", "ok").await,
        Collector::start(Answers::Well).await,
    );
    let program = Program::with(&configuration("0%"))
        .env("WEB_URL", &web.url(""))
        .env("COLLECTOR", &collector.url())
        .env("OTLP_TOKEN", CANARY)
        .env("SMOKEJUMPER_LOG", "debug");
    let serving = Serving::start(&program);
    serving.until_told("watching 1 service with 2 checks").await;
    assert_same_as_scraped(&serving, &collector).await;
    collector.until(|it| !it.traces.is_empty()).await;
    assert_one_process_speaks(&collector);
    assert_times_go_on(&collector);
    let authorization = collector.received(|it| it.head["authorization"].clone());
    assert_eq!(authorization, format!("Bearer {CANARY}").as_str());

    let seen_by_the_page: BTreeMap<String, String> = web
        .asked()
        .iter()
        .map(|asked| {
            let parent = asked.header("traceparent").expect("traceparent");
            let parts: Vec<&str> = parent.split('-').collect();
            assert_eq!(
                (parts.len(), parts[0], parts[3]),
                (4, "00", "00"),
                "{parent}"
            );
            (
                format!("{}-{}", parts[1], parts[2]),
                asked.path().to_owned(),
            )
        })
        .collect();
    let hexadecimal = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let spans = collector.spans();
    assert!(spans.iter().any(|span| span.name == "probe broken"));
    for span in &spans {
        let status = span.status.as_ref().expect("a status");
        assert_eq!(status.code, 2, "what passes is not sampled: {span:?}");
    }
    for span in spans.iter().filter(|span| span.name == "probe broken") {
        let name = format!(
            "{}-{}",
            hexadecimal(&span.trace_id),
            hexadecimal(&span.span_id)
        );
        assert_eq!(
            seen_by_the_page.get(&name).map(String::as_str),
            Some("/broken")
        );
        assert!(span.end_time_unix_nano > span.start_time_unix_nano);
        let reason = attribute(&span.attributes, "smokejumper.reason");
        let phases: Vec<&str> = span.events.iter().map(|event| &*event.name).collect();
        assert!(
            reason.as_deref() != Some("status") || phases.contains(&"ttfb"),
            "{span:?}"
        );
    }
    let told = serving.told();
    assert!(!told.contains(CANARY), "{told}");
    let trace = hexadecimal(&spans[0].trace_id);
    assert!(
        told.contains(&format!("trace_id=\"{trace}\"")),
        "{trace}: {told}"
    );
    serving.signal("-TERM");
    assert_eq!(serving.ended().await, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_pass_are_spans_as_well_where_they_are_sampled() {
    let (web, collector) = (
        page("200 OK", "ok").await,
        Collector::start(Answers::Well).await,
    );
    let program = Program::with(&configuration("100%"))
        .env("WEB_URL", &web.url(""))
        .env("COLLECTOR", &collector.url())
        .env("OTLP_TOKEN", CANARY);
    let serving = Serving::start(&program);
    serving.until_told("watching").await;
    collector.until(|it| !it.traces.is_empty()).await;
    let names: BTreeSet<String> = collector.spans().into_iter().map(|one| one.name).collect();
    let both = ["probe broken", "probe works"].map(str::to_owned);
    assert_eq!(names, both.into_iter().collect());
    let parents = web.asked();
    let sampled = |parent: &str| parent.ends_with("-01");
    assert!(
        parents
            .iter()
            .all(|asked| asked.header("traceparent").is_some_and(sampled))
    );
    // What was not sent yet is sent at the end.
    let so_far = collector.received(|it| (it.metrics.len(), it.traces.len()));
    serving.signal("-TERM");
    assert_eq!(serving.ended().await, 143);
    let at_the_end = collector.received(|it| (it.metrics.len(), it.traces.len()));
    assert!(
        at_the_end.0 > so_far.0 && at_the_end.1 >= so_far.1,
        "{so_far:?}, {at_the_end:?}"
    );
}
