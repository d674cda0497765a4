//! The kind `exec` with real programs, and with programs that misbehave.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::probe::exec::Settings;
use smokejumper::probe::{Probe, Surroundings, registry};
use smokejumper::sample::{Phase, Reason, Sample};

use crate::harness::probing::{build, fault, passed, reading, run_probe};

mod formats;
mod junit;
mod processes;

/// Longer than any of these programs takes on a busy machine.
const AMPLE: Duration = Duration::from_secs(60);

/// A probe whose relative paths start in `folder`.
fn in_folder(folder: &Path, settings: Value) -> Box<dyn Probe> {
    #[expect(clippy::disallowed_methods, reason = "a test stands at the edge")]
    let path = std::env::var("PATH").expect("there is a PATH");
    let environment = [
        ("PATH", path.as_str()),
        ("HOME", "/nowhere"),
        ("OWN_TOKEN", "canary"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let surroundings = Surroundings {
        folder: folder.to_owned(),
        environment: Arc::new(BTreeMap::from(environment)),
        deployment: None,
        ..Surroundings::default()
    };
    registry::build("exec", settings, &surroundings)
        .expect("the kind is known")
        .expect("the settings are well-formed")
        .expect("the settings can work")
}

async fn run_in(folder: &Path, settings: Value) -> Sample {
    run_probe(AMPLE, &*in_folder(folder, settings)).await
}

async fn run(settings: Value) -> Sample {
    run_in(Path::new("/"), settings).await
}

/// A line of a shell, read by its exit status.
async fn shell(line: &str) -> Sample {
    run(json!({ "shell": line })).await
}

#[tokio::test]
async fn a_program_that_ends_well_passes_and_is_measured() {
    let sample = run(json!({"command": ["printf", "%s", "all is well"]})).await;
    passed(&sample);
    assert_eq!(reading(&sample, "exit_status"), 0.0);
    assert_eq!(reading(&sample, "output_bytes"), 11.0);
    for phase in [Phase::Request, Phase::Ttfb, Phase::Body] {
        assert!(sample.phases.get(phase).is_some(), "{phase:?}");
    }
    assert!(sample.notes.is_empty(), "{:?}", sample.notes);
}

#[tokio::test]
async fn a_program_that_ends_otherwise_fails_with_its_last_words() {
    let sample = shell("echo fine; echo >&2 'login: 502'; echo >&2; exit 7").await;
    let met = fault(&sample, Reason::Status);
    assert_eq!(
        met.detail,
        "exit status: expected 0, got 7; it says: login: 502"
    );
    assert_eq!(reading(&sample, "exit_status"), 7.0);
}

#[tokio::test]
async fn status_and_both_outputs_can_be_expected() {
    let line = "echo 3 of 3 replicas; echo >&2 careful; exit 4";
    let good = json!({
        "shell": line,
        "expect": {
            "status": {"in": [0, 4]},
            "stdout": {"matches": "^3 of 3"},
            "stderr": "careful",
        },
    });
    passed(&run(good).await);
    for (expect, detail) in [
        (
            json!({"status": 4, "stdout": {"contains": "4 of"}}),
            "standard output: ",
        ),
        (
            json!({"status": 4, "stderr": {"exists": false}}),
            "standard error: ",
        ),
    ] {
        let sample = run(json!({"shell": line, "expect": expect})).await;
        let met = fault(&sample, Reason::Expectation);
        assert!(met.detail.starts_with(detail), "{}", met.detail);
    }
}

#[tokio::test]
async fn a_program_gets_what_is_declared_of_ours_three_variables_and_its_mark() {
    let settings = json!({
        "command": ["env"],
        "env": {"API_URL": "http://api.test"},
        "secrets": {"API_TOKEN": "open sesame"},
        "expect": {"stdout": {"all": [
            {"contains": "API_URL=http://api.test"},
            {"contains": "API_TOKEN=open sesame"},
            {"contains": "HOME=/nowhere"},
            {"contains": "PATH="},
            {"contains": "SMOKEJUMPER_RUN="},
            {"not_contains": "OWN_TOKEN"},
            {"not_contains": "canary"},
        ]}},
    });
    passed(&run(settings).await);
    let count = json!({"shell": "env | grep -c =", "expect": {"stdout": {"lt": 6}}});
    passed(&run(count).await);
}

#[tokio::test]
async fn a_program_is_found_below_its_folder_and_runs_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("tests");
    std::fs::create_dir(&inside).expect("created");
    script(&inside.join("smoke"), "#!/bin/sh\ncat data\n");
    std::fs::write(inside.join("data"), "here").expect("written");
    let settings = json!({"command": ["./smoke"], "folder": "tests", "expect": {"stdout": "here"}});
    passed(&run_in(folder.path(), settings).await);
}

#[tokio::test]
async fn a_program_that_cannot_be_run_is_our_own_trouble() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plain"), "echo hello\n").expect("written");
    script(&folder.path().join("headless"), "no program of any sort\n");
    script(&folder.path().join("orphan"), "#!/no/such/interpreter\n");
    for (settings, detail) in [
        (
            json!({"command": ["no-such-program-here"]}),
            "there is no such program",
        ),
        (json!({"command": ["./absent"]}), "there is no such program"),
        (json!({"command": ["./plain"]}), "we may not run it"),
        (
            json!({"command": ["./headless"]}),
            "does it begin with a `#!` line",
        ),
        (json!({"command": ["./orphan"]}), "what its `#!` line names"),
        (
            json!({"command": ["true"], "folder": "absent"}),
            "is not there",
        ),
        (
            json!({"shell": "no-such-program-here"}),
            "the shell could not run the program",
        ),
        (
            json!({"shell": "./plain"}),
            "the shell could not run the program",
        ),
    ] {
        let sample = run_in(folder.path(), settings.clone()).await;
        let met = fault(&sample, Reason::NotStarted);
        assert!(met.detail.contains(detail), "{settings}: {}", met.detail);
    }
}

/// Writes an executable file.
fn script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).expect("written");
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, executable).expect("made executable");
}

#[tokio::test]
async fn what_the_program_repeats_of_its_secrets_is_masked() {
    let echo = "echo \"$TOKEN\"; echo >&2 \"Bearer $TOKEN is refused\"; exit 2";
    let lines = r#"echo "{\"ok\":false,\"name\":\"$TOKEN\",\"message\":\"$TOKEN\"}"
        echo "{\"ok\":false,\"name\":\"b\",\"message\":\"$TOKEN\"}"
        echo "{\"note\":\"$TOKEN\"}"; echo "{\"reading\":\"$TOKEN\",\"value\":1}""#;
    for (format, line) in [("status", echo), ("nagios", echo), ("json_lines", lines)] {
        let settings = json!({
            "shell": line, "format": format, "secrets": {"TOKEN": "canary-in-a-mine"},
        });
        let sample = run(settings).await;
        let shown = serde_json::to_string(&sample).expect("a sample is JSON");
        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("***"), "{shown}");
    }
}

#[test]
fn settings_that_cannot_work_are_all_named_and_show_no_secret() {
    for (settings, number) in [
        (json!({}), 1),
        (json!({"command": [""]}), 1),
        (json!({"shell": " "}), 1),
        (json!({"command": ["a"], "shell": "a"}), 1),
        (
            json!({"command": ["a"], "junit": "r.xml", "format": "nagios"}),
            1,
        ),
        (
            json!({"command": ["a"], "junit": "r.xml", "expect": {"status": 1}}),
            1,
        ),
        (
            json!({"command": ["a"], "format": "nagios", "expect": {"status": 1}}),
            1,
        ),
        (json!({"command": ["a"], "max_output": "1GiB"}), 1),
        (
            json!({"command": ["a"], "env": {"A=B": "1", "": "2"}, "secrets": {"": "canary"}}),
            3,
        ),
        (
            json!({"command": ["a"], "env": {"A": "1"}, "secrets": {"A": "canary"}}),
            1,
        ),
        (
            json!({"command": ["a"], "env": {"SMOKEJUMPER_RUN": "1"}}),
            1,
        ),
    ] {
        let Err(misfits) = build("exec", settings.clone()) else {
            panic!("{settings} is accepted")
        };
        let shown = format!("{misfits:?}");
        assert_eq!(misfits.len(), number, "{settings}: {shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn settings_do_not_print_their_secret() {
    let settings: Settings =
        serde_json::from_value(json!({"command": ["a"], "secrets": {"A": "canary"}})).unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
}
