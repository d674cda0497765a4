//! The kind `icmp` in networks of the tests' own, where both sorts of sockets, their absence, and
//! hosts that do not answer can be had.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Phase, Reason, Sample};

use crate::harness::namespace::alone;
use crate::harness::probing::{build, fault, passed, reading, run};

/// Looks at this host with packets that are not waited for for long.
async fn ping(host: &str, more: Value) -> Sample {
    let mut settings = json!({"host": host, "wait": "200ms"});
    for (key, value) in more.as_object().into_iter().flatten() {
        settings[key] = value.clone();
    }
    run("icmp", settings).await
}

/// Says what the kernel of this network does, below `net.ipv4`.
fn set(what: &str, value: &str) {
    let file = format!("/proc/sys/net/ipv4/{what}");
    std::fs::write(&file, value).expect("a network of one's own can be set");
}

fn came_back(sample: &Sample, packets: u32) {
    passed(sample);
    assert_eq!(reading(sample, "loss_pct"), 0.0, "{packets}");
    let [least, mean, most] = ["rtt_min", "rtt_mean", "rtt_max"].map(|it| reading(sample, it));
    assert!(0.0 < least && least <= mean && mean <= most && most < 0.2);
    assert!(sample.phases.get(Phase::Ttfb).is_some());
}

#[test]
fn packets_come_back_over_a_socket_for_echoes() {
    let name = "probes::icmp::packets_come_back_over_a_socket_for_echoes";
    alone(name, async {
        set("ping_group_range", "0 2147483647");
        came_back(&ping("127.0.0.1", json!({})).await, 3);
        came_back(
            &ping("localhost", json!({"family": "ipv4", "packets": 1})).await,
            1,
        );
        came_back(&ping("::1", json!({"size": 1400, "packets": 5})).await, 5);
    });
}

#[test]
fn packets_come_back_over_a_raw_socket() {
    let name = "probes::icmp::packets_come_back_over_a_raw_socket";
    alone(name, async {
        set("ping_group_range", "1 0");
        came_back(&ping("127.0.0.1", json!({})).await, 3);
        came_back(&ping("::1", json!({"size": 16})).await, 3);
        // Many at once, each with answers of its own.
        let runs = (0..20).map(|_| ping("127.0.0.1", json!({})));
        for sample in futures_util::future::join_all(runs).await {
            passed(&sample);
        }
    });
}

#[test]
fn a_host_that_does_not_answer_is_told_with_what_was_lost() {
    let name = "probes::icmp::a_host_that_does_not_answer_is_told_with_what_was_lost";
    alone(name, async {
        set("icmp_echo_ignore_all", "1");
        let sample = ping("127.0.0.1", json!({"packets": 2})).await;
        let told = fault(&sample, Reason::Timeout);
        assert_eq!(
            told.detail,
            "none of 2 packets came back from 127.0.0.1, each was waited for for 200ms"
        );
        assert_eq!(sample.outcome, Outcome::Error);
        assert_eq!(reading(&sample, "loss_pct"), 100.0);
        assert!(sample.latency >= Duration::from_millis(400));
    });
}

#[test]
fn a_network_without_a_way_out_teaches_nothing() {
    let name = "probes::icmp::a_network_without_a_way_out_teaches_nothing";
    alone(name, async {
        let sample = ping("198.51.100.1", json!({})).await;
        fault(&sample, Reason::NoRoute);
        assert_eq!(sample.outcome, Outcome::Unknown);
    });
}

#[test]
fn what_is_not_permitted_teaches_nothing_and_says_what_to_do() {
    let name = "probes::icmp::what_is_not_permitted_teaches_nothing_and_says_what_to_do";
    alone(name, async {
        set("ping_group_range", "1 0");
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/checks/icmp.yaml");
        let gate = |rights: &str| {
            let output = Command::new("setpriv")
                .arg(format!("--bounding-set={rights}"))
                .args([env!("CARGO_BIN_EXE_smokejumper"), "gate", example])
                .env("ICMP_HOST", "127.0.0.1")
                .output()
                .expect("setpriv is there; on Debian: apt-get install util-linux");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            (output.status.code(), said)
        };
        let (code, said) = gate("-net_raw");
        assert_eq!(code, Some(3), "{said}");
        assert!(said.contains("ping_group_range"), "{said}");
        // The example as it stands, where it is permitted.
        let (code, said) = gate("+net_raw");
        assert_eq!(code, Some(0), "{said}");
    });
}

#[test]
fn what_is_not_as_expected_is_a_wrong_answer() {
    let name = "probes::icmp::what_is_not_as_expected_is_a_wrong_answer";
    alone(name, async {
        for (expect, detail) in [
            (
                json!({"loss_pct": {"gt": 0}}),
                "loss_pct: expected { gt: 0 }, got 0",
            ),
            (
                json!({"rtt_mean": {"lt": 0}}),
                "rtt_mean: expected { lt: 0 }, got ",
            ),
        ] {
            let sample = ping("127.0.0.1", json!({"expect": expect})).await;
            let told = fault(&sample, Reason::Expectation);
            assert!(told.detail.starts_with(detail), "{}", told.detail);
        }
        let expect = json!({"loss_pct": 0, "rtt_mean": {"lt": 0.2}});
        passed(&ping("127.0.0.1", json!({"expect": expect})).await);
    });
}

#[tokio::test]
async fn a_name_without_an_address_of_the_family_is_no_host() {
    let sample = ping("127.0.0.1", json!({"family": "ipv6"})).await;
    let detail = &fault(&sample, Reason::Dns).detail;
    assert!(detail.contains("no address of that family"), "{detail}");
}

#[test]
fn settings_that_cannot_work_are_all_named() {
    for (settings, path) in [
        (json!({"host": "a.test:80"}), "host"),
        (json!({"host": "smoke:canary@a.test"}), "host"),
        (json!({"host": "a.test", "packets": 0}), "packets"),
        (json!({"host": "a.test", "packets": 101}), "packets"),
        (json!({"host": "a.test", "size": 15}), "size"),
        (json!({"host": "a.test", "size": 1401}), "size"),
        (json!({"host": "a.test", "wait": "0s"}), "wait"),
        (json!({"host": "a.test", "expect": {}}), "expect"),
    ] {
        let misfits = build("icmp", settings.clone())
            .err()
            .expect("it cannot work");
        assert_eq!(misfits[0].path, [path], "{settings}");
        assert!(!format!("{misfits:?}").contains("canary"), "{misfits:?}");
    }
    let probe = build("icmp", json!({"host": "a.test"})).expect("it can work");
    assert_eq!(probe.lasts(), Duration::from_secs(3));
    let target = probe.target().expect("it asks one place");
    assert_eq!(&*target.name, "icmp://a.test");
}
