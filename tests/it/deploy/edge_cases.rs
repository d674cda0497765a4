//! Every row of the edge cases, one after the other: what is planned or refused, which changing
//! calls go out (these and no other), and what runs in the end.
//!
//! Left to other files: CODE_DEPLOY and EXTERNAL services (their own); which revision is returned
//! to, and images that no longer exist (`targets`); what a person is told before a bake (concerns);
//! ARNs of other partitions and accounts (`lies`). That no evidence at a desired count of 0 is
//! inconclusive is the judge's to say; here stands what the adapter does.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::deploy::{DeployError, DeploymentTarget};
use smokejumper::deployment::Actuator::{
    ContinueServiceDeployment as Answer, StopServiceDeployment as Stop, UpdateService as Update,
};
use smokejumper::deployment::{Actuator, NoRollback, Progress, Wanted};
use smokejumper::rehearsal::ecs::{self, BreakerEnd, Controller, Fault, Lag, Times};

use super::choice::software;
use super::stage::{LAG, MINUTE, ROLLOUT, Stage};

/// Why nothing was planned or done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    NoTarget,
    NotRollbackable,
    SameSoftware,
    NotYet,
    Superseded,
    ByPlatform,
    /// The declaration is at fault.
    Declared,
    /// Later may work.
    Passing,
    /// Something happened that a person has to look at.
    Strange,
}

impl From<&NoRollback> for Refused {
    fn from(no: &NoRollback) -> Self {
        match no {
            NoRollback::NoTarget(_) => Self::NoTarget,
            NoRollback::NotRollbackable(_) => Self::NotRollbackable,
            NoRollback::SameSoftware(_) => Self::SameSoftware,
            NoRollback::NotYet(_) => Self::NotYet,
            NoRollback::Superseded(_) => Self::Superseded,
            NoRollback::ByPlatform => Self::ByPlatform,
        }
    }
}

impl From<&DeployError> for Refused {
    fn from(error: &DeployError) -> Self {
        match error {
            DeployError::Declared(_) => Self::Declared,
            DeployError::Passing(_) => Self::Passing,
            DeployError::Strange(_) => Self::Strange,
            DeployError::Forbidden(_) => panic!("nobody forbids here"),
        }
    }
}

/// An edge case.
struct Row {
    case: &'static str,
    desired: u32,
    /// The service's `deploymentConfiguration`.
    conduct: Value,
    /// What the ledger says is bad, whatever its images.
    bad: &'static [&'static str],
    /// What was deployed and has happened when the deployment is pinned.
    deployed: fn(&Stage),
    /// What happens between the pin and the plan.
    then: fn(&Stage),
    plan: Result<Actuator, Refused>,
    /// What happens between the plan and the call, or under the call itself.
    meanwhile: fn(&Stage),
    /// What the rollback was carried out by; as planned, if nothing else is said.
    ended: Option<Result<Actuator, Refused>>,
    /// The changing calls and how they were answered: these and no other.
    changes: &'static [(&'static str, &'static str)],
    /// Whether it is done as soon as it has begun: only traffic has to return.
    at_once: bool,
    /// The status of the latest service deployment, and what serves in the end.
    end: (&'static str, &'static str),
}

impl Default for Row {
    fn default() -> Self {
        Self {
            case: "",
            desired: 2,
            conduct: Value::Null,
            bad: &[],
            deployed: |stage| drop(stage.deploy()),
            then: |_| {},
            plan: Ok(Stop),
            meanwhile: |_| {},
            ended: None,
            changes: &[],
            at_once: false,
            end: ("ROLLBACK_SUCCESSFUL", "api:1"),
        }
    }
}

#[tokio::test]
async fn a_deployment_in_every_state_is_ended_as_that_state_allows() {
    walk(states()).await;
}

#[tokio::test]
async fn a_deployment_of_two_sides_returns_as_long_as_the_old_side_stands() {
    walk(two_sides()).await;
}

#[tokio::test]
async fn ecs_s_own_rollback_and_its_failure_are_attached_to_and_told() {
    walk(by_ecs()).await;
}

#[tokio::test]
async fn nobody_else_s_deployment_is_touched() {
    walk(others()).await;
}

#[tokio::test]
async fn what_cannot_be_undone_is_refused_before_anything_is_sent() {
    walk(refusals()).await;
}

#[tokio::test]
async fn what_was_judged_bad_is_left_also_where_it_was_deployed_again() {
    walk(again()).await;
}

#[tokio::test]
async fn a_busy_late_or_scaled_service_is_rolled_back_all_the_same() {
    walk(circumstances()).await;
}

fn states() -> Vec<Row> {
    vec![
        Row {
            case: "in flight: stopped",
            changes: &[(STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "pending: stopped",
            conduct: pause("PRE_SCALE_UP"),
            plan: Ok(Answer),
            changes: &[(ANSWER, "done")],
            ..Row::default()
        },
        Row {
            case: "in flight and paused: the hook is answered",
            conduct: pause("POST_SCALE_UP"),
            then: |stage| stage.clock.pass(ROLLOUT),
            plan: Ok(Answer),
            changes: &[(ANSWER, "done")],
            ..Row::default()
        },
        Row {
            case: "the hook is answered by somebody else under ours: stopped",
            conduct: pause("POST_SCALE_UP"),
            then: |stage| {
                stage.service.hold(true).unwrap();
                stage.clock.pass(ROLLOUT);
            },
            plan: Ok(Answer),
            meanwhile: |stage| under(stage, ANSWER, continue_all),
            ended: Some(Ok(Stop)),
            changes: &[(ANSWER, REFUSED), (STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "completed: updated",
            deployed: |stage| drop(stage.deploy_whole()),
            plan: Ok(Update),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "completes between the look and the stop: planned anew, once",
            meanwhile: |stage| under(stage, STOP, |service| service.complete().unwrap()),
            ended: Some(Ok(Update)),
            changes: &[(STOP, CONFLICT), (UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "stopped without a rollback: updated",
            then: |stage| {
                stage.service.stop(BreakerEnd::Stop).unwrap();
                stage.clock.pass(LAG);
            },
            plan: Ok(Update),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "being stopped without a rollback: nothing yet",
            then: |stage| stage.service.stop(BreakerEnd::Stop).unwrap(),
            plan: Err(Refused::Passing),
            end: ("STOPPED", "api:1"),
            ..Row::default()
        },
    ]
}

fn two_sides() -> Vec<Row> {
    vec![
        Row {
            case: "BLUE_GREEN before the traffic shifts",
            conduct: sided("BLUE_GREEN"),
            changes: &[(STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "BLUE_GREEN in bake: at once",
            conduct: sided("BLUE_GREEN"),
            then: |stage| {
                stage.clock.pass(ROLLOUT + IN_BAKE);
                assert_eq!(stage.service.stage().unwrap(), Some("BAKE_TIME"));
                assert_eq!(serving(stage), "api:2");
            },
            changes: &[(STOP, "done")],
            at_once: true,
            ..Row::default()
        },
        Row {
            case: "BLUE_GREEN after the clean-up: a whole deployment back",
            conduct: sided("BLUE_GREEN"),
            deployed: |stage| {
                stage.deploy();
                stage.clock.pass(WHOLE);
            },
            plan: Ok(Update),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "LINEAR in its steps",
            conduct: sided("LINEAR"),
            then: |stage| stage.clock.pass(ROLLOUT + IN_BAKE),
            changes: &[(STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "CANARY on its first step",
            conduct: sided("CANARY"),
            then: |stage| stage.clock.pass(ROLLOUT + IN_BAKE),
            changes: &[(STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "LINEAR paused before each step: the hook that awaits is answered",
            conduct: paused(sided("LINEAR"), "PRE_PRODUCTION_TRAFFIC_SHIFT"),
            then: |stage| {
                // The first step's hook was answered; the second one has another id.
                stage.clock.pass(ROLLOUT + IN_BAKE);
                continue_all(&stage.service);
                stage.clock.pass(MINUTE * 10);
            },
            plan: Ok(Answer),
            changes: &[(ANSWER, "done")],
            ..Row::default()
        },
        Row {
            case: "the hook moves on under the answer: the next one is answered",
            conduct: paused(sided("LINEAR"), "PRE_PRODUCTION_TRAFFIC_SHIFT"),
            then: |stage| stage.clock.pass(ROLLOUT + IN_BAKE),
            plan: Ok(Answer),
            meanwhile: |stage| {
                let clock = stage.clock.clone();
                let service = stage.service.clone();
                let moves_on = Fault::Meanwhile(Box::new(move |_| {
                    continue_all(&service);
                    clock.pass(MINUTE * 10);
                }));
                stage.control().fault(ANSWER, moves_on, Times::Next(1));
            },
            ended: Some(Ok(Answer)),
            changes: &[(ANSWER, REFUSED), (ANSWER, "done")],
            ..Row::default()
        },
        Row {
            case: "the circuit breaker on BLUE_GREEN",
            conduct: sided("BLUE_GREEN"),
            then: |stage| trip(stage, BreakerEnd::RollBack),
            plan: Err(Refused::ByPlatform),
            ..Row::default()
        },
    ]
}

fn by_ecs() -> Vec<Row> {
    let breaker = json!({ "deploymentCircuitBreaker": { "enable": true, "rollback": true } });
    let alarms = |rollback: bool| json!({ "alarms": { "enable": true, "rollback": rollback, "alarmNames": ["errors"] } });
    vec![
        Row {
            case: "the circuit breaker rolls back: attach",
            conduct: breaker,
            then: |stage| {
                for _ in 0..3 {
                    stage.service.fail_task().unwrap();
                }
            },
            plan: Err(Refused::ByPlatform),
            ..Row::default()
        },
        Row {
            case: "an alarm rolls back: attach",
            conduct: alarms(true),
            then: |stage| stage.service.set_alarm("errors", true).unwrap(),
            plan: Err(Refused::ByPlatform),
            ..Row::default()
        },
        Row {
            case: "an alarm stops without a rollback: updated",
            conduct: alarms(false),
            then: |stage| stage.service.set_alarm("errors", true).unwrap(),
            plan: Ok(Update),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "an alarm that fires from the start is ignored by ECS: stopped by us",
            conduct: alarms(true),
            deployed: |stage| {
                stage.service.set_alarm("errors", true).unwrap();
                stage.deploy();
                stage.service.set_alarm("errors", true).unwrap();
            },
            changes: &[(STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "somebody else has asked for a rollback: attach",
            then: |stage| stage.service.stop(BreakerEnd::RollBack).unwrap(),
            plan: Err(Refused::ByPlatform),
            ..Row::default()
        },
        Row {
            case: "the hook's time is over: attach",
            conduct: pause("POST_SCALE_UP"),
            then: |stage| stage.clock.pass(ROLLOUT + MINUTE * 31),
            plan: Err(Refused::ByPlatform),
            ..Row::default()
        },
        Row {
            case: "ECS begins to roll back between the look and the stop: attach",
            meanwhile: |stage| {
                under(stage, "DescribeServiceDeployments", |service| {
                    service.trip_circuit_breaker(BreakerEnd::RollBack).unwrap();
                })
            },
            ended: Some(Err(Refused::ByPlatform)),
            ..Row::default()
        },
        Row {
            case: "ECS's own rollback has failed: told, and nothing done",
            then: |stage| {
                trip(stage, BreakerEnd::RollBack);
                stage.service.fail_rollback().unwrap();
            },
            plan: Err(Refused::NotRollbackable),
            end: ("ROLLBACK_FAILED", "api:1"),
            ..Row::default()
        },
    ]
}

fn others() -> Vec<Row> {
    vec![
        Row {
            case: "somebody deployed a newer version",
            deployed: |stage| drop(stage.deploy_whole()),
            then: foreign,
            plan: Err(Refused::Superseded),
            end: ("SUCCESSFUL", "api:3"),
            ..Row::default()
        },
        Row {
            case: "somebody deploys between the plan and the update",
            deployed: |stage| drop(stage.deploy_whole()),
            plan: Ok(Update),
            meanwhile: foreign,
            ended: Some(Err(Refused::Superseded)),
            end: ("SUCCESSFUL", "api:3"),
            ..Row::default()
        },
        Row {
            case: "somebody deploys under the stop: it hits nobody",
            meanwhile: |stage| under(stage, STOP, |service| drop(service.foreign_deployment())),
            ended: Some(Err(Refused::Superseded)),
            changes: &[(STOP, CONFLICT)],
            end: ("SUCCESSFUL", "api:3"),
            ..Row::default()
        },
        Row {
            case: "somebody deploys under the answer: it hits nobody",
            conduct: pause("POST_SCALE_UP"),
            then: |stage| stage.clock.pass(ROLLOUT),
            plan: Ok(Answer),
            meanwhile: |stage| {
                under(stage, ANSWER, |service| {
                    service.configure(&json!({})).unwrap();
                    service.foreign_deployment().unwrap();
                })
            },
            ended: Some(Err(Refused::Superseded)),
            changes: &[(ANSWER, REFUSED)],
            end: ("SUCCESSFUL", "api:3"),
            ..Row::default()
        },
        Row {
            case: "somebody deploys under the update: our own is taken back",
            deployed: |stage| drop(stage.deploy_whole()),
            plan: Ok(Update),
            meanwhile: |stage| under(stage, UPDATE, |service| drop(service.foreign_deployment())),
            ended: Some(Err(Refused::Strange)),
            changes: &[(UPDATE, "done"), (STOP, "done")],
            end: ("ROLLBACK_SUCCESSFUL", "api:2"),
            ..Row::default()
        },
    ]
}

fn refusals() -> Vec<Row> {
    vec![
        Row {
            case: "the same task definition under a moved tag, in flight: the old digest returns",
            deployed: same_again,
            changes: &[(STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "the same task definition under a moved tag, completed",
            deployed: |stage| {
                same_again(stage);
                stage.finish();
            },
            plan: Err(Refused::NotRollbackable),
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "the target is INACTIVE, completed",
            deployed: |stage| {
                stage.deploy_whole();
                stage.control().deregister("api:1").unwrap();
            },
            plan: Err(Refused::NotRollbackable),
            end: ("SUCCESSFUL", "api:2"),
            ..Row::default()
        },
        Row {
            case: "the target is INACTIVE, in flight: ECS itself returns to it",
            deployed: |stage| {
                stage.deploy();
                stage.control().deregister("api:1").unwrap();
            },
            changes: &[(STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "the target becomes INACTIVE after the plan",
            deployed: |stage| drop(stage.deploy_whole()),
            plan: Ok(Update),
            meanwhile: |stage| stage.control().deregister("api:1").unwrap(),
            ended: Some(Err(Refused::NotRollbackable)),
            end: ("SUCCESSFUL", "api:2"),
            ..Row::default()
        },
        Row {
            case: "nothing is desired to run",
            then: |stage| stage.service.scale(0).unwrap(),
            plan: Err(Refused::NotRollbackable),
            end: ("SUCCESSFUL", ""),
            ..Row::default()
        },
        Row {
            case: "the first deployment",
            deployed: |_| {},
            plan: Err(Refused::NoTarget),
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "the service is deleted",
            then: |stage| stage.service.delete().unwrap(),
            plan: Err(Refused::Declared),
            end: ("SUCCESSFUL", "api:2"),
            ..Row::default()
        },
        Row {
            case: "the cluster is missing",
            then: |stage| {
                let gone = Fault::Refuse("ClusterNotFoundException");
                stage
                    .control()
                    .fault("DescribeServices", gone, Times::Always);
            },
            plan: Err(Refused::Declared),
            end: ("SUCCESSFUL", "api:2"),
            ..Row::default()
        },
    ]
}

/// `api:2` is deployed whole, and then once more.
fn again() -> Vec<Row> {
    let twice = |stage: &Stage| {
        stage.deploy_whole();
        stage.service.deploy("api:2").unwrap();
    };
    let twice_whole = |stage: &Stage| {
        stage.deploy_whole();
        stage.service.deploy("api:2").unwrap();
        stage.finish();
    };
    vec![
        Row {
            case: "what nobody knows to be bad, in flight: its deployment is not to blame",
            deployed: twice,
            plan: Err(Refused::SameSoftware),
            end: ("SUCCESSFUL", "api:2"),
            ..Row::default()
        },
        Row {
            case: "what nobody knows to be bad, completed: its deployment is not to blame",
            bad: &["api:1"],
            deployed: twice_whole,
            plan: Err(Refused::SameSoftware),
            end: ("SUCCESSFUL", "api:2"),
            ..Row::default()
        },
        Row {
            case: "what was judged bad, in flight: stopped it would come again",
            bad: &["api:2"],
            deployed: twice,
            plan: Err(Refused::NotYet),
            end: ("SUCCESSFUL", "api:2"),
            ..Row::default()
        },
        Row {
            case: "what was judged bad, completed: updated to what ran before that",
            bad: &["api:2"],
            deployed: twice_whole,
            plan: Ok(Update),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "what was judged bad, completed between the pin and the plan",
            bad: &["api:2"],
            deployed: twice,
            then: |stage| stage.finish(),
            plan: Ok(Update),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "what was judged bad, stopped without a rollback: updated",
            bad: &["api:2"],
            deployed: twice,
            then: |stage| {
                stage.service.stop(BreakerEnd::Stop).unwrap();
                stage.clock.pass(LAG);
            },
            plan: Ok(Update),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "one that was judged bad over another, in flight",
            bad: &["api:2", "api:3"],
            deployed: |stage| {
                stage.deploy_whole();
                stage.deploy();
            },
            plan: Err(Refused::NotYet),
            end: ("SUCCESSFUL", "api:3"),
            ..Row::default()
        },
        Row {
            case: "one that was judged bad over another, again and again",
            bad: &["api:2", "api:3"],
            deployed: |stage| {
                stage.deploy_whole();
                stage.deploy_whole();
                for label in ["api:3", "api:2", "api:3"] {
                    stage.service.deploy(label).unwrap();
                    stage.finish();
                }
            },
            plan: Ok(Update),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "all that ran was judged bad, in flight: refused at once",
            bad: &["api:1", "api:2"],
            deployed: twice,
            plan: Err(Refused::NotRollbackable),
            end: ("SUCCESSFUL", "api:2"),
            ..Row::default()
        },
        Row {
            case: "all that ran was judged bad, completed",
            bad: &["api:1", "api:2"],
            deployed: twice_whole,
            plan: Err(Refused::NoTarget),
            end: ("SUCCESSFUL", "api:2"),
            ..Row::default()
        },
        Row {
            case: "what was judged bad and is paused: not answered, until its time is over",
            conduct: pause("POST_SCALE_UP"),
            bad: &["api:2"],
            deployed: |stage| {
                let conduct = pause("POST_SCALE_UP");
                stage.service.configure(&json!({})).unwrap();
                stage.deploy_whole();
                stage.service.configure(&conduct).unwrap();
                stage.service.deploy("api:2").unwrap();
                stage.clock.pass(ROLLOUT);
            },
            plan: Err(Refused::NotYet),
            end: ("ROLLBACK_SUCCESSFUL", "api:2"),
            ..Row::default()
        },
    ]
}

fn circumstances() -> Vec<Row> {
    vec![
        Row {
            case: "scaled out while it rolls back",
            then: |stage| stage.service.scale(5).unwrap(),
            changes: &[(STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "a DAEMON service",
            then: |stage| {
                let daemon = Fault::altered(|answer| {
                    answer["services"][0]["schedulingStrategy"] = json!("DAEMON");
                });
                stage
                    .control()
                    .fault("DescribeServices", daemon, Times::Always);
            },
            changes: &[(STOP, "done")],
            ..Row::default()
        },
        Row {
            case: "behind a Classic Load Balancer, without service deployments",
            deployed: |stage| {
                stage.control().without_service_deployments();
                let stateless = Fault::altered(|answer| {
                    for entry in answer["services"][0]["deployments"].as_array_mut().unwrap() {
                        entry["rolloutState"] = Value::Null;
                    }
                });
                stage
                    .control()
                    .fault("DescribeServices", stateless, Times::Always);
                stage.deploy();
            },
            plan: Ok(Update),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "throttled: the decisive call is tried longest",
            meanwhile: |stage| stage.control().fault(STOP, Fault::Throttle, Times::Next(3)),
            changes: &[
                (STOP, "throttle"),
                (STOP, "throttle"),
                (STOP, "throttle"),
                (STOP, "done"),
            ],
            ..Row::default()
        },
        Row {
            case: "reads lag behind the stop that got no answer: not sent twice",
            meanwhile: |stage| {
                stage.control().lag(Lag::Reads(6));
                stage
                    .control()
                    .fault(STOP, Fault::DoneThenReset, Times::Next(1));
            },
            changes: &[(STOP, "done, then reset")],
            ..Row::default()
        },
        Row {
            case: "reads lag behind the answer that got no answer: not sent twice",
            conduct: pause("POST_SCALE_UP"),
            then: |stage| stage.clock.pass(ROLLOUT),
            plan: Ok(Answer),
            meanwhile: |stage| {
                stage.control().lag(Lag::Reads(6));
                stage
                    .control()
                    .fault(ANSWER, Fault::DoneThenReset, Times::Next(1));
            },
            changes: &[(ANSWER, "done, then reset")],
            ..Row::default()
        },
        Row {
            case: "reads lag behind the update: its deployment is waited for",
            deployed: |stage| drop(stage.deploy_whole()),
            plan: Ok(Update),
            meanwhile: |stage| stage.control().lag(Lag::Reads(6)),
            changes: &[(UPDATE, "done")],
            end: ("SUCCESSFUL", "api:1"),
            ..Row::default()
        },
        Row {
            case: "the answer is slow",
            meanwhile: |stage| {
                let slow = Fault::Slow(Duration::from_millis(300));
                stage.control().fault(STOP, slow, Times::Next(1));
            },
            changes: &[(STOP, "slow")],
            ..Row::default()
        },
        Row {
            case: "an endpoint that knows no answers to hooks: stopped",
            conduct: pause("POST_SCALE_UP"),
            then: |stage| stage.clock.pass(ROLLOUT),
            plan: Ok(Answer),
            meanwhile: |stage| {
                stage
                    .control()
                    .fault(ANSWER, Fault::InvalidAction, Times::Always)
            },
            ended: Some(Ok(Stop)),
            changes: &[(ANSWER, "invalid action"), (STOP, "done")],
            ..Row::default()
        },
    ]
}

#[tokio::test]
async fn the_way_back_after_the_clean_up_is_said_to_be_a_whole_deployment() {
    let stage = Stage::set().await;
    stage.service.configure(&sided("BLUE_GREEN")).unwrap();
    stage.deploy();
    let in_bake = stage.pinned().await;
    assert_eq!(stage.plan(&in_bake).await.caveats, Vec::<String>::new());
    stage.clock.pass(WHOLE);
    let [caveat] = stage.plan(&in_bake).await.caveats.try_into().unwrap();
    assert!(caveat.contains("BLUE_GREEN"), "{caveat}");
}

async fn walk(rows: Vec<Row>) {
    for row in rows {
        walk_one(&row).await;
    }
}

async fn walk_one(row: &Row) {
    let case = row.case;
    let stage = Stage::set_with(Controller::Ecs, row.desired).await;
    if !row.conduct.is_null() {
        stage.service.configure(&row.conduct).unwrap();
    }
    (row.deployed)(&stage);
    let pinned = stage.pinned().await;
    (row.then)(&stage);

    let wanted = Wanted {
        avoid: row.bad.iter().map(|label| software(label)).collect(),
        ..Wanted::default()
    };
    let planned = stage.target.plan(&pinned, &wanted).await;
    let plan = match flat(&planned) {
        Ok(plan) => plan,
        Err(refused) => {
            assert_eq!(Err(refused), row.plan, "{case}: {planned:?}");
            follow_own(&stage, row, &pinned, refused).await;
            return;
        }
    };
    assert_eq!(Ok(plan.actuator), row.plan, "{case}");
    assert_eq!(plan.handle.is_some(), plan.actuator == Answer, "{case}");

    (row.meanwhile)(&stage);
    let done = stage.target.roll_back(plan, &stage.hand).await;
    let ended = flat(&done).map(|started| started.plan.actuator);
    assert_eq!(ended, row.ended.unwrap_or(row.plan), "{case}: {done:?}");
    if ended == Err(Refused::ByPlatform) {
        follow_own(&stage, row, &pinned, Refused::ByPlatform).await;
        return;
    }
    if row.at_once {
        stage.clock.pass(LAG + Duration::from_secs(1));
    } else {
        end(&stage);
    }
    if let Ok(Ok(started)) = &done {
        let progress = stage.target.progress(started).await;
        assert_eq!(progress, Ok(Progress::Complete), "{case}");
    }
    assert_end(&stage, row);
}

/// A rollback of ECS's own is followed to its end; of what was refused only the end is looked at.
async fn follow_own(
    stage: &Stage,
    row: &Row,
    pinned: &smokejumper::deployment::Deployment,
    refused: Refused,
) {
    end(stage);
    if refused == Refused::ByPlatform {
        let progress = stage.target.own_rollback(pinned).await;
        assert_eq!(progress, Ok(Progress::Complete), "{}", row.case);
    }
    assert_end(stage, row);
}

fn assert_end(stage: &Stage, row: &Row) {
    let changes: Vec<(String, String)> = stage
        .changes()
        .into_iter()
        .map(|(operation, answer)| (operation, told(&answer)))
        .collect();
    let expected: Vec<(String, String)> = row
        .changes
        .iter()
        .map(|(operation, answer)| ((*operation).to_owned(), (*answer).to_owned()))
        .collect();
    assert_eq!(changes, expected, "{}", row.case);
    for call in stage.control().mutating_calls() {
        assert_eq!(call.parameters["desiredCount"], Value::Null, "{}", row.case);
    }
    let (_, status) = stage.service.latest().unwrap().expect("a deployment");
    assert_eq!((status, serving(stage).as_str()), row.end, "{}", row.case);
}

/// Lets everything come to its end, whatever hooks wait.
fn end(stage: &Stage) {
    stage.control().lag(Lag::None);
    stage.service.hold(false).unwrap();
    stage.clock.pass(WHOLE);
    stage.control().advance();
    continue_all(&stage.service);
    stage.clock.pass(WHOLE);
    stage.control().advance();
}

fn flat<T>(answer: &Result<Result<T, NoRollback>, DeployError>) -> Result<&T, Refused> {
    match answer {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(no)) => Err(Refused::from(no)),
        Err(error) => Err(Refused::from(error)),
    }
}

fn told(answer: &ecs::Answer) -> String {
    match answer {
        ecs::Answer::Done => "done".to_owned(),
        ecs::Answer::Refused(code) => format!("refused: {code}"),
        ecs::Answer::Fault(name) => (*name).to_owned(),
    }
}

fn serving(stage: &Stage) -> String {
    stage.service.serving().unwrap().unwrap_or_default()
}

fn foreign(stage: &Stage) {
    stage.service.foreign_deployment().unwrap();
}

fn trip(stage: &Stage, end: BreakerEnd) {
    stage.service.trip_circuit_breaker(end).unwrap();
}

/// The same task definition is deployed again, after its tag was moved.
fn same_again(stage: &Stage) {
    stage
        .control()
        .retag("registry.test/api:1", "other content");
    stage.service.deploy("api:1").unwrap();
}

/// Something happens right before an operation is carried out.
fn under(stage: &Stage, operation: &str, happens: fn(&ecs::ServiceControl)) {
    let service = stage.service.clone();
    let fault = Fault::Meanwhile(Box::new(move |_| happens(&service)));
    stage.control().fault(operation, fault, Times::Next(1));
}

/// Somebody answers every hook that waits, and the deployment completes where nothing holds it.
fn continue_all(service: &ecs::ServiceControl) {
    for hook in service.awaiting().unwrap() {
        service.answer_hook(&hook, "CONTINUE").unwrap();
    }
}

/// A service that deploys by two sides, with a bake of five minutes.
fn sided(strategy: &str) -> Value {
    json!({ "strategy": strategy, "bakeTimeInMinutes": 5 })
}

/// A rolling service that pauses at a stage, for half an hour at most.
fn pause(stage: &str) -> Value {
    paused(json!({}), stage)
}

fn paused(mut conduct: Value, stage: &str) -> Value {
    conduct["lifecycleHooks"] = json!([{
        "targetType": "PAUSE",
        "lifecycleStages": [stage],
        "timeoutConfiguration": { "timeoutInMinutes": 30 },
    }]);
    conduct
}

const STOP: &str = "StopServiceDeployment";
const ANSWER: &str = "ContinueServiceDeployment";
const UPDATE: &str = "UpdateService";
const CONFLICT: &str = "refused: ConflictException";
const REFUSED: &str = "refused: InvalidParameterException";
/// Past the shifts of test and production traffic.
const IN_BAKE: Duration = Duration::from_secs(5);
/// Longer than any deployment here.
const WHOLE: Duration = Duration::from_hours(2);
