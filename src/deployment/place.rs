//! Where a service is deployed, as declared: whom `deploy` connects to, and what a kind of check that
//! looks at the platform asks about unless it says otherwise.

/// Where a service is deployed, as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platform {
    /// An ECS service.
    Ecs(EcsService),
}

/// An ECS service, as declared under `deployment: { ecs: … }`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub struct EcsService {
    /// The cluster: its name or its ARN.
    pub cluster: String,
    /// The service: its name or its ARN.
    pub service: String,
    /// The region; without it the environment's (`AWS_REGION`, the profile).
    #[serde(default)]
    pub region: Option<String>,
}
