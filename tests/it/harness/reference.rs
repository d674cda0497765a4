//! The references in Python under `tests/reference/`: run with numpy and scipy, never shipped.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::tools;

/// What a reference prints for this input.
///
/// Panics, with what it wrote to its standard error, when it fails, and with the command that
/// installs it when its Python is missing.
pub fn run(script: &str, arguments: &[&str], input: &str) -> String {
    let python = tools::program(
        "python with numpy and scipy",
        &[tools::folder().join("reference/bin/python")],
    );
    let mut process = Command::new(python)
        .arg("-B")
        .arg(folder().join(script))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    // Both references read all of their input before they write.
    let mut stdin = process.stdin.take().expect("it has a standard input");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let output = process.wait_with_output().expect("python ends");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {problem}");
    String::from_utf8(output.stdout).expect("a reference prints text")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference")
}
