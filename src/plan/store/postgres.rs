//! `store: { postgres: … }`: the database of a team, from its URL to what is needed to log in.
//!
//! What `sslmode` and `tls` mean together is what they mean for the kind `postgres`.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Entry;
use crate::config::problem::Problem;
use crate::plan::checks::kind;
use crate::probe::{Address, Misfit, Surroundings, Tls, TlsSettings};
use crate::secret::Secret;

/// A schema in a database, and how to log in there.
#[derive(Clone)]
pub struct PostgresPlan {
    /// The host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who logs in.
    pub user: String,
    /// With which password; absent where the URL has none.
    pub password: Option<Secret>,
    /// The database.
    pub database: String,
    /// The schema, of small letters, digits and `_`.
    pub schema: String,
    /// What the server calls us.
    pub application_name: String,
    /// How a session is opened; absent where TLS is not asked for.
    pub tls: Option<Tls>,
    /// Whether nothing is sent without TLS.
    pub insists: bool,
}

impl fmt::Debug for PostgresPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresPlan")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// A schema in a PostgreSQL database, for several instances at once.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database?sslmode=…`. `sslmode` is `disable`, `prefer`,
    /// `require` or `verify-full`; `prefer` without it, and `verify-full` with `tls`.
    pub url: Secret,
    /// The schema that the history is kept in, which is made where it does not exist; `smokejumper`
    /// without it. Small letters, digits and `_`. Whoever shares a schema shares the history.
    #[schemars(regex(pattern = r"^[a-z_][a-z0-9_]{0,62}$"))]
    pub schema: Option<String>,
    /// How the server's certificate is checked. Where it stands, TLS is insisted on.
    pub tls: Option<TlsSettings>,
}

/// PostgreSQL's registered port.
const USUAL_PORT: u16 = 5432;
/// The schema where nobody names one.
const USUAL_SCHEMA: &str = "smokejumper";
/// What a session is called where nobody says.
const USUAL_NAME: &str = "smokejumper";
/// More of a name PostgreSQL cuts off without a word.
const LONGEST_SCHEMA: usize = 63;

/// Reads the settings.
pub fn lower(
    settings: &PostgresSettings,
    entry: &Entry,
    problems: &mut Vec<Problem>,
) -> Option<PostgresPlan> {
    let mut misfits = Vec::new();
    let schema = settings.schema.as_deref().unwrap_or(USUAL_SCHEMA);
    misfits.extend(wrong_schema(schema));
    let (plan, mode) = match login(&settings.url, schema, &mut misfits) {
        Some((plan, mode)) => (plan, Some(mode)),
        None => (None, None),
    };
    let encryption = mode.and_then(|mode| {
        let surroundings = kind::surroundings(entry);
        let read = encryption(mode.as_deref(), settings.tls.as_ref(), &surroundings);
        read.map_err(|more| misfits.extend(more)).ok()
    });
    problems.extend(misfits.iter().map(|misfit| kind::refused(misfit, entry)));
    let (plan, (tls, insists)) = plan.zip(encryption)?;
    misfits.is_empty().then_some(PostgresPlan {
        tls,
        insists,
        ..plan
    })
}

/// What the URL says, TLS aside, and its `sslmode`; nothing where it is no URL.
fn login(
    url: &Secret,
    schema: &str,
    misfits: &mut Vec<Misfit>,
) -> Option<(Option<PostgresPlan>, Option<String>)> {
    let address = Address::parse(url.reveal(), &["postgres", "postgresql"]);
    let mut address = address.map_err(|misfit| misfits.push(misfit)).ok()?;
    let mode = address.parameters.remove("sslmode");
    let name = address.parameters.remove("application_name");
    misfits.extend(unknown(&address.parameters));
    if address.user.is_none() {
        let misfit = Misfit::at(&["url"], "the URL names no user");
        misfits.push(misfit.hint("the user stands before the host, followed by an `@`"));
    }
    if address.path.is_empty() {
        let misfit = Misfit::at(&["url"], "the URL names no database");
        misfits.push(misfit.hint("the database stands behind the host and its port, after a `/`"));
    }
    let plan = address.user.map(|user| PostgresPlan {
        host: address.host,
        port: address.port.unwrap_or(USUAL_PORT),
        user,
        password: address.password,
        database: address.path,
        schema: schema.to_owned(),
        application_name: name.unwrap_or_else(|| USUAL_NAME.to_owned()),
        tls: None,
        insists: false,
    });
    Some((plan, mode))
}

fn unknown(parameters: &BTreeMap<String, String>) -> Vec<Misfit> {
    let misfit = |key: &String| {
        let message = format!("the URL's parameter `{key}` is not known");
        let hint = match key.as_str() {
            "sslrootcert" => "write `tls: { ca: FILE }` beside `url`",
            "options" | "search_path" | "schema" => "write `schema: NAME` beside `url`",
            _ => "known are sslmode and application_name",
        };
        Misfit::at(&["url"], message).hint(hint)
    };
    parameters.keys().map(misfit).collect()
}

fn wrong_schema(schema: &str) -> Option<Misfit> {
    let is_name = schema.len() <= LONGEST_SCHEMA
        && schema.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && schema
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !is_name {
        let message = format!(
            "`{schema}` is no name for a schema: small letters, digits and `_`, at most {LONGEST_SCHEMA}, and no digit first"
        );
        return Some(Misfit::at(&["schema"], message));
    }
    let is_own = schema.starts_with("pg_") || schema == "information_schema";
    is_own.then(|| {
        let message = format!("the schema `{schema}` is PostgreSQL's own");
        Misfit::at(&["schema"], message).hint(format!("write `{USUAL_SCHEMA}`, or leave it out"))
    })
}

/// How a session is opened, and whether nothing goes without one.
fn encryption(
    mode: Option<&str>,
    tls: Option<&TlsSettings>,
    surroundings: &Surroundings,
) -> Result<(Option<Tls>, bool), Vec<Misfit>> {
    let wrong = |message: &str, hint: &str| Err(vec![Misfit::at(&["url"], message).hint(hint)]);
    let open = |settings: &TlsSettings, insists| {
        Tls::new(settings, surroundings).map(|tls| (Some(tls), insists))
    };
    match (mode, tls) {
        (None | Some("prefer"), None) => open(&TlsSettings::unverified(), false),
        (Some("disable"), None) => Ok((None, false)),
        (Some("require"), None) => open(&TlsSettings::unverified(), true),
        (Some("verify-full"), Some(tls)) if tls.verify == Some(false) => wrong(
            "sslmode=verify-full contradicts `tls.verify: false`",
            "write sslmode=require, or leave `verify` out",
        ),
        (Some("verify-full"), tls) => {
            let verifying = TlsSettings {
                verify: Some(true),
                ..tls.cloned().unwrap_or_default()
            };
            open(&verifying, true)
        }
        (None | Some("require"), Some(tls)) => open(tls, true),
        (Some("disable" | "prefer"), Some(_)) => wrong(
            "this sslmode may go without TLS, and `tls` insists on it",
            "write sslmode=verify-full, or leave `sslmode` out",
        ),
        (Some("verify-ca"), _) => wrong(
            "sslmode=verify-ca is not known here",
            "write sslmode=verify-full; `tls.server_name` says which name the certificate carries",
        ),
        (Some(_), _) => wrong(
            "the sslmode is not known",
            "write disable, prefer, require or verify-full",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sslmode_and_tls_say_together_whether_tls_is_asked_for_and_insisted_on() {
        let verifying = TlsSettings::default();
        let trusting = TlsSettings::unverified();
        let cases = [
            (None, None, Some((true, false))),
            (Some("prefer"), None, Some((true, false))),
            (Some("disable"), None, Some((false, false))),
            (Some("require"), None, Some((true, true))),
            (Some("verify-full"), None, Some((true, true))),
            (None, Some(&verifying), Some((true, true))),
            (Some("require"), Some(&trusting), Some((true, true))),
            (Some("verify-full"), Some(&trusting), None),
            (Some("disable"), Some(&verifying), None),
            (Some("verify-ca"), None, None),
            (Some("allow"), None, None),
        ];
        for (mode, tls, expected) in cases {
            let found = encryption(mode, tls, &Surroundings::default()).ok();
            let found = found.map(|(tls, insists)| (tls.is_some(), insists));
            assert_eq!(found, expected, "{mode:?} {tls:?}");
        }
    }

    #[test]
    fn a_schema_is_a_name_that_needs_no_quotes_and_is_not_the_servers() {
        for name in ["smokejumper", "_a", "team_7"] {
            assert!(wrong_schema(name).is_none(), "{name}");
        }
        let long = "a".repeat(LONGEST_SCHEMA + 1);
        for name in [
            "",
            "7a",
            "Team",
            "a-b",
            "a\"b",
            "pg_x",
            "information_schema",
            &long,
        ] {
            assert!(wrong_schema(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_url_says_where_and_who_and_all_that_is_wrong_with_it_is_told() {
        let read = |url: &str| {
            let mut misfits = Vec::new();
            (login(&Secret::new(url), "s", &mut misfits), misfits.len())
        };
        let (read_well, 0) = read("postgresql://ann:p%40@db/shop?sslmode=require") else {
            panic!("a usable URL is refused");
        };
        let Some((Some(plan), mode)) = read_well else {
            panic!("a usable URL means nothing");
        };
        assert_eq!((&*plan.host, plan.port), ("db", USUAL_PORT));
        assert_eq!((&*plan.user, &*plan.database), ("ann", "shop"));
        assert_eq!(plan.password, Some(Secret::new("p@")));
        assert_eq!(mode.as_deref(), Some("require"));
        assert_eq!(read("postgres://db?options=x&target=y").1, 4);
        assert_eq!(read("mysql://ann@db/shop").1, 1);
    }
}
