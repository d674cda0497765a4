//! A network of its own for a test that takes the network away: the test runs again in a process of
//! its own, in a network namespace that has loopback and nothing else. What it does to addresses,
//! routes and ports there ends with it and touches nobody.
//!
//! Needs root or unprivileged user namespaces, `unshare` of util-linux and `ip` of iproute2; without
//! them it fails and says so.

use std::process::{Command, Stdio};

/// Set where a test runs inside.
const INSIDE: &str = "SMOKEJUMPER_TEST_INSIDE_NAMESPACE";

/// Runs `test`, given by its whole name, in a network of its own, and fails if it fails there.
pub fn alone(test: &str, inside: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        return runtime.expect("a runtime").block_on(inside);
    }
    let own = std::env::current_exe().expect("the test knows itself");
    let script = "ip link set lo up && exec \"$0\" --exact \"$1\" --nocapture";
    let output = Command::new("unshare")
        .args(rights())
        .args(["--net", "--", "sh", "-c", script])
        .arg(own)
        .arg(test)
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .output()
        .expect("unshare is there; on Debian: apt-get install util-linux iproute2");
    let said = String::from_utf8_lossy(&output.stdout);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{test} alone in its network (which needs root or user namespaces, and `ip`: apt-get install \
         iproute2): {}\n{said}\n{told}",
        output.status
    );
    assert!(said.contains("1 passed"), "{test} ran: {said}\n{told}");
}

/// What lets us make a namespace: we may as we are, or as root of our own users.
pub fn rights() -> &'static [&'static str] {
    let tried = Command::new("unshare").args(["--net", "true"]).output();
    match tried.is_ok_and(|tried| tried.status.success()) {
        true => &[],
        false => &["--map-root-user"],
    }
}

/// Runs `ip` with these arguments, in the network of the test.
pub fn ip(arguments: &str) {
    let status = Command::new("ip")
        .args(arguments.split(' '))
        .status()
        .expect("ip is there; on Debian: apt-get install iproute2");
    assert!(status.success(), "ip {arguments}: {status}");
}

/// Leaves the network of the test with so many local ports, all above 42,000.
pub fn local_ports(count: u16) {
    assert!(std::env::var_os(INSIDE).is_some(), "never of the machine");
    let range = format!("42000 {}", 42_000 + count - 1);
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", range)
        .expect("the ports of a network of one's own can be set");
}
