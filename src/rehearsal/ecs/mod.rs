//! An ECS stand-in: a small server on loopback that answers the real AWS SDK as ECS does.
//!
//! It keeps clusters, task definitions, services, deployments, service deployments and service
//! revisions in memory, rolls deployments out by a clock that is given to it, and is strict where
//! AWS is strict. It runs no container, and checks no signature beyond its form. `demo` and the tests
//! use it; nothing else may.
//!
//! Reading order: [`Settings`], `state`, `service`, `conduct`, `stages`, `rollout` with `shift`
//! and `giving_up`, `hooks` and `monitors`, `operations`, `aws`, `protocol`, `wire`, `lag`, [`Control`].

mod agenda;
mod arn;
mod audit;
mod aws;
mod codedeploy;
mod conduct;
mod control;
mod fault;
mod giving_up;
mod hooks;
mod lag;
mod monitors;
mod onlooker;
mod operations;
mod parameters;
mod protocol;
mod reply;
mod rollout;
mod service;
mod service_control;
mod settings;
mod shift;
mod stages;
mod state;
mod surroundings;
mod task_control;
mod task_set_control;
mod task_sets;
mod traffic;
mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock::Clock;

pub use audit::{Answer, Call, MUTATING};
pub use codedeploy::{GroupControl, Status as CodeDeployStatus};
pub use control::Control;
pub use fault::{Alteration, Fault, Times};
pub use lag::Lag;
pub use operations::Refusal;
pub use service::{BreakerEnd, Controller};
pub use service_control::ServiceControl;
pub use settings::{RollbackEntry, Settings};
pub use surroundings::TargetState;
pub use task_control::{Crash, Running};
pub use traffic::Traffic;

/// A running stand-in. It stops when this value is dropped.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    control: Control,
    tasks: [JoinHandle<()>; 2],
}

impl StandIn {
    /// Starts a stand-in on a free loopback port.
    ///
    /// # Errors
    /// When no loopback port can be opened.
    pub async fn start(clock: Arc<dyn Clock>, settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let control = Control::new(clock, settings);
        let server = tokio::spawn(wire::serve(listener, control.clone()));
        let ticker = tokio::spawn(tick(control.clone()));
        Ok(Self {
            address,
            control,
            tasks: [server, ticker],
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What to give the SDK as its endpoint.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The handle by which an incident is staged and looked at.
    #[must_use]
    pub const fn control(&self) -> &Control {
        &self.control
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Brings the state up to the clock even while nobody asks, so that traffic moves.
async fn tick(control: Control) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        control.advance();
    }
}

/// Short against every span of a rollout, long against the work of one tick.
const TICK: Duration = Duration::from_millis(25);
