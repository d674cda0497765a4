//! A real Redis on a free port, ended when the test ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::certificates::{Authority, ServerCertificate};
use super::postgres::free_port;
use super::tools;

/// A running server that asks for [`PASSWORD`]. Dropping it ends the process.
pub struct Redis {
    process: Child,
    folder: TempDir,
    port: u16,
    authority: Option<Authority>,
}

/// The password of every server; appears in no output.
pub const PASSWORD: &str = "canary-redis-91c4@/:#";
/// `PASSWORD` as it must stand in a URL.
pub const PASSWORD_IN_URL: &str = "canary-redis-91c4%40%2F%3A%23";

impl Redis {
    /// Starts a server without TLS and waits until it answers.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server with more lines of `redis.conf` and waits until it accepts connections.
    pub async fn start_with(lines: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let mut settings = vec![format!("port {port}")];
        settings.extend(lines.iter().map(|line| (*line).to_owned()));
        Self::launch(folder, port, None, &settings).await
    }

    /// Starts a sentinel that watches this server under the name `mymaster` and takes so many of its
    /// like for a quorum.
    pub async fn sentinel_of(primary: &Self, quorum: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = free_port();
        let watched = primary.port();
        let lines = [
            "bind 127.0.0.1 -::1".to_owned(),
            format!("port {port}"),
            format!("requirepass {PASSWORD}"),
            format!("sentinel monitor mymaster 127.0.0.1 {watched} {quorum}"),
            format!("sentinel auth-pass mymaster {PASSWORD}"),
            "sentinel down-after-milliseconds mymaster 500".to_owned(),
        ];
        Self::begin(folder, port, None, &lines, &["--sentinel"]).await
    }

    /// Starts a server that speaks nothing but TLS, signed by [`Redis::ca`].
    pub async fn start_with_tls() -> Self {
        Self::start_with_certificate(Authority::server).await
    }

    /// The same with a certificate that expired years ago.
    pub async fn start_expired() -> Self {
        Self::start_with_certificate(Authority::expired).await
    }

    async fn start_with_certificate(certificate: fn(&Authority) -> ServerCertificate) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let authority = Authority::new();
        let files = certificate(&authority);
        let port = free_port();
        let settings = [
            "port 0".to_owned(),
            format!("tls-port {port}"),
            format!("tls-cert-file {}", files.certificate.display()),
            format!("tls-key-file {}", files.key.display()),
            format!("tls-ca-cert-file {}", authority.ca().display()),
            "tls-auth-clients no".to_owned(),
        ];
        Self::launch(folder, port, Some(authority), &settings).await
    }

    /// The server's address with its password; `tail` follows the port: `/2`.
    pub fn url(&self, tail: &str) -> String {
        let scheme = if self.authority.is_some() {
            "rediss"
        } else {
            "redis"
        };
        format!(
            "{scheme}://:{PASSWORD_IN_URL}@localhost:{}{tail}",
            self.port
        )
    }

    /// The port on every loopback address.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The file with the authority that signed the server's certificate: what `tls.ca` names.
    pub fn ca(&self) -> PathBuf {
        self.authority.as_ref().expect("the server speaks TLS").ca()
    }

    /// Runs a command through the server's own client and returns what it prints.
    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new(tools::program("redis-cli", &[]))
            .args([
                "-h",
                "localhost",
                "-p",
                &self.port.to_string(),
                "--no-auth-warning",
            ])
            .args(["-a", PASSWORD])
            .args(arguments)
            .output()
            .expect("redis-cli starts");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Ends the server at once.
    pub fn stop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }

    /// Ends the server and starts it again as it was.
    pub async fn restart(&mut self) {
        self.stop();
        let folder = self.folder.path();
        fs::write(folder.join("log"), "").expect("the folder is writable");
        self.process = command(&folder.join("redis.conf"))
            .current_dir(folder)
            .spawn()
            .expect("Redis starts");
        self.wait_until_ready().await;
    }

    async fn launch(
        folder: TempDir,
        port: u16,
        authority: Option<Authority>,
        settings: &[String],
    ) -> Self {
        let mut lines = vec![
            "bind 127.0.0.1 -::1".to_owned(),
            format!("requirepass {PASSWORD}"),
            format!("masterauth {PASSWORD}"),
            "save \"\"".to_owned(),
            "appendonly no".to_owned(),
        ];
        lines.extend(settings.iter().cloned());
        Self::begin(folder, port, authority, &lines, &[]).await
    }

    async fn begin(
        folder: TempDir,
        port: u16,
        authority: Option<Authority>,
        lines: &[String],
        arguments: &[&str],
    ) -> Self {
        let configuration = folder.path().join("redis.conf");
        fs::write(&configuration, lines.join("\n")).expect("the folder is writable");
        let process = command(&configuration)
            .args(arguments)
            .current_dir(folder.path())
            .spawn()
            .expect("Redis starts");
        let mut server = Self {
            process,
            folder,
            port,
            authority,
        };
        server.wait_until_ready().await;
        server
    }

    async fn wait_until_ready(&mut self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        // A sentinel says who it is instead.
        let is_ready = |log: String| {
            log.contains("Ready to accept connections") || log.contains("Sentinel ID is")
        };
        while !is_ready(self.log()) {
            let ended = self.process.try_wait().expect("the process can be asked");
            assert!(
                ended.is_none() && tokio::time::Instant::now() < deadline,
                "Redis does not come up: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The server as a command that ends with this test, however the test ends.
fn command(configuration: &Path) -> Command {
    let mut command = Command::new(tools::program("setpriv", &[]));
    command
        .args(["--pdeathsig", "KILL"])
        .arg(tools::program("redis-server", &[]))
        .arg(configuration)
        .args(["--logfile", "log", "--daemonize", "no"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
