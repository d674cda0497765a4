//! `plan`: the example systems are accepted as they stand, and what is shown is readable.

use std::path::PathBuf;

use super::program::Program;

fn example_folders() -> Vec<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("checks");
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root)
        .expect("checks/ is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

#[tokio::test(flavor = "multi_thread")]
async fn the_five_example_systems_are_accepted_as_they_stand() {
    let folders = example_folders();
    assert_eq!(folders.len(), 5, "one folder per runbook: {folders:?}");
    for folder in folders {
        let path = folder.to_str().expect("a path of text");
        let ran = Program::with("").run(&["plan", path]).await;
        ran.expect(0);
        assert!(
            ran.stdout.contains("The configuration is valid"),
            "{}",
            ran.all()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_kinds_are_accepted_one_by_one() {
    for kind in smokejumper::probe::registry::KINDS {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("checks")
            .join(format!("{}.yaml", kind.name));
        let path = path.to_str().expect("a path of text").to_owned();
        let ran = Program::with("").run(&["plan", &path]).await;
        ran.expect(0);
        assert!(ran.stdout.contains(kind.name), "{}", ran.all());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_shown_at_eighty_columns() {
    let folder = example_folders().remove(0);
    let ran = Program::with("")
        .run(&["plan", folder.to_str().unwrap()])
        .await;
    let wide: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.chars().count() > 80)
        .collect();
    assert_eq!(wide, Vec::<&str>::new(), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_judged_without_being_declared_is_shown() {
    let check = |thresholds: &str| {
        format!(
            "checks: {{ a: {{ http: {{ url: \"http://127.0.0.1:1/\", expect: {{ status: 200 }} }}, every: 10s{thresholds} }} }}\n"
        )
    };
    let by_default = "error_rate warning > 1 % critical > 5 % (by default)";
    let cases = [
        ("", true),
        (", thresholds: { p95: { critical: \"> 2s\" } }", true),
        (
            ", thresholds: { error_rate: { critical: \"> 9%\" } }",
            false,
        ),
        (
            ", thresholds: { consecutive_failures: { critical: \"> 3\" } }",
            false,
        ),
    ];
    for (thresholds, is_shown) in cases {
        let ran = Program::with(&check(thresholds)).run(&["plan"]).await;
        ran.expect(0);
        assert_eq!(ran.stdout.contains(by_default), is_shown, "{}", ran.all());
    }
}

/// The configuration of a check that names its readings itself.
fn metrics(thresholds: &str) -> String {
    format!(
        "checks:\n  users:\n    metrics:\n      url: http://localhost:9090/metrics\n      read:\n        \
         orders: orders_total\n        failed: {{ ratio: {{ of: bad_total, over: all_total }} }}\n    \
         thresholds: {{ {thresholds} }}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_held_against_the_readings_that_a_check_names() {
    for (thresholds, told) in [
        ("order: { critical: '> 5' }", "did you mean `orders`?"),
        ("failed: { critical: '> 5' }", "`5` is no share"),
    ] {
        let ran = Program::with(&metrics(thresholds)).run(&["plan"]).await;
        ran.expect(2);
        assert!(ran.stderr.contains(told), "{}", ran.all());
    }
    let thresholds =
        "failed: { critical: '> 5%' }, orders: { critical: { advances: { within: 60s } } }";
    let ran = Program::with(&metrics(thresholds)).run(&["plan"]).await;
    ran.expect(0);
    assert!(
        ran.stdout.contains("failed critical > 5 %"),
        "{}",
        ran.all()
    );
    assert!(
        ran.stdout.contains("orders critical advances within 1m"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_asks_each_by_itself_has_no_course() {
    let course = "orders: { critical: { never_decreases: true } }";
    let asking = |word: &str, thresholds: &str| {
        let whole = metrics(thresholds);
        whole.replace(
            "      read:",
            &format!("      addresses: {word}\n      read:"),
        )
    };
    for word in ["each", "tasks"] {
        let ran = Program::with(&asking(word, course)).run(&["plan"]).await;
        ran.expect(2);
        let told = "a reading of several has no course";
        assert!(ran.stderr.contains(told), "{}", ran.all());
        let remedy = format!("remove `addresses: {word}`");
        assert!(ran.stderr.contains(&remedy), "{}", ran.all());
        let limited = asking(word, "orders: { critical: '> 5' }");
        Program::with(&limited).run(&["plan"]).await.expect(0);
    }
}
