//! `server`: where the daemon listens, and for whom.
//!
//! Without the section it listens on loopback, where whoever is on this machine may read. Elsewhere it
//! wants to know who asks: by a token or by a client certificate, and without either the configuration
//! is refused. A token is at least [`SHORTEST_TOKEN`] characters long, so that nobody guesses it.

mod settings;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use self::settings::{Scope, ServerSettings};
use self::settings::{StatusPageSettings, TlsSettings, TokenSettings};
use url::Url;

use super::language::check_name;
use super::services::ServiceDraft;
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Node, Place, Step, Value, read, suggestion};
use crate::secret::Secret;

/// Where and for whom the daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerPlan {
    /// The address.
    pub listen: SocketAddr,
    /// The address under which people open the pages, without a slash at its end.
    pub url: Option<Arc<str>>,
    /// Who may ask, in the order of their names.
    pub tokens: Vec<TokenPlan>,
    /// How connections are protected; plain without it.
    pub tls: Option<TlsPlan>,
    /// Which services the public status page shows; there is no such page without it.
    pub status_page: Option<Vec<Arc<str>>>,
    /// How many requests each caller may send.
    pub rate_limit: RateLimit,
}

/// A token and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPlan {
    /// Its name, under which actions are written down.
    pub name: Arc<str>,
    /// The token itself.
    pub token: Secret,
    /// What it allows.
    pub scope: Scope,
}

/// How connections are protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsPlan {
    /// The PEM file of our certificate, and those between it and its authority.
    pub certificate: PathBuf,
    /// The PEM file of its key.
    pub key: PathBuf,
    /// The PEM file of the authorities of clients; clients show no certificate without it.
    pub client_ca: Option<PathBuf>,
    /// What a client certificate allows.
    pub client_scope: Scope,
}

/// How many requests in which time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many.
    pub requests: u32,
    /// In which time.
    pub per: Duration,
}

/// A shorter token could be guessed: sixteen characters of letters and digits are 95 bits.
pub const SHORTEST_TOKEN: usize = 16;

/// The port where the section names none.
pub const PORT: u16 = 9_717;

impl Default for ServerPlan {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT),
            url: None,
            tokens: Vec::new(),
            tls: None,
            status_page: None,
            rate_limit: RateLimit::default(),
        }
    }
}

impl Default for RateLimit {
    /// Twenty a second: more than a page with its scripts, a scraper and a pipeline ask together.
    fn default() -> Self {
        Self {
            requests: 1_200,
            per: Duration::from_secs(60),
        }
    }
}

impl ServerPlan {
    /// Whether only this machine can connect.
    #[must_use]
    pub const fn is_on_loopback(&self) -> bool {
        self.listen.ip().is_loopback()
    }

    /// Whether callers are told apart: without tokens and client certificates whoever is on this
    /// machine may read.
    #[must_use]
    pub fn knows_callers(&self) -> bool {
        let shows_certificates = |tls: &TlsPlan| tls.client_ca.is_some();
        !self.tokens.is_empty() || self.tls.as_ref().is_some_and(shows_certificates)
    }

    /// Whether a service is on the public status page.
    #[must_use]
    pub fn shows_publicly(&self, service: &str) -> bool {
        let shown = self.status_page.iter().flatten();
        shown.into_iter().any(|name| &**name == service)
    }
}

/// Reads the section.
pub fn lower(
    document: &Document,
    services: &[ServiceDraft<'_>],
    problems: &mut Vec<Problem>,
) -> ServerPlan {
    let Some(first) = document.server.first() else {
        return ServerPlan::default();
    };
    let section = Section {
        place: first.key.place.clone(),
        node: Node {
            place: first.key.place.clone(),
            value: Value::Map(document.server.clone()),
        },
    };
    let read = read::<ServerSettings>(&section.node, &section.place, problems);
    let Some(settings) = read.any() else {
        return ServerPlan::default();
    };
    let usual = ServerPlan::default();
    let plan = ServerPlan {
        listen: settings.listen.map_or(usual.listen, |listen| listen.0),
        url: section.url(settings.url.as_deref(), problems),
        tokens: section.tokens(settings.tokens.unwrap_or_default(), problems),
        tls: settings.tls.map(|tls| section.tls(tls)),
        status_page: section.status_page(settings.status_page, document, services, problems),
        rate_limit: settings.rate_limit.map_or(usual.rate_limit, |rate| rate.0),
    };
    section.refuse_strangers(&plan, document, problems);
    plan
}

/// The section as it is written.
struct Section {
    place: Place,
    node: Node,
}

impl Section {
    fn at(&self, keys: &[&str]) -> Place {
        let steps: Vec<Step> = keys
            .iter()
            .map(|key| Step::Key((*key).to_owned()))
            .collect();
        self.node.place_at(&steps, &self.place)
    }

    /// The entries of a mapping within the section.
    fn entries(&self, key: &str) -> &[Entry] {
        match self.node.entry(key).map(|entry| &entry.value.value) {
            Some(Value::Map(entries)) => entries,
            _ => &[],
        }
    }

    fn tokens(
        &self,
        settings: BTreeMap<String, TokenSettings>,
        problems: &mut Vec<Problem>,
    ) -> Vec<TokenPlan> {
        for entry in self.entries("tokens") {
            check_name(&entry.key, "token", problems);
        }
        let mut tokens: Vec<TokenPlan> = Vec::new();
        for (name, settings) in settings {
            let place = self.at(&["tokens", &name, "token"]);
            let text = settings.token.reveal();
            if text.chars().count() < SHORTEST_TOKEN {
                let message = format!(
                    "the token `{name}` is shorter than {SHORTEST_TOKEN} characters: it could be guessed"
                );
                let help = "make one with `openssl rand -hex 32`, and give it as `${NAME}`";
                problems.push(
                    Problem::error(Code::BadValue, message)
                        .at(&place)
                        .help(help),
                );
            }
            if let Some(twin) = tokens.iter().find(|one| one.token.reveal() == text) {
                let message = format!("the tokens `{}` and `{name}` are the same", twin.name);
                let help = "give each its own: what is done is written down with the token's name";
                problems.push(
                    Problem::error(Code::BadValue, message)
                        .at(&place)
                        .help(help),
                );
            }
            tokens.push(TokenPlan {
                name: Arc::from(name),
                token: settings.token,
                scope: settings.scope.unwrap_or(Scope::Read),
            });
        }
        tokens
    }

    /// Where people open the pages: without a slash at its end, a query or a password.
    fn url(&self, text: Option<&str>, problems: &mut Vec<Problem>) -> Option<Arc<str>> {
        let text = text?;
        let is_web = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        if Url::parse(text).is_ok_and(|url| is_web(&url)) {
            return Some(Arc::from(text.trim_end_matches('/')));
        }
        let message = "the address of the pages is no http or https URL";
        let help = "write it as people type it: https://smokejumper.example.org";
        problems.push(
            Problem::error(Code::BadValue, message)
                .at(&self.at(&["url"]))
                .help(help),
        );
        None
    }

    fn tls(&self, settings: TlsSettings) -> TlsPlan {
        // Relative to the file that says so.
        let folder = self.at(&["tls"]).file().folder().to_owned();
        TlsPlan {
            certificate: folder.join(settings.certificate),
            key: folder.join(settings.key),
            client_ca: settings.client_ca.map(|file| folder.join(file)),
            client_scope: settings.client_scope.unwrap_or(Scope::Read),
        }
    }

    fn status_page(
        &self,
        settings: Option<StatusPageSettings>,
        document: &Document,
        services: &[ServiceDraft<'_>],
        problems: &mut Vec<Problem>,
    ) -> Option<Vec<Arc<str>>> {
        let all = || services.iter().map(|service| Arc::clone(&service.name));
        let names = match settings? {
            StatusPageSettings::All(false) => return None,
            StatusPageSettings::All(true) => return Some(all().collect()),
            StatusPageSettings::Of(names) => names,
        };
        for (number, name) in names.iter().enumerate() {
            if document.partial || all().any(|known| *known == **name) {
                continue;
            }
            let steps = [Step::Key("status_page".to_owned()), Step::Item(number)];
            let known = services.iter().map(|service| &*service.name);
            let message = format!("there is no service `{name}`");
            let problem = Problem::error(Code::UnknownReference, message)
                .at(&self.node.place_at(&steps, &self.place))
                .maybe_help(suggestion::did_you_mean(name, known));
            problems.push(problem);
        }
        Some(names.iter().map(|name| Arc::from(name.as_str())).collect())
    }

    /// Whoever can reach an address that is not loopback must say who it is.
    fn refuse_strangers(
        &self,
        plan: &ServerPlan,
        document: &Document,
        problems: &mut Vec<Problem>,
    ) {
        if plan.is_on_loopback() || plan.knows_callers() || document.partial {
            return;
        }
        // What is written and cannot be read was reported already.
        let mut tls = self.entries("tls").iter();
        let shows_certificates = tls.any(|entry| entry.key.text == "client_ca");
        if !self.entries("tokens").is_empty() || shows_certificates {
            return;
        }
        let message = format!(
            "whoever reaches {} could read and act: no token and no client certificate is asked for",
            plan.listen
        );
        let help = "declare `tokens: { NAME: { token: ${NAME_TOKEN}, scope: read } }`, or \
                    `tls: { certificate: FILE, key: FILE, client_ca: FILE }`, or listen on 127.0.0.1";
        let problem = Problem::error(Code::UnsafeChoice, message);
        problems.push(problem.at(&self.at(&["listen"])).help(help));
    }
}
