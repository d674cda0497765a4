//! The kind `flow` against a shop of our own, by configurations as they are written.

mod kinds;
mod mistakes;
mod sessions;
mod shop;
mod trouble;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use smokejumper::config::{Sources, load};
use smokejumper::diagnostic::render;
use smokejumper::plan::compile;
use smokejumper::probe::Probe;
use smokejumper::sample::{Outcome, Reason, Sample};

use crate::harness::http_peer::answer;
use crate::harness::probing::{fault, passed, reading, run_probe};
use shop::{Shop, said};

/// The probes of a configuration, by the names of their checks; or all that is wrong with it, as a
/// person would see it.
fn planned(
    text: &str,
    variables: &[(&str, &str)],
) -> Result<BTreeMap<String, Arc<dyn Probe>>, String> {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = folder.path().join("smokejumper.yaml");
    std::fs::write(&file, text).expect("the folder can be written to");
    let variables = variables.iter();
    let loaded = load(&Sources {
        folder: folder.path().to_owned(),
        paths: vec!["smokejumper.yaml".into()],
        variables: variables
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Sources::default()
    });
    match compile(&loaded.document) {
        Ok(compiled) => {
            let checks = compiled.plan.checks.into_iter();
            Ok(checks
                .map(|check| (check.facts.id.to_string(), check.probe))
                .collect())
        }
        Err(problems) => Err(render(&problems, &loaded.mask, false)),
    }
}

/// The probes of a configuration that is right, asking this server.
fn probes(text: &str, base: &str) -> BTreeMap<String, Arc<dyn Probe>> {
    let variables = [("BASE_URL", base), ("SMOKE_PASSWORD", "canary-password")];
    planned(text, &variables).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Runs the only check of a configuration once.
async fn run(text: &str, base: &str) -> Sample {
    run_within(Duration::from_secs(20), text, base).await
}

async fn run_within(timeout: Duration, text: &str, base: &str) -> Sample {
    let probes = probes(text, base);
    let probe = probes.values().next().expect("there is a check");
    run_probe(timeout, &**probe).await
}

/// Everything that a sample says in words.
fn words(sample: &Sample) -> String {
    let fault = sample.fault.as_ref().map(|fault| fault.detail.clone());
    let words = fault.into_iter().chain(sample.notes.clone());
    words.collect::<Vec<String>>().join("\n")
}

/// As it stands in the contract of the language.
const SIGN_IN: &str = r#"
checks:
  sign-in:
    flow:
      steps:
        - name: log in
          http: { method: POST, url: "${BASE_URL}/api/v1/auth/login", json: { username: smoke, password: "${SMOKE_PASSWORD}" }, expect: { status: 200 } }
          capture: { token: { json: "$.token", secret: true } }
        - name: settings
          http: { url: "${BASE_URL}/api/v1/settings", headers: { authorization: "Bearer {{ token }}" }, expect: { status: 200 } }
      always:
        - name: log out
          http: { method: POST, url: "${BASE_URL}/api/v1/auth/logout", headers: { authorization: "Bearer {{ token }}" } }
"#;

/// The example of the kind.
fn example() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/checks/flow.yaml");
    std::fs::read_to_string(path).expect("the example is there")
}

#[tokio::test]
async fn the_sign_in_of_the_contract_passes_and_logs_out() {
    let shop = Shop::open().await;
    let sample = run(SIGN_IN, &shop.peer.url("")).await;
    passed(&sample);
    let asked = [
        "POST /api/v1/auth/login",
        "GET /api/v1/settings",
        "POST /api/v1/auth/logout",
    ];
    assert_eq!(shop.asked(), asked);
    assert!(shop.books().tokens.is_empty());
    assert_eq!(reading(&sample, "steps"), 3.0);
    assert_eq!(reading(&sample, "settings.status"), 200.0);
    let steps = ["log_in", "settings", "log_out"];
    let latencies = steps.map(|step| reading(&sample, &format!("{step}.latency")));
    let sum: f64 = latencies.iter().sum();
    assert!(
        (sum - sample.latency.as_secs_f64()).abs() < 1e-6,
        "{sample:?}"
    );
    assert_eq!(sample.phases.total(), sample.latency);
    assert_eq!(words(&sample), "");
}

#[tokio::test]
async fn the_example_takes_the_whole_way_and_leaves_nothing_behind() {
    let shop = Shop::open().await;
    let probes = probes(&example(), &shop.peer.url(""));
    for _ in 0..2 {
        passed(&run_probe(Duration::from_secs(20), &*probes["purchase"]).await);
    }
    for name in ["settings", "orders"] {
        passed(&run_probe(Duration::from_secs(20), &*probes[name]).await);
    }
    let books = shop.books();
    assert!(books.users.is_empty() && books.orders.is_empty());
    assert_eq!(
        books.logins, 3,
        "two runs of the flow, and one session for two checks"
    );
    drop(books);
    let asked = shop.peer.asked();
    let registered: Vec<&[u8]> = asked
        .iter()
        .filter(|asked| asked.path() == "/api/v1/users")
        .map(|asked| asked.body.as_slice())
        .collect();
    let [one, two] = registered.as_slice() else {
        panic!("{registered:?}");
    };
    assert_ne!(one, two, "every run has values of its own");
    let text = String::from_utf8_lossy(one);
    assert!(
        text.contains("smokejumper-") && text.contains("@example.com"),
        "{text}"
    );
    let ordered = asked
        .iter()
        .find(|asked| asked.head.starts_with("POST /api/v1/orders "));
    let ordered: serde_json::Value = serde_json::from_slice(&ordered.unwrap().body).unwrap();
    assert_eq!(ordered["product"], json!(7), "a number stays a number");
}

#[tokio::test]
async fn a_step_that_fails_names_itself_and_the_rest_is_skipped_but_what_always_runs() {
    let shop = Shop::open().await;
    shop.breaks(
        "/payment",
        said("402 Payment Required", json!({ "status": "declined" })),
    );
    let probes = probes(&example(), &shop.peer.url(""));
    let sample = run_probe(Duration::from_secs(20), &*probes["purchase"]).await;
    let fault = fault(&sample, Reason::Status);
    assert!(
        fault
            .detail
            .starts_with("step \"pay in test mode\": expected status 200, got 402"),
        "{}",
        fault.detail
    );
    assert_eq!(reading(&sample, "steps"), 6.0);
    assert!(shop.books().users.is_empty() && shop.books().orders.is_empty());

    shop.breaks("/products", said("200 OK", json!({ "items": [] })));
    let sample = run_probe(Duration::from_secs(20), &*probes["purchase"]).await;
    let detail = &sample.fault.as_ref().unwrap().detail;
    assert!(
        detail.starts_with("step \"browse\": $.items: expected { len: "),
        "{detail}"
    );
    assert!(
        detail.ends_with("; skipped: \"create an order\", \"pay in test mode\""),
        "{detail}"
    );
    let nothing = "step \"cancel the order\" had nothing to do: `order_id` was not captured";
    assert_eq!(sample.notes, [nothing]);
    assert!(shop.books().users.is_empty());
    let last = shop.asked().into_iter().last().unwrap();
    assert!(last.starts_with("DELETE /api/v1/users/"), "{last}");
}

#[tokio::test]
async fn a_value_that_is_not_there_fails_its_step_and_says_where_the_path_stopped() {
    let shop = Shop::open().await;
    shop.breaks(
        "/login",
        said("200 OK", json!({ "data": { "access": "x" } })),
    );
    let sample = run(SIGN_IN, &shop.peer.url("")).await;
    let fault = fault(&sample, Reason::Expectation);
    assert_eq!(
        fault.detail,
        "step \"log in\": `token` cannot be captured: $: no member `token`; skipped: \"settings\""
    );
    assert_eq!(shop.asked(), ["POST /api/v1/auth/login"]);
}

#[tokio::test]
async fn a_clean_up_that_fails_is_told_with_the_tag_of_what_is_left() {
    let shop = Shop::open().await;
    let text = r#"
checks:
  make:
    flow:
      steps:
        - name: make
          http: { method: POST, url: "${BASE_URL}/api/v1/users", json: { name: "{{ run.tag }}" } }
          capture: { id: $.id }
      always:
        - name: remove
          http: { method: DELETE, url: "${BASE_URL}/api/v1/users/{{ id }}" }
"#;
    let sample = run(text, &shop.peer.url("")).await;
    let fault = fault(&sample, Reason::Status);
    let tag = shop.books().users[&1]["name"].as_str().unwrap().to_owned();
    assert_eq!(
        fault.detail,
        format!(
            "step \"remove\": expected status 2xx, got 401; what this run created carries the tag {tag}"
        )
    );
    assert!(tag.starts_with("smokejumper-"));
}

#[tokio::test]
async fn cookies_are_kept_from_step_to_step_and_over_redirects() {
    let shop = Shop::open().await;
    shop.books().tokens.push("canary-cookie".to_owned());
    let set = "set-cookie: sid=canary-cookie; Path=/; HttpOnly";
    let redirect = answer("302 Found", &["location: /api/v1/settings", set], b"");
    shop.breaks("/login", redirect);
    let text = r#"
checks:
  sign-in:
    flow:
      steps:
        - name: log in
          http: { method: POST, url: "${BASE_URL}/api/v1/auth/login", json: {}, expect: { status: 200 } }
        - name: settings
          http: { url: "${BASE_URL}/api/v1/settings", expect: { body: canary-cookie } }
"#;
    let sample = run(text, &shop.peer.url("")).await;
    let detail = &fault(&sample, Reason::Expectation).detail;
    assert!(
        detail.starts_with("step \"settings\": body: expected"),
        "{detail}"
    );
    assert!(
        sample.notes[0].starts_with("step \"log in\": redirected to"),
        "{sample:?}"
    );
    let cookies: Vec<Option<String>> = shop
        .peer
        .asked()
        .iter()
        .map(|asked| asked.header("cookie").map(str::to_owned))
        .collect();
    let sid = Some("sid=canary-cookie".to_owned());
    assert_eq!(cookies, [None, sid.clone(), sid]);
    // A second run begins without the cookies of the first.
    let sample = run(text, &shop.peer.url("")).await;
    assert_eq!(sample.outcome, Outcome::Fail);
    assert_eq!(shop.peer.asked()[3].header("cookie"), None);
}

#[tokio::test]
async fn what_is_captured_as_secret_shows_nowhere() {
    let shop = Shop::open().await;
    shop.breaks(
        "/settings",
        said("500 Oops", json!({ "you": "said canary-token-1" })),
    );
    let text = SIGN_IN.replace(
        r#"headers: { authorization: "Bearer {{ token }}" }, expect: { status: 200 } }
      always"#,
        r#"method: PUT, json: { t: "{{ token }}" }, expect: { json: { $.you: never, $.none: 1 } } }
      always"#,
    );
    assert!(text.contains("never"));
    let sample = run(&text, &shop.peer.url("")).await;
    let told = words(&sample);
    assert!(
        told.contains("\"said ***\"") || told.contains("got 500"),
        "{told}"
    );
    assert!(!told.contains("canary"), "{told}");
    // Nor where the very step that should capture it fails.
    shop.breaks(
        "/login",
        said("200 OK", json!({ "token": "canary-token-2" })),
    );
    let text = SIGN_IN.replace(
        "expect: { status: 200 } }\n          capture",
        "expect: { json: { $.token: { len: 1 }, $: x } } }\n          capture",
    );
    let told = words(&run(&text, &shop.peer.url("")).await);
    assert!(
        told.contains("step \"log in\"") && !told.contains("canary"),
        "{told}"
    );
}

#[tokio::test]
async fn any_kind_can_be_a_step() {
    let text = r#"
checks:
  mixed:
    flow:
      steps:
        - name: cache
          redis: { url: "redis://127.0.0.1:1/" }
"#;
    let sample = run(text, "").await;
    let fault = fault(&sample, Reason::Refused);
    assert!(
        fault.detail.starts_with("step \"cache\": "),
        "{}",
        fault.detail
    );
}

#[tokio::test]
async fn what_was_captured_and_cannot_be_sent_is_told() {
    let shop = Shop::open().await;
    shop.breaks("/login", said("200 OK", json!({ "token": "nowhere" })));
    let text = SIGN_IN.replace("\"${BASE_URL}/api/v1/settings\"", "\"{{ token }}\"");
    let sample = run(&text, &shop.peer.url("")).await;
    let fault = fault(&sample, Reason::Expectation);
    assert!(
        fault.detail.starts_with(
            "step \"settings\": with what was captured it cannot be sent: url: not an address"
        ),
        "{}",
        fault.detail
    );
}
