//! The names of Bitcoin's chains, as nodes say them (`chain` of `getblockchaininfo`). Pure.

use crate::probe::Misfit;

/// Reads a declared name.
///
/// # Errors
/// A misfit when no chain is called so.
pub fn read(text: &str) -> Result<&'static str, Misfit> {
    let text = match text.trim() {
        "mainnet" => "main",
        "testnet" | "testnet3" => "test",
        other => other,
    };
    known(text).ok_or_else(|| {
        let hint = "write `main`, `test`, `testnet4`, `signet` or `regtest`";
        Misfit::at(&["chain_id"], format!("`{text}` is no Bitcoin chain")).hint(hint)
    })
}

/// The name, where it is one that is known: what a peer says else is not repeated.
pub fn known(text: &str) -> Option<&'static str> {
    CHAINS.into_iter().find(|chain| *chain == text)
}

/// The chain on which blocks are made when somebody asks for one.
pub const RESTING: &str = "regtest";

const CHAINS: [&str; 5] = ["main", "test", "testnet4", "signet", RESTING];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_has_the_name_that_nodes_give_it() {
        assert_eq!(read("mainnet").unwrap(), "main");
        assert_eq!(read(" signet ").unwrap(), "signet");
        assert!(read("litecoin").is_err() && read("").is_err());
        assert_eq!(known("<html>"), None);
    }
}
