//! The examples in `checks/`: every file of a kind and every example system plans as it stands, with
//! nothing set in the environment, and says truly what it still waits for.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use smokejumper::clock::{Clock, WallTime};
use smokejumper::probe::registry::KINDS;
use smokejumper::rehearsal::ecs::{Controller, Settings, StandIn, TargetState};

use super::{read, root};
use crate::harness::probing::MachineClock;

/// The example systems.
fn systems() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(root().join("checks")).expect("there are examples");
    let mut systems: Vec<PathBuf> = folder
        .map(|entry| entry.expect("folders are readable").path())
        .filter(|path| path.is_dir())
        .collect();
    systems.sort();
    systems
}

/// The files of a folder that a command given the folder would read.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("folders are readable");
    let paths = entries.map(|entry| entry.expect("folders are readable").path());
    paths
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect()
}

/// `smokejumper plan` of a path, with no other environment than this.
fn plan(path: &Path, environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_smokejumper"))
        .arg("plan")
        .arg(path)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(root())
        .output()
        .expect("the program starts")
}

/// That the plan was accepted and names all of these.
fn accepted(path: &Path, names: &[String]) {
    accepted_with(path, names, &[]);
}

fn accepted_with(path: &Path, names: &[String], environment: &[(&str, &str)]) {
    let output = plan(path, environment);
    let said = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}:\n{problems}", path.display());
    for name in names {
        assert!(
            said.contains(name),
            "{}: {name} is missing in\n{said}",
            path.display()
        );
    }
}

/// The names declared under a top-level key: the lines indented by two.
fn declared(text: &str, section: &str) -> Vec<String> {
    let inside = text
        .lines()
        .skip_while(|line| *line != format!("{section}:"))
        .skip(1);
    inside
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// The kinds that comments say they wait for: every name in backquotes after "waits for kind", up
/// to the colon that begins what the check would do.
fn awaited(text: &str) -> Vec<String> {
    let rests = text
        .lines()
        .filter_map(|line| line.split_once("waits for kind"));
    rests
        .flat_map(|(_, rest)| {
            let names = rest.split(':').next().unwrap_or_default();
            names.split('`').skip(1).step_by(2).map(str::to_owned)
        })
        .collect()
}

#[test]
fn the_example_of_every_kind_plans_as_it_stands() {
    assert!(!KINDS.is_empty(), "the registry is empty");
    for kind in KINDS {
        let path = root().join(format!("checks/{}.yaml", kind.name));
        let text = read(&path);
        assert!(
            text.contains(&format!(" {}:", kind.name)),
            "{}: {text}",
            kind.name
        );
        accepted(&path, &declared(&text, "checks"));
    }
}

#[test]
fn every_example_system_plans_as_it_stands() {
    let systems = systems();
    assert_eq!(systems.len(), 5, "{systems:?}");
    for system in systems {
        let text = read(&system.join("checks.yaml"));
        let checks = declared(&text, "checks");
        assert!(checks.len() >= 4, "{}: {checks:?}", system.display());
        accepted(&system, &[checks, declared(&text, "services")].concat());
    }
}

#[test]
fn the_configuration_of_the_readme_plans_as_it_stands() {
    let readme = read(&root().join("README.md"));
    let fenced = readme
        .split_once("```yaml\n")
        .and_then(|(_, rest)| rest.split_once("```"));
    let (text, _) = fenced.expect("the README shows a configuration");
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("smokejumper.yaml");
    std::fs::write(&path, text).expect("the folder can be written to");
    let database = [("DATABASE_URL", "postgres://reader:canary@localhost/api")];
    accepted_with(&path, &declared(text, "checks"), &database);
}

#[test]
fn no_line_of_a_runbook_waits_for_a_kind() {
    let mut read_files = 0;
    for system in systems() {
        for file in files(&system) {
            read_files += 1;
            let awaited = awaited(&read(&file));
            assert!(awaited.is_empty(), "{}: {awaited:?}", file.display());
        }
    }
    assert!(read_files > 0, "there are systems");
}

#[test]
fn declarations_and_waiting_lines_are_read() {
    let text = "services:\n  a: {}\nchecks:\n  # no\n  one:\n    http: {}\n\n  two:\n    url: x\npolicies:\n  p: {}\n";
    assert_eq!(declared(text, "checks"), ["one", "two"]);
    assert_eq!(declared(text, "services"), ["a"]);
    let text = "  # waits for kind `flow`: GET `/x`\n# a | waits for kinds `logs`, `tcp`\n# waits";
    assert_eq!(awaited(text), ["flow", "logs", "tcp"]);
}

#[test]
fn the_example_of_exec_runs_as_it_stands() {
    let output = Command::new(env!("CARGO_BIN_EXE_smokejumper"))
        .args(["gate", "checks/exec.yaml"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .current_dir(root())
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

/// A cloud with all that the examples ask about, by the clock of this machine.
async fn cloud() -> StandIn {
    let clock = Arc::new(MachineClock::default());
    let stand_in = StandIn::start(clock.clone(), Settings::default()).await;
    let stand_in = stand_in.expect("the stand-in starts");
    let control = stand_in.control();
    control.create_cluster("prod").expect("a cluster");
    let first = control
        .register("api", "registry.test/api:1")
        .expect("registered");
    let service = control.create_service("prod", "api", &first, 2, Controller::Ecs);
    service.expect("the stand-in takes it");
    control.advance();
    control.log("/ecs/api", "api/1", &["GET /health 200"]);
    let target = TargetState {
        id: "10.0.0.1".to_owned(),
        port: 8080,
        state: "healthy",
        reason: None,
    };
    let group =
        "arn:aws:elasticloadbalancing:eu-west-1:000000000000:targetgroup/api/0123456789abcdef";
    control.targets(group, &[target]);
    let now = clock.wall().unix();
    for (namespace, name, value) in [
        ("AWS/ECS", "CPUUtilization", 20.0),
        ("AWS/ECS", "MemoryUtilization", 40.0),
        ("AWS/ApplicationELB", "RequestCount", 1_000.0),
        ("AWS/ApplicationELB", "TargetResponseTime", 0.1),
        ("AWS/RDS", "CPUUtilization", 20.0),
        ("AWS/RDS", "DatabaseConnections", 20.0),
        ("AWS/RDS", "FreeStorageSpace", 50e9),
        ("AWS/SQS", "ApproximateAgeOfOldestMessage", 3.0),
        ("AWS/SQS", "NumberOfMessagesSent", 60.0),
        ("expression", "sent / 60", 1.0),
    ] {
        // Two periods, so that one of them is whole and young however long the test takes.
        for age in [180, 240] {
            let began = now.saturating_sub(std::time::Duration::from_secs(age));
            let began = std::time::Duration::from_secs(began.as_secs());
            control.metric(namespace, name, WallTime::since_unix_epoch(began), value);
        }
    }
    stand_in
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_kinds_that_ask_aws_run_as_they_stand() {
    let cloud = cloud().await;
    for kind in ["cloudwatch", "ecs", "logs", "target_health"] {
        let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_smokejumper"))
            .args(["gate", &format!("checks/{kind}.yaml"), "--tag", "!file"])
            .env_clear()
            .env("AWS_ENDPOINT_URL", cloud.endpoint_url())
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "not-a-real-secret-key")
            .current_dir(root())
            .output()
            .await
            .expect("the program starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{kind}: {said}");
    }
}
