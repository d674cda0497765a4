//! A window is shown, and kept, by what was declared when it was opened, whatever is declared meanwhile.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use smokejumper::engine::serve::handle::Order;
use smokejumper::engine::serve::live::WindowNow;
use smokejumper::event::Verdict;
use smokejumper::sample::CheckId;
use smokejumper::verdict::threshold::{Comparison, Limit, Measure, Subject, Threshold};
use smokejumper::verdict::{Comparable, Tolerance};

use super::yard::{Ward, Yard};

fn p95(seconds: f64) -> Arc<[Threshold]> {
    let critical = Limit {
        comparison: Comparison::Above,
        value: seconds,
        measure: Measure::Seconds,
    };
    Arc::new([Threshold {
        subject: Subject::Quantile(None, 0.95),
        warning: None,
        critical: Some(critical),
        lasting: None,
        consecutive: None,
    }])
}

/// The checks of a window, each with its limits and what is said of it.
fn judged(window: &WindowNow) -> Vec<(String, Vec<f64>, Verdict)> {
    let checks = window.checks.iter().map(|check| {
        let limits = check.in_force.thresholds.iter();
        let criticals = limits.filter_map(|one| Some(one.critical?.value));
        (check.id().to_string(), criticals.collect(), check.verdict)
    });
    checks.collect()
}

#[tokio::test(start_paused = true)]
async fn a_reload_changes_no_limit_of_a_window_that_is_open_or_over() {
    let mut ward = Ward::of("api");
    ward.checks[0].thresholds = p95(2.0);
    let tolerance = Tolerance {
        subject: Comparable::Latency(0.95),
        warning: Some(0.5),
        critical: None,
    };
    ward.checks[0].tolerances = Arc::new([tolerance]);
    let mut other = ward.checks[0].clone();
    other.facts.id = CheckId::new("api-other");
    other.tolerances = Arc::new([]);
    ward.checks.push(other);
    let yard = Yard::with(vec![ward.clone()]);
    let running = yard.start().await;
    tokio::time::sleep(Duration::from_secs(1_800)).await;
    ward.deploy("arn:2", false);
    running.window("api").await;
    tokio::time::sleep(Duration::from_secs(120)).await;

    // The one has another limit from now on, and the other is gone.
    let mut changed = ward.clone();
    changed.checks.truncate(1);
    changed.checks[0].thresholds = p95(9.0);
    changed.checks[0].every = Duration::from_secs(7);
    yard.ground.declare(vec![changed]);
    running.order(Order::Reload).await.expect("read");
    let declared = running.live().await.checks;
    assert_eq!(declared.len(), 1);
    let window = running.window("api").await;
    // With the limit on failures that holds by default.
    let limits = || vec![0.05, 2.0];
    let both = |verdict| {
        vec![
            ("api-pulse".to_owned(), limits(), verdict),
            ("api-other".to_owned(), limits(), verdict),
        ]
    };
    assert!(
        [both(Verdict::Pass), both(Verdict::Inconclusive)].contains(&judged(&window)),
        "{:?}",
        judged(&window)
    );

    running.until_closed("api").await;
    running.end().await;
    let over = yard.kept.over();
    let report = over[0].report.as_ref().expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    assert_eq!(checks.len(), 2);
    for check in checks {
        assert_eq!(
            check["limits"][2],
            json!({ "subject": "p95", "level": "critical", "limit": 2.0, "text": "> 2 s" })
        );
        assert_eq!(check["limits"].as_array().map(Vec::len), Some(3));
    }
    let before = &checks[0]["before"];
    assert!(before["samples"].as_u64() > Some(100), "{before}");
    assert!(before["p50_ms"].as_f64() > Some(0.0), "{before}");
    assert!(
        checks[1].get("before").is_none(),
        "it is compared with nothing"
    );
}
