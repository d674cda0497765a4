//! A real MariaDB, in a data folder of its own, on a free port, ended when the test ends.
//!
//! The server refuses to run as root, so that a test run as root starts it as another user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::certificates::{Authority, ServerCertificate};
use super::postgres::{Held, Owner, free_port};
use super::tools;

/// A running server. Dropping it ends the process and removes the folder.
pub struct MariaDb {
    process: Child,
    folder: TempDir,
    authority: Option<Authority>,
    port: u16,
}

/// The user of every server who may do anything.
pub const USER: &str = "smoke";
/// The password of every server; appears in no output.
pub const PASSWORD: &str = "canary-my-5d21@/:#";
/// `PASSWORD` as it must stand in a URL.
pub const PASSWORD_IN_URL: &str = "canary-my-5d21%40%2F%3A%23";

impl MariaDb {
    /// Starts a server without TLS and waits until it answers.
    pub async fn start() -> Self {
        Self::start_with(None, &[]).await
    }

    /// Starts a server that offers TLS with this certificate, and demands nothing.
    pub async fn start_with_tls(certificate: fn(&Authority) -> ServerCertificate) -> Self {
        Self::start_with(Some(certificate), &[]).await
    }

    /// Starts a server with more options and waits until it answers.
    pub async fn start_with(
        certificate: Option<fn(&Authority) -> ServerCertificate>,
        options: &[&str],
    ) -> Self {
        let owner = Owner::of_servers();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        owner.own(folder.path());
        create(folder.path(), owner);
        let mut all: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let authority = certificate.map(|certificate| {
            let authority = Authority::new();
            let files = certificate(&authority);
            for (file, option, name) in [
                (&files.certificate, "ssl-cert", "server.crt"),
                (&files.key, "ssl-key", "server.key"),
            ] {
                let copy = folder.path().join(name);
                fs::copy(file, &copy).expect("the folder is writable");
                owner.own(&copy);
                all.push(format!("--{option}={}", copy.display()));
            }
            authority
        });
        let port = free_port();
        let process = launch(folder.path(), owner, port, &all);
        let mut server = Self {
            process,
            folder,
            authority,
            port,
        };
        server.wait_until_ready().await;
        server.as_root(&format!(
            "create user {USER} identified by '{PASSWORD}'; grant all on *.* to {USER} with grant option; \
             create database shop"
        ));
        server
    }

    /// Starts a replica of this server, which follows it, and waits until it does.
    pub async fn replica(&self) -> Self {
        let replica = Self::start_with(None, &["--server-id=2"]).await;
        let port = self.port;
        let status = self.run("show master status");
        let (file, rest) = status.split_once('\t').expect("it writes a log");
        let position = rest.split('\t').next().expect("a position");
        replica.run(&format!(
            "change master to master_host = '127.0.0.1', master_port = {port}, master_user = '{USER}', \
             master_password = '{PASSWORD}', master_log_file = '{file}', master_log_pos = {position}; \
             start slave"
        ));
        replica
    }

    /// The address of the database `shop` with user and password; `tail` follows its name.
    pub fn url(&self, tail: &str) -> String {
        let port = self.port;
        format!("mysql://{USER}:{PASSWORD_IN_URL}@localhost:{port}/shop{tail}")
    }

    /// The address of another login, without a password that is kept secret.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("mysql://{user}:{password}@localhost:{}/shop", self.port)
    }

    /// The port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The file with the authority that signed the server's certificate: what `tls.ca` names.
    pub fn ca(&self) -> PathBuf {
        self.authority.as_ref().expect("the server offers TLS").ca()
    }

    /// Runs SQL through the server's own client and returns what it prints.
    pub fn run(&self, sql: &str) -> String {
        let output = self.client(sql).output().expect("the client starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {complaint}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Begins a session of its own that runs this SQL until it is dropped.
    pub fn hold(&self, sql: &str) -> Held {
        let mut client = self.client(sql);
        client.stdout(Stdio::null()).stderr(Stdio::null());
        Held::of(client.spawn().expect("the client starts"))
    }

    /// Asks until the server prints this; fails the test when it never does.
    pub async fn until(&self, sql: &str, expected: &str) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        loop {
            let said = self.run(sql);
            if said == expected {
                return;
            }
            let late = tokio::time::Instant::now() > deadline;
            assert!(!late, "{sql}: expected {expected}, got {said}");
            // What InnoDB tells of transactions is renewed only when nobody asked for a tenth of a
            // second.
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// Ends the server at once; clients see their connections end.
    pub fn stop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }

    fn client(&self, sql: &str) -> Command {
        let mut client = Command::new(tools::program("mariadb", &[]));
        client
            .args(["--no-defaults", "--protocol=tcp", "--host=127.0.0.1"])
            .args(["--batch", "--skip-column-names", "--skip-ssl"])
            .arg(format!("--port={}", self.port))
            .arg(format!("--user={USER}"))
            .env("MYSQL_PWD", PASSWORD)
            .args(["--database=shop", "--execute", sql])
            .stdin(Stdio::null());
        client
    }

    /// Runs SQL as the user that a new server has, over its socket.
    fn as_root(&self, sql: &str) {
        let output = Command::new(tools::program("mariadb", &[]))
            .args(["--no-defaults", "--user=root", "--execute", sql])
            .arg(format!(
                "--socket={}",
                self.folder.path().join("socket").display()
            ))
            .output()
            .expect("the client starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
    }

    async fn wait_until_ready(&mut self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !self.log().contains("ready for connections") {
            let ended = self.process.try_wait().expect("the process can be asked");
            assert!(
                ended.is_none() && tokio::time::Instant::now() < deadline,
                "MariaDB does not come up: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.stop();
    }
}

fn create(folder: &Path, owner: Owner) {
    let output = owner
        .command(&tools::program("mariadb-install-db", &[]))
        .args(["--no-defaults", "--auth-root-authentication-method=normal"])
        .args(["--skip-test-db", "--skip-name-resolve"])
        .arg(format!("--datadir={}", folder.join("data").display()))
        // Servers that are made at the same time take the same names for temporary files.
        .env("TMPDIR", folder)
        .current_dir(folder)
        .output()
        .expect("mariadb-install-db starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "mariadb-install-db: {complaint}");
}

fn launch(folder: &Path, owner: Owner, port: u16, options: &[String]) -> Child {
    let log = fs::File::create(folder.join("log")).expect("the folder is writable");
    let path = |name: &str| folder.join(name).display().to_string();
    owner
        .command(&tools::program(
            "mariadbd",
            &[PathBuf::from("/usr/sbin/mariadbd")],
        ))
        .arg("--no-defaults")
        .arg(format!("--datadir={}", path("data")))
        .arg(format!("--socket={}", path("socket")))
        .arg(format!("--pid-file={}", path("pid")))
        .arg(format!("--port={port}"))
        .args([
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--server-id=1",
        ])
        .args(["--log-bin=log-bin", "--innodb-flush-log-at-trx-commit=0"])
        .args(["--innodb-buffer-pool-size=16M", "--performance-schema=off"])
        .args(options)
        .env("TMPDIR", folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("MariaDB starts")
}
