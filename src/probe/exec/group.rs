//! A program with all that it starts: one process group, and who left it, which do not outlive its run.
//!
//! The end of the program is seen before its process is reaped: until then nobody else can get its
//! number, so that the group can be killed by it without hitting a stranger.

use std::io;
use std::process::ExitStatus;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::signal::unix::{self, SignalKind};

use super::strays::Mark;
use crate::probe::wire::aside::aside;

/// A running program and what it started; dropping this value kills them all.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    leader: Pid,
    ends: unix::Signal,
    mark: Mark,
    /// Whether the leader's number may be another's by now.
    is_reaped: bool,
    /// Whether those who left the group were looked for.
    is_closed: bool,
}

impl Group {
    /// Starts the program as the leader of a group of its own.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        // Heard from before the start, so that no end is missed.
        let ends = unix::signal(SignalKind::child())?;
        // Where this value is dropped, tokio reaps the leader as soon as it has ended.
        let mark = Mark::new();
        let (name, value) = mark.variable();
        let command = command.env(name, value).process_group(0).kill_on_drop(true);
        let child = command.spawn()?;
        let leader = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let leader = leader.ok_or_else(|| io::Error::other("the program has no process"))?;
        Ok(Self {
            child,
            leader,
            ends,
            mark,
            is_reaped: false,
            is_closed: false,
        })
    }

    /// Its two outputs; once.
    pub(super) fn outputs(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits until the program has ended by itself; what it started may still run.
    pub(super) async fn ended(&mut self) -> io::Result<()> {
        loop {
            match self.has_ended() {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err(error.into()),
            }
            // Another process's end wakes us as well, and does no harm.
            self.ends.recv().await;
        }
    }

    fn has_ended(&self) -> Result<bool, Errno> {
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        loop {
            match waitid(WaitId::Pid(self.leader), look) {
                Err(Errno::INTR) => {}
                looked => return Ok(looked?.is_some()),
            }
        }
    }

    /// Kills whatever is left of it, and says how the program had ended.
    pub(super) async fn close(&mut self) -> io::Result<ExitStatus> {
        self.kill();
        let status = self.child.wait().await;
        self.is_reaped = true;
        let mark = self.mark.clone();
        aside(move || mark.kill_all()).await;
        self.is_closed = true;
        status
    }

    fn kill(&self) {
        match kill_process_group(self.leader, Signal::KILL) {
            // On macOS a group of which only the dead leader is left may not be signalled.
            Ok(()) | Err(Errno::SRCH | Errno::PERM) => {}
            Err(error) => tracing::warn!(%error, "a program of a check could not be killed"),
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_reaped {
            self.kill();
        }
        if !self.is_closed {
            // Nobody is left who could wait for it to be done aside.
            self.mark.kill_all();
        }
    }
}
