//! Who is let in: tokens and their scopes, cookies of pages, and what browsers send for others.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use smokejumper::plan::server::{RateLimit, ServerPlan};
use smokejumper::server::auth::{COOKIE, Doors};

use super::client::{Answer, Asking};
use super::stage::{ACTOR, OPEN, OWN, READER, Stage, guarded, guarded_plan, now, open, stage};

fn get(path: &str) -> Asking {
    Asking::new(Method::GET, path)
}

fn freeze() -> Asking {
    Asking::new(Method::POST, "/api/v1/freeze").json(&json!({ "frozen": true }))
}

fn orders(stage: &Stage) -> usize {
    stage.scripted(|script| script.orders.len())
}

fn said(answer: &Answer) -> (u16, String) {
    let code = answer.json()["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (answer.status.as_u16(), code)
}

#[tokio::test]
async fn a_token_allows_what_its_scope_says() {
    let stage = guarded().await;
    let wrong = "wrong-token-0123456789";
    let cases = [
        (get("/api/v1/status"), 401),
        (get("/api/v1/status").token(wrong), 401),
        (get("/api/v1/status").token(&READER[1..]), 401),
        (get("/api/v1/status").token(""), 401),
        (get("/api/v1/status").header("authorization", READER), 401),
        // The daemon's own token is for where none was declared.
        (get("/api/v1/status").token(OWN), 401),
        (get("/api/v1/status").token(READER), 200),
        (get("/api/v1/status").token(ACTOR), 200),
        (get("/metrics"), 401),
        (get("/metrics").token(READER), 200),
        (get("/api/v1/events"), 401),
        (get("/api/v1/openapi.json"), 401),
        (freeze(), 401),
        (freeze().token(wrong), 401),
        (freeze().token(READER), 403),
        (freeze().token(ACTOR), 200),
        (get("/healthz"), 200),
        (get("/readyz"), 200),
    ];
    for (number, (asking, status)) in cases.into_iter().enumerate() {
        let answer = stage.send(asking).await;
        assert_eq!(answer.status.as_u16(), status, "{number}: {}", answer.text);
        if status == 401 {
            assert_eq!(
                answer.header("www-authenticate"),
                "Bearer realm=\"smokejumper\""
            );
        }
        for token in [READER, ACTOR, OWN, wrong] {
            assert!(!answer.text.contains(token), "{number}: {}", answer.text);
        }
    }
    assert_eq!(orders(&stage), 1);
}

#[tokio::test]
async fn what_is_not_ready_is_told_to_those_who_may_read() {
    let stage = guarded().await;
    stage.scripted(|script| script.live.store.trouble = Some("no space".to_owned()));
    let stranger = stage.get("/readyz").await;
    assert_eq!(
        stranger.json(),
        json!({ "ready": false, "waiting_for": [] })
    );
    let reader = stage.send(get("/readyz").token(READER)).await;
    assert_eq!(
        reader.json()["waiting_for"],
        json!(["the history: no space"])
    );
}

#[tokio::test]
async fn without_tokens_this_machine_reads_and_acts_with_the_daemons_own() {
    let stage = open().await;
    assert_eq!(stage.get("/api/v1/status").await.status, StatusCode::OK);
    let refused = stage.send(freeze()).await;
    assert_eq!(said(&refused), (401, "unauthorized".to_owned()));
    assert!(refused.text.contains("act-token"), "{}", refused.text);
    assert_eq!(orders(&stage), 0);
    assert_eq!(stage.send(freeze().token(OWN)).await.status, StatusCode::OK);
    let whose = stage.scripted(|script| script.orders[0].0.name.clone());
    assert_eq!(whose, "this machine");
    let wrong = stage
        .send(get("/api/v1/status").token("wrong-token-0123456789"))
        .await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_is_not_answered() {
    let stage = open().await;
    let port = stage.address.port();
    let cases = [
        (format!("localhost:{port}"), 200),
        (format!("127.0.0.1:{port}"), 200),
        ("localhost".to_owned(), 200),
        (format!("evil.example:{port}"), 421),
        ("127.0.0.1.evil.example".to_owned(), 421),
        ("10.0.0.1".to_owned(), 421),
    ];
    for (host, status) in cases {
        for path in ["/api/v1/status", "/healthz", "/metrics"] {
            let answer = stage.send(get(path).header("host", &host)).await;
            assert_eq!(answer.status.as_u16(), status, "{host} {path}");
        }
    }
    // Where a token is needed, a name does not matter: a proxy may have given it.
    let guarded = guarded().await;
    let answer = guarded.send(
        get("/api/v1/status")
            .token(READER)
            .header("host", "status.example"),
    );
    assert_eq!(answer.await.status, StatusCode::OK);
}

/// Signs in as a page does it, and gives the cookie.
fn signed_in(stage: &Stage, token: &str) -> String {
    let (doors, settings) = (stage.shared.doors(), stage.shared.settings());
    let signed_in = doors
        .sign_in(&settings, token, false, now())
        .expect("a known token");
    let cookie = signed_in
        .cookie
        .split(';')
        .next()
        .expect("a value")
        .to_owned();
    assert!(
        signed_in.cookie.contains("; HttpOnly; SameSite=Strict"),
        "{}",
        signed_in.cookie
    );
    cookie
}

#[tokio::test]
async fn a_cookie_stands_for_its_token_until_that_is_taken_away() {
    let stage = guarded().await;
    let reader = signed_in(&stage, READER);
    let with = |cookie: &str| get("/api/v1/status").header("cookie", cookie);
    assert_eq!(stage.send(with(&reader)).await.status, StatusCode::OK);
    assert_eq!(
        stage
            .send(with(&format!("a=b; {reader}; c=d")))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        stage.send(freeze().header("cookie", &reader)).await.status,
        StatusCode::FORBIDDEN
    );
    for place in [20, 40, 60, reader.len() - 2] {
        let mut forged = reader.clone().into_bytes();
        forged[place] = if forged[place] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_eq!(
            stage.send(with(&forged)).await.status,
            StatusCode::UNAUTHORIZED,
            "{place}"
        );
    }
    for none in [
        format!("{COOKIE}="),
        format!("{COOKIE}=AAAA"),
        format!("{COOKIE}=!"),
    ] {
        assert_eq!(
            stage.send(with(&none)).await.status,
            StatusCode::UNAUTHORIZED,
            "{none}"
        );
    }
    // A token that is shown and wrong is not made good by a cookie.
    let both = with(&reader).token("wrong-token-0123456789");
    assert_eq!(stage.send(both).await.status, StatusCode::UNAUTHORIZED);
    // Another process has another key.
    let other = Doors::new(None).expect("random numbers");
    let foreign = other
        .sign_in(&guarded_plan(), READER, false, now())
        .expect("a known token");
    let foreign = foreign
        .cookie
        .split(';')
        .next()
        .expect("a value")
        .to_owned();
    assert_eq!(
        stage.send(with(&foreign)).await.status,
        StatusCode::UNAUTHORIZED
    );
    stage.current.send_modify(|current| {
        let mut settings = guarded_plan();
        settings.tokens.remove(0);
        current.settings = settings.into();
    });
    assert_eq!(
        stage.send(with(&reader)).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_cookie_ends() {
    let stage = guarded().await;
    let (doors, settings) = (stage.shared.doors(), stage.shared.settings());
    let long_ago = super::stage::ago(Duration::from_secs(13 * 60 * 60));
    let old = doors
        .sign_in(&settings, READER, false, long_ago)
        .expect("a known token")
        .cookie;
    let asking = get("/api/v1/status").header("cookie", old.split(';').next().unwrap());
    assert_eq!(stage.send(asking).await.status, StatusCode::UNAUTHORIZED);
    assert!(
        doors
            .sign_in(&settings, "wrong-token-0123456789", false, now())
            .is_none()
    );
    let secure = doors
        .sign_in(&settings, READER, true, now())
        .expect("a known token")
        .cookie;
    assert!(secure.ends_with("; Secure"), "{secure}");
}

#[tokio::test]
async fn pages_of_others_cannot_act_for_who_is_signed_in() {
    let stage = guarded().await;
    let actor = signed_in(&stage, ACTOR);
    let own = format!("http://{}", stage.address);
    let hold = format!("/api/v1/windows/{OPEN}/hold");
    let form = || Asking::new(Method::POST, &hold).header("cookie", &actor);
    let json = || freeze().header("cookie", &actor);
    let refused = [
        // A form needs no leave of ours to be sent, so that it is not enough.
        form(),
        form()
            .header("content-type", "application/x-www-form-urlencoded")
            .body("reason=x"),
        form().header("content-type", "text/plain").body("{}"),
        json().header("origin", "https://evil.example"),
        json().header("origin", "null"),
        json().header("sec-fetch-site", "cross-site"),
        json().header("sec-fetch-site", "same-site"),
        // Not even with a token: no page of another has one of ours.
        freeze()
            .token(ACTOR)
            .header("origin", "https://evil.example"),
    ];
    for (number, asking) in refused.into_iter().enumerate() {
        let answer = stage.send(asking).await;
        assert_eq!(
            said(&answer),
            (403, "foreign".to_owned()),
            "{number}: {}",
            answer.text
        );
    }
    assert_eq!(orders(&stage), 0);
    let allowed = [
        json(),
        json()
            .header("origin", &own)
            .header("sec-fetch-site", "same-origin"),
        freeze().token(ACTOR),
    ];
    for (number, asking) in allowed.into_iter().enumerate() {
        let answer = stage.send(asking).await;
        assert_eq!(answer.status, StatusCode::OK, "{number}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_form_is_known_to_be_ours() {
    let stage = guarded().await;
    let (doors, settings) = (stage.shared.doors(), stage.shared.settings());
    let one = doors
        .sign_in(&settings, ACTOR, false, now())
        .expect("a known token")
        .caller;
    let other = doors
        .sign_in(&settings, ACTOR, false, now())
        .expect("a known token")
        .caller;
    let token = doors.form_token(&one);
    assert!(doors.is_own_form(&one, &token));
    assert!(!doors.is_own_form(&other, &token));
    assert!(!doors.is_own_form(&one, ""));
    assert!(!doors.is_own_form(&one, &token[..token.len() - 1]));
}

#[tokio::test]
async fn who_asks_too_much_waits_and_nobody_else_does() {
    let stage = stage(ServerPlan {
        rate_limit: RateLimit {
            requests: 5,
            per: Duration::from_secs(3_600),
        },
        ..guarded_plan()
    })
    .await;
    for _ in 0..5 {
        let answer = stage.send(get("/api/v1/status").token(READER)).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    let answer = stage.send(get("/api/v1/status").token(READER)).await;
    assert_eq!(said(&answer), (429, "too_many".to_owned()));
    let after: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=721).contains(&after), "{after}");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    // Strangers share the place of their address, and take nothing from those who are known.
    for _ in 0..7 {
        stage
            .send(get("/api/v1/status").token("wrong-token-0123456789"))
            .await;
    }
    let stranger = stage.get("/api/v1/status").await;
    assert_eq!(stranger.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        stage.send(get("/api/v1/status").token(ACTOR)).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn new_tokens_hold_at_once() {
    let stage = guarded().await;
    let renewed = "renewed-token-0123456789";
    stage.current.send_modify(|current| {
        let mut settings = guarded_plan();
        settings.tokens[0].token = smokejumper::secret::Secret::new(renewed);
        current.settings = settings.into();
    });
    assert_eq!(
        stage.send(get("/api/v1/status").token(READER)).await.status,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        stage
            .send(get("/api/v1/status").token(renewed))
            .await
            .status,
        StatusCode::OK
    );
}
