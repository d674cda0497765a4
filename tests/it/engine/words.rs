//! What a person reads at the end of a watch, for every way in which it can end.

use std::fmt::Write as _;
use std::time::Duration;

use smokejumper::cli::exit::{TERMINATED, exit_code};
use smokejumper::decision::{Choice, Permission};
use smokejumper::deployment::Standing;
use smokejumper::report::text::{self, Colour, WIDTH};

use super::platform::Manner;
use super::stage::{Stage, stage};

/// Every way in which a watch can end, by name.
fn ways() -> Vec<(&'static str, Stage)> {
    let mut ways = vec![
        ("accepted", stage(Manner::Heals, false)),
        ("rolled back and verified", stage(Manner::Heals, true)),
        (
            "rolled back, still unhealthy",
            stage(Manner::DoesNotHeal, true),
        ),
        ("the rollback stalls", stage(Manner::Stalls, true)),
        ("the rollback fails", stage(Manner::Fails, true)),
        ("the rollback is denied", stage(Manner::Denies, true)),
        (
            "the rollback is overtaken",
            stage(Manner::IsOvertaken, true),
        ),
        ("nowhere to return to", stage(Manner::HasNoTarget, true)),
    ];
    for (name, standing, ill) in [
        ("superseded", Standing::Superseded, false),
        ("rolled back by the platform", Standing::RollingBack, true),
        ("given up by the platform", Standing::Failed, false),
        ("never rolled out", Standing::InFlight, false),
    ] {
        let stage = stage(Manner::Heals, ill);
        stage.platform.stands(standing);
        ways.push((name, stage));
    }
    for (name, permission) in [
        ("not armed", Permission::NotArmed),
        ("rehearsed", Permission::DryRun),
    ] {
        let mut stage = stage(Manner::Heals, true);
        stage.permission = permission;
        ways.push((name, stage));
    }
    let mut warned = stage(Manner::Heals, true);
    warned.service.policy.decide.warning = Choice::Rollback;
    warned.permission = Permission::NotArmed;
    ways.push(("a warning would roll back, not armed", warned));
    for (name, ill) in [("stopped", false), ("stopped while failing", true)] {
        ways.push((name, stage(Manner::Heals, ill)));
    }
    let alert = stage(Manner::Heals, true);
    ways.push(("failures only alert", alerting(alert)));
    ways
}

fn alerting(mut stage: Stage) -> Stage {
    stage.service.policy.decide.critical = Choice::Alert;
    stage
}

#[tokio::test(start_paused = true)]
async fn every_end_is_told_in_words() {
    let mut told = String::new();
    for (name, stage) in ways() {
        match name {
            _ if name.starts_with("stopped") => stage.stop_after(Duration::from_secs(20)),
            _ if name.contains("warning") => stage.heal_after(Duration::from_secs(3)),
            _ => {}
        }
        let record = stage.watch().await;
        let signal = record.interrupted.then_some(TERMINATED);
        let code = exit_code(&record, false, signal);
        let text = text::render(&record, code, Colour::Plain);
        for line in text.lines() {
            assert!(line.chars().count() <= WIDTH, "{name}: {line}");
        }
        writeln!(told, "=== {name}\n{text}").expect("written");
    }
    insta::assert_snapshot!(told);
}
