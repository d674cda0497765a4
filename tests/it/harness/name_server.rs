//! A name server of our own on loopback, over UDP and TCP: says what a test wants, also what no honest
//! one would, and counts what it is asked. Dropping it ends it.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use smokejumper::probe::{Resolver, Source};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// What is said of a name and a family.
#[derive(Clone, Debug)]
pub enum Says {
    /// These addresses, for so many seconds.
    Addresses(Vec<IpAddr>, u32),
    /// The name exists without such an address.
    NoRecord,
    /// There is no such name.
    NoSuchName,
    /// The server cannot tell.
    ServerFailure,
    /// Nothing at all.
    Nothing,
    /// Over UDP that the answer was cut off; over TCP these addresses.
    CutOff(Vec<IpAddr>),
    /// Bytes that are no answer, under the number of the question.
    Garbage,
    /// An address of another name.
    AnothersAddress(IpAddr),
    /// The same, once the semaphore lets it.
    Once(Arc<Semaphore>, Box<Says>),
}

impl Says {
    /// IPv4 addresses of this machine that end so, for a minute.
    pub fn loopback(last: &[u8]) -> Self {
        let addresses = last
            .iter()
            .map(|last| Ipv4Addr::new(127, 0, 0, *last).into());
        Self::Addresses(addresses.collect(), 60)
    }
}

/// A running name server.
pub struct NameServer {
    address: SocketAddr,
    zone: Arc<Zone>,
    _serving: JoinSet<()>,
}

#[derive(Default)]
struct Zone {
    said: Mutex<HashMap<(String, Family), Says>>,
    /// The numbers of the questions: one that is repeated, because a busy machine was slow to
    /// answer, is the same question.
    asked: Mutex<HashMap<Asked, HashSet<[u8; 2]>>>,
}

/// What a question was about, and how it came.
type Asked = (String, Family, Transport);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Family {
    Four,
    Six,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Transport {
    Udp,
    Tcp,
}

impl NameServer {
    /// Starts one that knows no name.
    pub async fn start() -> Self {
        let (udp, tcp) = both().await;
        let address = udp.local_addr().expect("it is bound");
        let zone = Arc::new(Zone::default());
        let mut serving = JoinSet::new();
        serving.spawn(over_udp(Arc::new(udp), Arc::clone(&zone)));
        serving.spawn(over_tcp(tcp, Arc::clone(&zone)));
        Self {
            address,
            zone,
            _serving: serving,
        }
    }

    /// From now on this is said of a name.
    pub fn says(&self, name: &str, four: Says, six: Says) {
        let mut said = self.zone.said.lock().expect("nobody panics with it");
        said.insert((name.to_owned(), Family::Four), four);
        said.insert((name.to_owned(), Family::Six), six);
    }

    /// How often it was asked for the IPv4 and the IPv6 addresses of a name, over UDP.
    pub fn asked(&self, name: &str) -> (usize, usize) {
        let count = |family| self.count(name, family, Transport::Udp);
        (count(Family::Four), count(Family::Six))
    }

    /// How often it was asked for the IPv4 addresses of a name over TCP.
    pub fn asked_over_tcp(&self, name: &str) -> usize {
        self.count(name, Family::Four, Transport::Tcp)
    }

    fn count(&self, name: &str, family: Family, transport: Transport) -> usize {
        let asked = self.zone.asked.lock().expect("nobody panics with it");
        let count = asked.get(&(name.to_owned(), family, transport));
        count.map(HashSet::len).unwrap_or_default()
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The setting `resolver` that names it.
    pub fn resolver(&self) -> Option<Arc<Resolver>> {
        asking(&[self.address])
    }
}

/// The setting `resolver` that names these servers.
pub fn asking(servers: &[SocketAddr]) -> Option<Arc<Resolver>> {
    let source = Source::Servers(servers.into());
    Some(Arc::new(Resolver {
        source,
        ..Resolver::default()
    }))
}

/// Both sockets at the same port: one of the two may have been taken meanwhile.
async fn both() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = udp.local_addr().expect("it is bound");
        if let Ok(tcp) = TcpListener::bind(address).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

async fn over_udp(socket: Arc<UdpSocket>, zone: Arc<Zone>) {
    let mut answering = JoinSet::new();
    let mut packet = [0; 1024];
    while let Ok((length, asker)) = socket.recv_from(&mut packet).await {
        let (question, socket) = (packet[..length].to_vec(), Arc::clone(&socket));
        let zone = Arc::clone(&zone);
        answering.spawn(async move {
            if let Some(answer) = zone.answer(&question, Transport::Udp).await {
                // Whoever asked may be gone.
                socket.send_to(&answer, asker).await.ok();
            }
        });
    }
}

async fn over_tcp(listener: TcpListener, zone: Arc<Zone>) {
    let mut answering = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        answering.spawn(talk(stream, Arc::clone(&zone)));
    }
}

/// Answers until the other side goes; each message is preceded by its length (RFC 1035, section
/// 4.2.2).
async fn talk(mut stream: TcpStream, zone: Arc<Zone>) {
    while let Ok(length) = stream.read_u16().await {
        let mut question = vec![0; usize::from(length)];
        if stream.read_exact(&mut question).await.is_err() {
            return;
        }
        if let Some(answer) = zone.answer(&question, Transport::Tcp).await {
            let mut message = u16::try_from(answer.len())
                .expect("a short answer")
                .to_be_bytes()
                .to_vec();
            message.extend(answer);
            if stream.write_all(&message).await.is_err() {
                return;
            }
        }
    }
}

impl Zone {
    async fn answer(&self, question: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let (name, family, end) = asked_for(question)?;
        let mut says = {
            let mut asked = self.asked.lock().expect("nobody panics with it");
            let numbers = asked.entry((name.clone(), family, transport)).or_default();
            numbers.insert([question[0], question[1]]);
            let said = self.said.lock().expect("nobody panics with it");
            said.get(&(name, family))
                .cloned()
                .unwrap_or(Says::NoSuchName)
        };
        while let Says::Once(allowed, then) = says {
            allowed.acquire().await.ok()?.forget();
            says = *then;
        }
        let reply = |code: u8, records: &[Vec<u8>]| {
            let count = u8::try_from(records.len()).expect("few records");
            let mut bytes = question[..end].to_vec();
            bytes[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, count, 0, 0, 0, 0]);
            bytes.extend(records.iter().flatten());
            bytes
        };
        let of_the_name = |addresses: &[IpAddr], seconds: u32| {
            let records = addresses
                .iter()
                .map(|one| record(&[0xc0, 12], *one, seconds));
            records.collect::<Vec<_>>()
        };
        Some(match says {
            Says::Addresses(addresses, seconds) => reply(0, &of_the_name(&addresses, seconds)),
            Says::NoRecord => reply(0, &[]),
            Says::NoSuchName => reply(3, &[]),
            Says::ServerFailure => reply(2, &[]),
            Says::Nothing => return None,
            Says::CutOff(addresses) if transport == Transport::Tcp => {
                reply(0, &of_the_name(&addresses, 60))
            }
            Says::CutOff(_) => {
                let mut cut = reply(0, &[]);
                cut[2] |= 0x02;
                cut
            }
            Says::Garbage => [&question[..2], &[0xff; 40]].concat(),
            Says::AnothersAddress(address) => {
                reply(0, &[record(b"\x05other\x04test\0", address, 60)])
            }
            Says::Once(..) => unreachable!("it was waited for"),
        })
    }
}

/// The name, the family and the end of the question.
fn asked_for(question: &[u8]) -> Option<(String, Family, usize)> {
    let mut labels = Vec::new();
    let mut at = 12;
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let family = match question.get(at..at + 2)? {
        [0, 1] => Family::Four,
        [0, 28] => Family::Six,
        _ => Family::Other,
    };
    Some((labels.join("."), family, at + 4))
}

fn record(owner: &[u8], address: IpAddr, seconds: u32) -> Vec<u8> {
    let (kind, data) = match address {
        IpAddr::V4(address) => (1_u16, address.octets().to_vec()),
        IpAddr::V6(address) => (28, address.octets().to_vec()),
    };
    let length = u16::try_from(data.len()).expect("an address is short");
    let mut bytes = owner.to_vec();
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1]);
    bytes.extend(seconds.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend(data);
    bytes
}
