//! Whose turn it is, and what becomes of addresses that hang, refuse, or are nobody's.

use super::*;

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn found(addresses: &[IpAddr]) -> Found {
    Found {
        known: [Some(addresses.into()), None],
        later: None,
    }
}

fn in_turn(lists: &[&[&str]]) -> Vec<IpAddr> {
    let mut turns = Turns::default();
    for list in lists {
        turns.add(&ips(list));
    }
    turns.collect()
}

#[test]
fn families_alternate_and_the_first_that_is_known_begins() {
    for (lists, order) in [
        (
            &[&["::1"][..], &["10.0.0.1", "10.0.0.2", "10.0.0.3"]][..],
            &["::1", "10.0.0.1", "10.0.0.2", "10.0.0.3"][..],
        ),
        (
            &[&["10.0.0.1", "10.0.0.2", "::1"]],
            &["10.0.0.1", "::1", "10.0.0.2"],
        ),
        (&[&["10.0.0.1", "10.0.0.1"]], &["10.0.0.1"]),
        (&[&[]], &[]),
    ] {
        assert_eq!(in_turn(lists), ips(order), "{lists:?}");
    }
}

#[test]
fn addresses_that_come_later_take_their_turns() {
    let mut turns = Turns::default();
    turns.add(&ips(&["10.0.0.1", "10.0.0.2"]));
    assert_eq!(turns.next(), Some(ips(&["10.0.0.1"])[0]));
    turns.add(&ips(&["::1", "::2"]));
    let rest: Vec<IpAddr> = turns.collect();
    assert_eq!(rest, ips(&["::1", "10.0.0.2", "::2"]));
}

#[test]
fn their_number_is_bounded() {
    let many: Vec<IpAddr> = (0..200).map(|n| IpAddr::from([10, 0, 0, n])).collect();
    let mut turns = Turns::default();
    turns.add(&many);
    turns.add(&ips(&["::1"]));
    assert_eq!(turns.count(), MOST_ADDRESSES);
}

#[test]
fn a_refusal_outweighs_a_missing_route() {
    let faults = [
        Reason::NoRoute,
        Reason::Unreachable,
        Reason::Exhausted,
        Reason::Refused,
    ]
    .map(|reason| Fault::new(reason, reason.code()));
    for (met, told) in [
        (4, Reason::Refused),
        (3, Reason::Exhausted),
        (2, Reason::Unreachable),
        (1, Reason::NoRoute),
    ] {
        assert_eq!(most_telling(faults[..met].to_vec()).reason, told);
    }
}

/// Takes connections until nobody is let in any more: the next one hangs, as behind a firewall
/// that drops what it does not like.
async fn fill(address: SocketAddr) -> Vec<TcpStream> {
    let mut queued = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
    {
        queued.push(stream.unwrap());
    }
    queued
}

#[tokio::test]
async fn an_address_that_hangs_gives_way_to_the_next_and_alone_never_answers() {
    let well = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = well.local_addr().unwrap().port();
    let full = tokio::net::TcpSocket::new_v4().unwrap();
    full.bind(SocketAddr::from(([127, 0, 0, 2], port))).unwrap();
    let full = full.listen(1).unwrap();
    let _queued = fill(full.local_addr().unwrap()).await;
    let addresses = ["127.0.0.2", "127.0.0.1"].map(|ip| ip.parse().unwrap());
    let started = tokio::time::Instant::now();
    let stream = race(found(&addresses), port).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), well.local_addr().unwrap());
    assert!(started.elapsed() >= HEAD_START, "the first had its turn");
    let alone = tokio::time::timeout(
        Duration::from_millis(500),
        race(found(&addresses[..1]), port),
    );
    assert!(alone.await.is_err(), "it hangs until the deadline ends it");
}

#[tokio::test]
async fn a_dead_address_is_passed_over() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let addresses = ["127.0.0.2", "127.0.0.1"].map(|ip| ip.parse().unwrap());
    let stream = race(found(&addresses), port).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
}
