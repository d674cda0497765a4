//! `demo`: every scenario, as a new user would run it.

use super::program::Program;

async fn demo(scenario: &str) -> super::program::Ran {
    let program = Program::with("");
    let ran = program.run(&["demo", "--scenario", scenario]).await;
    ran.expect(0);
    assert!(
        ran.stdout.contains("handled as it should be"),
        "{}",
        ran.all()
    );
    let wide = ran.stdout.lines().chain(ran.stderr.lines()).find(|line| {
        // Names and addresses are not broken; everything else fits a terminal.
        line.chars().count() > 80 && !line.contains("http://") && !line.starts_with("    ")
    });
    assert_eq!(wide, None, "{}", ran.all());
    assert!(
        !ran.stdout.contains('\u{1b}'),
        "no colour where no terminal is: {}",
        ran.all()
    );
    ran
}

/// The text without its line breaks, which fall where the terminal ends.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_rate_is_caught_undone_and_proven() {
    let ran = demo("errors").await;
    assert!(
        words(&ran.stdout).contains("Rolled back shop:3 -> shop:1"),
        "{}",
        ran.all()
    );
    assert!(
        ran.stdout.contains("The shop now runs shop:1"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_caught_undone_and_proven() {
    let ran = demo("outage").await;
    assert!(
        ran.stdout.contains("The shop now runs shop:1"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_release_is_caught_undone_and_proven() {
    let ran = demo("slow").await;
    assert!(words(&ran.stdout).contains("orders: p95"), "{}", ran.all());
    assert!(
        ran.stdout.contains("The shop now runs shop:1"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_release_is_accepted() {
    let ran = demo("healthy").await;
    assert!(
        ran.stdout.contains("The shop now runs shop:3"),
        "{}",
        ran.all()
    );
    assert!(
        words(&ran.stdout).contains("changed anything on ECS: none"),
        "{}",
        ran.all()
    );
}
