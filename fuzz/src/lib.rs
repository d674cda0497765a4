//! What the targets share: a check as a user declares it, a peer on loopback that says what the
//! fuzzer came up with, and what must hold of every sample, whatever was said.
//!
//! The checks run as they do in the product, from the socket to the sample: what is fuzzed is what
//! is shipped, the clients of other projects in it included. A panic anywhere ends the run, also
//! one that the product would contain.

pub mod peer;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use smokejumper::engine::clock::SystemClock;
use smokejumper::probe::attempt::{self, Conditions};
use smokejumper::probe::{Probe, Surroundings, registry};
use smokejumper::sample::{CheckId, Outcome, Reason, Sample};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use peer::Manner;

/// A check and the peer that it asks.
pub struct Arena {
    runtime: Runtime,
    listener: TcpListener,
    probe: Box<dyn Probe>,
    clock: Arc<SystemClock>,
    check: CheckId,
    manner: Manner,
    excused: &'static [Reason],
}

/// Planted where checks have secrets. It may come back in no text, whatever the peer says.
pub const CANARY: &str = "canary-7f3a-password";

/// Nobody waits for a peer that has hung up; only a busy machine comes near it.
const TIMEOUT: Duration = Duration::from_secs(20);
/// What a person reads on one line, and a metric's label could hold; longer ones are somebody
/// else's text that was not shortened.
const LONGEST_TEXT: usize = 4_096;

impl Arena {
    /// Declares a check of `kind`; `settings` gets the port of the peer.
    ///
    /// # Panics
    /// When there is no such kind, or the settings cannot work.
    #[must_use]
    pub fn new(kind: &str, settings: impl Fn(u16) -> Value, manner: Manner) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a free port");
        let port = listener.local_addr().expect("a bound socket").port();
        let probe = registry::build(kind, settings(port), &Surroundings::default())
            .expect("a kind")
            .expect("settings that can be read")
            .expect("settings that can work");
        Self {
            clock: Arc::new({
                let _inside = runtime.enter();
                SystemClock::start()
            }),
            runtime,
            listener,
            probe,
            check: CheckId::new("fuzzed"),
            manner,
            excused: &[],
        }
    }

    /// The peer may say these of itself, besides what every peer may.
    #[must_use]
    pub fn excusing(self, excused: &'static [Reason]) -> Self {
        Self { excused, ..self }
    }

    /// Runs the check once against a peer that says `data`, and holds the sample to what must hold.
    pub fn run(&self, data: &[u8]) -> Sample {
        let data: Arc<[u8]> = data.into();
        let sample = self.runtime.block_on(async {
            let run = attempt::run(
                &*self.probe,
                &self.check,
                self.clock.clone(),
                TIMEOUT,
                Conditions::default(),
            );
            tokio::select! {
                sample = run => sample,
                never = peer::serve(&self.listener, &self.manner, data) => match never {},
            }
        });
        hold(&sample, self.excused);
        sample
    }
}

/// What must hold of every sample; the peer may say of itself what is excused.
///
/// # Panics
/// When it does not.
pub fn hold(sample: &Sample, excused: &[Reason]) {
    match &sample.fault {
        None => assert_eq!(sample.outcome, Outcome::Pass),
        Some(fault) => {
            assert_eq!(sample.outcome, fault.reason.outcome());
            assert!(fault.reason != Reason::Panic, "{fault:?}");
            text(&fault.detail);
            // A peer must not be able to pass its own faults off as ours. These say that it serves
            // somebody else or asks for patience, and the last that this machine is busy.
            let is_excused = matches!(
                fault.reason,
                Reason::Throttled | Reason::WrongChain | Reason::ChainHalted | Reason::Starved
            ) || excused.contains(&fault.reason);
            assert!(sample.outcome != Outcome::Unknown || is_excused, "{fault:?}");
        }
    }
    sample.notes.iter().for_each(|note| text(note));
    for reading in &sample.readings {
        assert!(reading.value.is_finite(), "{reading:?}");
        text(&reading.name);
    }
}

/// What must hold of whatever a person reads of a check that has a secret.
///
/// # Panics
/// When it does not.
pub fn text(text: &str) {
    assert!(!text.contains(CANARY), "a secret is shown: {text:?}");
    line(text);
}

/// What must hold of whatever a person reads.
///
/// # Panics
/// When it does not.
pub fn line(text: &str) {
    assert!(text.len() <= LONGEST_TEXT, "{} bytes in a line", text.len());
    assert!(!text.contains(['\n', '\r']), "more than one line: {text:?}");
    // An escape would write to somebody's terminal.
    assert!(!text.contains('\u{1b}'), "a control character: {text:?}");
}
