//! What ECS wrote about the service since the deployment began. For people alone: nothing is decided
//! by a text.

use std::time::Duration;

use aws_sdk_ecs::types;

use super::line;
use crate::clock::WallTime;
use crate::deploy::ecs::facts::wall;
use crate::deployment::ServiceEvent;

/// The newest events since a moment, the newest first.
pub(super) fn since(service: &types::Service, began: Option<WallTime>) -> Vec<ServiceEvent> {
    let shown = service.events().iter().filter_map(|event| {
        Some(ServiceEvent {
            at: wall(event.created_at()),
            text: line(event.message()?),
        })
    });
    let is_since = |event: &ServiceEvent| match (event.at, began) {
        (Some(at), Some(began)) => at.unix() + SLACK >= began.unix(),
        _ => true,
    };
    let mut events: Vec<ServiceEvent> = shown.filter(is_since).collect();
    // The sort is stable: what was written in the same instant stays as ECS ordered it.
    events.sort_by_key(|event| std::cmp::Reverse(event.at));
    events.truncate(MOST);
    events
}

/// Times lose their last digits on the wire.
const SLACK: Duration = Duration::from_secs(1);
/// What a person reads; ECS keeps a hundred.
const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::primitives::DateTime;

    use super::*;

    #[test]
    fn the_newest_since_the_deployment_began_come_first_and_are_bounded() {
        let event = |second: i64| {
            types::ServiceEvent::builder()
                .created_at(DateTime::from_secs(second))
                .message(format!("event {second}"))
                .build()
        };
        let service = types::Service::builder()
            .set_events(Some((0..200).map(event).collect()))
            .build();
        let began = WallTime::since_unix_epoch(Duration::from_secs(190));
        let few = since(&service, Some(began));
        assert_eq!(few.first().unwrap().text, "event 199");
        assert_eq!(few.last().unwrap().text, "event 189");
        assert_eq!(since(&service, None).len(), MOST);
    }
}
