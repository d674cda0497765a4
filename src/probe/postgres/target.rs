//! What a `postgres` URL and its `tls` settings mean together: where to go, who to be, how far to
//! trust. Decided once, at load.

use std::path::PathBuf;

use tokio_postgres::Config;
use tokio_postgres::config::ChannelBinding;

use crate::probe::wire::address::{Address, place_name};
use crate::probe::wire::tls::{Tls, TlsSettings};
use crate::probe::{Misfit, Surroundings};
use crate::secret::{Mask, Secret};

/// A server and how to log in to it.
pub struct Target {
    /// The host to connect to.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// User, password, database and the like.
    pub login: Config,
    /// What to do about TLS.
    pub encryption: Encryption,
    /// Hides the password in whatever the server says.
    pub mask: Mask,
}

/// All that one session to a server has and another may lack. Not `Debug`: it holds the password.
#[derive(PartialEq, Eq)]
pub struct Identity {
    login: Config,
    mode: Mode,
    /// Where the files of the TLS settings are looked for.
    folder: PathBuf,
}

/// What to do about TLS.
pub enum Encryption {
    /// Do not ask for it.
    Never,
    /// Take it where it is offered.
    WhereOffered(Tls),
    /// Insist on it: without TLS nothing is sent, least of all a password.
    Always(Tls),
}

impl Target {
    /// Reads the URL and the TLS settings.
    ///
    /// # Errors
    /// Every [`Misfit`] of the URL, or those of the TLS settings.
    pub fn read(
        url: &Secret,
        tls: Option<&TlsSettings>,
        surroundings: &Surroundings,
    ) -> Result<(Self, Identity), Vec<Misfit>> {
        let address =
            Address::parse(url.reveal(), &["postgres", "postgresql"]).map_err(|it| vec![it])?;
        let mut misfits = Vec::new();
        let login = login(&address, &mut misfits);
        let mode = address.parameters.get("sslmode").map(String::as_str);
        let encryption = mode_of(mode, tls)
            .map_err(|misfit| vec![misfit])
            .and_then(|mode| Ok((encryption(&mode, &address.host, surroundings)?, mode)));
        match encryption {
            Ok((encryption, mode)) if misfits.is_empty() => {
                let mask = Mask::default();
                if let Some(password) = &address.password {
                    mask.hide(password.reveal());
                }
                let identity = Identity {
                    login: login.clone(),
                    mode,
                    folder: surroundings.folder.clone(),
                };
                let target = Self {
                    host: address.host,
                    port: address.port.unwrap_or(DEFAULT_PORT),
                    login,
                    encryption,
                    mask,
                };
                Ok((target, identity))
            }
            Ok(_) => Err(misfits),
            Err(more) => {
                misfits.extend(more);
                Err(misfits)
            }
        }
    }
}

impl Target {
    /// The server's name: `postgres://db.example:5432`.
    pub fn name(&self) -> String {
        place_name("postgres", &self.host, self.port)
    }
}

/// PostgreSQL's registered port.
const DEFAULT_PORT: u16 = 5432;

/// What the URL and the settings agree on.
#[derive(Debug, PartialEq, Eq)]
enum Mode {
    Never,
    WhereOffered,
    Always(TlsSettings),
}

fn mode_of(mode: Option<&str>, tls: Option<&TlsSettings>) -> Result<Mode, Misfit> {
    let wrong = |message: &str, hint: &str| Err(Misfit::at(&["url"], message).hint(hint));
    match (mode, tls) {
        (None | Some("prefer"), None) => Ok(Mode::WhereOffered),
        (Some("disable"), None) => Ok(Mode::Never),
        (Some("require"), None) => Ok(Mode::Always(TlsSettings::unverified())),
        (Some("verify-full"), Some(tls)) if tls.verify == Some(false) => wrong(
            "sslmode=verify-full contradicts `tls.verify: false`",
            "write sslmode=require, or leave `verify` out",
        ),
        (Some("verify-full"), tls) => Ok(Mode::Always(TlsSettings {
            verify: Some(true),
            ..tls.cloned().unwrap_or_default()
        })),
        (None | Some("require"), Some(tls)) => Ok(Mode::Always(tls.clone())),
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

fn encryption(
    mode: &Mode,
    host: &str,
    surroundings: &Surroundings,
) -> Result<Encryption, Vec<Misfit>> {
    let session = |settings: &TlsSettings| {
        let tls = Tls::new(settings, surroundings)?;
        match tls.server_name(host) {
            Ok(_) => Ok(tls),
            Err(fault) => Err(vec![Misfit::at(&["url"], fault.detail)]),
        }
    };
    match mode {
        Mode::Never => Ok(Encryption::Never),
        Mode::WhereOffered => session(&TlsSettings::unverified()).map(Encryption::WhereOffered),
        Mode::Always(settings) => session(settings).map(|tls| {
            tls.prepare();
            Encryption::Always(tls)
        }),
    }
}

fn login(address: &Address, misfits: &mut Vec<Misfit>) -> Config {
    let mut login = Config::new();
    login.application_name("smokejumper");
    if let Some(user) = &address.user {
        login.user(user);
    } else {
        misfits.push(Misfit::at(&["url"], "the URL names no user"));
    }
    if let Some(password) = &address.password {
        login.password(password.reveal());
    }
    if !address.path.is_empty() {
        login.dbname(&address.path);
    }
    for (key, value) in &address.parameters {
        if let Err(misfit) = parameter(&mut login, key, value) {
            misfits.push(misfit);
        }
    }
    login
}

fn parameter(login: &mut Config, key: &str, value: &str) -> Result<(), Misfit> {
    let wrong = |message: String| Err(Misfit::at(&["url"], message));
    match key {
        // `sslmode` is read with the TLS settings; the check's own timeout covers the connecting.
        "sslmode" | "connect_timeout" => {}
        "application_name" => {
            login.application_name(value);
        }
        "options" => {
            login.options(value);
        }
        "channel_binding" => {
            login.channel_binding(match value {
                "disable" => ChannelBinding::Disable,
                "prefer" => ChannelBinding::Prefer,
                "require" => ChannelBinding::Require,
                _ => {
                    return wrong("channel_binding is disable, prefer or require".to_owned());
                }
            });
        }
        "sslrootcert" => {
            return wrong("sslrootcert is not read from the URL".to_owned())
                .map_err(|misfit| misfit.hint("write `tls: { ca: FILE }` beside `url`"));
        }
        _ => {
            return wrong(format!("the URL's parameter `{key}` is not known")).map_err(|misfit| {
                misfit.hint(
                    "known are sslmode, application_name, options, channel_binding and connect_timeout",
                )
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, tls: Option<TlsSettings>) -> Result<Target, Vec<Misfit>> {
        let read = Target::read(&Secret::new(url), tls.as_ref(), &Surroundings::default());
        read.map(|(target, _)| target)
    }

    #[test]
    fn sslmode_and_tls_settings_agree_or_are_refused() {
        let verifying = TlsSettings::default();
        let trusting = TlsSettings::unverified();
        let surely = TlsSettings {
            verify: Some(true),
            ..TlsSettings::default()
        };
        let always = |tls: &TlsSettings| Some(Mode::Always(tls.clone()));
        let cases = [
            (None, None, Some(Mode::WhereOffered)),
            (Some("prefer"), None, Some(Mode::WhereOffered)),
            (Some("disable"), None, Some(Mode::Never)),
            (Some("require"), None, always(&trusting)),
            (Some("require"), Some(&verifying), always(&verifying)),
            (Some("verify-full"), None, always(&surely)),
            (Some("verify-full"), Some(&verifying), always(&surely)),
            (Some("verify-full"), Some(&trusting), None),
            (None, Some(&verifying), always(&verifying)),
            (None, Some(&trusting), always(&trusting)),
            (Some("disable"), Some(&verifying), None),
            (Some("prefer"), Some(&verifying), None),
            (Some("verify-ca"), None, None),
            (Some("allow"), None, None),
            (Some(""), None, None),
        ];
        for (mode, tls, expected) in cases {
            assert_eq!(mode_of(mode, tls).ok(), expected, "{mode:?} {tls:?}");
        }
    }

    #[test]
    fn a_url_says_where_and_who() {
        let target = read(
            "postgresql://ann:pw%40@db.example/shop?application_name=x",
            None,
        );
        let Ok(target) = target else {
            panic!("a usable URL is refused")
        };
        assert_eq!((target.host.as_str(), target.port), ("db.example", 5432));
        assert_eq!(target.login.get_user(), Some("ann"));
        assert_eq!(target.login.get_password(), Some(&b"pw@"[..]));
        assert_eq!(target.login.get_dbname(), Some("shop"));
        assert_eq!(target.login.get_application_name(), Some("x"));
    }

    #[test]
    fn a_session_is_told_apart_by_all_that_makes_it() {
        let identity = |url: &str| {
            let read = Target::read(&Secret::new(url), None, &Surroundings::default());
            read.map(|(_, identity)| identity).ok()
        };
        let one = "postgres://ann:pw@db/shop";
        assert!(identity(one) == identity("postgres://ann:pw@db:5432/shop?connect_timeout=3"));
        for other in [
            "postgres://bob:pw@db/shop",
            "postgres://ann:pw2@db/shop",
            "postgres://ann:pw@db/stock",
            "postgres://ann:pw@db/shop?sslmode=require",
            "postgres://ann:pw@db/shop?application_name=x",
            "postgres://ann:pw@db/shop?options=-csearch_path%3Da",
        ] {
            assert!(identity(one) != identity(other), "{other}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let Err(misfits) = read("postgres://db/x?sslrootcert=a&schema=b&sslmode=no", None) else {
            panic!("an unusable URL is accepted")
        };
        let messages: Vec<&str> = misfits.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "the URL names no user",
                "the URL's parameter `schema` is not known",
                "sslrootcert is not read from the URL",
                "the sslmode is not known",
            ]
        );
    }
}
