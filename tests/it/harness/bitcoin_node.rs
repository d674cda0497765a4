//! A small Bitcoin node: answers the requests of the kind `bitcoin` in the shapes of bitcoind.

use serde_json::{Value, json};

use super::rpc_node::{RpcNode, Says};

/// What `getblockchaininfo` answers for this height and age, changed by `change`.
pub fn info(blocks: u64, age: i64, change: impl FnOnce(&mut Value)) -> Says {
    let now = jiff::Timestamp::now().as_second();
    let mut info = json!({
        "chain": "main", "blocks": blocks, "headers": blocks, "bestblockhash": hash('a', blocks),
        "difficulty": 141_668_107_417_558.2, "time": now - age, "mediantime": now - age - 3_600,
        "verificationprogress": 0.999_993_979_409_087_1, "initialblockdownload": false,
        "chainwork": "00", "size_on_disk": 810_000_000_000_u64, "pruned": false, "warnings": [],
    });
    change(&mut info);
    Says::Result(info)
}

/// The hash of a block of a branch.
pub fn hash(branch: char, height: u64) -> String {
    format!("{branch}{height:063x}")
}

/// Starts a node at this height whose block is so old; `odd` answers win.
pub async fn start(blocks: u64, age: i64, odd: &[(&str, Says)]) -> RpcNode {
    let below = format!("getblockhash {}", blocks - 1);
    let node = RpcNode::start(
        |id| json!({"result": null, "error": null, "id": id}),
        &[
            ("getblockchaininfo", info(blocks, age, |_| {})),
            (&below, Says::Result(json!(hash('a', blocks - 1)))),
            ("getconnectioncount", Says::Result(json!(10))),
        ],
    )
    .await;
    for (method, says) in odd {
        node.say(method, says.clone());
    }
    node
}
