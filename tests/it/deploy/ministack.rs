//! The adapter against an ECS emulator that is not ours: plumbing, and the fallback without
//! service deployments.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use smokejumper::deploy::DeploymentTarget;
use smokejumper::deploy::ecs::EcsTarget;
use smokejumper::deployment::{Actuator, Progress, Selector, Standing, Wanted};

use super::stage::{Hand, declared, eventually, pace, shared};
use crate::harness::ministack::{Ministack, deploy, serving, two_revisions};

#[tokio::test]
async fn an_update_on_ministack_is_pinned_rolled_back_and_proved() {
    let ministack = Ministack::start().await;
    let shared = shared(&ministack.endpoint_url());
    let ecs = Client::new(&shared);
    let [first, second] = two_revisions(&ecs).await;

    let target = EcsTarget::with_config(&shared, &declared(), pace());
    let before = target.pin(&Selector::Current).await.unwrap();
    assert_eq!(before.revision.id, first);
    // The server tells nothing of who looks; the waiter's own client counts.
    let looks = Looks::default();
    let counted = ecs.config().to_builder().interceptor(looks.clone()).build();
    let waiter = target.clone().with_client(Client::from_conf(counted));
    let waiting = tokio::spawn(async move { waiter.pin(&Selector::Next).await });
    eventually("the waiter's first look", || async {
        let seen = looks.0.load(Ordering::SeqCst);
        (seen > 0)
            .then_some(())
            .ok_or_else(|| format!("{seen} looks"))
    })
    .await;
    deploy(&ecs, &second).await;
    let pinned = waiting.await.unwrap().unwrap();
    assert_eq!(pinned.revision.id, second);
    eventually("it completes", || async {
        match target.standing(&pinned).await {
            Ok(Standing::Completed) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;

    let plan = target
        .plan(&pinned, &Wanted::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (plan.target.id.as_str(), plan.actuator),
        (first.as_str(), Actuator::UpdateService)
    );
    let started = target
        .roll_back(&plan, &Hand::default())
        .await
        .unwrap()
        .unwrap();
    eventually("the rollback completes", || async {
        match target.progress(&started).await {
            Ok(Progress::Complete) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(serving(&ecs).await, first);
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
