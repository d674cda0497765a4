//! The revision that a person named: checked as strictly as one that was found, since a number is
//! easily mistyped. A family without its number would be the latest, which is the one that failed.

use super::candidate::{Candidate, Past};
use super::planning::refuse;
use super::records::ServiceRevision;
use super::{Halt, facts};
use crate::deployment::Revision;

impl Past<'_> {
    /// The revision that a person named.
    pub(super) async fn named(&self, to: &str) -> Result<Candidate, Halt> {
        let label = facts::label(to);
        let Some((family, _)) = numbered(label) else {
            return Err(refuse(format!(
                "{to} names no revision to return to: write it with its number, as family:n, or as its full ARN"
            )));
        };
        let found = self.target.definition(to).await;
        let found = found.map_err(|fault| self.target.told(&fault))?;
        // An answer about another revision is none.
        let found = found.filter(|found| found.arn == to || facts::label(&found.arn) == to);
        let Some(definition) = found else {
            return Err(refuse(format!(
                "ECS shows no task definition {to} in this account and region"
            )));
        };
        let revision = facts::revision(&definition.arn);
        let mut candidate = match self.ran_as(&revision).await? {
            Some(good) => self.recorded(good),
            None => {
                let judged_good = self.wanted.good.iter();
                let mut judged_good = judged_good.filter(|good| good.revision.id == revision.id);
                let images = judged_good.next().map(|good| good.images.clone());
                self.unrecorded(revision, images.unwrap_or_default())
            }
        };
        if self.is_avoided(&candidate.software()) && !self.judged.may_be(&candidate.software()) {
            return Err(refuse(format!(
                "{label} was judged bad here: name another revision to return to"
            )));
        }
        let own = numbered(&self.judged.revision.label).map(|(family, _)| family);
        if own.is_some_and(|own| own != family) {
            candidate.caveats.push(format!(
                "{label} is of another family than {}",
                self.judged.revision
            ));
        }
        Ok(candidate)
    }

    /// The newest service revision of this task definition that ran before and ended well.
    async fn ran_as(&self, revision: &Revision) -> Result<Option<ServiceRevision>, Halt> {
        let Some(records) = &self.records else {
            return Ok(None);
        };
        let is_it = |known: &ServiceRevision| known.task_definition == revision.id;
        records.newest(self.target, self.service, is_it).await
    }
}

/// The family and the number of `family:n`.
fn numbered(label: &str) -> Option<(&str, u32)> {
    let (family, number) = label.split_once(':')?;
    Some((family, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn only_a_family_with_its_number_names_a_revision() {
        for (label, expected) in [
            ("api:7", Some(("api", 7))),
            ("api", None),
            ("api:", None),
            ("api:latest", None),
            ("api:7:8", None),
        ] {
            assert_eq!(numbered(label), expected, "{label}");
        }
    }
}
