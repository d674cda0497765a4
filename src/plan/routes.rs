//! `routes`: who is told of what. Where notifiers are declared and no route, all of them are told of
//! everything of importance.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::language::{DEFAULT_NAME, check_name};
use super::notifiers::NotifierDraft;
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Place, Step, read, suggestion};
use crate::notify::{Declared, Kind, Notifying, Route, Severity};
use crate::quantity::Span;

/// Who is told of what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteSettings {
    /// The names of the notifiers.
    pub to: Vec<String>,
    /// The services it is about; without it, all.
    #[serde(default)]
    pub services: Vec<String>,
    /// What is at least so severe is told: info, warning or critical; without it, warning.
    pub severity: Option<Severity>,
    /// What is told of: names of events, as held, or of groups of them, as rollback; without it, all.
    #[serde(default)]
    #[schemars(schema_with = "events_schema")]
    pub events: Vec<String>,
    /// How often it is told again what is not over, as 4h; without it, never.
    pub repeat: Option<Span>,
}

/// More often, a reminder is noise.
const SHORTEST_REPEAT: Duration = Duration::from_secs(60);

/// Reads the section, and puts it together with those that it names.
pub fn lower(
    document: &Document,
    notifiers: &[NotifierDraft<'_>],
    problems: &mut Vec<Problem>,
) -> Notifying {
    let routes = document.routes.iter();
    let routes: Vec<Route> = routes
        .filter_map(|entry| route(entry, document, notifiers, problems))
        .collect();
    if !document.routes.is_empty() && !document.partial {
        unused(document, notifiers, problems);
    }
    let declared = notifiers.iter().filter_map(|draft| draft.declared.clone());
    let declared: Vec<Declared> = declared.collect();
    let routes = match document.routes.is_empty() && !declared.is_empty() {
        true => vec![Route::to_all(declared.len())],
        false => routes,
    };
    Notifying {
        notifiers: declared,
        routes,
    }
}

fn route(
    entry: &Entry,
    document: &Document,
    notifiers: &[NotifierDraft<'_>],
    problems: &mut Vec<Problem>,
) -> Option<Route> {
    check_name(&entry.key, "route", problems);
    let read = read::<RouteSettings>(&entry.value, &entry.key.place, problems);
    let settings = read.any()?;
    let to = to(&settings, entry, document, notifiers, problems);
    let services = services(&settings, entry, document, problems);
    let events = events(&settings, entry, problems);
    let severity = settings.severity.unwrap_or(Severity::Warning);
    if !events.is_empty() && events.iter().all(|kind| kind.worst() < severity) {
        let message = format!(
            "nothing goes along the route `{}`: none of its events is ever {}",
            entry.key.text,
            severity.name()
        );
        let problem = Problem::warning(Code::Unused, message)
            .at(&place(entry, &["events"]))
            .help("lower its `severity`, as `severity: info`");
        problems.push(problem);
    }
    let repeat = settings.repeat.map(|span| span.0);
    if repeat.is_some_and(|repeat| repeat < SHORTEST_REPEAT) {
        let problem = Problem::error(Code::BadValue, "a reminder comes at most once a minute")
            .at(&place(entry, &["repeat"]))
            .help("write `4h`, say, or leave it out");
        problems.push(problem);
    }
    Some(Route {
        name: Arc::from(entry.key.text.as_str()),
        to,
        services,
        severity,
        events,
        repeat,
    })
}

/// The places of those who are told, among those that could be read.
fn to(
    settings: &RouteSettings,
    entry: &Entry,
    document: &Document,
    notifiers: &[NotifierDraft<'_>],
    problems: &mut Vec<Problem>,
) -> Vec<usize> {
    if settings.to.is_empty()
        && entry
            .value
            .entry("to")
            .is_some_and(|to| !to.value.has_hole())
    {
        let message = format!("the route `{}` leads to nobody", entry.key.text);
        let problem = Problem::error(Code::BadValue, message)
            .at(&place(entry, &["to"]))
            .help("name notifiers, as `to: [team]`");
        problems.push(problem);
    }
    let mut places = Vec::new();
    for (at, name) in settings.to.iter().enumerate() {
        let found = notifiers.iter().find(|draft| draft.entry.key.text == *name);
        if found.is_none() && !document.partial && !name.is_empty() {
            let known = notifiers.iter().map(|draft| draft.entry.key.text.as_str());
            let declare = || {
                format!(
                    "declare it: `notifiers: {{ {name}: {{ slack: {{ url: ${{SLACK_WEBHOOK}} }} }} }}`"
                )
            };
            let help = suggestion::did_you_mean(name, known).unwrap_or_else(declare);
            let message = format!("there is no notifier `{name}`");
            problems.push(unknown(message, &item(entry, "to", at), Some(help)));
        }
        let whole = notifiers.iter().filter(|draft| draft.declared.is_some());
        let mut whole = whole.map(|draft| draft.entry.key.text.as_str());
        places.extend(
            whole
                .position(|one| one == name)
                .filter(|at| !places.contains(at)),
        );
    }
    places
}

fn services(
    settings: &RouteSettings,
    entry: &Entry,
    document: &Document,
    problems: &mut Vec<Problem>,
) -> Vec<Arc<str>> {
    let known = || {
        let declared = document
            .services
            .iter()
            .map(|entry| entry.key.text.as_str());
        let stands_in = document.services.is_empty().then_some(DEFAULT_NAME);
        declared.chain(stands_in).collect::<Vec<&str>>()
    };
    for (at, name) in settings.services.iter().enumerate() {
        let is_known = known().contains(&name.as_str());
        if !is_known && !document.partial && !name.is_empty() {
            let help = suggestion::did_you_mean(name, known());
            let message = format!("there is no service `{name}`");
            problems.push(unknown(message, &item(entry, "services", at), help));
        }
    }
    settings
        .services
        .iter()
        .map(|name| Arc::from(name.as_str()))
        .collect()
}

/// The names of events and of groups.
fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.group()).collect();
    names.dedup();
    names.extend(Kind::ALL.iter().map(|kind| kind.name()));
    names
}

fn events(settings: &RouteSettings, entry: &Entry, problems: &mut Vec<Problem>) -> Vec<Kind> {
    let mut events = Vec::new();
    for (at, name) in settings.events.iter().enumerate() {
        let named = |kind: &&Kind| kind.name() == name || kind.group() == name;
        let before = events.len();
        events.extend(Kind::ALL.iter().filter(named).copied());
        if events.len() == before && !name.is_empty() {
            let near = suggestion::nearest(name, names());
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let help = help.or_else(|| Some(format!("known here: {}", names().join(", "))));
            let message = format!("there is no event `{name}`");
            problems.push(unknown(message, &item(entry, "events", at), help));
        }
    }
    events
}

fn events_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "array",
        "items": { "type": "string", "enum": names() }
    })
}

/// Warns of notifiers that no route names.
fn unused(document: &Document, notifiers: &[NotifierDraft<'_>], problems: &mut Vec<Problem>) {
    let names = |route: &Entry, name: &str| {
        let to = route.value.entry("to");
        let items = to.map_or(&[][..], |to| to.value.items());
        items.iter().any(|item| match &item.value {
            crate::config::Value::Text(text) => text.text == name,
            _ => false,
        })
    };
    for draft in notifiers {
        let key = &draft.entry.key;
        if !document.routes.iter().any(|route| names(route, &key.text)) {
            let message = format!("no route leads to the notifier `{}`", key.text);
            let problem = Problem::warning(Code::Unused, message)
                .at(&key.place)
                .help(format!("name it in a route, as `to: [{}]`", key.text));
            problems.push(problem);
        }
    }
}

fn unknown(message: String, place: &Place, help: Option<String>) -> Problem {
    Problem::error(Code::UnknownReference, message)
        .at(place)
        .maybe_help(help)
}

fn place(entry: &Entry, path: &[&str]) -> Place {
    let steps: Vec<Step> = path
        .iter()
        .map(|&part| Step::Key(part.to_owned()))
        .collect();
    entry.value.place_at(&steps, &entry.key.place)
}

fn item(entry: &Entry, key: &str, at: usize) -> Place {
    let steps = [Step::Key(key.to_owned()), Step::Item(at)];
    entry.value.place_at(&steps, &entry.key.place)
}
