//! Both families of a name, asked of a name server of our own on loopback.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;

use super::*;
use crate::clock::{Clock, Moment, WallTime};
use crate::probe::attempt::Conditions;
use crate::probe::wire::race;

/// Follows the runtime's clock, which the tests may stop and move.
#[derive(Debug)]
struct RuntimeClock(Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    fn wall(&self) -> WallTime {
        WallTime::default()
    }
}

/// How a name server of ours answers: to questions for IPv4, and to those for IPv6.
#[derive(Clone, Copy, Debug)]
enum Says {
    Address,
    NoSuchName,
    NoRecord,
    ServerFailure,
    Refused,
    Nothing,
}

/// A name server on loopback, and how often it was asked.
struct Server {
    resolver: Arc<Resolver>,
    /// The questions with their numbers: one that is repeated is the same question.
    asked: Arc<Mutex<HashSet<Vec<u8>>>>,
}

impl Server {
    async fn start(four: Says, six: Says) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(HashSet::new()));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, asker)) = socket.recv_from(&mut question).await {
                let packet = question[..length].to_vec();
                count
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(packet);
                if let Some(answer) = answer(&question[..length], four, six) {
                    socket.send_to(&answer, asker).await.unwrap();
                }
            }
        });
        let resolver = Resolver {
            source: Source::Servers(Arc::from([address])),
            ..Resolver::default()
        };
        Self {
            resolver: Arc::new(resolver),
            asked,
        }
    }

    fn questions(&self) -> usize {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    fn attempt(&self) -> Attempt {
        attempt(Some(Arc::clone(&self.resolver)))
    }
}

fn attempt(resolver: Option<Arc<Resolver>>) -> Attempt {
    let conditions = Conditions {
        resolver,
        ..Conditions::default()
    };
    let clock = Arc::new(RuntimeClock(Instant::now()));
    Attempt::start(clock, Duration::from_secs(5), conditions)
}

/// The question with another header and, where there is one, an address behind it that holds for
/// ten seconds.
fn answer(question: &[u8], four: Says, six: Says) -> Option<Vec<u8>> {
    let name = question[12..].iter().position(|byte| *byte == 0)?;
    let end = 12 + name + 5;
    let is_six = question[end - 4..end - 2] == [0, 28];
    let (code, answers) = match if is_six { six } else { four } {
        Says::Address => (0, 1),
        Says::NoRecord => (0, 0),
        Says::ServerFailure => (2, 0),
        Says::NoSuchName => (3, 0),
        Says::Refused => (5, 0),
        Says::Nothing => return None,
    };
    let mut bytes = question[..end].to_vec();
    bytes[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0]);
    if answers == 1 {
        let (kind, address): (u8, &[u8]) = if is_six {
            (28, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7])
        } else {
            (1, &[10, 0, 0, 7])
        };
        bytes.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 10, 0, address.len() as u8]);
        bytes.extend(address);
    }
    Some(bytes)
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn one_family_is_enough_and_ipv6_begins() {
    for (four, six, expected) in [
        (Says::Address, Says::Address, &["::7", "10.0.0.7"][..]),
        (Says::Address, Says::NoRecord, &["10.0.0.7"]),
        (Says::Address, Says::ServerFailure, &["10.0.0.7"]),
        (Says::NoRecord, Says::Address, &["::7"]),
        // Wrong of the server, and yet the name has an address.
        (Says::Address, Says::NoSuchName, &["10.0.0.7"]),
        (Says::NoSuchName, Says::Address, &["::7"]),
    ] {
        let server = Server::start(four, six).await;
        let (found, _) = all(&server.attempt(), "a.test").await.unwrap();
        assert_eq!(found, ips(expected), "{four:?} {six:?}");
    }
}

#[tokio::test]
async fn a_family_that_cannot_be_told_is_named() {
    for (six, missing) in [(Says::NoRecord, false), (Says::ServerFailure, true)] {
        let server = Server::start(Says::Address, six).await;
        let (_, note) = all(&server.attempt(), "a.test").await.unwrap();
        let named = note.is_some_and(|note| note.contains("the IPv6 addresses of a.test"));
        assert_eq!(named, missing, "{six:?}");
    }
}

#[tokio::test]
async fn a_name_without_address_is_told_from_a_resolver_that_cannot_tell() {
    for (four, six, reason) in [
        (Says::NoSuchName, Says::NoSuchName, Reason::Dns),
        (Says::NoSuchName, Says::Nothing, Reason::Dns),
        (Says::NoRecord, Says::NoRecord, Reason::Dns),
        (Says::ServerFailure, Says::ServerFailure, Reason::Resolver),
        (Says::Refused, Says::Refused, Reason::Resolver),
        (Says::NoRecord, Says::ServerFailure, Reason::Resolver),
        (Says::ServerFailure, Says::NoRecord, Reason::Resolver),
    ] {
        let server = Server::start(four, six).await;
        let fault = addresses(&server.attempt(), "a.test").await.unwrap_err();
        assert_eq!(fault.reason, reason, "{four:?} {six:?}: {}", fault.detail);
    }
}

#[tokio::test(start_paused = true)]
async fn a_name_that_one_family_calls_missing_is_not_while_the_other_has_an_address() {
    let missing = || Coming(Lookup::Known(Err(Miss::NoSuchName)));
    let (sender, awaited) = watch::channel(None);
    let mut other = Coming(Lookup::Coming(awaited));
    let (found, ()) = tokio::join!(contradicted(&mut other, "a.test"), async {
        tokio::time::sleep(RESOLUTION_DELAY / 2).await;
        sender.send_replace(Some(Ok(ips(&["10.0.0.7"]).into())));
    });
    found.unwrap();
    let (six, four) = (missing().answer().cloned(), other.answer().cloned());
    assert!(both("a.test", &six.unwrap(), &four.unwrap()).is_ok());
    // Where nothing comes, the name is missing.
    let (_sender, awaited) = watch::channel::<Option<Answer>>(None);
    let mut silent = Coming(Lookup::Coming(awaited));
    let fault = contradicted(&mut silent, "a.test").await.unwrap_err();
    assert_eq!(fault.reason, Reason::Dns);
}

#[tokio::test]
async fn a_silent_family_holds_the_other_up_for_the_resolution_delay_and_no_longer() {
    for (four, six, first) in [
        (Says::Address, Says::Nothing, "10.0.0.7"),
        (Says::Nothing, Says::Address, "::7"),
    ] {
        let server = Server::start(four, six).await;
        let attempt = server.attempt();
        let started = Instant::now();
        let found = addresses(&attempt, "a.test").await.unwrap();
        if matches!(six, Says::Nothing) {
            assert!(started.elapsed() >= RESOLUTION_DELAY, "IPv6 had its chance");
        }
        assert_eq!(found.known[0].as_deref(), Some(&ips(&[first])[..]));
        assert!(found.later.is_some(), "it may still come");
        assert_eq!(found.only(), None);
    }
}

#[tokio::test]
async fn addresses_that_come_late_are_tried_when_the_others_refuse() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, awaited) = watch::channel(None);
    let found = Found {
        known: [Some(ips(&["127.0.0.2"]).into()), None],
        later: Some(Later(Coming(Lookup::Coming(awaited)))),
    };
    let racing = tokio::spawn(race::race(found, port));
    sender.send_replace(Some(Ok(ips(&["127.0.0.1"]).into())));
    let stream = racing.await.unwrap().unwrap();
    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
}

#[tokio::test]
async fn a_family_that_never_comes_leaves_the_fault_of_the_other() {
    let (sender, awaited) = watch::channel::<Option<Answer>>(None);
    let found = Found {
        known: [Some(ips(&["127.0.0.1"]).into()), None],
        later: Some(Later(Coming(Lookup::Coming(awaited)))),
    };
    drop(sender);
    // The port of a socket that is bound and does not listen.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let fault = race::race(found, closed.local_addr().unwrap().port())
        .await
        .unwrap_err();
    assert_eq!(fault.reason, Reason::Refused, "{}", fault.detail);
}

#[tokio::test(start_paused = true)]
async fn a_family_that_is_silent_does_not_hide_the_fault_of_the_other_until_the_deadline() {
    let (_sender, awaited) = watch::channel::<Option<Answer>>(None);
    let found = Found {
        known: [Some(ips(&["127.0.0.1"]).into()), None],
        later: Some(Later(Coming(Lookup::Coming(awaited)))),
    };
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let racing = race::race(found, closed.local_addr().unwrap().port());
    let fault = tokio::time::timeout(Duration::from_secs(60), racing).await;
    let fault = fault.expect("it does not wait for ever").unwrap_err();
    assert_eq!(fault.reason, Reason::Refused, "{}", fault.detail);
}

#[tokio::test]
async fn a_fresh_run_asks_anew_each_time() {
    let server = Server::start(Says::Address, Says::Address).await;
    for run in 1..=3 {
        let attempt = server.attempt();
        assert!(all(&attempt, "a.test").await.is_ok());
        // A redirect within the same run leads to what this run has learnt.
        assert!(all(&attempt, "a.test").await.is_ok());
        assert_eq!(server.questions(), 2 * run);
    }
}

#[tokio::test]
async fn written_addresses_are_asked_of_nobody() {
    let server = Server::start(Says::Nothing, Says::Nothing).await;
    let written = [("api.test".to_owned(), ips(&["10.0.0.9"]).into())];
    let resolver = Resolver {
        hosts: written.into(),
        ..(*server.resolver).clone()
    };
    let attempt = attempt(Some(Arc::new(resolver)));
    let found = addresses(&attempt, "API.test").await.unwrap();
    assert_eq!(found.only(), Some(ips(&["10.0.0.9"])[0]));
    assert_eq!(server.questions(), 0);
}

#[tokio::test]
async fn this_machine_is_found_by_the_system_and_by_us() {
    for source in [Source::Usual, Source::System] {
        let resolver = Resolver {
            source: source.clone(),
            ..Resolver::default()
        };
        let attempt = attempt(Some(Arc::new(resolver)));
        let (found, _) = all(&attempt, "localhost").await.unwrap();
        assert!(
            !found.is_empty() && found.iter().all(IpAddr::is_loopback),
            "{source:?}"
        );
    }
}
