//! The names of ECS: how ARNs are made, and how the short and the full form are told apart.

/// Makes ARNs for one account and region.
#[derive(Clone, Debug)]
pub(super) struct Names {
    region: String,
    account: String,
}

impl Names {
    pub(super) fn new(region: &str, account: &str) -> Self {
        Self {
            region: region.to_owned(),
            account: account.to_owned(),
        }
    }

    pub(super) fn cluster(&self, cluster: &str) -> String {
        self.arn("cluster", cluster)
    }

    pub(super) fn task_definition(&self, family: &str, revision: u32) -> String {
        self.arn("task-definition", &format!("{family}:{revision}"))
    }

    pub(super) fn service(&self, cluster: &str, service: &str) -> String {
        self.arn("service", &format!("{cluster}/{service}"))
    }

    pub(super) fn service_deployment(&self, cluster: &str, service: &str, number: u64) -> String {
        self.arn(
            "service-deployment",
            &format!("{cluster}/{service}/{}", short_id(number)),
        )
    }

    pub(super) fn service_revision(&self, cluster: &str, service: &str, number: u64) -> String {
        let id = FIRST_LONG_ID + number;
        self.arn("service-revision", &format!("{cluster}/{service}/{id}"))
    }

    pub(super) fn task(&self, cluster: &str, number: u64) -> String {
        // Real ids differ in their first digits, by which people tell them apart.
        let id = u128::from(number).wrapping_mul(SCATTER);
        self.arn("task", &format!("{cluster}/{id:032x}"))
    }

    fn arn(&self, kind: &str, rest: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{kind}/{rest}", self.region, self.account)
    }
}

/// The `ecs-svc/…` id of an entry of `deployments[]`.
pub(super) fn deployment_id(number: u64) -> String {
    format!("ecs-svc/{}", FIRST_LONG_ID + number)
}

/// The private address of the task of this number, each its own.
pub(super) fn private_address(number: u64) -> String {
    let [.., high, middle, low] = number.to_be_bytes();
    format!("10.{high}.{middle}.{low}")
}

/// Whether this is the ARN of something of that kind: `service-deployment`, `service-revision` …
pub(super) fn is_arn_of(text: &str, kind: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    parts.next() == Some("arn")
        && parts.nth(1) == Some("ecs")
        && parts
            .nth(2)
            .and_then(|resource| resource.split_once('/'))
            .is_some_and(|(found, rest)| found == kind && !rest.is_empty())
}

/// The last part of an ARN or path: the name itself when it is short already.
pub(super) fn last_part(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

/// An odd factor maps numbers one to one; this one, of the golden ratio, scatters them.
const SCATTER: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// Real ids have 19 digits.
const FIRST_LONG_ID: u64 = 3_000_000_000_000_000_000;

/// Real service-deployment ids have 21 characters of this alphabet.
fn short_id(number: u64) -> String {
    format!("StandInDeployment{number:04}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_have_the_form_of_aws() {
        let names = Names::new("eu-west-1", "000000000000");
        assert_eq!(
            names.service_deployment("prod", "api", 7),
            "arn:aws:ecs:eu-west-1:000000000000:service-deployment/prod/api/StandInDeployment0007"
        );
        assert!(is_arn_of(
            &names.service_deployment("prod", "api", 7),
            "service-deployment"
        ));
        assert!(!is_arn_of(
            &names.service("prod", "api"),
            "service-deployment"
        ));
        assert!(!is_arn_of("api", "service"));
        assert_eq!(last_part(&names.service("prod", "api")), "api");
    }
}
