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
            "a password with signs that belong escaped",
            format!(
                "checks: {{ a: {{ postgres: {{ url: \"postgres://user:{CANARY}/#?@127.0.0.1:1/db\" }} }} }}"
            ),
        ),
        (
            "a token as the user's name",
            format!(
                "checks: {{ a: {{ http: {{ url: \"http://{CANARY}@{authority}/\", {expect} }} }} }}"
            ),
        ),
        (
            "a token in a query",
            format!(
                "checks: {{ a: {{ http: {{ url: \"{echo}/?api_key={CANARY}\", {expect} }} }} }}"
            ),
        ),
        (
            "a connection string",
            format!("checks: {{ a: {{ postgres: {{ url: \"host=db password={CANARY}\" }} }} }}"),
        ),
        (
            "a form",
            format!(
                "checks: {{ a: {{ http: {{ method: POST, url: \"{echo}/\", body: \"user=u&password={CANARY}\", {expect} }} }} }}"
            ),
        ),
        (
            "a variable that nobody refers to, echoed",
            format!(
                "checks: {{ a: {{ http: {{ url: \"{echo}/\", body: {CANARY}, method: POST, {expect} }} }} }}"
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

/// A message is shortened; where it is cut, the beginning of a secret may be left. Each distance
/// puts the cut at another place of the password.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_a_message_cuts_in_two_is_masked() {
    let told = |ran: &Ran| {
        let all = ran.all();
        let mut parts = (4..=CANARY.len()).rev().map(|length| &CANARY[..length]);
        parts
            .find(|part| all.contains(*part))
            .map(|part| format!("{part} in {all}"))
    };
    for distance in (40..200).step_by(9) {
        let before = "x".repeat(distance);
        let page = super::page::page("200 OK", &format!("{before}{CANARY}")).await;
        let redis = complaining(format!("-ERR {before}{CANARY} is wrong\r\n")).await;
        let configuration = format!(
            "checks:\n  page: {{ http: {{ url: \"{}\", headers: {{ x-key: \"${{API_TOKEN}}\" }}, expect: {{ text: ok }} }} }}\n  \
             cache: {{ redis: {{ url: \"redis://:${{API_TOKEN}}@{redis}/\" }} }}\n",
            page.url("/")
        );
        let program = Program::with(&configuration).env("API_TOKEN", CANARY);
        for arguments in [["gate", "-v"].as_slice(), &["gate", "--report", "json"]] {
            let ran = program.run(arguments).await;
            ran.expect(1);
            assert_eq!(told(&ran), None, "at a distance of {distance}");
        }
    }
}

/// A server that answers whatever it is asked with one line; its address.
async fn complaining(line: String) -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 1024];
            if matches!(stream.read(&mut asked).await, Ok(length) if length > 0) {
                // Whoever asked may have gone.
                stream.write_all(line.as_bytes()).await.unwrap_or_default();
            }
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_at_the_wrong_place_is_not_repeated() {
    let variable = format!("API_TOKEN={CANARY}");
    let url = format!("postgres://user:{CANARY}@host/db");
    let uses: [&[&str]; 6] = [
        &["gate", "--var", CANARY],
        &["gate", "--var", &format!("={CANARY}")],
        &["gate", &variable],
        &["demo", &variable],
        &["gate", &url],
        &["plan", "--nothing", &url],
    ];
    for arguments in uses {
        let ran = Program::with("checks: { a: { http: { url: \"http://127.0.0.1:1\" } } }")
            .run(arguments)
            .await;
        ran.expect(2);
        assert!(!ran.all().contains(CANARY), "{arguments:?}: {}", ran.all());
    }
}

/// Words and numbers that a report is full of: masked in its texts, and the report stays one.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_stays_a_report_whatever_the_password_is() {
    for password in ["smoke", "samples", "1.0", "fail", "\"},{", "2026"] {
        let page = super::page::page("500 No", password).await;
        let configuration = format!(
            "checks: {{ a: {{ http: {{ url: \"{}\", headers: {{ x-key: \"${{API_TOKEN}}\" }}, expect: {{ status: 200 }} }} }} }}",
            page.url("/")
        );
        let program = Program::with(&configuration).env("API_TOKEN", password);
        let ran = program.run(&["gate", "--report", "json"]).await;
        let report = ran.expect(1).json();
        assert_eq!(report["schema"], "smokejumper.report/1", "{password}");
        assert_eq!(report["checks"][0]["samples"], 1, "{password}");
    }
}
