//! The report says what the last sample of a check talked over.

use serde_json::json;

use super::page::page;
use super::program::Program;
use crate::harness::certificates::Authority;
use crate::harness::http_peer::Peer;

#[tokio::test(flavor = "multi_thread")]
async fn the_report_shows_the_session_of_each_check() {
    let authority = Authority::new();
    let encrypted = Peer::start_http_2(&authority.server()).await;
    let plain = page("200 OK", "ok").await;
    let configuration = format!(
        "checks:\n  encrypted: {{ http: {{ url: \"{}\", tls: {{ ca: \"{}\" }} }} }}\n  \
         nobody: {{ http: {{ url: \"http://127.0.0.1:1/\" }} }}\n  \
         plain: {{ http: {{ url: \"{}\" }} }}\n",
        encrypted.url("/"),
        authority.ca().display(),
        plain.url("/")
    );
    let program = Program::with(&configuration);
    let ran = program.run(&["gate", "--report", "json"]).await;
    let report = ran.expect(1).json();
    let session = |name: &str| {
        let checks = report["checks"].as_array().expect("a list");
        let check = checks.iter().find(|check| check["id"] == name);
        check.expect("it is there").get("session")
    };
    let plain = json!({
        "address": "127.0.0.1", "reused": false, "protocol": "HTTP/1.1", "tls": null
    });
    assert_eq!(session("plain"), Some(&plain));
    assert_eq!(session("nobody"), None);
    let encrypted = session("encrypted").expect("it is there");
    assert_eq!(encrypted["protocol"], "HTTP/2.0");
    assert_eq!(encrypted["tls"]["version"], "TLSv1.3");
    assert_eq!(encrypted["tls"]["resumed"], false);
    let cipher = encrypted["tls"]["cipher"].as_str().expect("a name");
    assert!(cipher.starts_with("TLS13_"), "{cipher}");
}
