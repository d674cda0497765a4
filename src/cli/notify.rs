//! `smokejumper notify test`: sends a marked message along a route, once, and says for each notifier
//! whether it arrived. A message that opens an incident is followed by one that ends it.

use futures_util::future::join_all;

use super::arguments::{Common, NotifyArguments, NotifyCommand, NotifyTestArguments};
use super::session::Session;
use super::terminal::Terminal;
use super::{exit, refuse};
use crate::clock::Clock as _;
use crate::config::suggestion;
use crate::engine::clock::SystemClock;
use crate::notify::{Declared, Kind, Notice, Notifying, Route, Unsent, notices};
use crate::quantity::human;

/// Runs the command and says with which code it ends.
pub async fn run(arguments: NotifyArguments) -> u8 {
    let NotifyCommand::Test(arguments) = arguments.command;
    let common = Common {
        paths: arguments.paths.clone(),
        overlay: arguments.overlay.clone(),
        only: Vec::new(),
        tag: Vec::new(),
        service: None,
        variables: arguments.variables.clone(),
        shown: arguments.shown,
    };
    let Session { plan, terminal, .. } = match Session::open(&common, &[]) {
        Ok(session) => session,
        Err(code) => return code,
    };
    let chosen =
        kind(&arguments.event).and_then(|kind| Ok((kind, choose(&plan.notifying, &arguments)?)));
    let (kind, (route, notifiers)) = match chosen {
        Ok(chosen) => chosen,
        Err(why) => return refuse(&terminal, exit::USAGE, &why),
    };
    let services = plan.services.iter().map(|service| &service.name);
    let service = route.and_then(|route| route.services.first());
    let service = service.or_else(|| services.into_iter().next());
    let notice = notices::test(SystemClock::start().wall(), kind, service);
    let notice = notice.masked(terminal.mask());
    let sent = join_all(notifiers.iter().map(|declared| send(declared, &notice))).await;
    let mut code = exit::PASS;
    for (declared, came) in notifiers.iter().zip(sent) {
        if came.is_err() {
            code = exit::FAILED;
        }
        tell(&terminal, &line(declared, came));
    }
    // Whose way it is depends on who was told of the trouble.
    let has_way = |route: &&Route| route.leads(&notice) || kind.is_for_the_told();
    if let Some(route) = route.filter(|route| !has_way(route)) {
        terminal.tell(&format!(
            "the route {} leads no notice of the kind {}: it was sent all the same\n",
            route.name,
            kind.name()
        ));
    }
    code
}

/// Data goes to stdout; that nobody reads it any more is no failure of the way that was tried.
fn tell(terminal: &Terminal, line: &str) {
    if terminal.data(&format!("{line}\n")).is_err() {
        terminal.tell(&format!("{line}\n"));
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    let found = Kind::ALL.iter().find(|kind| kind.name() == name);
    found.copied().ok_or_else(|| {
        let known = Kind::ALL.iter().map(|kind| kind.name());
        let help = suggestion::did_you_mean(name, known).unwrap_or_default();
        format!("there is no event {name}; {help}")
    })
}

/// The route that was asked for, and whom to try.
fn choose<'a>(
    notifying: &'a Notifying,
    arguments: &NotifyTestArguments,
) -> Result<(Option<&'a Route>, Vec<&'a Declared>), String> {
    if notifying.notifiers.is_empty() {
        return Err(
            "no notifiers are declared; add some, as `notifiers: { team: { slack: { url: \
             \"${SLACK_WEBHOOK}\" } } }`"
                .to_owned(),
        );
    }
    let names = || notifying.notifiers.iter().map(|one| &*one.name);
    for name in &arguments.notifier {
        if !names().any(|one| one == name) {
            let help = suggestion::did_you_mean(name, names().collect::<Vec<&str>>());
            let help = help.unwrap_or_default();
            return Err(format!("there is no notifier {name}; {help}"));
        }
    }
    let route = match &arguments.route {
        Some(name) => Some(named(notifying, name)?),
        None if !arguments.notifier.is_empty() => None,
        None => Some(only(notifying)?),
    };
    let wanted = |(place, one): &(usize, &Declared)| {
        let on_route = route.is_none_or(|route| route.to.contains(place));
        let asked = &arguments.notifier;
        on_route && (asked.is_empty() || asked.iter().any(|name| **name == *one.name))
    };
    let chosen = notifying.notifiers.iter().enumerate().filter(wanted);
    let chosen: Vec<&Declared> = chosen.map(|(_, one)| one).collect();
    match chosen.is_empty() {
        true => Err("the route leads to none of these notifiers".to_owned()),
        false => Ok((route, chosen)),
    }
}

fn named<'a>(notifying: &'a Notifying, name: &str) -> Result<&'a Route, String> {
    let names = || notifying.routes.iter().map(|route| &*route.name);
    let found = notifying.routes.iter().find(|route| &*route.name == name);
    found.ok_or_else(|| {
        let help = suggestion::did_you_mean(name, names().collect::<Vec<&str>>());
        format!("there is no route {name}; {}", help.unwrap_or_default())
    })
}

fn only(notifying: &Notifying) -> Result<&Route, String> {
    match notifying.routes.as_slice() {
        [only] => Ok(only),
        several => {
            let names: Vec<&str> = several.iter().map(|route| &*route.name).collect();
            Err(format!("say which route to try: {}", names.join(", ")))
        }
    }
}

/// Sends the test and, where it opened an incident, its end.
async fn send(declared: &Declared, notice: &Notice) -> Result<(), Unsent> {
    once(declared, notice).await?;
    once(declared, &notices::test_over(notice)).await
}

async fn once(declared: &Declared, notice: &Notice) -> Result<(), Unsent> {
    let deadline = declared.notifier.deadline();
    let sending = declared.notifier.send(notice);
    tokio::time::timeout(deadline, sending)
        .await
        .unwrap_or_else(|_| {
            let why = format!("no answer within {}", human(deadline));
            Err(Unsent::Passing(why))
        })
}

fn line(declared: &Declared, came: Result<(), Unsent>) -> String {
    let (name, channel) = (&declared.name, declared.channel);
    match came {
        Ok(()) => format!("{name} ({channel}): arrived"),
        Err(Unsent::Refused(why)) => format!("{name} ({channel}): refused: {why}"),
        Err(Unsent::Throttled { why, after }) => {
            let after = after.map(|after| format!("; again after {}", human(after)));
            format!(
                "{name} ({channel}): too much was sent: {why}{}",
                after.unwrap_or_default()
            )
        }
        Err(Unsent::Passing(why)) => format!("{name} ({channel}): did not arrive: {why}"),
    }
}
