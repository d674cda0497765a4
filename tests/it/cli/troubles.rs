//! The prober's own troubles, each brought about for real while the program watches a service on the
//! ECS stand-in: nothing is condemned by them, nothing is changed, and the report says which trouble
//! it was and what to do. A real outage beside them is caught all the same.

use std::net::SocketAddr;
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use smokejumper::rehearsal::incident::Incident;
use smokejumper::rehearsal::toy::Ailment;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::crash::{has_kind, journal};
use super::page::{page, until};
use super::program::{Program, Ran, ended};
use super::watch::{mutations, settings, stage};
use crate::harness::http_peer::{Does, Peer};
use crate::harness::namespace::{alone, ip, local_ports};

/// One service, with the checks that a test brings.
fn configuration(checks: &str) -> String {
    format!(
        "services:\n  shop:\n    deployment: {{ ecs: {{ cluster: demo, service: shop }} }}\n    \
         policy: quick\n\
         defaults: {{ every: 250ms, timeout: 240ms }}\n\
         checks:\n{checks}\
         policies:\n  quick: {{ bake: 8s, warm_up: 0s, min_samples: 20, \
         rollback: {{ arm: true, timeout: 30s }} }}\n"
    )
}

/// A check of a page.
fn check(name: &str, url: &str) -> String {
    format!("  {name}: {{ http: {{ url: \"{url}\" }} }}\n")
}

/// A release under way, on a service that is well or not.
async fn released(ailment: Ailment) -> Incident {
    let incident = stage(ailment, settings()).await;
    incident.release().expect("deployed");
    incident
}

fn program(incident: &Incident, checks: &str) -> Program {
    Program::with(&configuration(checks)).aws(&incident.ecs.endpoint_url())
}

/// How often the platform is asked meanwhile: for some seconds.
const SOME_CALLS: usize = 3;

/// Watches, and lets something happen once the window is open.
async fn watch_while<T>(program: &Program, happens: impl AsyncFnOnce(u32) -> T) -> Ran {
    watch_for(program, "8s", happens).await
}

/// The same with a bake of another length.
async fn watch_for<T>(program: &Program, bake: &str, happens: impl AsyncFnOnce(u32) -> T) -> Ran {
    let started = program.start(&["watch", "--for", bake, "--report", "json"]);
    let id = started.id().expect("running");
    let journal = journal(program);
    until(|| has_kind(&journal, "opened")).await;
    let lasting = happens(id).await;
    let ran = ended(started).await;
    drop(lasting);
    ran
}

/// That nothing was condemned and nothing changed, and that the report names the trouble and says
/// this of it.
fn assert_unproven(incident: &Incident, ran: &Ran, reason: &str, says: &str) -> Value {
    let report = ran.expect(3).json();
    assert_eq!(report["verdict"], "inconclusive", "{}", ran.all());
    assert_eq!(mutations(incident), Vec::<String>::new());
    assert_trouble(&report, ran, reason, says);
    report
}

fn assert_trouble(report: &Value, ran: &Ran, reason: &str, says: &str) {
    let troubles = report["troubles"].as_array().into_iter().flatten();
    let told: Vec<&str> = troubles
        .filter(|trouble| trouble["reason"] == reason)
        .filter_map(|trouble| trouble["text"].as_str())
        .collect();
    assert_eq!(told.len(), 1, "{reason} is told once: {}", ran.all());
    assert!(told[0].contains(says), "{says}: {}", ran.all());
    assert!(told[0].contains("unknown"), "{}", ran.all());
}

fn tell(program: &str, arguments: &[&str]) -> ExitStatus {
    let status = Command::new(program).args(arguments).status();
    status.expect("the program is there; on Debian: apt-get install util-linux procps")
}

/// Lets a process open no more files, or as many again.
fn limit_descriptors(id: u32, limit: &str) {
    let (id, limit) = (id.to_string(), format!("--nofile={limit}:4096"));
    assert!(tell("prlimit", &["--pid", &id, &limit]).success());
}

fn signal(id: u32, name: &str) {
    assert!(tell("kill", &[name, &id.to_string()]).success());
}

/// Fewer than any program that reads a configuration and talks to a platform has open.
const NO_MORE_DESCRIPTORS: &str = "4";

#[tokio::test(flavor = "multi_thread")]
async fn out_of_file_descriptors() {
    let incident = released(Ailment::Healthy).await;
    let checks = check("health", &format!("{}/health", incident.toy.url()));
    let program = program(&incident, &checks);
    let ran = watch_while(&program, async |id| {
        limit_descriptors(id, NO_MORE_DESCRIPTORS);
    })
    .await;
    assert_unproven(&incident, &ran, "exhausted", "raise `ulimit -n`");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_caught_although_descriptors_were_lacking_for_a_while() {
    let incident = released(Ailment::Healthy).await;
    let down = page("500 Internal Server Error", "no").await;
    let program = program(&incident, &check("orders", &down.url("/orders")));
    let ran = watch_for(&program, "30s", async |id| {
        until(|| down.accepted() > 0).await;
        limit_descriptors(id, NO_MORE_DESCRIPTORS);
        // From now on the platform is only asked now and then: the trouble lasts for some samples.
        let calls = incident.ecs.control().calls().len();
        until(|| incident.ecs.control().calls().len() > calls + SOME_CALLS).await;
        limit_descriptors(id, "4096");
    })
    .await;
    let report: Value = ran.json();
    assert_eq!(report["verdict"], "fail", "{}", ran.all());
    assert_trouble(&report, &ran, "exhausted", "raise `ulimit -n`");
    // Whether so many unknown samples let us act is the policy's word, `max_unknown`.
    match ran.code {
        11 => assert_eq!(mutations(&incident).len(), 1),
        12 => assert_eq!(mutations(&incident), Vec::<String>::new()),
        _ => panic!("{}", ran.all()),
    }
}

#[test]
fn without_a_route() {
    alone("cli::troubles::without_a_route", async {
        // The target's address is at first our own; without it, there is no way to it.
        ip("address add 10.77.0.1/32 dev lo");
        let incident = released(Ailment::Healthy).await;
        let page = Page::at("10.77.0.1:0").await;
        let program = program(&incident, &check("health", &page.url()));
        let ran = watch_while(&program, async |_| {
            ip("address del 10.77.0.1/32 dev lo");
        })
        .await;
        assert_unproven(&incident, &ran, "no_route", "has a route to the target");
    });
}

/// The same where no namespace can be made: TCP to a broadcast address has no route on any machine.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_route_from_the_start() {
    let incident = released(Ailment::Healthy).await;
    let program = program(&incident, &check("health", "http://255.255.255.255/"));
    let ran = program.run(&["watch", "--report", "json"]).await;
    assert_unproven(&incident, &ran, "no_route", "has a route to the target");
}

#[test]
fn its_resolver_cannot_be_reached() {
    alone("cli::troubles::its_resolver_cannot_be_reached", async {
        // Whoever /etc/resolv.conf names: there is no way to anybody.
        let incident = released(Ailment::Healthy).await;
        let by_name = check("by-name", "http://shop.example.test/health");
        let by_address = check("by-address", &format!("{}/health", incident.toy.url()));
        let program = program(&incident, &(by_name + &by_address));
        let ran = program.run(&["watch", "--report", "json"]).await;
        let report = assert_unproven(&incident, &ran, "resolver", "name servers answer");
        assert_eq!(report["checks"][0]["verdict"], "inconclusive");
        assert_eq!(report["checks"][1]["unknown"], 0, "{}", ran.all());
        assert_ne!(report["checks"][1]["verdict"], "fail", "{}", ran.all());
    });
}

#[test]
fn an_outage_is_caught_beside_a_resolver_that_cannot_be_reached() {
    alone(
        "cli::troubles::an_outage_is_caught_beside_a_resolver_that_cannot_be_reached",
        async {
            let incident = released(Ailment::Outage).await;
            let by_name = check("by-name", "http://shop.example.test/health");
            let orders = check("orders", &format!("{}/orders", incident.toy.url()));
            let program = program(&incident, &(by_name + &orders));
            let ran = program.run(&["watch", "--report", "json"]).await;
            // It is proven, and told; by a machine that half of the time cannot look, it is left to
            // a person to act.
            let report = ran.expect(12).json();
            assert_eq!(report["verdict"], "fail", "{}", ran.all());
            assert_eq!(report["rollback"]["outcome"], "refused");
            assert_trouble(&report, &ran, "resolver", "name servers answer");
            assert_eq!(mutations(&incident), Vec::<String>::new());
        },
    );
}

#[test]
fn its_local_ports_are_used_up() {
    alone("cli::troubles::its_local_ports_are_used_up", async {
        local_ports(200);
        let incident = released(Ailment::Healthy).await;
        let url = format!("{}/health", incident.toy.url());
        let program = program(&incident, &check("health", &url));
        let address = incident.toy.url();
        let address = address.trim_start_matches("http://");
        let ran = watch_while(&program, async |_| all_ports_to(address).await).await;
        assert_unproven(&incident, &ran, "exhausted", "local ports");
    });
}

/// Takes every local port that leads to an address.
async fn all_ports_to(address: &str) -> Vec<TcpStream> {
    let mut held = Vec::new();
    loop {
        match TcpStream::connect(address).await {
            Ok(stream) => held.push(stream),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::AddrNotAvailable);
                return held;
            }
        }
    }
}

/// Longer than what is left of the window: the program wakes up when it should have ended.
const AWAY: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn the_machine_stands_still() {
    let incident = released(Ailment::Healthy).await;
    // A run is always under way when the machine stands still.
    let page = Page::slow("127.0.0.1:0", Duration::from_millis(200)).await;
    let program = program(&incident, &check("health", &page.url()));
    let ran = watch_while(&program, async |id| {
        until(|| page.is_asked()).await;
        signal(id, "-STOP");
        tokio::time::sleep(AWAY).await;
        signal(id, "-CONT");
    })
    .await;
    assert_unproven(&incident, &ran, "starved", "more CPU");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_control_check_reaches_either_is_no_outage() {
    let incident = released(Ailment::Healthy).await;
    let hangs = Peer::start(Does::Hangs).await;
    let internet = format!(
        "  internet: {{ http: {{ url: \"{}\" }}, control: true }}\n",
        hangs.url("/")
    );
    let health = check("health", &hangs.url("/health"));
    let judged = program(&incident, &(health.clone() + &internet));
    let ran = judged.run(&["watch", "--report", "json"]).await;
    let report = assert_unproven(&incident, &ran, "offline", "this machine's network");
    let ids: Vec<&Value> = report["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|check| &check["id"])
        .collect();
    assert_eq!(ids, ["health"], "a control is not judged");
    let notes = report["warnings"].to_string();
    assert!(notes.contains("internet was not reached"), "{notes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_control_check_reaches_well_is_an_outage() {
    let incident = released(Ailment::Healthy).await;
    let hangs = Peer::start(Does::Hangs).await;
    let internet = format!(
        "  internet: {{ http: {{ url: \"{}/health\" }}, control: true }}\n",
        incident.toy.url()
    );
    let health = check("health", &hangs.url("/health"));
    let program = program(&incident, &(health + &internet));
    let ran = program.run(&["watch", "--report", "json"]).await;
    let report = ran.json();
    assert_eq!(report["verdict"], "fail", "{}", ran.all());
    assert_eq!(report["decision"]["action"], "roll_back");
    assert_eq!(mutations(&incident).len(), 1, "{}", ran.all());
    assert_eq!(report["troubles"], Value::Null, "{}", ran.all());
}

/// A page that is well, at an address of its own.
struct Page {
    address: SocketAddr,
    asked: Arc<AtomicBool>,
    _serving: AbortOnDropHandle<()>,
}

impl Page {
    async fn at(address: &str) -> Self {
        Self::slow(address, Duration::ZERO).await
    }

    /// The same, after a while.
    async fn slow(address: &str, after: Duration) -> Self {
        let listener = TcpListener::bind(address)
            .await
            .expect("the address is ours");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&asked);
        let serving = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                seen.store(true, Ordering::SeqCst);
                open.spawn(answer(stream, after));
            }
        });
        Self {
            address,
            asked,
            _serving: AbortOnDropHandle::new(serving),
        }
    }

    fn url(&self) -> String {
        format!("http://{}/health", self.address)
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

/// Answers one request. Whoever asked may be gone: that is no matter here.
async fn answer(mut stream: TcpStream, after: Duration) -> Option<()> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
    tokio::time::sleep(after).await;
    let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    stream.write_all(answer).await.ok()
}
