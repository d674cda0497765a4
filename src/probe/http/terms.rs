//! What an answer must be to pass, and what is said of one that is not. Does not ask: given an
//! answer, it tells, here or on another thread where the answer is large.

use std::sync::Arc;

use super::discretion;
use super::expectation::Expectation;
use super::version::Version;
use crate::clock::WallTime;
use crate::probe::wire::aside::{LARGE, aside};
use crate::probe::wire::exchange::Answer;
use crate::probe::wire::message::Prepared;
use crate::sample::Fault;

/// What a check asks, and what it expects.
pub struct Terms {
    /// The request, whose secrets no message repeats.
    pub asked: Prepared,
    /// What is expected of the answer.
    pub expectation: Expectation,
    /// Whether what is expected depends on what time it is.
    pub is_dated: bool,
    /// Which version an answer must be of to count.
    pub version: Option<Version>,
}

/// How an answer is to be judged in this run.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Whether an answer of any version counts.
    pub any_version: bool,
    /// Whether somebody asked what was answered.
    pub observed: bool,
    /// What time it is, where an expectation depends on it.
    pub now: Option<WallTime>,
}

/// What was found of an answer.
#[derive(Debug, Default)]
pub struct Found {
    /// The size of its body.
    pub size: usize,
    /// Why it does not count; nothing else is known of it then.
    pub foreign: Option<Fault>,
    /// What it says, for a comparison with before.
    pub observed: Option<String>,
    /// What it lacks.
    pub fault: Option<Fault>,
}

impl Terms {
    /// Judges an answer; a large one on another thread.
    pub async fn judge(self: &Arc<Self>, answer: Answer, manner: Manner) -> Found {
        if answer.body.len() <= LARGE {
            return self.found(&answer, manner);
        }
        let terms = Arc::clone(self);
        Box::pin(aside(move || terms.found(&answer, manner))).await
    }

    fn found(&self, answer: &Answer, manner: Manner) -> Found {
        let mut found = Found {
            size: answer.body.len(),
            ..Found::default()
        };
        // Nothing of an answer that does not count may be taken for the target's. One that names no
        // version and is wrong besides counts: whoever cannot answer cannot name itself either.
        if let Some(version) = self.version.as_ref().filter(|_| !manner.any_version) {
            let is_wrong = || self.expectation.fault(answer, manner.now).is_some();
            if version.is_named(answer) || !is_wrong() {
                found.foreign = self.told(answer, |answer| version.fault(answer));
            }
        }
        if found.foreign.is_none() {
            found.fault = self.told(answer, |answer| self.expectation.fault(answer, manner.now));
            if manner.observed {
                found.observed = self.expectation.observed(&self.masked(answer));
            }
        }
        found
    }

    /// Judges the answer as it is, and words what it lacks by the answer without what we sent.
    fn told(&self, answer: &Answer, fault: impl Fn(&Answer) -> Option<Fault>) -> Option<Fault> {
        let found = fault(answer)?;
        let worded = fault(&self.masked(answer)).map(|fault| fault.detail);
        Some(Fault {
            detail: worded.unwrap_or_else(|| "the answer differs where it repeats us".to_owned()),
            ..found
        })
    }

    fn masked(&self, answer: &Answer) -> Answer {
        discretion::masked(answer, &discretion::mask(self.asked.request()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Surroundings;
    use crate::probe::wire::exchange::Request;
    use crate::probe::wire::tls::{Tls, TlsSettings};
    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use std::thread::ThreadId;

    /// Where a body of so many bytes is judged: a panic's message could not tell, a thread's
    /// identifier can.
    async fn judged_on(bytes: usize) -> ThreadId {
        let tls = Tls::new(&TlsSettings::default(), &Surroundings::default()).unwrap();
        let terms = Arc::new(Terms {
            asked: Prepared::new(Request::get("http://a.test/".parse().unwrap(), tls)),
            expectation: Expectation::default(),
            is_dated: false,
            version: None,
        });
        let answer = Answer {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_owner(Watched(vec![b'x'; bytes])),
            trailers: HeaderMap::new(),
            foreign_encoding: None,
            version: http::Version::HTTP_11,
        };
        let manner = Manner {
            any_version: false,
            observed: false,
            now: None,
        };
        let found = terms.judge(answer, manner).await;
        assert_eq!(found.size, bytes);
        assert!(found.fault.is_none(), "{found:?}");
        LAST.lock().unwrap().unwrap()
    }

    /// A body that says on which thread it was let go, which is where it was judged.
    struct Watched(Vec<u8>);

    static LAST: std::sync::Mutex<Option<ThreadId>> = std::sync::Mutex::new(None);

    impl AsRef<[u8]> for Watched {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            *LAST.lock().unwrap() = Some(std::thread::current().id());
        }
    }

    #[tokio::test]
    async fn a_large_answer_is_judged_on_another_thread_and_a_small_one_here() {
        let here = std::thread::current().id();
        assert_eq!(judged_on(LARGE).await, here);
        assert_ne!(judged_on(LARGE + 1).await, here);
    }
}
