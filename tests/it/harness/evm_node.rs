//! An EVM node of our own, for what no real one can be made to say: it answers the requests of the
//! kind `evm` well, save those that a test overrides.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::scripted_node::{Asked, Play, ScriptedNode};

/// Starts a node of chain 1 with a young head at block 54, whose `odd` answers win.
///
/// `odd` sees the method, the identifier of the request, and everything that was asked.
pub async fn start(
    odd: impl Fn(&str, &Value, &Asked) -> Option<Play> + Send + Sync + 'static,
) -> ScriptedNode {
    ScriptedNode::start(move |asked| {
        let request: Value = serde_json::from_str(&asked.body).expect("JSON");
        let (method, id) = (
            request["method"].as_str().expect("a method"),
            &request["id"],
        );
        odd(method, id, asked).unwrap_or_else(|| well(method, id))
    })
    .await
}

/// A node whose state a test may change while it runs.
#[derive(Clone, Debug)]
pub struct State {
    /// Its chain.
    pub chain: u64,
    /// The height of its newest block.
    pub head: u64,
    /// How many seconds ago that was made.
    pub age: i64,
    /// The height of its newest final block; nothing where the chain knows none.
    pub finalized: Option<u64>,
    /// What its hashes begin with: another branch is another digit.
    pub branch: char,
    /// What it does instead, by method.
    pub instead: Vec<(&'static str, Play)>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            chain: 1,
            head: 1_000,
            age: 3,
            finalized: Some(936),
            branch: 'a',
            instead: Vec::new(),
        }
    }
}

/// A running node with a state.
pub struct EvmNode {
    /// The peer that answers.
    pub peer: ScriptedNode,
    state: Arc<Mutex<State>>,
}

impl EvmNode {
    /// Starts a node in this state.
    pub async fn start(state: State) -> Self {
        let state = Arc::new(Mutex::new(state));
        let told = Arc::clone(&state);
        let peer = ScriptedNode::start(move |asked| {
            let request: Value = serde_json::from_str(&asked.body).expect("JSON");
            told.lock().expect("nobody panicked").play(&request)
        })
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
    fn play(&self, request: &Value) -> Play {
        let (method, id) = (
            request["method"].as_str().expect("a method"),
            &request["id"],
        );
        if let Some((_, play)) = self.instead.iter().find(|(of, _)| *of == method) {
            return play.clone();
        }
        match method {
            "eth_chainId" => result(id, format!("{:#x}", self.chain)),
            "eth_getBlockByNumber" => self.block(id, request["params"][0].as_str().expect("which")),
            "eth_syncing" => result(id, false),
            "net_peerCount" => result(id, "0x2"),
            other => error(id, -32601, &format!("the method {other} does not exist")),
        }
    }

    fn block(&self, id: &Value, which: &str) -> Play {
        let height = match which {
            "latest" => Some(self.head),
            "finalized" | "safe" if self.finalized.is_none() => {
                return error(
                    id,
                    -32000,
                    "'finalized' tag not supported on pre-merge network",
                );
            }
            "finalized" | "safe" => self.finalized,
            number => u64::from_str_radix(number.trim_start_matches("0x"), 16).ok(),
        };
        let Some(height) = height.filter(|height| *height <= self.head) else {
            return result(id, Value::Null);
        };
        let mut block = block(height, self.age);
        block["hash"] = json!(format!("0x{}{height:063x}", self.branch));
        result(id, block)
    }
}

/// Starts a node that plays this, whatever is asked.
pub async fn always(play: Play) -> ScriptedNode {
    ScriptedNode::start(move |_| play.clone()).await
}

/// The envelope of a result.
pub fn result(id: &Value, result: impl Into<Value>) -> Play {
    Play::json(json!({"jsonrpc": "2.0", "id": id, "result": result.into()}))
}

/// The envelope of an error.
pub fn error(id: &Value, code: i64, message: &str) -> Play {
    let error = json!({"code": code, "message": message});
    Play::json(json!({"jsonrpc": "2.0", "id": id, "error": error}))
}

/// A block as a node would give it, its time in seconds before now.
pub fn block(number: u64, age: i64) -> Value {
    let made = jiff::Timestamp::now().as_second() - age;
    let hash = "0xd2263e8a4d2a8a3d8a1b7c3f2a6f1f5a0a5f3d6bb1c8e3b7d2c4f6a8b0c2d4e6";
    json!({
        "number": format!("{number:#x}"),
        "hash": hash,
        "parentHash": hash,
        "timestamp": format!("{made:#x}"),
        "transactions": [],
    })
}

fn well(method: &str, id: &Value) -> Play {
    match method {
        "eth_chainId" => result(id, "0x1"),
        "eth_getBlockByNumber" => result(id, block(54, 3)),
        "eth_syncing" => result(id, false),
        other => error(id, -32601, &format!("the method {other} does not exist")),
    }
}
