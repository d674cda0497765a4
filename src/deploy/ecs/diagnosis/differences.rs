//! The revision before and the one under test, side by side: what was changed is where to look first.

use std::collections::BTreeSet;

use aws_sdk_ecs::types;

use super::health;
use super::{ECS, Look};
use crate::deploy::ecs::facts;
use crate::deploy::ecs::records::ServiceRevision;
use crate::deployment::Deployment;

/// A difference: its name, before, under test.
type Difference = (String, String, String);

/// The service revision before the deployment and the one that it brought.
pub(super) async fn pair(
    look: &Look<'_>,
    deployment: &Deployment,
) -> Result<(ServiceRevision, ServiceRevision), String> {
    let what = "the two service revisions";
    if facts::is_entry(&deployment.id) {
        let id = &deployment.id;
        return Err(format!("{what}: ECS keeps no service deployment of {id}"));
    }
    let arns = [deployment.id.as_str()];
    let call = look.target.service_deployments(&arns);
    let found = look.ask(what, ECS, call).await?;
    let recorded = found.first();
    let recorded = recorded.ok_or_else(|| format!("{what}: ECS does not show the deployment"))?;
    let sources: BTreeSet<&str> = recorded.sources.iter().map(String::as_str).collect();
    let mut before = sources.into_iter().filter(|arn| *arn != recorded.target);
    let source = match (before.next(), before.next()) {
        (Some(only), None) => only,
        (None, _) => return Err(format!("{what}: none ran before the deployment")),
        (Some(_), Some(_)) => return Err(format!("{what}: several ran before the deployment")),
    };
    let arns = [source, recorded.target.as_str()];
    let call = look.target.revisions(&arns);
    let shown = look.ask(what, ECS, call).await?;
    let find = |arn: &str| {
        let known = shown.iter().find(|known| known.arn == arn).cloned();
        known.ok_or_else(|| format!("{what}: ECS does not show {arn}"))
    };
    Ok((find(source)?, find(&recorded.target)?))
}

/// What differs; the task definitions alone where the service revisions are not known.
pub(super) fn told(
    deployment: &Deployment,
    pair: Option<&(ServiceRevision, ServiceRevision)>,
) -> Vec<Difference> {
    if let Some((before, under_test)) = pair {
        return between(&before.shown, &under_test.shown);
    }
    let previous = deployment.previous.as_ref();
    let differs = previous.filter(|previous| previous.id != deployment.revision.id);
    let told = differs.map(|previous| {
        let labels = (previous.label.clone(), deployment.revision.label.clone());
        (TASK_DEFINITION.to_owned(), labels.0, labels.1)
    });
    told.into_iter().collect()
}

fn between(
    before: &types::ServiceRevision,
    under_test: &types::ServiceRevision,
) -> Vec<Difference> {
    let mut rows: Vec<Difference> = Vec::new();
    let definition = |revision: &types::ServiceRevision| {
        facts::label(revision.task_definition().unwrap_or_default()).to_owned()
    };
    push(
        &mut rows,
        TASK_DEFINITION,
        definition(before),
        definition(under_test),
    );
    let containers = [before, under_test]
        .into_iter()
        .flat_map(|one| one.container_images());
    let names: BTreeSet<&str> = containers
        .filter_map(|image| image.container_name())
        .collect();
    for name in names {
        let (was, is) = (image(before, name), image(under_test, name));
        push(&mut rows, &format!("image of {name}"), was, is);
    }
    for part in PARTS {
        let (was, mut is) = ((part.text)(before), (part.text)(under_test));
        if was == is && !(part.is_same)(before, under_test) {
            is.push_str(", differs in its details");
        }
        push(&mut rows, part.name, was, is);
    }
    rows
}

/// Adds what differs.
fn push(rows: &mut Vec<Difference>, name: &str, was: String, is: String) {
    if was != is {
        rows.push((name.to_owned(), was, is));
    }
}

/// A part of a service revision besides its software.
struct Part {
    name: &'static str,
    text: fn(&types::ServiceRevision) -> String,
    is_same: fn(&types::ServiceRevision, &types::ServiceRevision) -> bool,
}

const PARTS: [Part; 8] = [
    Part {
        name: "network configuration",
        text: network,
        is_same: |a, b| a.network_configuration == b.network_configuration,
    },
    Part {
        name: "platform",
        text: platform,
        is_same: |a, b| {
            a.platform_version == b.platform_version && a.platform_family == b.platform_family
        },
    },
    Part {
        name: "capacity",
        text: capacity,
        is_same: |a, b| {
            a.launch_type == b.launch_type
                && a.capacity_provider_strategy == b.capacity_provider_strategy
        },
    },
    Part {
        name: "load balancers",
        text: load_balancers,
        is_same: |a, b| a.load_balancers == b.load_balancers,
    },
    Part {
        name: "service registries",
        text: |one| {
            listed(
                one.service_registries()
                    .iter()
                    .filter_map(|one| one.registry_arn()),
            )
        },
        is_same: |a, b| a.service_registries == b.service_registries,
    },
    Part {
        name: "Service Connect",
        text: service_connect,
        is_same: |a, b| a.service_connect_configuration == b.service_connect_configuration,
    },
    Part {
        name: "volumes",
        text: |one| listed(one.volume_configurations().iter().map(|one| one.name())),
        is_same: |a, b| a.volume_configurations == b.volume_configurations,
    },
    Part {
        name: "VPC Lattice",
        text: |one| {
            listed(
                one.vpc_lattice_configurations()
                    .iter()
                    .map(|one| one.target_group_arn()),
            )
        },
        is_same: |a, b| a.vpc_lattice_configurations == b.vpc_lattice_configurations,
    },
];

/// The image by name and digest: a tag may have been moved.
fn image(revision: &types::ServiceRevision, container: &str) -> String {
    let mut images = revision.container_images().iter();
    let Some(found) = images.find(|image| image.container_name() == Some(container)) else {
        return NONE.to_owned();
    };
    let image = found.image().unwrap_or("unnamed");
    match found.image_digest() {
        Some(digest) if !image.contains('@') => format!("{image}@{digest}"),
        _ => image.to_owned(),
    }
}

fn network(revision: &types::ServiceRevision) -> String {
    let configured = revision.network_configuration();
    let Some(vpc) = configured.and_then(types::NetworkConfiguration::awsvpc_configuration) else {
        return NONE.to_owned();
    };
    let sorted = |names: &[String]| {
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        listed(names.into_iter())
    };
    let (subnets, groups) = (sorted(vpc.subnets()), sorted(vpc.security_groups()));
    let public = vpc
        .assign_public_ip()
        .map_or(NONE, types::AssignPublicIp::as_str);
    format!("subnets {subnets}; security groups {groups}; public address {public}")
}

fn platform(revision: &types::ServiceRevision) -> String {
    listed(
        [revision.platform_version(), revision.platform_family()]
            .into_iter()
            .flatten(),
    )
}

fn capacity(revision: &types::ServiceRevision) -> String {
    let launch = revision.launch_type().map(types::LaunchType::as_str);
    let providers = revision.capacity_provider_strategy().iter();
    let providers = providers.map(types::CapacityProviderStrategyItem::capacity_provider);
    listed(launch.into_iter().chain(providers))
}

fn load_balancers(revision: &types::ServiceRevision) -> String {
    let told = revision.load_balancers().iter().map(|one| {
        let group = one.target_group_arn().map(health::name);
        let name = group
            .or_else(|| one.load_balancer_name())
            .unwrap_or("unnamed");
        let container = one.container_name().unwrap_or("unnamed");
        let port = one.container_port().unwrap_or_default();
        format!("{name} to {container}:{port}")
    });
    let told: Vec<String> = told.collect();
    listed(told.iter().map(String::as_str))
}

fn service_connect(revision: &types::ServiceRevision) -> String {
    match revision.service_connect_configuration() {
        Some(configured) if configured.enabled() => {
            let names = configured.services().iter().map(|one| one.port_name());
            let namespace = configured.namespace().unwrap_or("default");
            format!("namespace {namespace}: {}", listed(names))
        }
        _ => NONE.to_owned(),
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return NONE.to_owned();
    }
    names.join(", ")
}

const TASK_DEFINITION: &str = "task definition";
const NONE: &str = "none";

#[cfg(test)]
mod tests {
    use super::*;

    type Builder = types::builders::ServiceRevisionBuilder;

    fn revision(definition: &str, digest: &str) -> Builder {
        let image = types::ContainerImage::builder().container_name("api");
        let image = image.image("registry.test/api:live").image_digest(digest);
        types::ServiceRevision::builder()
            .task_definition(format!(
                "arn:aws:ecs:eu-west-1:0:task-definition/{definition}"
            ))
            .container_images(image.build())
    }

    fn subnet(name: &str) -> types::NetworkConfiguration {
        let vpc = types::AwsVpcConfiguration::builder().subnets(name);
        let vpc = vpc.security_groups("sg-1").build().unwrap();
        types::NetworkConfiguration::builder()
            .awsvpc_configuration(vpc)
            .build()
    }

    fn row(name: &str, was: &str, is: &str) -> Difference {
        (name.to_owned(), was.to_owned(), is.to_owned())
    }

    #[test]
    fn only_what_differs_is_told_before_beside_under_test() {
        let before = revision("api:1", "sha256:a").platform_version("1.3.0");
        let before = before.network_configuration(subnet("subnet-a")).build();
        let after = revision("api:2", "sha256:b").platform_version("1.4.0");
        let after = after.network_configuration(subnet("subnet-b")).build();
        let expected = [
            row("task definition", "api:1", "api:2"),
            row(
                "image of api",
                "registry.test/api:live@sha256:a",
                "registry.test/api:live@sha256:b",
            ),
            row(
                "network configuration",
                "subnets subnet-a; security groups sg-1; public address none",
                "subnets subnet-b; security groups sg-1; public address none",
            ),
            row("platform", "1.3.0", "1.4.0"),
        ];
        assert_eq!(between(&before, &after), expected);
        assert!(between(&before, &before).is_empty());
    }

    #[test]
    fn a_difference_that_no_text_shows_is_told_all_the_same() {
        let volume = |role: &str| {
            let ebs = types::ServiceManagedEbsVolumeConfiguration::builder().role_arn(role);
            types::ServiceVolumeConfiguration::builder()
                .name("data")
                .managed_ebs_volume(ebs.build().unwrap())
                .build()
                .unwrap()
        };
        let before = revision("api:1", "sha256:a").volume_configurations(volume("one"));
        let after = revision("api:1", "sha256:a").volume_configurations(volume("two"));
        let expected = [row("volumes", "data", "data, differs in its details")];
        assert_eq!(between(&before.build(), &after.build()), expected);
    }
}
