//! Where a container writes its log, and the last lines that it wrote there.

use std::collections::HashMap;

use aws_config::Region;
use aws_sdk_cloudwatchlogs::{Client, config};
use aws_sdk_ecs::types;

use super::line;
use crate::deploy::ecs::EcsTarget;
use crate::deploy::ecs::fault::CallFault;

/// Where the containers of a task definition write their logs, by container.
pub(super) type Logging = HashMap<String, Driver>;

/// What takes a container's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    /// CloudWatch Logs.
    CloudWatch {
        group: String,
        /// Without one a stream has the name of the container's runtime id.
        prefix: Option<String>,
        /// Where it is not the service's own.
        region: Option<String>,
    },
    /// Something that we cannot ask: `awsfirelens`.
    Other(String),
}

/// A stream of CloudWatch Logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) group: String,
    pub(super) name: String,
    region: Option<String>,
}

/// The logging of each container that has one.
pub(super) fn logging(definition: &types::TaskDefinition) -> Logging {
    let containers = definition.container_definitions().iter();
    containers
        .filter_map(|container| {
            let configured = container.log_configuration()?;
            Some((container.name()?.to_owned(), driver(configured)?))
        })
        .collect()
}

fn driver(configured: &types::LogConfiguration) -> Option<Driver> {
    if *configured.log_driver() != types::LogDriver::Awslogs {
        return Some(Driver::Other(configured.log_driver().as_str().to_owned()));
    }
    let options = configured.options();
    let option = |name: &str| options.and_then(|options| options.get(name)).cloned();
    Some(Driver::CloudWatch {
        group: option("awslogs-group")?,
        prefix: option("awslogs-stream-prefix"),
        region: option("awslogs-region"),
    })
}

impl Driver {
    /// The stream of one task's container.
    pub(super) fn stream(&self, task: &str, container: &types::Container) -> Option<Stream> {
        let Self::CloudWatch {
            group,
            prefix,
            region,
        } = self
        else {
            return None;
        };
        let name = match prefix {
            Some(prefix) => format!("{prefix}/{}/{task}", container.name()?),
            None => container.runtime_id()?.to_owned(),
        };
        Some(Stream {
            group: group.clone(),
            name,
            region: region.clone(),
        })
    }
}

/// The last lines of a stream, the oldest first; none when there is no such stream.
pub(super) async fn last_lines(
    target: &EcsTarget,
    stream: &Stream,
) -> Result<Option<Vec<String>>, CallFault> {
    let mut configuration = config::Builder::from(&target.shared);
    if let Some(region) = &stream.region {
        configuration.set_region(Some(Region::new(region.clone())));
    }
    let client = Client::from_conf(configuration.build());
    let answer = client
        .get_log_events()
        .log_group_name(&stream.group)
        .log_stream_name(&stream.name)
        .start_from_head(false)
        .limit(MOST_EVENTS)
        .send()
        .await;
    match answer {
        Ok(answer) => {
            let messages = answer.events().iter().filter_map(|event| event.message());
            Ok(Some(last(messages)))
        }
        Err(error) => {
            let fault = CallFault::of("GetLogEvents", &error);
            match fault.code.as_deref() {
                Some("ResourceNotFoundException") => Ok(None),
                _ => Err(fault),
            }
        }
    }
}

/// An event may hold a whole stack trace: its lines are lines.
fn last<'a>(messages: impl Iterator<Item = &'a str>) -> Vec<String> {
    let lines = messages.flat_map(str::lines);
    let mut lines: Vec<String> = lines
        .filter(|text| !text.trim().is_empty())
        .map(line)
        .collect();
    lines.drain(..lines.len().saturating_sub(MOST_LINES));
    lines
}

/// The last words of a process that died are in its last lines.
const MOST_LINES: usize = 20;
const MOST_EVENTS: i32 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(driver: types::LogDriver, options: &[(&str, &str)]) -> types::LogConfiguration {
        let builder = types::LogConfiguration::builder().log_driver(driver);
        let builder = options.iter().fold(builder, |builder, (name, value)| {
            builder.options(*name, *value)
        });
        builder.build().unwrap()
    }

    #[test]
    fn the_stream_is_that_of_the_driver() {
        let prefixed = [
            ("awslogs-group", "/ecs/api"),
            ("awslogs-stream-prefix", "api"),
        ];
        let container = types::Container::builder()
            .name("web")
            .runtime_id("c0ffee")
            .build();
        let stream = |options: &[(&str, &str)]| {
            let driver = driver(&configured(types::LogDriver::Awslogs, options))?;
            Some(driver.stream("0a1b", &container)?.name)
        };
        assert_eq!(stream(&prefixed).as_deref(), Some("api/web/0a1b"));
        assert_eq!(stream(&prefixed[..1]).as_deref(), Some("c0ffee"));
        assert_eq!(stream(&[]), None, "without a group there is none");
        let other = driver(&configured(types::LogDriver::Awsfirelens, &[])).unwrap();
        assert_eq!(other, Driver::Other("awsfirelens".into()));
        assert_eq!(other.stream("0a1b", &container), None);
    }

    #[test]
    fn the_last_lines_are_kept_whatever_events_they_came_in() {
        let many: Vec<String> = (0..30).map(|n| format!("line {n}\n\n  at {n}\n")).collect();
        let kept = last(many.iter().map(String::as_str));
        assert_eq!(kept.len(), MOST_LINES);
        assert_eq!(kept.first().unwrap(), "line 20");
        assert_eq!(kept.last().unwrap(), "  at 29");
    }
}
