//! From a connection to a login: the server's greeting, TLS, and the proof that we know the password.
//!
//! The talk about TLS is held here, so that the handshake is a phase of its own and its failures mean
//! the same as everywhere else. A password never leaves in the clear without TLS, whatever the server
//! asks for.

use mysql_common::auth::plugins::{AuthProc, ChallengeResponsePlugin as _, Context, Response};
use mysql_common::constants::CapabilityFlags;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{
    AuthPlugin, AuthSwitchRequest, HandshakePacket, HandshakeResponse, SslRequest,
};
use mysql_common::proto::MySerialize;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use super::fault::{self, Said};
use super::packets::Packets;
use super::target::{Encryption, Login, Target};
use crate::probe::Attempt;
use crate::probe::wire::said::one_line;
use crate::probe::wire::session::Facts;
use crate::probe::wire::tls::Tls;
use crate::sample::{Fault, Phase, Reason};
use crate::secret::Secret;

/// A connection, with or without TLS.
pub type Socket = Either<TcpStream, TlsStream<TcpStream>>;

/// Which server it is, as far as its statements differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// MariaDB.
    MariaDb,
    /// MySQL of this version.
    MySql((u16, u16, u16)),
}

/// What came of a login.
pub struct LoggedIn {
    /// The connection.
    pub packets: Packets<Socket>,
    /// What both sides agreed on.
    pub capabilities: CapabilityFlags,
    /// Which server it is.
    pub flavor: Flavor,
}

/// All that the server may send while one logs in: its greeting, a public key, a few words.
const OF_THE_LOGIN: usize = 16 << 10;
/// How many packets a login may take.
const MOST_STEPS: usize = 10;
/// What we could take in one packet, as we say: what a check may read.
const OUR_PACKETS: u32 = 1 << 20;
/// `utf8mb4_general_ci`: every server since 5.5 knows it.
const COLLATION: u8 = 45;

/// What is going on, as messages say it.
const GREETED: &str = "waiting for the greeting";
const LOGGING_IN: &str = "logging in";

/// What was heard before the login.
struct Greeting {
    capabilities: CapabilityFlags,
    flavor: Flavor,
    plugin: AuthPlugin<'static>,
    nonce: Vec<u8>,
}

/// Logs in on a connection that was just opened. Enters [`Phase::Tls`] where there is TLS; the rest
/// belongs to [`Phase::Request`].
///
/// # Errors
/// [`Reason::Unauthorized`] when the server does not let us in, [`Reason::Tls`] when TLS is insisted
/// on and not offered, and the faults of the connection and of the handshake.
pub async fn log_in(
    attempt: &mut Attempt,
    stream: TcpStream,
    target: &Target,
    facts: &mut Facts,
) -> Result<LoggedIn, Fault> {
    attempt.enter(Phase::Request);
    attempt.doing(GREETED);
    let mut packets = Packets::new(stream);
    packets.allow(OF_THE_LOGIN);
    let greeting = greeting(&mut packets, &target.login).await?;
    let offers = greeting.capabilities.contains(CapabilityFlags::CLIENT_SSL);
    let tls = match &target.encryption {
        Encryption::Never => None,
        Encryption::WhereOffered(tls) => offers.then_some(tls),
        Encryption::Always(tls) if offers => Some(tls),
        Encryption::Always(_) => {
            let detail = "the server offers no TLS, and the check insists on it";
            return Err(Fault::new(Reason::Tls, detail));
        }
    };
    let capabilities = agreed(&greeting, tls.is_some());
    let mut packets = match tls {
        None => {
            let (stream, sequence) = packets.into_parts();
            Packets::going_on(Either::Left(stream), sequence)
        }
        Some(tls) => encrypt(attempt, packets, capabilities, (tls, &target.host), facts).await?,
    };
    packets.allow(OF_THE_LOGIN);
    attempt.doing(LOGGING_IN);
    let proof = Proof {
        password: target.login.password.as_ref(),
        nonce: &greeting.nonce,
        is_encrypted: tls.is_some(),
    };
    prove(&mut packets, &target.login, &greeting, capabilities, proof).await?;
    Ok(LoggedIn {
        packets,
        capabilities,
        flavor: greeting.flavor,
    })
}

async fn greeting(packets: &mut Packets<TcpStream>, login: &Login) -> Result<Greeting, Fault> {
    let body = packets.read().await;
    let body = body.map_err(|broken| fault::of_packets(broken, GREETED))?;
    if let Some(said) = Said::read(&body, CapabilityFlags::CLIENT_PROTOCOL_41) {
        return Err(said.fault());
    }
    let told = |why: &str| fault::garbage(why);
    if body.first() != Some(&PROTOCOL) || !has_a_sound_nonce(&body) {
        return Err(told("this is no greeting"));
    }
    let packet: HandshakePacket<'_> = ParseBuf(&body)
        .parse(())
        .map_err(|error| told(&error.to_string()))?;
    let capabilities = packet.capabilities();
    if !capabilities.contains(NEEDED) {
        return Err(told("the server is older than any that is still in use"));
    }
    let is_maria = packet.server_version_str().contains("MariaDB");
    let flavor = match packet.server_version_parsed() {
        Some(version) if !is_maria => Flavor::MySql(version),
        _ if is_maria => Flavor::MariaDb,
        _ => Flavor::MySql((0, 0, 0)),
    };
    let plugin = packet
        .auth_plugin()
        .filter(|plugin| is_spoken(plugin, login));
    Ok(Greeting {
        capabilities,
        flavor,
        plugin: plugin
            .unwrap_or(AuthPlugin::MysqlNativePassword)
            .into_owned(),
        nonce: packet.nonce(),
    })
}

/// The version of the protocol that all servers in use speak.
const PROTOCOL: u8 = 10;

/// What every server in use can do.
const NEEDED: CapabilityFlags = CapabilityFlags::CLIENT_PROTOCOL_41
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH);

/// Whether the length of the nonce is one that the library computes with.
fn has_a_sound_nonce(body: &[u8]) -> bool {
    /// From the end of the version to the length: the connection's number, the first part of the
    /// nonce, a zero, capabilities, a collation, a status, more capabilities.
    const TO_THE_LENGTH: usize = 4 + 8 + 1 + 2 + 1 + 2 + 2;
    let version = body.iter().skip(1).position(|byte| *byte == 0);
    let length = version.and_then(|zero| body.get(1 + zero + 1 + TO_THE_LENGTH));
    length.is_some_and(|length| *length < 128)
}

/// Whether a way of proving the password is spoken from the start; another is asked for by the server
/// when it must be.
fn is_spoken(plugin: &AuthPlugin<'_>, login: &Login) -> bool {
    login.password.is_some()
        && matches!(
            plugin,
            AuthPlugin::MysqlNativePassword | AuthPlugin::CachingSha2Password
        )
}

fn agreed(greeting: &Greeting, encrypted: bool) -> CapabilityFlags {
    let mut wanted = NEEDED
        | CapabilityFlags::CLIENT_LONG_PASSWORD
        | CapabilityFlags::CLIENT_LONG_FLAG
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_CONNECT_WITH_DB;
    if encrypted {
        wanted |= CapabilityFlags::CLIENT_SSL;
    }
    wanted & greeting.capabilities
}

async fn encrypt(
    attempt: &mut Attempt,
    mut packets: Packets<TcpStream>,
    capabilities: CapabilityFlags,
    (tls, host): (&Tls, &str),
    facts: &mut Facts,
) -> Result<Packets<Socket>, Fault> {
    attempt.enter(Phase::Tls);
    let mut request = Vec::new();
    SslRequest::new(capabilities, OUR_PACKETS, COLLATION).serialize(&mut request);
    let sent = packets.write(&request).await;
    sent.map_err(|broken| fault::of_packets(broken, "asking the server for TLS"))?;
    let (stream, sequence) = packets.into_parts();
    let (stream, session) = tls.connect(attempt, stream, host).await?;
    facts.tls = Some(session);
    attempt.enter(Phase::Request);
    Ok(Packets::going_on(Either::Right(stream), sequence))
}

/// What the proof of the password is made of.
#[derive(Clone, Copy)]
struct Proof<'a> {
    password: Option<&'a Secret>,
    nonce: &'a [u8],
    is_encrypted: bool,
}

impl<'a> Proof<'a> {
    fn with(self, nonce: &'a [u8]) -> Self {
        Self { nonce, ..self }
    }
}

impl Context for Proof<'_> {
    fn pass(&self) -> &[u8] {
        self.password
            .map_or(&[], |password| password.reveal().as_bytes())
    }

    fn is_ipc_transport(&self) -> bool {
        false
    }

    fn is_tls_transport(&self) -> bool {
        self.is_encrypted
    }

    fn scramble(&self) -> &[u8] {
        self.nonce
    }

    fn server_key_pem(&self) -> Option<&[u8]> {
        None
    }
}

/// Says who we are and proves it, in the way that the server asks for.
async fn prove(
    packets: &mut Packets<Socket>,
    login: &Login,
    greeting: &Greeting,
    capabilities: CapabilityFlags,
    proof: Proof<'_>,
) -> Result<(), Fault> {
    let broken = |broken| fault::of_packets(broken, LOGGING_IN);
    let mut way = way(&greeting.plugin, proof)?;
    let answer = step(&mut way, proof, &greeting.nonce)?;
    let response = HandshakeResponse::new(
        answer,
        (8, 0, 0),
        Some(login.user.as_bytes()),
        login.database.as_deref().map(str::as_bytes),
        Some(greeting.plugin.clone()),
        capabilities,
        None,
        OUR_PACKETS,
    );
    let mut body = Vec::new();
    response.serialize(&mut body);
    packets.write(&body).await.map_err(broken)?;
    let mut nonce = greeting.nonce.clone();
    for _ in 0..MOST_STEPS {
        let body = packets.read().await.map_err(broken)?;
        let answer = match body.split_first() {
            Some((&OK, _)) => return Ok(()),
            Some((&ERROR, _)) => {
                let said = Said::read(&body, capabilities).map(|said| said.fault());
                return Err(said.unwrap_or_else(|| fault::garbage("an error without words")));
            }
            Some((&MORE, data)) => step(&mut way, proof.with(&nonce), data)?,
            Some((&SWITCH, _)) => {
                (way, nonce) = switch(&body, proof)?;
                step(&mut way, proof.with(&nonce), &nonce)?
            }
            _ => {
                return Err(fault::garbage(
                    "a message out of place came while logging in",
                ));
            }
        };
        if let Some(answer) = answer {
            packets.write(&answer).await.map_err(broken)?;
        }
    }
    Err(fault::garbage("the login takes no end"))
}

/// The other way of proving that the server asks for, and the nonce for it.
fn switch(body: &[u8], proof: Proof<'_>) -> Result<(AuthProc, Vec<u8>), Fault> {
    let request: AuthSwitchRequest<'_> = ParseBuf(body)
        .parse(())
        .map_err(|_| unknown_way("one that is no longer in use"))?;
    let nonce = request.plugin_data();
    let nonce = nonce.strip_suffix(&[0]).unwrap_or(nonce).to_vec();
    Ok((way(&request.auth_plugin(), proof)?, nonce))
}

/// The first bytes of what the server says during a login.
const OK: u8 = 0x00;
const MORE: u8 = 0x01;
const SWITCH: u8 = 0xfe;
const ERROR: u8 = 0xff;

/// The way of proving that a server asks for.
fn way(plugin: &AuthPlugin<'_>, proof: Proof<'_>) -> Result<AuthProc, Fault> {
    let name = one_line(&String::from_utf8_lossy(plugin.as_bytes()));
    match plugin {
        AuthPlugin::MysqlClearPassword if !proof.is_encrypted => Err(Fault::new(
            Reason::Unauthorized,
            "the server asks for the password in the clear, and there is no TLS",
        )),
        AuthPlugin::MysqlOldPassword => Err(unknown_way(&name)),
        _ => plugin.init().map_err(|_| unknown_way(&name)),
    }
}

fn unknown_way(name: &str) -> Fault {
    let detail = format!("the server asks for a way of logging in that is not known here: {name}");
    Fault::new(Reason::Unauthorized, detail)
}

fn step(way: &mut AuthProc, proof: Proof<'_>, challenge: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
    let answer = way.run(proof, challenge).map_err(|error| {
        let why = one_line(&error.to_string());
        Fault::new(Reason::Unauthorized, format!("{why} while logging in"))
    })?;
    Ok(match answer {
        Response::Next { packet } | Response::Last { packet } => packet,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_in_the_clear_over_tls_alone() {
        let proof = |is_encrypted| Proof {
            password: None,
            nonce: &[0; 20],
            is_encrypted,
        };
        assert!(way(&AuthPlugin::MysqlClearPassword, proof(true)).is_ok());
        for (plugin, encrypted) in [
            (AuthPlugin::MysqlClearPassword, false),
            (AuthPlugin::MysqlOldPassword, true),
            (AuthPlugin::Other(b"dialog"[..].into()), true),
        ] {
            let told = way(&plugin, proof(encrypted)).expect_err("it is refused");
            assert_eq!(told.reason, Reason::Unauthorized);
        }
    }

    #[test]
    fn a_nonce_that_the_library_cannot_count_is_found_out() {
        let greeting = |length: u8| [&b"\x0a8.0.1\0"[..], &[7; 20], &[length], &[0; 40]].concat();
        assert!(has_a_sound_nonce(&greeting(21)));
        assert!(!has_a_sound_nonce(&greeting(128)));
        assert!(!has_a_sound_nonce(b"\x0a8.0.1"));
        assert!(!has_a_sound_nonce(b"\x0a8.0.1\0short"));
    }
}
