//! Where reports go: files, places that are no files, and places that cannot be written to; and
//! that no secret changes their form.

use super::page::page;
use super::program::{Program, ended};

async fn program() -> (crate::harness::http_peer::Peer, Program) {
    let page = page("200 OK", "ok").await;
    let configuration = format!(
        "checks: {{ page: {{ http: {{ url: \"{}\", expect: {{ status: 200 }} }} }} }}\n",
        page.url("/")
    );
    (page, Program::with(&configuration))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_cannot_be_written_to_is_told_before_anything_runs() {
    let (page, program) = program().await;
    for place in ["nowhere/report.json", "."] {
        let ran = program
            .run(&["gate", "--report", &format!("json={place}")])
            .await;
        ran.expect(2);
        assert!(ran.stderr.contains(place), "{}", ran.all());
        assert_eq!(ran.stdout, "");
    }
    assert_eq!(page.accepted(), 0, "nothing was probed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_file_is_written_to_and_not_replaced() {
    let (_page, program) = program().await;
    // As a report goes to /dev/stdout or /dev/null: a link to something that is no file.
    let link = program.folder.path().join("out");
    std::os::unix::fs::symlink("/dev/stdout", &link).expect("linked");
    let ran = program.run(&["gate", "-q", "--report", "json=out"]).await;
    ran.expect(0);
    assert!(ran.stdout.contains("smokejumper.report/1"), "{}", ran.all());
    assert!(link.symlink_metadata().expect("there").is_symlink());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_report_stays_a_link() {
    let (_page, program) = program().await;
    std::fs::write(program.folder.path().join("kept.json"), "old").expect("written");
    let link = program.folder.path().join("latest.json");
    std::os::unix::fs::symlink("kept.json", &link).expect("linked");
    let ran = program.run(&["gate", "--report", "json=latest.json"]).await;
    ran.expect(0);
    assert!(link.symlink_metadata().expect("there").is_symlink());
    assert!(program.read("kept.json").contains("smokejumper.report/1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_is_no_pass() {
    let (_page, program) = program().await;
    let ran = program.run(&["gate", "--report", "json=/dev/full"]).await;
    ran.expect(70);
    assert!(
        ran.stderr
            .contains("the report could not be written: /dev/full"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_closes_stdout_early_changes_no_code() {
    let (_page, program) = program().await;
    let mut started = program.start(&["gate", "--report", "json"]);
    drop(started.stdout.take());
    ended(started).await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_a_word_of_the_report_leaves_its_form_whole() {
    let configuration =
        "checks: { a: { redis: { url: \"redis://:${CACHE_PASSWORD}@127.0.0.1:1/${DB_KEY}\" } } }\n";
    for password in ["redis", "2026", "fail", "gate"] {
        let program = Program::with(configuration)
            .env("CACHE_PASSWORD", password)
            .env("DB_KEY", "0");
        let ran = program.run(&["gate", "--report", "json"]).await;
        let report = ran.expect(1).json();
        assert_eq!(report["schema"], "smokejumper.report/1", "{password}");
        assert_eq!(report["command"], "gate", "{password}");
        assert_eq!(report["verdict"], "fail", "{password}");
        assert_eq!(report["checks"][0]["kind"], "redis", "{password}");
        let started = report["started"].as_str().expect("a time");
        assert!(started.starts_with("20"), "{password}: {started}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_several_words_is_not_seen_across_lines_or_in_part() {
    for filler in (1..80).step_by(8) {
        let body = format!("{} correct horse battery staple zebra", "y".repeat(filler));
        let page = page("200 OK", &body).await;
        let configuration = format!(
            "checks:\n  a: {{ http: {{ url: \"{url}\", expect: {{ text: {{ contains: never-there }} }} }} }}\n  \
             b: {{ http: {{ url: \"{url}\", headers: {{ authorization: \"${{API_TOKEN}}\" }}, expect: {{ status: 200 }} }} }}\n",
            url = page.url("/")
        );
        let program =
            Program::with(&configuration).env("API_TOKEN", "correct horse battery staple zebra");
        for arguments in [&["gate", "-v"][..], &["gate", "--report", "json"]] {
            let ran = program.run(arguments).await;
            ran.expect(1);
            for word in ["correct", "horse", "battery"] {
                assert!(!ran.all().contains(word), "{filler}: {}", ran.all());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_counted_is_there_for_prometheus_when_the_gate_ends() {
    let (_page, program) = program().await;
    let configuration = "checks: { down: { http: { url: \"http://127.0.0.1:1/\" } } }\n";
    std::fs::write(program.folder.path().join("more.yaml"), configuration).expect("written");
    let ran = program
        .run(&[
            "gate",
            "smokejumper.yaml",
            "more.yaml",
            "--report",
            "prometheus=metrics.prom",
        ])
        .await;
    ran.expect(1);
    let told = program.read("metrics.prom");
    for (check, counted) in [
        ("page", "outcome=\"pass\",reason=\"\"} 1"),
        ("down", "outcome=\"error\",reason=\"refused\"} 1"),
    ] {
        let line = told.lines().find(|line| {
            line.starts_with("smokejumper_probe_total")
                && line.contains(&format!("check=\"{check}\""))
                && line.ends_with(counted)
        });
        assert!(line.is_some(), "{check}: {told}");
    }
    assert!(
        told.contains("check=\"down\",service=\"default\",verdict=\"fail\"} 1"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_on_stdout_are_all_that_is_there() {
    let (_page, program) = program().await;
    let ran = program.run(&["gate", "--report", "prometheus"]).await;
    ran.expect(0);
    assert!(
        ran.stdout.starts_with("# HELP smokejumper_build_info "),
        "{}",
        ran.all()
    );
    let strange = ran
        .stdout
        .lines()
        .find(|line| !line.contains("smokejumper_"));
    assert_eq!(strange, None, "{}", ran.all());
}

/// The cases of a JUnit report, read as a CI system reads it: each with how it ended.
fn cases(xml: &str) -> Vec<(String, Option<String>)> {
    use quick_xml::events::{BytesStart, Event};
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let name = |tag: &BytesStart<'_>| {
        let found = tag.try_get_attribute("name").expect("attributes");
        found.expect("a name").value.into_owned()
    };
    let mut cases: Vec<(String, Option<String>)> = Vec::new();
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Start(tag) if tag.name().as_ref() == "testcase" => {
                cases.push((name(&tag), None));
            }
            Event::Start(tag) if matches!(tag.name().as_ref(), "failure" | "error") => {
                let end = Some(tag.name().as_ref().to_owned());
                cases.last_mut().expect("a case").1 = end;
            }
            Event::Eof => return cases,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ci_system_and_a_pull_request_are_told_the_same_as_the_exit_code() {
    let (_page, program) = program().await;
    let hostile = page("200 OK", "]]>\u{1b}[31m<b>| @all").await;
    let more = format!(
        "checks:\n  down: {{ http: {{ url: \"http://127.0.0.1:1/\" }} }}\n  \
         odd: {{ http: {{ url: \"{}\", expect: {{ text: fine }} }} }}\n",
        hostile.url("/")
    );
    std::fs::write(program.folder.path().join("more.yaml"), more).expect("written");
    let ran = program
        .run(&[
            "gate",
            "smokejumper.yaml",
            "more.yaml",
            "--report",
            "junit=junit.xml",
            "--report",
            "markdown=summary.md",
        ])
        .await;
    ran.expect(1);
    let failure = Some("failure".to_owned());
    let expected = [("page", None), ("down", failure.clone()), ("odd", failure)];
    let expected = expected.map(|(name, end)| (name.to_owned(), end));
    let xml = program.read("junit.xml");
    assert_eq!(cases(&xml), expected, "{xml}");
    let markdown = program.read("summary.md");
    for line in [
        "| ❌ fail | down | http | 1 | 1 | 100 %",
        "| ✅ pass | page |",
    ] {
        assert!(markdown.contains(line), "{markdown}");
    }
    assert!(
        !markdown.contains("<b>") && !markdown.contains('\u{1b}'),
        "{markdown}"
    );
    program.run(&["gate", "--report", "junit"]).await.expect(0);
}
