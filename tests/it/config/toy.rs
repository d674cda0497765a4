//! Kinds of check that reach nothing: the language is tested with settings of every shape, and
//! independently of what the real kinds take.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use smokejumper::config::Deserializer;
use smokejumper::plan::kinds::{Built, Kinds};
use smokejumper::probe::{Attempt, Kind, Misfit, Probe, Readings, Surroundings};
use smokejumper::sample::{Fault, Unit};
use smokejumper::secret::Secret;

/// A probe that passes.
struct Idle;

#[async_trait]
impl Probe for Idle {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        Ok(())
    }
}

/// Settings like those of an HTTP check.
#[derive(Deserialize, JsonSchema)]
pub struct HttpSettings {
    url: String,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    expect: BTreeMap<String, Value>,
}

/// A toy with settings like those of an HTTP check.
pub struct Http;

impl Kind for Http {
    const NAME: &'static str = "http";
    const SUMMARY: &'static str = "a toy";
    const READINGS: Readings = Readings {
        named: &[("body_bytes", Unit::Bytes, "size of the body")],
        open: false,
    };
    type Settings = HttpSettings;

    fn probe(settings: HttpSettings, _: &Surroundings) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if !settings.url.starts_with("http") {
            let message = format!("`{}` is no URL", settings.url);
            misfits.push(Misfit::at(&["url"], message).hint("write https://…"));
        }
        let status = settings.expect.get("status").and_then(Value::as_u64);
        if let Some(status) = status.filter(|status| *status > 599) {
            let message = format!("there is no status {status}");
            misfits.push(Misfit::at(&["expect", "status"], message).hint("write 100 to 599"));
        }
        let _read = (settings.method, settings.headers, settings.body);
        if misfits.is_empty() {
            Ok(Box::new(Idle))
        } else {
            Err(misfits)
        }
    }
}

/// Settings like those of a database check.
#[derive(Deserialize, JsonSchema)]
pub struct PostgresSettings {
    url: Secret,
    query: String,
    #[serde(default)]
    expect: Option<Expect>,
}

/// An expectation of fixed shape.
#[derive(Deserialize, JsonSchema)]
pub struct Expect {
    rows: Option<u32>,
}

/// A toy with settings like those of a database check.
pub struct Postgres;

impl Kind for Postgres {
    const NAME: &'static str = "postgres";
    const SUMMARY: &'static str = "a toy";
    const READINGS: Readings = Readings {
        named: &[("rows", Unit::Number, "rows of the answer")],
        open: true,
    };
    type Settings = PostgresSettings;

    fn probe(settings: PostgresSettings, _: &Surroundings) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let rows = settings.expect.and_then(|expect| expect.rows);
        if settings.url.reveal().is_empty() || settings.query.is_empty() || rows == Some(0) {
            return Err(vec![Misfit::at(&[], "a setting is empty")]);
        }
        Ok(Box::new(Idle))
    }
}

/// Settings with a list.
#[derive(Deserialize, JsonSchema)]
pub struct TezosSettings {
    endpoints: Vec<String>,
}

/// A toy with a list, and a reading in seconds.
pub struct Tezos;

impl Kind for Tezos {
    const NAME: &'static str = "tezos";
    const SUMMARY: &'static str = "a toy";
    const READINGS: Readings = Readings {
        named: &[("head_age", Unit::Seconds, "age of the head")],
        open: false,
    };
    type Settings = TezosSettings;

    fn probe(settings: TezosSettings, _: &Surroundings) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        if settings.endpoints.is_empty() {
            return Err(vec![Misfit::at(&["endpoints"], "there is no endpoint")]);
        }
        Ok(Box::new(Idle))
    }
}

/// The toys.
pub struct Toys;

impl Kinds for Toys {
    fn names(&self) -> Vec<&'static str> {
        vec![Http::NAME, Postgres::NAME, Tezos::NAME, "redis"]
    }

    fn readings(&self, name: &str) -> Option<Readings> {
        match name {
            "http" => Some(Http::READINGS),
            "postgres" => Some(Postgres::READINGS),
            "tezos" => Some(Tezos::READINGS),
            _ => None,
        }
    }

    fn dependency(&self, name: &str) -> Option<&'static str> {
        (name == "postgres").then_some("database")
    }

    fn observes(&self, name: &str) -> bool {
        matches!(name, "http" | "postgres")
    }

    fn build(
        &self,
        name: &str,
        settings: Deserializer<'_>,
        around: &Surroundings,
    ) -> Option<Built> {
        match name {
            "http" => Some(built::<Http>(settings, around)),
            "postgres" => Some(built::<Postgres>(settings, around)),
            "tezos" => Some(built::<Tezos>(settings, around)),
            _ => None,
        }
    }
}

fn built<K: Kind>(settings: Deserializer<'_>, around: &Surroundings) -> Built
where
    K::Settings: DeserializeOwned,
{
    K::Settings::deserialize(settings).map(|settings| K::probe(settings, around))
}
