//! A real Prometheus server on a free port, ended when the test ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::postgres::free_port;
use super::tools;

/// A running server. Dropping it ends the process.
pub struct Prometheus {
    process: Child,
    folder: TempDir,
    port: u16,
}

impl Prometheus {
    /// Starts a server that scrapes these targets once a second, besides itself, and waits until it
    /// answers.
    pub async fn scraping(targets: &[String]) -> Self {
        Self::start(targets, &[]).await
    }

    /// Starts a server with more arguments on its command line.
    pub async fn start(targets: &[String], arguments: &[String]) -> Self {
        Self::with_rules(targets, &[], arguments).await
    }

    /// Starts a server that has these files of rules as well.
    pub async fn with_rules(targets: &[String], rules: &[PathBuf], arguments: &[String]) -> Self {
        let port = free_port();
        let own = vec![format!("127.0.0.1:{port}")];
        let jobs = [job("prometheus", &own), job("service", targets)];
        let settings = json!({ "global": often(), "scrape_configs": jobs, "rule_files": rules });
        Self::run(port, &settings, arguments).await
    }

    /// Starts a server that takes over the `instance` and `job` of what these targets tell.
    pub async fn honouring(targets: &[String]) -> Self {
        let mut honoured = job("service", targets);
        honoured["honor_labels"] = json!(true);
        let settings = json!({ "global": often(), "scrape_configs": [honoured] });
        Self::run(free_port(), &settings, &[]).await
    }

    async fn run(port: u16, settings: &Value, arguments: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let configuration = folder.path().join("prometheus.yml");
        // JSON is YAML.
        fs::write(&configuration, settings.to_string()).expect("the folder is writable");
        let process = command(folder.path(), port, arguments);
        let mut server = Self {
            process,
            folder,
            port,
        };
        server.wait_until_ready().await;
        // What it counts of its requests appears with the first of them.
        server.answer_of("/metrics").await;
        server
    }

    /// The address of a path on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The whole answer to a GET of a path.
    pub async fn answer_of(&self, path: &str) -> String {
        let place = ("127.0.0.1", self.port);
        let mut stream = TcpStream::connect(place).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        let sent = stream.write_all(request.as_bytes()).await;
        sent.expect("it takes a request");
        let mut answer = String::new();
        let read = stream.read_to_string(&mut answer).await;
        read.expect("it answers in text");
        answer
    }

    /// The data of its answer to a path of its API with these parameters.
    pub async fn api(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(parameters).finish();
        let answer = self.answer_of(&format!("/api/v1/{path}?{query}")).await;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let mut read: Value =
            serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
        assert_eq!(read["status"], "success", "{path} {parameters:?}: {read}");
        read["data"].take()
    }

    /// Waits until a query finds something.
    pub async fn has(&self, query: &str) {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let path = format!("/api/v1/query?query={query}");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !self.answer_of(&path).await.contains("\"value\"") {
            let now = tokio::time::Instant::now();
            assert!(now < deadline, "Prometheus does not find {query}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn wait_until_ready(&mut self) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while !self.log().contains("Server is ready") {
            let ended = self.process.try_wait().expect("the process can be asked");
            assert!(
                ended.is_none() && tokio::time::Instant::now() < deadline,
                "Prometheus does not come up: {}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A job of scraping.
fn job(name: &str, targets: &[String]) -> Value {
    json!({ "job_name": name, "static_configs": [{ "targets": targets }] })
}

/// How often it scrapes.
fn often() -> Value {
    json!({ "scrape_interval": "1s", "scrape_timeout": "1s" })
}

/// The server as a process that ends with this test, however the test ends.
fn command(folder: &Path, port: u16, arguments: &[String]) -> Child {
    let log = fs::File::create(folder.join("log")).expect("the folder is writable");
    let argument = |name: &str, path: &str| format!("--{name}={}", folder.join(path).display());
    Command::new(tools::program("setpriv", &[]))
        .args(["--pdeathsig", "KILL"])
        .arg(tools::program("prometheus", &[]))
        .arg(argument("config.file", "prometheus.yml"))
        .arg(argument("storage.tsdb.path", "data"))
        .arg(format!("--web.listen-address=127.0.0.1:{port}"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("Prometheus starts")
}
