//! The independent endpoints beside which a node is judged, and how they are asked.
//!
//! They are asked all at once, beside the attempt: their time, their connections and their faults
//! are not the node's. One that fails, limits our rate, is slow, or serves another chain is left out
//! and noted. They may use half of the time that is left.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::endpoint::{self, Endpoint};
use super::fallback::Visit;
use super::head::Head;
use super::named::Named;
use super::quorum::{Council, FEWEST, Testimony};
use crate::probe::{Attempt, Misfit};
use crate::sample::{Fault, Reason};

/// A node or a reference, spoken to over one conversation.
#[async_trait]
pub trait Talk: Send {
    /// Its newest block, once it is known that it serves the chain that is looked at.
    async fn tip(&mut self, visit: &mut Visit<'_>) -> Result<Head, Fault>;

    /// The hash of its block at a height; nothing where this kind of chain is not compared so.
    async fn hash(&mut self, visit: &mut Visit<'_>, height: u64) -> Result<Option<String>, Fault>;

    /// The height of its newest final block; nothing where the chain does not tell.
    async fn finalized(&mut self, visit: &mut Visit<'_>) -> Result<Option<u64>, Fault>;
}

/// Who can speak to a reference of the chain that is looked at.
pub trait Interpreter: Sync {
    /// Whether it is known which chain is looked at, so that a reference can be held to it.
    fn knows_chain(&self) -> bool;

    /// Prepares to speak to an endpoint.
    fn speak<'a>(&'a self, endpoint: &'a Endpoint) -> Box<dyn Talk + 'a>;
}

/// What the references are asked.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    /// The node's own newest block.
    pub beside: Head,
    /// Whether to ask for the final block as well.
    pub finality: bool,
}

/// The declared references.
#[derive(Debug, Default)]
pub struct References(Vec<Endpoint>);

impl References {
    /// Reads the declared addresses; `endpoints` are those that are looked at.
    ///
    /// # Errors
    /// A [`Misfit`] for an address that cannot work, for fewer than two or too many, and for one
    /// that is not independent: whoever answers for two of them, or for the node too, proves nothing.
    pub fn lower(declared: Option<&[Named]>, endpoints: &[Endpoint]) -> Result<Self, Vec<Misfit>> {
        let Some(declared) = declared else {
            return Ok(Self::default());
        };
        let mut misfits = Vec::new();
        if !(FEWEST..=MOST).contains(&declared.len()) {
            let message = format!(
                "{} references are given; {FEWEST} to {MOST} are of use: fewer cannot agree",
                declared.len()
            );
            misfits.push(Misfit::at(&["references"], message).hint("name two other providers"));
        }
        let mut references: Vec<Endpoint> = Vec::new();
        for (index, Named(named)) in declared.iter().enumerate() {
            let position = index.to_string();
            match endpoint::read_alone(&named.url, &named.headers) {
                Err(told) => misfits.extend(told.into_iter().map(|it| below(&position, it))),
                Ok(reference) => {
                    let same = |other: &Endpoint| other.place() == reference.place();
                    if endpoints.iter().chain(&references).any(same) {
                        let message = format!(
                            "{} is named already: a reference must be independent",
                            reference.place()
                        );
                        let misfit = Misfit::at(&["references", &position], message);
                        misfits.push(misfit.hint("name another provider"));
                    }
                    references.push(reference);
                }
            }
        }
        if misfits.is_empty() {
            Ok(Self(references))
        } else {
            Err(misfits)
        }
    }

    /// Whether none are declared.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.0.iter()
    }

    /// How many are declared.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Asks all of them at once; notes those that are of no use.
    pub async fn ask(
        &self,
        interpreter: &dyn Interpreter,
        visit: &mut Visit<'_>,
        question: Question,
    ) -> Council {
        // What follows is not the node's time.
        visit.attempt.stop();
        let share = visit.left() / 2;
        let asked = self.0.iter().map(|endpoint| {
            let aside = visit.attempt.aside(share);
            heard(interpreter, endpoint, aside, question)
        });
        let mut council = Council::default();
        for answer in join_all(asked).await {
            match answer {
                Ok(testimony) => council.testimonies.push(testimony),
                Err(fault) => visit
                    .seen
                    .note(format!("no use as a reference: {}", fault.detail)),
            }
        }
        council
    }
}

/// The misfit of a reference, told where that is declared.
fn below(position: &str, misfit: Misfit) -> Misfit {
    // An address that stands alone has no `url` that could be pointed at: the whole is.
    let rest = misfit.path.into_iter().filter(|part| part != "url");
    let path = ["references", position].map(str::to_owned);
    Misfit {
        path: path.into_iter().chain(rest).collect(),
        ..misfit
    }
}

async fn heard(
    interpreter: &dyn Interpreter,
    endpoint: &Endpoint,
    mut aside: Attempt,
    question: Question,
) -> Result<Testimony, Fault> {
    let share = aside.timeout();
    let mut visit = Visit::beside(&mut aside, endpoint);
    let testimony = testimony(interpreter, &mut visit, question);
    let ended = tokio::time::timeout(share, testimony).await;
    let slow = || Err(Fault::new(Reason::Timeout, too_slow(share)));
    ended
        .unwrap_or_else(|_| slow())
        .map_err(|fault| endpoint.blame(fault))
}

async fn testimony(
    interpreter: &dyn Interpreter,
    visit: &mut Visit<'_>,
    question: Question,
) -> Result<Testimony, Fault> {
    let mut talk = interpreter.speak(visit.endpoint);
    let head = talk.tip(visit).await?;
    let below = match head.height.min(question.beside.height).checked_sub(1) {
        Some(height) => {
            // What it cannot tell of its blocks makes its head no less of use.
            let hash = talk.hash(visit, height).await.unwrap_or_default();
            hash.map(|hash| (height, hash))
        }
        None => None,
    };
    let finalized = if question.finality {
        talk.finalized(visit).await.unwrap_or_default()
    } else {
        None
    };
    Ok(Testimony {
        place: visit.endpoint.place().to_owned(),
        head,
        below,
        finalized,
    })
}

fn too_slow(share: Duration) -> String {
    let milliseconds = share.as_millis();
    format!("no whole answer within {milliseconds}ms, the references' share of the timeout")
}

/// More say no more, and each costs a connection.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::secret::Secret;

    fn lowered(references: &[&str]) -> Result<References, Vec<Misfit>> {
        let node = "https://node.example/v3/canary";
        let node = endpoint::read_alone(&Secret::new(node), &BTreeMap::new()).unwrap();
        let declared: Vec<Named> = references.iter().map(|url| Named::from(*url)).collect();
        References::lower(Some(&declared), &[node])
    }

    #[test]
    fn references_are_several_and_independent() {
        let (a, b) = ("https://a.example/canary", "https://b.example");
        assert_eq!(lowered(&[a, b]).unwrap().len(), 2);
        assert!(References::lower(None, &[]).unwrap().is_empty());
        let many: Vec<String> = (0..9).map(|n| format!("https://r{n}.example")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        // declared, the path of the misfit, a part of it
        let cases: [(&[&str], &str, &str); 6] = [
            (&[], "references", "0 references"),
            (&[a], "references", "fewer cannot agree"),
            (&many, "references", "9 references"),
            (
                &[a, "https://a.example:443/other"],
                "references.1",
                "must be independent",
            ),
            (
                &["https://node.example/x", b],
                "references.0",
                "must be independent",
            ),
            (&[a, "canary"], "references.1", "this is no URL"),
        ];
        for (declared, path, says) in cases {
            let misfits = lowered(declared).unwrap_err();
            assert_eq!(misfits.len(), 1, "{misfits:?}");
            assert_eq!(misfits[0].path.join("."), path);
            assert!(misfits[0].message.contains(says), "{misfits:?}");
            assert!(!format!("{misfits:?}").contains("canary"));
        }
    }
}
