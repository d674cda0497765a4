//! A real name server, dnsmasq, on a free port of loopback, with a small zone of its own; ended with
//! the test.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::UdpSocket;

use super::tools;

/// A running server. Dropping it ends the process.
pub struct Dnsmasq {
    process: Child,
    address: SocketAddr,
}

/// What it knows. Long texts make an answer that fits no datagram.
const ZONE: &[&str] = &[
    "--host-record=api.test,192.0.2.1",
    "--host-record=api.test,192.0.2.2",
    "--host-record=api.test,2001:db8::1",
    "--cname=www.test,api.test",
    "--mx-host=test,mail.test,10",
    "--mx-host=test,backup.test,20",
    "--txt-record=test,v=spf1 -all",
    "--txt-record=test,google-site-verification=abc",
    "--srv-host=_api._tcp.test,api.test,443,0,5",
    "--ptr-record=7.2.0.192.in-addr.arpa,named.test",
    "--caa-record=test,0,issue,letsencrypt.org",
    "--address=/gone.test/",
    "--local=/test/",
    "--local-ttl=300",
];

impl Dnsmasq {
    /// Starts one and waits until it answers.
    pub async fn start() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().await));
        let long = "x".repeat(200);
        let texts = (0..20).map(|n| format!("--txt-record=long.test,{n}-{long}"));
        let process = Command::new(tools::program("setpriv", &[]))
            .args(["--pdeathsig", "KILL"])
            .arg(tools::program(
                "dnsmasq",
                &[PathBuf::from("/usr/sbin/dnsmasq")],
            ))
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--pid-file=",
            ])
            .args(["--no-resolv", "--no-hosts", "--bind-interfaces"])
            .args(["--listen-address=127.0.0.1", "--user=root"])
            .arg(format!("--port={}", address.port()))
            .args(ZONE)
            .args(texts)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dnsmasq starts");
        let mut server = Self { process, address };
        server.wait_until_ready().await;
        server
    }

    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    async fn wait_until_ready(&mut self) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        socket
            .connect(self.address)
            .await
            .expect("loopback is there");
        // An empty question under a number: whoever answers is there.
        let question = [7, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while tokio::time::Instant::now() < deadline {
            let ended = self.process.try_wait().expect("the process can be asked");
            assert!(ended.is_none(), "dnsmasq does not come up: {ended:?}");
            // Refused while nobody listens: asked again.
            socket.send(&question).await.ok();
            let answer = tokio::time::timeout(PAUSE, socket.recv(&mut [0; 512])).await;
            if matches!(answer, Ok(Ok(1..))) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("dnsmasq does not answer");
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// How long an answer, and then the next question, is waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// A port of loopback that is free for both UDP and TCP.
async fn free_port() -> u16 {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = udp.local_addr().expect("it is bound");
        if std::net::TcpListener::bind(address).is_ok() {
            return address.port();
        }
    }
    panic!("no port is free for both UDP and TCP");
}
