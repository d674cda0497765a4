//! How a check or a guard wants names to be resolved: its own word, or the defaults'.

use std::sync::Arc;

use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Value};
use crate::probe::Resolver;

/// Makes a value to share of what was read of the key `resolver`, and reports what in it says nothing.
pub fn lower(
    read: Option<Resolver>,
    entry: Option<&Entry>,
    problems: &mut Vec<Problem>,
) -> Option<Arc<Resolver>> {
    if let Some(entry) = entry {
        examine(entry, problems);
    }
    read.map(Arc::new)
}

fn examine(entry: &Entry, problems: &mut Vec<Problem>) {
    let is_empty = |entry: &Entry| match &entry.value.value {
        Value::Map(entries) => entries.is_empty(),
        Value::List(items) => items.is_empty(),
        Value::Null => true,
        Value::Text(_) | Value::Bool(_) | Value::Number(_) | Value::Hole => false,
    };
    let mut refuse = |entry: &Entry, message: &str, help: &str| {
        if is_empty(entry) {
            let problem = Problem::error(Code::BadValue, message)
                .at(&entry.key.place)
                .help(help);
            problems.push(problem);
        }
    };
    refuse(
        entry,
        "`resolver` says nothing",
        "write `default`, `system`, or a mapping with `servers` or `hosts`; or remove the key",
    );
    if let Some(servers) = entry.value.entry("servers") {
        refuse(servers, "no name server is named", "write `[10.0.0.2]`");
    }
    if let Some(hosts) = entry.value.entry("hosts") {
        let help = "write `{ api.test: [10.0.0.7] }`";
        refuse(hosts, "no name has its addresses here", help);
        for host in hosts.value.entries() {
            let message = format!("the name `{}` has no address here", host.key.text);
            refuse(host, &message, "write `[10.0.0.7]`");
        }
    }
}
