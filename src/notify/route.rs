//! Who is told of what: a route, as a value. Part of the seam.

use std::sync::Arc;
use std::time::Duration;

use super::notice::{Kind, Notice, Severity};

/// A way from what happens to those who are told of it. What it does not name it does not limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub name: Arc<str>,
    /// The notifiers, by their places in the order of declaration.
    pub to: Vec<usize>,
    /// Of these services only; all where none is named.
    pub services: Vec<Arc<str>>,
    /// What is at least so severe.
    pub severity: Severity,
    /// Of these kinds only; all where none is named.
    pub events: Vec<Kind>,
    /// How often it is told again what is not over; absent for once.
    pub repeat: Option<Duration>,
}

impl Route {
    /// What holds where notifiers are declared and no routes: everything of importance, to everyone.
    #[must_use]
    pub fn to_all(notifiers: usize) -> Self {
        Self {
            name: Arc::from("default"),
            to: (0..notifiers).collect(),
            services: Vec::new(),
            severity: Severity::Warning,
            events: Vec::new(),
            repeat: None,
        }
    }

    /// Whether a notice goes this way. What concerns no service goes along routes of any service: that
    /// the store is lost, or that all rollbacks are stopped, concerns each. Who is told of failures is
    /// told that a check flaps, instead of each of them.
    #[must_use]
    pub fn leads(&self, notice: &Notice) -> bool {
        let of_service = match &notice.service {
            Some(service) if !self.services.is_empty() => self.services.contains(service),
            _ => true,
        };
        let names = |kind| self.events.contains(&kind);
        let of_kind = self.events.is_empty()
            || names(notice.kind)
            || (notice.kind == Kind::CheckFlapping && names(Kind::CheckFailing));
        of_service && of_kind && notice.severity >= self.severity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_leads_only_what_it_names() {
        let all = Route::to_all(1);
        let of_api = Route {
            services: vec![Arc::from("api")],
            ..all.clone()
        };
        let rollbacks = Route {
            events: vec![Kind::RollbackEnded],
            ..all.clone()
        };
        let critical = Route {
            severity: Severity::Critical,
            ..all.clone()
        };
        let cases = [
            (&all, Kind::Held, Severity::Warning, Some("api"), true),
            (&all, Kind::WindowOpened, Severity::Info, Some("api"), false),
            (&of_api, Kind::Held, Severity::Warning, Some("web"), false),
            (&of_api, Kind::Held, Severity::Warning, Some("api"), true),
            (&of_api, Kind::StoreInTrouble, Severity::Warning, None, true),
            (
                &rollbacks,
                Kind::Held,
                Severity::Critical,
                Some("api"),
                false,
            ),
            (
                &rollbacks,
                Kind::RollbackEnded,
                Severity::Critical,
                None,
                true,
            ),
            (&critical, Kind::Held, Severity::Warning, Some("api"), false),
            (&critical, Kind::Held, Severity::Critical, Some("api"), true),
        ];
        for (route, kind, severity, service, leads) in cases {
            let mut notice = Notice::new(kind, severity, "subject", "headline");
            notice.service = service.map(Arc::from);
            assert_eq!(
                route.leads(&notice),
                leads,
                "{kind:?} {severity:?} {service:?}"
            );
        }
    }
}
