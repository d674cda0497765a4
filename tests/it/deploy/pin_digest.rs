//! Where a tag was moved: the earlier definition would bring the later image, so a copy of it by
//! digest is registered, once, and only where the policy allows it.

use std::sync::Mutex;

use async_trait::async_trait;
use smokejumper::deploy::{DeployError, DeploymentTarget, Witness};
use smokejumper::deployment::{
    Answer, Call, Deployment, NoRollback, Progress, RollbackPlan, Wanted,
};
use smokejumper::rehearsal::ecs::{Fault, Times};

use super::stage::{Hand, Stage};

const IMAGE: &str = "registry.test/api:1";

fn pinning() -> Wanted {
    Wanted {
        pin_digest: true,
        ..Wanted::default()
    }
}

/// `api:1` again, after its tag was moved.
async fn moved(stage: &Stage) -> Deployment {
    stage.control().retag(IMAGE, "other content");
    stage.service.deploy("api:1").unwrap();
    stage.finish();
    stage.pinned().await
}

async fn plan(stage: &Stage, deployment: &Deployment) -> RollbackPlan {
    let plan = stage.target.plan(deployment, &pinning()).await;
    plan.expect("ECS answers").expect("a plan")
}

fn registered(stage: &Stage) -> usize {
    let done = stage.done().into_iter();
    done.filter(|name| name == "RegisterTaskDefinition").count()
}

#[tokio::test]
async fn a_copy_by_digest_is_registered_and_deployed_by_its_full_arn() {
    let stage = Stage::set().await;
    let first = stage.pinned().await;
    let pinned = moved(&stage).await;
    assert_ne!(pinned.images, first.images);
    let plan = plan(&stage, &pinned).await;
    assert_eq!(plan.target.label, "api:1 pinned by digest");
    assert_eq!((plan.handle.as_ref(), &plan.images), (None, &first.images));
    assert!(
        matches!(plan.caveats.as_slice(), [only] if only.contains("registered")),
        "{:?}",
        plan.caveats
    );
    assert!(stage.changes().is_empty(), "a plan changes nothing");
    let started = stage.target.roll_back(&plan, &stage.hand).await;
    let started = started.unwrap().unwrap();
    assert_eq!(started.plan.target.label, "api:2");
    let [register, update] = stage.control().mutating_calls().try_into().unwrap();
    assert_eq!(register.operation, "RegisterTaskDefinition");
    let digest = &first.images["api"];
    assert_eq!(
        register.parameters["containerDefinitions"][0]["image"],
        format!("registry.test/api@{digest}")
    );
    assert_eq!(
        register.parameters["tags"],
        serde_json::json!([{ "key": "smokejumper:rollback-of", "value": pinned.id }])
    );
    assert_eq!(update.parameters["taskDefinition"], started.plan.target.id);
    stage.finish();
    assert_eq!(
        stage.target.progress(&started).await,
        Ok(Progress::Complete)
    );
    assert_eq!(stage.pinned().await.images, first.images);
}

#[tokio::test]
async fn without_leave_a_moved_tag_cannot_be_rolled_back() {
    let stage = Stage::set().await;
    let pinned = moved(&stage).await;
    let no = stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::NotRollbackable(text) if text.contains("pin_digest: true")),
        "{no:?}"
    );
}

#[tokio::test]
async fn a_moved_tag_is_seen_across_task_definitions() {
    let stage = Stage::set().await;
    let first = stage.pinned().await;
    stage.control().retag(IMAGE, "other content");
    // Another definition that names the same tag: going back by name would bring the new image.
    let second = stage.control().register("api", IMAGE).unwrap();
    stage.service.deploy(&second).unwrap();
    stage.finish();
    let pinned = stage.pinned().await;
    let no = stage.no_plan(&pinned).await;
    assert!(
        matches!(&no, NoRollback::NotRollbackable(text) if text.contains("api:1") && text.contains("pin_digest")),
        "{no:?}"
    );
    let plan = plan(&stage, &pinned).await;
    let started = stage.target.roll_back(&plan, &stage.hand).await;
    assert_eq!(started.unwrap().unwrap().plan.target.label, "api:3");
    stage.finish();
    assert_eq!(stage.pinned().await.images, first.images);
}

#[tokio::test]
async fn everything_of_the_definition_is_taken_over() {
    let stage = Stage::set().await;
    let document = serde_json::json!({
        "family": "api",
        "taskRoleArn": "arn:aws:iam::000000000000:role/task",
        "executionRoleArn": "arn:aws:iam::000000000000:role/execution",
        "networkMode": "awsvpc",
        "volumes": [{ "name": "scratch" }],
        "placementConstraints": [],
        "requiresCompatibilities": ["FARGATE"],
        "cpu": "256",
        "memory": "512",
        "pidMode": "task",
        "ipcMode": "none",
        "ephemeralStorage": { "sizeInGiB": 30 },
        "runtimePlatform": { "cpuArchitecture": "ARM64" },
        "enableFaultInjection": false,
        "proxyConfiguration": { "type": "APPMESH", "containerName": "envoy" },
        "containerDefinitions": [
            {
                "name": "api", "image": IMAGE, "essential": true, "cpu": 0,
                "environment": [{ "name": "A", "value": "B" }],
                "secrets": [{ "name": "S", "valueFrom": "arn:aws:ssm:eu-west-1:000000000000:parameter/s" }],
                "portMappings": [{ "containerPort": 80, "hostPort": 80, "protocol": "tcp" }],
                "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "api" } },
            },
            { "name": "envoy", "image": "registry.test/envoy@sha256:e", "cpu": 0 },
        ],
        "tags": [{ "key": "team", "value": "shop" }, { "key": "aws:cloudformation:stack-name", "value": "x" }],
    });
    let second = stage.control().register_document(&document).unwrap();
    stage.service.deploy(&second).unwrap();
    stage.finish();
    let second = stage.pinned().await;
    stage.control().retag(IMAGE, "other content");
    stage.service.deploy("api:2").unwrap();
    stage.finish();
    let pinned = stage.pinned().await;
    let plan = plan(&stage, &pinned).await;
    stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap();
    let calls = stage.control().mutating_calls();
    let mut expected = document;
    expected["containerDefinitions"][0]["image"] =
        format!("registry.test/api@{}", second.images["api"]).into();
    expected["tags"] = serde_json::json!([
        { "key": "team", "value": "shop" },
        { "key": "smokejumper:rollback-of", "value": pinned.id },
    ]);
    assert_eq!(calls[0].parameters, expected);
}

/// Dies right after a call was sent: what it wrote down before is all that a later run knows.
struct Dies<'a> {
    after: &'a str,
    hand: Hand,
    died: Mutex<bool>,
}

#[async_trait]
impl Witness for Dies<'_> {
    async fn before(&self, call: &Call) -> Result<(), DeployError> {
        if *self.died.lock().unwrap() {
            return Err(DeployError::Forbidden("dead".to_owned()));
        }
        self.hand.before(call).await
    }

    async fn after(&self, call: &Call, _: &Answer) {
        *self.died.lock().unwrap() = call.operation == self.after;
    }

    fn sent(&self) -> Vec<Call> {
        self.hand.sent()
    }

    fn is_keyed_only(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_second_run_finds_the_copy_of_the_first_and_registers_none() {
    // With what was written down, and also without: the copy says itself what it is for.
    for is_remembered in [true, false] {
        let stage = Stage::set().await;
        let pinned = moved(&stage).await;
        let plan = plan(&stage, &pinned).await;
        let first = Dies {
            after: "RegisterTaskDefinition",
            hand: Hand::default(),
            died: Mutex::new(false),
        };
        let error = stage.target.roll_back(&plan, &first).await.unwrap_err();
        assert!(matches!(error, DeployError::Forbidden(_)), "{error:?}");
        assert_eq!(stage.done(), ["RegisterTaskDefinition"]);
        let second = Hand::default();
        let sent = if is_remembered {
            first.sent()
        } else {
            Vec::new()
        };
        for call in sent {
            second.before(&call).await.unwrap();
        }
        let started = stage.target.roll_back(&plan, &second).await;
        assert_eq!(started.unwrap().unwrap().plan.target.label, "api:2");
        assert_eq!(stage.done(), ["RegisterTaskDefinition", "UpdateService"]);
    }
}

#[tokio::test]
async fn a_run_that_died_after_the_update_is_followed_and_nothing_is_sent_again() {
    let stage = Stage::set().await;
    let pinned = moved(&stage).await;
    let plan = plan(&stage, &pinned).await;
    let hand = Hand::default();
    let first = stage.target.roll_back(&plan, &hand).await.unwrap().unwrap();
    let second = stage.target.roll_back(&plan, &hand).await.unwrap().unwrap();
    assert_eq!(second.carrier, first.carrier);
    assert_eq!(second.plan.target, first.plan.target);
    assert_eq!(stage.done(), ["RegisterTaskDefinition", "UpdateService"]);
}

#[tokio::test]
async fn an_answer_that_never_came_registers_no_second_copy() {
    for fault in [
        Fault::DoneThenReset,
        Fault::DoneThenHang,
        Fault::Throttle,
        Fault::Reset,
    ] {
        let name = fault.name();
        let stage = Stage::set().await;
        let pinned = moved(&stage).await;
        let plan = plan(&stage, &pinned).await;
        let control = stage.control();
        control.fault("RegisterTaskDefinition", fault, Times::Next(1));
        let started = stage.target.roll_back(&plan, &stage.hand).await;
        let started = started.unwrap().unwrap();
        assert_eq!(started.plan.target.label, "api:2", "{name}");
        let next = stage.register();
        assert!(
            next.ends_with("api:3"),
            "{name}: one copy alone, and {next}"
        );
        assert!(registered(&stage) <= 1, "{name}");
    }
}

#[tokio::test]
async fn a_copy_that_ecs_does_not_show_as_it_was_meant_is_not_deployed() {
    let stage = Stage::set().await;
    let pinned = moved(&stage).await;
    let plan = plan(&stage, &pinned).await;
    let lies = Fault::altered(|answer| {
        if answer["taskDefinition"]["revision"] == 2 {
            answer["taskDefinition"]["containerDefinitions"][0]["image"] =
                "registry.test/evil:1".into();
        }
    });
    stage
        .control()
        .fault("DescribeTaskDefinition", lies, Times::Always);
    let error = stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap_err();
    assert!(
        matches!(&error, DeployError::Strange(text) if text.contains("api:2")),
        "{error:?}"
    );
    assert_eq!(stage.done(), ["RegisterTaskDefinition"]);
}

#[tokio::test]
async fn where_nothing_was_moved_nothing_is_registered() {
    let stage = Stage::set().await;
    stage.deploy_whole();
    let pinned = stage.pinned().await;
    let plan = plan(&stage, &pinned).await;
    assert_eq!(plan.target.label, "api:1");
    stage
        .target
        .roll_back(&plan, &stage.hand)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stage.done(), ["UpdateService"]);
}
