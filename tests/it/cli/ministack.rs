//! `watch` against another ECS than our own stand-in: what is deployed there decides how the page
//! answers, the release is bad, and the service is returned by `UpdateService`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::page::{page_while, until};
use super::program::{Program, ended};
use crate::deploy::stage::client;
use crate::harness::ministack::{Ministack, deploy, serving, two_revisions};
use crate::harness::relay::Relay;

const CONFIGURATION: &str = r#"
services:
  api: { deployment: { ecs: { cluster: prod, service: api } }, policy: quick }
checks:
  page: { http: { url: "${PAGE}", expect: { status: 200 } }, every: 200ms, timeout: 190ms }
policies:
  quick: { bake: 4s, min_samples: 10, rollback: { arm: true, timeout: 30s } }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_on_ministack_is_rolled_back_and_verified() {
    let ministack = Ministack::start().await;
    let ecs = client(&ministack.endpoint_url());
    let [good, bad] = two_revisions(&ecs).await;
    let well = Arc::new(AtomicBool::new(true));
    let page = page_while(Arc::clone(&well)).await;
    // What is deployed is what answers.
    let (asked, revision, follows) = (ecs.clone(), bad.clone(), Arc::clone(&well));
    let traffic = tokio::spawn(async move {
        loop {
            follows.store(serving(&asked).await != revision, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let relay = Relay::to(ministack.port()).await;
    let program = Program::with(CONFIGURATION)
        .aws(&relay.url())
        .env("PAGE", &page.url("/"));

    let started = program.start(&["watch", "--deployment", "next", "--report", "json"]);
    // It has asked what the service is called, and what is there before the next deployment.
    until(|| relay.answers() > 1).await;
    deploy(&ecs, &bad).await;
    let ran = ended(started).await;
    traffic.abort();

    let report = ran.expect(10).json();
    assert_eq!(report["rollback"]["outcome"], "rolled_back_verified");
    assert_eq!(report["rollback"]["from"], "api:2");
    assert_eq!(report["rollback"]["to"], "api:1");
    assert_eq!(serving(&ecs).await, good, "{}", ran.all());
}
