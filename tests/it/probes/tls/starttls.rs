//! TLS that begins in the middle of a protocol: real servers of PostgreSQL and of mail, and peers of
//! our own for the other protocols and for what no honest server says.

use serde_json::json;
use smokejumper::sample::{Reason, Sample};

use crate::harness::certificates::Authority;
use crate::harness::postgres::{Postgres, Tls};
use crate::harness::probing::{fault, passed, reading, run};
use crate::harness::python::PythonServer;
use crate::harness::talk_peer::{Step, TalkPeer, begins_tls, hears, says};

async fn ask(protocol: &str, address: &str, authority: &Authority) -> Sample {
    let tls = json!({"ca": authority.ca()});
    let settings = json!({"address": address, "starttls": protocol, "tls": tls});
    run("tls", settings).await
}

#[tokio::test]
async fn postgres_shows_its_certificate_after_its_own_request() {
    let server = Postgres::start_with(Tls::Offered, &[]).await;
    let address = format!("localhost:{}", server.port());
    let settings = json!({
        "address": address,
        "starttls": "postgres",
        "tls": {"ca": server.ca()},
        "expect": {"names": {"contains": "localhost"}, "cert_days": {"ge": 30}}
    });
    let sample = run("tls", settings).await;
    passed(&sample);
    assert!(reading(&sample, "cert_days") > 30.0);
    let other = Authority::new();
    let sample = ask("postgres", &address, &other).await;
    fault(&sample, Reason::Certificate);
    assert!(reading(&sample, "cert_days") > 30.0);
}

#[tokio::test]
async fn a_postgres_without_tls_says_so() {
    let server = Postgres::start().await;
    let address = format!("localhost:{}", server.port());
    let sample = ask("postgres", &address, &Authority::new()).await;
    let detail = &fault(&sample, Reason::Tls).detail;
    assert!(detail.contains("offers no TLS"), "{detail}");
}

#[tokio::test]
async fn a_mail_server_shows_its_certificate_after_starttls() {
    let authority = Authority::new();
    let server = authority.server();
    let [certificate, key] = [&server.certificate, &server.key].map(|it| it.display().to_string());
    let mail = PythonServer::start("smtp.py", &[&certificate, &key]);
    let sample = ask("smtp", &mail.address(), &authority).await;
    passed(&sample);
    assert!(reading(&sample, "cert_days") > 30.0);
    assert_eq!(reading(&sample, "tls_version"), 1.3);
    let plain = PythonServer::start("smtp.py", &[]);
    let sample = ask("smtp", &plain.address(), &authority).await;
    let detail = &fault(&sample, Reason::Tls).detail;
    assert!(detail.contains("does not name STARTTLS"), "{detail}");
}

#[tokio::test]
async fn mailboxes_and_files_are_asked_in_their_own_words() {
    let authority = Authority::new();
    let tls = begins_tls(&authority.server());
    for (protocol, script) in [
        (
            "imap",
            vec![
                says("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
                hears("a1 STARTTLS\r\n"),
                says("* CAPABILITY IMAP4rev1\r\na1 OK begin\r\n"),
            ],
        ),
        (
            "pop3",
            vec![
                says("+OK POP3 ready\r\n"),
                hears("STLS\r\n"),
                says("+OK begin\r\n"),
            ],
        ),
        (
            "ftp",
            vec![
                says("220-Welcome\r\n220 to this place\r\n"),
                hears("AUTH TLS\r\n"),
                says("234 begin\r\n"),
            ],
        ),
    ] {
        let script = [script, vec![tls.clone()]].concat();
        let peer = TalkPeer::start(script).await;
        let sample = ask(protocol, &peer.address(), &authority).await;
        passed(&sample);
        assert!(reading(&sample, "cert_days") > 30.0, "{protocol}");
    }
}

#[tokio::test]
async fn a_refusal_is_called_what_it_is() {
    let authority = Authority::new();
    let mail = |after: &str| {
        vec![
            says("220 mail.test\r\n"),
            hears("\r\n"),
            says("250-mail.test\r\n250 STARTTLS\r\n"),
            hears("STARTTLS\r\n"),
            says(after),
        ]
    };
    for (protocol, script, reason, transient) in [
        (
            "smtp",
            vec![says("421 busy, come back\r\n")],
            Reason::NotReady,
            true,
        ),
        (
            "smtp",
            vec![says("554 not you\r\n")],
            Reason::ServerFault,
            false,
        ),
        (
            "smtp",
            vec![says("450 try later\r\n")],
            Reason::ServerFault,
            true,
        ),
        ("smtp", vec![says("hello\r\n")], Reason::Malformed, false),
        (
            "smtp",
            vec![says("2\u{e4}\u{f6}\r\n")],
            Reason::Malformed,
            false,
        ),
        (
            "smtp",
            mail("454 TLS not available\r\n"),
            Reason::ServerFault,
            true,
        ),
        (
            "smtp",
            mail("220 go\r\n250 injected\r\n"),
            Reason::Malformed,
            false,
        ),
        (
            "imap",
            vec![says("* BYE overloaded\r\n")],
            Reason::NotReady,
            true,
        ),
        ("imap", vec![says("+OK POP3\r\n")], Reason::Malformed, false),
        (
            "imap",
            vec![says("* OK\r\n"), hears("\r\n"), says("a1 BAD what\r\n")],
            Reason::ServerFault,
            false,
        ),
        (
            "pop3",
            vec![says("-ERR in use\r\n")],
            Reason::ServerFault,
            false,
        ),
        ("pop3", vec![says("220 mail\r\n")], Reason::Malformed, false),
        (
            "ftp",
            vec![says("220 x\r\n"), hears("\r\n"), says("502 what\r\n")],
            Reason::ServerFault,
            false,
        ),
        (
            "postgres",
            vec![hears("\x16\x2f"), says("E")],
            Reason::ServerFault,
            true,
        ),
        (
            "postgres",
            vec![hears("\x16\x2f"), says("HTTP")],
            Reason::Malformed,
            false,
        ),
    ] {
        let script: Vec<Step> = script;
        let peer = TalkPeer::start(script).await;
        let sample = ask(protocol, &peer.address(), &authority).await;
        let told = sample.fault.as_ref().expect("it does not begin TLS");
        assert_eq!(
            (told.reason, told.transient),
            (reason, transient),
            "{protocol}: {told:?}"
        );
        peer.sees_the_connection_end().await;
    }
}
