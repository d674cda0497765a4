//! The histories, through their seam: one contract for every adapter, then what each has of its own.

mod behind;
mod database;
mod files;
mod killed;
mod past;
mod promises;
mod thinning;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use smokejumper::store::history::History;
use smokejumper::store::sqlite::history::SqliteHistory;

/// A place where a history is kept, empty at first.
#[async_trait]
pub trait Ground: Send + Sync {
    /// One more way to it, as another process would have it.
    async fn open(&self) -> Arc<dyn History>;
}

/// A file in a folder of its own.
struct File(tempfile::TempDir);

impl File {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("history.sqlite")
    }
}

#[async_trait]
impl Ground for File {
    async fn open(&self) -> Arc<dyn History> {
        Arc::new(SqliteHistory::open(&self.path()).await.unwrap())
    }
}

/// One test for each promise, on a ground that an expression makes.
macro_rules! keeps_the_contract {
    ($adapter:ident, $ground:expr, $($module:ident :: $promise:ident),+ $(,)?) => {
        mod $adapter {
            $(#[tokio::test]
            async fn $promise() {
                super::$module::$promise(&$ground).await;
            })+
        }
    };
}

/// The contract, for an adapter.
macro_rules! contract {
    ($adapter:ident, $ground:expr) => {
        keeps_the_contract!(
            $adapter,
            $ground,
            promises::every_part_of_a_sample_comes_back,
            promises::windows_and_happenings_come_back_and_are_kept_once,
            promises::a_page_holds_the_newest_and_the_next_goes_on,
            promises::what_happened_last_before_a_time_is_found_by_it,
            promises::samples_are_in_order_within_their_span_and_their_limit,
            promises::failures_are_the_newest_first,
            promises::what_was_never_kept_is_empty_and_no_error,
            promises::a_batch_that_is_handed_in_twice_is_kept_once,
            promises::two_that_write_at_once_lose_nothing,
            promises::slices_are_whole_and_say_what_happened,
            thinning::sums_are_the_same_before_and_after_in_any_order,
            thinning::each_form_goes_in_its_time_and_all_is_gone_at_the_end,
            thinning::a_sample_that_comes_late_is_added_to_what_is_kept_of_its_hour,
            thinning::a_window_has_its_samples_whatever_was_packed,
        );
    };
}

contract!(sqlite, super::File::new());
contract!(postgres, super::database::Database::start().await);
