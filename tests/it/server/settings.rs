//! The section `server` of the configuration, as it is read.

use std::net::SocketAddr;
use std::time::Duration;

use smokejumper::config::{Sources, load};
use smokejumper::plan::server::{Scope, ServerPlan};
use smokejumper::plan::{Plan, compile};

const CHECKS: &str = "
services: { api: {}, web: {} }
checks:
  a: { service: api, http: { url: \"https://h\" } }
  b: { service: web, http: { url: \"https://h\" } }
";

fn read(section: &str) -> Result<ServerPlan, Vec<String>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("smokejumper.yaml");
    std::fs::write(&file, format!("{CHECKS}{section}")).expect("written");
    let token = (
        "SOME_TOKEN".to_owned(),
        "canary-token-0123456789".to_owned(),
    );
    let loaded = load(&Sources {
        folder: folder.path().to_owned(),
        paths: vec![file],
        environment: [token].into(),
        ..Sources::default()
    });
    let compiled = compile(&loaded.document);
    let told = |problems: Vec<_>| {
        let problems: Vec<smokejumper::config::Problem> = problems;
        problems
            .iter()
            .map(|problem| problem.message.clone())
            .collect()
    };
    compiled
        .map(|compiled| {
            let Plan { server, .. } = compiled.plan;
            server
        })
        .map_err(told)
}

#[test]
fn without_the_section_it_listens_on_loopback_for_this_machine() {
    let plan = read("").expect("no mistake");
    assert_eq!(plan, ServerPlan::default());
    assert_eq!(plan.listen, SocketAddr::from(([127, 0, 0, 1], 9_717)));
    assert!(plan.is_on_loopback() && !plan.knows_callers());
    assert_eq!(plan.status_page, None);
}

#[test]
fn everything_of_the_section_is_read() {
    let plan = read(
        "
server:
  listen: 0.0.0.0:80
  tokens:
    pipeline: { token: \"${SOME_TOKEN}\", scope: act }
    dashboard: { token: \"another-token-0123456789\" }
  tls: { certificate: cert.pem, key: /etc/key.pem, client_ca: ca.pem, client_scope: act }
  status_page: [web]
  rate_limit: 60 per 1m
",
    )
    .expect("no mistake");
    assert_eq!(plan.listen, SocketAddr::from(([0, 0, 0, 0], 80)));
    let tokens: Vec<(&str, Scope)> = plan
        .tokens
        .iter()
        .map(|token| (&*token.name, token.scope))
        .collect();
    assert_eq!(
        tokens,
        [("dashboard", Scope::Read), ("pipeline", Scope::Act)]
    );
    assert_eq!(plan.tokens[1].token.reveal(), "canary-token-0123456789");
    assert!(!format!("{plan:?}").contains("canary"));
    let tls = plan.tls.as_ref().expect("it is declared");
    assert!(tls.certificate.ends_with("cert.pem") && tls.certificate.is_absolute());
    assert_eq!(tls.key.to_str(), Some("/etc/key.pem"));
    assert_eq!(tls.client_scope, Scope::Act);
    assert!(plan.shows_publicly("web") && !plan.shows_publicly("api"));
    assert_eq!(
        (plan.rate_limit.requests, plan.rate_limit.per),
        (60, Duration::from_secs(60))
    );
}

#[test]
fn the_status_page_is_of_all_or_of_none() {
    let page = |word: &str| {
        read(&format!("server: {{ status_page: {word} }}")).map(|plan| plan.status_page)
    };
    assert_eq!(page("false"), Ok(None));
    let all = page("true").expect("no mistake").expect("a page");
    assert_eq!(
        all.iter().map(|name| &**name).collect::<Vec<_>>(),
        ["api", "web"]
    );
}

#[test]
fn an_address_that_others_reach_wants_to_know_who_asks() {
    let open = "whoever reaches 0.0.0.0:80 could read and act: no token and no client certificate is asked for";
    let cases = [
        ("", Some(open)),
        ("tokens: {}", Some(open)),
        ("tls: { certificate: c, key: k }", Some(open)),
        ("tokens: { a: { token: \"${SOME_TOKEN}\" } }", None),
        ("tls: { certificate: c, key: k, client_ca: a }", None),
    ];
    for (besides, expected) in cases {
        let section = format!("server:\n  listen: 0.0.0.0:80\n  {besides}\n");
        let told = read(&section).map_err(|problems| problems.join("\n")).err();
        assert_eq!(told.as_deref(), expected, "{besides}");
    }
}
