//! Hears what the SDK's clients send, on its way out, and names each call as a permission does:
//! `ecs:DescribeServices`. What the other side makes of it plays no part.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Records what is sent; clones record into the same list.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<BTreeSet<String>>>);

impl Recorder {
    /// The same configuration, listened to.
    pub fn listening(&self, config: &SdkConfig) -> SdkConfig {
        let inner = config.http_client().expect("a client of HTTP");
        let listener = Listener {
            inner,
            recorder: self.clone(),
        };
        let listener = SharedHttpClient::new(listener);
        config.to_builder().http_client(listener).build()
    }

    /// The calls that were sent, sorted, each once.
    pub fn calls(&self) -> Vec<String> {
        self.0.lock().expect("the calls").iter().cloned().collect()
    }

    fn hear(&self, request: &HttpRequest) {
        let call = named(request).unwrap_or_else(|| panic!("an unknown call: {}", request.uri()));
        self.0.lock().expect("the calls").insert(call);
    }
}

/// The prefix of the service that the request is signed for, and the operation, which each of AWS's
/// protocols has elsewhere.
fn named(request: &HttpRequest) -> Option<String> {
    let headers = request.headers();
    let scope = headers.get("authorization")?.split("Credential=").nth(1)?;
    let signed = scope.split(',').next()?.split('/').nth(3)?;
    let prefix = match signed {
        "monitoring" => "cloudwatch",
        other => other,
    };
    let by_target = || headers.get("x-amz-target")?.rsplit('.').next();
    let by_path = || {
        request
            .uri()
            .split_once("/operation/")
            .map(|(_, name)| name)
    };
    let by_form = || {
        let body = std::str::from_utf8(request.body().bytes()?).ok()?;
        body.split('&')
            .find_map(|pair| pair.strip_prefix("Action="))
    };
    let operation = by_target().or_else(by_path).or_else(by_form)?;
    Some(format!("{prefix}:{operation}"))
}

#[derive(Debug)]
struct Listener {
    inner: SharedHttpClient,
    recorder: Recorder,
}

impl HttpClient for Listener {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Line {
            inner: self.inner.http_connector(settings, components),
            recorder: self.recorder.clone(),
        })
    }
}

#[derive(Debug)]
struct Line {
    inner: SharedHttpConnector,
    recorder: Recorder,
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.recorder.hear(&request);
        self.inner.call(request)
    }
}
