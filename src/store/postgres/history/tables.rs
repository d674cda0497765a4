//! The tables of a history.
//!
//! They are those of the file, with two differences: the fresh samples of a bucket go as they are
//! packed, so that nobody has to know how far a round has come; and numbers stand in columns of their
//! own. Blocks are small already and kept as they are, without the server's own compression.

/// What brings a schema from each version to the next; the number of steps is the newest version.
pub(in crate::store::postgres) const STEPS: &[&str] = &[FIRST];

const FIRST: &str = r#"
    CREATE TABLE checks (
        number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL
    );
    -- Names of services, windows and readings; what samples talked over, as JSON. Found by a digest:
    -- an index takes no text of any length.
    CREATE TABLE texts (
        number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name text NOT NULL
    );
    CREATE INDEX checks_by_name ON checks (md5(name));
    CREATE INDEX texts_by_name ON texts (md5(name));

    -- Which batches there are, and from when to when their samples started, in microseconds since 1970.
    CREATE TABLE batches (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        first bigint NOT NULL,
        last bigint NOT NULL
    );
    CREATE TABLE fresh (
        bucket integer NOT NULL,
        batch bigint NOT NULL,
        block bytea NOT NULL,
        PRIMARY KEY (bucket, batch)
    );
    -- The batches up to `upto` are being packed, bucket by bucket, from `next` on.
    CREATE TABLE packing (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        upto bigint NOT NULL,
        next integer NOT NULL
    );
    INSERT INTO packing (upto, next) VALUES (0, 0);

    -- By hour since 1970 and check: a block of samples; sums by minute; the sum of the hour; and how
    -- many there are in it.
    CREATE TABLE packed (
        check_number integer NOT NULL,
        hour bigint NOT NULL,
        block bytea NOT NULL,
        members integer NOT NULL,
        PRIMARY KEY (check_number, hour)
    );
    CREATE TABLE minutes (
        check_number integer NOT NULL,
        hour bigint NOT NULL,
        block bytea NOT NULL,
        members integer NOT NULL,
        PRIMARY KEY (check_number, hour)
    );
    CREATE TABLE hours (
        check_number integer NOT NULL,
        hour bigint NOT NULL,
        block bytea NOT NULL,
        members integer NOT NULL,
        PRIMARY KEY (check_number, hour)
    );
    -- The packed samples that did not pass, once more: they are kept longer.
    CREATE TABLE failures (
        check_number integer NOT NULL,
        hour bigint NOT NULL,
        block bytea NOT NULL,
        members integer NOT NULL,
        PRIMARY KEY (check_number, hour)
    );
    CREATE INDEX packed_by_hour ON packed (hour);
    CREATE INDEX minutes_by_hour ON minutes (hour);
    CREATE INDEX hours_by_hour ON hours (hour);
    CREATE INDEX failures_by_hour ON failures (hour);
    ALTER TABLE fresh ALTER COLUMN block SET STORAGE EXTERNAL;
    ALTER TABLE packed ALTER COLUMN block SET STORAGE EXTERNAL;
    ALTER TABLE minutes ALTER COLUMN block SET STORAGE EXTERNAL;
    ALTER TABLE hours ALTER COLUMN block SET STORAGE EXTERNAL;
    ALTER TABLE failures ALTER COLUMN block SET STORAGE EXTERNAL;

    -- Counted as they come and go: counting rows would read them all.
    CREATE TABLE counts (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        samples bigint NOT NULL,
        slices bigint NOT NULL,
        happenings bigint NOT NULL
    );
    INSERT INTO counts (samples, slices, happenings) VALUES (0, 0, 0);

    -- From when to when the samples of a window started, in microseconds; and of which checks.
    CREATE TABLE spans (
        number integer PRIMARY KEY,
        first bigint NOT NULL,
        last bigint NOT NULL
    );
    CREATE TABLE members (
        number integer NOT NULL,
        check_number integer NOT NULL,
        PRIMARY KEY (number, check_number)
    );
    CREATE INDEX members_by_check ON members (check_number, number);

    -- Names sort by time, byte by byte, whatever the language of the database.
    CREATE TABLE windows (
        id text COLLATE "C" PRIMARY KEY,
        service text NOT NULL,
        -- Nanoseconds since 1970.
        opened bigint NOT NULL,
        closed bigint,
        verdict text,
        revision text,
        action text,
        rollback text,
        -- Nanoseconds.
        detected_after bigint,
        report text
    );
    CREATE INDEX windows_of_service ON windows (service, id);
    CREATE TABLE happenings (
        id text COLLATE "C" PRIMARY KEY,
        -- Nanoseconds since 1970.
        at bigint NOT NULL,
        service text,
        of_window text,
        check_name text,
        kind text NOT NULL,
        line text NOT NULL,
        facts text NOT NULL
    );
    CREATE INDEX happenings_of_service ON happenings (service, id) WHERE service IS NOT NULL;
    CREATE INDEX happenings_of_window ON happenings (of_window, id) WHERE of_window IS NOT NULL;
    CREATE INDEX happenings_of_check ON happenings (check_name, id) WHERE check_name IS NOT NULL;
    CREATE INDEX happenings_of_kind ON happenings (kind, id);
"#;

/// How many checks share a row of fresh samples: as many as a byte can tell apart.
const BUCKET: u32 = 1 << u8::BITS;

/// The bucket of a check, and its place there.
pub(super) const fn bucket(check: u32) -> (u32, u8) {
    (check / BUCKET, (check % BUCKET) as u8)
}

/// The check at a place of a bucket.
pub(super) const fn check(bucket: u32, place: u8) -> u32 {
    bucket * BUCKET + place as u32
}

/// The number of a name or a bucket as a column has it: those are given out from 1 on and never
/// reach the end of an `integer`.
pub(super) const fn column(number: u32) -> i32 {
    number.cast_signed()
}

/// The number in a column.
pub(super) const fn number(column: i32) -> u32 {
    column.cast_unsigned()
}
