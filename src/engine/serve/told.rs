//! What the daemon tells a station: orders, and that its service is declared otherwise, or not any more.

use std::sync::Arc;

use super::board::ServiceBoard;
use super::handle::Ordered;
use super::monitor::Roll;
use super::station::Station;
use crate::engine::control::Control;
use crate::engine::instruments::Instruments;
use crate::plan::{CheckPlan, ServicePlan};
use crate::store::history::StoredWindow;

/// What a station is told.
pub(super) enum Told {
    /// A person orders something about its service; with the window that it names, where that is over.
    Order(Ordered, Option<Box<StoredWindow>>),
    /// Its service is declared otherwise, with the same checks.
    Service(Box<ServicePlan>, Control),
    /// Its service has other checks by now.
    Declared(Box<Assigned>),
    /// Its service is not declared any more: nothing new is begun. It may be declared again.
    Retired,
}

/// What a station looks after.
#[derive(Debug)]
pub(super) struct Assigned {
    pub(super) service: ServicePlan,
    pub(super) checks: Vec<CheckPlan>,
    pub(super) board: Arc<ServiceBoard>,
    /// What is counted of the checks, by their places here.
    pub(super) instruments: Arc<Instruments>,
    /// Whether we ourselves can reach anything.
    pub(super) control: Control,
}

impl Station {
    pub(super) fn take(&mut self, told: Told) {
        match told {
            Told::Order(ordered, closed) => self.order(ordered, closed.map(|one| *one)),
            Told::Service(service, control) => {
                self.post.outfit.context.control = control;
                self.declared(*service);
            }
            Told::Declared(assigned) => {
                let Assigned {
                    service,
                    checks,
                    board,
                    instruments,
                    control,
                } = *assigned;
                self.roll = Roll::new(&service.name, &checks, &board);
                self.checks = checks;
                self.board = board;
                self.post.outfit.context.instruments = instruments;
                self.post.outfit.context.control = control;
                self.declared(service);
                self.probe();
            }
            Told::Retired => {
                self.is_retired = true;
                self.probe();
            }
        }
    }

    /// Its service is declared otherwise. An open window goes on under what it was opened with.
    fn declared(&mut self, service: ServicePlan) {
        if service.platform != self.service.platform {
            self.target = None;
            self.settled = None;
            self.first_since = Some(self.post.outfit.context.clock.wall());
            self.takes_over = true;
        }
        self.service = service;
        if std::mem::take(&mut self.is_retired) {
            self.go_on();
        }
    }
}
