//! What a hundred thousand checks every ten seconds cost the history: rows, bytes, times.
//!
//! Not the whole day: ten minutes of all checks, for the breadth, and a day of one check in a hundred,
//! for the depth. What is said of the day is what these two give, multiplied. The same for a file and
//! for a PostgreSQL on this machine, which is started with its own way of being safe (`fsync`) and
//! room for its cache. Run by `scripts/bench history [sqlite|postgres]`; takes some minutes and two
//! gigabytes in the temporary folder for each.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_types,
    reason = "a program that measures and prints"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smokejumper::clock::{Moment, WallTime};
use smokejumper::sample::{
    CheckId, Fault, Outcome, Phase, Phases, Reading, Reason, Sample, Session, TlsSession, Unit,
};
use smokejumper::secret::Secret;
use smokejumper::store::history::{Batch, Between, History, Page, Retention, Seen};
use smokejumper::store::postgres::history::PostgresHistory;
use smokejumper::store::postgres::{Encryption, Server};
use smokejumper::store::sqlite::history::SqliteHistory;

use self::postgres::{PASSWORD, Postgres, Tls, USER};

// The server of the tests, of which a benchmark needs a part.
#[expect(dead_code, reason = "the tests need all of it")]
#[path = "../tests/it/harness/certificates.rs"]
mod certificates;
#[expect(dead_code, reason = "the tests need all of it")]
#[path = "../tests/it/harness/postgres.rs"]
mod postgres;
#[expect(dead_code, reason = "the tests need all of it")]
#[path = "../tests/it/harness/tools.rs"]
mod tools;

/// The population.
const CHECKS: u64 = 100_000;
/// A day has so many samples of a check.
const A_DAY: u64 = 8_640;
/// How many minutes of all of them are simulated.
const MINUTES: u64 = 10;
/// One check in so many is simulated for a day.
const ONE_IN: u64 = 100;
/// The beginning of an hour.
const BEGIN: u64 = 1_800_000_000;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

const RETENTION: Retention = Retention {
    samples: DAY,
    failures: Duration::from_secs(30 * 24 * 3_600),
    minutes: Duration::from_secs(14 * 24 * 3_600),
    hours: Duration::from_secs(400 * 24 * 3_600),
};

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let only: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| {
        let mut named = only.iter().filter(|one| !one.starts_with('-')).peekable();
        named.peek().is_none() || named.any(|one| one == name)
    };
    runtime.block_on(async {
        for name in ["sqlite", "postgres"] {
            if wanted(name) {
                println!("{name}:");
                breadth(Ground::new(name).await).await;
                depth(Ground::new(name).await).await;
            }
        }
    });
}

/// Where a history is kept, and how it is looked into from outside.
struct Ground {
    history: Box<dyn History>,
    place: Place,
}

enum Place {
    File(
        PathBuf,
        #[expect(dead_code, reason = "it is removed with this")] tempfile::TempDir,
    ),
    Database(Box<Postgres>),
}

impl Ground {
    async fn new(name: &str) -> Self {
        if name == "sqlite" {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("history.sqlite");
            return Self {
                history: Box::new(SqliteHistory::open(&path).await.unwrap()),
                place: Place::File(path, folder),
            };
        }
        let settings = [
            ("fsync", "on"),
            ("shared_buffers", "256MB"),
            ("max_wal_size", "2GB"),
        ];
        let server = Postgres::start_with(Tls::Off, &settings).await;
        let history = PostgresHistory::on(Server {
            host: "127.0.0.1".to_owned(),
            port: server.port(),
            user: USER.to_owned(),
            password: Some(Secret::new(PASSWORD)),
            database: "postgres".to_owned(),
            schema: "smokejumper".to_owned(),
            application_name: "smokejumper".to_owned(),
            encryption: Encryption::Never,
        });
        history.open().await.unwrap();
        Self {
            history: Box::new(history),
            place: Place::Database(Box::new(server)),
        }
    }

    /// The rows of a table and the bytes of its blocks; of a table without, its rows.
    fn table(&self, table: &str) -> (u64, u64) {
        let blocks = !matches!(table, "texts" | "checks");
        let bytes = if blocks {
            "coalesce(sum(length(block)), 0)"
        } else {
            "0"
        };
        match &self.place {
            Place::File(path, _) => {
                let sum = format!("SELECT count(*), {bytes} FROM {table}");
                let connection = rusqlite::Connection::open(path).unwrap();
                let both = |row: &rusqlite::Row<'_>| {
                    let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
                    Ok((number(0)?, number(1)?))
                };
                connection.query_row(&sum, [], both).unwrap()
            }
            Place::Database(server) => {
                let sum = format!("SELECT count(*), {bytes} FROM smokejumper.{table}");
                let said = server.run(&sum);
                let (rows, bytes) = said.split_once('|').unwrap();
                (rows.parse().unwrap(), bytes.parse().unwrap())
            }
        }
    }
}

/// Numbers that are spread like chance and the same each time.
fn dice(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_mul(0xd1b5_4a32_d192_ed03);
    x ^= x >> 31;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ x >> 29
}

/// What runs of one sort share.
struct Sorts {
    services: Vec<Arc<str>>,
    checks: Vec<CheckId>,
    fresh: Arc<Session>,
    kept: Arc<Session>,
}

impl Sorts {
    fn new() -> Self {
        let session = |reused| {
            Arc::new(Session {
                address: Some("10.1.2.3".parse().unwrap()),
                reused,
                protocol: Some("HTTP/2.0".to_owned()),
                tls: Some(TlsSession {
                    version: "TLSv1.3".to_owned(),
                    cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
                    resumed: false,
                }),
            })
        };
        Self {
            services: (0..500)
                .map(|n| Arc::from(format!("service-{n}")))
                .collect(),
            checks: (0..CHECKS)
                .map(|n| CheckId::new(&format!("check-{n}")))
                .collect(),
            fresh: session(false),
            kept: session(true),
        }
    }

    /// A run: half of them over a connection of their own, a third with a reading, one in a thousand
    /// fails.
    fn run(&self, check: u64, number: u64) -> Seen {
        let chance = dice(check, number);
        let is_fresh = check.is_multiple_of(2);
        let mut phases = Phases::default();
        let mut spend = |phase, around: u64, at: u64| {
            // Within a factor of two, and one in a hundred ten times as long.
            let long = if dice(chance, at).is_multiple_of(100) {
                10
            } else {
                1
            };
            let span = (around + dice(chance, at) % around) * long;
            phases.add(phase, Duration::from_nanos(span * 1_000 + chance % 1_000));
        };
        if is_fresh {
            spend(Phase::Dns, 300, 1);
            spend(Phase::Connect, 800, 2);
            spend(Phase::Tls, 2_500, 3);
        }
        spend(Phase::Request, 40, 4);
        spend(Phase::Ttfb, 9_000, 5);
        spend(Phase::Body, 200, 6);
        let is_bad = chance.is_multiple_of(1_000);
        let detail = format!("status 503, expected 200 ({} bytes)", chance % 5_000);
        let readings = match check % 3 {
            0 => vec![Reading::new("rows", (chance % 90) as f64, Unit::Number)],
            _ => Vec::new(),
        };
        let jitter = chance % 2_000_000;
        let offset = dice(check, 0) % 10_000_000_000;
        let at = Duration::from_secs(BEGIN + number * 10) + Duration::from_nanos(offset + jitter);
        Seen {
            at: WallTime::since_unix_epoch(at),
            service: Arc::clone(&self.services[(check % 500) as usize]),
            window: None,
            sample: Sample {
                check: self.checks[check as usize].clone(),
                started: Moment::ORIGIN,
                latency: phases.total(),
                phases,
                outcome: if is_bad { Outcome::Fail } else { Outcome::Pass },
                fault: is_bad.then(|| Fault::new(Reason::Status, detail)),
                readings,
                notes: Vec::new(),
                retries: 0,
                closer_look: false,
                sending: None,
                session: Some(Arc::clone(if is_fresh { &self.fresh } else { &self.kept })),
                trace: None,
            },
        }
    }
}

/// Times of many of the same, as a person reads them.
struct Times(Vec<Duration>);

impl Times {
    fn line(mut self, what: &str) {
        self.0.sort_unstable();
        let at = |share: f64| self.0[((self.0.len() - 1) as f64 * share) as usize];
        println!(
            "  {what:<58} median {:>8.2} ms, 95 % {:>8.2} ms, most {:>8.2} ms",
            at(0.5).as_secs_f64() * 1e3,
            at(0.95).as_secs_f64() * 1e3,
            at(1.0).as_secs_f64() * 1e3,
        );
    }
}

async fn keep(history: &dyn History, samples: Vec<Seen>) -> Duration {
    let batch = Batch {
        samples,
        ..Batch::default()
    };
    let begun = Instant::now();
    history.keep(&batch).await.unwrap();
    begun.elapsed()
}

/// Thins until nothing is left to do: how often, how long in all, and the longest step.
async fn thin(history: &dyn History, seconds: u64) {
    let now = WallTime::since_unix_epoch(Duration::from_secs(BEGIN + seconds));
    let (begun, mut steps) = (Instant::now(), Vec::new());
    loop {
        let step = Instant::now();
        let more = history.thin(now, &RETENTION).await.unwrap();
        steps.push(step.elapsed());
        if !more {
            break;
        }
    }
    let all = begun.elapsed().as_secs_f64();
    Times(steps).line(&format!("a step of thinning, all of it {all:.1} s"));
}

/// Rows and bytes of each table.
async fn tables(ground: &Ground, samples: u64) {
    let tables = [
        "fresh", "packed", "minutes", "hours", "failures", "texts", "checks",
    ];
    for table in tables {
        let (rows, bytes) = ground.table(table);
        if rows > 0 {
            let each = bytes as f64 / samples as f64;
            println!("  {table:<9} {rows:>9} rows {bytes:>12} bytes of blocks, {each:.2} a sample");
        }
    }
    let all = ground.history.figures().await.unwrap().bytes;
    let each = all as f64 / samples as f64;
    println!("  all of it {all:>27} bytes, {each:.2} a sample");
}

/// Ten minutes of all checks: how fast they are kept, found, and packed.
async fn breadth(ground: Ground) {
    let history = &*ground.history;
    let sorts = Sorts::new();
    let each_second = CHECKS / 10;
    println!(
        "{CHECKS} checks every 10 s for {MINUTES} minutes, a batch a second of {each_second}:"
    );
    let mut times = Vec::new();
    for second in 0..MINUTES * 60 {
        let samples = (0..each_second).map(|n| sorts.run(n * 10 + second % 10, second / 10));
        times.push(keep(history, samples.collect()).await);
    }
    let samples = MINUTES * 60 * each_second;
    let all: Duration = times.iter().sum();
    println!(
        "  {:.0} samples a second are kept",
        samples as f64 / all.as_secs_f64()
    );
    Times(times).line("keeping a batch");
    tables(&ground, samples).await;
    questions(history, &sorts, Duration::from_secs(MINUTES * 60), 1).await;
    thin(history, 3_600 + 400).await;
    tables(&ground, samples).await;
    questions(history, &sorts, Duration::from_secs(MINUTES * 60), 1).await;
}

/// A day of one check in a hundred: what a day takes, how fast it is found, and what is left of it.
async fn depth(ground: Ground) {
    let history = &*ground.history;
    let sorts = Sorts::new();
    let checks = CHECKS / ONE_IN;
    println!("{checks} checks every 10 s for a day, a batch every 10 s:");
    let mut times = Vec::new();
    for number in 0..A_DAY {
        // As the population does: half of them even.
        let samples = (0..checks).map(|n| sorts.run(n * ONE_IN + n % 2, number));
        times.push(keep(history, samples.collect()).await);
        if number % 360 == 30 {
            while history.thin(at(number * 10), &RETENTION).await.unwrap() {}
        }
    }
    Times(times).line("keeping a batch, packing in between");
    thin(history, A_DAY * 10 + 400).await;
    let samples = checks * A_DAY;
    tables(&ground, samples).await;
    questions(history, &sorts, DAY, ONE_IN).await;
    println!("the same when the samples are older than they are kept:");
    thin(history, A_DAY * 20 + 4_000).await;
    tables(&ground, samples).await;
    questions(history, &sorts, DAY, ONE_IN).await;
}

fn at(seconds: u64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_secs(BEGIN + seconds))
}

/// What pages ask, of checks here and there.
async fn questions(history: &dyn History, sorts: &Sorts, span: Duration, apart: u64) {
    let between = Between {
        from: at(0),
        to: WallTime::since_unix_epoch(at(0).unix() + span),
    };
    let mut times: [Vec<Duration>; 5] = Default::default();
    for number in 0..100 {
        let place = number * (CHECKS / 100 / apart) * apart;
        let check = &sorts.checks[(place + place / apart % 2) as usize];
        let mut timed = Vec::new();
        let begun = Instant::now();
        let found = history.samples(check, between, usize::MAX).await.unwrap();
        timed.push((begun.elapsed(), found.len()));
        for step in [Duration::from_secs(60), HOUR] {
            let begun = Instant::now();
            let found = history.slices(check, between, step).await.unwrap();
            timed.push((begun.elapsed(), found.len()));
        }
        let begun = Instant::now();
        let found = history.failures(check, 20).await.unwrap();
        timed.push((begun.elapsed(), found.len()));
        let begun = Instant::now();
        let page = Page {
            limit: 50,
            ..Page::default()
        };
        let found = history.happenings(&page).await.unwrap();
        timed.push((begun.elapsed(), found.len()));
        for (all, (time, _)) in times.iter_mut().zip(timed) {
            all.push(time);
        }
    }
    let names = [
        "all samples of a check",
        "its slices by minute",
        "its slices by hour",
        "its last 20 failures",
        "a page of what happened",
    ];
    for (name, times) in names.into_iter().zip(times) {
        Times(times).line(name);
    }
}
