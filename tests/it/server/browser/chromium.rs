//! A script in a headless Chromium: what it does stands in `visit.mjs`, what it saw comes back as JSON.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::harness::tools::{folder, program};

/// A machine that is busy with other tests starts a browser slowly.
const PATIENCE: Duration = Duration::from_secs(240);

/// A browser at work; it ends when this is dropped.
pub struct Visit {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Visit {
    /// Starts a part of the script against a server.
    pub fn start(part: &str, url: &str, told: &Value) -> Self {
        let modules = folder().join("node_modules");
        for module in ["playwright-core", "axe-core"] {
            let there = modules.join(module).join("package.json").is_file();
            assert!(
                there,
                "{module} is not installed: run scripts/test, which installs it"
            );
        }
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/server/browser/visit.mjs");
        let mut child = Command::new(program("node", &[]))
            .arg(script)
            .args([part, url, &told.to_string()])
            .env("SMOKEJUMPER_NODE_MODULES", modules)
            .env(
                "SMOKEJUMPER_CHROMIUM",
                program("chromium", &[PathBuf::from("/usr/bin/chromium")]),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("node starts");
        let stdout = child.stdout.take().expect("it is piped");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
        }
    }

    /// The next thing that the script says.
    pub async fn says(&mut self) -> Value {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line());
        let line = line.await.expect("the browser is done in time");
        let line = line.expect("its output can be read");
        let line = line.expect("the script says something before it ends: see above");
        serde_json::from_str(&line).expect("the script speaks JSON")
    }

    /// The last thing that the script says, when it is done.
    pub async fn ends(mut self) -> Value {
        let said = self.says().await;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = ended
            .expect("it ends in time")
            .expect("it can be waited for");
        assert!(status.success(), "the script failed: {said}");
        said
    }
}
