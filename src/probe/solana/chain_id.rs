//! A Solana cluster's identity, the hash of its genesis, as declared and as a message may repeat it.
//! Pure.

use crate::probe::Misfit;

/// Reads a declared identity.
///
/// # Errors
/// A misfit when it is neither the name of a public cluster nor of a hash's form.
pub fn read(text: &str) -> Result<String, Misfit> {
    let text = text.trim();
    let named = CLUSTERS.iter().find(|(names, _)| names.contains(&text));
    match named {
        Some((_, genesis)) => Ok((*genesis).to_owned()),
        None if is_hash(text) => Ok(text.to_owned()),
        None => {
            let hint = "write `mainnet`, `devnet`, `testnet`, or the hash of the genesis";
            let message = format!("`{text}` is no Solana cluster");
            Err(Misfit::at(&["chain_id"], message).hint(hint))
        }
    }
}

/// The cluster of a genesis, in words.
pub fn shown(genesis: &str) -> String {
    let named = CLUSTERS.iter().find(|(_, known)| *known == genesis);
    match named {
        Some((names, _)) => names[0].to_owned(),
        None => format!("the cluster of genesis {genesis}"),
    }
}

/// Whether a text has the form of a hash, so that a message may repeat it: 32 bytes in base 58 are 32
/// to 44 letters and digits.
pub fn is_hash(text: &str) -> bool {
    (32..=44).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The public clusters and the hashes of their geneses.
const CLUSTERS: [(&[&str], &str); 3] = [
    (
        &["mainnet", "mainnet-beta"],
        "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d",
    ),
    (&["devnet"], "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"),
    (&["testnet"], "4uhcVJyU9pJkvQyS88uRDiswHXSGkY3zQawwpjk2NsNY"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_has_a_name_or_a_hash() {
        assert_eq!(read("mainnet-beta"), read(" mainnet "));
        let own = "GH7ome3EiwEr7tu9JuTh2dpYWBJK3z69Xm1ZE3MEE6JC";
        assert_eq!(read(own).unwrap(), own);
        assert!(read("localnet").is_err() && read("").is_err());
        assert_eq!(shown(&read("devnet").unwrap()), "devnet");
        assert!(shown(own).contains(own));
        assert!(is_hash(own) && !is_hash("<html>"));
    }
}
