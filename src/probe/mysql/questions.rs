//! What a run asks, one after the other in one transaction: the server about itself, the revision of
//! its schema, the query of the check.

use super::expectation::{Expectation, Heard};
use super::fault::Refusal;
use super::measures::{self, Memory, Part};
use super::revision::Asked;
use super::session::Talk;
use crate::probe::database::{LookedAt, Metrics, Migration};
use crate::probe::{Attempt, Misfit};
use crate::sample::Fault;

/// What a run asks, in this order.
pub struct Questions {
    /// What of the server's own figures; absent where nothing.
    measures: Option<Vec<Part>>,
    /// How the revision is read.
    revision: Option<Asked>,
    /// The user's statement, and which rows of its answer are looked at.
    query: Option<(String, LookedAt)>,
}

/// What is asked where nothing says what.
const USUAL_QUERY: &str = "select 1";

impl Questions {
    /// What is expected, what is wanted, and a query unless something else is asked and nothing is
    /// expected of one.
    ///
    /// # Errors
    /// A [`Misfit`] for each that cannot be asked.
    pub fn of(
        query: Option<String>,
        expectation: &Expectation,
        metrics: Option<Metrics>,
    ) -> Result<Self, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if query.as_ref().is_some_and(|query| query.trim().is_empty()) {
            misfits.push(Misfit::at(&["query"], "the query is empty"));
        }
        let source = expectation.migration.as_ref().map(Migration::source);
        let source = source.transpose().map_err(|misfit| misfits.push(misfit));
        let (Ok(source), true) = (source, misfits.is_empty()) else {
            return Err(misfits);
        };
        let measures = expectation.parts(metrics);
        let asks_nothing_else = measures.is_none() && source.is_none();
        let needs_one = asks_nothing_else || expectation.is_of_a_query();
        let usual = || needs_one.then(|| USUAL_QUERY.to_owned());
        let looked_at = if expectation.each.is_empty() {
            LookedAt::First
        } else {
            LookedAt::Every
        };
        Ok(Self {
            measures,
            revision: source.map(Asked::of),
            query: query.or_else(usual).map(|query| (query, looked_at)),
        })
    }

    /// Whether the check has a query of its own, or one that always answers.
    pub const fn has_a_query(&self) -> bool {
        self.query.is_some()
    }

    /// Asks them.
    ///
    /// # Errors
    /// What the server says against one of them, or what the connection met.
    pub async fn ask(
        &self,
        attempt: &mut Attempt,
        talk: &mut Talk,
        memory: &Memory,
    ) -> Result<Heard, Fault> {
        let mut heard = Heard::default();
        if let Some(parts) = &self.measures {
            let measures = measures::ask(attempt, talk, parts, memory).await;
            heard.measures = Some(measures.map_err(Refusal::fault)?);
        }
        if let Some(asked) = &self.revision {
            let answer = talk.ask(attempt, asked.statement(), LookedAt::First).await;
            heard.revision = Some(asked.read(&answer.map_err(|refusal| asked.fault(refusal))?));
        }
        if let Some((query, looked_at)) = &self.query {
            let answer = talk.ask(attempt, query, *looked_at).await;
            heard.answer = Some(answer.map_err(Refusal::fault)?);
        }
        Ok(heard)
    }
}
