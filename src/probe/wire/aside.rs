//! Work that keeps a processor busy for long, done aside: the thread that runs the probes must not
//! be kept from the others. Called where an answer is large.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::{Arc, LazyLock};

use tokio::sync::Semaphore;

/// From this many bytes on, an answer is decompressed and judged aside: what is smaller takes less
/// time than being handed over would delay the others.
pub const LARGE: usize = 65_536;

/// Does `work` on another thread and waits for it; a panic there goes on here.
///
/// At most as many pieces of work are done at once as there are processors; the others wait.
pub async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let places = Arc::clone(&PLACES);
    let place = places.acquire_owned().await.expect("nobody closes it");
    let work = move || {
        // Who waits may be gone by now: the place is taken until the work is done.
        let _place = place;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(ended) => match ended.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The process ends, and drops whoever waits here.
            Err(_) => std::future::pending().await,
        },
    }
}

static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism();
    Arc::new(Semaphore::new(processors.map_or(1, NonZero::get)))
});

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::panic::AssertUnwindSafe;

    #[tokio::test]
    async fn it_is_another_thread_that_works_and_its_panic_is_ours() {
        let here = std::thread::current().id();
        let there = aside(|| std::thread::current().id()).await;
        assert_ne!(here, there);
        let panicked = AssertUnwindSafe(aside(|| panic!("boom"))).catch_unwind();
        let text = panicked.await.unwrap_err().downcast::<&str>().unwrap();
        assert_eq!(*text, "boom");
    }
}
