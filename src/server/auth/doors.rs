//! Tokens, cookies and certificates, compared and made.
//!
//! A cookie says of itself until when it holds and which token was shown for it, signed with a key of
//! this process: nothing is kept of those who are signed in, a token that is taken out of the
//! configuration ends what it began, and a restart signs everyone out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use axum::http::HeaderMap;
use axum::http::header::{self, AUTHORIZATION};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::limit::Limits;
use super::{Caller, Known};
use crate::clock::{Moment, WallTime};
use crate::plan::server::{RateLimit, Scope, ServerPlan, TokenPlan};
use crate::secret::Secret;
use crate::server::listener::Peer;
use crate::server::problem::Problem;

/// Who is let in.
pub struct Doors {
    key: Key,
    /// The daemon's own token, which acts where none was declared.
    own: Option<TokenPlan>,
    limits: Mutex<Limits>,
}

/// Somebody has shown a token on a page.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub caller: Caller,
    /// The value of `Set-Cookie`.
    pub cookie: String,
}

/// The name of the cookie.
pub const COOKIE: &str = "smokejumper";

/// So long a signing in holds: a working day.
const SIGNED_IN: Duration = Duration::from_secs(12 * 60 * 60);

/// The name of the daemon's own token.
const OWN: &str = "this machine";

/// The parts of a cookie: who it is, until when in seconds since 1970, for which token, and the proof.
const ID: usize = 16;
const UNTIL: usize = 8;
const TOKEN: usize = 16;
const PROOF: usize = 32;

impl Doors {
    /// Doors with a key of their own.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn new(own: Option<Secret>) -> Result<Self, NoRandomness> {
        let key = Key::generate(HMAC_SHA256, &SystemRandom::new()).map_err(|_| NoRandomness)?;
        let own = own.map(|token| TokenPlan {
            name: Arc::from(OWN),
            token,
            scope: Scope::Act,
        });
        Ok(Self {
            key,
            own,
            limits: Mutex::default(),
        })
    }

    /// Who asks.
    #[must_use]
    pub fn caller(
        &self,
        settings: &ServerPlan,
        headers: &HeaderMap,
        peer: &Peer,
        now: WallTime,
    ) -> Caller {
        if let Some(shown) = bearer(headers) {
            // What is shown and wrong is not made good by anything else.
            let token = self.token(settings, shown);
            return token.map_or_else(nobody, |token| by(token, Known::Token));
        }
        if let Some(caller) = self.session(settings, headers, now) {
            return caller;
        }
        let certificate = peer.certificate.as_ref().zip(settings.tls.as_ref());
        match certificate {
            Some((name, tls)) => Caller {
                name: Arc::clone(name),
                scope: Some(tls.client_scope),
                known: Known::Certificate,
            },
            None if settings.knows_callers() => nobody(),
            None => Caller {
                name: Arc::from("anyone on this machine"),
                scope: Some(Scope::Read),
                known: Known::Near,
            },
        }
    }

    /// Counts a request of a caller.
    ///
    /// # Errors
    /// When it has sent too many.
    pub fn count(
        &self,
        caller: &Caller,
        peer: &Peer,
        limit: RateLimit,
        now: Moment,
    ) -> Result<(), Problem> {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.count(caller, peer, limit, now)
    }

    /// Lets somebody in who shows a token on a page; nobody for a token that we do not know.
    /// `is_secure` says whether the connection is protected.
    #[must_use]
    pub fn sign_in(
        &self,
        settings: &ServerPlan,
        shown: &str,
        is_secure: bool,
        now: WallTime,
    ) -> Option<SignedIn> {
        let token = self.token(settings, shown)?;
        let mut id = [0; ID];
        SystemRandom::new().fill(&mut id).ok()?;
        let until = (now.unix() + SIGNED_IN).as_secs().to_be_bytes();
        let mut value = [id.as_slice(), &until, &self.fingerprint(token)].concat();
        let proof = hmac::sign(&self.key, &labelled(b"session", &value));
        value.extend_from_slice(proof.as_ref());
        let (value, age) = (URL_SAFE_NO_PAD.encode(value), SIGNED_IN.as_secs());
        let secure = if is_secure { "; Secure" } else { "" };
        Some(SignedIn {
            caller: by(token, Known::Session { id }),
            cookie: format!(
                "{COOKIE}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict{secure}"
            ),
        })
    }

    /// The value of `Set-Cookie` that ends a signing in.
    #[must_use]
    pub fn sign_out() -> String {
        format!("{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
    }

    /// What a form of a page carries, so that forms of others are told from it.
    #[must_use]
    pub fn form_token(&self, caller: &Caller) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.key, &form_of(caller)))
    }

    /// Whether a form that carries this was made by us for this caller.
    #[must_use]
    pub fn is_own_form(&self, caller: &Caller, shown: &str) -> bool {
        let shown = URL_SAFE_NO_PAD.decode(shown).unwrap_or_default();
        hmac::verify(&self.key, &form_of(caller), &shown).is_ok()
    }

    /// The token that is shown; all are compared, so that the time does not tell which comes close.
    fn token<'t>(&'t self, settings: &'t ServerPlan, shown: &str) -> Option<&'t TokenPlan> {
        let shown = hmac::sign(&self.key, shown.as_bytes());
        let mut found = None;
        for token in self.tokens(settings) {
            let known = hmac::sign(&self.key, token.token.reveal().as_bytes());
            if verify_slices_are_equal(shown.as_ref(), known.as_ref()).is_ok() {
                found = Some(token);
            }
        }
        found
    }

    /// All tokens that hold: the daemon's own where none was declared.
    fn tokens<'t>(&'t self, settings: &'t ServerPlan) -> impl Iterator<Item = &'t TokenPlan> {
        let own = self.own.iter().filter(|_| settings.tokens.is_empty());
        settings.tokens.iter().chain(own)
    }

    fn session(&self, settings: &ServerPlan, headers: &HeaderMap, now: WallTime) -> Option<Caller> {
        let value = URL_SAFE_NO_PAD.decode(cookie(headers)?).ok()?;
        if value.len() != ID + UNTIL + TOKEN + PROOF {
            return None;
        }
        let (value, proof) = value.split_at(ID + UNTIL + TOKEN);
        hmac::verify(&self.key, &labelled(b"session", value), proof).ok()?;
        let (id, value) = value.split_first_chunk::<ID>()?;
        let (until, fingerprint) = value.split_first_chunk::<UNTIL>()?;
        if now.unix().as_secs() >= u64::from_be_bytes(*until) {
            return None;
        }
        let token = self
            .tokens(settings)
            .find(|token| verify_slices_are_equal(&self.fingerprint(token), fingerprint).is_ok())?;
        Some(by(token, Known::Session { id: *id }))
    }

    /// What a cookie keeps of a token, and of what it allows.
    fn fingerprint(&self, token: &TokenPlan) -> [u8; TOKEN] {
        let secret = token.token.reveal().as_bytes();
        let tag = hmac::sign(&self.key, &labelled(b"token", secret));
        let mut kept = [0; TOKEN];
        for (kept, byte) in kept.iter_mut().zip(tag.as_ref()) {
            *kept = *byte;
        }
        kept
    }
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Doors(…)")
    }
}

/// The operating system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random numbers")]
pub struct NoRandomness;

fn nobody() -> Caller {
    Caller {
        name: Arc::from("nobody"),
        scope: None,
        known: Known::Not,
    }
}

fn by(token: &TokenPlan, known: Known) -> Caller {
    Caller {
        name: Arc::clone(&token.name),
        scope: Some(token.scope),
        known,
    }
}

/// What one key signs for several purposes, kept apart.
fn labelled(label: &[u8], value: &[u8]) -> Vec<u8> {
    [label, b":", value].concat()
}

fn form_of(caller: &Caller) -> Vec<u8> {
    match &caller.known {
        Known::Session { id } => labelled(b"form", id),
        Known::Not | Known::Near | Known::Token | Known::Certificate => {
            labelled(b"form-of", caller.name.as_bytes())
        }
    }
}

/// The token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of our cookie; the first where several were sent.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get_all(header::COOKIE).iter();
    let pairs = sent
        .filter_map(|sent| sent.to_str().ok())
        .flat_map(|sent| sent.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value)
}
