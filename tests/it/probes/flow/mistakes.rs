//! Mistakes in steps, captures and sessions: each is found at load, at its place, with what to write.

use super::*;

/// What a person sees of a configuration with mistakes.
#[track_caller]
fn mistakes(text: &str) -> String {
    match planned(text, &[("BASE_URL", "https://shop.test")]) {
        Ok(_) => panic!("it is taken:\n{text}"),
        // Long lines are broken to fit a terminal.
        Err(problems) => problems.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

/// A flow of these steps, each on a line of its own.
fn flow(steps: &[&str]) -> String {
    let mut text = "checks:\n  way:\n    flow:\n      steps:\n".to_owned();
    for step in steps {
        text.push_str(&format!("        - {step}\n"));
    }
    text
}

const LOG_IN: &str = r#"{ name: log in, http: { url: "${BASE_URL}/" }, capture: { token: { json: $.token, secret: true } } }"#;

#[test]
fn a_mistake_in_a_step_is_found_at_its_place() {
    let cases: &[(&[&str], &[&str])] = &[
        (
            &[r#"{ name: a, http: { urll: "${BASE_URL}/" } }"#],
            &["unknown key `urll`", "did you mean `url`?", ":5:30"],
        ),
        (
            &[r#"{ name: a, htpp: { url: "${BASE_URL}/" } }"#],
            &["there is no kind of check `htpp`", "did you mean `http`?"],
        ),
        (&["{ name: a }"], &["the step `a` has no kind"]),
        (
            &[r#"{ name: a, http: { url: "${BASE_URL}/{{ token }}", expect: { status: 2000 } } }"#],
            &["2000 is not a status", "nothing fills in `token`"],
        ),
        (
            &[r#"{ name: a, http: { url: "${BASE_URL}/" }, captur: {} }"#],
            &["unknown key `captur`", "did you mean `capture`?"],
        ),
        (
            &[r#"{ name: a, http: { url: "${BASE_URL}/" }, capture: { t: { jsn: $.t } } }"#],
            &["unknown key `jsn`", "did you mean `json`?"],
        ),
        (
            &[r#"{ name: a, http: { url: "${BASE_URL}/" }, capture: { now: $.t, a-b: $.x } }"#],
            &[
                "`now` is a value that every run generates",
                "`a-b` is no name for a value",
            ],
        ),
        (
            &[
                r#"{ name: a, icmp: { host: a.test }, capture: { t: $.t } }"#,
                r#"{ name: b, tcp: { address: "a.test:1" }, capture: { u: $.t } }"#,
                r#"{ name: c, redis: { url: "redis://x/" }, capture: { v: { header: etag } } }"#,
            ],
            &[
                "this step of the kind `icmp` is answered nothing to capture from",
                "this step of the kind `tcp` is answered nothing to capture from",
                "let its `dialogue` expect an answer",
                "a step of the kind `redis` is answered no headers",
            ],
        ),
        (
            &[
                r#"{ name: log in, http: { url: "${BASE_URL}/" } }"#,
                r#"{ name: Log-In, http: { url: "${BASE_URL}/" } }"#,
                r#"{ name: tls, http: { url: "${BASE_URL}/" } }"#,
                r#"{ name: "…", http: { url: "${BASE_URL}/" } }"#,
            ],
            &[
                "two steps are called `Log-In`",
                "`tls` is the name of a phase",
                "1 to 60 characters",
            ],
        ),
        (
            &[r#"{ name: a, http: { url: "${BASE_URL}/", addresses: each } }"#],
            &["not each address or task"],
        ),
        (
            &[r#"{ name: a, flow: { steps: [] } }"#],
            &["a step cannot be a `flow` itself"],
        ),
        (
            &[r#"{ name: a, http: { url: "${BASE_URL}/{{ a b }}" } }"#],
            &["`{{ a b }}` holds no name"],
        ),
        (
            &[r#"{ name: a, timeout: 0s, http: { url: "${BASE_URL}/" } }"#],
            &["nothing answers within 0s"],
        ),
        (&["log in"], &["expected a mapping"]),
    ];
    for (steps, parts) in cases {
        let told = mistakes(&flow(steps));
        for part in *parts {
            assert!(told.contains(part), "{part} is missing in\n{told}");
        }
    }
    assert!(mistakes("checks: { way: { flow: { steps: [] } } }").contains("a flow without steps"));
}

#[test]
fn a_name_that_nothing_fills_in_names_who_would_have_to() {
    let use_it = |name: &str| {
        format!(
            r#"{{ name: use, http: {{ url: "${{BASE_URL}}/", headers: {{ authorization: "Bearer {{{{ {name} }}}}" }} }} }}"#
        )
    };
    let told = mistakes(&flow(&[LOG_IN, &use_it("tokne")]));
    assert!(told.contains("nothing fills in `tokne`"), "{told}");
    assert!(
        told.contains("did you mean `token`, which step \"log in\" captures?"),
        "{told}"
    );
    assert!(
        told.contains("{{ tokne }}"),
        "the line itself is shown: {told}"
    );
    let told = mistakes(&flow(&[LOG_IN, &use_it("order_id")]));
    assert!(
        told.contains("let step \"log in\" or one before it capture it"),
        "{told}"
    );
    assert!(told.contains("the step before"), "{told}");
    let told = mistakes(&flow(&[&use_it("token"), LOG_IN]));
    assert!(
        told.contains("`token` is not captured yet: step \"log in\" does that"),
        "{told}"
    );
    assert!(told.contains("captured here"), "{told}");
    let told = mistakes(&flow(&[&use_it("random.emial")]));
    assert!(told.contains("did you mean `random.email`?"), "{told}");
}

#[test]
fn what_is_right_whatever_is_filled_in_is_taken() {
    for step in [
        r#"{ name: next, http: { url: "{{ token }}" } }"#,
        r#"{ name: next, http: { url: "{{ token }}/path", method: "{{ token }}" } }"#,
        r#"{ name: next, http: { url: "${BASE_URL}/", body: "{{ \"{{\" }} {{ token }}" } }"#,
        r#"{ name: next, http: { url: "${BASE_URL}/", expect: { json: { $.n: { gt: "{{ token }}" } } } } }"#,
        r#"{ name: next, http: { url: "${BASE_URL}/", expect: { status: "{{ token }}" }, redirects: "{{ token }}" } }"#,
    ] {
        let text = flow(&[LOG_IN, step]);
        let planned = planned(&text, &[("BASE_URL", "https://shop.test")]);
        assert!(planned.is_ok(), "{step}: {}", planned.err().unwrap());
    }
}

#[test]
fn a_misspelt_reading_of_a_step_is_found() {
    let told = |subject: &str| {
        let mut text = flow(&[
            LOG_IN,
            r#"{ name: run, exec: { command: [x], format: nagios } }"#,
        ]);
        text.push_str(&format!(
            "    thresholds: {{ {subject}: {{ warning: \"> 1s\" }} }}\n"
        ));
        planned(&text, &[("BASE_URL", "https://shop.test")])
            .map(|_| ())
            .map_err(|problems| problems.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    for subject in [
        "log_in.latency",
        "run.latency",
        "run.whatever_perfdata_says",
    ] {
        assert_eq!(told(subject), Ok(()), "{subject}");
    }
    for (subject, part) in [
        ("login.latency", "did you mean `log_in.latency`?"),
        ("log_in.latncy", "did you mean `log_in.latency`?"),
        ("log_in.stats", "did you mean `log_in.status`?"),
        ("step", "did you mean `steps`?"),
    ] {
        let told = told(subject).unwrap_err();
        assert!(told.contains(part), "{subject}: {told}");
    }
}

#[test]
fn times_of_steps_that_cannot_be_are_found() {
    let stays = r#"{ name: stay, websocket: { url: "wss://a.test/", stays_open: 4s } }"#;
    for (steps, timeout, part) in [
        (
            &[
                stays,
                r#"{ name: more, websocket: { url: "wss://a.test/", stays_open: 3s } }"#,
            ][..],
            "5s",
            "the 7s that a run takes at least",
        ),
        (
            &[r#"{ name: a, timeout: 4s, websocket: { url: "wss://a.test/", stays_open: 4s } }"#],
            "5s",
            "4s are over before the 4s that the step takes at least",
        ),
        (
            &[r#"{ name: a, timeout: 6s, http: { url: "${BASE_URL}/" } }"#],
            "5s",
            "step \"a\" may take 6s, and the whole check is over after 5s",
        ),
    ] {
        let text = format!("{}    timeout: {timeout}\n", flow(steps));
        let told = mistakes(&text);
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
    // A fifth of the time is kept for those that always run.
    let always = "      always:\n        - { name: out, http: { url: \"${BASE_URL}/\" } }\n";
    let with = |timeout: &str| format!("{}{always}    timeout: {timeout}\n", flow(&[stays]));
    assert!(mistakes(&with("5s")).contains("the 5s that a run takes at least"));
    assert!(planned(&with("6s"), &[("BASE_URL", "https://shop.test")]).is_ok());
}

#[test]
fn whom_a_flow_asks_is_known_where_all_steps_ask_one_place() {
    let targets = |steps: &[&str]| {
        let planned = planned(&flow(steps), &[("BASE_URL", "https://shop.test")]);
        let target = planned.expect("it is right")["way"].target();
        target.map(|target| target.name.to_string())
    };
    let more = r#"{ name: more, http: { url: "${BASE_URL}/{{ token }}" } }"#;
    let other = r#"{ name: other, http: { url: "https://other.test/" } }"#;
    let anywhere = r#"{ name: anywhere, http: { url: "https://{{ token }}.test/" } }"#;
    assert_eq!(
        targets(&[LOG_IN, more]).as_deref(),
        Some("https://shop.test:443")
    );
    assert_eq!(targets(&[LOG_IN, other]), None);
    assert_eq!(targets(&[LOG_IN, anywhere]), None);
}

#[test]
fn mistakes_about_sessions_are_found() {
    let session = "sessions:\n  user:\n    steps:\n      - { name: log in, http: { url: \"${BASE_URL}/\" }, capture: { token: $.token } }\n";
    let check = |session: &str, name: &str| {
        format!(
            "checks:\n  web:\n    session: {session}\n    http: {{ url: \"${{BASE_URL}}/{{{{ {name} }}}}\" }}\n"
        )
    };
    let cases = [
        (
            format!("{}{session}", check("usr", "token")),
            "there is no session `usr`",
        ),
        (
            format!("{}{session}", check("usr", "token")),
            "did you mean `user`?",
        ),
        (
            format!("{}{session}", check("user", "tokn")),
            "did you mean `token`?",
        ),
        (
            format!("{}{session}", check("user", "other")),
            "let a step of the session `user` capture it",
        ),
        (check("user", "token"), "declare it: `sessions: { user:"),
        (
            "checks: { web: { http: { url: \"https://x/{{ token }}\" } } }".to_owned(),
            "only the steps of a `flow` and checks with a `session` are filled in",
        ),
        (
            format!(
                "{}sessions: {{ user: {{ steps: [], renew_after: 0s, expired: {{ }} }} }}\n",
                check("user", "uuid")
            ),
            "a session without steps logs nobody in",
        ),
        (
            format!(
                "{}sessions: {{ user: {{ stps: [] }} }}\n",
                check("user", "uuid")
            ),
            "did you mean `steps`?",
        ),
        (
            format!("{}sessions: {{ user: 5 }}\n", check("user", "uuid")),
            "is a mapping with `steps`",
        ),
    ];
    for (text, part) in cases {
        let told = mistakes(&text);
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
}
