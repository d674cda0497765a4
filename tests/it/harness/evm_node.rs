//! An EVM node of our own, for what no real one can be made to say: it answers the requests of the
//! kind `evm` well, save those that a test overrides.

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
