//! A Tezos chain's identity, as declared and as a message may repeat it. Pure.

use crate::probe::Misfit;

/// Reads a declared identity.
///
/// # Errors
/// A misfit when it is neither `mainnet` nor of an identity's form.
pub fn read(text: &str) -> Result<String, Misfit> {
    match text.trim() {
        "mainnet" => Ok(MAINNET.to_owned()),
        chain if is_one(chain) => Ok(chain.to_owned()),
        chain => {
            let hint = format!("write `mainnet`, or an identity as `{MAINNET}`");
            let message = format!("`{chain}` is no Tezos chain id");
            Err(Misfit::at(&["chain_id"], message).hint(hint))
        }
    }
}

/// Whether a text has the form of an identity, so that a message may repeat it.
pub fn is_one(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.starts_with("Net") && text.len() == MAINNET.len() && plain
}

/// The identity of Tezos mainnet.
const MAINNET: &str = "NetXdQprcVkpaWU";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_known_by_its_form() {
        assert_eq!(read(" mainnet ").unwrap(), MAINNET);
        assert_eq!(read("NetXnHfVqm9iesp").unwrap(), "NetXnHfVqm9iesp");
        for other in ["ghostnet", "NetX", "", "NetXdQprcVkpaW<"] {
            assert!(read(other).is_err(), "{other}");
            assert!(!is_one(other), "{other}");
        }
        assert!(is_one(MAINNET));
    }
}
