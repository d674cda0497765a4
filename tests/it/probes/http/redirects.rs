//! Redirects: followed within bounds, refused where declared, and never with credentials abroad.

use super::*;

/// Sends `/` to `/one`, that to `/two`, and answers there; `/circle` and `/endless` never end.
fn maze(asked: &Asked) -> Vec<u8> {
    let to = |place: &str| answer("302 Found", &[&format!("location: {place}")], b"");
    match asked.path() {
        "/" => to("/one"),
        "/one" => to("two"),
        "/beyond" => to("/été"),
        "/%C3%A9t%C3%A9" => answer("200 OK", &[], b"summer"),
        "/two" => answer("200 OK", &[], b"there"),
        "/circle" => to("/circle/back"),
        "/circle/back" => to("/circle"),
        endless => to(&format!("{endless}x")),
    }
}

async fn start() -> Peer {
    Peer::start(Does::Answers(Arc::new(maze))).await
}

#[tokio::test]
async fn redirects_are_followed_and_noted() {
    let peer = start().await;
    let settings = json!({ "url": peer.url("/"), "expect": { "body": "there" } });
    let sample = run(&*probe(settings)).await;
    assert_pass(&sample);
    assert_eq!(sample.notes.len(), 2, "{:?}", sample.notes);
    assert!(sample.notes[1].ends_with("/two"), "{:?}", sample.notes);
    peer.all_closed().await;
}

#[tokio::test]
async fn a_place_that_is_written_beyond_ascii_is_found() {
    let peer = start().await;
    let settings = json!({ "url": peer.url("/beyond"), "expect": { "body": "summer" } });
    assert_pass(&run(&*probe(settings)).await);
}

#[tokio::test]
async fn a_redirect_whose_status_is_expected_is_the_answer() {
    let peer = start().await;
    let settings = json!({
        "url": peer.url("/"),
        "expect": { "status": 302, "headers": { "location": "/one" } }
    });
    assert_pass(&run(&*probe(settings)).await);
    assert_eq!(peer.asked().len(), 1);
}

#[tokio::test]
async fn circles_endless_chains_and_refused_redirects_end() {
    let peer = start().await;
    let cases = [
        (json!({ "url": peer.url("/circle") }), "in a circle", 2),
        (
            json!({ "url": peer.url("/endless") }),
            "more than 10 times",
            11,
        ),
        (
            json!({ "url": peer.url("/"), "max_redirects": 1 }),
            "more than 1 times",
            2,
        ),
        (
            json!({ "url": peer.url("/"), "redirects": "refuse" }),
            "which is refused (status 302)",
            1,
        ),
    ];
    for (settings, detail, asked) in cases {
        let before = peer.asked().len();
        let sample = run(&*probe(settings)).await;
        assert_fault(&sample, Reason::Redirect, detail);
        assert_eq!(peer.asked().len() - before, asked, "{detail}");
        peer.all_closed().await;
    }
}

#[tokio::test]
async fn credentials_stay_at_home() {
    let abroad = Peer::answering(answer("200 OK", &[], b"")).await;
    // The same server by its name is another host.
    let location = format!("location: {}", abroad.url_by_name("/in"));
    let home = Peer::answering(answer("307 Temporary Redirect", &[&location], b"")).await;
    let mut settings = json!({
        "url": format!("http://smoke:canary@{}/", home.address()),
        "headers": { "x-api-key": "canary", "cookie": "canary", "accept": "text/plain" }
    });
    assert_pass(&run(&*probe(settings.clone())).await);
    assert!(home.asked()[0].head.contains("canary"));
    let asked = &abroad.asked()[0];
    assert!(!asked.head.contains("canary"), "{}", asked.head);
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(asked.header("accept"), Some("text/plain"));

    settings["redirects"] = json!("same_host");
    let sample = run(&*probe(settings.clone())).await;
    assert_fault(
        &sample,
        Reason::Redirect,
        "to another host: http://localhost",
    );

    settings["redirects"] = json!("follow");
    settings["method"] = json!("POST");
    settings["body"] = json!("canary");
    let sample = run(&*probe(settings)).await;
    assert_fault(&sample, Reason::Redirect, "would learn the body");
    assert_eq!(abroad.asked().len(), 1);
}
