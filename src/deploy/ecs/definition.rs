//! A task definition: whether it can be deployed, and from which images it says to run.
//!
//! An image is written by tag or by digest. A tag is resolved anew with each deployment: where it
//! was moved in between, the earlier definition brings the later image.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{self, Tag, VersionConsistency};

use super::facts::{self, wall};
use crate::clock::WallTime;
use crate::deployment::Images;

/// A task definition, as DescribeTaskDefinition shows it.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub(super) arn: String,
    pub(super) is_active: bool,
    pub(super) registered: Option<WallTime>,
    pub(super) shown: types::TaskDefinition,
    /// Empty where they were not asked for.
    pub(super) tags: Vec<Tag>,
}

impl Definition {
    pub(super) fn of(shown: types::TaskDefinition, tags: Vec<Tag>) -> Option<Self> {
        Some(Self {
            arn: shown.task_definition_arn()?.to_owned(),
            is_active: shown.status().map(|status| status.as_str()) == Some(facts::ACTIVE),
            registered: wall(shown.registered_at()),
            shown,
            tags,
        })
    }

    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        let tag = self.tags.iter().find(|tag| tag.key() == Some(key))?;
        tag.value()
    }

    /// By container, its image as it is written.
    pub(super) fn references(&self) -> BTreeMap<&str, &str> {
        references(self.shown.container_definitions())
    }

    /// The containers whose tags are not resolved once and for all: each task may run another image.
    pub(super) fn inconsistent(&self) -> Vec<&str> {
        let containers = self.shown.container_definitions().iter();
        containers
            .filter(|container| {
                container.version_consistency() == Some(&VersionConsistency::Disabled)
            })
            .filter(|container| !container.image().is_some_and(is_by_digest))
            .filter_map(types::ContainerDefinition::name)
            .collect()
    }

    /// The containers with each image by its digest, where that is known.
    pub(super) fn pinned_containers(&self, images: &Images) -> Vec<types::ContainerDefinition> {
        let mut containers = self.shown.container_definitions().to_vec();
        for container in &mut containers {
            let digest = container.name().and_then(|name| images.get(name));
            if let (Some(image), Some(digest)) = (&container.image, digest)
                && !is_by_digest(image)
            {
                container.image = Some(by_digest(image, digest));
            }
        }
        containers
    }

    /// The containers that would not get their earlier image from this definition: it names the
    /// image as `judged` does, by a tag that was moved between the two.
    pub(super) fn moved(
        &self,
        images: &Images,
        judged: &Self,
        judged_images: &Images,
    ) -> Vec<String> {
        let theirs = judged.references();
        let moved = |(container, reference): &(&str, &str)| {
            let differ = match (images.get(*container), judged_images.get(*container)) {
                (Some(ours), Some(theirs)) => ours != theirs,
                // What was not resolved is not known to differ.
                _ => false,
            };
            differ && !is_by_digest(reference) && theirs.get(container) == Some(reference)
        };
        let named = self.references().into_iter().filter(moved);
        named.map(|(container, _)| container.to_owned()).collect()
    }
}

/// By container, its image as it is written.
pub(super) fn references(containers: &[types::ContainerDefinition]) -> BTreeMap<&str, &str> {
    containers
        .iter()
        .filter_map(|container| Some((container.name()?, container.image()?)))
        .collect()
}

fn is_by_digest(image: &str) -> bool {
    image.contains('@')
}

/// `repository/name:tag` → `repository/name@digest`. A colon before the last slash is a port.
fn by_digest(image: &str, digest: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    let tag = name.find(':').map_or(0, |at| name.len() - at);
    format!("{}@{digest}", &image[..image.len() - tag])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_takes_the_place_of_the_tag_and_of_nothing_else() {
        let cases = [
            ("api", "api@sha256:1"),
            ("api:7", "api@sha256:1"),
            (
                "registry.test:5000/team/api",
                "registry.test:5000/team/api@sha256:1",
            ),
            (
                "registry.test:5000/team/api:7",
                "registry.test:5000/team/api@sha256:1",
            ),
        ];
        for (image, pinned) in cases {
            assert_eq!(by_digest(image, "sha256:1"), pinned, "{image}");
        }
    }

    fn definition(containers: &[(&str, &str)]) -> Definition {
        let containers = containers.iter().map(|(name, image)| {
            types::ContainerDefinition::builder()
                .name(*name)
                .image(*image)
                .build()
        });
        let shown = types::TaskDefinition::builder()
            .task_definition_arn("arn:aws:ecs:eu-west-1:0:task-definition/api:1")
            .set_container_definitions(Some(containers.collect()))
            .build();
        Definition::of(shown, Vec::new()).expect("it has an ARN")
    }

    fn images(of: &[(&str, &str)]) -> Images {
        let owned = |(name, digest): &(&str, &str)| ((*name).to_owned(), (*digest).to_owned());
        of.iter().map(owned).collect()
    }

    #[test]
    fn a_tag_that_both_name_and_that_stands_for_other_content_now_is_moved() {
        let cases = [
            ("api:latest", "api:latest", "a", "b", true, "the same tag"),
            ("api:6", "api:7", "a", "b", false, "each has its own tag"),
            ("api:7", "api:7", "a", "a", false, "the same content"),
            ("api:7", "api:7", "a", "", false, "not resolved"),
            ("api@a", "api@a", "a", "b", false, "by digest"),
        ];
        for (good, bad, good_digest, bad_digest, moved, why) in cases {
            let (good, bad) = (definition(&[("app", good)]), definition(&[("app", bad)]));
            let judged = if bad_digest.is_empty() {
                Images::new()
            } else {
                images(&[("app", bad_digest)])
            };
            let seen = good.moved(&images(&[("app", good_digest)]), &bad, &judged);
            assert_eq!(!seen.is_empty(), moved, "{why}");
        }
    }

    #[test]
    fn only_what_is_known_is_pinned_and_only_what_is_not_pinned_yet() {
        let definition = definition(&[
            ("app", "api:7"),
            ("agent", "agent:1"),
            ("db", "db@sha256:d"),
        ]);
        let known = images(&[("app", "sha256:a"), ("db", "sha256:other")]);
        let pinned = definition.pinned_containers(&known);
        let written: Vec<_> = pinned.iter().filter_map(|pinned| pinned.image()).collect();
        assert_eq!(written, ["api@sha256:a", "agent:1", "db@sha256:d"]);
    }
}
