//! What the prober counts, as Prometheus reads it (text format 0.0.4): for `/metrics`, and with
//! `--report prometheus` for the textfile collector of node_exporter.
//!
//! It is written line by line, since of very many checks it is larger than all else that is held of
//! them. What there is to tell is said by `report::metrics`. The source of the form:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::io::{self, Write};

use super::metrics::{self, Family, Form, Labels, Number, Scribe, Spread};
use crate::engine::instruments::Instruments;
use crate::secret::Mask;

/// Writes everything that was counted so far.
///
/// # Errors
/// When it cannot be written there.
pub fn write(out: &mut impl Write, instruments: &Instruments, mask: &Mask) -> io::Result<()> {
    metrics::tell(&mut Sheet { out }, instruments, mask)
}

/// What is written to.
struct Sheet<'a, W> {
    out: &'a mut W,
}

impl<W: Write> Scribe for Sheet<'_, W> {
    type Error = io::Error;

    fn begin(&mut self, family: &Family) -> io::Result<()> {
        let Family { name, help, .. } = family;
        let form = match family.form {
            Form::Counter => "counter",
            Form::Gauge => "gauge",
            Form::Histogram => "histogram",
        };
        writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {form}")
    }

    fn number(&mut self, family: &Family, labels: &Labels, number: Number) -> io::Result<()> {
        let (name, labels) = (family.name, in_braces(&written(labels)));
        match number {
            Number::Whole(number) => writeln!(self.out, "{name}{labels} {number}"),
            Number::Real(number) => writeln!(self.out, "{name}{labels} {number}"),
        }
    }

    fn spread(&mut self, family: &Family, labels: &Labels, spread: Spread<'_>) -> io::Result<()> {
        let (name, labels) = (family.name, written(labels));
        let more = if labels.is_empty() { "" } else { "," };
        let sum = spread.sum.as_secs_f64();
        let all = spread.up_to.last().copied().unwrap_or_default();
        for (bound, count) in spread.bounds.iter().zip(spread.up_to) {
            let bound = bound.as_secs_f64();
            writeln!(
                self.out,
                "{name}_bucket{{{labels}{more}le=\"{bound}\"}} {count}"
            )?;
        }
        let bare = in_braces(&labels);
        writeln!(
            self.out,
            "{name}_bucket{{{labels}{more}le=\"+Inf\"}} {all}\n\
             {name}_sum{bare} {sum}\n\
             {name}_count{bare} {all}"
        )
    }
}

fn written(labels: &Labels) -> String {
    let written = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    written.collect::<Vec<_>>().join(",")
}

fn in_braces(labels: &str) -> String {
    if labels.is_empty() {
        String::new()
    } else {
        format!("{{{labels}}}")
    }
}

/// The value of a label, as it stands between quotes.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
