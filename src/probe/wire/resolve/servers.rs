//! Asks name servers through hickory, one after the other until one of them knows; and reads the
//! hosts file before, where the system's own are meant.
//!
//! hickory speaks to one server: UDP, TCP where an answer was cut off, repeated packets. Which server
//! is asked when and the search list are decided here; nothing is remembered here.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver, system_conf};
use tokio::sync::Semaphore;

use super::answer::{Family, Miss, Told};
use super::records::{in_hosts, nothing_found, told};

/// Name servers that say the same, and what is known without them.
pub struct NameServers {
    /// One for each server.
    resolvers: Vec<TokioResolver>,
    hosts: Option<Hosts>,
    /// What is appended to names that are not whole.
    search: Vec<Name>,
    /// A name with so many dots is tried as it stands first.
    dots: usize,
    /// The server that answered last: it is asked first.
    preferred: AtomicUsize,
    at_once: Semaphore,
}

impl NameServers {
    /// These servers, and nothing of what the system is configured with.
    ///
    /// # Errors
    /// Why they cannot be asked.
    pub fn named(servers: &[SocketAddr]) -> Result<Self, String> {
        let servers = servers.iter().map(|server| at(*server)).collect();
        Self::new(servers, ResolverOpts::default())
    }

    /// The system's servers, hosts file and search list. Without any server the names of the hosts
    /// file still have their addresses.
    ///
    /// # Errors
    /// Why they cannot be asked.
    fn of_the_system() -> Result<Self, String> {
        let (config, options) = system_conf::read_system_conf().unwrap_or_else(|_| {
            let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
            (nobody, ResolverOpts::default())
        });
        let (domain, search, servers) = config.into_parts();
        let mut of_the_system = Self::new(servers, options)?;
        of_the_system.hosts = Some(Hosts::from_system().unwrap_or_default());
        of_the_system.search = if search.is_empty() {
            domain.into_iter().collect()
        } else {
            search
        };
        Ok(of_the_system)
    }

    fn new(servers: Vec<NameServerConfig>, options: ResolverOpts) -> Result<Self, String> {
        let dots = options.ndots;
        let resolvers = servers
            .into_iter()
            .map(|server| resolver(server, options.clone()))
            .collect::<Result<_, _>>()
            .map_err(|error| format!("the name servers cannot be asked: {error}"))?;
        Ok(Self {
            resolvers,
            hosts: None,
            search: Vec::new(),
            dots,
            preferred: AtomicUsize::new(0),
            at_once: Semaphore::new(QUESTIONS_AT_ONCE),
        })
    }

    /// Asks for the addresses of a name of one family.
    pub async fn ask(&self, name: &str, family: Family) -> Told {
        let Ok(parsed) = Name::from_utf8(name) else {
            return Told::cannot_tell("it cannot be asked for: it is no name");
        };
        let kind = match family {
            Family::Four => RecordType::A,
            Family::Six | Family::Both => RecordType::AAAA,
        };
        if let Some(told) = self
            .hosts
            .as_ref()
            .and_then(|hosts| in_hosts(hosts, &parsed, kind))
        {
            return told;
        }
        let mut last = Told::cannot_tell("no name server is configured");
        let mut could_not_tell = None;
        for candidate in candidates(&parsed, &self.search, self.dots) {
            last = self.first_to_know(&candidate, kind).await;
            match &last.answer {
                // A name that exists is the one that was meant, whichever family it has.
                Ok(_) | Err(Miss::NoAddress) => return last,
                Err(Miss::NoSuchName) => {}
                Err(Miss::CannotTell(_)) => could_not_tell = Some(last.clone()),
            }
        }
        // One of the names that could not be told may well exist.
        could_not_tell.unwrap_or(last)
    }

    /// Asks one server after the other, each with a head start over the next, until one knows.
    async fn first_to_know(&self, name: &Name, kind: RecordType) -> Told {
        let Ok(_turn) = self.at_once.acquire().await else {
            return Told::cannot_tell("no name server is asked any more");
        };
        let count = self.resolvers.len();
        let first = self.preferred.load(Ordering::Relaxed);
        let mut waiting = (0..count).map(|number| (first + number) % count);
        let mut asking = FuturesUnordered::new();
        let mut without = Told::cannot_tell("no name server is configured");
        loop {
            if let Some(index) = waiting.next() {
                let resolver = &self.resolvers[index];
                asking.push(async move { (index, ask_one(resolver, name, kind).await) });
            } else if asking.is_empty() {
                return without;
            }
            tokio::select! {
                Some((index, told)) = asking.next() => {
                    if told.is_definite() {
                        self.preferred.store(index, Ordering::Relaxed);
                        return told;
                    }
                    without = told;
                }
                () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 => {}
            }
        }
    }
}

/// The system's name servers and hosts file, read anew when they have changed.
#[derive(Default)]
pub struct Usual(Mutex<Option<(Stamp, Arc<NameServers>)>>);

/// When the files were written; absent for one that is not there.
type Stamp = [Option<SystemTime>; 2];

impl Usual {
    /// What holds now.
    ///
    /// # Errors
    /// Why nobody can be asked.
    pub fn current(&self) -> Result<Arc<NameServers>, String> {
        let stamp = [RESOLV_CONF, HOSTS].map(|file| {
            let written = Path::new(file)
                .metadata()
                .and_then(|about| about.modified());
            written.ok()
        });
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*read {
            Some((then, servers)) if *then == stamp => Ok(Arc::clone(servers)),
            _ => {
                let servers = Arc::new(NameServers::of_the_system()?);
                *read = Some((stamp, Arc::clone(&servers)));
                Ok(servers)
            }
        }
    }
}

const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";

fn at(server: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
    let connections = connections.map(|mut connection| {
        connection.port = server.port();
        connection
    });
    NameServerConfig::new(server.ip(), true, connections.into())
}

fn resolver(
    server: NameServerConfig,
    mut options: ResolverOpts,
) -> Result<TokioResolver, NetError> {
    let only = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let provider = TokioRuntimeProvider::default();
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    options.timeout = ONE_TRY;
    // Another server is asked instead.
    options.attempts = 0;
    options.max_active_requests = QUESTIONS_AT_ONCE;
    let mut builder = TokioResolver::builder_with_config(only, provider);
    *builder.options_mut() = options;
    builder.build()
}

/// The names to ask for, as the search list has them (resolv.conf(5)).
fn candidates(name: &Name, search: &[Name], dots: usize) -> Vec<Name> {
    let mut whole = name.clone();
    whole.set_fqdn(true);
    if name.is_fqdn() || search.is_empty() {
        return vec![whole];
    }
    let mut candidates: Vec<Name> = search
        .iter()
        // One that becomes too long is no name.
        .filter_map(|domain| name.clone().append_domain(domain).ok())
        .collect();
    // A name of three labels has two dots.
    let as_it_stands_first = usize::from(name.num_labels()) > dots || name.is_localhost();
    let place = if as_it_stands_first {
        0
    } else {
        candidates.len()
    };
    candidates.insert(place, whole);
    candidates
}

async fn ask_one(resolver: &TokioResolver, name: &Name, kind: RecordType) -> Told {
    match resolver.lookup(name.clone(), kind).await {
        Ok(found) => told(name, found.answers(), kind),
        Err(NetError::Dns(DnsError::NoRecordsFound(nothing))) => nothing_found(&nothing),
        Err(error) => Told::cannot_tell(error.to_string()),
    }
}

/// How long one server may take; lost packets are repeated within it.
const ONE_TRY: Duration = Duration::from_secs(4);
/// How long a server has before the next one is asked too. hickory repeats a lost packet at the
/// earliest a third of a second after it.
const HEAD_START: Duration = Duration::from_millis(400);
/// Each question has a socket of its own: so many to the same servers at the same time.
const QUESTIONS_AT_ONCE: usize = 256;
#[cfg(test)]
mod tests;
