//! Faults on order: what an operation answers instead of doing its work.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::control::Control;

/// What goes wrong.
pub enum Fault {
    /// 400 `ThrottlingException`; nothing is done.
    Throttle,
    /// 500 `ServerException`; nothing is done.
    ServerError,
    /// 500 with an HTML page, as from a proxy; nothing is done.
    Html,
    /// 400 `InvalidAction`, as from a server that does not know the operation.
    InvalidAction,
    /// 400 `AccessDeniedException`; nothing is done.
    AccessDenied,
    /// No answer until the client gives up; nothing is done.
    Hang,
    /// The work is done, and the answer never comes.
    DoneThenHang,
    /// The connection is closed without an answer; nothing is done.
    Reset,
    /// The work is done, and the connection is closed without an answer.
    DoneThenReset,
    /// The work is done at once, and the answer comes after this span of real time.
    Slow(Duration),
    /// A read answers with the state from before the last change, as far as [`super::Lag`] lets it
    /// be remembered.
    Stale,
    /// 400 with this error code; nothing is done.
    Refuse(&'static str),
    /// The work is done, and the answer is changed: it lies, or shows what was before.
    Altered(Alteration),
    /// Something else happens first, then the operation does its work as usual.
    Meanwhile(Box<dyn FnOnce(&Control) + Send>),
}

/// A change of an answer.
pub type Alteration = Arc<dyn Fn(&mut Value) + Send + Sync>;

impl Fault {
    /// An answer that is changed before it is sent.
    pub fn altered(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::Altered(Arc::new(change))
    }

    /// The name, as in the audit log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::ServerError => "server error",
            Self::Html => "html",
            Self::InvalidAction => "invalid action",
            Self::AccessDenied => "access denied",
            Self::Hang => "hang",
            Self::DoneThenHang => "done, then hang",
            Self::Reset => "reset",
            Self::DoneThenReset => "done, then reset",
            Self::Slow(_) => "slow",
            Self::Stale => "stale",
            Self::Refuse(_) => "refuse",
            Self::Altered(_) => "altered",
            Self::Meanwhile(_) => "meanwhile",
        }
    }

    /// The same fault again; what happens meanwhile happens once.
    fn again(&self) -> Option<Self> {
        match self {
            Self::Throttle => Some(Self::Throttle),
            Self::ServerError => Some(Self::ServerError),
            Self::Html => Some(Self::Html),
            Self::InvalidAction => Some(Self::InvalidAction),
            Self::AccessDenied => Some(Self::AccessDenied),
            Self::Hang => Some(Self::Hang),
            Self::DoneThenHang => Some(Self::DoneThenHang),
            Self::Reset => Some(Self::Reset),
            Self::DoneThenReset => Some(Self::DoneThenReset),
            Self::Slow(span) => Some(Self::Slow(*span)),
            Self::Stale => Some(Self::Stale),
            Self::Refuse(code) => Some(Self::Refuse(code)),
            Self::Altered(change) => Some(Self::Altered(Arc::clone(change))),
            Self::Meanwhile(_) => None,
        }
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// At the next calls, so many.
    Next(u32),
    /// At every call.
    Always,
}

/// The faults that are ordered, by operation; of several for one operation the first strikes first.
#[derive(Debug, Default)]
pub(super) struct Faults(HashMap<String, Vec<(Fault, Times)>>);

impl Faults {
    pub(super) fn order(&mut self, operation: &str, fault: Fault, times: Times) {
        self.0
            .entry(operation.to_owned())
            .or_default()
            .push((fault, times));
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that strikes this call, if any.
    pub(super) fn strike(&mut self, operation: &str) -> Option<Fault> {
        let ordered = self.0.get_mut(operation)?;
        let (fault, times) = ordered.first_mut()?;
        let left = match times {
            Times::Always => return fault.again(),
            Times::Next(left) => left,
        };
        *left = left.saturating_sub(1);
        if *left > 0 {
            return fault.again();
        }
        Some(ordered.remove(0).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_as_often_as_ordered_and_in_order() {
        let mut faults = Faults::default();
        faults.order("UpdateService", Fault::Throttle, Times::Next(2));
        faults.order("UpdateService", Fault::ServerError, Times::Always);
        let struck: Vec<_> = (0..4)
            .filter_map(|_| faults.strike("UpdateService"))
            .map(|fault| fault.name())
            .collect();
        assert_eq!(
            struck,
            ["throttle", "throttle", "server error", "server error"]
        );
        assert!(faults.strike("DescribeServices").is_none());
    }
}
