//! anvil: a real EVM node on a free port. It mines only when told, and ends when it is dropped.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::tools;

/// A running anvil.
pub struct Anvil {
    child: Child,
    port: u16,
}

impl Anvil {
    /// Starts a node whose clock stands so many seconds behind this machine's.
    pub async fn behind(seconds: u64) -> Self {
        let now = jiff::Timestamp::now().as_second();
        let genesis = u64::try_from(now).expect("after 1970") - seconds;
        tokio::task::spawn_blocking(move || Self::launch(&["--timestamp", &genesis.to_string()]))
            .await
            .expect("it works")
    }

    /// Starts a node.
    pub async fn start() -> Self {
        tokio::task::spawn_blocking(|| Self::launch(&[]))
            .await
            .expect("it works")
    }

    fn launch(options: &[&str]) -> Self {
        let mut child = Command::new(program())
            .args(["--port", "0", "--host", "127.0.0.1", "--accounts", "1"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("anvil starts");
        let stdout = child.stdout.take().expect("its output is piped");
        // Its output is read to its end, so that a full pipe never stops it.
        let (port, announced) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(place) = line.strip_prefix("Listening on ") {
                    let announced = place.rsplit(':').next().and_then(|port| port.parse().ok());
                    if port.try_send(announced).is_err() {
                        continue;
                    }
                }
            }
        });
        let port = announced
            .recv_timeout(STARTS_WITHIN)
            .expect("anvil says where it listens")
            .expect("anvil says a port");
        Self { child, port }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes so many blocks now.
    pub async fn mine(&self, blocks: u64) {
        self.call("anvil_mine", json!([format!("{blocks:#x}")]))
            .await;
    }

    /// Ends the process, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let body = body.to_string();
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port))
            .await
            .expect("it works");
        let length = body.len();
        let request = format!(
            "POST / HTTP/1.1\r\nhost: anvil\r\ncontent-type: application/json\r\n\
             connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream
            .write_all(request.as_bytes())
            .await
            .expect("anvil takes requests");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .expect("anvil answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let answer: Value = serde_json::from_str(body).expect("JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        // It may have been killed already: what counts is that it runs no longer.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program itself, not the script that npm puts before it: a killed script leaves its child.
fn program() -> std::path::PathBuf {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let package = format!("node_modules/@foundry-rs/anvil-{system}-{machine}/bin/anvil");
    tools::program("anvil", &[tools::folder().join(package)])
}

/// How long a loaded machine may need to start it.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
