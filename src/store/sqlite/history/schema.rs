//! The tables of a history, and how a block is found in them.
//!
//! Samples go three ways. What a batch brings is appended to `fresh`: one row for all checks of a
//! bucket, so that ten thousand samples a second are forty rows and nothing is looked up. When an
//! hour is over it is packed: one row a check and hour, in the order of the hours, so that writing
//! appends and dropping takes away from the front. When a packed hour is older than samples are
//! kept, it becomes a row of minutes and a row of the hour. A check and an hour are either packed or
//! summed up, never both.

use super::super::schema::Format;

/// The file of a history.
pub(super) const HISTORY: Format = Format {
    what: "history",
    // "SJHI".
    application: 0x534a_4849,
    // An hour of a check takes three to six kilobytes: on pages of four, each would leave half of
    // one empty.
    page: 16_384,
    steps: &[FIRST],
};

const FIRST: &str = "
    CREATE TABLE checks (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    -- Names of services, windows and readings; what samples talked over, as JSON.
    CREATE TABLE texts (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

    -- Which batches there are, and from when to when their samples started. Numbers are never used
    -- twice: a batch that was packed must not come back under the number of another.
    CREATE TABLE batches (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL
    ) STRICT;
    -- By batch and bucket: a block of samples.
    CREATE TABLE fresh (place INTEGER PRIMARY KEY, block BLOB NOT NULL) STRICT;
    -- The batches up to `upto` are packed for all buckets below `next`, and gone from them.
    CREATE TABLE packing (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        upto INTEGER NOT NULL,
        next INTEGER NOT NULL
    ) STRICT;
    INSERT INTO packing VALUES (1, 0, 0);
    -- By hour and check: a block of samples; sums by minute; the sum of the hour.
    CREATE TABLE packed (place INTEGER PRIMARY KEY, block BLOB NOT NULL) STRICT;
    CREATE TABLE minutes (
        place INTEGER PRIMARY KEY,
        block BLOB NOT NULL,
        sums INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE hours (place INTEGER PRIMARY KEY, block BLOB NOT NULL) STRICT;
    -- The packed samples that did not pass, once more: they are kept longer.
    CREATE TABLE failures (
        check_number INTEGER NOT NULL,
        hour INTEGER NOT NULL,
        block BLOB NOT NULL,
        samples INTEGER NOT NULL,
        PRIMARY KEY (check_number, hour)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX failures_by_hour ON failures (hour);
    -- Counted as they come and go: counting rows would read them all.
    CREATE TABLE counts (only INTEGER PRIMARY KEY CHECK (only = 1), samples INTEGER NOT NULL,
        slices INTEGER NOT NULL) STRICT;
    INSERT INTO counts VALUES (1, 0, 0);

    -- From when to when the samples of a window started, in microseconds; and of which checks.
    CREATE TABLE spans (window INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL)
        STRICT;
    CREATE TABLE members (
        window INTEGER NOT NULL,
        check_number INTEGER NOT NULL,
        PRIMARY KEY (window, check_number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_by_check ON members (check_number, window);

    CREATE TABLE windows (
        id TEXT NOT NULL UNIQUE,
        service TEXT NOT NULL,
        opened INTEGER NOT NULL,
        closed INTEGER,
        verdict TEXT,
        revision TEXT,
        action TEXT,
        rollback TEXT,
        -- Nanoseconds.
        detected_after INTEGER,
        report TEXT
    ) STRICT;
    CREATE INDEX windows_of_service ON windows (service, id);
    CREATE TABLE happenings (
        id TEXT NOT NULL UNIQUE,
        -- Nanoseconds since 1970, as in `windows`.
        at INTEGER NOT NULL,
        service TEXT,
        window TEXT,
        check_name TEXT,
        kind TEXT NOT NULL,
        text TEXT NOT NULL,
        facts TEXT NOT NULL
    ) STRICT;
    CREATE INDEX happenings_of_service ON happenings (service, id) WHERE service IS NOT NULL;
    CREATE INDEX happenings_of_window ON happenings (window, id) WHERE window IS NOT NULL;
    CREATE INDEX happenings_of_check ON happenings (check_name, id) WHERE check_name IS NOT NULL;
    CREATE INDEX happenings_of_kind ON happenings (kind, id);
";

/// How many checks share a row of fresh samples: as many as a byte can tell apart.
pub(super) const BUCKET: u32 = 1 << u8::BITS;

/// How many bits of the place of fresh samples are the bucket's.
const BUCKET_BITS: u32 = 24;
/// How many bits of the place of an hour are the check's.
const CHECK_BITS: u32 = 32;

/// The place of the fresh samples of a bucket.
pub(super) const fn fresh(batch: i64, bucket: u32) -> i64 {
    batch << BUCKET_BITS | bucket as i64
}

/// The bucket of a check, and its place there.
pub(super) const fn bucket(check: u32) -> (u32, u8) {
    (check / BUCKET, (check % BUCKET) as u8)
}

/// The place of an hour of a check.
pub(super) const fn hour(hour: i64, check: u32) -> i64 {
    hour << CHECK_BITS | check as i64
}

/// The hour and the check of a place.
pub(super) const fn of_place(place: i64) -> (i64, u32) {
    (place >> CHECK_BITS, place as u32)
}

/// What `packing.next` is when all buckets are packed.
pub(super) const ALL_BUCKETS: u32 = u32::MAX;
