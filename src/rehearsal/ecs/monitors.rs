//! ECS's own failure detection on a deployment: the circuit breaker, which counts tasks that fail,
//! and alarms. Either returns to the old revision or stops, as configured.

use super::conduct::Conduct;
use super::service::{BreakerEnd, Service, ServiceDeployment};
use super::settings::Settings;
use super::state::{Ids, Present};

/// What watches a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Monitors {
    pub(super) breaker: Monitor,
    pub(super) failures: usize,
    pub(super) alarms: Monitor,
    pub(super) triggered: Vec<String>,
}

/// How a monitor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Monitor {
    Disabled,
    Monitoring,
    Complete,
    Triggered,
}

impl Monitor {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "DISABLED",
            Self::Monitoring => "MONITORING",
            Self::Complete => "MONITORING_COMPLETE",
            Self::Triggered => "TRIGGERED",
        }
    }

    const fn when(enabled: bool) -> Self {
        if enabled {
            Self::Monitoring
        } else {
            Self::Disabled
        }
    }

    fn end(&mut self) {
        if *self == Self::Monitoring {
            *self = Self::Complete;
        }
    }
}

impl Monitors {
    /// Those of a deployment that begins. One alarm that fires already makes ECS ignore them all.
    pub(super) fn of(conduct: &Conduct, firing: &[String]) -> Self {
        let alarms = &conduct.alarms;
        let fires_already = alarms.names.iter().any(|name| firing.contains(name));
        Self {
            breaker: Monitor::when(conduct.breaker.enabled),
            failures: 0,
            alarms: Monitor::when(alarms.enabled && !alarms.names.is_empty() && !fires_already),
            triggered: Vec::new(),
        }
    }

    /// The deployment is over.
    pub(super) fn end(&mut self) {
        self.breaker.end();
        self.alarms.end();
    }
}

impl Service {
    /// A task of the primary deployment fails; enough of them trip the circuit breaker.
    pub(super) fn fail_task(&mut self, settings: &Settings, ids: &mut Ids, present: Present) {
        let desired = self.desired;
        let Some(latest) = self.watched() else {
            return;
        };
        latest.monitors.failures += 1;
        let breaker = latest.conduct.breaker;
        let is_tripped = latest.monitors.breaker == Monitor::Monitoring
            && latest.monitors.failures >= breaker.threshold(desired);
        if is_tripped {
            let end = if breaker.rolls_back {
                BreakerEnd::RollBack
            } else {
                BreakerEnd::Stop
            };
            self.trip_breaker(end, settings, ids, present);
        }
    }

    /// The circuit breaker trips, whatever is configured.
    pub(super) fn trip_breaker(
        &mut self,
        end: BreakerEnd,
        settings: &Settings,
        ids: &mut Ids,
        present: Present,
    ) {
        if let Some(latest) = self.history.last_mut() {
            latest.monitors.breaker = Monitor::Triggered;
        }
        self.give_up(end, BREAKER, settings, ids, present);
    }

    /// An alarm fires, or stops to.
    pub(super) fn set_alarm(
        &mut self,
        name: &str,
        fires: bool,
        settings: &Settings,
        ids: &mut Ids,
        present: Present,
    ) {
        self.firing.retain(|known| known != name);
        if !fires {
            return;
        }
        self.firing.push(name.to_owned());
        let Some(latest) = self.watched() else {
            return;
        };
        let alarms = &latest.conduct.alarms;
        let watches = latest.monitors.alarms == Monitor::Monitoring;
        if !watches || !alarms.names.iter().any(|known| known == name) {
            return;
        }
        let end = if alarms.roll_back {
            BreakerEnd::RollBack
        } else {
            BreakerEnd::Stop
        };
        latest.monitors.alarms = Monitor::Triggered;
        latest.monitors.triggered.push(name.to_owned());
        self.give_up(end, ALARM, settings, ids, present);
    }

    /// ECS itself gives the latest deployment up.
    fn give_up(
        &mut self,
        end: BreakerEnd,
        reason: &'static str,
        settings: &Settings,
        ids: &mut Ids,
        present: Present,
    ) {
        if let Some(latest) = self.history.last_mut() {
            latest.reason = Some(reason);
        }
        match end {
            BreakerEnd::RollBack => {
                self.begin_rollback(reason, settings, ids, present.moment, present);
            }
            BreakerEnd::Stop => self.stop(super::service::Status::Stopped, present),
        }
        self.publish();
    }

    /// The latest deployment, when it is watched still.
    fn watched(&mut self) -> Option<&mut ServiceDeployment> {
        let latest = self.history.last_mut()?;
        latest.status.is_going_on().then_some(latest)
    }
}

const BREAKER: &str =
    "Service deployment rolled back because the circuit breaker threshold was exceeded.";
const ALARM: &str = "Service deployment rolled back because an alarm was triggered.";
