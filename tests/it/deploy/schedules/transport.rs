//! The SDK's requests without a socket: each goes straight to the stand-in, after the schedule has
//! done what it does before it. So time can be paused, and thousands of schedules take seconds.

use std::fmt;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_sdk_ecs::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use smokejumper::rehearsal::ecs::Control;

use super::super::stage;

/// What happens before each request.
pub trait Around: Send + Sync + 'static {
    /// Does it, and says whether the run lives on.
    fn before(&self, operation: &str) -> Fate;
}

/// What becomes of the run at a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Lives,
    /// It is killed before the request goes out.
    DiesBefore,
    /// It is killed before the answer comes.
    DiesAfter,
}

/// What the adapter connects with.
pub fn connected(control: &Control, around: Arc<dyn Around>) -> SdkConfig {
    let wire = Direct {
        control: control.clone(),
        around,
    };
    stage::shared("http://stand-in.test")
        .into_builder()
        .http_client(SharedHttpClient::new(wire))
        .build()
}

#[derive(Clone)]
struct Direct {
    control: Control,
    around: Arc<dyn Around>,
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Direct")
    }
}

impl HttpClient for Direct {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Direct {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?;
            let (parts, body) = request.into_parts();
            let target = parts.headers.get("x-amz-target");
            let target = target.and_then(|target| target.to_str().ok());
            let operation = target
                .and_then(|target| target.rsplit('.').next())
                .unwrap_or_default()
                .to_owned();
            let fate = this.around.before(&operation);
            if fate == Fate::DiesBefore {
                return std::future::pending().await;
            }
            let answered = this
                .control
                .respond(&parts, body.bytes().unwrap_or_default());
            let answered = answered.await;
            if fate == Fate::DiesAfter {
                return std::future::pending().await;
            }
            let answered = answered.map_err(|error| ConnectorError::io(error.into()))?;
            HttpResponse::try_from(answered.map(Into::into))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
