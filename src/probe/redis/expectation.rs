//! What a check expects of a server, and what of it is wrong.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::cluster::ClusterExpectation;
use super::info::Info;
use super::replication;
use super::sentinel::SentinelExpectation;
use crate::clock::WallTime;
use crate::expect::{Inquiry, Matcher, Undated};
use crate::probe::Misfit;
use crate::probe::database::{Figures, Role};
use crate::sample::Fault;

/// What the server must say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// That PING is answered with PONG: always asked, so that only `true` makes sense here.
    #[serde(default)]
    pub ping: Option<bool>,
    /// Fields of INFO, by name: `role: master`. A field made of parts is named by both:
    /// `db0.keys`, `slave0.lag`. Named fields that are numbers become readings.
    #[serde(default)]
    pub info: BTreeMap<String, Matcher>,
    /// Which part the server has: `primary` or `replica`.
    #[serde(default)]
    pub role: Option<Role>,
    /// How many replicas are connected and online.
    #[serde(default)]
    pub replicas: Option<Undated>,
    /// How many seconds ago the other side was last heard: on a replica its primary, on a primary
    /// the replica that has been silent longest.
    #[serde(default)]
    pub lag: Option<Undated>,
    /// How many bytes of the stream the replica furthest behind has not acknowledged; on a replica,
    /// how many it has received and not applied.
    #[serde(default)]
    pub lag_bytes: Option<Undated>,
    /// The memory that the data takes, as a percentage of `maxmemory`.
    #[serde(default)]
    pub memory_pct: Option<Undated>,
    /// How many keys were evicted a second since the run before.
    #[serde(default)]
    pub evictions_per_second: Option<Undated>,
    /// How the cluster is, of which the server is a node.
    #[serde(default)]
    pub cluster: Option<ClusterExpectation>,
    /// How a sentinel sees the servers that it watches; `url` then names the sentinel.
    #[serde(default)]
    pub sentinel: Option<SentinelExpectation>,
}

/// All that a run heard beside the answer to PING.
#[derive(Debug, Default)]
pub struct Heard {
    /// The fields of INFO; absent where our login may not ask for them.
    pub info: Option<Info>,
    /// What they say of replication, memory and evictions.
    pub figures: Figures,
    /// The fields of CLUSTER INFO.
    pub cluster: Option<Info>,
    /// What a sentinel says of its quorum.
    pub quorum: Option<Result<(), String>>,
    /// What is wrong with what was written and read again.
    pub round_trip: Option<String>,
}

impl Expectation {
    /// What cannot work.
    pub fn misfits(&self) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        match self.ping {
            Some(false) => misfits.push(
                Misfit::at(
                    &["expect", "ping"],
                    "PING is always asked and must be answered",
                )
                .hint("write `ping: true`, or leave it out"),
            ),
            None if self.is_empty() => misfits.push(
                Misfit::at(&["expect"], "nothing is expected")
                    .hint("write `ping: true`, or leave `expect` out"),
            ),
            None | Some(true) => {}
        }
        if let Some(sentinel) = &self.sentinel {
            misfits.extend(sentinel.misfit());
        }
        misfits
    }

    fn is_empty(&self) -> bool {
        !self.needs_info() && self.cluster.is_none()
    }

    /// Whether something is expected of what INFO says.
    pub fn needs_info(&self) -> bool {
        !self.info.is_empty()
            || self.role.is_some()
            || self.sentinel.is_some()
            || self.figures().iter().any(|(_, matcher)| matcher.is_some())
    }

    fn figures(&self) -> [(&'static str, Option<&Matcher>); 5] {
        [
            ("replicas", self.replicas.as_deref()),
            ("lag", self.lag.as_deref()),
            ("lag_bytes", self.lag_bytes.as_deref()),
            ("memory_pct", self.memory_pct.as_deref()),
            ("evictions_per_second", self.evictions_per_second.as_deref()),
        ]
    }

    /// Whether what holds depends on what time it is.
    pub fn is_dated(&self) -> bool {
        self.info.values().any(Matcher::is_dated)
    }

    /// Compares what was heard with what is expected.
    ///
    /// # Errors
    /// [`Reason::Expectation`](crate::sample::Reason) with the first expectation that does not hold or
    /// cannot be told, and how many come after it; that there is no data where a rate is expected of a
    /// first run.
    pub fn judge(&self, heard: &Heard, now: Option<WallTime>) -> Result<(), Fault> {
        let mut inquiry = Inquiry::at(now);
        if let Some(wrong) = &heard.round_trip {
            inquiry.ask(|| Some(wrong.clone()));
        }
        if let Some(info) = &heard.info {
            if self.role.is_some() {
                inquiry.ask(|| self.role_mismatch(info));
            }
            for (name, matcher) in &self.info {
                info.ask("INFO's ", name, matcher, &mut inquiry);
            }
            heard.figures.ask(&self.figures(), &mut inquiry);
            if let Some(sentinel) = &self.sentinel {
                sentinel.ask(info, heard.quorum.as_ref(), &mut inquiry);
            }
        }
        if let (Some(expected), Some(cluster)) = (&self.cluster, &heard.cluster) {
            expected.ask(cluster, &mut inquiry);
        }
        inquiry.end()?;
        heard.figures.visible(&self.figures(), "")
    }

    fn role_mismatch(&self, info: &Info) -> Option<String> {
        let expected = self.role?;
        match replication::role(info) {
            Some(role) => role.mismatch(Some(expected)),
            None => Some(format!(
                "role: expected {}, and the server names none",
                expected.name()
            )),
        }
    }
}

impl Heard {
    /// What was answered, in words that stay the same as long as the answer does; nothing where only
    /// what changes all the time was asked for.
    pub fn in_words(&self, expectation: &Expectation) -> Option<String> {
        let info = self.info.as_ref();
        let role = info
            .filter(|_| expectation.role.is_some())
            .and_then(replication::role);
        let role = role.map(|role| format!("role: {}", role.name()));
        let fields = info.and_then(|info| info.in_words(expectation.info.keys()));
        let state = self
            .cluster
            .as_ref()
            .and_then(|info| info.get("cluster_state"));
        let state = state.map(|state| format!("cluster_state: {state}"));
        let said: Vec<String> = [role, fields, state].into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}
