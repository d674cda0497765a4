//! What a person would collect by hand after a failed deployment: events, stopped tasks with their
//! last words, target health, and the two service revisions side by side.
//!
//! Bounded in time and size, and never an error: what could not be looked at becomes a line that
//! names what is missing, and the rest is told all the same. It changes nothing and decides nothing.
//! Called by the seam.

mod differences;
mod events;
mod health;
mod logs;
mod stopped;

use std::time::Duration;

use aws_sdk_ecs::types;
use tokio::time::{Instant, timeout_at};

use super::EcsTarget;
use super::facts::Service;
use super::fault::{Blame, CallFault};
use super::tasks::Starter;
use crate::deployment::{Deployment, Diagnosis};
use crate::quantity::human;

/// Looks at everything at once, for [`LONGEST`] at most.
pub(super) async fn diagnose(target: &EcsTarget, deployment: &Deployment) -> Diagnosis {
    within(target, deployment, LONGEST).await
}

async fn within(target: &EcsTarget, deployment: &Deployment, longest: Duration) -> Diagnosis {
    let began = Instant::now();
    let for_at_most = |longest: Duration| Look {
        target,
        until: began + longest,
        longest,
    };
    // What the rest is told apart by; that it is not seen must leave time for the rest.
    let first = for_at_most(longest / 2);
    let (service, pair) = tokio::join!(first.service(), differences::pair(&first, deployment));
    let look = for_at_most(longest);
    let mut gaps = Vec::new();
    let service = kept(service, &mut gaps);
    let pair = kept(pair, &mut gaps);
    let entries = service.as_ref().map(Service::from);
    let entries = entries.map_or_else(Vec::new, |service| service.entries);
    let starter = Starter::of(&entries, deployment);
    let under_test = pair.as_ref().map(|(_, under_test)| under_test);
    let groups = health::groups(service.as_ref(), under_test);
    let (stopped, health) =
        tokio::join!(stopped::tasks(&look, &starter), health::of(&look, &groups));
    gaps.extend(stopped.gaps);
    gaps.extend(health.gaps);
    Diagnosis {
        events: service.map_or_else(Vec::new, |shown| events::since(&shown, deployment.created)),
        stopped_tasks: stopped.found,
        target_health: health.found,
        differences: differences::told(deployment, pair.as_ref()),
        gaps,
    }
}

/// One look at everything, with its end.
struct Look<'a> {
    target: &'a EcsTarget,
    until: Instant,
    longest: Duration,
}

/// What a part of the look found, and what it could not see.
struct Seen<T> {
    found: Vec<T>,
    gaps: Vec<String>,
}

impl Look<'_> {
    /// Waits for an answer, as long as there is time. An error is the line for the gap: what was
    /// to be seen, and what to do.
    async fn ask<T>(
        &self,
        what: &str,
        service: &str,
        call: impl Future<Output = Result<T, CallFault>>,
    ) -> Result<T, String> {
        match timeout_at(self.until, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(fault)) if fault.blame == Blame::Denied => {
                let action = fault.operation;
                Err(format!("{what}: AWS denies it, allow {service}:{action}"))
            }
            Ok(Err(fault)) => Err(format!("{what}: {fault}")),
            Err(_) => {
                let longest = human(self.longest);
                Err(format!("{what}: not seen within {longest}"))
            }
        }
    }

    /// The service with its events and its load balancers.
    async fn service(&self) -> Result<types::Service, String> {
        let declared = &self.target.declared;
        let call = async {
            let asked = self.target.client.describe_services();
            let asked = asked.cluster(&declared.cluster).services(&declared.service);
            let answer = asked.send().await;
            let answer = answer.map_err(|error| CallFault::of("DescribeServices", &error))?;
            Ok(answer.services().first().cloned())
        };
        let what = "service events and load balancers";
        let shown = self.ask(what, ECS, call).await?;
        shown.ok_or_else(|| format!("{what}: ECS shows no service {}", declared.service))
    }
}

/// What was seen, or nothing and a gap.
fn kept<T>(seen: Result<T, String>, gaps: &mut Vec<String>) -> Option<T> {
    seen.map_err(|gap| gaps.push(gap)).ok()
}

/// A text for people on one line, cut where it is too long.
fn line(text: &str) -> String {
    let text = text.trim_end();
    let mut line: String = text
        .chars()
        .map(|letter| if letter.is_whitespace() { ' ' } else { letter })
        .filter(|letter| !letter.is_control())
        .take(LONGEST_LINE)
        .collect();
    if text.chars().count() > LONGEST_LINE {
        line.push('…');
    }
    line
}

/// The service of an action in a policy.
const ECS: &str = "ecs";
/// A diagnosis is worth less than the rollback and the report that wait for it.
const LONGEST: Duration = Duration::from_secs(20);
/// What a person reads of a line; a page of JSON on one line says no more.
const LONGEST_LINE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::EcsService;
    use crate::deploy::ecs::Pace;
    use crate::deployment::{Images, Revision};

    fn revision(label: &str) -> Revision {
        Revision {
            id: format!("arn:{label}"),
            label: label.to_owned(),
        }
    }

    #[tokio::test]
    async fn when_time_is_up_each_part_says_so_and_what_is_known_anyway_is_told() {
        // It takes connections into its queue, and never says a word.
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", silent.local_addr().unwrap());
        let declared = EcsService {
            cluster: "prod".into(),
            service: "api".into(),
            region: None,
        };
        let target = EcsTarget::at_endpoint(&url, &declared, Pace::default());
        let deployment = Deployment {
            id: "arn:aws:ecs:eu-west-1:0:service-deployment/prod/api/x".into(),
            service: "api".into(),
            revision: revision("api:2"),
            previous: Some(revision("api:1")),
            created: None,
            images: Images::new(),
            service_revision: None,
        };
        let seen = within(&target, &deployment, Duration::from_millis(100)).await;
        let gaps = [
            "service events and load balancers: not seen within 50ms",
            "the two service revisions: not seen within 50ms",
            "stopped tasks: not seen within 100ms",
        ];
        assert_eq!(seen.gaps, gaps);
        assert_eq!(seen.differences.len(), 1);
    }

    #[test]
    fn a_line_is_one_line_and_bounded() {
        assert_eq!(line("a\tb\nc\u{1b}[0m\n"), "a b c[0m");
        let long = "ä".repeat(LONGEST_LINE + 1);
        assert_eq!(line(&long).chars().count(), LONGEST_LINE + 1);
        assert!(line(&long).ends_with('…'));
        assert_eq!(line(&"x".repeat(LONGEST_LINE)).len(), LONGEST_LINE);
    }
}
