//! The policies against the calls: every role's flows are run against the stand-in, what the SDK
//! sends is recorded, and a policy must grant just that: one action less and something fails in
//! production, one more and somebody holds a right for nothing.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::deploy::DeploymentTarget;
use smokejumper::deploy::ecs::EcsTarget;
use smokejumper::deployment::{Actuator, Deployment, Purpose, Selector, Wanted};
use smokejumper::rehearsal::ecs::{Control, Controller, Crash, Fault, Times};

use super::recorder::Recorder;
use super::{document, granted};
use crate::deploy::stage::{Hand, ROLLOUT, Stage, declared, pace};
use crate::probes::cloud::Cloud;

/// A stage whose service has everything that there is a permission for, and an ear at the wire.
struct Scene {
    stage: Stage,
    recorder: Recorder,
    target: EcsTarget,
}

impl Scene {
    async fn set() -> Self {
        let scene = Self::bare().await;
        furnish(scene.stage.control());
        scene
    }

    /// The same with a service that has just its tasks.
    async fn bare() -> Self {
        Self::on(Stage::set().await)
    }

    fn on(stage: Stage) -> Self {
        let recorder = Recorder::default();
        let config = recorder.listening(&stage.shared);
        let target = EcsTarget::with_config(&config, &declared(), pace());
        Self {
            stage,
            recorder,
            target,
        }
    }

    /// Everything that a watch and a doctor read. What comes of it is tried elsewhere.
    async fn read(&self) {
        let target = &self.target;
        let deployment = self.pinned().await;
        drop(target.identity().await);
        drop(target.standing(&deployment).await);
        let wanted = Wanted::default();
        drop(target.plan(&deployment, &wanted).await);
        let bake = Duration::from_secs(600);
        drop(target.concerns(&deployment, bake, &wanted).await);
        drop(target.tasks(&deployment).await);
        drop(target.parameter(PARAMETER).await);
        drop(target.diagnose(&deployment).await);
        let purpose = Purpose {
            acts: true,
            pins: false,
            parameter: Some(PARAMETER.to_owned()),
        };
        drop(target.examine(&purpose, &*self.stage.clock).await);
    }

    /// Rolls the current deployment back, by the way that is expected.
    async fn roll_back(&self, expected: Actuator) {
        self.roll_back_to(&Wanted::default(), expected).await;
    }

    async fn roll_back_to(&self, wanted: &Wanted, expected: Actuator) {
        // What is only shown must not stand in the way.
        self.stage.control().clear_faults();
        let deployment = self.pinned().await;
        let plan = self.target.plan(&deployment, wanted).await;
        let plan = plan.expect("AWS answers").expect("a plan");
        assert_eq!(plan.actuator, expected);
        let hand = Hand::default();
        let started = self.target.roll_back(&plan, &hand).await;
        let started = started.expect("AWS answers").expect("a rollback");
        drop(self.target.progress(&started).await);
        drop(self.target.own_rollback(&deployment).await);
    }

    async fn pinned(&self) -> Deployment {
        let pinned = self.target.pin(&Selector::Current).await;
        pinned.expect("a deployment to pin")
    }
}

/// What a watch does that may act while the deployment is in flight.
async fn keyed() -> Vec<String> {
    let scene = Scene::set().await;
    scene.stage.deploy();
    scene.read().await;
    scene.roll_back(Actuator::StopServiceDeployment).await;
    let mut calls = scene.recorder.calls();

    let scene = Scene::set().await;
    let hook = json!({ "lifecycleHooks": [{
        "targetType": "PAUSE",
        "lifecycleStages": ["POST_SCALE_UP"],
        "timeoutConfiguration": { "timeoutInMinutes": 30 },
    }] });
    scene.stage.service.configure(&hook).expect("configured");
    scene.stage.deploy();
    scene.stage.clock.pass(ROLLOUT);
    scene.roll_back(Actuator::ContinueServiceDeployment).await;
    calls.extend(scene.recorder.calls());
    calls
}

/// The permissions that calls take.
fn needed(mut calls: Vec<String>) -> Vec<String> {
    calls.retain(|call| !FREE.contains(&call.as_str()));
    for (call, besides) in BESIDES {
        if calls.iter().any(|made| made == call) {
            calls.extend(besides.iter().map(ToString::to_string));
        }
    }
    calls.sort();
    calls.dedup();
    calls
}

#[tokio::test]
async fn a_sidecar_that_only_looks_may_do_what_it_does_and_no_more() {
    let scene = Scene::set().await;
    scene.stage.deploy_whole();
    scene.read().await;
    assert_eq!(
        needed(scene.recorder.calls()),
        granted(&document("read-only-sidecar"))
    );
}

#[tokio::test]
async fn a_sidecar_that_acts_on_its_own_deployment_may_do_what_it_does_and_no_more() {
    assert_eq!(
        needed(keyed().await),
        granted(&document("sidecar-keyed-actions"))
    );
}

#[tokio::test]
async fn a_watch_of_its_own_may_do_what_it_does_and_no_more() {
    let scene = Scene::set().await;
    scene.stage.deploy_whole();
    scene.read().await;
    scene.roll_back(Actuator::UpdateService).await;
    let mut calls = scene.recorder.calls();
    calls.extend(keyed().await);
    assert_eq!(
        needed(calls),
        granted(&document("standalone-update-service"))
    );
}

#[tokio::test]
async fn a_watch_over_codedeploy_may_do_what_it_does_and_no_more() {
    let mut calls = Vec::new();
    for (is_whole, actuator) in [
        (false, Actuator::CodedeployStopDeployment),
        (true, Actuator::CodedeployCreateDeployment),
    ] {
        let scene = Scene::on(Stage::set_with(Controller::CodeDeploy, 2).await);
        let control = scene.stage.control();
        let group = control.codedeploy(("shop", "blue-green"), ("prod", "api"));
        for revision in ["api:1".to_owned(), scene.stage.register()] {
            // A task set ends some time after its deployment.
            scene.stage.finish();
            scene.stage.finish();
            let arn = match revision.starts_with("arn:") {
                true => revision,
                false => format!("arn:aws:ecs:eu-west-1:000000000000:task-definition/{revision}"),
            };
            group.deploy(&arn).expect("nothing else goes on");
            scene.stage.clock.pass(Duration::from_secs(1));
        }
        if is_whole {
            scene.stage.finish();
            scene.stage.finish();
        }
        furnish(control);
        scene.read().await;
        scene.roll_back(actuator).await;
        calls.extend(scene.recorder.calls());
    }
    assert_eq!(needed(calls), granted(&document("codedeploy")));
}

#[tokio::test]
async fn pinning_by_digest_takes_just_what_is_granted_besides() {
    let scene = Scene::bare().await;
    let control = scene.stage.control();
    // The same revision again, after its tag was moved: its name would bring the new content.
    control.retag("registry.test/api:1", "other content");
    scene.stage.service.deploy("api:1").expect("deployed");
    scene.stage.finish();
    let pinning = Wanted {
        pin_digest: true,
        ..Wanted::default()
    };
    scene.roll_back_to(&pinning, Actuator::UpdateService).await;
    let usual = granted(&document("standalone-update-service"));
    let mut besides = scene.recorder.calls();
    besides.retain(|call| !usual.contains(call));
    assert_eq!(needed(besides), granted(&document("pin-digest")));
}

#[tokio::test]
async fn the_checks_that_ask_aws_may_do_what_they_do_and_no_more() {
    let cloud = Cloud::set().await;
    furnish(cloud.stage.control());
    let recorder = Recorder::default();
    let cloud = cloud.with_config(|config| recorder.listening(config));
    // Tasks are described only where one has stopped.
    let service = &cloud.stage.service;
    let first = service.running().expect("tasks")[0].id.clone();
    let crash = Crash {
        code: "EssentialContainerExited",
        reason: "it exited",
        exit_code: Some(1),
    };
    service.crash(&first, crash).expect("the task is there");
    let metric = json!({ "namespace": "App", "name": "Errors" });
    for (kind, settings) in [
        ("cloudwatch", json!({ "metric": metric })),
        ("ecs", json!({})),
        ("logs", json!({ "group": "/ecs/api", "pattern": "ERROR" })),
        ("target_health", json!({})),
    ] {
        drop(cloud.ask(kind, settings).await);
    }
    assert_eq!(needed(recorder.calls()), granted(&document("checks")));
}

#[test]
fn a_permission_too_many_and_one_too_few_are_seen() {
    let policy = granted(&document("read-only-sidecar"));
    let mut calls = policy.clone();
    let last = calls.pop().expect("an action");
    assert_ne!(needed(calls.clone()), policy, "{last} is used by nothing");
    calls.extend([last, "ecs:StopTask".to_owned()]);
    assert_ne!(needed(calls), policy, "ecs:StopTask is not granted");
}

/// Has the stand-in show a service that makes use of everything that is optional.
fn furnish(control: &Control) {
    let always = |operation: &str, change: fn(&mut Value)| {
        control.fault(operation, Fault::altered(change), Times::Always);
    };
    always("DescribeServices", |answer| {
        let service = &mut answer["services"][0];
        service["loadBalancers"] =
            json!([{ "targetGroupArn": GROUP, "containerName": "api", "containerPort": 80 }]);
        service["deploymentConfiguration"]["alarms"] =
            json!({ "alarmNames": ["errors"], "enable": true, "rollback": true });
    });
    always("DescribeTaskDefinition", |answer| {
        let container = &mut answer["taskDefinition"]["containerDefinitions"][0];
        container["image"] = json!("000000000000.dkr.ecr.eu-west-1.amazonaws.com/api:1");
        container["logConfiguration"] = json!({
            "logDriver": "awslogs",
            "options": { "awslogs-group": "/ecs/api", "awslogs-stream-prefix": "api", "awslogs-region": "eu-west-1" },
        });
    });
}

const GROUP: &str =
    "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/api/0123456789abcdef";
const PARAMETER: &str = "/smokejumper/freeze";
/// Calls that take no permission.
const FREE: [&str; 1] = ["sts:GetCallerIdentity"];
/// What AWS asks for besides the action of the call itself.
const BESIDES: [(&str, &[&str]); 2] = [
    // Tags at the making of a thing take the permission to tag.
    (
        "ecs:RegisterTaskDefinition",
        &["ecs:TagResource", "iam:PassRole"],
    ),
    (
        "codedeploy:CreateDeployment",
        &[
            "codedeploy:GetApplicationRevision",
            "codedeploy:GetDeploymentConfig",
            "codedeploy:RegisterApplicationRevision",
        ],
    ),
];
