//! Images that a rollback needs: a registry that cleans up may have deleted them, and then the
//! rollback's tasks cannot start. Only repositories of ECR are looked into, and only by digest.

use std::fmt;

use aws_config::Region;
use aws_sdk_ecr::error::DisplayErrorContext;
use aws_sdk_ecr::types::{ImageFailureCode, ImageIdentifier};

use super::super::EcsTarget;
use super::super::candidate::Candidate;
use super::super::definition::Definition;
use super::super::fault::one_line;

/// Images that could not be looked for.
#[derive(Debug)]
pub(super) struct Unseen(String);

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The images of the revision to return to that are in their repository no more.
pub(super) async fn gone(
    target: &EcsTarget,
    revision: Option<&(Candidate, Definition)>,
) -> Result<Vec<String>, Unseen> {
    let mut concerns = Vec::new();
    let Some((candidate, definition)) = revision else {
        return Ok(concerns);
    };
    let mut unseen = None;
    for (container, reference) in definition.references() {
        let Some(digest) = candidate.images.get(container) else {
            continue;
        };
        let Some(repository) = Repository::of(reference) else {
            continue;
        };
        match repository.lacks(target, digest).await {
            Ok(false) => {}
            Ok(true) => concerns.push(format!(
                "the image of {container} that {} ran ({digest}) is not in {} any more: a rollback could not start its tasks",
                candidate.revision, repository.name
            )),
            Err(error) => unseen = Some(error),
        }
    }
    match unseen {
        Some(unseen) if concerns.is_empty() => Err(unseen),
        Some(unseen) => {
            tracing::debug!(%unseen, "not looked at before the bake: an image");
            Ok(concerns)
        }
        None => Ok(concerns),
    }
}

/// A repository of ECR.
#[derive(Debug, PartialEq, Eq)]
struct Repository<'a> {
    account: &'a str,
    region: &'a str,
    name: &'a str,
}

impl<'a> Repository<'a> {
    /// From `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG`, in any partition, or from the newer
    /// `ACCOUNT.dkr-ecr.REGION.on.aws/NAME:TAG`; nothing for an image of another registry.
    fn of(reference: &'a str) -> Option<Self> {
        let (registry, path) = reference.split_once('/')?;
        let parts: Vec<&str> = registry.split('.').collect();
        let (account, region) = match parts.as_slice() {
            [account, "dkr", "ecr" | "ecr-fips", region, "amazonaws", ..] => (*account, *region),
            [account, "dkr-ecr" | "dkr-ecr-fips", region, "on", ..] => (*account, *region),
            _ => return None,
        };
        let is_account =
            account.len() == ACCOUNT_DIGITS && account.bytes().all(|digit| digit.is_ascii_digit());
        if !is_account {
            return None;
        }
        let name = path.split(['@', ':']).next()?;
        Some(Self {
            account,
            region,
            name,
        })
    }

    async fn lacks(&self, target: &EcsTarget, digest: &str) -> Result<bool, Unseen> {
        let configuration = aws_sdk_ecr::config::Builder::from(&target.shared)
            .region(Region::new(self.region.to_owned()))
            .build();
        let client = aws_sdk_ecr::Client::from_conf(configuration);
        let answer = client
            .batch_get_image()
            .registry_id(self.account)
            .repository_name(self.name)
            .image_ids(ImageIdentifier::builder().image_digest(digest).build())
            .send()
            .await
            .map_err(|error| Unseen(one_line(&DisplayErrorContext(&error).to_string())))?;
        let mut failures = answer.failures().iter();
        Ok(
            failures
                .any(|failure| failure.failure_code() == Some(&ImageFailureCode::ImageNotFound)),
        )
    }
}

/// Every AWS account has so many.
const ACCOUNT_DIGITS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_images_of_ecr_have_a_repository_to_look_into() {
        let found = Repository {
            account: "000000000000",
            region: "eu-west-1",
            name: "team/api",
        };
        let registry = "000000000000.dkr.ecr.eu-west-1.amazonaws.com";
        for end in ["", ":7", "@sha256:1", ":7@sha256:1"] {
            let reference = format!("{registry}/team/api{end}");
            assert_eq!(
                Repository::of(&reference).as_ref(),
                Some(&found),
                "{reference}"
            );
        }
        let china = "000000000000.dkr.ecr.cn-north-1.amazonaws.com.cn/api:7";
        assert_eq!(
            Repository::of(china).map(|it| it.region),
            Some("cn-north-1")
        );
        let newer = "000000000000.dkr-ecr.eu-west-1.on.aws/team/api:7";
        assert_eq!(Repository::of(newer), Some(found));
        for other in [
            "api:7",
            "registry.test/api:7",
            "public.ecr.aws/team/api:7",
            "x.dkr.ecr.eu-west-1.amazonaws.com/api:7",
            "000000000000.dkr.ecr.eu-west-1.example.com/api:7",
        ] {
            assert_eq!(Repository::of(other), None, "{other}");
        }
    }
}
