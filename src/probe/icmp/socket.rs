//! The socket over which echoes go: one for echoes alone where the system permits that (Linux:
//! `net.ipv4.ping_group_range`; macOS: always), else a raw one, which needs a privilege.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::echo::Echo;
use crate::probe::wire::dial;
use crate::sample::{Fault, Reason};

/// An open socket to one host.
pub struct Pinging {
    /// Datagrams are datagrams: the runtime's own type serves those of ICMP as well.
    socket: UdpSocket,
    has_ip_header: bool,
}

impl Pinging {
    /// Opens a socket to an address.
    ///
    /// # Errors
    /// [`Reason::NoRoute`], from which nothing is learnt, where the system permits neither sort, or
    /// has no way there; what else it lacks.
    pub fn open(address: IpAddr) -> Result<Self, Fault> {
        let (domain, protocol) = match address {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let open = |sort| Socket::new(domain, sort, Some(protocol));
        let opened = match open(Type::DGRAM) {
            Ok(socket) => Ok((socket, false)),
            Err(_) => open(Type::RAW).map(|socket| (socket, true)),
        };
        let (socket, is_raw) = opened.map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Fault::new(Reason::NoRoute, NOT_PERMITTED),
            _ => dial::fault(&error, "opening a socket for echoes"),
        })?;
        let connected = || -> io::Result<UdpSocket> {
            socket.set_nonblocking(true)?;
            socket.connect(&SocketAddr::new(address, 0).into())?;
            UdpSocket::from_std(socket.into())
        };
        let doing = format!("opening a socket for echoes to {address}");
        let socket = connected().map_err(|error| dial::fault(&error, &doing))?;
        Ok(Self {
            socket,
            has_ip_header: is_raw && address.is_ipv4(),
        })
    }

    /// Sends an echo and waits for its answer; what else comes is not ours.
    ///
    /// # Errors
    /// What the network met.
    pub async fn exchange(&self, echo: &Echo) -> io::Result<()> {
        self.socket.send(&echo.packet).await?;
        let mut buffer = [0; LARGEST];
        loop {
            let length = self.socket.recv(&mut buffer).await?;
            if echo.is_answered_by(&buffer[..length], self.has_ip_header) {
                return Ok(());
            }
        }
    }
}

/// What is said where neither sort of socket is permitted, and what to do.
const NOT_PERMITTED: &str = "our own machine does not permit echoes: allow our group in \
                             `net.ipv4.ping_group_range`, or give the program CAP_NET_RAW";
/// A packet of ours, with the largest header of IP.
const LARGEST: usize = 2_048;
