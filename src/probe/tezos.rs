//! The kind `tezos`: that a Tezos node is bootstrapped, in step with its peers, on the declared
//! chain, and that its head is young and moves.
//!
//! A node that says that it lags is at fault (`syncing`). One that says `stuck` is in step with
//! its peers while none of them has a new head: the chain stands still, which no rollback mends,
//! so nothing is learnt about the node (`chain_halted`, unknown) and the age of that head is told
//! in words only, lest a threshold condemn a deployment for it. A node whose synchronisation
//! threshold is 0 always calls itself synced: there the head's age decides alone. It proves
//! nothing about operations or archived state.

mod shape;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use schemars::JsonSchema;
use serde::Deserialize;

use self::shape::{Bootstrapped, Complaint, Header, ShapeFault, SyncState};
use super::chain::answer;
use super::chain::conversation::Conversation;
use super::chain::expectation::Expected;
use super::chain::fallback::{Look, Visit};
use super::chain::follower::{Declared, Follower};
use super::chain::head::Head;
use super::chain::sighting::HEAD_READINGS;
use super::wire::exchange::BODY_LIMIT;
use super::wire::said::one_line;
use super::wire::tls::{self, TlsSettings};
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::quantity::{Span, human};
use crate::sample::{Fault, Reason, Unit};
use crate::secret::Secret;

/// The kind `tezos`.
#[derive(Debug)]
pub struct Tezos;

/// What is declared below `tezos`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The node's RPC address, `http` or `https`. Messages show its host and port only.
    #[serde(default)]
    url: Option<Secret>,
    /// Several addresses instead of `url`, the preferred one first: the others are asked, in this
    /// order and within the same timeout, when the one before does not serve.
    #[serde(default)]
    endpoints: Option<Vec<Secret>>,
    /// Headers that go with every request, such as a provider's key.
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    /// How the certificates of `https` endpoints are checked.
    #[serde(default)]
    tls: TlsSettings,
    /// The chain that every endpoint must serve: `mainnet`, or an identity as `NetXdQprcVkpaWU`.
    /// One that serves another gives `wrong_chain`: the configuration is at fault, and nothing is
    /// learnt about the node.
    #[serde(default)]
    chain_id: Option<String>,
    /// How often the chain makes a block; 10s when absent. Where `expect.head_age` is absent, a
    /// head older than ten block times (at least 30s) fails, and one older than four is noted.
    #[serde(default)]
    block_time: Option<Span>,
    /// What is expected of the head. That the node is bootstrapped and in step is expected always.
    #[serde(default)]
    expect: Option<Expected>,
}

impl Kind for Tezos {
    const NAME: &'static str = "tezos";
    const SUMMARY: &'static str =
        "a Tezos node is bootstrapped, on the declared chain, and its head is young and moves";
    const READINGS: Readings = Readings {
        named: &[
            HEAD_READINGS[0],
            HEAD_READINGS[1],
            HEAD_READINGS[2],
            HEAD_READINGS[3],
            HEAD_READINGS[4],
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
            (
                "bootstrapped",
                Unit::Number,
                "1 when the node says that it is bootstrapped, 0 when it says that it is not.",
            ),
        ],
        open: false,
    };
    const DEPENDENCY: Option<&'static str> = Some("chain");
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if settings.expect == Some(Expected::default()) {
            misfits.push(Expected::emptiness());
        }
        let chain_id = match settings.chain_id.as_deref().map(str::trim) {
            Some("mainnet") => Some(MAINNET.to_owned()),
            Some(chain) if !(chain.starts_with("Net") && looks_like_a_chain(chain)) => {
                let hint = format!("write `mainnet`, or an identity as `{MAINNET}`");
                let message = format!("`{chain}` is no Tezos chain id");
                misfits.push(Misfit::at(&["chain_id"], message).hint(hint));
                None
            }
            chain => chain.map(str::to_owned),
        };
        let lowered = Declared {
            url: settings.url,
            endpoints: settings.endpoints,
            headers: settings.headers,
            tls: settings.tls,
            block_time: settings.block_time,
            expected: settings.expect.unwrap_or_default(),
        }
        .lower(surroundings);
        match lowered {
            Ok(follower) if misfits.is_empty() => Ok(Box::new(TezosProbe { follower, chain_id })),
            lowered => {
                misfits.extend(lowered.err().into_iter().flatten());
                Err(misfits)
            }
        }
    }
}

struct TezosProbe {
    follower: Follower,
    chain_id: Option<String>,
}

#[async_trait]
impl Probe for TezosProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        self.follower.run(self, attempt).await
    }

    fn target(&self) -> Option<Target> {
        self.follower.target()
    }
}

#[async_trait]
impl Look for TezosProbe {
    async fn look(&self, visit: &mut Visit<'_>) -> Result<(), Fault> {
        let mut node = self.follower.converse(visit.endpoint, BODY_LIMIT);
        if self.chain_id.is_some() {
            let body = ask(&mut node, visit, CHAIN_ID).await?;
            self.identify(&shape::chain(&body).map_err(|fault| malformed(CHAIN_ID, &fault))?)?;
        }
        let body = ask(&mut node, visit, HEADER).await?;
        let header = Header::read(&body).map_err(|fault| malformed(HEADER, &fault))?;
        if let Some(chain) = &header.chain {
            self.identify(chain)?;
        }
        let body = ask(&mut node, visit, IS_BOOTSTRAPPED).await?;
        let told = Bootstrapped::read(&body).map_err(|fault| malformed(IS_BOOTSTRAPPED, &fault))?;
        self.judge(visit, &header.head, &told)
    }
}

impl TezosProbe {
    fn identify(&self, served: &str) -> Result<(), Fault> {
        match &self.chain_id {
            Some(declared) if declared != served => {
                let served = Some(served).filter(|served| looks_like_a_chain(served));
                let detail = format!(
                    "it serves {}, and chain {declared} is declared",
                    served.map_or("no known chain".to_owned(), |served| format!(
                        "chain {served}"
                    ))
                );
                Err(Fault::new(Reason::WrongChain, detail))
            }
            _ => Ok(()),
        }
    }

    fn judge(&self, visit: &mut Visit<'_>, head: &Head, told: &Bootstrapped) -> Result<(), Fault> {
        let bootstrapped = if told.bootstrapped { 1.0 } else { 0.0 };
        visit
            .seen
            .reading("bootstrapped", bootstrapped, Unit::Number);
        if told.bootstrapped && told.state == SyncState::Stuck {
            let age = head.age(visit.attempt.wall());
            let detail = format!(
                "the node is in step with its peers and calls the chain stuck: its head, level {}, \
                 is {} old",
                head.height,
                human(Duration::from_secs(age.as_secs()))
            );
            return Err(Fault::new(Reason::ChainHalted, detail));
        }
        let seen = self.follower.see(visit, *head);
        in_step(visit, told)?;
        self.follower.judge(visit, &seen, Some(BLOCK_TIME))
    }
}

/// Whether a text has the form of an identity, so that it may be repeated in a message.
fn looks_like_a_chain(text: &str) -> bool {
    text.len() == MAINNET.len() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn in_step(visit: &mut Visit<'_>, told: &Bootstrapped) -> Result<(), Fault> {
    if !told.bootstrapped {
        let detail = "the node says that it is not bootstrapped yet";
        return Err(Fault::new(Reason::Syncing, detail));
    }
    match told.state {
        SyncState::Unsynced => {
            let detail = "the node says that its head lags behind its peers (unsynced)";
            return Err(Fault::new(Reason::Syncing, detail));
        }
        SyncState::Untold => {
            visit
                .seen
                .note("the node does not say whether it is in step with its peers");
        }
        SyncState::Synced | SyncState::Stuck => {}
    }
    Ok(())
}

async fn ask(
    node: &mut Conversation<'_>,
    visit: &mut Visit<'_>,
    path: &str,
) -> Result<Bytes, Fault> {
    let answer = node.get(visit.attempt, path).await?;
    let status = answer.status.as_u16();
    if let Some(refusal) = answer::refusal(status) {
        return Err(refusal);
    }
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let Some(complaint) = Complaint::read(&answer.body) else {
        return Err(answer::unexpected(status));
    };
    // Masked before it is cut: a cut secret would not be found.
    let ids = one_line(&visit.endpoint.masked(&complaint.ids));
    let detail = format!("{path} answered HTTP status {status}: {ids}");
    let fault = Fault::new(Reason::ServerFault, detail);
    Err(if complaint.temporary {
        fault.transient()
    } else {
        fault
    })
}

fn malformed(path: &str, fault: &ShapeFault) -> Fault {
    Fault::new(Reason::Malformed, format!("{path}: {fault}"))
}

const IS_BOOTSTRAPPED: &str = "/chains/main/is_bootstrapped";
const CHAIN_ID: &str = "/chains/main/chain_id";
const HEADER: &str = "/chains/main/blocks/head/header";

/// The identity of Tezos mainnet.
const MAINNET: &str = "NetXdQprcVkpaWU";

/// What is assumed of a chain whose block time is not declared: no slower than mainnet ever was
/// since 2024.
const BLOCK_TIME: Duration = Duration::from_secs(10);
