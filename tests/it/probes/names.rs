//! Names of targets, asked of name servers of our own: honest, dead, slow, lying.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use serde_json::json;
use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::probe::attempt::{self, Conditions};
use smokejumper::probe::{Attempt, ConnectionPolicy, Probe, Resolver};
use smokejumper::sample::{CheckId, Fault, Outcome, Phase, Reason, Sample};
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;

use crate::harness::http_peer::{Peer, answer};
use crate::harness::name_server::{NameServer, Says, asking};
use crate::harness::probing::{build, fault, passed};

#[derive(Debug)]
struct RealClock(tokio::time::Instant);

impl Clock for RealClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    fn wall(&self) -> WallTime {
        WallTime::default()
    }
}

/// Runs once under a deadline that nothing on loopback comes near.
async fn run(probe: &dyn Probe, resolver: Option<Arc<Resolver>>) -> Sample {
    let clock = Arc::new(RealClock(tokio::time::Instant::now()));
    run_by(clock, probe, resolver).await
}

async fn run_by(
    clock: Arc<dyn Clock>,
    probe: &dyn Probe,
    resolver: Option<Arc<Resolver>>,
) -> Sample {
    let conditions = Conditions {
        resolver,
        ..Conditions::default()
    };
    let deadline = Duration::from_secs(20);
    attempt::run(probe, &CheckId::new("check"), clock, deadline, conditions).await
}

/// A server that is well at 127.0.0.1, and a probe that asks it under the name `a.test`.
async fn well() -> (Peer, Box<dyn Probe>) {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let probe = asking_at(peer.address());
    (peer, probe)
}

fn asking_at(address: SocketAddr) -> Box<dyn Probe> {
    let url = format!("http://a.test:{}/", address.port());
    build("http", json!({ "url": url })).expect("the settings can work")
}

#[tokio::test]
async fn a_fresh_run_asks_anew_each_time_and_no_more_often() {
    let (peer, probe) = well().await;
    let names = NameServer::start().await;
    names.says("a.test", Says::loopback(&[1]), Says::NoRecord);
    for count in 1..=3 {
        let sample = run(&*probe, names.resolver()).await;
        passed(&sample);
        assert!(sample.phases.get(Phase::Dns).is_some(), "it is measured");
        assert_eq!(names.asked("a.test"), (count, count));
    }
    assert_eq!(peer.asked().len(), 3);
}

#[tokio::test]
async fn a_name_that_moves_is_followed_at_once() {
    let (here, probe) = well().await;
    let names = NameServer::start().await;
    names.says("a.test", Says::loopback(&[1]), Says::NoRecord);
    passed(&run(&*probe, names.resolver()).await);
    // Nobody listens there.
    names.says("a.test", Says::loopback(&[2]), Says::NoRecord);
    let sample = run(&*probe, names.resolver()).await;
    assert!(fault(&sample, Reason::Refused).detail.contains("127.0.0.2"));
    assert_eq!(here.asked().len(), 1);
}

#[tokio::test]
async fn a_hundred_runs_at_once_ask_one_question() {
    let (peer, probe) = well().await;
    let names = NameServer::start().await;
    let allowed = Arc::new(Semaphore::new(0));
    let held = |says| Says::Once(Arc::clone(&allowed), Box::new(says));
    names.says("a.test", held(Says::loopback(&[1])), held(Says::NoRecord));
    let resolver = names.resolver();
    let mut runs = Box::pin(join_all((0..100).map(|_| run(&*probe, resolver.clone()))));
    // All of them have begun when this returns, and none can have its answer.
    assert!(poll!(&mut runs).is_pending());
    allowed.add_permits(1_000);
    for sample in runs.await {
        passed(&sample);
    }
    assert_eq!(names.asked("a.test"), (1, 1));
    assert_eq!(peer.asked().len(), 100);
}

/// Opens a connection as a kind does that keeps its own, and finds it closed each time.
struct Keeping(u16);

#[async_trait::async_trait]
impl Probe for Keeping {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let policy = attempt.policy(Some(ConnectionPolicy::KeepAlive), ConnectionPolicy::Fresh);
        assert_eq!(policy, ConnectionPolicy::KeepAlive);
        smokejumper::probe::wire::dial::tcp(attempt, "a.test", self.0).await?;
        Ok(())
    }
}

#[tokio::test]
async fn who_keeps_connections_keeps_answers_for_as_long_as_their_server_allows() {
    let (peer, _) = well().await;
    let names = NameServer::start().await;
    let lasts = Duration::from_secs(1);
    let addresses = vec![IpAddr::from([127, 0, 0, 1])];
    let says = Says::Addresses(addresses, 1);
    names.says("a.test", says, Says::NoRecord);
    let probe = Keeping(peer.address().port());
    let started = tokio::time::Instant::now();
    // Since it began, connections and answers are of use.
    let clock: Arc<dyn Clock> = Arc::new(RealClock(started));
    let mut runs = 0;
    while names.asked("a.test").0 < 2 {
        passed(&run_by(Arc::clone(&clock), &probe, names.resolver()).await);
        runs += 1;
    }
    assert!(started.elapsed() >= lasts, "its time is over");
    assert!(runs > 2, "meanwhile it was not asked: {runs}");
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_for_over_tcp() {
    let (_peer, probe) = well().await;
    let names = NameServer::start().await;
    let cut = Says::CutOff(vec![[127, 0, 0, 1].into()]);
    names.says("a.test", cut, Says::NoRecord);
    passed(&run(&*probe, names.resolver()).await);
    assert_eq!(names.asked_over_tcp("a.test"), 1);
}

#[tokio::test]
async fn a_dead_name_server_gives_way_to_the_next_which_is_then_preferred() {
    let (_peer, probe) = well().await;
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let names = NameServer::start().await;
    names.says("a.test", Says::loopback(&[1]), Says::NoRecord);
    let servers = [silent.local_addr().expect("it is bound"), names.address()];
    for count in 1..=2 {
        passed(&run(&*probe, asking(&servers)).await);
        assert_eq!(names.asked("a.test").0, count);
    }
}

#[tokio::test]
async fn a_name_server_that_fails_gives_way_to_the_next() {
    let (_peer, probe) = well().await;
    let (ill, names) = (NameServer::start().await, NameServer::start().await);
    ill.says("a.test", Says::ServerFailure, Says::ServerFailure);
    names.says("a.test", Says::loopback(&[1]), Says::NoRecord);
    let servers = [ill.address(), names.address()];
    passed(&run(&*probe, asking(&servers)).await);
    assert_eq!(ill.asked("a.test").0, 1);
}

#[tokio::test]
async fn a_family_that_is_never_told_does_not_hold_up_the_other() {
    let (_peer, probe) = well().await;
    let names = NameServer::start().await;
    names.says("a.test", Says::loopback(&[1]), Says::Nothing);
    let sample = run(&*probe, names.resolver()).await;
    passed(&sample);
    let waited = sample.phases.get(Phase::Dns).expect("it is measured");
    assert!(
        waited >= Duration::from_millis(50),
        "it had its chance: {waited:?}"
    );
    // The asking itself is given up after four seconds at the earliest.
    assert!(waited < Duration::from_secs(2), "{waited:?}");
}

#[tokio::test]
async fn what_no_name_server_tells_is_not_the_targets_fault() {
    let (peer, probe) = well().await;
    let names = NameServer::start().await;
    for (four, six, reason) in [
        (Says::NoSuchName, Says::NoSuchName, Reason::Dns),
        (Says::NoRecord, Says::NoRecord, Reason::Dns),
        (Says::ServerFailure, Says::ServerFailure, Reason::Resolver),
        (Says::Garbage, Says::Garbage, Reason::Resolver),
        (Says::Nothing, Says::Nothing, Reason::Resolver),
    ] {
        names.says("a.test", four.clone(), six);
        let sample = run(&*probe, names.resolver()).await;
        let fault = fault(&sample, reason);
        assert!(
            fault.detail.contains("a.test"),
            "{four:?}: {}",
            fault.detail
        );
    }
    assert_eq!(peer.asked().len(), 0);
}

#[tokio::test]
async fn an_address_of_another_name_is_never_asked() {
    let (peer, probe) = well().await;
    let names = NameServer::start().await;
    let anothers = || Says::AnothersAddress([127, 0, 0, 1].into());
    names.says("a.test", anothers(), anothers());
    let sample = run(&*probe, names.resolver()).await;
    assert_ne!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert_eq!(peer.asked().len(), 0);
}

#[tokio::test]
async fn addresses_that_are_written_down_are_asked_of_nobody() {
    let (peer, probe) = well().await;
    let names = NameServer::start().await;
    let mut resolver = (*names.resolver().expect("it is named")).clone();
    let written: [IpAddr; 1] = [[127, 0, 0, 1].into()];
    resolver
        .hosts
        .insert("a.test".to_owned(), Arc::new(written));
    passed(&run(&*probe, Some(Arc::new(resolver))).await);
    assert_eq!(names.asked("a.test"), (0, 0));
    let host = format!("a.test:{}", peer.address().port());
    assert_eq!(peer.asked()[0].header("host"), Some(&*host));
}
