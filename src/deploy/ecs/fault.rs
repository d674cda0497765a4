//! What went wrong with a call, as the seam of the platforms is told it: in one line that says what to
//! do about this service.

pub(super) use crate::aws::fault::{Blame, CallFault, innermost, one_line};
use crate::deploy::{DeployError, EcsService};

impl CallFault {
    /// The error for the seam, in one line that says what to do.
    pub(super) fn told(&self, declared: &EcsService) -> DeployError {
        let EcsService {
            cluster, service, ..
        } = declared;
        let (api, action, detail) = (self.api(), self.action(), self.detail());
        let called = format!("{action} for service {service}");
        match self.blame {
            Blame::Throttled => DeployError::Passing(format!("AWS throttles {called}: {detail}")),
            Blame::Server => DeployError::Passing(format!("{api} failed on {called}: {detail}")),
            Blame::Garbled => {
                DeployError::Passing(format!("no usable answer to {called}: {detail}"))
            }
            Blame::Silence => DeployError::Passing(format!("no answer to {called}: {detail}")),
            Blame::NotSent => DeployError::Declared(format!(
                "{called} could not be sent: {detail}; check region, endpoint and credentials"
            )),
            Blame::Absent => {
                DeployError::Strange(format!("the endpoint does not offer {called}: {detail}"))
            }
            Blame::Denied => {
                DeployError::Declared(format!("AWS denies {called}: allow {action} on it"))
            }
            Blame::Credentials | Blame::Expired => DeployError::Declared(format!(
                "AWS does not accept the credentials for {called}: {detail}; renew them"
            )),
            Blame::NoCluster => DeployError::Declared(format!(
                "ECS knows no cluster {cluster} here: check deployment.ecs.cluster and the region"
            )),
            Blame::NoService => DeployError::Declared(format!(
                "cluster {cluster} has no active service {service}: check deployment.ecs and the region"
            )),
            Blame::Conflict => DeployError::Passing(format!(
                "{api} is busy with another change and refuses {called}: {detail}"
            )),
            Blame::Refused => DeployError::Strange(format!("{api} refuses {called}: {detail}")),
        }
    }
}
