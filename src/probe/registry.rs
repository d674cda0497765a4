//! The list of kinds: one line each. Everything that walks the kinds walks this list.

use std::sync::Arc;

use serde::{Deserialize as _, Deserializer};

use super::flow::{FlowSession, SessionSettings};
use super::{Kind, Misfit, Probe, Readings, Replies, Session, Surroundings};

/// What can be said of a kind without an instance.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The key under which the user declares it.
    pub name: &'static str,
    /// One line on what it proves.
    pub summary: &'static str,
    /// The readings it can give.
    pub readings: Readings,
    /// What it probes, when that is seldom the service itself.
    pub dependency: Option<&'static str>,
    /// Whether it can say what it was answered, for a comparison with before.
    pub observes: bool,
    /// Whether it says what it was answered, for captures.
    pub replies: Replies,
    /// The lists in its settings whose items are steps.
    pub steps: &'static [&'static str],
    /// The JSON Schema of its settings.
    pub schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

macro_rules! kinds {
    ($($kind:ty),* $(,)?) => {
        /// Every kind of check.
        pub const KINDS: &[Entry] = &[$(Entry {
            name: <$kind as Kind>::NAME,
            summary: <$kind as Kind>::SUMMARY,
            readings: <$kind as Kind>::READINGS,
            dependency: <$kind as Kind>::DEPENDENCY,
            observes: <$kind as Kind>::OBSERVES,
            replies: <$kind as Kind>::REPLIES,
            steps: <$kind as Kind>::STEPS,
            schema: |generator| generator.subschema_for::<<$kind as Kind>::Settings>(),
        }),*];

        /// Reads the settings of the kind called `name` and builds its probe; `None` when there is
        /// no such kind.
        ///
        /// # Errors
        /// The outer error is the deserializer's; the inner one lists settings that cannot work.
        pub fn build<'de, D: Deserializer<'de>>(
            name: &str,
            settings: D,
            surroundings: &Surroundings,
        ) -> Option<Result<Result<Box<dyn Probe>, Vec<Misfit>>, D::Error>> {
            match name {
                $(<$kind as Kind>::NAME => Some(
                    <<$kind as Kind>::Settings as serde::Deserialize>::deserialize(settings)
                        .map(|settings| <$kind as Kind>::probe(settings, surroundings)),
                ),)*
                _ => None,
            }
        }
    };
}

kinds![
    super::bitcoin::Bitcoin,
    super::cloudwatch::CloudWatch,
    super::dns::Dns,
    super::datadog::Datadog,
    super::ecs::Ecs,
    super::evm::Evm,
    super::exec::Exec,
    super::flow::Flow,
    super::grpc::Grpc,
    super::http::Http,
    super::icmp::Icmp,
    super::logs::Logs,
    super::metrics::Metrics,
    super::mysql::Mysql,
    super::postgres::Postgres,
    super::prometheus::Prometheus,
    super::redis::Redis,
    super::sentry::Sentry,
    super::solana::Solana,
    super::target_health::TargetHealth,
    super::tcp::Tcp,
    super::tezos::Tezos,
    super::tls::Certificate,
    super::websocket::WebSocket,
];

/// What settings make, or those among them that cannot work.
type Made<T> = Result<T, Vec<Misfit>>;

/// Reads a login that many checks share.
///
/// # Errors
/// The outer error is the deserializer's; the inner one lists settings that cannot work.
pub fn session<'de, D: Deserializer<'de>>(
    name: &str,
    settings: D,
    surroundings: &Surroundings,
) -> Result<Made<Arc<dyn Session>>, D::Error> {
    let settings = SessionSettings::deserialize(settings)?;
    Ok(
        FlowSession::new(name, settings, surroundings).map(|session| {
            let session: Arc<dyn Session> = Arc::new(session);
            session
        }),
    )
}

/// The lists in the settings of such a login whose items are steps.
pub const SESSION_STEPS: &[&str] = super::flow::SESSION_STEPS;

/// The JSON Schema of the settings of such a login.
pub fn session_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<SessionSettings>()
}
