//! `smokejumper demo`: a whole incident on this machine, with nothing else installed.
//!
//! A toy service and an ECS stand-in are real servers on loopback; probing, judging and the AWS SDK
//! are the very ones of `watch`. Nothing outside this machine is touched.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::arguments::{Common, DemoArguments, Scenario};
use super::session::Session;
use super::state;
use super::stop::Stop;
use super::terminal::Terminal;
use super::{exit, refuse};
use crate::clock::Clock;
use crate::decision::Permission;
use crate::deploy::Platform;
use crate::deploy::ecs::{self, EcsTarget};
use crate::deployment::{Revision, RollbackOutcome, Selector};
use crate::engine::clock::SystemClock;
use crate::engine::record::Record;
use crate::engine::rollback::Pace;
use crate::engine::watch::{Watch, WatchOptions};
use crate::event::{Action, Verdict};
use crate::plan::ServicePlan;
use crate::rehearsal::ecs::Settings;
use crate::rehearsal::incident::Incident;
use crate::rehearsal::toy::Ailment;

/// What the demo declares; the same file would work for a service of one's own.
const CONFIGURATION: &str = "\
services:
  shop:
    deployment: { ecs: { cluster: demo, service: shop, region: eu-west-1 } }
    policy: quick

checks:
  health:
    http: { url: \"${SHOP_URL}/health\", expect: { json: { $.status: ok } } }
    every: 300ms
    timeout: 290ms
  orders:
    http:
      url: ${SHOP_URL}/orders
      expect: { status: 200, json: { $.orders: { len: 1 } } }
    every: 250ms
    timeout: 240ms
    thresholds:
      error_rate: { warning: \"> 1%\", critical: \"> 5%\" }
      p95: { warning: \"> 60ms\", critical: \"> 120ms\" }

policies:
  quick:
    bake: 20s
    warm_up: 1s
    min_samples: 20
    rollback: { arm: true }
";

/// How fast things go in the demo: a rollout of minutes in seconds.
const STAGE: (Duration, Duration, Duration) = (
    Duration::from_secs(4),
    Duration::from_millis(400),
    Duration::from_secs(4),
);
/// How often the stand-in is asked.
const POLL: Duration = Duration::from_millis(500);

/// Runs the command: 0 when the incident was handled as it should be, 1 when not.
pub async fn run(arguments: DemoArguments) -> u8 {
    let terminal = Terminal::new(arguments.shown, false);
    let stop = match Stop::listen() {
        Ok(stop) => stop,
        Err(error) => return refuse(&terminal, exit::INTERNAL, &error.to_string()),
    };
    match stop.unless_insisted(rehearse(&arguments, &stop)).await {
        Ok(Ok(code)) | Err(code) => code,
        Ok(Err(NotStaged::Folder(why))) => refuse(&terminal, exit::USAGE, &why),
        Ok(Err(NotStaged::Bug(why))) => refuse(&terminal, exit::INTERNAL, &why),
    }
}

/// Why there was nothing to be seen.
enum NotStaged {
    /// The user's own machine stands in the way, and the user can mend it.
    Folder(String),
    Bug(String),
}

impl From<String> for NotStaged {
    fn from(why: String) -> Self {
        Self::Bug(why)
    }
}

async fn rehearse(arguments: &DemoArguments, stop: &Stop) -> Result<u8, NotStaged> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let (rollout, rollback_lag, rollback) = STAGE;
    let settings = Settings {
        rollout,
        rollback_lag,
        rollback,
        ..Settings::default()
    };
    let incident = Incident::stage(Arc::clone(&clock), settings, ailment(arguments.scenario))
        .await
        .map_err(|error| error.to_string())?;
    let session = declare(arguments, &incident)?;
    tell(&session, &opening(arguments.scenario))?;
    let (service, checks) = (
        session.plan.services[0].clone(),
        session.plan.checks.clone(),
    );
    let Some(Platform::Ecs(declared)) = &service.platform else {
        return Err(NotStaged::Bug(
            "the demo's own configuration names no deployment, which is a bug".to_owned(),
        ));
    };
    let target =
        EcsTarget::at_endpoint(&incident.ecs.endpoint_url(), declared, ecs::Pace::default());
    incident.release().map_err(|error| error.to_string())?;
    // A rehearsal leaves nothing behind, and nothing that happened on this machine may stop it.
    let state = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (context, shown) = session.context(stop, &checks);
    let watch = Watch {
        context: &context,
        service: &service,
        checks: &checks,
        target: Arc::new(target),
        options: WatchOptions {
            before: crate::engine::before::Source::None,
            selector: Selector::Current,
            permission: permission(&service),
            pace: Pace {
                poll: POLL,
                ..Pace::default()
            },
            journaling: state::journal_in(state.path()).await,
            kill_switch: None,
            window: None,
            desk: None,
        },
    };
    let record = watch.run().await.map_err(|error| error.to_string())?;
    drop(context);
    shown.finish().await.map_err(|error| error.to_string())?;
    let as_it_should = handled(arguments.scenario, &record, &incident);
    let watch_code = exit::exit_code(&record, false, stop.signal());
    let report = crate::report::text::render(&record, watch_code, session.terminal.data_colour);
    tell(
        &session,
        &format!("\n{report}\n{}", closing(&incident, as_it_should)),
    )?;
    Ok(match (as_it_should, stop.signal()) {
        (true, _) => exit::PASS,
        (false, Some(signal)) => signal,
        (false, None) => exit::FAILED,
    })
}

/// As `watch` without flags.
const fn permission(service: &ServicePlan) -> Permission {
    if service.policy.rollback.arm {
        Permission::Armed
    } else {
        Permission::NotArmed
    }
}

fn tell(session: &Session, text: &str) -> Result<(), String> {
    session
        .terminal
        .data(text)
        .map_err(|error| error.to_string())
}

const fn ailment(scenario: Scenario) -> Ailment {
    match scenario {
        Scenario::Outage => Ailment::Outage,
        Scenario::Errors => Ailment::Errors,
        Scenario::Slow => Ailment::Slow,
        Scenario::Healthy => Ailment::Healthy,
    }
}

/// Reads the demo's configuration as a user's own would be read: from a file.
fn declare(arguments: &DemoArguments, incident: &Incident) -> Result<Session, NotStaged> {
    let mut file = tempfile::Builder::new()
        .prefix("smokejumper-demo-")
        .suffix(".yaml")
        .tempfile()
        .map_err(|error| {
            NotStaged::Folder(format!(
                "no temporary file can be made: {error}; set TMPDIR to a folder that can be written"
            ))
        })?;
    file.write_all(CONFIGURATION.as_bytes())
        .map_err(|error| error.to_string())?;
    let common = Common {
        paths: vec![file.path().to_owned()],
        overlay: Vec::new(),
        only: Vec::new(),
        tag: Vec::new(),
        service: None,
        variables: Vec::new(),
        shown: arguments.shown,
    };
    let extra = BTreeMap::from([("SHOP_URL".to_owned(), incident.toy.url())]);
    Session::open_with(&common, &[], extra).map_err(|_| {
        NotStaged::Bug("the demo's own configuration is wrong, which is a bug".to_owned())
    })
}

fn opening(scenario: Scenario) -> String {
    let what = match scenario {
        Scenario::Outage => "every order fails, and its health page stays green",
        Scenario::Errors => "one order in five fails, its health page stays green",
        Scenario::Slow => "one order in four is slow, its health page is green",
        Scenario::Healthy => "nothing is wrong",
    };
    format!(
        "A toy shop runs revision shop:1 on an ECS stand-in, both on this machine.\n\
         Now shop:3 is deployed: {what}.\n\n{}\n",
        CONFIGURATION
            .lines()
            .map(|line| format!("    {line}\n"))
            .collect::<String>()
    )
}

/// Whether the incident was handled as it should be, checked against the stand-in's own state.
fn handled(scenario: Scenario, record: &Record, incident: &Incident) -> bool {
    let outcome = record.rollback.as_ref().map(|rollback| rollback.outcome);
    let serving = incident.service().serving().ok().flatten();
    let changes = incident.ecs.control().mutating_calls().len();
    let deployment = record.deployment.as_ref();
    let runs = |revision: Option<&Revision>| serving.as_ref() == revision.map(|known| &known.label);
    match scenario {
        Scenario::Healthy => {
            record.assessment.verdict == Verdict::Pass
                && record.decision.action == Action::Accept
                && outcome.is_none()
                && changes == 0
                && runs(deployment.map(|deployment| &deployment.revision))
        }
        Scenario::Outage | Scenario::Errors | Scenario::Slow => {
            outcome == Some(RollbackOutcome::RolledBackVerified)
                && changes == 1
                && runs(deployment.and_then(|deployment| deployment.previous.as_ref()))
        }
    }
}

fn closing(incident: &Incident, as_it_should: bool) -> String {
    let serving = incident.service().serving().ok().flatten();
    let serving = serving.as_deref().unwrap_or("nothing");
    let calls = incident.ecs.control().mutating_calls();
    let calls: Vec<&str> = calls.iter().map(|call| call.operation.as_str()).collect();
    let calls = if calls.is_empty() {
        "none".to_owned()
    } else {
        calls.join(", ")
    };
    let handled = if as_it_should {
        "as it should be"
    } else {
        "NOT as it should be"
    };
    format!(
        "The shop now runs {serving}. Calls that changed anything on ECS: {calls}.\n\
         The incident was handled {handled}.\n\n\
         Where to go next:\n\
         \x20 smokejumper demo --scenario outage|errors|slow|healthy\n\
         \x20 write a smokejumper.yaml like the one above for your own service, then\n\
         \x20 smokejumper plan     shows what would be probed and judged\n\
         \x20 smokejumper gate     probes once: for CI and for a shell\n\
         \x20 smokejumper watch    after a deployment: judges it and rolls it back\n"
    )
}
