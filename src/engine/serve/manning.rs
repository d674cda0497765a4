//! Stations come and go: one for each service that is declared. A service that is not declared any more
//! keeps its station until its window is over, and gets it back when it is declared again; a station that
//! ended by a fault of its own is told of and begins anew.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use super::adding;
use super::board::ServiceBoard;
use super::daemon::{Daemon, Share};
use super::happenings::{News, Severity};
use super::live::WindowState;
use super::maintained::Advice;
use super::outfit::Declared;
use super::station::{Post, Seen, Station};
use super::told::{Assigned, Told};
use crate::clock::Moment;
use crate::engine::desk::Counsel;
use crate::engine::instruments::Instruments;
use crate::plan::{CheckPlan, ServicePlan};

/// How many orders may wait at one station.
const ORDERS: usize = 64;
/// A station that ended by a fault of its own begins anew no sooner than this after the one before did.
const BEGINS_ANEW_EVERY: Duration = Duration::from_secs(30);

/// A station that is manned.
pub(super) struct Manned {
    pub(super) service: ServicePlan,
    pub(super) declared: Vec<Declared>,
    pub(super) told: mpsc::Sender<Told>,
    pub(super) seen: watch::Sender<Seen>,
    pub(super) board: Arc<ServiceBoard>,
    pub(super) task: AbortOnDropHandle<()>,
}

impl Daemon {
    /// Mans a service, anew where nothing is known of it.
    pub(super) fn man(
        &mut self,
        service: &ServicePlan,
        share: Share,
        known: Option<Manned>,
        counted: Instruments,
    ) {
        let now = self.outfit.context.clock.wall();
        let declared: Vec<Declared> = share.iter().map(|(_, declared)| declared.clone()).collect();
        let is_as_before = |known: &Manned| known.declared == declared;
        let Some(known) = known.filter(|known| !known.told.is_closed()) else {
            let (checks, pulses) = adding::merge(share, None, now).into_iter().unzip();
            let board = Arc::new(ServiceBoard::new(service.clone(), pulses));
            let assigned = self.assigned(service, checks, &board, counted);
            let manned = self.send_out(assigned, declared);
            return self.manned.push(manned);
        };
        if known.told.capacity() == 0 {
            let name = &service.name;
            let text = format!("{name} is too busy to be declared anew: reload again");
            let news = News::new("warned", Severity::Warning, text);
            self.herald.tell(news.of(name));
            return self.manned.push(known);
        }
        known.board.declared(service);
        let told = if is_as_before(&known) {
            Told::Service(
                Box::new(service.clone()),
                self.outfit.context.control.clone(),
            )
        } else {
            let (checks, pulses) = adding::merge(share, Some(&known), now).into_iter().unzip();
            let board = Arc::new(known.board.succeeded_by(pulses));
            Told::Declared(Box::new(self.assigned(service, checks, &board, counted)))
        };
        let board = match &told {
            Told::Declared(assigned) => Arc::clone(&assigned.board),
            _ => Arc::clone(&known.board),
        };
        // There was room, and nobody else sends; a station that has ended since begins anew.
        known.told.try_send(told).unwrap_or_default();
        self.manned.push(Manned {
            service: service.clone(),
            declared,
            board,
            ..known
        });
    }

    /// Tells those that are not declared any more; they are kept until their windows are over.
    pub(super) fn retire(&mut self, gone: impl Iterator<Item = Manned>) {
        for one in gone {
            if one.told.try_send(Told::Retired).is_ok() {
                self.retired.push(one);
            } else {
                // Too busy to be told: that nobody tells it anything any more says the same.
                self.leaving.push(one.task);
            }
        }
    }

    /// Lets those go whose windows are over, and sees to those that ended by a fault of their own.
    pub(super) fn review_stations(&mut self) {
        let (kept, over): (Vec<_>, Vec<_>) = std::mem::take(&mut self.retired)
            .into_iter()
            .partition(|one| one.board.is_open() && !one.task.is_finished());
        self.retired = kept;
        if !over.is_empty() {
            self.let_go();
        }
        // Each ends by itself, after what it has under way.
        self.leaving.extend(over.into_iter().map(|one| one.task));
        self.leaving.retain(|task| !task.is_finished());
        let now = self.outfit.context.clock.now();
        let is_dead = |one: &Manned| one.task.is_finished();
        if self
            .revived_last
            .is_some_and(|at: Moment| now.since(at) < BEGINS_ANEW_EVERY)
            || self.outfit.context.stop.is_cancelled()
            || !self.manned.iter().any(is_dead)
        {
            return;
        }
        self.revived_last = Some(now);
        for place in 0..self.manned.len() {
            if self.manned[place].task.is_finished() {
                self.revive(place);
            }
        }
        self.look_out();
    }

    /// Mans a station again. What it had under way is in the journal, and is gone on with from there.
    fn revive(&mut self, place: usize) {
        let dead = &self.manned[place];
        let (service, board) = (dead.service.clone(), Arc::clone(&dead.board));
        let declared = dead.declared.clone();
        let name = Arc::clone(&service.name);
        let text = format!(
            "what looked after {name} ended by a fault of its own: this is a bug; it begins anew"
        );
        let news = News::new("warned", Severity::Critical, text);
        self.herald.tell(news.of(&name));
        board.close();
        if let Some(meter) = self.outfit.context.instruments.service(&name) {
            meter.is(WindowState::Closed);
        }
        let mut counted = self.outfit.context.instruments.by_service();
        let counted = counted.remove(&*name).unwrap_or_default();
        let assigned = self.assigned(&service, board.plans(), &board, counted);
        self.manned[place] = self.send_out(assigned, declared);
    }

    fn assigned(
        &self,
        service: &ServicePlan,
        checks: Vec<CheckPlan>,
        board: &Arc<ServiceBoard>,
        instruments: Instruments,
    ) -> Assigned {
        Assigned {
            service: service.clone(),
            checks,
            board: Arc::clone(board),
            instruments: Arc::new(instruments),
            control: self.outfit.context.control.clone(),
        }
    }

    fn send_out(&self, assigned: Assigned, declared: Vec<Declared>) -> Manned {
        let (told, orders) = mpsc::channel(ORDERS);
        let (seen, sightings) = watch::channel(None);
        let advice = Advice {
            silencing: self.silencing.clone(),
            others: Arc::clone(&self.common_cause) as Arc<dyn Counsel>,
        };
        let post = Post {
            outfit: self.outfit.clone(),
            herald: self.herald.clone(),
            silencing: self.silencing.clone(),
            counsel: Some(Arc::new(advice)),
            told: orders,
            seen: sightings,
        };
        let (service, board) = (assigned.service.clone(), Arc::clone(&assigned.board));
        let station = Station::new(post, assigned);
        Manned {
            service,
            declared,
            told,
            seen,
            board,
            task: AbortOnDropHandle::new(tokio::spawn(station.run())),
        }
    }
}
