//! SIGINT and SIGTERM: the first asks the engine to stop, the second ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::exit;

/// Listens for signals while a command runs.
#[derive(Debug)]
pub struct Stop {
    /// Cancelled by the first signal.
    pub token: CancellationToken,
    at_once: CancellationToken,
    code: Arc<AtomicU8>,
    _task: AbortOnDropHandle<()>,
}

impl Stop {
    /// Starts listening.
    ///
    /// # Errors
    /// When the operating system refuses to hand signals over.
    pub fn listen() -> std::io::Result<Self> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (token, at_once) = (CancellationToken::new(), CancellationToken::new());
        let code = Arc::new(AtomicU8::new(0));
        let (first, second, seen) = (token.clone(), at_once.clone(), Arc::clone(&code));
        let task = tokio::spawn(async move {
            loop {
                let signal = tokio::select! {
                    _ = interrupt.recv() => exit::INTERRUPTED,
                    _ = terminate.recv() => exit::TERMINATED,
                };
                seen.store(signal, Ordering::SeqCst);
                if first.is_cancelled() {
                    second.cancel();
                }
                first.cancel();
            }
        });
        Ok(Self {
            token,
            at_once,
            code,
            _task: AbortOnDropHandle::new(task),
        })
    }

    /// The exit code of the last signal, if one came.
    #[must_use]
    pub fn signal(&self) -> Option<u8> {
        Some(self.code.load(Ordering::SeqCst)).filter(|code| *code != 0)
    }

    /// Runs something to its end, or gives it up at the second signal; the code says which.
    ///
    /// # Errors
    /// The exit code of the signal, when a second one came.
    pub async fn unless_insisted<T>(&self, work: impl Future<Output = T>) -> Result<T, u8> {
        tokio::select! {
            done = work => Ok(done),
            () = self.at_once.cancelled() => Err(self.signal().unwrap_or(exit::INTERRUPTED)),
        }
    }
}
