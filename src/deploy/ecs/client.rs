//! Makes what the SDK's clients share: the environment's region and credentials, our own timeouts and retries,
//! one TLS stack.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::fault;
use crate::deploy::{DeployError, EcsService};

/// The configuration for where the service is declared to be.
pub(super) async fn from_environment(declared: &EcsService) -> Result<SdkConfig, DeployError> {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(timeouts())
        .retry_config(retries());
    if let Some(region) = &declared.region {
        loader = loader.region(Region::new(region.clone()));
    }
    let environment = loader.load().await;
    if environment.region().is_none() {
        return Err(DeployError::Declared(format!(
            "no AWS region for service {}: set deployment.ecs.region or AWS_REGION",
            declared.service
        )));
    }
    // Asked for here, so that missing credentials are told as that and not as a failed request.
    let missing = match environment.credentials_provider() {
        Some(provider) => {
            let asked = provider.provide_credentials().await;
            asked.err().map(|error| {
                fault::one_line(&fault::innermost(&error))
                    .trim_end_matches('.')
                    .to_owned()
            })
        }
        None => Some("none are configured".to_owned()),
    };
    if let Some(missing) = missing {
        return Err(DeployError::Declared(format!(
            "no AWS credentials for service {}: {missing}; set AWS_PROFILE or the AWS_ACCESS_KEY_ID pair, or run with a role",
            declared.service
        )));
    }
    Ok(environment)
}

/// The configuration for an endpoint that asks for no real credentials: the stand-in, an emulator.
pub(super) fn for_endpoint(url: &str, region: &str) -> SdkConfig {
    let credentials = Credentials::new("REHEARSAL", "rehearsal", None, None, "rehearsal");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Builder::new().build_http())
        .timeout_config(timeouts())
        .retry_config(retries())
        .build()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_max_backoff(LONGEST_BACK_OFF)
}

const CONNECT: Duration = Duration::from_secs(3);
/// ECS answers in well under a second; ten times that is no answer.
const ATTEMPT: Duration = Duration::from_secs(10);
const OPERATION: Duration = Duration::from_secs(45);
const ATTEMPTS: u32 = 4;
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);
