//! Clusters: names that services live in.

use serde_json::{Value, json};

use super::super::parameters;
use super::super::state::World;
use super::{Refusal, missing, names};

/// Creates a cluster; one that is there already is answered as it is.
pub(super) fn create(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let name = parameters::text(input, "clusterName")?.unwrap_or(DEFAULT);
    if !world.clusters.iter().any(|known| known == name) {
        world.clusters.push(name.to_owned());
    }
    Ok(json!({ "cluster": show(world, name) }))
}

/// Describes clusters by name or ARN.
pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    let mut wanted = parameters::texts(input, "clusters")?;
    if wanted.is_empty() {
        wanted.push(DEFAULT);
    }
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for given in wanted {
        match world.cluster(given) {
            Ok(name) => found.push(show(world, &name)),
            Err(_) => failures.push(missing(given)),
        }
    }
    Ok(json!({ "clusters": found, "failures": failures }))
}

impl World {
    /// The cluster that a parameter names; without one, `default`.
    pub(super) fn cluster_of(&self, input: &Value) -> Result<String, Refusal> {
        self.cluster(parameters::text(input, "cluster")?.unwrap_or(DEFAULT))
    }

    fn cluster(&self, given: &str) -> Result<String, Refusal> {
        self.clusters
            .iter()
            .find(|name| names(given, name, &self.ids.names.cluster(name)))
            .cloned()
            .ok_or_else(|| {
                Refusal::new("ClusterNotFoundException", "Cluster not found.".to_owned())
            })
    }
}

fn show(world: &World, name: &str) -> Value {
    let services = world
        .services
        .iter()
        .filter(|s| s.cluster == name && s.active);
    json!({
        "clusterArn": world.ids.names.cluster(name),
        "clusterName": name,
        "status": "ACTIVE",
        "activeServicesCount": services.count(),
    })
}

/// The cluster that is meant when none is named.
const DEFAULT: &str = "default";
