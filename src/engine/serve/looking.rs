//! Looking into what the lookout saw from afar, at the station whose service it is: in a task, so that
//! a platform that hangs holds up neither the monitor nor an order.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::handle::{Done, Refused, Whose};
use super::happenings::{News, Severity};
use super::ordered::{self, Answer};
use super::sighted::{self, Found, Looking, Sighted};
use super::station::Station;
use crate::clock::Moment;
use crate::deploy::{DeployError, DeploymentTarget};
use crate::deployment::{Deployment, Selector, Sighting};

/// What a look has found.
pub(super) struct Looked {
    mark: Option<String>,
    target: Option<Arc<dyn DeploymentTarget>>,
    found: Result<Found, DeployError>,
}

/// What a look came to; nothing where it ended by a fault of its own.
pub(super) type Look = Option<Box<Looked>>;

/// A person who waits for a look to be over: their name, the deployment, and where the answer goes.
pub(super) type Waiting = (Whose, Option<String>, Answer);

/// A platform that could not be asked is asked again after this, and then after twice as long each time.
const AGAIN_AFTER: Duration = Duration::from_secs(20);
/// From then on it is no longer doubled: it would be the longest by far.
const MOST_DOUBLED: u32 = 8;
/// But so often at least.
const AGAIN_AT_LATEST: Duration = Duration::from_secs(320);

/// A platform that does not answer for a moment is no reason to wake anybody.
const BLINK: Duration = Duration::from_secs(120);

/// That deployments cannot be seen.
pub(super) struct Unseen {
    since: Moment,
    was_told: bool,
    /// Whether looking from afar came to nothing, which may end without anything to look into.
    is_afar: bool,
}

impl Station {
    /// Looks into what the lookout saw, where that is new.
    pub(super) fn look(&mut self) {
        let context = &self.post.outfit.context;
        if context.clock.now() >= self.not_before {
            self.not_before = Moment::ORIGIN;
        }
        let seen = self.post.seen.borrow_and_update().clone();
        let sighting = match seen {
            None => return,
            Some(Err(why)) => return self.cannot_see(&why, true),
            Some(Ok(sighting)) => sighting,
        };
        // Nobody was told: what comes next begins anew.
        self.unseen.take_if(|one| one.is_afar && !one.was_told);
        self.board.sees(sighting.revision.clone());
        let is_known = self.settled.as_ref() == Some(&sighting.mark);
        if is_known || self.window.is_some() || self.by_hand.is_some() {
            // Nothing is to be looked into: that the platform answers is all there is to know.
            self.sees();
        }
        let is_busy = self.window.is_some() || self.is_busy() || self.is_retired;
        if is_known || is_busy || self.not_before > Moment::ORIGIN {
            return;
        }
        let asks_own = self.asks_own_task;
        let own = self.post.outfit.own_task.clone().filter(|_| asks_own);
        let selector = own.map_or(Selector::Current, Selector::Own);
        self.looking = Some(self.find_out(selector, Some(sighting)));
    }

    /// Looks for a deployment that a person wants a window over.
    pub(super) fn look_for(&mut self, selector: Selector, answer: Answer) {
        self.asked = Some(answer);
        self.looking = Some(self.find_out(selector, None));
    }

    fn find_out(
        &self,
        selector: Selector,
        sighting: Option<Sighting>,
    ) -> AbortOnDropHandle<Looked> {
        let outfit = self.post.outfit.clone();
        let (known, service) = (self.target.clone(), self.service.clone());
        let (first_since, takes_over) = (self.first_since, self.takes_over);
        let judged = self.judged.clone();
        let bake = outfit.bake.unwrap_or(service.policy.bake);
        let looking = async move {
            let mark = sighting.as_ref().map(|sighting| sighting.mark.clone());
            let connected = match known {
                Some(target) => Ok(target),
                None => {
                    let connected = outfit.outside.connect(&service);
                    let connected = tokio::time::timeout(sighted::PATIENCE, connected).await;
                    connected.unwrap_or_else(|_| {
                        let why = "the platform could not be connected to in time";
                        Err(DeployError::Passing(why.to_owned()))
                    })
                }
            };
            let target = match connected {
                Ok(target) => target,
                Err(error) => {
                    return Looked {
                        mark,
                        target: None,
                        found: Err(error),
                    };
                }
            };
            let looking = Looking {
                target: Arc::clone(&target),
                journaling: outfit.journaling.clone(),
                clock: Arc::clone(&outfit.context.clock),
                selector,
                sighting,
                first_since,
                takes_over,
                judged,
                bake,
                patience: service.policy.rollback.timeout,
            };
            Looked {
                mark,
                target: Some(target),
                found: looking.find_out().await,
            }
        };
        AbortOnDropHandle::new(tokio::spawn(looking))
    }

    /// Does what is to be done about what was found, and then what people ordered meanwhile.
    pub(super) fn looked(&mut self, look: Look) {
        match look {
            Some(looked) => self.heed(*looked),
            None => self.look_failed(),
        }
        for (by, deployment, answer) in std::mem::take(&mut self.waiting) {
            self.order_window(&by, deployment, answer);
        }
    }

    fn heed(&mut self, looked: Looked) {
        if let Some(target) = looked.target {
            self.target = Some(target);
        }
        if let Some(answer) = self.asked.take() {
            let told = self.open_as_asked(looked.found);
            return ordered::reply(answer, told);
        }
        if self.is_retired {
            // Nothing new is begun; it is looked into again where the service is declared again.
            return;
        }
        match looked.found {
            Ok(found) => {
                self.sees();
                self.tries = 0;
                self.asks_own_task = false;
                self.do_about(found, looked.mark);
                // Something else may have been seen meanwhile.
                self.look();
            }
            Err(DeployError::Declared(why)) => {
                // A permission may be given and a credential be put there meanwhile.
                self.asks_own_task = false;
                self.look_later();
                self.cannot_see(&why, false);
            }
            Err(error) => {
                self.look_later();
                self.cannot_see(&error.to_string(), false);
            }
        }
    }

    fn do_about(&mut self, found: Found, mark: Option<String>) {
        found.left.iter().for_each(|left| self.close_left(left));
        self.takes_over = false;
        match found.sighted {
            Sighted::New(deployment) => {
                self.saw(mark);
                self.open(*deployment);
            }
            // What is deployed now is looked into when that is over.
            Sighted::Left(left) => self.go_on_with(*left),
            Sighted::Known(why) => {
                self.saw(mark);
                tracing::debug!(service = %self.service.name, why, "no window");
            }
            Sighted::TooOld(deployment, was_watched) => {
                self.saw(mark);
                if was_watched {
                    self.tell_missed(&deployment);
                }
            }
        }
    }

    fn saw(&mut self, mark: Option<String>) {
        self.settled = mark;
        self.first_since = None;
    }

    /// A deployment came and was rolled out while nobody looked.
    fn tell_missed(&self, deployment: &Deployment) {
        let name = &self.service.name;
        let revision = &deployment.revision.label;
        let text = format!(
            "{name} {revision} was deployed while nobody looked, too long ago to be judged by itself: \
             open a window to judge it"
        );
        let news = News::new("warned", Severity::Warning, text).of(name);
        self.post
            .herald
            .tell(news.fact("revision", revision.clone()));
    }

    /// The look ended by a fault of its own.
    fn look_failed(&mut self) {
        let why = "looking ended by a fault of its own: this is a bug";
        if let Some(answer) = self.asked.take() {
            ordered::refuse(answer, Refused::Failed(why.to_owned()));
        }
        self.look_later();
        self.cannot_see(why, false);
    }

    /// Opens the window that a person asked for. What the lookout saw is looked into afterwards all the
    /// same: it may be another deployment.
    fn open_as_asked(&mut self, found: Result<Found, DeployError>) -> Result<Done, Refused> {
        let found = match found {
            Ok(found) => found,
            Err(DeployError::Declared(why)) => return Err(Refused::Conflict(why)),
            Err(error) => return Err(Refused::Failed(error.to_string())),
        };
        found.left.iter().for_each(|left| self.close_left(left));
        self.takes_over = false;
        match found.sighted {
            Sighted::New(deployment) | Sighted::TooOld(deployment, _) => {
                let window = self.open(*deployment).map(Done::Window);
                let why = "the platform is out of reach".to_owned();
                window.ok_or(Refused::Failed(why))
            }
            Sighted::Left(left) => {
                let window = left.window.clone();
                self.go_on_with(*left);
                Ok(Done::Window(window))
            }
            Sighted::Known(why) => Err(Refused::Conflict(why.to_owned())),
        }
    }

    fn sees(&mut self) {
        let is_again = self.board.is_seen_again();
        if is_again || self.first_since.is_some() {
            // Somebody may have been told otherwise before a restart.
            self.unseen = None;
            self.post.herald.people.sees(&self.service.name, None);
        }
        if is_again {
            let text = format!("deployments of {} can be seen again", self.service.name);
            let news = News::new("deployments_seen", Severity::Info, text);
            self.post.herald.tell(news.of(&self.service.name));
        }
    }

    /// People are told when a look comes to nothing that long after the first: by time alone, a platform
    /// that is back would be told of while it waits to be asked again.
    fn cannot_see(&mut self, why: &str, is_afar: bool) {
        let name = &self.service.name;
        let herald = &self.post.herald;
        let now = self.post.outfit.context.clock.now();
        let unseen = self.unseen.get_or_insert(Unseen {
            since: now,
            was_told: false,
            is_afar,
        });
        if !unseen.was_told && now.since(unseen.since) >= BLINK {
            unseen.was_told = true;
            herald.people.sees(name, Some(why));
        }
        if self.board.cannot_see(why.to_owned()) {
            let text = format!("deployments of {name} cannot be seen: {why}");
            let news = News::new("deployments_unseen", Severity::Warning, text);
            herald.tell(news.of(name).fact("because", why));
        }
    }

    /// The same deployment may be opened a window over again.
    pub(super) fn unsettle(&mut self) {
        self.settled = None;
    }

    /// Nothing is looked into for a while, and for longer each time that it comes to nothing.
    pub(super) fn look_later(&mut self) {
        let tries = self.tries.max(self.unjudged).min(MOST_DOUBLED);
        let pause = AGAIN_AFTER.saturating_mul(1 << tries);
        self.tries += 1;
        let now = self.post.outfit.context.clock.now();
        self.not_before = now + pause.min(AGAIN_AT_LATEST);
    }
}
