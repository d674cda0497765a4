//! One login for many checks: made when the first of them needs it, shared by all, and made again,
//! once, when a check is told that it has expired.
//!
//! An expired login is nobody's fault: the run that meets it logs in anew and asks a second time, and
//! only the second answer counts. A login that fails is the fault of every check that needed it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex as AsyncMutex;

use super::STEPS;
use super::course::Course;
use super::scope::Scope;
use super::settings::{self, ExpiredSettings, SessionSettings};
use super::step::Step;
use crate::clock::{Moment, WallTime};
use crate::expect::Document;
use crate::probe::attempt::Part;
use crate::probe::{
    Attempt, Attended, Cookies, Generated, Misfit, Mold, Probe, Reply, Session, Surroundings,
    Target, Values,
};
use crate::sample::{Fault, Reason, Unit};
use crate::secret::Mask;
use crate::verdict::threshold::Threshold;

/// A login that checks share.
pub struct FlowSession {
    name: String,
    steps: Vec<Step>,
    expired: ExpiredSettings,
    renew_after: Option<Duration>,
    /// Held while somebody logs in: whoever else needs the login waits for that one.
    state: AsyncMutex<State>,
}

#[derive(Default)]
struct State {
    login: Option<Arc<Login>>,
    /// When the last login failed, and why.
    failed: Option<(Moment, Fault)>,
    /// How many logins there were.
    count: u64,
}

/// What a login left.
struct Login {
    number: u64,
    since: Moment,
    values: Values,
    cookies: Arc<Cookies>,
    mask: Mask,
}

impl FlowSession {
    /// Makes a login of its settings.
    ///
    /// # Errors
    /// Settings that cannot work.
    pub fn new(
        name: &str,
        settings: SessionSettings,
        surroundings: &Surroundings,
    ) -> Result<Self, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if settings.steps.is_empty() {
            let misfit = Misfit::at(&[STEPS], "a session without steps logs nobody in");
            misfits.push(misfit.hint("write `- { name: log in, http: { url: … } }`"));
        }
        let steps = settings::steps(
            STEPS,
            settings.steps,
            surroundings,
            0,
            &mut Vec::new(),
            &mut misfits,
        );
        let expired = settings.expired.unwrap_or_default();
        if expired.status.is_empty() && expired.json.is_none() {
            let message = "no sign of an expired login is named";
            let misfit = Misfit::at(&["expired"], message);
            misfits.push(misfit.hint("write `{ status: [401] }`, or leave it out"));
        }
        for status in expired
            .status
            .iter()
            .filter(|one| !(100..=599).contains(*one))
        {
            let message = format!("{status} is not a status");
            misfits.push(Misfit::at(&["expired", "status"], message).hint("write 401"));
        }
        let renew_after = settings.renew_after.map(|span| span.0);
        if renew_after.is_some_and(|span| span.is_zero()) {
            let misfit = Misfit::at(&["renew_after"], "no login would be used at all");
            misfits.push(misfit.hint("write a duration such as 10m"));
        }
        if !misfits.is_empty() {
            return Err(misfits);
        }
        Ok(Self {
            name: name.to_owned(),
            steps,
            expired,
            renew_after,
            state: AsyncMutex::default(),
        })
    }

    /// The login to use: one that is there already, or a new one that others wait for. Not the one of
    /// the number `gone`, which has expired. Logging in is no part of what the run measures.
    async fn login(&self, attempt: &mut Attempt, gone: Option<u64>) -> Result<Entered, Fault> {
        let (came, left) = (attempt.now(), attempt.left_for_parts());
        if let Ok(state) = self.state.try_lock()
            && let Some(login) = self.usable(&state, gone, came)
        {
            return Ok(Entered {
                login,
                is_new: false,
            });
        }
        let parts = attempt.parts().anywhere();
        let clock = attempt.stopwatch();
        let entering = async {
            let mut state = self.state.lock().await;
            if let Some(login) = self.usable(&state, gone, came) {
                return Ok(Entered {
                    login,
                    is_new: true,
                });
            }
            // Whoever waited for a login that failed does not try it once more.
            if let Some((when, fault)) = &state.failed
                && *when >= came
            {
                return Err(fault.clone());
            }
            let entry = Entry {
                steps: &self.steps,
                left: Mutex::default(),
            };
            let left = left.saturating_sub(clock.now().since(came));
            let cookies = Arc::<Cookies>::default();
            let part = parts.run(&entry, left, cookies, Values::default()).await;
            let login = part
                .result
                .and_then(|()| entry.login(state.count, clock.now()));
            state.count += 1;
            match login {
                Ok(login) => {
                    state.login = Some(Arc::clone(&login));
                    Ok(Entered {
                        login,
                        is_new: true,
                    })
                }
                Err(fault) => {
                    let detail = format!("session \"{}\": {}", self.name, fault.detail);
                    let fault = Fault { detail, ..fault };
                    state.login = None;
                    state.failed = Some((clock.now(), fault.clone()));
                    Err(fault)
                }
            }
        };
        // The future is large and this is rare.
        attempt.first(Box::pin(entering)).await
    }

    fn usable(&self, state: &State, gone: Option<u64>, now: Moment) -> Option<Arc<Login>> {
        let login = state.login.as_ref()?;
        let is_old = |after: Duration| now.since(login.since) >= after;
        let is_gone = gone == Some(login.number) || self.renew_after.is_some_and(is_old);
        (!is_gone).then(|| Arc::clone(login))
    }

    /// Whether the answer to a run that failed says that the login has expired.
    fn has_expired(&self, part: &Part, now: WallTime) -> bool {
        let Err(fault) = &part.result else {
            return false;
        };
        // Nobody is judged by it: the clock need not be one that never jumped.
        let now = Some(now);
        let says_so = |reply: &Reply| {
            let by_status = reply
                .status
                .is_some_and(|status| self.expired.status.contains(&status));
            let by_body = self.expired.json.as_ref().is_some_and(|json| {
                let document = Document::read(&reply.body);
                json.first_unmet(&document, now).is_none()
            });
            by_status || by_body
        };
        fault.reason == Reason::Unauthorized || part.reply().is_some_and(says_so)
    }
}

impl fmt::Debug for FlowSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowSession")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A login that a run may use.
struct Entered {
    login: Arc<Login>,
    /// Whether it was made while this run waited for it: it cannot have expired.
    is_new: bool,
}

/// Logging in, as a part of the run that needs it.
struct Entry<'a> {
    steps: &'a [Step],
    left: Mutex<Option<Scope>>,
}

impl Entry<'_> {
    fn login(self, number: u64, since: Moment) -> Result<Arc<Login>, Fault> {
        let left = self
            .left
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let nothing = || Fault::new(Reason::Panic, "a login that passed left nothing");
        let scope = left.ok_or_else(nothing)?;
        let (mask, cookies) = (scope.mask.clone(), Arc::clone(&scope.cookies));
        Ok(Arc::new(Login {
            number,
            since,
            values: Arc::new(scope.into_captured()),
            cookies,
            mask,
        }))
    }
}

#[async_trait]
impl Probe for Entry<'_> {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let mut course = Course::begin(attempt);
        let failed = course.steps(self.steps, false).await;
        let scope = course.leave(failed)?;
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(scope);
        Ok(())
    }
}

impl Session for FlowSession {
    fn names(&self) -> Vec<Arc<str>> {
        let captures = self.steps.iter().flat_map(|step| step.captures.iter());
        captures.map(|(name, _)| Arc::from(name.as_str())).collect()
    }

    fn attended(self: Arc<Self>, check: Attended) -> Box<dyn Probe> {
        Box::new(AttendedProbe {
            session: self,
            check,
            built: Mutex::default(),
        })
    }
}

/// A check that is run while logged in.
struct AttendedProbe {
    session: Arc<FlowSession>,
    check: Attended,
    /// The probe of the settings as the login of this number fills them in.
    built: Mutex<Option<(u64, Arc<dyn Probe>)>>,
}

#[async_trait]
impl Probe for AttendedProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let Entered { login, is_new } = self.session.login(attempt, None).await?;
        let part = self.once(attempt, &login).await?;
        if is_new || !self.session.has_expired(&part, attempt.calendar()) {
            return attempt.become_part(part);
        }
        let Entered { login, .. } = self.session.login(attempt, Some(login.number)).await?;
        let part = self.once(attempt, &login).await?;
        let name = &self.session.name;
        attempt.note(format!("session \"{name}\" had expired: logged in anew"));
        attempt.become_part(part)
    }

    fn asks_tasks(&self) -> bool {
        match &self.check {
            Attended::Settings(mold) => mold.asks_tasks,
            Attended::Whole(probe) => probe.asks_tasks(),
        }
    }

    fn asks_addresses_of(&self) -> Option<&str> {
        match &self.check {
            Attended::Settings(mold) => mold.asks_addresses_of.as_deref(),
            Attended::Whole(probe) => probe.asks_addresses_of(),
        }
    }

    fn readings(&self) -> Option<Vec<(Arc<str>, Unit)>> {
        match &self.check {
            Attended::Settings(mold) => mold.own.clone(),
            Attended::Whole(probe) => probe.readings(),
        }
    }

    fn lasts(&self) -> Duration {
        let login: Duration = self.session.steps.iter().map(|step| step.mold.lasts).sum();
        login
            + match &self.check {
                Attended::Settings(mold) => mold.lasts,
                Attended::Whole(probe) => probe.lasts(),
            }
    }

    fn longest_part(&self) -> Option<(&str, Duration)> {
        match &self.check {
            Attended::Settings(_) => None,
            Attended::Whole(probe) => probe.longest_part(),
        }
    }

    fn limits(&self) -> Vec<Threshold> {
        match &self.check {
            Attended::Settings(mold) => mold.limits.clone(),
            Attended::Whole(probe) => probe.limits(),
        }
    }

    fn target(&self) -> Option<Target> {
        match &self.check {
            Attended::Settings(mold) => mold.target.clone(),
            Attended::Whole(probe) => probe.target(),
        }
    }
}

impl AttendedProbe {
    /// Runs the check once with this login.
    async fn once(&self, attempt: &Attempt, login: &Login) -> Result<Part, Fault> {
        let built;
        let probe: &dyn Probe = match &self.check {
            Attended::Whole(probe) => &**probe,
            Attended::Settings(mold) => {
                built = self.built(mold, login, attempt)?;
                &*built
            }
        };
        let (parts, left) = (attempt.parts(), attempt.left_for_parts());
        let (cookies, values) = (Arc::clone(&login.cookies), Arc::clone(&login.values));
        let mut part = parts.run(probe, left, cookies, values).await;
        part.reword(|text| login.mask.apply(text));
        Ok(part)
    }

    /// The probe with the settings filled in: built once for each login, or for each run where it
    /// takes what every run generates.
    fn built(
        &self,
        mold: &Mold,
        login: &Login,
        attempt: &Attempt,
    ) -> Result<Arc<dyn Probe>, Fault> {
        let generates = mold.names.iter().any(|name| Generated::is_name(name));
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((number, probe)) = built.as_ref().filter(|_| !generates)
            && *number == login.number
        {
            return Ok(Arc::clone(probe));
        }
        let generated = Generated::at(attempt.calendar());
        let value_of = |name: &str| {
            login
                .values
                .get(name)
                .cloned()
                .or_else(|| generated.value(name))
        };
        let probe = mold.build(&value_of).map_err(|why| {
            let why = login.mask.apply(&why);
            let name = &self.session.name;
            let detail = format!("with what session \"{name}\" captured it cannot be sent: {why}");
            Fault::new(Reason::Expectation, detail)
        })?;
        *built = Some((login.number, Arc::clone(&probe)));
        Ok(probe)
    }
}
