//! The server that everyone asks: nginx with one worker, which answers from memory and counts.
//!
//! The count is the neutral one: whoever is measured, a probe is a request that nginx has served.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Outcome;
use crate::process::{Cores, Program};

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    _program: Program,
    ports: Ports,
    /// How often it was asked for its count, which it counts as well.
    questions: AtomicU64,
}

/// Where it listens, on each of [`HOSTS`].
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    /// HTTP/1.1 without TLS.
    pub plain: u16,
    /// HTTP/1.1 over TLS 1.3.
    pub tls: u16,
    /// HTTP/2 over TLS 1.3.
    pub two: u16,
}

/// A thousand fresh connections a second use up the ports of one address within half a minute:
/// each address has its own.
pub const HOSTS: [&str; 4] = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"];

/// The path that is probed.
pub const PATH: &str = "/health";

/// The name of the certificate below the folder; it is its own authority.
pub const CERTIFICATE: &str = "certificate.pem";

impl Nginx {
    /// Makes a certificate, starts the server in `folder`, and waits until it answers.
    ///
    /// # Errors
    /// When any of that fails.
    pub async fn start(folder: &Path, cores: Cores<'_>) -> Outcome<Self> {
        certify(folder).await?;
        let ports = Ports {
            plain: free_port()?,
            tls: free_port()?,
            two: free_port()?,
        };
        let written = folder.join("nginx.conf");
        std::fs::write(&written, configuration(folder, ports)?)?;
        let arguments = [
            "-p".as_ref(),
            folder.as_os_str(),
            "-e".as_ref(),
            "stderr".as_ref(),
            "-c".as_ref(),
            written.as_os_str(),
        ];
        let nginx = Self {
            _program: Program::start("nginx", &arguments, cores)?,
            ports,
            questions: AtomicU64::new(0),
        };
        for _ in 0..TRIES {
            if nginx.served().await.is_ok() {
                return Ok(nginx);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err("nginx does not answer".into())
    }

    /// Where it listens.
    pub const fn ports(&self) -> Ports {
        self.ports
    }

    /// How many requests it has served since its start, questions for that left out.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn served(&self) -> Outcome<u64> {
        let mut stream = TcpStream::connect((HOSTS[0], self.ports.plain)).await?;
        let question = "GET /served HTTP/1.1\r\nhost: nginx\r\nconnection: close\r\n\r\n";
        stream.write_all(question.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        // "server accepts handled requests" and a line with the three numbers below it.
        let mut lines = answer.lines();
        lines
            .by_ref()
            .find(|line| line.starts_with("server accepts"))
            .ok_or("nginx counts nothing")?;
        let numbers = lines.next().ok_or("nginx counts nothing")?;
        let served: u64 = numbers
            .split_whitespace()
            .nth(2)
            .ok_or("nginx counts no requests")?
            .parse()?;
        let questions = self.questions.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(served - questions)
    }
}

/// How often it is asked for its first answer.
const TRIES: usize = 100;

/// One worker in one process, so that ending the process by its number ends all of it. Keep-alive
/// without an end: who wants a fresh connection closes the old one.
fn configuration(folder: &Path, ports: Ports) -> Outcome<String> {
    let mut listening = String::new();
    for host in HOSTS {
        writeln!(listening, "    listen {host}:{} backlog=4096;", ports.plain)?;
        writeln!(
            listening,
            "    listen {host}:{} ssl backlog=4096;",
            ports.tls
        )?;
        writeln!(
            listening,
            "    listen {host}:{} ssl http2 backlog=4096;",
            ports.two
        )?;
    }
    let folder = folder.display();
    Ok(format!(
        r#"daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 19000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/client;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_timeout 600s;
  keepalive_requests 1000000000;
  tcp_nodelay on;
  ssl_certificate {folder}/{CERTIFICATE};
  ssl_certificate_key {folder}/key.pem;
  ssl_protocols TLSv1.3;
  ssl_session_tickets on;
  server {{
{listening}
    location = /served {{ stub_status; }}
    location = {PATH} {{
      default_type application/json;
      return 200 '{BODY}';
    }}
  }}
}}
"#
    ))
}

/// What a small health page says.
const BODY: &str = r#"{"status":"ok","version":"1.4.2","checks":{"database":"ok","cache":"ok"}}"#;

fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// A certificate of the usual kind today: a key on P-256, signed with itself.
async fn certify(folder: &Path) -> Outcome<()> {
    let names: Vec<String> = HOSTS.iter().map(|host| format!("IP:{host}")).collect();
    let made = tokio::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "30"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=smokejumper bench"])
        .arg("-addext")
        .arg(format!("subjectAltName={}", names.join(",")))
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(folder.join("key.pem"))
        .arg("-out")
        .arg(folder.join(CERTIFICATE))
        .output()
        .await?;
    if made.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&made.stderr);
    Err(format!("openssl makes no certificate: {why}").into())
}
