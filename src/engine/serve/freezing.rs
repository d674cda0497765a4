//! Stopping rollbacks and allowing them again, by order: those of this machine, or those of one service.
//! It holds from the moment at which it is answered, for windows that are open as well, and over restarts.

use std::io;
use std::sync::Arc;

use super::daemon::Daemon;
use super::frozen;
use super::handle::{Done, Refused, Whose};
use super::happenings::{News, Severity};
use crate::engine::freeze;

impl Daemon {
    /// Stops the rollbacks of a service, of all where none is named, or allows them again.
    pub(super) fn freeze(
        &self,
        by: &Whose,
        service: Option<&str>,
        on: bool,
        reason: Option<&str>,
    ) -> Result<Done, Refused> {
        let brake = match service {
            None => None,
            Some(service) => {
                let mut known = self.manned.iter().chain(&self.retired);
                let known = known.find(|one| *one.service.name == *service);
                let Some(known) = known else {
                    let why = format!("there is no service {service}");
                    return Err(Refused::Unknown(why));
                };
                Some(Arc::clone(&known.service.name))
            }
        };
        let file = self.brakes.file(service);
        let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
        let failed = |error: io::Error| {
            Refused::Failed(format!("{} cannot be changed: {error}", file.display()))
        };
        let (kind, text) = if on {
            let reason = reason.unwrap_or("no reason was given");
            let now = self.outfit.context.clock.wall();
            frozen::pull(&file, &by.name, reason, now).map_err(failed)?;
            let which = service.map_or_else(
                || "all rollbacks on this machine".to_owned(),
                |service| format!("the rollbacks of {service} on this machine"),
            );
            ("frozen", format!("{} stops {which}: {reason}", by.name))
        } else {
            frozen::let_go(&file).map_err(failed)?;
            ("thawed", self.thawed(by, service))
        };
        let freeze = frozen::read(&file);
        self.brakes.ordered(brake.clone(), freeze.clone());
        let by = &by.name;
        let people = &self.herald.people;
        people.frozen(brake.as_ref(), freeze.as_ref(), Some(by.as_str()));
        let news = News::new(kind, Severity::Warning, text.clone());
        let news = news.fact("by", by.clone()).fact("reason", reason);
        self.herald.tell(match &brake {
            Some(service) => news.of(service),
            None => news,
        });
        Ok(Done::Said(text))
    }

    /// That rollbacks are allowed again, and which are not: nobody is to believe more than is so.
    fn thawed(&self, by: &Whose, service: Option<&str>) -> String {
        let all = &self.outfit.kill_switch;
        let (by, of) = (&by.name, service.unwrap_or_default());
        let mut text = match service {
            None => format!("{by} allows rollbacks again"),
            Some(_) => format!("{by} allows rollbacks of {of} again"),
        };
        if service.is_some() && frozen::read(all).is_some() {
            text.push_str("; those of all services are stopped still");
        }
        let names = self.manned.iter().map(|one| &*one.service.name);
        let is_frozen = |name: &&str| frozen::read(&freeze::of_service(all, name)).is_some();
        let still: Vec<&str> = match service {
            None => names.filter(is_frozen).collect(),
            Some(_) => Vec::new(),
        };
        if !still.is_empty() {
            text.push_str(&format!(
                "; those of {} are stopped still",
                still.join(", ")
            ));
        }
        text
    }
}
