//! Runs the real binary in a folder of its own, with an environment of its own, and a deadline.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::schema::against_report;

/// Longer than any command of the tests takes; a hang is a failure, not a hung test run.
const DEADLINE: Duration = Duration::from_secs(120);

/// A folder with a configuration, and the environment in which the program is run there.
pub struct Program {
    pub folder: TempDir,
    environment: Vec<(String, String)>,
}

/// What a run of the program left behind.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    /// A folder with this text as its `smokejumper.yaml`.
    pub fn with(configuration: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        std::fs::write(folder.path().join("smokejumper.yaml"), configuration).expect("written");
        Self {
            folder,
            environment: Vec::new(),
        }
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The environment that the AWS SDK needs to speak to a server on loopback.
    pub fn aws(self, endpoint: &str) -> Self {
        self.env("AWS_ENDPOINT_URL_ECS", endpoint)
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-real-secret-key")
    }

    /// Starts the program; the caller ends it.
    pub fn start(&self, arguments: &[&str]) -> tokio::process::Child {
        self.command(env!("CARGO_BIN_EXE_smokejumper"))
            .args(arguments)
            .spawn()
            .expect("the program starts")
    }

    /// A command in the folder and the environment of the program.
    pub fn command(&self, name: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(name);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs the program to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ran {
        ended(self.start(arguments)).await
    }

    /// The text of a file in the folder.
    pub fn read(&self, name: impl AsRef<Path>) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect("the file is there")
    }
}

/// Waits for a started program to end.
pub async fn ended(child: tokio::process::Child) -> Ran {
    let output = tokio::time::timeout(DEADLINE, child.wait_with_output())
        .await
        .expect("the program ends in time")
        .expect("the program can be waited for");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("stdout is text"),
        stderr: String::from_utf8(output.stderr).expect("stderr is text"),
    }
}

impl Ran {
    /// The report on stdout, which must be all that is there, and as its schema says.
    pub fn json(&self) -> Value {
        let report = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is one JSON report: {error}\n{}", self.all()));
        let against = against_report(&report);
        assert!(against.is_empty(), "{against:#?}\n{}", self.all());
        report
    }

    /// Everything that was written.
    pub fn all(&self) -> String {
        format!(
            "exit code {}\n-- stdout\n{}\n-- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }

    /// Fails with everything that was written unless the program ended with this code.
    pub fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "{}", self.all());
        self
    }
}
