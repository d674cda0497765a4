//! What is measured: the real binary, as a user runs it, with a configuration as a user writes it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::nginx::{CERTIFICATE, HOSTS, Nginx, PATH};
use crate::process::{Cores, Measured, Program};
use crate::{Outcome, Trouble};

/// The checks of one configuration.
#[derive(Clone, Debug)]
pub struct Declared {
    /// How many there are.
    pub checks: usize,
    /// How often each runs.
    pub every: Duration,
    /// Whether each keeps its connection.
    pub kept: bool,
    /// The scheme of their addresses.
    pub scheme: &'static str,
    /// The port of their addresses.
    pub port: u16,
    /// Whether TLS sessions are resumed.
    pub resumed: bool,
    /// So many more that ask a peer which never answers, and its port.
    pub hanging: Option<(usize, u16)>,
}

impl Declared {
    /// Checks without TLS.
    pub const fn plain(checks: usize, every: Duration, kept: bool, port: u16) -> Self {
        Self {
            checks,
            every,
            kept,
            scheme: "http",
            port,
            resumed: false,
            hanging: None,
        }
    }

    /// Writes the configuration into a new folder below `folder`.
    ///
    /// A file may have a megabyte, so that a hundred thousand checks are a hundred files.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> Outcome<PathBuf> {
        let below = folder.join(name);
        std::fs::create_dir(&below)?;
        for first in (0..self.checks).step_by(CHECKS_A_FILE) {
            let mut text = String::from("checks:\n");
            for place in first..self.checks.min(first + CHECKS_A_FILE) {
                self.check(&mut text, folder, place)?;
            }
            std::fs::write(below.join(format!("{first:06}.yaml")), text)?;
        }
        if let Some((checks, port)) = self.hanging {
            let mut text = String::from("checks:\n");
            for place in 0..checks {
                writeln!(text, "  hanging-{place}:")?;
                writeln!(text, "    http: {{ url: \"http://{}:{port}/\" }}", HOSTS[0])?;
                writeln!(text, "    every: {}ms", self.every.as_millis())?;
            }
            std::fs::write(below.join("hanging.yaml"), text)?;
        }
        Ok(below)
    }

    /// One check with three expectations: the status, a header, a value of the body.
    fn check(&self, text: &mut String, folder: &Path, place: usize) -> Result<(), Trouble> {
        let (scheme, host, port) = (self.scheme, HOSTS[place % HOSTS.len()], self.port);
        let connection = if self.kept { "keep_alive" } else { "fresh" };
        let tls = match (scheme, self.resumed) {
            ("https", false) => format!("tls: {{ ca: {}/{CERTIFICATE} }}, ", folder.display()),
            ("https", true) => {
                let folder = folder.display();
                format!("tls: {{ ca: {folder}/{CERTIFICATE}, resume: true }}, ")
            }
            _ => String::new(),
        };
        writeln!(text, "  check-{place}:")?;
        writeln!(
            text,
            "    http: {{ url: \"{scheme}://{host}:{port}{PATH}\", connection: {connection}, {tls}expect: \
             {{ status: 200, headers: {{ content-type: {{ contains: json }} }}, json: {{ $.status: ok }} }} }}",
        )?;
        Ok(writeln!(text, "    every: {}ms", self.every.as_millis())?)
    }
}

/// About 250 bytes a check, well below what a file may have.
const CHECKS_A_FILE: usize = 1_000;

/// A binary and where it may run.
#[derive(Clone, Debug)]
pub struct Ours<'a> {
    /// The binary.
    pub binary: &'a str,
    /// Where configurations and reports are written.
    pub folder: &'a Path,
    /// The cores.
    pub cores: Cores<'a>,
}

/// What a run showed.
#[derive(Clone, Debug)]
pub struct Shown {
    /// CPU and memory while it ran.
    pub measured: Measured,
    /// From the first probe until every check had been run once, as the server saw it.
    pub first_results: Duration,
    /// What it reported at its end.
    pub report: Value,
}

impl Ours<'_> {
    /// Whether this binary knows the settings of a configuration.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn knows(&self, declared: &Declared, name: &str) -> Outcome<bool> {
        let one = Declared {
            checks: 1,
            ..declared.clone()
        };
        let below = one.write(self.folder, &format!("{name}-known"))?;
        let plan = tokio::process::Command::new(self.binary)
            .arg("plan")
            .arg(below)
            .kill_on_drop(true)
            .output();
        // What it says of a setting that it does not know is of no interest here.
        Ok(tokio::time::timeout(PATIENCE, plan)
            .await??
            .status
            .success())
    }

    /// Runs `gate --for` and measures it over `lasting`, once every check has been run.
    ///
    /// # Errors
    /// When it does not begin, ends too soon, does not end, or reports nothing.
    pub async fn gate(
        &self,
        nginx: &Nginx,
        declared: &Declared,
        name: &str,
        lasting: Duration,
    ) -> Outcome<Shown> {
        let below = declared.write(self.folder, name)?;
        let report = self.folder.join(format!("{name}.json"));
        let whole = declared.every + SETTLING + lasting + SETTLING;
        let arguments = [
            "gate".to_owned(),
            "--quiet".to_owned(),
            "--for".to_owned(),
            format!("{}ms", whole.as_millis()),
            "--report".to_owned(),
            format!("json={}", report.display()),
            below.display().to_string(),
        ];
        let before = nginx.served().await?;
        let program = Program::start(self.binary, &arguments, self.cores)?;
        let first_results = all_once(&program, nginx, before, declared.checks).await?;
        tokio::time::sleep(SETTLING).await;
        let measured = program.measure(nginx, lasting).await?;
        program.end(PATIENCE).await?;
        let report = serde_json::from_slice(&std::fs::read(report)?)?;
        Ok(Shown {
            measured,
            first_results,
            report,
        })
    }

    /// As many probes as the machine can do: every check runs again as soon as it has ended.
    ///
    /// # Errors
    /// As [`Ours::gate`].
    pub async fn saturate(
        &self,
        nginx: &Nginx,
        declared: &Declared,
        name: &str,
        lasting: Duration,
    ) -> Outcome<Measured> {
        let below = declared.write(self.folder, name)?;
        let arguments = [
            "gate".to_owned(),
            "--quiet".to_owned(),
            "--samples".to_owned(),
            ENDLESS.to_owned(),
            below.display().to_string(),
        ];
        let before = nginx.served().await?;
        let program = Program::start(self.binary, &arguments, self.cores)?;
        all_once(&program, nginx, before, declared.checks).await?;
        tokio::time::sleep(SETTLING).await;
        let measured = program.measure(nginx, lasting).await?;
        program.kill().await?;
        Ok(measured)
    }

    /// How long runs with these arguments take from their start to their end: the median.
    ///
    /// # Errors
    /// When one does not start or ends otherwise than with 0.
    pub async fn runs(&self, arguments: &[String]) -> Outcome<Duration> {
        let mut took = Vec::new();
        for _ in 0..RUNS {
            let began = Instant::now();
            let program = Program::start(self.binary, arguments, None)?;
            let code = program.end(PATIENCE).await?;
            took.push(began.elapsed());
            if code != Some(0) {
                return Err(format!("{arguments:?} ended with {code:?}").into());
            }
        }
        took.sort();
        Ok(took[RUNS / 2])
    }
}

/// Waits until the server has counted as many requests as there are checks; says how long that took
/// from the first.
async fn all_once(
    program: &Program,
    nginx: &Nginx,
    before: u64,
    checks: usize,
) -> Outcome<Duration> {
    let deadline = Instant::now() + PATIENCE;
    let mut first = None;
    loop {
        let served = nginx.served().await? - before;
        let now = Instant::now();
        if served > 0 && first.is_none() {
            first = Some(now);
        }
        if let Some(first) = first.filter(|_| served >= checks as u64) {
            return Ok(now - first);
        }
        if now > deadline {
            return Err(format!("{served} of {checks} checks ran within {PATIENCE:?}").into());
        }
        // An error says that it has ended already.
        program.costs()?;
        tokio::time::sleep(GLANCE).await;
    }
}

/// The p99 of the actual less the scheduled start, in milliseconds, where a report has it.
pub fn lateness(report: &Value) -> Option<f64> {
    report.get("self")?.get("lateness_ms")?.get("p99")?.as_f64()
}

/// How many samples of all checks taught nothing or were bad.
pub fn spoilt(report: &Value) -> u64 {
    let checks = report["checks"].as_array().map_or(&[][..], Vec::as_slice);
    let count = |check: &Value, key: &str| check[key].as_u64().unwrap_or(0);
    let ours = checks.iter().filter(|check| {
        !check["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("hanging"))
    });
    ours.map(|check| count(check, "failed") + count(check, "errored") + count(check, "unknown"))
        .sum()
}

/// Before the measurement begins, and left over after it.
const SETTLING: Duration = Duration::from_secs(1);
/// Longer than any run here takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often the server is asked for its count.
const GLANCE: Duration = Duration::from_millis(20);
/// The median of so many runs.
const RUNS: usize = 20;
/// More samples than can be taken before the run is ended.
const ENDLESS: &str = "20000";
