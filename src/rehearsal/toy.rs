//! The toy service: a little shop behind loopback HTTP that runs in two revisions, the second one
//! bad in a way that its own health page does not see.
//!
//! Requests are dealt out to the running tasks as a load balancer would; the ECS stand-in says which
//! those are.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::ecs::Traffic;

/// What is wrong with a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// Nothing.
    Healthy,
    /// The shop's pages are down; the health page answers all the same.
    Outage,
    /// One order in five fails.
    Errors,
    /// One order in four is slow.
    Slow,
}

/// One order in so many fails: enough to be proven in the twenty seconds of a demo.
const EVERY_NTH_FAILS: u64 = 5;
/// One request in so many is slow: more than 5 %, so that it shows in the p95.
const EVERY_NTH_IS_SLOW: u64 = 4;
/// How long a healthy answer takes.
const USUAL_WORK: Duration = Duration::from_millis(4);
/// How long a slow answer takes.
const SLOW_WORK: Duration = Duration::from_millis(180);

/// A running toy service; it ends when dropped.
#[derive(Debug)]
pub struct ToyService {
    address: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

/// What every connection shares.
#[derive(Debug)]
struct Shop {
    traffic: watch::Receiver<Traffic>,
    ailments: HashMap<String, Ailment>,
    requests: AtomicUsize,
    orders: AtomicU64,
}

impl ToyService {
    /// Starts the service on a free loopback port.
    ///
    /// `traffic` says which revisions answer, `ailments` what is wrong with which of them.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn start(
        traffic: watch::Receiver<Traffic>,
        ailments: HashMap<String, Ailment>,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shop = Shop {
            traffic,
            ailments,
            requests: AtomicUsize::new(0),
            orders: AtomicU64::new(0),
        };
        let task = tokio::spawn(accept(listener, Arc::new(shop)));
        Ok(Self {
            address,
            _task: AbortOnDropHandle::new(task),
        })
    }

    /// Where it answers: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn accept(listener: TcpListener, shop: Arc<Shop>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(serve(stream, Arc::clone(&shop)));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn serve(stream: TcpStream, shop: Arc<Shop>) {
    // Without it small answers wait for the peer's acknowledgement; failing to set it only slows.
    stream.set_nodelay(true).unwrap_or_default();
    let service = service_fn(move |request| answer(request, Arc::clone(&shop)));
    let connection = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    // A client that goes away in the middle is the client's business.
    connection.unwrap_or_default();
}

async fn answer(
    request: Request<Incoming>,
    shop: Arc<Shop>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let number = shop.requests.fetch_add(1, Ordering::Relaxed);
    let revision = shop.traffic.borrow().answering(number).map(str::to_owned);
    let (status, body) = match (request.uri().path(), revision) {
        (_, None) => (
            StatusCode::SERVICE_UNAVAILABLE,
            r#"{"error":"no task is running"}"#.to_owned(),
        ),
        ("/health", Some(revision)) => (
            StatusCode::OK,
            format!(r#"{{"status":"ok","version":"{revision}"}}"#),
        ),
        ("/orders", Some(revision)) => {
            let ailment = shop
                .ailments
                .get(&revision)
                .copied()
                .unwrap_or(Ailment::Healthy);
            orders(ailment, &shop.orders).await
        }
        _ => (
            StatusCode::NOT_FOUND,
            r#"{"error":"no such page"}"#.to_owned(),
        ),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// Lists the orders. Each revision with an ailment counts the orders that it was asked for, so that
/// the share of bad answers is exact and no chance decides a demonstration.
async fn orders(ailment: Ailment, asked: &AtomicU64) -> (StatusCode, String) {
    let turn = match ailment {
        Ailment::Healthy => 0,
        Ailment::Outage | Ailment::Errors | Ailment::Slow => asked.fetch_add(1, Ordering::Relaxed),
    };
    let slow = ailment == Ailment::Slow && turn % EVERY_NTH_IS_SLOW == EVERY_NTH_IS_SLOW / 2;
    tokio::time::sleep(if slow { SLOW_WORK } else { USUAL_WORK }).await;
    let broken = match ailment {
        Ailment::Outage => true,
        Ailment::Errors => turn % EVERY_NTH_FAILS == EVERY_NTH_FAILS / 2,
        Ailment::Healthy | Ailment::Slow => false,
    };
    if broken {
        let body = r#"{"error":"column \"discount\" does not exist"}"#;
        return (StatusCode::INTERNAL_SERVER_ERROR, body.to_owned());
    }
    (
        StatusCode::OK,
        r#"{"orders":[{"id":1,"state":"paid"}]}"#.to_owned(),
    )
}
