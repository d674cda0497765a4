//! Real servers that come from PyPI: started as small programs of `tests/servers/`, each on a free
//! port that it prints as its first line when it is ready, ended with the test.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::tools;

/// A running program. Dropping it ends the process.
pub struct PythonServer {
    process: Child,
    port: u16,
}

impl PythonServer {
    /// Starts a program of `tests/servers/` and waits until it says where it listens.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/servers")
            .join(program);
        let mut process = Command::new(tools::program("setpriv", &[]))
            .args(["--pdeathsig", "KILL"])
            .arg(interpreter())
            .arg(script)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let mut line = String::new();
        let said = process.stdout.take().expect("its output is ours");
        BufReader::new(said)
            .read_line(&mut line)
            .expect("its output can be read");
        let port = line.trim().parse();
        let port = port.unwrap_or_else(|_| panic!("{program} does not come up: {line:?}"));
        Self { process, port }
    }

    /// Where it is, by name.
    pub fn address(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// Ends the program at once.
    pub fn stop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The Python of the environment into which `scripts/test` installs these servers.
fn interpreter() -> PathBuf {
    let python = tools::folder().join("wires/bin/python");
    assert!(
        python.is_file(),
        "the servers from PyPI are not installed: run scripts/test, which installs them"
    );
    python
}
