//! The system's own resolution: `getaddrinfo`, and with it `nsswitch.conf`, for programs that want
//! exactly what every other program on the machine gets.
//!
//! It blocks, for as long as it likes, and cannot be cancelled. So each question has a thread of its
//! own, of which there are few; those that hang hold up further questions to the system, nothing
//! else, and not the end of the process.

use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};

use super::answer::{Answer, Miss, Told};

/// Asks the system. It says for how long its answers hold to nobody, so they are never repeated.
pub async fn ask(name: &str) -> Told {
    let Ok(seat) = Arc::clone(&SEATS).acquire_owned().await else {
        return Told::cannot_tell("the system is not asked any more");
    };
    let (sender, answer) = oneshot::channel();
    let host = name.to_owned();
    let thread = std::thread::Builder::new().name("getaddrinfo".to_owned());
    let started = thread.spawn(move || {
        let _seat = seat;
        let answer = (host.as_str(), ANY_PORT).to_socket_addrs();
        let answer = answer.map(|all| all.map(|one| one.ip()).collect::<Vec<IpAddr>>());
        // Whoever asked may have given up: then nobody wants it.
        sender.send(answer).is_ok()
    });
    if let Err(error) = started {
        return Told::cannot_tell(format!("no thread could be started: {error}"));
    }
    match answer.await {
        Ok(Ok(addresses)) if addresses.is_empty() => told(Err(Miss::NoAddress)),
        Ok(Ok(addresses)) => told(Ok(addresses.into())),
        Ok(Err(error)) => told(Err(miss(&error))),
        Err(_) => Told::cannot_tell("the asking thread ended without an answer"),
    }
}

fn told(answer: Answer) -> Told {
    Told {
        answer,
        lasts: Duration::ZERO,
    }
}

/// The standard library keeps the words of `gai_strerror` and not the number. Words that are not
/// known here teach nothing, which is the safe side.
fn miss(error: &io::Error) -> Miss {
    let words = error.to_string();
    let says = |known: &[&str]| known.iter().any(|known| words.ends_with(known));
    if says(NO_SUCH_NAME) {
        Miss::NoSuchName
    } else if says(NO_ADDRESS) {
        Miss::NoAddress
    } else {
        Miss::CannotTell(Arc::from(words))
    }
}

/// `EAI_NONAME` in the words of glibc, musl and macOS.
const NO_SUCH_NAME: &[&str] = &[
    "Name or service not known",
    "Name does not resolve",
    "nodename nor servname provided, or not known",
];
/// `EAI_NODATA` in the words of glibc and musl, `EAI_ADDRFAMILY` in those of glibc.
const NO_ADDRESS: &[&str] = &[
    "No address associated with hostname",
    "Name has no usable address",
    "Address family for hostname not supported",
];

/// The port does not matter for the addresses of a name.
const ANY_PORT: u16 = 0;
/// So many threads may be blocked at the same time: a healthy system answers within milliseconds,
/// and threads that hang must not use up what the probes need.
const MOST_THREADS: usize = 16;
static SEATS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(MOST_THREADS)));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_words_say_that_there_is_no_such_name() {
        for (words, miss_of) in [
            ("Name or service not known", Miss::NoSuchName),
            ("Name does not resolve", Miss::NoSuchName),
            ("No address associated with hostname", Miss::NoAddress),
        ] {
            let error = io::Error::other(format!("failed to lookup address information: {words}"));
            assert_eq!(miss(&error), miss_of, "{words}");
        }
        for words in ["Temporary failure in name resolution", "System error", ""] {
            let told = miss(&io::Error::other(words));
            assert!(matches!(told, Miss::CannotTell(_)), "{words}: {told:?}");
        }
    }

    #[tokio::test]
    async fn the_system_knows_this_machine_and_its_seats_are_given_back() {
        for _ in 0..2 * MOST_THREADS {
            let told = ask("localhost").await;
            let addresses = told.answer.unwrap();
            assert!(addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
            assert_eq!(told.lasts, Duration::ZERO);
        }
    }

    #[tokio::test]
    async fn a_hung_system_is_asked_by_so_many_threads_and_no_more() {
        let taken = SEATS.acquire_many(MOST_THREADS as u32).await.unwrap();
        let asking = tokio::time::timeout(Duration::from_millis(50), ask("localhost"));
        assert!(asking.await.is_err(), "there is no seat");
        drop(taken);
        assert!(ask("localhost").await.answer.is_ok());
    }
}
