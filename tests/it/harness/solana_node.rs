//! A small Solana node: answers the requests of the kind `solana` in the documented shapes.

use serde_json::json;

use super::rpc_node::{RpcNode, Says, ago};

/// The genesis of mainnet.
pub const MAINNET: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";

/// Starts a node of mainnet at this confirmed slot, made so long ago; `odd` answers win.
pub async fn start(slot: u64, age: i64, odd: &[(&str, Says)]) -> RpcNode {
    let node = RpcNode::start(
        |id| json!({"jsonrpc": "2.0", "id": id}),
        &[
            ("getGenesisHash", Says::Result(json!(MAINNET))),
            ("getSlot", Says::Result(json!(slot))),
            (
                "getSlot finalized",
                Says::Result(json!(slot.saturating_sub(32))),
            ),
            ("getBlockTime", ago(age)),
            ("getHealth", Says::Result(json!("ok"))),
            ("getFirstAvailableBlock", Says::Result(json!(slot - 1_000))),
        ],
    )
    .await;
    for (method, says) in odd {
        node.say(method, says.clone());
    }
    node
}
