//! What a `mysql` URL and its `tls` settings mean together: where to go, who to be, how far to trust.
//! Decided once, at load.

use std::path::PathBuf;

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
    /// Who to be there.
    pub login: Login,
    /// What to do about TLS.
    pub encryption: Encryption,
    /// Hides the password in whatever the server says.
    pub mask: Mask,
}

/// Who to be, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password; an account without one where it is absent.
    pub password: Option<Secret>,
    /// The database; none is chosen where it is absent.
    pub database: Option<String>,
}

/// All that one session to a server has and another may lack.
#[derive(PartialEq, Eq)]
pub struct Identity {
    login: Login,
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

/// What the URL and the settings agree on.
#[derive(Debug, PartialEq, Eq)]
enum Mode {
    Never,
    WhereOffered,
    Always(TlsSettings),
}

/// MySQL's registered port.
const DEFAULT_PORT: u16 = 3306;

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
        let address = Address::parse(url.reveal(), &["mysql", "mariadb"]).map_err(|it| vec![it])?;
        let mut misfits = Vec::new();
        let unknown = |key: &&String| !PARAMETERS.contains(&key.as_str());
        if let Some(key) = address.parameters.keys().find(unknown) {
            let message = format!("the URL's parameter `{key}` is not known");
            misfits.push(Misfit::at(&["url"], message).hint("known is ssl-mode"));
        }
        if address.user.is_none() {
            misfits.push(Misfit::at(&["url"], "the URL names no user"));
        }
        let mode = address.parameters.get("ssl-mode").map(String::as_str);
        let encryption = mode_of(mode, tls)
            .map_err(|misfit| vec![misfit])
            .and_then(|mode| Ok((encryption(&mode, &address.host, surroundings)?, mode)))
            .map_err(|more| misfits.extend(more));
        let (Ok((encryption, mode)), Some(user), true) =
            (encryption, address.user, misfits.is_empty())
        else {
            return Err(misfits);
        };
        let mask = Mask::default();
        if let Some(password) = &address.password {
            mask.hide(password.reveal());
        }
        let login = Login {
            user,
            password: address.password,
            database: Some(address.path).filter(|name| !name.is_empty()),
        };
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

    /// The server's name: `mysql://db.example:3306`.
    pub fn name(&self) -> String {
        place_name("mysql", &self.host, self.port)
    }
}

/// What may stand after the question mark.
const PARAMETERS: &[&str] = &["ssl-mode"];

fn mode_of(mode: Option<&str>, tls: Option<&TlsSettings>) -> Result<Mode, Misfit> {
    let wrong = |message: &str, hint: &str| Err(Misfit::at(&["url"], message).hint(hint));
    let mode = mode.map(str::to_lowercase);
    match (mode.as_deref(), tls) {
        (None | Some("preferred"), None) => Ok(Mode::WhereOffered),
        (Some("disabled"), None) => Ok(Mode::Never),
        (Some("required"), None) => Ok(Mode::Always(TlsSettings::unverified())),
        (Some("verify_identity"), Some(tls)) if tls.verify == Some(false) => wrong(
            "ssl-mode=verify_identity contradicts `tls.verify: false`",
            "write ssl-mode=required, or leave `verify` out",
        ),
        (Some("verify_identity"), tls) => Ok(Mode::Always(TlsSettings {
            verify: Some(true),
            ..tls.cloned().unwrap_or_default()
        })),
        (None | Some("required"), Some(tls)) => Ok(Mode::Always(tls.clone())),
        (Some("disabled" | "preferred"), Some(_)) => wrong(
            "this ssl-mode may go without TLS, and `tls` insists on it",
            "write ssl-mode=verify_identity, or leave `ssl-mode` out",
        ),
        (Some(_), _) => wrong(
            "the ssl-mode is not known",
            "write disabled, preferred, required or verify_identity",
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, tls: Option<TlsSettings>) -> Result<Target, Vec<Misfit>> {
        let read = Target::read(&Secret::new(url), tls.as_ref(), &Surroundings::default());
        read.map(|(target, _)| target)
    }

    #[test]
    fn ssl_mode_and_tls_settings_agree_or_are_refused() {
        let verifying = TlsSettings::default();
        let trusting = TlsSettings::unverified();
        let surely = TlsSettings {
            verify: Some(true),
            ..TlsSettings::default()
        };
        let always = |tls: &TlsSettings| Some(Mode::Always(tls.clone()));
        for (mode, tls, expected) in [
            (None, None, Some(Mode::WhereOffered)),
            (Some("PREFERRED"), None, Some(Mode::WhereOffered)),
            (Some("disabled"), None, Some(Mode::Never)),
            (Some("required"), None, always(&trusting)),
            (Some("required"), Some(&verifying), always(&verifying)),
            (Some("VERIFY_IDENTITY"), None, always(&surely)),
            (Some("verify_identity"), Some(&trusting), None),
            (None, Some(&verifying), always(&verifying)),
            (Some("disabled"), Some(&verifying), None),
            (Some("verify_ca"), None, None),
        ] {
            assert_eq!(mode_of(mode, tls).ok(), expected, "{mode:?} {tls:?}");
        }
    }

    #[test]
    fn a_url_says_where_and_who() {
        let Ok(target) = read("mysql://ann:pw%40@db.example/shop", None) else {
            panic!("a usable URL is refused")
        };
        assert_eq!(target.name(), "mysql://db.example:3306");
        assert_eq!(target.login.user, "ann");
        assert_eq!(target.login.password, Some(Secret::new("pw@")));
        assert_eq!(target.login.database.as_deref(), Some("shop"));
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let Err(misfits) = read("mysql://db/x?pool=3&ssl-mode=no", None) else {
            panic!("an unusable URL is accepted")
        };
        let messages: Vec<&str> = misfits.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "the URL's parameter `pool` is not known",
                "the URL names no user",
                "the ssl-mode is not known",
            ]
        );
    }
}
