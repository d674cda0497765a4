//! Which chain each endpoint of a check served when it last told: they are to be endpoints of one.
//!
//! Where the configuration declares the chain, every endpoint is held to it by itself. Where it does
//! not, an endpoint is held to those before it: a fallback of another chain would lend its head to
//! whatever is judged by heads. Pure; the follower keeps it behind a lock.

use std::collections::BTreeMap;

use crate::sample::{Fault, Reason};

/// The chains of the endpoints, by their position.
#[derive(Debug, Default)]
pub struct Identities(BTreeMap<usize, String>);

impl Identities {
    /// Notes which chain an endpoint serves. Says whether heads were seen at endpoints behind it that
    /// serve another one: those are to be forgotten.
    ///
    /// # Errors
    /// [`Reason::WrongChain`] when an endpoint before it serves another chain; nothing is noted then.
    pub fn tell(&mut self, endpoint: usize, chain: &str) -> Result<bool, Fault> {
        let before = self.0.range(..endpoint).find(|(_, known)| *known != chain);
        if let Some((first, known)) = before {
            let detail = format!(
                "it serves chain {chain}, and endpoint {} serves {known}: say which is meant by \
                 `chain_id`",
                first + 1
            );
            return Err(Fault::new(Reason::WrongChain, detail));
        }
        let behind = self.0.split_off(&endpoint);
        let is_other = |(at, known): (&usize, &String)| *at != endpoint && known != chain;
        let others = behind.iter().any(is_other);
        let alike = behind.into_iter().filter(|(_, known)| known == chain);
        self.0.extend(alike);
        self.0.insert(endpoint, chain.to_owned());
        Ok(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_serves_the_chain_of_those_before_it() {
        let mut known = Identities::default();
        // the endpoint, its chain, whether others behind it are to be forgotten; nothing: wrong
        let cases = [
            (1, "137", Some(false)),
            (2, "137", Some(false)),
            (0, "1", Some(true)),
            (0, "1", Some(false)),
            (1, "137", None),
            (2, "137", None),
            (2, "1", Some(false)),
            // The first is another chain from now on, as after its genesis was made anew.
            (0, "2", Some(true)),
            (2, "1", None),
            (2, "2", Some(false)),
        ];
        for (step, (endpoint, chain, expected)) in cases.into_iter().enumerate() {
            let told = known.tell(endpoint, chain);
            if let Err(fault) = &told {
                assert_eq!(fault.reason, Reason::WrongChain);
                assert!(fault.detail.contains("endpoint 1 serves"), "{fault:?}");
            }
            assert_eq!(told.ok(), expected, "{step}");
        }
    }
}
