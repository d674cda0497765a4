//! What must hold whatever happens at whatever instant: thousands of schedules, each from a seed, in
//! which others deploy, ECS rolls back by itself, hooks are answered, calls are throttled, hang or
//! get no answer, reads lag behind, and the run is killed and begun anew.
//!
//! Never seen: a changing call on a deployment that was not judged (but taking back our own); two
//! decisive calls taken for one deployment; a target that is bad or INACTIVE; an answer that does
//! not match what the stand-in's state has become. A failure names its seed, which makes the same
//! schedule again: everything is counted in requests, and nothing hangs on how long one takes.

mod transport;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::deploy::ecs::{EcsTarget, Pace};
use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::{
    Actuator, Deployment, Images, NoRollback, Progress, Revision, RollbackPlan, Selector, Software,
    StartedRollback, Wanted,
};
use smokejumper::rehearsal::ecs::{
    Answer, BreakerEnd, Call, Control, Controller, Fault, Lag, RollbackEntry, ServiceControl,
    Settings, Times,
};
use tokio::sync::Notify;

use self::transport::{Around, Fate};
use super::stage::{Hand, MINUTE, ROLLBACK, ROLLOUT, StageClock, declared, pace};
use crate::harness::seeded::Seeded;

/// How many schedules each of the four tests runs.
const SCHEDULES: u64 = 500;

#[tokio::test(start_paused = true)]
async fn rolling_deployments_are_safe_under_every_schedule() {
    for seed in 0..SCHEDULES {
        run(seed, &json!({})).await;
    }
}

#[tokio::test(start_paused = true)]
async fn paused_deployments_are_safe_under_every_schedule() {
    let hook = json!([{
        "targetType": "PAUSE",
        "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"],
        "timeoutConfiguration": { "timeoutInMinutes": 1 },
    }]);
    for seed in 0..SCHEDULES {
        run(SCHEDULES + seed, &json!({ "lifecycleHooks": hook })).await;
    }
}

#[tokio::test(start_paused = true)]
async fn deployments_of_two_sides_are_safe_under_every_schedule() {
    let hook = json!([{
        "targetType": "PAUSE",
        "lifecycleStages": ["PRE_PRODUCTION_TRAFFIC_SHIFT"],
    }]);
    for seed in 0..SCHEDULES {
        let strategy = ["BLUE_GREEN", "LINEAR", "CANARY"][(seed % 3) as usize];
        let conduct = json!({
            "strategy": strategy,
            "bakeTimeInMinutes": 1,
            "linearConfiguration": { "stepPercent": 50.0, "stepBakeTimeInMinutes": 1 },
            "canaryConfiguration": { "canaryBakeTimeInMinutes": 1 },
            "lifecycleHooks": if seed % 2 == 0 { hook.clone() } else { json!([]) },
        });
        run(2 * SCHEDULES + seed, &conduct).await;
    }
}

#[tokio::test(start_paused = true)]
async fn watched_deployments_are_safe_under_every_schedule() {
    let conduct = json!({
        "deploymentCircuitBreaker": { "enable": true, "rollback": true },
        "alarms": { "enable": true, "rollback": false, "alarmNames": ["errors"] },
        "bakeTimeInMinutes": 1,
    });
    for seed in 0..SCHEDULES {
        run(3 * SCHEDULES + seed, &conduct).await;
    }
}

async fn run(seed: u64, conduct: &Value) {
    let schedule = Schedule::set(seed, conduct);
    let ended = schedule.play().await;
    schedule.drain();
    let problems = schedule.problems(&ended).await;
    assert!(
        problems.is_empty(),
        "seed {seed}: {problems:?}\nended: {:?}\nevents: {:#?}\ncalls: {:#?}",
        ended.result,
        schedule.noise().events,
        schedule.changes()
    );
}

/// A few looks for what was just done are enough where no wire is in between.
fn quick() -> Pace {
    Pace {
        settle_poll: Duration::from_millis(70),
        ..pace()
    }
}

struct Schedule {
    control: Control,
    clock: Arc<StageClock>,
    service: ServiceControl,
    target: EcsTarget,
    /// What was judged bad before, and must never be returned to.
    bad: Vec<Software>,
    disturbed: Arc<Disturbed>,
}

/// How a rollback ended.
struct Ended {
    judged: Deployment,
    wanted: Wanted,
    result: Result<Result<StartedRollback, NoRollback>, DeployError>,
}

impl Schedule {
    /// A service that ran `api:1`, is deployed another revision, and is somewhere on its way.
    fn set(seed: u64, conduct: &Value) -> Self {
        let mut dice = Seeded::new(seed);
        let clock = Arc::new(StageClock::default());
        let settings = Settings {
            rollout: ROLLOUT,
            rollback: ROLLBACK,
            pending: *dice.pick(&[Duration::ZERO, Duration::from_secs(3)]),
            rollback_entry: *dice.pick(&[RollbackEntry::New, RollbackEntry::Former]),
            ..Settings::default()
        };
        let control = Control::new(clock.clone(), settings);
        control.create_cluster("prod").unwrap();
        let first = control.register("api", "registry.test/api:1").unwrap();
        let desired = *dice.pick(&[1, 2, 3]);
        let service = control
            .create_service("prod", "api", &first, desired, Controller::Ecs)
            .unwrap();
        clock.pass(MINUTE);
        service.configure(conduct).unwrap();
        let mut bad = Vec::new();
        if dice.share() < 0.2 {
            // It reached steady state, and was judged bad here.
            let id = control.register("api", "registry.test/api:bad").unwrap();
            service.deploy(&id).unwrap();
            service.complete().unwrap();
            clock.pass(MINUTE);
            bad.push(Software {
                revision: Revision {
                    id,
                    label: "api:2".to_owned(),
                },
                images: Images::new(),
            });
        }
        let next = control.register("api", "registry.test/api:next").unwrap();
        service.deploy(&next).unwrap();
        let whole = dice.share() < 0.4;
        if whole {
            service.complete().unwrap();
        } else {
            clock.pass(Duration::from_secs_f64(dice.between(0.0, 60.0)));
        }
        control.lag(Lag::OnOrder);
        let disturbed = Arc::new(Disturbed {
            control: control.clone(),
            clock: clock.clone(),
            service: service.clone(),
            killed: Notify::new(),
            noise: Mutex::new(Noise {
                dice,
                on: false,
                dies_at: None,
                changing: false,
                events: Vec::new(),
                own: Vec::new(),
                wrong: Vec::new(),
                judged: String::new(),
                idle: false,
                raced: false,
            }),
        });
        let shared = transport::connected(&control, disturbed.clone());
        Self {
            target: EcsTarget::with_config(&shared, &declared(), quick()),
            control,
            clock,
            service,
            bad,
            disturbed,
        }
    }

    fn noise(&self) -> std::sync::MutexGuard<'_, Noise> {
        self.disturbed.noise.lock().unwrap()
    }

    /// The calls over the wire that would change something.
    fn changes(&self) -> Vec<Call> {
        self.control.mutating_calls()
    }

    /// Pins, plans and rolls back as the engine does: what may pass is tried again, and a run that
    /// is killed is followed by one that knows what it sent.
    async fn play(&self) -> Ended {
        let judged = self.target.pin(&Selector::Current).await.unwrap();
        let wanted = Wanted {
            avoid: self.bad.clone(),
            ..Wanted::default()
        };
        {
            let mut noise = self.noise();
            noise.judged.clone_from(&judged.id);
            noise.on = true;
        }
        let result = self.insist(&judged, &wanted).await;
        let mut noise = self.noise();
        self.disturbed.tally(&mut noise);
        noise.on = false;
        drop(noise);
        Ended {
            judged,
            wanted,
            result,
        }
    }

    async fn insist(
        &self,
        judged: &Deployment,
        wanted: &Wanted,
    ) -> Result<Result<StartedRollback, NoRollback>, DeployError> {
        let mut planned = self.target.plan(judged, wanted).await;
        for _ in 0..TRIES {
            if !matches!(planned, Err(DeployError::Passing(_))) {
                break;
            }
            planned = self.target.plan(judged, wanted).await;
        }
        let plan = match planned? {
            Ok(plan) => plan,
            Err(no) => return Ok(Err(no)),
        };
        self.carry_out(&plan).await
    }

    async fn carry_out(
        &self,
        plan: &RollbackPlan,
    ) -> Result<Result<StartedRollback, NoRollback>, DeployError> {
        // The journal outlives a run that is killed.
        let hand = Hand::default();
        let mut last = Err(DeployError::Passing("never tried".to_owned()));
        for _ in 0..TRIES {
            {
                let mut noise = self.noise();
                let is_killed = noise.dice.share() < 0.15;
                noise.dies_at = is_killed.then(|| noise.dice.next() % LONGEST_LIFE);
            }
            tokio::select! {
                biased;
                () = self.disturbed.killed.notified() => {
                    self.noise().events.push("killed".to_owned());
                }
                ended = self.target.roll_back(plan, &hand) => match ended {
                    Err(DeployError::Passing(why)) => last = Err(DeployError::Passing(why)),
                    ended => return ended,
                },
            }
        }
        last
    }

    /// Lets everything come to its end.
    fn drain(&self) {
        self.control.clear_faults();
        for _ in 0..10 {
            for hook in self.service.awaiting().unwrap() {
                self.service.answer_hook(&hook, "CONTINUE").unwrap();
            }
            self.clock.pass(MINUTE * 2);
            self.control.advance();
        }
    }

    async fn problems(&self, ended: &Ended) -> Vec<String> {
        let mut problems = self.noise().wrong.clone();
        problems.extend(self.doubled(ended));
        problems.extend(self.bad_targets(ended));
        problems.extend(self.untrue(ended).await);
        problems
    }

    /// Two decisive calls that were taken for the judged deployment.
    fn doubled(&self, ended: &Ended) -> Option<String> {
        let own = self.noise().own.clone();
        let taken = self.changes().into_iter().filter(|call| {
            let on = call.parameters["serviceDeploymentArn"].as_str();
            call.carried_out && !on.is_some_and(|on| own.iter().any(|own| own == on))
        });
        let taken: Vec<String> = taken.map(|call| call.operation).collect();
        (taken.len() > 1).then(|| format!("{} was acted on twice: {taken:?}", ended.judged.id))
    }

    /// Updates to anything but the full ARN of a good revision, or with a count.
    fn bad_targets(&self, ended: &Ended) -> Vec<String> {
        let avoided = |arn: &str| {
            let mut avoid = ended.wanted.avoid.iter();
            avoid.any(|software| software.revision.id == arn)
        };
        if let Ok(Ok(started)) = &ended.result
            && avoided(&started.plan.target.id)
        {
            return vec![format!("returned to {}", started.plan.target)];
        }
        let updates = self.changes().into_iter();
        updates
            .filter(|call| call.operation == UPDATE)
            .filter_map(|call| {
                let arn = call.parameters["taskDefinition"]
                    .as_str()
                    .unwrap_or_default();
                let bad = !arn.ends_with(":task-definition/api:1")
                    || avoided(arn)
                    || !call.parameters["desiredCount"].is_null();
                bad.then(|| format!("updated with {}", call.parameters))
            })
            .collect()
    }

    /// A call of ours got no answer, or was written down and died on its way, and somebody else
    /// asked for the very same: nobody can tell.
    fn may_pass_for_ours(&self) -> bool {
        let unclear = self
            .changes()
            .into_iter()
            .any(|call| matches!(call.answer, Answer::Fault(name) if name != "throttle"));
        let asked = |event: &String| {
            event.starts_with("!stop before") || event.starts_with("!answer rollback before")
        };
        let noise = self.noise();
        let is_killed = noise.events.iter().any(|event| event == "killed");
        (unclear || is_killed) && noise.events.iter().any(asked)
    }

    /// What the adapter says against what the stand-in's state has become.
    async fn untrue(&self, ended: &Ended) -> Option<String> {
        let (latest, status) = self.service.latest().unwrap().expect("a deployment");
        let serving = self.service.serving().unwrap().unwrap_or_default();
        let is_judged = latest == ended.judged.id;
        let seen = format!("latest {latest} is {status}, {serving} serves");
        let taken = self.changes().iter().any(|call| call.carried_out);
        let is_true = match &ended.result {
            Ok(Ok(started)) => {
                let progress = self.target.progress(started).await;
                let carries = latest == started.carrier;
                let keyed = started.plan.actuator != Actuator::UpdateService;
                let well = if keyed {
                    "ROLLBACK_SUCCESSFUL"
                } else {
                    "SUCCESSFUL"
                };
                let is_true = match &progress {
                    Ok(Progress::Complete) => {
                        carries && status == well && serving == started.plan.target.label
                    }
                    Ok(Progress::Superseded(_)) => !carries,
                    Ok(Progress::Failed(_)) => carries && status != well,
                    Ok(Progress::Running(_)) | Err(_) => false,
                };
                if !is_true || (taken && !keyed && self.noise().raced) {
                    return Some(format!("{progress:?}, but {seen}"));
                }
                taken || self.may_pass_for_ours()
            }
            Ok(Err(NoRollback::Superseded(_))) => !is_judged,
            Ok(Err(NoRollback::ByPlatform)) => {
                (!taken || self.noise().idle) && status.starts_with("ROLLBACK") || !is_judged
            }
            Ok(Err(
                NoRollback::NotRollbackable(_)
                | NoRollback::SameSoftware(_)
                | NoRollback::NotYet(_)
                | NoRollback::NoTarget(_),
            )) => !taken,
            // Strange is what a person has to look at: our own update that hit somebody else's.
            Err(DeployError::Strange(_)) => !taken || self.noise().raced,
            Err(DeployError::Passing(_)) => true,
            Err(DeployError::Declared(_) | DeployError::Forbidden(_)) => false,
        };
        (!is_true).then(|| format!("the answer is not true: {seen}"))
    }
}

/// What happens around the adapter's requests.
struct Disturbed {
    control: Control,
    clock: Arc<StageClock>,
    service: ServiceControl,
    killed: Notify,
    noise: Mutex<Noise>,
}

struct Noise {
    dice: Seeded,
    on: bool,
    /// After so many requests more the run is killed.
    dies_at: Option<u64>,
    /// The last request was a changing call.
    changing: bool,
    /// What has happened, for a failure.
    events: Vec<String>,
    /// The deployments that our own updates have made.
    own: Vec<String>,
    /// Changing calls on what was not judged.
    wrong: Vec<String>,
    judged: String,
    /// A stop of ours came when the deployment was being rolled back already: it changed nothing.
    idle: bool,
    /// An update of ours came after somebody else's deployment.
    raced: bool,
}

impl Around for Disturbed {
    fn before(&self, operation: &str) -> Fate {
        let mut noise = self.noise.lock().unwrap();
        if !noise.on {
            return Fate::Lives;
        }
        self.tally(&mut noise);
        if noise.dice.share() < 0.3 {
            let span = *noise.dice.pick(&[0.2, 1.0, 7.0, 20.0]);
            self.clock.pass(Duration::from_secs_f64(span));
        }
        let happened = noise.events.iter().filter(|event| event.starts_with('!'));
        if happened.count() < MOST_EVENTS && noise.dice.share() < 0.06 {
            let event = self.happen(&mut noise.dice);
            noise.events.push(format!("!{event} before {operation}"));
        }
        let is_change = CHANGES.contains(&operation);
        if noise.dice.share() < if is_change { 0.4 } else { 0.12 } {
            let fault = fault(&mut noise.dice, is_change);
            noise
                .events
                .push(format!("{} of {operation}", fault.name()));
            self.control.fault(operation, fault, Times::Next(1));
        }
        noise.changing = is_change;
        if is_change && self.is_rolling_back() {
            noise.idle = true;
        }
        if operation == UPDATE && self.latest() != noise.judged {
            noise.raced = true;
        }
        self.fate(&mut noise)
    }
}

impl Disturbed {
    /// Whether the run dies at this request.
    fn fate(&self, noise: &mut Noise) -> Fate {
        let Some(left) = noise.dies_at else {
            return Fate::Lives;
        };
        noise.dies_at = left.checked_sub(1);
        if left > 0 {
            return Fate::Lives;
        }
        self.killed.notify_one();
        *noise.dice.pick(&[Fate::DiesBefore, Fate::DiesAfter])
    }

    /// Looks what became of a changing call before anything else happens, even of one that hangs.
    fn tally(&self, noise: &mut Noise) {
        if !std::mem::take(&mut noise.changing) {
            return;
        }
        let call = self.control.mutating_calls().pop();
        let Some(call) = call.filter(|call| call.carried_out) else {
            return;
        };
        match call.parameters["serviceDeploymentArn"].as_str() {
            None => noise.own.push(self.latest()),
            Some(on) if on == noise.judged || noise.own.iter().any(|own| own == on) => {}
            Some(on) => noise.wrong.push(format!("{} on {on}", call.operation)),
        }
    }

    fn is_rolling_back(&self) -> bool {
        let latest = self.service.latest().unwrap();
        latest.is_some_and(|(_, status)| {
            matches!(status, "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS")
        })
    }

    fn latest(&self) -> String {
        let latest = self.service.latest().unwrap();
        latest.map(|(arn, _)| arn).unwrap_or_default()
    }

    /// Something that others do; not every one is possible at every instant.
    fn happen(&self, dice: &mut Seeded) -> String {
        let service = &self.service;
        let event = *dice.pick(&[
            "deploy",
            "deploy",
            "complete",
            "breaker",
            "breaker stops",
            "stop",
            "stop only",
            "alarm",
            "failing tasks",
            "continue",
            "answer rollback",
            "rollback fails",
            "inactive",
        ]);
        let done = match event {
            "deploy" => service.foreign_deployment().map(drop),
            "complete" => service.complete(),
            "breaker" => self.trip(BreakerEnd::RollBack),
            "breaker stops" => self.trip(BreakerEnd::Stop),
            "stop" => service.stop(BreakerEnd::RollBack),
            "stop only" => service.stop(BreakerEnd::Stop),
            "alarm" => service.set_alarm("errors", true),
            "failing tasks" => (0..3).try_for_each(|_| service.fail_task()),
            "continue" | "answer rollback" => self.answer(event),
            "rollback fails" => self.fail(),
            _ => self.control.deregister("api:1"),
        };
        match done {
            Ok(()) => event.to_owned(),
            Err(refusal) => format!("{event} ({})", refusal.code),
        }
    }

    fn trip(&self, end: BreakerEnd) -> Result<(), smokejumper::rehearsal::ecs::Refusal> {
        match self.service.latest()? {
            Some((_, "PENDING" | "IN_PROGRESS")) => self.service.trip_circuit_breaker(end),
            _ => Ok(()),
        }
    }

    fn fail(&self) -> Result<(), smokejumper::rehearsal::ecs::Refusal> {
        match self.service.latest()? {
            Some((_, "ROLLBACK_REQUESTED" | "ROLLBACK_IN_PROGRESS")) => {
                self.service.fail_rollback()
            }
            _ => Ok(()),
        }
    }

    fn answer(&self, event: &str) -> Result<(), smokejumper::rehearsal::ecs::Refusal> {
        let action = if event == "continue" {
            "CONTINUE"
        } else {
            "ROLLBACK"
        };
        let waiting = self.service.awaiting()?;
        let first = waiting.first();
        first.map_or(Ok(()), |hook| self.service.answer_hook(hook, action))
    }
}

fn fault(dice: &mut Seeded, is_change: bool) -> Fault {
    let reads: [fn() -> Fault; 5] = [
        || Fault::Stale,
        || Fault::Stale,
        || Fault::Throttle,
        || Fault::ServerError,
        || Fault::Reset,
    ];
    let changes: [fn() -> Fault; 8] = [
        || Fault::Throttle,
        || Fault::ServerError,
        || Fault::Html,
        || Fault::Reset,
        || Fault::Hang,
        || Fault::DoneThenHang,
        || Fault::DoneThenReset,
        || Fault::Slow(Duration::from_secs(1)),
    ];
    if is_change {
        dice.pick(&changes)()
    } else {
        dice.pick(&reads)()
    }
}

const UPDATE: &str = "UpdateService";
const CHANGES: [&str; 3] = [UPDATE, "StopServiceDeployment", "ContinueServiceDeployment"];
/// How often the engine tries again what may pass.
const TRIES: usize = 6;
/// The requests that a run makes at most before it is killed.
const LONGEST_LIFE: u64 = 12;
/// What others do in one schedule, at most.
const MOST_EVENTS: usize = 2;
