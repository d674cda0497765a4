//! The task metadata endpoint, version 4: in which task do we run?
//!
//! A plain GET to an address that only the containers of the task can reach. The SDK sends nothing
//! but its own operations, so this one exchange is made by hand, under a deadline and a limit.
//! Refuses any scheme but `http`, follows no redirect, and takes no answer for another.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::fault;
use crate::deploy::DeployError;

/// The task in which we run.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct OwnTask {
    /// Its cluster: the name or the ARN.
    pub(super) cluster: String,
    /// Its ARN.
    #[serde(rename = "TaskARN")]
    pub(super) arn: String,
}

/// Asks the endpoint at this URL.
pub(super) async fn own_task(url: &str) -> Result<OwnTask, DeployError> {
    let place = Place::of(url)?;
    let asked = tokio::time::timeout(PATIENCE, exchange(&place)).await;
    let (status, body) = match asked {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => {
            return Err(DeployError::Passing(format!(
                "no usable answer from the task metadata endpoint {url}: {why}"
            )));
        }
        Err(_) => {
            return Err(DeployError::Passing(format!(
                "no answer from the task metadata endpoint {url} within {} s",
                PATIENCE.as_secs()
            )));
        }
    };
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(DeployError::Passing(format!(
            "the task metadata endpoint {url} answered {status}"
        )));
    }
    let task = (status == StatusCode::OK)
        .then(|| serde_json::from_slice::<OwnTask>(&body).ok())
        .flatten()
        .filter(|task| task.arn.starts_with("arn:"));
    task.ok_or_else(|| {
        DeployError::Strange(format!(
            "the task metadata endpoint {url} answered {status} and names no task: name the deployment with --deployment"
        ))
    })
}

/// Where the endpoint is.
#[derive(Debug)]
struct Place {
    host: String,
    port: u16,
    path: String,
    authority: String,
}

impl Place {
    fn of(url: &str) -> Result<Self, DeployError> {
        let refused = || {
            DeployError::Declared(format!(
                "the task metadata endpoint {url} is no http URL: name the deployment with --deployment"
            ))
        };
        let uri: Uri = url.parse().map_err(|_| refused())?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refused());
        };
        Ok(Self {
            // An IPv6 address stands in brackets here, and without them for the dialling.
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority.port_u16().unwrap_or(HTTP_PORT),
            path: format!("{}/task", uri.path().trim_end_matches('/')),
            authority: authority.to_string(),
        })
    }
}

async fn exchange(place: &Place) -> Result<(StatusCode, Bytes), String> {
    let dialled = TcpStream::connect((place.host.as_str(), place.port)).await;
    let stream = dialled.map_err(|error| error.to_string())?;
    let opened = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = opened.map_err(|error| fault::innermost(&error))?;
    let request = Request::get(&place.path)
        .header(header::HOST, &place.authority)
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let asked = async move {
        let answered = sender.send_request(request).await;
        let response = answered.map_err(|error| fault::innermost(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), LARGEST).collect().await;
        let body = body.map_err(|error| fault::innermost(error.as_ref()))?;
        Ok((status, body.to_bytes()))
    };
    // How the connection ended is told by the exchange: here it is only kept moving.
    let kept_moving = async {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "the connection to the task metadata endpoint broke");
        }
        std::future::pending().await
    };
    tokio::select! {
        answer = asked => answer,
        never = kept_moving => never,
    }
}

/// The endpoint answers from the machine's memory: this is a multiple of what it ever takes.
const PATIENCE: Duration = Duration::from_secs(5);
/// A task of many containers is described in some tens of KiB.
const LARGEST: usize = 1 << 20;
const HTTP_PORT: u16 = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_is_asked_for_below_the_url_that_the_environment_names() {
        let cases = [
            (
                "http://169.254.170.2/v4/abc",
                Some(("169.254.170.2", 80, "/v4/abc/task")),
            ),
            (
                "http://127.0.0.1:5000/v4/abc/",
                Some(("127.0.0.1", 5000, "/v4/abc/task")),
            ),
            (
                "http://[fd00:ec2::1]/v4/a",
                Some(("fd00:ec2::1", 80, "/v4/a/task")),
            ),
            ("https://169.254.170.2/v4/abc", None),
            ("169.254.170.2/v4", None),
            ("file:///etc/passwd", None),
            ("", None),
        ];
        for (url, expected) in cases {
            let place = Place::of(url);
            let seen = place
                .as_ref()
                .ok()
                .map(|place| (place.host.as_str(), place.port, place.path.as_str()));
            assert_eq!(seen, expected, "{url}");
        }
    }
}
