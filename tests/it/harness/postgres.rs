//! A real PostgreSQL, in a data folder of its own, on a free port, ended when the test ends.
//!
//! The server refuses to run as root, so that a test run as root starts it as `postgres` or
//! `nobody`. Every login asks for a password (SCRAM); `Tls` says what the server makes of TLS.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::certificates::Authority;
use super::tools;

/// What the server makes of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It offers none.
    Off,
    /// It offers it.
    Offered,
    /// It lets nobody in without.
    Required,
    /// It offers it, with a certificate that expired years ago.
    Expired,
}

/// A running server. Dropping it ends the process and removes the folder.
pub struct Postgres {
    process: Child,
    folder: TempDir,
    authority: Option<Authority>,
    port: u16,
}

/// A session of another client, ended when it is dropped.
pub struct Held(Child);

impl Held {
    /// The session of this client.
    pub const fn of(client: Child) -> Self {
        Self(client)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// The superuser of every server.
pub const USER: &str = "smoke";
/// The password of every server; appears in no output.
pub const PASSWORD: &str = "canary-pg-7f3a@/:#";
/// `PASSWORD` as it must stand in a URL.
pub const PASSWORD_IN_URL: &str = "canary-pg-7f3a%40%2F%3A%23";

impl Postgres {
    /// Starts a server without TLS and waits until it answers.
    pub async fn start() -> Self {
        Self::start_with(Tls::Off, &[]).await
    }

    /// Starts a server with these settings of `postgresql.conf` and waits until it answers.
    pub async fn start_with(tls: Tls, settings: &[(&str, &str)]) -> Self {
        let owner = Owner::of_servers();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        owner.own(folder.path());
        create_cluster(folder.path(), owner);
        let authority = (tls != Tls::Off).then(|| install_certificate(folder.path(), owner, tls));
        admit(folder.path(), tls);
        let port = free_port();
        let process = launch(folder.path(), owner, port, tls, settings);
        let mut server = Self {
            process,
            folder,
            authority,
            port,
        };
        server.wait_until_ready().await;
        server
    }

    /// Starts a replica of this server, which streams from it, and waits until it answers.
    pub async fn replica(&self) -> Self {
        let owner = Owner::of_servers();
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        owner.own(folder.path());
        let output = owner
            .command(&program("pg_basebackup"))
            .arg("--pgdata")
            .arg(folder.path().join("data"))
            .args(["--checkpoint", "fast", "--wal-method", "stream"])
            .args(["--write-recovery-conf", "--no-sync", "--dbname"])
            .arg(self.url(""))
            .current_dir(folder.path())
            .output()
            .expect("pg_basebackup starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "pg_basebackup: {complaint}");
        let port = free_port();
        let process = launch(folder.path(), owner, port, Tls::Off, &[]);
        let mut server = Self {
            process,
            folder,
            authority: None,
            port,
        };
        server.wait_until_ready().await;
        server
    }

    /// Begins a session of its own that runs this SQL, as one transaction, until it is dropped.
    pub fn hold(&self, sql: &str) -> Held {
        let client = Command::new(program("psql"))
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(self.url("?application_name=held"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("psql starts");
        Held(client)
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
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The address of another login, without a password that is kept secret.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!(
            "postgres://{user}:{password}@localhost:{}/postgres",
            self.port
        )
    }

    /// The address of the database `postgres` with user and password; `tail` is what follows the
    /// database's name: `?sslmode=disable`.
    pub fn url(&self, tail: &str) -> String {
        let port = self.port;
        format!("postgres://{USER}:{PASSWORD_IN_URL}@localhost:{port}/postgres{tail}")
    }

    /// The port on every loopback address.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The file with the authority that signed the server's certificate: what `tls.ca` names.
    pub fn ca(&self) -> PathBuf {
        self.authority.as_ref().expect("the server offers TLS").ca()
    }

    /// Runs SQL as the superuser through the server's own client and returns what it prints.
    pub fn run(&self, sql: &str) -> String {
        let output = Command::new(program("psql"))
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(self.url(""))
            .output()
            .expect("psql starts");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {complaint}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What the server has logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Halts the server and all its sessions, as a machine that hangs would: connections stand, and
    /// nothing answers.
    pub fn halt(&self) {
        self.signal("-STOP");
    }

    /// Lets a server go on that was halted.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let server = self.process.id();
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children"));
        let children = children.unwrap_or_default();
        let server = server.to_string();
        // The one that makes sessions first, so that none is missed.
        let all = std::iter::once(server.as_str()).chain(children.split_whitespace());
        let sent = Command::new("kill").arg(signal).args(all).status();
        assert!(sent.is_ok(), "kill runs");
    }

    /// Ends the server at once; clients see their connections end.
    pub fn stop(&mut self) {
        // What is halted hears nothing else.
        self.signal("-CONT");
        // SIGQUIT: PostgreSQL's immediate shutdown, which takes its child processes along.
        let asked = Command::new("kill")
            .args(["-QUIT", &self.process.id().to_string()])
            .stderr(Stdio::null())
            .status();
        if !asked.is_ok_and(|status| status.success()) {
            self.process.kill().ok();
        }
        self.process.wait().ok();
    }

    /// Ends the server and starts it again, on the same port and without settings.
    pub async fn restart(&mut self) {
        self.stop();
        let owner = Owner::of_servers();
        self.process = launch(self.folder.path(), owner, self.port, Tls::Off, &[]);
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&mut self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !self.is_ready() {
            let ended = self.process.try_wait().expect("the process can be asked");
            assert!(
                ended.is_none() && tokio::time::Instant::now() < deadline,
                "PostgreSQL does not come up: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn is_ready(&self) -> bool {
        let log = self.log();
        // A replica says that its connections only read.
        ["connections", "read-only connections"]
            .iter()
            .any(|what| log.contains(&format!("database system is ready to accept {what}")))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The port of loopback that the system gives out next.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    listener.local_addr().expect("it is bound").port()
}

/// Whom the servers run as: ourselves, or a system user when we are root.
#[derive(Clone, Copy)]
pub struct Owner(Option<(u32, u32)>);

impl Owner {
    /// Ourselves, or `postgres` or `nobody` when we are root.
    pub fn of_servers() -> Self {
        let ourselves = fs::metadata("/proc/self").expect("Linux tells who we are");
        Self((ourselves.uid() == 0).then(|| {
            ["postgres", "nobody"]
                .iter()
                .find_map(|name| account(name))
                .expect("there is a user who is not root")
        }))
    }

    /// Hands a file over.
    pub fn own(self, path: &Path) {
        if let Some((user, group)) = self.0 {
            chown(path, Some(user), Some(group)).expect("root may hand a file over");
        }
    }

    /// A command that runs `program` as the owner and ends with this test, however it ends.
    pub fn command(self, program: &Path) -> Command {
        let mut command = Command::new(tools::program("setpriv", &[]));
        if let Some((user, group)) = self.0 {
            command.args([
                format!("--reuid={user}"),
                format!("--regid={group}"),
                "--clear-groups".to_owned(),
            ]);
        }
        command.args(["--pdeathsig", "QUIT"]).arg(program);
        command
    }
}

/// The numbers of a user and of its group.
fn account(name: &str) -> Option<(u32, u32)> {
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    let line = accounts
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let fields: Vec<&str> = line.split(':').collect();
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

/// A program of the newest PostgreSQL that is installed.
fn program(name: &str) -> PathBuf {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin").join(name))
        .collect();
    versions.sort();
    versions.reverse();
    tools::program(name, &versions)
}

fn create_cluster(folder: &Path, owner: Owner) {
    let password_file = folder.join("password");
    fs::write(&password_file, PASSWORD).expect("the folder is writable");
    owner.own(&password_file);
    let output = owner
        .command(&program("initdb"))
        .arg("--pgdata")
        .arg(folder.join("data"))
        .arg("--pwfile")
        .arg(&password_file)
        .args(["--username", USER, "--auth", "scram-sha-256"])
        .args(["--no-sync", "--no-locale", "--encoding", "UTF8"])
        .current_dir(folder)
        .output()
        .expect("initdb starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "initdb: {complaint}");
}

/// Puts a certificate beside the data, for the server's eyes only.
fn install_certificate(folder: &Path, owner: Owner, tls: Tls) -> Authority {
    let authority = Authority::new();
    let files = match tls {
        Tls::Expired => authority.expired(),
        Tls::Off | Tls::Offered | Tls::Required => authority.server(),
    };
    for (file, name) in [
        (&files.certificate, "server.crt"),
        (&files.key, "server.key"),
    ] {
        let copy = folder.join(name);
        fs::copy(file, &copy).expect("the folder is writable");
        owner.own(&copy);
    }
    authority
}

/// Says who may log in, and how.
fn admit(folder: &Path, tls: Tls) {
    let kind = if tls == Tls::Required {
        "hostssl"
    } else {
        "host"
    };
    let of_all = |database: &str| {
        let every = ["0.0.0.0/0", "::/0"];
        every
            .map(|from| format!("{kind} {database} all {from} scram-sha-256\n"))
            .concat()
    };
    // Replication is a database of its own to these rules.
    let rules = of_all("all") + &of_all("replication");
    fs::write(folder.join("data/pg_hba.conf"), rules).expect("the folder is writable");
}

fn launch(folder: &Path, owner: Owner, port: u16, tls: Tls, settings: &[(&str, &str)]) -> Child {
    let log = fs::File::create(folder.join("log")).expect("the folder is writable");
    let errors = log.try_clone().expect("a descriptor is free");
    let mut command = owner.command(&program("postgres"));
    command.arg("-D").arg(folder.join("data"));
    let path = |name: &str| folder.join(name).display().to_string();
    let mut all = vec![
        ("port", port.to_string()),
        ("listen_addresses", "localhost".to_owned()),
        ("unix_socket_directories", folder.display().to_string()),
        ("fsync", "off".to_owned()),
        ("shared_buffers", "8MB".to_owned()),
        ("dynamic_shared_memory_type", "mmap".to_owned()),
        ("log_destination", "stderr".to_owned()),
    ];
    if tls != Tls::Off {
        all.push(("ssl", "on".to_owned()));
        all.push(("ssl_cert_file", path("server.crt")));
        all.push(("ssl_key_file", path("server.key")));
    }
    all.extend(
        settings
            .iter()
            .map(|(key, value)| (*key, (*value).to_owned())),
    );
    for (key, value) in all {
        command.arg("-c").arg(format!("{key}={value}"));
    }
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .spawn()
        .expect("PostgreSQL starts")
}
