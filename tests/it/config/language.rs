//! What the language allows, and what it means.

use std::time::Duration;

use smokejumper::decision::{Budget, Choice, Freeze};
use smokejumper::deploy::Platform;
use smokejumper::event::Verdict;
use smokejumper::plan::{Plan, Selection, SelectionError};
use smokejumper::verdict::threshold::{Comparison, Measure, Subject};

use super::{compile_text, shown};

fn plan(text: &str) -> Plan {
    let (loaded, compiled) = compile_text(text);
    let told = shown(&loaded, &compiled);
    match compiled {
        Ok(compiled) => compiled.plan,
        Err(_) => panic!("{told}"),
    }
}

/// The example of the contract, as far as its kinds are at hand here.
const CONTRACT: &str = r#"
services:
  api:
    deployment: { ecs: { cluster: prod, service: api, region: eu-west-1 } }
    policy: careful

defaults: { every: 10s, timeout: 5s }

checks:
  api-health:
    service: api
    http:
      url: ${BASE_URL}/health
      expect:
        status: 200
        json:
          $.status: ok
          $.checks.database.responseTime: { lt: 100 }
        headers: { content-type: { contains: json } }
    every: 5s
    tags: [core]
    thresholds:
      error_rate: { warning: "> 1%", critical: "> 5%" }
      p95:        { warning: "> 1s", critical: "> 2s" }
  db-connections:
    service: api
    postgres:
      url: ${DATABASE_URL}
      query: >
        select count(*) * 100.0 / current_setting('max_connections')::int as used_pct from pg_stat_activity
      expect: { rows: 1 }
    tags: [database]
    thresholds:
      used_pct: { warning: "> 75", critical: "> 90", for: 1m }
  tezos-head:
    tezos:
      endpoints: ["${BASE_URL}", "${BASE_URL}/fallback"]
    tags: [chain]
    thresholds:
      head_age: { warning: "> 30s", critical: 90 }

policies:
  careful:
    bake: 15m
    warm_up: 60s
    min_samples: 20
    decide: { critical: rollback, warning: accept, inconclusive: hold }
    rules:
      - { when: { tags: [database] }, then: hold, because: "do not roll back, investigate" }
      - { when: { tags: [chain] }, then: alert }
    rollback: { arm: true, cooldown: 30m, budget: "1 per 24h", timeout: 15m, verify: true }
    guards:
      - postgres: { url: "${DATABASE_URL}", query: "select version_num from alembic_version" }
        unchanged_since: baseline
        because: "the schema moved: the old revision may not run on it"
    judge: plain
    hooks: { before_rollback: [], after_rollback: [] }
"#;

#[test]
fn the_example_of_the_contract_means_what_it_says() {
    let plan = plan(CONTRACT);
    let service = &plan.services[0];
    let Some(Platform::Ecs(ecs)) = &service.platform else {
        panic!("no ECS service");
    };
    assert_eq!(
        (ecs.cluster.as_str(), ecs.region.as_deref()),
        ("prod", Some("eu-west-1"))
    );
    let policy = &service.policy;
    assert_eq!((policy.bake.as_secs(), policy.warm_up.as_secs()), (900, 60));
    assert_eq!((policy.min_samples, policy.coverage), (20, 0.7));
    assert!(policy.rollback.arm && policy.rollback.verify);
    assert_eq!(policy.rollback.cooldown, Duration::from_secs(1_800));
    let budget = Budget {
        times: 1,
        span: Duration::from_secs(86_400),
    };
    assert_eq!(policy.rollback.budget, Some(budget));
    let guard = &service.guards[0];
    assert_eq!((&*guard.name, guard.kind), ("postgres", "postgres"));
    assert!(guard.unchanged);
    assert_eq!(guard.timeout, Duration::from_secs(5));
    assert_eq!(
        guard.because.as_deref(),
        Some("the schema moved: the old revision may not run on it")
    );
    assert_eq!(policy.rules[0].then, Choice::Hold);
    assert_eq!(
        policy.rules[1].when.tags,
        [std::sync::Arc::<str>::from("chain")]
    );

    let ids: Vec<&str> = plan
        .checks
        .iter()
        .map(|check| check.facts.id.as_str())
        .collect();
    assert_eq!(ids, ["api-health", "db-connections", "tezos-head"]);
    let health = &plan.checks[0];
    assert_eq!((health.every.as_secs(), health.timeout.as_secs()), (5, 5));
    assert_eq!((health.facts.kind, &*health.facts.service), ("http", "api"));
    assert!(health.declared_thresholds);
    assert_eq!(health.thresholds[1].subject, Subject::Quantile(None, 0.95));
    let used = &plan.checks[1].thresholds[0];
    assert_eq!(used.lasting, Some(Duration::from_secs(60)));
    let age = plan.checks[2].thresholds[0].critical.expect("a limit");
    assert_eq!(
        (age.comparison, age.value, age.measure),
        (Comparison::Above, 90.0, Measure::Seconds)
    );
}

#[test]
fn the_shortest_configuration_gets_the_defaults_of_the_contract() {
    let plan = plan("checks: { web: { http: { url: https://example.org } } }\n");
    let (service, check) = (&plan.services[0], &plan.checks[0]);
    assert_eq!(
        (&*service.name, &*check.facts.service),
        ("default", "default")
    );
    assert_eq!(service.platform, None);
    assert_eq!(
        (service.policy.bake.as_secs(), service.policy.min_samples),
        (600, 10)
    );
    assert!(
        !service.policy.rollback.arm,
        "nothing is rolled back unless it is asked for"
    );
    assert_eq!(service.policy.decide.critical, Choice::Rollback);
    assert_eq!(service.policy.decide.inconclusive, Choice::Hold);
    assert_eq!((check.every.as_secs(), check.timeout.as_secs()), (10, 5));
    assert!(!check.declared_thresholds);
    let standard = &check.thresholds[0];
    assert_eq!(standard.subject, Subject::ErrorRate);
    assert_eq!(standard.warning.map(|limit| limit.value), Some(0.01));
    assert_eq!(standard.critical.map(|limit| limit.value), Some(0.05));
}

#[test]
fn a_short_interval_shortens_a_timeout_that_nobody_wrote() {
    let plan = plan("checks: { web: { every: 2s, http: { url: https://example.org } } }\n");
    assert_eq!(plan.checks[0].timeout, Duration::from_secs(2));
}

#[test]
fn the_only_policy_is_the_policy() {
    let plan = plan(
        "policies: { quick: { bake: 2m } }\nservices: { api: {} }\n\
         checks: { web: { http: { url: https://example.org } } }\n",
    );
    assert_eq!(&*plan.services[0].policy.name, "quick");
}

#[test]
fn a_slow_check_without_a_bake_is_no_mistake() {
    let plan = plan("checks: { web: { every: 1h, http: { url: https://example.org } } }\n");
    assert_eq!(plan.checks[0].every, Duration::from_secs(3600));
}

#[test]
fn anchors_and_merges_save_words() {
    let plan = plan(
        "x-http: &http { url: https://example.org, expect: { status: 200 } }\n\
         checks:\n  one: &one\n    http: *http\n    tags: [core]\n  two:\n    <<: *one\n    every: 30s\n",
    );
    assert_eq!(
        plan.checks[1].facts.tags,
        [std::sync::Arc::<str>::from("core")]
    );
    assert_eq!(plan.checks[1].every, Duration::from_secs(30));
}

fn chosen(plan: Plan, selection: &Selection) -> Vec<String> {
    let chosen = plan.select(selection).expect("a selection");
    chosen
        .checks
        .iter()
        .map(|check| check.facts.id.to_string())
        .collect()
}

#[test]
fn checks_are_selected_by_name_tag_and_service() {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let cases: [(&[&str], &[&str], &[&str]); 8] = [
        (&[], &[], &["api-health", "db-connections", "tezos-head"]),
        (&["api-*"], &[], &["api-health"]),
        (&["api-*", "tezos-head"], &[], &["api-health", "tezos-head"]),
        (&[], &["core"], &["api-health"]),
        (&[], &["core", "chain"], &["api-health", "tezos-head"]),
        (&[], &["!database"], &["api-health", "tezos-head"]),
        (&["*-*"], &["!core", "!chain"], &["db-connections"]),
        (&["nothing"], &[], &[]),
    ];
    for (only, tags, expected) in cases {
        let selection = Selection {
            only: owned(only),
            tags: owned(tags),
            service: Some("api".to_owned()),
        };
        assert_eq!(
            chosen(plan(CONTRACT), &selection),
            expected,
            "{selection:?}"
        );
    }
}

#[test]
fn a_selection_that_cannot_be_meant_is_an_error() {
    let service = Selection {
        service: Some("apo".to_owned()),
        ..Selection::default()
    };
    let error = plan(CONTRACT)
        .select(&service)
        .expect_err("no such service");
    assert_eq!(
        error.to_string(),
        "there is no service `apo`; did you mean `api`?"
    );
    let pattern = Selection {
        only: vec!["[".to_owned()],
        ..Selection::default()
    };
    let error = plan(CONTRACT).select(&pattern).expect_err("no pattern");
    assert!(matches!(error, SelectionError::Pattern { .. }), "{error}");
}

#[test]
fn a_policy_may_speak_of_what_a_service_does_not_have() {
    let plan = plan(
        "checks: { web: { http: { url: https://example.org } } }\n\
         policies:\n  default:\n    rules: [{ when: { tags: [chain] }, then: alert }]\n",
    );
    assert_eq!(plan.services[0].policy.rules.len(), 1);
}

#[test]
fn a_rule_may_speak_of_the_limit_that_holds_undeclared() {
    let plan = plan(
        "checks:\n  web:\n    http: { url: https://example.org }\n    thresholds: { p95: { critical: \"> 1s\" } }\n\
         policies:\n  default:\n    rules: [{ when: { threshold: error_rate }, then: hold }]\n",
    );
    assert_eq!(plan.services[0].policy.rules[0].then, Choice::Hold);
}

#[test]
fn what_bounds_rollbacks_is_declared_and_what_distrusts_ourselves_holds_anyway() {
    let plan = plan("checks: { web: { http: { url: https://example.org } } }\n");
    let rollback = &plan.services[0].policy.rollback;
    assert!(rollback.cooldown.is_zero());
    assert_eq!((rollback.budget, rollback.shadow), (None, 0));
    assert_eq!(rollback.freeze, Freeze::default());
    assert_eq!(rollback.max_unknown, 0.2);
    assert!(rollback.min_time.is_zero());
    assert!(!rollback.pin_digest);
    assert!(plan.services[0].guards.is_empty());
}

#[test]
fn what_stops_a_rollback_is_read_as_it_is_written() {
    let plan = plan(
        r#"
policies:
  careful:
    bake: 5m
    rollback:
      arm: true
      cooldown: 0s
      pin_digest: true
      shadow: 3
      freeze: { file: freeze, ssm: /prod/freeze }
      max_unknown: 5%
      min_time: 2m
checks: { web: { http: { url: https://example.org } } }
"#,
    );
    let policy = &plan.services[0].policy;
    let rollback = &policy.rollback;
    assert!(rollback.cooldown.is_zero());
    assert!(rollback.pin_digest);
    assert_eq!(rollback.shadow, 3);
    assert_eq!(rollback.freeze.parameter.as_deref(), Some("/prod/freeze"));
    let file = rollback.freeze.file.as_ref().expect("a file");
    assert!(file.ends_with("freeze") && file.is_absolute(), "{file:?}");
    assert_eq!(rollback.max_unknown, 0.05);
    assert_eq!(rollback.min_time, Duration::from_secs(120));
}

/// The last rules of the policy of a service with these checks.
fn rules(policy: &str, checks: &str) -> Vec<(Vec<String>, Option<Verdict>, Choice, String)> {
    let text = format!("policies: {{ p: {policy} }}\nchecks: {{ {checks} }}\n");
    let plan = plan(&text);
    let rules = plan.services[0].policy.rules.iter();
    let rules = rules.map(|rule| {
        let kinds = rule.when.kinds.iter().map(ToString::to_string).collect();
        let because = rule.because.clone().unwrap_or_default();
        (kinds, rule.when.verdict, rule.then, because)
    });
    rules.collect()
}

#[test]
fn databases_hold_unless_a_rule_says_otherwise() {
    const WEB: &str = "web: { http: { url: https://example.org } }";
    const BOTH: &str = "web: { http: { url: https://example.org } }, \
        db: { postgres: { url: postgres://localhost/x, query: select 1 } }";
    const WORDS: &str = "database checks hold unless a rule says otherwise";
    let kinds = || vec!["postgres".to_owned()];
    let held = |verdict| (kinds(), Some(verdict), Choice::Hold, WORDS.to_owned());
    assert_eq!(rules("{}", WEB), [], "there is none");
    assert_eq!(rules("{}", BOTH), [held(Verdict::Fail)]);
    assert_eq!(
        rules("{ decide: { critical: hold } }", BOTH),
        [],
        "everything holds"
    );
    assert_eq!(
        rules("{ decide: { warning: rollback } }", BOTH),
        [held(Verdict::Fail), held(Verdict::Warn)]
    );
    let written = "{ rules: [{ when: { kinds: [postgres] }, then: rollback }] }";
    let first = (kinds(), None, Choice::Rollback, String::new());
    assert_eq!(
        rules(written, BOTH),
        [first, held(Verdict::Fail)],
        "the first that matches wins"
    );
}

#[test]
fn the_limits_that_are_shown_of_a_check_are_those_that_hold() {
    let (loaded, compiled) = compile_text(
        r#"
checks:
  silent: { http: { url: "http://h/" } }
  quick: { http: { url: "http://h/" }, thresholds: { p95: { critical: "> 2s" } } }
  lenient:
    http: { url: "http://h/" }
    thresholds: { availability: { warning: "< 99%" }, p99: { critical: "> 3s" } }
"#,
    );
    assert!(compiled.is_ok(), "{}", shown(&loaded, &compiled));
    let declared = smokejumper::plan::declared::of(&loaded.document);
    let told: Vec<Vec<&str>> = declared
        .iter()
        .map(|one| one.limits.iter().map(String::as_str).collect())
        .collect();
    let by_default = ["error_rate warning > 1%", "error_rate critical > 5%"];
    assert_eq!(told[0], by_default);
    assert_eq!(
        told[1],
        [&by_default[..], &["p95 critical > 2s"]].concat(),
        "nobody said that it may fail"
    );
    assert_eq!(told[2], ["availability warning < 99%", "p99 critical > 3s"]);
}
