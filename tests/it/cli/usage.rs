//! Wrong use: a clear message on stderr, nothing on stdout, exit code 2 (or 4 for an empty selection).

use super::program::Program;

const ONE_CHECK: &str =
    "checks: { page: { http: { url: \"http://127.0.0.1:1/\" }, tags: [core] } }\n";

#[tokio::test(flavor = "multi_thread")]
async fn each_wrong_use_says_what_is_wrong() {
    let cases: &[(&[&str], i32, &str)] = &[
        (&[], 2, "Usage"),
        (&["gte"], 2, "gate"),
        (&["gate", "--samples", "0"], 2, "--samples"),
        (&["gate", "--for", "soon"], 2, "not a duration"),
        (&["gate", "--report", "xml"], 2, "there is no format `xml`"),
        (
            &["gate", "--report", "text", "--report", "json"],
            2,
            "only one report can go to stdout",
        ),
        (&["gate", "missing.yaml"], 2, "missing.yaml"),
        (&["gate", "--var", "NAME"], 2, "NAME=VALUE"),
        (&["gate", "--service", "apii"], 2, "apii"),
        (&["gate", "--tag", "nothing-has-it"], 4, "no check matches"),
        (&["gate", "--only", "nothing*"], 4, "no check matches"),
        (&["gate", "--tag", "!core"], 4, "no check matches"),
        (&["watch"], 2, "where default is deployed"),
        (&["watch", "--deployment", "latest"], 2, "ARN"),
        (
            &["watch", "--baseline", ""],
            2,
            "none, before, history or a file",
        ),
    ];
    for (arguments, code, message) in cases {
        let ran = Program::with(ONE_CHECK).run(arguments).await;
        ran.expect(*code);
        assert!(ran.stderr.contains(message), "{arguments:?}: {}", ran.all());
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_configuration_it_says_where_it_looked() {
    let program = Program::with("");
    std::fs::remove_file(program.folder.path().join("smokejumper.yaml")).unwrap();
    let ran = program.run(&["gate"]).await;
    ran.expect(2);
    assert!(ran.stderr.contains("smokejumper.yaml"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn help_and_version_are_data() {
    for flag in ["--help", "--version", "help"] {
        let ran = Program::with("").run(&[flag]).await;
        ran.expect(0);
        assert!(
            ran.stdout.to_lowercase().contains("smokejumper"),
            "{}",
            ran.all()
        );
        assert_eq!(ran.stderr, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bake_from_the_command_line_must_reach_the_samples_as_well() {
    let configuration = "services: { api: { deployment: { ecs: { cluster: c, service: s } } } }\n\
                         checks: { page: { http: { url: \"http://127.0.0.1:1/\" } } }\n";
    let ran = Program::with(configuration)
        .run(&["watch", "--for", "30s"])
        .await;
    ran.expect(2);
    assert!(
        ran.stderr.contains("at most 4 of the 10 samples"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bake_from_the_command_line_must_not_be_forgiven_whole() {
    let configuration = "policies: { mild: { bake: 15m, forgive: { span: 2m } } }\n\
                         services: { api: { policy: mild, deployment: { ecs: { cluster: c, service: s } } } }\n\
                         checks: { page: { http: { url: \"http://127.0.0.1:1/\" }, every: 5s } }\n";
    let ran = Program::with(configuration)
        .run(&["watch", "--for", "2m"])
        .await;
    ran.expect(2);
    assert!(
        ran.stderr
            .contains("forgives 2m of trouble, and so everything in a bake of 2m"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_as_written_are_not_compared_with_before() {
    let configuration = "policies: { plain: { judge: plain } }\n\
                         services: { api: { policy: plain, deployment: { ecs: { cluster: c, service: s } } } }\n\
                         checks: { page: { http: { url: \"http://127.0.0.1:1/\" }, every: 5s,\n\
                         \u{20} baseline: { p50: { warning: \"> +10%\" } } } }\n";
    let ran = Program::with(configuration)
        .run(&["watch", "--baseline", "before", "--deployment", "next"])
        .await;
    ran.expect(2);
    assert!(
        ran.stderr.contains("compares nothing with before"),
        "{}",
        ran.all()
    );
}
