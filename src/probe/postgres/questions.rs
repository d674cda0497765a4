//! What a run asks, one after the other in one transaction: the server about itself, the revision of
//! its schema, the query of the check.

use super::expectation::{Expectation, Heard};
use super::fault::{self, Broken};
use super::measures::{Measures, Memory};
use super::part::{self, Part};
use super::revision::Asked;
use super::session::Talk;
use crate::probe::database::{LookedAt, Metrics, Migration, Revision};
use crate::probe::{Attempt, Misfit};
use crate::sample::{Fault, Reason};
use crate::secret::Mask;

/// What a run asks, in this order.
pub struct Questions {
    /// The parts of the server's own figures, and the statement that asks for them.
    measures: Option<(Vec<Part>, String)>,
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
            measures: measures.map(|parts| {
                let statement = part::statement(&parts);
                (parts, statement)
            }),
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
    /// What the server says against one of them, or what the connection met; the mask hides the
    /// password.
    pub async fn ask(
        &self,
        attempt: &mut Attempt,
        talk: &mut Talk,
        memory: &Memory,
        mask: &Mask,
    ) -> Result<Heard, Fault> {
        let told = |broken| fault::of(broken, mask);
        let mut heard = Heard::default();
        if let Some((parts, statement)) = &self.measures {
            let measures = measure(attempt, talk, (parts, statement), memory).await;
            heard.measures = Some(measures.map_err(told)?.ok_or_else(|| {
                let detail = "the answer about the server itself cannot be read";
                Fault::new(Reason::Malformed, detail)
            })?);
        }
        if let Some(asked) = &self.revision {
            heard.revision = Some(revision(attempt, talk, asked, mask).await?);
        }
        if let Some((query, looked_at)) = &self.query {
            let answer = talk.ask(attempt, query, *looked_at).await;
            heard.answer = Some(answer.map_err(told)?);
        }
        Ok(heard)
    }
}

/// The server's own figures. Where it refuses even to look, none of them can be seen, and the
/// questions that follow begin anew.
async fn measure(
    attempt: &mut Attempt,
    talk: &mut Talk,
    (parts, statement): (&[Part], &str),
    memory: &Memory,
) -> Result<Option<Measures>, Broken> {
    match talk.ask(attempt, statement, LookedAt::First).await {
        Ok(answer) => Ok(Measures::read(&answer, parts, memory, attempt)),
        Err(broken) if broken.is_a_lack_of_permission() => {
            talk.begin_anew(attempt).await?;
            Ok(Some(Measures::hidden(parts)))
        }
        Err(broken) => Err(broken),
    }
}

async fn revision(
    attempt: &mut Attempt,
    talk: &mut Talk,
    asked: &Asked,
    mask: &Mask,
) -> Result<Revision, Fault> {
    let answer = talk.ask(attempt, asked.statement(), LookedAt::First).await;
    match answer {
        Ok(answer) => Ok(asked.read(&answer)),
        Err(broken) => {
            let refused = asked.refusal(&broken);
            Err(refused.unwrap_or_else(|| fault::of(broken, mask)))
        }
    }
}
