//! Which version of HTTP is spoken: as negotiated, as declared, or not at all.

use super::*;

fn ok() -> Does {
    Does::Answers(Arc::new(|_| answer("200 OK", &[], b"ok")))
}

fn spoken(sample: &Sample) -> Option<&str> {
    sample.session.as_deref()?.protocol.as_deref()
}

#[tokio::test]
async fn http_2_is_spoken_by_alpn_and_by_prior_knowledge() {
    let authority = Authority::new();
    let over_tls = Peer::start_http_2(&authority.server()).await;
    let in_the_clear = Peer::start_http_2_in_the_clear().await;
    for (peer, protocol) in [
        (&over_tls, "auto"),
        (&over_tls, "http2"),
        (&in_the_clear, "http2"),
    ] {
        let sample = run(&*probe(json!({
            "url": peer.url_by_name("/"),
            "protocol": protocol,
            "tls": { "ca": authority.ca() },
            "expect": { "json": { "$.version": "HTTP/2.0" } }
        })))
        .await;
        assert_pass(&sample);
        assert_eq!(spoken(&sample), Some("HTTP/2.0"));
        peer.all_closed().await;
    }
}

#[tokio::test]
async fn http_1_alone_is_offered_where_it_is_declared() {
    let authority = Authority::new();
    let config = authority.server().server_config(&[b"h2", b"http/1.1"]);
    let peer = Peer::start_tls_of(ok(), config).await;
    let settings = |protocol| {
        json!({
            "url": peer.url("/"),
            "protocol": protocol,
            "tls": { "ca": authority.ca() }
        })
    };
    let sample = run(&*probe(settings("http1"))).await;
    assert_pass(&sample);
    assert_eq!(spoken(&sample), Some("HTTP/1.1"));

    let only_two = Peer::start_http_2(&authority.server()).await;
    let mut of_two = settings("http1");
    of_two["url"] = json!(only_two.url("/"));
    let sample = run(&*probe(of_two)).await;
    assert_fault(
        &sample,
        Reason::Tls,
        "it speaks none of the protocols that are offered",
    );
}

#[tokio::test]
async fn http_2_that_is_declared_and_not_taken_is_a_failure() {
    let authority = Authority::new();
    let certificate = authority.server();
    for (protocols, part) in [
        (
            &[&b"http/1.1"[..]][..],
            "it speaks none of the protocols that are offered",
        ),
        (&[], "127.0.0.1 does not take HTTP/2 (`h2` by ALPN)"),
    ] {
        let peer = Peer::start_tls_of(ok(), certificate.server_config(protocols)).await;
        let sample = run(&*probe(json!({
            "url": peer.url("/"),
            "protocol": "http2",
            "tls": { "ca": authority.ca() }
        })))
        .await;
        assert_fault(&sample, Reason::Tls, part);
        assert!(reading(&sample, "tls_resumed").is_none() || protocols.is_empty());
        peer.all_closed().await;
        assert!(peer.asked().is_empty());
    }
}

#[tokio::test]
async fn prior_knowledge_that_is_wrong_is_a_failure() {
    let peer = Peer::start(Does::SaysFirst(
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
    ))
    .await;
    let settings = json!({ "url": peer.url("/"), "protocol": "http2" });
    let sample = run(&*probe(settings)).await;
    assert_fault(&sample, Reason::Malformed, "is not HTTP/2");
    peer.all_closed().await;
}
