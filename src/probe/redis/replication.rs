//! What INFO says of replication, memory and evictions, as figures.
//!
//! A replica does not know how far its primary is: it knows what it has received and not applied, and
//! when it last heard. The primary knows what each replica has acknowledged. So the bytes that a
//! check should limit are those of the primary, and on a replica its link.

use super::info::Info;
use crate::clock::Moment;
use crate::probe::database::{Figures, Gains, Role, Seen, percent};
use crate::sample::Unit;

/// The part that the server has; absent where it names none, as a sentinel.
pub fn role(info: &Info) -> Option<Role> {
    match info.get("role")? {
        "master" => Some(Role::Primary),
        "slave" => Some(Role::Replica),
        _ => None,
    }
}

/// The figures. `evictions` remembers what was counted in the run before.
pub fn figures(info: &Info, evictions: &Gains<1>, now: Moment) -> Figures {
    let mut figures = Figures::default();
    match role(info) {
        Some(Role::Primary) => of_primary(info, &mut figures),
        Some(Role::Replica) => of_replica(info, &mut figures),
        None => {}
    }
    let memory = info.number("used_memory").zip(info.number("maxmemory"));
    let memory = memory.and_then(|(used, most)| percent(used, most));
    let memory = Seen::or_absent(memory, "`maxmemory` sets no limit");
    figures.put("memory_pct", Unit::Number, memory);
    let counted = info.number("evicted_keys");
    let life = info.get("run_id").unwrap_or_default();
    let gain = counted.and_then(|counted| evictions.since(now, life, [counted]));
    let rate = match counted {
        Some(_) => gain.map_or(FIRST, |gain| Seen::Number(gain.per_second(0))),
        None => UNTOLD,
    };
    figures.put("evictions_per_second", Unit::Number, rate);
    figures
}

fn of_primary(info: &Info, figures: &mut Figures) {
    const NOBODY: &str = "no replica is online";
    let sent = info.number("master_repl_offset");
    let (mut online, mut silent, mut behind) = (0_u32, None, None);
    for at in 0..MOST_REPLICAS {
        let part = |name: &str| info.get(&format!("slave{at}.{name}"));
        let Some(state) = part("state") else { break };
        if state != "online" {
            continue;
        }
        online += 1;
        let number = |name: &str| part(name)?.parse::<f64>().ok();
        silent = most(silent, number("lag"));
        let missing = sent
            .zip(number("offset"))
            .map(|(sent, has)| (sent - has).max(0.0));
        behind = most(behind, missing);
    }
    figures.put("replicas", Unit::Number, Seen::Number(f64::from(online)));
    figures.put("lag", Unit::Seconds, Seen::or_absent(silent, NOBODY));
    figures.put("lag_bytes", Unit::Bytes, Seen::or_absent(behind, NOBODY));
}

fn of_replica(info: &Info, figures: &mut Figures) {
    let up = info.get("master_link_status") == Some("up");
    let lag = if up {
        info.number("master_last_io_seconds_ago")
    } else {
        info.number("master_link_down_since_seconds")
    };
    // A link that never was up has been down since -1 seconds.
    let lag = lag.filter(|lag| *lag >= 0.0);
    let received = info.number("slave_read_repl_offset");
    let applied = info.number("slave_repl_offset");
    let bytes = received
        .zip(applied)
        .map(|(received, applied)| (received - applied).max(0.0));
    figures.put(
        "replicas",
        Unit::Number,
        info.number("connected_slaves").map_or(UNTOLD, Seen::Number),
    );
    figures.put(
        "master_link_up",
        Unit::Number,
        Seen::Number(f64::from(u8::from(up))),
    );
    figures.put(
        "lag",
        Unit::Seconds,
        Seen::or_absent(lag, "it has never heard its primary"),
    );
    figures.put(
        "lag_bytes",
        Unit::Bytes,
        Seen::or_absent(bytes, "the server does not say"),
    );
}

/// Of a first run, and of the first one after the server started.
const FIRST: Seen = Seen::NotYet("a rate takes two runs");

const UNTOLD: Seen = Seen::Absent("the server does not say");

/// More replicas than anybody has of one server.
const MOST_REPLICAS: usize = 1_000;

fn most(known: Option<f64>, other: Option<f64>) -> Option<f64> {
    match (known, other) {
        (Some(known), Some(other)) => Some(known.max(other)),
        (known, other) => known.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Figures {
        figures(
            &Info::parse(text),
            &Gains::new(),
            Moment::at(std::time::Duration::ZERO),
        )
    }

    #[test]
    fn a_primary_tells_of_the_replica_that_is_furthest_behind() {
        let figures = told(
            "role:master\r\nconnected_slaves:3\r\nmaster_repl_offset:1000\r\n\
             slave0:ip=a,port=1,state=online,offset=900,lag=0\r\n\
             slave1:ip=a,port=2,state=wait_bgsave,offset=0,lag=0\r\n\
             slave2:ip=a,port=3,state=online,offset=1000,lag=4\r\n",
        );
        for (name, expected) in [("replicas", 2.0), ("lag", 4.0), ("lag_bytes", 100.0)] {
            assert_eq!(figures.get(name), Some(Seen::Number(expected)), "{name}");
        }
        let alone = told("role:master\r\nconnected_slaves:0\r\nmaster_repl_offset:0\r\n");
        assert_eq!(alone.get("replicas"), Some(Seen::Number(0.0)));
        assert_eq!(alone.get("lag"), Some(Seen::Absent("no replica is online")));
    }

    #[test]
    fn a_replica_tells_what_it_has_not_applied_and_when_it_last_heard() {
        let up = told(
            "role:slave\r\nmaster_link_status:up\r\nmaster_last_io_seconds_ago:2\r\n\
             slave_read_repl_offset:50\r\nslave_repl_offset:40\r\nconnected_slaves:0\r\n",
        );
        for (name, expected) in [("master_link_up", 1.0), ("lag", 2.0), ("lag_bytes", 10.0)] {
            assert_eq!(up.get(name), Some(Seen::Number(expected)), "{name}");
        }
        let down = told(
            "role:slave\r\nmaster_link_status:down\r\nmaster_last_io_seconds_ago:-1\r\n\
             master_link_down_since_seconds:7\r\n",
        );
        assert_eq!(down.get("master_link_up"), Some(Seen::Number(0.0)));
        assert_eq!(down.get("lag"), Some(Seen::Number(7.0)));
        let never =
            told("role:slave\r\nmaster_link_status:down\r\nmaster_link_down_since_seconds:-1\r\n");
        assert!(matches!(never.get("lag"), Some(Seen::Absent(_))));
    }

    #[test]
    fn memory_is_a_share_of_its_limit_where_there_is_one() {
        let limited = told("used_memory:50\r\nmaxmemory:200\r\n");
        assert_eq!(limited.get("memory_pct"), Some(Seen::Number(25.0)));
        let unlimited = told("used_memory:50\r\nmaxmemory:0\r\n");
        assert!(matches!(unlimited.get("memory_pct"), Some(Seen::Absent(_))));
    }
}
