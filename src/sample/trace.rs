//! By which name one run can be found in a tracing system: what is sent to the service that is probed,
//! so that its own spans hang below ours.

use serde::{Deserialize, Serialize};

/// The names of one run: of the trace that it begins and of its span, as in the W3C's Trace Context
/// (<https://www.w3.org/TR/trace-context/>, version 00). Neither is ever zero, which would be no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trace {
    trace: u128,
    span: u64,
    /// Whether somebody is to keep it, so that services keep their own part as well.
    pub sampled: bool,
}

impl Trace {
    /// Names a run by 16 and 8 random bytes.
    #[must_use]
    pub const fn new(trace: u128, span: u64, sampled: bool) -> Self {
        let trace = if trace == 0 { 1 } else { trace };
        let span = if span == 0 { 1 } else { span };
        Self {
            trace,
            span,
            sampled,
        }
    }

    /// The name of the trace, in the order of the wire.
    #[must_use]
    pub const fn trace_id(&self) -> [u8; 16] {
        self.trace.to_be_bytes()
    }

    /// The name of the span, in the order of the wire.
    #[must_use]
    pub const fn span_id(&self) -> [u8; 8] {
        self.span.to_be_bytes()
    }

    /// The name of the trace as people paste it: 32 hexadecimal digits.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The header `traceparent`.
    #[must_use]
    pub fn traceparent(&self) -> String {
        let flags = u8::from(self.sampled);
        format!("00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_the_form_of_version_00() {
        let trace = Trace::new(
            0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736,
            0xf0_67aa_0ba9_02b7,
            true,
        );
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(trace.traceparent(), header);
        let unsampled = Trace {
            sampled: false,
            ..trace
        };
        assert_eq!(unsampled.traceparent().rsplit('-').next(), Some("00"));
        assert_eq!(trace.text(), header[3..35]);
    }

    #[test]
    fn no_name_is_zero() {
        let trace = Trace::new(0, 0, false);
        assert_ne!(trace.trace_id(), [0; 16]);
        assert_ne!(trace.span_id(), [0; 8]);
    }
}
