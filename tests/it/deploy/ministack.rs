//! The adapter against an ECS emulator that is not ours: plumbing, and the fallback without
//! service deployments.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_sdk_ecs::types::ContainerDefinition;
use smokejumper::deploy::DeploymentTarget;
use smokejumper::deploy::ecs::EcsTarget;
use smokejumper::deployment::{Actuator, Progress, Selector, Standing};

use super::stage::{client, declared, eventually, pace};
use crate::harness::ministack::Ministack;

#[tokio::test]
async fn an_update_on_ministack_is_pinned_rolled_back_and_proved() {
    let ministack = Ministack::start().await;
    let ecs = client(&ministack.endpoint_url());
    ecs.create_cluster()
        .cluster_name("prod")
        .send()
        .await
        .unwrap();
    let first = register(&ecs, "registry.test/api:1").await;
    let second = register(&ecs, "registry.test/api:2").await;
    ecs.create_service()
        .cluster("prod")
        .service_name("api")
        .task_definition(&first)
        .desired_count(2)
        .send()
        .await
        .unwrap();

    let target = EcsTarget::with_client(ecs.clone(), &declared(), pace());
    let before = target.pin(&Selector::Current).await.unwrap();
    assert_eq!(before.revision.id, first);
    // The server tells nothing of who looks; the waiter's own client counts.
    let looks = Looks::default();
    let counted = ecs.config().to_builder().interceptor(looks.clone()).build();
    let waiter = EcsTarget::with_client(Client::from_conf(counted), &declared(), pace());
    let waiting = tokio::spawn(async move { waiter.pin(&Selector::Next).await });
    eventually("the waiter's first look", || async {
        let seen = looks.0.load(Ordering::SeqCst);
        (seen > 0)
            .then_some(())
            .ok_or_else(|| format!("{seen} looks"))
    })
    .await;
    update(&ecs, &second).await;
    let pinned = waiting.await.unwrap().unwrap();
    assert_eq!(pinned.revision.id, second);
    eventually("it completes", || async {
        match target.standing(&pinned).await {
            Ok(Standing::Completed) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;

    let plan = target.plan(&pinned).await.unwrap().unwrap();
    assert_eq!(
        (plan.target.id.as_str(), plan.actuator),
        (first.as_str(), Actuator::UpdateService)
    );
    let started = target.roll_back(&plan).await.unwrap().unwrap();
    eventually("the rollback completes", || async {
        match target.progress(&started).await {
            Ok(Progress::Complete) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let shown = ecs
        .describe_services()
        .cluster("prod")
        .services("api")
        .send()
        .await
        .unwrap();
    assert_eq!(shown.services()[0].task_definition(), Some(first.as_str()));
}

/// Counts the calls that a client has finished.
#[derive(Clone, Debug, Default)]
struct Looks(Arc<AtomicUsize>);

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Looks {
    fn name(&self) -> &'static str {
        "Looks"
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

async fn register(ecs: &Client, image: &str) -> String {
    let container = ContainerDefinition::builder()
        .name("api")
        .image(image)
        .memory(64)
        .build();
    let registered = ecs
        .register_task_definition()
        .family("api")
        .container_definitions(container)
        .send()
        .await
        .expect("it is answered");
    let definition = registered.task_definition().expect("it is answered");
    definition
        .task_definition_arn()
        .expect("it is answered")
        .to_owned()
}

async fn update(ecs: &Client, definition: &str) {
    let update = ecs.update_service().cluster("prod").service("api");
    update
        .task_definition(definition)
        .send()
        .await
        .expect("it is answered");
}
