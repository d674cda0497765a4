//! The instruments as OTLP has them: cumulative sums, gauges and histograms with explicit bounds, under
//! the names that `/metrics` has.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::resource;
use crate::clock::WallTime;
use crate::engine::instruments::Instruments;
use crate::report::metrics::{self, Family, Form, Labels, Number, Scribe, Spread};
use crate::secret::Mask;

/// How many points go in one message: one of a histogram has some half a kilobyte, and collectors take
/// four megabytes.
const MOST_POINTS: usize = 4_000;

/// What all messages of one export share.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Who speaks.
    pub resource: Resource,
    /// Since when it is counted.
    pub since: WallTime,
    /// When it was looked.
    pub now: WallTime,
}

/// Nobody wants the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unwanted;

/// Tells everything that was counted, in messages that collectors take, one after the other: of very many
/// checks all of them together would be larger than all else that is held of them.
///
/// # Errors
/// When `out` wants no more of them.
pub(super) fn tell<F>(
    instruments: &Instruments,
    mask: &Mask,
    frame: &Frame,
    out: F,
) -> Result<(), Unwanted>
where
    F: FnMut(ExportMetricsServiceRequest) -> Result<(), Unwanted>,
{
    let mut sheet = Sheet {
        frame,
        metrics: Vec::new(),
        points: 0,
        out,
    };
    metrics::tell(&mut sheet, instruments, mask)?;
    sheet.send()
}

/// Wall time as OTLP has it.
pub(super) fn nanoseconds(at: WallTime) -> u64 {
    u64::try_from(at.unix().as_nanos()).unwrap_or(u64::MAX)
}

fn has_points(metric: &Metric) -> bool {
    match &metric.data {
        Some(metric::Data::Gauge(gauge)) => !gauge.data_points.is_empty(),
        Some(metric::Data::Sum(sum)) => !sum.data_points.is_empty(),
        Some(metric::Data::Histogram(histogram)) => !histogram.data_points.is_empty(),
        _ => false,
    }
}

struct Sheet<'a, F> {
    frame: &'a Frame,
    metrics: Vec<Metric>,
    points: usize,
    out: F,
}

impl<F> Sheet<'_, F>
where
    F: FnMut(ExportMetricsServiceRequest) -> Result<(), Unwanted>,
{
    fn send(&mut self) -> Result<(), Unwanted> {
        let mut metrics = std::mem::take(&mut self.metrics);
        self.points = 0;
        // A family without a series is no metric.
        metrics.retain(has_points);
        if metrics.is_empty() {
            return Ok(());
        }
        (self.out)(ExportMetricsServiceRequest {
            resource_metrics: vec![ResourceMetrics {
                resource: Some(self.frame.resource.clone()),
                scope_metrics: vec![ScopeMetrics {
                    scope: Some(resource::scope()),
                    metrics,
                    ..ScopeMetrics::default()
                }],
                ..ResourceMetrics::default()
            }],
        })
    }

    /// Room for one more point of a family, in a message of its own where this one is full.
    fn room(&mut self, family: &Family) -> Result<Option<&mut metric::Data>, Unwanted> {
        if self.points == MOST_POINTS {
            self.send()?;
            self.begin(family)?;
        }
        self.points += 1;
        Ok(self.metrics.last_mut().and_then(|one| one.data.as_mut()))
    }
}

impl<F> Scribe for Sheet<'_, F>
where
    F: FnMut(ExportMetricsServiceRequest) -> Result<(), Unwanted>,
{
    type Error = Unwanted;

    fn begin(&mut self, family: &Family) -> Result<(), Unwanted> {
        let data = match family.form {
            Form::Gauge => metric::Data::Gauge(Gauge::default()),
            Form::Counter => metric::Data::Sum(Sum {
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
                is_monotonic: true,
                ..Sum::default()
            }),
            Form::Histogram => metric::Data::Histogram(Histogram {
                aggregation_temporality: AggregationTemporality::Cumulative.into(),
                ..Histogram::default()
            }),
        };
        let unit = if family.name.ends_with("_seconds") {
            "s"
        } else {
            ""
        };
        self.metrics.push(Metric {
            name: family.name.to_owned(),
            description: family.help.to_owned(),
            unit: unit.to_owned(),
            data: Some(data),
            ..Metric::default()
        });
        Ok(())
    }

    fn number(&mut self, family: &Family, labels: &Labels, number: Number) -> Result<(), Unwanted> {
        let value = match number {
            Number::Whole(number) => {
                number_data_point::Value::AsInt(i64::try_from(number).unwrap_or(i64::MAX))
            }
            Number::Real(number) => number_data_point::Value::AsDouble(number),
        };
        let point = NumberDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: nanoseconds(self.frame.since),
            time_unix_nano: nanoseconds(self.frame.now),
            value: Some(value),
            ..NumberDataPoint::default()
        };
        match self.room(family)? {
            Some(metric::Data::Gauge(gauge)) => gauge.data_points.push(point),
            Some(metric::Data::Sum(sum)) => sum.data_points.push(point),
            _ => {}
        }
        Ok(())
    }

    fn spread(
        &mut self,
        family: &Family,
        labels: &Labels,
        spread: Spread<'_>,
    ) -> Result<(), Unwanted> {
        let before = std::iter::once(&0).chain(spread.up_to);
        let counts = spread.up_to.iter().zip(before);
        let point = HistogramDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: nanoseconds(self.frame.since),
            time_unix_nano: nanoseconds(self.frame.now),
            count: spread.up_to.last().copied().unwrap_or_default(),
            sum: Some(spread.sum.as_secs_f64()),
            // Those between two bounds, where the text format has those up to each.
            bucket_counts: counts.map(|(up_to, before)| up_to - before).collect(),
            explicit_bounds: spread.bounds.iter().map(|one| one.as_secs_f64()).collect(),
            ..HistogramDataPoint::default()
        };
        if let Some(metric::Data::Histogram(histogram)) = self.room(family)? {
            histogram.data_points.push(point);
        }
        Ok(())
    }
}

fn attributes(labels: &Labels) -> Vec<KeyValue> {
    let labels = labels.iter();
    labels
        .map(|(name, value)| resource::text(name, value))
        .collect()
}
