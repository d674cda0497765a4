//! `doctor` under an AWS that is not our own and that judges every request by a policy (ministack
//! with `AUTH=true`): what the policy leaves out is named, to the action, and nothing else.
//!
//! ministack judges requests to ECS as requests on the cluster, where AWS judges them on the service
//! and its deployments; so here the policies grant their actions on everything. What they grant them
//! on is the business of `policies`.

use aws_config::SdkConfig;
use aws_sdk_ecs::config::{Credentials, SharedCredentialsProvider};
use serde_json::{Value, json};

use super::{document, granted};
use crate::cli::page::page;
use crate::cli::program::{Program, Ran};
use crate::deploy::stage::shared;
use crate::harness::ministack::{Ministack, two_revisions};

const CONFIGURATION: &str = r#"
services:
  api: { deployment: { ecs: { cluster: prod, service: api } }, policy: armed }
checks:
  page: { http: { url: "${PAGE}", expect: { status: 200 } } }
policies:
  armed: { rollback: { arm: true } }
"#;

/// An account of which we are the root.
struct Account {
    ministack: Ministack,
    root: SdkConfig,
}

impl Account {
    async fn open() -> Self {
        let ministack = Ministack::start_with(&[
            ("AUTH", "true"),
            ("AWS_ACCESS_KEY_ID", ROOT),
            ("AWS_SECRET_ACCESS_KEY", ROOT),
        ])
        .await;
        let credentials = Credentials::new(ROOT, ROOT, None, None, "root");
        let root = shared(&ministack.endpoint_url())
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build();
        two_revisions(&aws_sdk_ecs::Client::new(&root)).await;
        Self { ministack, root }
    }

    /// Runs `doctor` as somebody who may do just this.
    async fn doctor(&self, actions: &[String]) -> Ran {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
        });
        let federated = aws_sdk_sts::Client::new(&self.root)
            .get_federation_token()
            .name("doctor")
            .policy(policy.to_string())
            .send()
            .await
            .expect("a session");
        let session = federated.credentials().expect("credentials");
        let page = page("200 OK", "well").await;
        let program = Program::with(CONFIGURATION)
            .env("AWS_ENDPOINT_URL", &self.ministack.endpoint_url())
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", session.access_key_id())
            .env("AWS_SECRET_ACCESS_KEY", session.secret_access_key())
            .env("AWS_SESSION_TOKEN", session.session_token())
            .env("PAGE", &page.url("/"));
        program.run(&["doctor", "--report", "json"]).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_what_a_policy_leaves_out_and_nothing_else() {
    let account = Account::open().await;
    let whole = granted(&document("read-only-sidecar"));

    let ran = account.doctor(&whole).await;
    let report: Value = serde_json::from_str(&ran.expect(0).stdout).expect("a report");
    assert_eq!(report["missing"], Value::Null, "{}", ran.all());

    for left_out in [
        &["ecs:DescribeTasks"][..],
        &["ecs:DescribeServices"],
        &["ecs:DescribeServiceRevisions", "ecs:ListTasks"],
    ] {
        let mut actions = whole.clone();
        actions.retain(|action| !left_out.contains(&action.as_str()));
        let ran = account.doctor(&actions).await;
        let report: Value = serde_json::from_str(&ran.expect(2).stdout).expect("a report");
        assert_eq!(granted(&report["missing"]), left_out, "{}", ran.all());
        assert_eq!(report["problems"], left_out.len(), "{}", ran.all());
    }
}

/// The key of ministack's root, and its secret.
const ROOT: &str = "test";
