//! Who may know whom: the ring table of ARCHITECTURE.md, checked against every path in `src/`.

use super::source::{Source, sources};
use smokejumper::notify::registry::CHANNELS;
use smokejumper::probe::registry::KINDS;

/// Where a module stands. The order of the words and of the core is the order in which they may
/// know each other: each knows only those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Values that everyone uses.
    Word(usize),
    /// The pure middle.
    Core(usize),
    /// What the engine asks of probes or of platforms.
    Seam(&'static str),
    /// How AWS is asked, by platforms and kinds alike.
    Aws,
    /// What several kinds of check share: `wire`, say.
    Shared(String),
    /// The list that names every kind.
    Registry,
    /// One kind of check.
    Kind(String),
    /// One platform.
    Platform(String),
    /// One store.
    Store(String),
    /// One channel by which people are told.
    Channel(String),
    /// The list that names every channel.
    Channels,
    /// What channels share: one exchange over HTTP.
    Exchange,
    /// What is told, and how it is brought to notifiers.
    Telling,
    /// YAML text to document.
    Config,
    /// Document to plan.
    Plan,
    /// What acts, shows and serves.
    Shell(&'static str),
    /// `lib.rs` and `main.rs`.
    Root,
}

const WORDS: &[&str] = &[
    "quantity",
    "secret",
    "clock",
    "sample",
    "deployment",
    "event",
    "journal",
];
const CORE: &[&str] = &["expect", "window", "verdict", "decision"];
const SHELL: &[&str] = &[
    "telemetry",
    "diagnostic",
    "engine",
    "report",
    "server",
    "rehearsal",
    "cli",
];

/// The place of a module, or of an item in one; nothing when the table does not know it.
fn place(segments: &[String]) -> Option<Place> {
    let mut names = segments.iter().map(String::as_str);
    let Some(first) = names.next() else {
        return Some(Place::Root);
    };
    // An item of the seam itself (`probe::Kind`) begins with a capital letter.
    let second = names
        .next()
        .filter(|name| name.starts_with(|c: char| c.is_lowercase()));
    let at = |list: &[&'static str]| list.iter().position(|name| *name == first);
    Some(match (first, second) {
        ("probe", None | Some("attempt")) => Place::Seam("probe"),
        ("probe", Some("registry")) => Place::Registry,
        ("probe", Some(name)) if KINDS.iter().any(|kind| kind.name == name) => {
            Place::Kind(name.to_owned())
        }
        ("probe", Some(name)) => Place::Shared(name.to_owned()),
        ("deploy", None) => Place::Seam("deploy"),
        ("store", None | Some("history")) => Place::Seam("store"),
        ("store", Some(name)) => Place::Store(name.to_owned()),
        ("deploy", Some(name)) => Place::Platform(name.to_owned()),
        ("notify", None | Some("notice" | "route")) => Place::Seam("notify"),
        ("notify", Some("registry")) => Place::Channels,
        ("notify", Some("exchange")) => Place::Exchange,
        ("notify", Some(name)) if CHANNELS.iter().any(|channel| channel.name == name) => {
            Place::Channel(name.to_owned())
        }
        ("notify", Some(_)) => Place::Telling,
        ("config", _) => Place::Config,
        ("aws", _) => Place::Aws,
        ("plan", _) => Place::Plan,
        _ => {
            if let Some(rank) = at(WORDS) {
                Place::Word(rank)
            } else if let Some(rank) = at(CORE) {
                Place::Core(rank)
            } else {
                Place::Shell(SHELL[at(SHELL)?])
            }
        }
    })
}

/// Whether what stands at `from` may know what stands at `to`.
fn may_know(from: &Place, to: &Place) -> bool {
    use Place::{
        Aws, Channel, Channels, Config, Core, Exchange, Kind, Plan, Platform, Registry, Root, Seam,
        Shared, Shell, Store, Telling, Word,
    };
    if from == to {
        return true;
    }
    match (from, to) {
        (_, Root) => false,
        (Root, _) => true,
        (Word(me), Word(other)) | (Core(me), Core(other)) => other < me,
        (Word(_), _) => false,
        (Core(_), to) => matches!(to, Word(_)),
        (Seam(_), to) => matches!(to, Word(_) | Core(_)),
        // The wire is below what else is shared: it knows no protocol.
        (Shared(me), Shared(other)) => other == "wire" && me != "wire",
        (Shared(_), to) => matches!(to, Word(_) | Core(_) | Seam("probe")),
        (Aws, to) => matches!(to, Word(_)),
        (Kind(_), to) => matches!(to, Word(_) | Core(_) | Seam("probe") | Shared(_) | Aws),
        (Registry, to) => matches!(to, Word(_) | Seam("probe") | Kind(_)),
        (Platform(_), to) => matches!(to, Word(_) | Core(_) | Seam("deploy") | Aws),
        // What the stores share of keeping the past small.
        (Store(_), Store(other)) => other == "blocks",
        // A database is reached over TLS as everything else is.
        (Store(me), Shared(other)) => me == "postgres" && other == "wire",
        (Store(_), to) => matches!(to, Word(_) | Core(_) | Seam("store")),
        (Exchange | Telling, to) => matches!(to, Word(_) | Core(_) | Seam("notify")),
        (Channel(_), to) => matches!(to, Word(_) | Core(_) | Seam("notify") | Exchange),
        (Channels, to) => matches!(to, Word(_) | Seam("notify") | Channel(_)),
        (Config, to) => matches!(to, Word(_) | Core(_) | Seam(_)),
        (Plan, to) => matches!(
            to,
            Word(_) | Core(_) | Seam(_) | Registry | Channels | Config
        ),
        // Inside the shell: nobody knows the command line, and the engine tells what happens by
        // events alone, so it knows nobody who shows them.
        (Shell(_), Shell("cli")) => false,
        (Shell("engine"), Shell(other)) => *other == "telemetry",
        (Shell(_), _) => true,
    }
}

/// Every path that crosses the table, one line each.
fn crossings(source: &Source) -> Vec<String> {
    let Some(from) = place(&source.module()) else {
        return vec![format!(
            "{}: the ring table has no place for this module: give it one here and in ARCHITECTURE.md",
            source.path
        )];
    };
    source
        .named()
        .iter()
        .filter_map(|named| {
            let written = named.segments.join("::");
            let (path, line) = (&source.path, named.line);
            match place(&named.segments) {
                // A macro or an item at the root of the crate.
                None if named.segments.len() == 1 => None,
                None => Some(format!("{path}:{line}: crate::{written} has no place")),
                Some(to) if may_know(&from, &to) => None,
                Some(to) => Some(format!(
                    "{path}:{line}: {from:?} must not know {to:?} (crate::{written})"
                )),
            }
        })
        .collect()
}

#[test]
fn every_module_knows_only_what_it_may() {
    let found: Vec<String> = sources().iter().flat_map(crossings).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn main_knows_only_the_command_line() {
    let sources = sources();
    let main = sources.iter().find(|source| source.path == "src/main.rs");
    let main = main.expect("there is a main.rs");
    for at in main.lines_with(&["smokejumper", "::"]) {
        assert!(
            main.lines_with(&["smokejumper", "::", "cli"]).contains(&at),
            "src/main.rs:{at}: main calls cli and nothing else of the crate"
        );
    }
}

#[test]
fn each_forbidden_acquaintance_is_seen() {
    let cases = [
        ("src/clock.rs", "use crate::sample::Sample;"),
        ("src/sample.rs", "use crate::event::Event;"),
        ("src/window/mod.rs", "use crate::verdict::judge;"),
        ("src/verdict/mod.rs", "use crate::probe::Probe;"),
        ("src/verdict/threshold.rs", "use crate::config::Document;"),
        ("src/decision/mod.rs", "use crate::deploy::Platform;"),
        ("src/probe/mod.rs", "pub use self::wire::dial;"),
        ("src/probe/attempt.rs", "use crate::engine::Engine;"),
        (
            "src/probe/wire/dial.rs",
            "use crate::probe::grpc_client::Call;",
        ),
        (
            "src/probe/grpc_client.rs",
            "use crate::engine;\nuse crate::cli::Flags;",
        ),
        ("src/probe/registry.rs", "use crate::plan::Plan;"),
        (
            "src/deploy/ecs/mod.rs",
            "use crate::deploy::codedeploy::Stop;",
        ),
        ("src/deploy/ecs/plan.rs", "use super::super::codedeploy;"),
        ("src/deploy/mod.rs", "use crate::deploy::ecs::Ecs;"),
        (
            "src/notify/slack.rs",
            "use crate::notify::webhook::Webhook;",
        ),
        ("src/notify/slack.rs", "use super::dispatcher::Dispatcher;"),
        ("src/notify/mod.rs", "use crate::notify::slack::Slack;"),
        ("src/notify/narrator.rs", "use crate::engine::watch::Watch;"),
        ("src/notify/dispatcher.rs", "use super::exchange::Exchange;"),
        ("src/plan/mod.rs", "use crate::notify::slack::Slack;"),
        ("src/config/mod.rs", "use crate::plan::Plan;"),
        ("src/config/mod.rs", "use crate::probe::registry::KINDS;"),
        ("src/plan/mod.rs", "use crate::deploy::ecs::Ecs;"),
        ("src/plan/mod.rs", "use crate::aws::fault::CallFault;"),
        ("src/aws/fault.rs", "use crate::deploy::DeployError;"),
        ("src/aws/access.rs", "use crate::probe::Attempt;"),
        ("src/plan/mod.rs", "use crate::{clock::Moment, engine};"),
        ("src/plan/mod.rs", "use crate::diagnostic::render;"),
        ("src/diagnostic.rs", "use crate::cli::Flags;"),
        ("src/engine/mod.rs", "use crate::report::text;"),
        ("src/report/text.rs", "use crate::cli::exit;"),
        ("src/clock.rs", "fn f() { crate::novelty::g() }"),
        ("src/novelty/mod.rs", ""),
    ];
    for (path, text) in cases {
        let found = crossings(&Source::new(path, text));
        assert!(!found.is_empty(), "{path} may not say: {text}");
    }
}

#[test]
fn a_kind_may_not_know_another_kind() {
    let kind = |name: &str| Place::Kind(name.to_owned());
    assert!(!may_know(&kind("evm"), &kind("tezos")));
    assert!(may_know(&kind("evm"), &kind("evm")));
    assert!(may_know(&Place::Registry, &kind("evm")));
    assert!(!may_know(&Place::Shared("wire".to_owned()), &kind("evm")));
    assert!(!may_know(&Place::Plan, &kind("evm")));
}

#[test]
fn what_is_allowed_is_let_through() {
    let cases = [
        (
            "src/event.rs",
            "use crate::{clock::Moment, deployment::Deployment, sample::Sample};",
        ),
        (
            "src/verdict/mod.rs",
            "use crate::window::Summary;\npub use crate::event::Level;",
        ),
        ("src/decision/mod.rs", "use crate::verdict::Assessment;"),
        (
            "src/probe/attempt.rs",
            "use super::Probe;\nuse crate::clock::Clock;",
        ),
        (
            "src/plan/mod.rs",
            "use crate::{config::Document, deploy::Platform, expect::Matcher};",
        ),
        ("src/plan/checks.rs", "use crate::probe::registry;"),
        (
            "src/config/read.rs",
            "use crate::secret::Mask;\nuse super::spans;",
        ),
        (
            "src/deploy/ecs/plan.rs",
            "use super::read;\nuse crate::deploy::DeployError;\nuse crate::aws::fault::CallFault;",
        ),
        (
            "src/engine/mod.rs",
            "use crate::{decision, deploy, plan, probe, verdict};",
        ),
        (
            "src/cli/watch.rs",
            "use crate::{engine, report, rehearsal};",
        ),
    ];
    for (path, text) in cases {
        assert_eq!(crossings(&Source::new(path, text)), [""; 0], "{path}");
    }
}
