//! A node that speaks JSON-RPC and whose answers a test writes: what it says well, what it says
//! oddly, in a state that may change while it runs. For Solana and Bitcoin.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::scripted_node::{Play, ScriptedNode};

/// What a node says to a method.
#[derive(Clone, Debug)]
pub enum Says {
    /// This result.
    Result(Value),
    /// This error, with this HTTP status.
    Error(u16, Value),
    /// Something else altogether.
    Plays(Play),
}

/// A running node.
pub struct RpcNode {
    /// The peer that answers.
    pub peer: ScriptedNode,
    says: Arc<Mutex<BTreeMap<String, Says>>>,
}

impl RpcNode {
    /// Starts a node that answers like this. A method may be given with its first parameter behind a
    /// blank, as `getSlot finalized`; one that is not given is not known.
    pub async fn start(envelope: fn(&Value) -> Value, says: &[(&str, Says)]) -> Self {
        let says = says
            .iter()
            .map(|(name, says)| ((*name).to_owned(), says.clone()));
        let says = Arc::new(Mutex::new(says.collect::<BTreeMap<String, Says>>()));
        let told = Arc::clone(&says);
        let peer = ScriptedNode::start(move |asked| {
            let Ok(request) = serde_json::from_str::<Value>(&asked.body) else {
                return Play::Answer(405, "text/plain", "JSONRPC server handles only POST".into());
            };
            play(&told.lock().expect("nobody panicked"), envelope, &request)
        })
        .await;
        Self { peer, says }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        self.peer.url()
    }

    /// Says something else from now on.
    pub fn say(&self, method: &str, says: Says) {
        let mut known = self.says.lock().expect("nobody panicked");
        known.insert(method.to_owned(), says);
    }
}

fn play(says: &BTreeMap<String, Says>, envelope: fn(&Value) -> Value, request: &Value) -> Play {
    let method = request["method"].as_str().expect("a method");
    let first = &request["params"][0];
    let first = first["commitment"]
        .as_str()
        .map_or(first.to_string(), str::to_owned);
    let found = says
        .get(&format!("{method} {first}"))
        .or_else(|| says.get(method));
    let mut answer = envelope(&request["id"]);
    let unknown = Says::Error(200, json!({"code": -32601, "message": "Method not found"}));
    match found.unwrap_or(&unknown) {
        Says::Result(result) => {
            answer["result"] = result.clone();
            Play::json(answer)
        }
        Says::Error(status, error) => {
            answer["error"] = error.clone();
            Play::Answer(*status, "application/json", answer.to_string())
        }
        Says::Plays(play) => play.clone(),
    }
}

/// Seconds since 1970, so long ago.
pub fn ago(seconds: i64) -> Says {
    Says::Result(json!(jiff::Timestamp::now().as_second() - seconds))
}
