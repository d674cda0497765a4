//! `services`: what is judged, where it is deployed, and by which policy.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::language::{DEFAULT_NAME, check_name, not_available};
use super::policies::PolicyDraft;
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Place, Step, read, suggestion};
use crate::deploy::{EcsService, Platform};

/// A service, as far as it could be read.
pub struct ServiceDraft<'a> {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is declared; nowhere for the one that stands in when none is.
    pub entry: Option<&'a Entry>,
    /// Where it is deployed.
    pub platform: Option<Platform>,
    /// Its policy; `None` when nothing but the product's own values apply.
    pub policy: Option<&'a PolicyDraft<'a>>,
    /// Whether windows of this service are meant to be judged over a bake: it has a policy or a
    /// deployment. Otherwise what the bake would make impossible does not matter.
    pub bakes: bool,
}

/// A service whose deployments are judged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSettings {
    /// Where it is deployed; `watch` asks for one.
    pub deployment: Option<DeploymentSettings>,
    /// The name of its policy; without it `default`, or the only one declared.
    pub policy: Option<String>,
}

/// Where a service is deployed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentSettings {
    /// An ECS service.
    Ecs(EcsService),
    /// Part of the language, not available in this version.
    #[schemars(skip)]
    Codedeploy(IgnoredAny),
    /// Part of the language, not available in this version.
    #[schemars(skip)]
    Kubernetes(IgnoredAny),
    /// Part of the language, not available in this version.
    #[schemars(skip)]
    Command(IgnoredAny),
}

/// Reads the section; with none declared, one service stands in.
pub fn lower<'a>(
    document: &'a Document,
    policies: &'a [PolicyDraft<'a>],
    problems: &mut Vec<Problem>,
) -> Vec<ServiceDraft<'a>> {
    if document.services.is_empty() {
        return vec![stand_in(policies)];
    }
    let partial = document.partial;
    let services = document.services.iter();
    services
        .map(|entry| service(entry, policies, partial, problems))
        .collect()
}

/// The service of a configuration that declares none: checks for `gate`, samples for `replay`.
fn stand_in<'a>(policies: &'a [PolicyDraft<'a>]) -> ServiceDraft<'a> {
    let named = policies
        .iter()
        .find(|policy| &*policy.policy.name == DEFAULT_NAME);
    let policy = named.or(match policies {
        [only] => Some(only),
        _ => None,
    });
    ServiceDraft {
        name: Arc::from(DEFAULT_NAME),
        entry: None,
        platform: None,
        policy,
        bakes: policy.is_some(),
    }
}

fn service<'a>(
    entry: &'a Entry,
    policies: &'a [PolicyDraft<'a>],
    partial: bool,
    problems: &mut Vec<Problem>,
) -> ServiceDraft<'a> {
    check_name(&entry.key, "service", problems);
    let before = problems.len();
    let settings = read::<ServiceSettings>(&entry.value, &entry.key.place, problems);
    let readable = problems.len() == before;
    let (deployment, named) = match settings.any() {
        Some(settings) => (settings.deployment, settings.policy),
        None => (None, None),
    };
    let named = named.filter(|_| readable);
    let policy = match named {
        Some(name) => by_name(&name, entry, policies, partial, problems),
        None => without_name(entry, policies, problems),
    };
    let platform = deployment.and_then(|deployment| platform(deployment, entry, problems));
    ServiceDraft {
        name: Arc::from(entry.key.text.as_str()),
        entry: Some(entry),
        bakes: policy.is_some() || platform.is_some(),
        platform,
        policy,
    }
}

fn by_name<'a>(
    name: &str,
    entry: &Entry,
    policies: &'a [PolicyDraft<'a>],
    partial: bool,
    problems: &mut Vec<Problem>,
) -> Option<&'a PolicyDraft<'a>> {
    let found = policies.iter().find(|policy| &*policy.policy.name == name);
    if found.is_none() && !partial {
        let known = policies.iter().map(|policy| &*policy.policy.name);
        let help = suggestion::did_you_mean(name, known)
            .unwrap_or_else(|| format!("declare it: `policies: {{ {name}: {{ bake: 15m }} }}`"));
        let place = entry
            .value
            .entry("policy")
            .map_or_else(|| entry.key.place.clone(), Entry::pointer);
        let message = format!("there is no policy `{name}`");
        problems.push(
            Problem::error(Code::UnknownReference, message)
                .at(&place)
                .help(help),
        );
    }
    // With a slip of the keyboard, the one meant is looked into all the same.
    found.or_else(|| {
        let known = policies.iter().map(|policy| &*policy.policy.name);
        let meant = suggestion::nearest(name, known)?;
        policies.iter().find(|policy| &*policy.policy.name == meant)
    })
}

/// The policy of a service that names none: the one called `default`, else the only one there is.
fn without_name<'a>(
    entry: &Entry,
    policies: &'a [PolicyDraft<'a>],
    problems: &mut Vec<Problem>,
) -> Option<&'a PolicyDraft<'a>> {
    let default = policies
        .iter()
        .find(|policy| &*policy.policy.name == DEFAULT_NAME);
    if let (None, [_, _, ..], None) = (default, policies, entry.value.entry("policy")) {
        let name = &entry.key.text;
        let message = format!("the service `{name}` names no policy, and several are declared");
        let names = policies.iter().map(|policy| &*policy.policy.name);
        let problem = Problem::error(Code::Ambiguous, message)
            .at(&entry.key.place)
            .help(format!(
                "add `policy: …`, or call one of them `{DEFAULT_NAME}`; {}",
                suggestion::one_of(names).unwrap_or_default()
            ));
        problems.push(problem);
    }
    default.or(match policies {
        [only] => Some(only),
        _ => None,
    })
}

fn platform(
    deployment: DeploymentSettings,
    entry: &Entry,
    problems: &mut Vec<Problem>,
) -> Option<Platform> {
    let step = |key: &str| Step::Key(key.to_owned());
    let place = |path: &[Step]| entry.value.place_at(path, &entry.key.place);
    let later = match deployment {
        DeploymentSettings::Ecs(service) => {
            for (key, value) in [("cluster", &service.cluster), ("service", &service.service)] {
                if value.trim().is_empty() {
                    let place = place(&[step("deployment"), step("ecs"), step(key)]);
                    problems.push(empty(key, &place));
                }
            }
            return Some(Platform::Ecs(service));
        }
        DeploymentSettings::Codedeploy(_) => "codedeploy",
        DeploymentSettings::Kubernetes(_) => "kubernetes",
        DeploymentSettings::Command(_) => "command",
    };
    let place = place(&[step("deployment"), step(later)]);
    problems.push(not_available(&format!("the platform `{later}`"), &place));
    None
}

fn empty(key: &str, place: &Place) -> Problem {
    Problem::error(Code::BadValue, format!("`{key}` is empty"))
        .at(place)
        .help("write its name or its ARN")
}
