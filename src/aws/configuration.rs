//! Makes what the SDK's clients share: the environment's region and credentials, our own timeouts and
//! retries, one TLS stack.

use std::time::Duration;

use aws_config::timeout::{TimeoutConfig, TimeoutConfigBuilder};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::fault;

/// How long and how often a call is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until it is answered, within a bound: something depends on it.
    Retrying,
    /// Once; who asks has a deadline of their own, and drops the call.
    Once,
}

/// Why nobody can be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAccess {
    /// No region is set.
    #[error("no AWS region")]
    Region,
    /// There are no credentials; why.
    #[error("no AWS credentials: {0}")]
    Credentials(String),
}

/// The configuration of the environment: region, profile, role, `AWS_ENDPOINT_URL`. What is given goes
/// before it.
pub(crate) async fn from_environment(
    region: Option<&str>,
    endpoint: Option<&str>,
    patience: Patience,
) -> Result<SdkConfig, NoAccess> {
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .timeout_config(patience.timeouts())
        .retry_config(patience.retries());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(endpoint) = endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    let environment = loader.load().await;
    if environment.region().is_none() {
        return Err(NoAccess::Region);
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
    match missing {
        Some(missing) => Err(NoAccess::Credentials(missing)),
        None => Ok(environment),
    }
}

/// The configuration for an endpoint that asks for no real credentials: the stand-in, an emulator.
pub(crate) fn for_endpoint(url: &str, region: &str) -> SdkConfig {
    let credentials = Credentials::new("REHEARSAL", "rehearsal", None, None, "rehearsal");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .endpoint_url(url)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Builder::new().build_http())
        .timeout_config(Patience::Retrying.timeouts())
        .retry_config(Patience::Retrying.retries())
        .build()
}

/// The same configuration for a check, whose runs are one attempt each under a deadline of their own.
pub(crate) fn for_one_attempt(config: &SdkConfig) -> SdkConfig {
    config
        .to_builder()
        .timeout_config(Patience::Once.timeouts())
        .retry_config(Patience::Once.retries())
        .build()
}

impl Patience {
    fn timeouts(self) -> TimeoutConfig {
        let connect: TimeoutConfigBuilder = TimeoutConfig::builder().connect_timeout(CONNECT);
        match self {
            Self::Retrying => connect
                .operation_attempt_timeout(ATTEMPT)
                .operation_timeout(OPERATION)
                .build(),
            Self::Once => connect.build(),
        }
    }

    fn retries(self) -> RetryConfig {
        match self {
            Self::Retrying => RetryConfig::standard()
                .with_max_attempts(ATTEMPTS)
                .with_max_backoff(LONGEST_BACK_OFF),
            Self::Once => RetryConfig::disabled(),
        }
    }
}

const CONNECT: Duration = Duration::from_secs(3);
/// ECS answers in well under a second; ten times that is no answer.
const ATTEMPT: Duration = Duration::from_secs(10);
const OPERATION: Duration = Duration::from_secs(45);
const ATTEMPTS: u32 = 4;
const LONGEST_BACK_OFF: Duration = Duration::from_secs(5);
