//! What a `redis` URL and its `tls` settings mean together. Decided once, at load.

use std::path::PathBuf;

use super::talk::Login;
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
    /// How to open TLS, for `rediss://`.
    pub tls: Option<Tls>,
    /// User, password and database.
    pub login: Login,
    /// Hides the password in whatever the server says.
    pub mask: Mask,
}

/// All that one session to a server has and another may lack.
#[derive(PartialEq, Eq)]
pub struct Identity {
    login: Login,
    tls: Option<TlsSettings>,
    /// Where the files of the TLS settings are looked for.
    folder: PathBuf,
}

impl Target {
    /// The server's name: `redis://cache.example:6379`.
    pub fn name(&self) -> String {
        let scheme = if self.tls.is_some() {
            "rediss"
        } else {
            "redis"
        };
        place_name(scheme, &self.host, self.port)
    }

    /// Reads the URL and the TLS settings.
    ///
    /// # Errors
    /// Every [`Misfit`] of the URL, or those of the TLS settings.
    pub fn read(
        url: &Secret,
        tls: Option<&TlsSettings>,
        surroundings: &Surroundings,
    ) -> Result<(Self, Identity), Vec<Misfit>> {
        let address = Address::parse(url.reveal(), &["redis", "rediss"]).map_err(|it| vec![it])?;
        let mut misfits = Vec::new();
        if let Some(parameter) = address.parameters.keys().next() {
            let message = format!("the URL's parameter `{parameter}` is not known");
            misfits.push(Misfit::at(&["url"], message).hint("leave it out"));
        }
        if address.user.is_some() && address.password.is_none() {
            misfits.push(
                Misfit::at(&["url"], "the URL names a user without a password")
                    .hint("a password alone is written redis://:password@host"),
            );
        }
        let database = database(&address.path).map_err(|misfit| misfits.push(misfit));
        let declared = tls;
        let session =
            session(&address, declared, surroundings).map_err(|more| misfits.extend(more));
        let (Ok(database), Ok(tls), true) = (database, session, misfits.is_empty()) else {
            return Err(misfits);
        };
        let settings = tls.as_ref().map(|_| declared.cloned().unwrap_or_default());
        let mask = Mask::default();
        if let Some(password) = &address.password {
            mask.hide(password.reveal());
        }
        let login = Login {
            user: address.user,
            password: address.password,
            database,
        };
        let identity = Identity {
            login: login.clone(),
            tls: settings,
            folder: surroundings.folder.clone(),
        };
        let target = Self {
            host: address.host,
            port: address.port.unwrap_or(DEFAULT_PORT),
            tls,
            login,
            mask,
        };
        Ok((target, identity))
    }
}

/// Redis's registered port.
const DEFAULT_PORT: u16 = 6379;

fn database(path: &str) -> Result<Option<u32>, Misfit> {
    if path.is_empty() {
        return Ok(None);
    }
    path.parse().map(Some).map_err(|_| {
        Misfit::at(&["url"], "the database at the end of the URL is no number")
            .hint("write redis://host:port/2, or leave it out")
    })
}

fn session(
    address: &Address,
    tls: Option<&TlsSettings>,
    surroundings: &Surroundings,
) -> Result<Option<Tls>, Vec<Misfit>> {
    match (address.scheme.as_str(), tls) {
        ("rediss", tls) => {
            let session = Tls::new(&tls.cloned().unwrap_or_default(), surroundings)?;
            session
                .server_name(&address.host)
                .map_err(|fault| vec![Misfit::at(&["url"], fault.detail)])?;
            session.prepare();
            Ok(Some(session))
        }
        (_, Some(_)) => Err(vec![
            Misfit::at(&["tls"], "the URL asks for a connection without TLS")
                .hint("write rediss:// in the URL, or leave `tls` out"),
        ]),
        (_, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, tls: Option<TlsSettings>) -> Result<Target, Vec<Misfit>> {
        let read = Target::read(&Secret::new(url), tls.as_ref(), &Surroundings::default());
        read.map(|(target, _)| target)
    }

    #[test]
    fn a_url_says_where_and_who() {
        for (url, host, port, user, password, database, tls) in [
            ("redis://cache", "cache", 6379, None, None, None, false),
            (
                "redis://:p%40ss@cache:7000/3",
                "cache",
                7000,
                None,
                Some("p@ss"),
                Some(3),
                false,
            ),
            (
                "rediss://ann:pw@[::1]/",
                "::1",
                6379,
                Some("ann"),
                Some("pw"),
                None,
                true,
            ),
        ] {
            let Ok(target) = read(url, None) else {
                panic!("{url} is refused")
            };
            assert_eq!((target.host.as_str(), target.port), (host, port), "{url}");
            assert_eq!(target.login.user.as_deref(), user, "{url}");
            assert_eq!(target.login.password, password.map(Secret::new), "{url}");
            assert_eq!(target.login.database, database, "{url}");
            assert_eq!(target.tls.is_some(), tls, "{url}");
        }
    }

    #[test]
    fn a_session_is_told_apart_by_all_that_makes_it() {
        let identity = |url: &str| {
            let read = Target::read(&Secret::new(url), None, &Surroundings::default());
            read.map(|(_, identity)| identity).ok()
        };
        let one = "redis://ann:pw@cache/1";
        assert!(identity(one) == identity("redis://ann:pw@cache:6379/1"));
        for other in [
            "redis://bob:pw@cache/1",
            "redis://:pw@cache/1",
            "redis://ann:pw2@cache/1",
            "redis://ann:pw@cache/2",
            "redis://ann:pw@cache",
            "rediss://ann:pw@cache/1",
        ] {
            assert!(identity(one) != identity(other), "{other}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let Err(misfits) = read(
            "redis://ann@cache/first?protocol=3",
            Some(TlsSettings::default()),
        ) else {
            panic!("an unusable URL is accepted")
        };
        let messages: Vec<&str> = misfits.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "the URL's parameter `protocol` is not known",
                "the URL names a user without a password",
                "the database at the end of the URL is no number",
                "the URL asks for a connection without TLS",
            ]
        );
    }
}
