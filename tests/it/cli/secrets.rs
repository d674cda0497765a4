//! A canary password is absent from every byte that any command writes, whatever goes wrong.

use super::page::echoing;
use super::program::{Program, Ran};

const CANARY: &str = "canary-Pa55w0rd-xyzzy";

fn assert_absent(ran: &Ran, program: &Program, what: &str) {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("user:{CANARY}"));
    let mut written = format!("{}\n{}", ran.stdout, ran.stderr);
    for entry in std::fs::read_dir(program.folder.path()).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if path.is_file() && !["smokejumper.yaml", "secret"].contains(&name.as_str()) {
            written.push_str(&std::fs::read_to_string(path).expect("text"));
        }
    }
    for form in [CANARY, encoded.as_str()] {
        assert!(!written.contains(form), "{what}: {}", ran.all());
    }
}

/// Every way in which a secret gets into a configuration, against peers that answer, echo the
/// request back, refuse, or do not exist.
fn configurations(echo: &str) -> Vec<(&'static str, String)> {
    let authority = echo.trim_start_matches("http://");
    let expect = "expect: { status: 299, text: { contains: never-there } }";
    vec![
        (
            "a URL's userinfo",
            format!(
                "checks: {{ a: {{ http: {{ url: \"http://user:{CANARY}@{authority}/\", {expect} }} }} }}"
            ),
        ),
        (
            "a variable",
            format!(
                "checks: {{ a: {{ http: {{ url: \"{echo}/\", headers: {{ authorization: \"Bearer ${{API_TOKEN}}\" }}, {expect} }} }} }}"
            ),
        ),
        (
            "a literal header",
            format!(
                "checks: {{ a: {{ http: {{ url: \"{echo}/\", headers: {{ authorization: \"Bearer {CANARY}\" }}, {expect} }} }} }}"
            ),
        ),
        (
            "a file",
            format!(
                "checks: {{ a: {{ http: {{ url: \"{echo}/\", headers: {{ x-thing: \"${{file:secret}}\" }}, {expect} }} }} }}"
            ),
        ),
        (
            "a body's password",
            format!(
                "checks: {{ a: {{ http: {{ method: POST, url: \"{echo}/\", json: {{ password: {CANARY} }}, {expect} }} }} }}"
            ),
        ),
        (
            "a database that is not there",
            format!(
                "checks: {{ a: {{ postgres: {{ url: \"postgres://user:{CANARY}@127.0.0.1:1/db\" }} }} }}"
            ),
        ),
        (
            "a cache that is not there",
            format!("checks: {{ a: {{ redis: {{ url: \"redis://:{CANARY}@127.0.0.1:1/\" }} }} }}"),
        ),
        (
            "a node that is not there",
            format!(
                "checks: {{ a: {{ evm: {{ endpoints: [\"http://user:{CANARY}@127.0.0.1:1/v3/{CANARY}\"] }} }} }}"
            ),
        ),
        (
            "another node that is not there",
            format!(
                "checks: {{ a: {{ tezos: {{ endpoints: [\"http://user:{CANARY}@127.0.0.1:1/\"] }} }} }}"
            ),
        ),
        (
            "a wrong setting",
            format!(
                "checks: {{ a: {{ http: {{ url: \"nonsense://user:{CANARY}@host\", expectt: {{ }} }} }} }}"
            ),
        ),
        (
            "a wrong type",
            format!(
                "checks: {{ a: {{ http: {{ url: \"{echo}/\", headers: {{ authorization: \"{CANARY}\" }} }}, every: \"${{API_TOKEN}}\" }} }}"
            ),
        ),
        (
            "a file that is no YAML",
            format!(
                "checks:\n  a:\n    http: {{ url: \"http://user:{CANARY}@host/\"\n  password: {CANARY}\n: ["
            ),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_canary_is_in_no_output() {
    let echo = echoing().await;
    for (what, configuration) in configurations(&echo.url("")) {
        let program = Program::with(&configuration).env("API_TOKEN", CANARY);
        std::fs::write(program.folder.path().join("secret"), format!("{CANARY}\n")).unwrap();
        for arguments in [
            ["gate", "-v", "--report", "json=report.json"].as_slice(),
            &["gate", "--report", "json"],
            &["plan", "-v"],
            &["watch", "-v"],
        ] {
            let ran = program.run(arguments).await;
            assert_ne!(ran.code, 70, "{what}: {}", ran.all());
            assert_absent(&ran, &program, &format!("{what}, {arguments:?}"));
        }
    }
}
