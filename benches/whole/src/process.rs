//! A program under measurement: started on chosen cores, ended by its own number whatever happens,
//! and asked of the kernel for what it costs. Linux only: the figures come from `/proc`.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::nginx::Nginx;
use crate::{Outcome, Trouble};

/// A running program. Dropping it ends the program.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    pid: u32,
}

/// On which cores a program may run, as `taskset` writes it: `0`, `0,1`.
pub type Cores<'a> = Option<&'a str>;

impl Program {
    /// Starts a program; what it prints is dropped, except for its complaints.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start<S: AsRef<OsStr>>(program: &str, arguments: &[S], cores: Cores) -> Outcome<Self> {
        let mut command = match cores {
            Some(cores) => {
                let mut command = Command::new("taskset");
                command.args(["-c", cores, program]);
                command
            }
            None => Command::new(program),
        };
        let child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot start {program}: {error}"))?;
        let pid = child.id().ok_or("a program that just started has ended")?;
        Ok(Self {
            name: program.rsplit('/').next().unwrap_or(program).to_owned(),
            child,
            pid,
        })
    }

    /// What it has cost so far.
    ///
    /// # Errors
    /// When it has ended.
    pub fn costs(&self) -> Outcome<Costs> {
        Costs::of(self.pid).map_err(|error| format!("{} has ended: {error}", self.name).into())
    }

    /// How many descriptors it holds.
    ///
    /// # Errors
    /// When it has ended.
    pub fn descriptors(&self) -> Outcome<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.pid))?.count())
    }

    /// What it costs over a span, against the requests that the server counts meanwhile.
    ///
    /// # Errors
    /// When it ends before the span does.
    pub async fn measure(&self, nginx: &Nginx, lasting: Duration) -> Outcome<Measured> {
        let (before, served_before) = (self.costs()?, nginx.served().await?);
        let began = Instant::now();
        tokio::time::sleep(lasting).await;
        let (after, served) = (self.costs()?, nginx.served().await? - served_before);
        let took = began.elapsed();
        if served == 0 {
            return Err(format!("{} asked nothing in {took:?}", self.name).into());
        }
        Ok(Measured {
            asked: served,
            took,
            cpu: after.cpu.saturating_sub(before.cpu),
            resident: after.resident,
            descriptors: self.descriptors()?,
        })
    }

    /// Waits until it ends by itself, and no longer than `most`.
    ///
    /// # Errors
    /// When it does not.
    pub async fn end(mut self, most: Duration) -> Outcome<Option<i32>> {
        match tokio::time::timeout(most, self.child.wait()).await {
            Ok(status) => Ok(status?.code()),
            Err(_) => Err(format!("{} did not end within {most:?}", self.name).into()),
        }
    }

    /// Ends it, and waits until it is gone, so that it disturbs nothing that is measured next.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub async fn kill(mut self) -> Outcome<()> {
        Ok(self.child.kill().await?)
    }
}

/// What a program costs over a span.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// How many requests the server counted.
    pub asked: u64,
    /// The span.
    pub took: Duration,
    /// User and system time of all its threads.
    pub cpu: Duration,
    /// Its resident memory at the end, in bytes.
    pub resident: u64,
    /// Its descriptors at the end.
    pub descriptors: usize,
}

impl Measured {
    /// Requests a second.
    pub fn rate(&self) -> f64 {
        self.asked as f64 / self.took.as_secs_f64()
    }

    /// Microseconds of CPU a request.
    pub fn cpu_each(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.asked as f64
    }

    /// How much of one core it takes, in percent.
    pub fn share(&self) -> f64 {
        100.0 * self.cpu.as_secs_f64() / self.took.as_secs_f64()
    }

    /// Resident memory a check, in KB of 1,024 bytes, the program itself included.
    pub fn memory_each(&self, checks: usize) -> f64 {
        self.resident as f64 / 1024.0 / checks as f64
    }
}

/// What a program has cost since its start.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    cpu: Duration,
    resident: u64,
}

impl Costs {
    fn of(pid: u32) -> Result<Self, Trouble> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name in parentheses may hold anything; the fields are counted from behind it.
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let ticks =
            |at: usize| -> Result<u64, Trouble> { Ok(fields.get(at).ok_or("short")?.parse()?) };
        let ticks = ticks(USER_TIME)? + ticks(SYSTEM_TIME)?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.split_whitespace().next())
            .ok_or("no memory of its own")?;
        Ok(Self {
            cpu: TICK * u32::try_from(ticks)?,
            resident: resident.parse::<u64>()? * 1024,
        })
    }
}

/// proc_pid_stat(5): utime and stime are fields 14 and 15; two stand before the parenthesis.
const USER_TIME: usize = 11;
const SYSTEM_TIME: usize = 12;
/// The unit of both, USER_HZ: a hundredth of a second on every architecture that Linux runs on
/// today. Spans of ten seconds make it one part in a hundred at a tenth of a core.
const TICK: Duration = Duration::from_millis(10);
