//! A small Tezos node: answers the requests of the kind `tezos` in the shapes of a real one, in
//! whatever state a test puts it.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::scripted_node::{Asked, Play, ScriptedNode};

/// The identity of Tezos mainnet.
pub const MAINNET: &str = "NetXdQprcVkpaWU";

/// What the node is made to say.
#[derive(Clone, Debug)]
pub struct State {
    /// Whether it says that it is bootstrapped.
    pub bootstrapped: bool,
    /// `synced`, `unsynced` or `stuck`.
    pub sync_state: &'static str,
    /// The level of its head.
    pub level: u64,
    /// How many seconds ago its head was made.
    pub age: i64,
    /// Its chain.
    pub chain_id: &'static str,
    /// The protocol in force.
    pub protocol: &'static str,
    /// The seconds between its blocks.
    pub delay: &'static str,
    /// How many peers it has.
    pub peers: usize,
    /// How many blocks back it keeps the state.
    pub keeps: u64,
    /// What its hashes begin with: another branch is another letter.
    pub branch: char,
    /// What it does instead, by the end of the path that is asked for.
    pub instead: Vec<(&'static str, Play)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            bootstrapped: true,
            sync_state: "synced",
            level: 11_000_000,
            age: 3,
            chain_id: MAINNET,
            protocol: "PtTALLiNtPec7mE7yY4m3k26J8Qukef3E3ehzhfXgFZKGtDdAXu",
            delay: "10",
            peers: 2,
            keeps: 1_000,
            branch: 'a',
            instead: Vec::new(),
        }
    }
}

/// A running node.
pub struct TezosNode {
    /// The peer that answers.
    pub peer: ScriptedNode,
    state: Arc<Mutex<State>>,
}

impl TezosNode {
    /// Starts a node in this state.
    pub async fn start(state: State) -> Self {
        let state = Arc::new(Mutex::new(state));
        let told = Arc::clone(&state);
        let peer =
            ScriptedNode::start(move |asked| told.lock().expect("nobody panicked").play(asked))
                .await;
        Self { peer, state }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.peer.url()
    }

    /// Changes its state.
    pub fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("nobody panicked"));
    }
}

impl State {
    fn play(&self, asked: &Asked) -> Play {
        let path = asked.path.split('?').next().unwrap_or_default();
        let instead = self.instead.iter().find(|(end, _)| path.ends_with(end));
        if let Some((_, play)) = instead {
            return play.clone();
        }
        if path.ends_with("/network/connections") {
            let peer = json!({"incoming": false, "peer_id": "idrpUzezw7VJ4NU6phQYuxh88RiU1t"});
            return Play::json(json!(vec![peer; self.peers]));
        }
        let Some((_, path)) = path.split_once("/chains/main/") else {
            return Play::Answer(404, "text/plain", "no such path".to_owned());
        };
        match path {
            "is_bootstrapped" => Play::json(json!({
                "bootstrapped": self.bootstrapped,
                "sync_state": self.sync_state,
            })),
            "chain_id" => Play::json(json!(self.chain_id)),
            "blocks/head/header" => Play::json(self.header()),
            other => self.of_block(other.strip_prefix("blocks/").unwrap_or_default()),
        }
    }

    fn of_block(&self, path: &str) -> Play {
        let (block, what) = path.split_once('/').unwrap_or_default();
        let level = if block == "head" {
            Some(self.level)
        } else {
            block.parse().ok().filter(|level| *level <= self.level)
        };
        let kept = level.is_some_and(|level| self.level - level <= self.keeps);
        match (level, what) {
            (Some(level), "hash") => Play::json(json!(format!("BL{}{level}", self.branch))),
            (Some(_), "context/constants") if kept => Play::json(json!({
                "consensus_rights_delay": 2,
                "blocks_per_cycle": 14_400,
                "minimal_block_delay": self.delay,
            })),
            _ => Play::Answer(404, "text/plain", "no such path".to_owned()),
        }
    }

    /// The header of its head.
    pub fn header(&self) -> serde_json::Value {
        let now = jiff::Timestamp::now().as_second();
        let made = jiff::Timestamp::from_second(now - self.age).expect("a time of today");
        json!({
            "protocol": self.protocol,
            "chain_id": self.chain_id,
            "hash": "BLockGenesisGenesisGenesisGenesisGenesisf79b5d1CoW2",
            "level": self.level,
            "proto": 24,
            "predecessor": "BLockGenesisGenesisGenesisGenesisGenesisf79b5d1CoW2",
            "timestamp": made.to_string(),
            "validation_pass": 4,
            "operations_hash": "LLoZS2LW3rEi7KYU4ouBQtorua37aWWCtpDmv1n2x3xoKi6sVXLWp",
            "fitness": ["02", "00a7d8c0", "", "ffffffff", "00000000"],
            "context": "CoUeJrcPBj3T3iJL3PY4jZHnmZa5rRZ87VQPdSBNBcwZRMWJGh9j",
        })
    }
}
