//! What one HTTP probe costs in user space: instructions, allocations and the time of a run, over a
//! connection of its own and over a kept one.
//!
//! Run by `scripts/bench`, which prints allocations and times. Instructions are counted from
//! outside, which is repeatable on a busy machine: run this under `valgrind --tool=callgrind` with
//! `--runs fresh 1000` and with `--runs fresh 3000`; the difference is what 2,000 probes cost. The
//! same two runs under `strace -c` count the calls of the system. The server is a process of its
//! own, so that none of its work is counted.

use std::fmt;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use divan::{AllocProfiler, Bencher};
use serde_json::json;
use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::probe::attempt::{self, Conditions};
use smokejumper::probe::{Probe, Surroundings, registry};
use smokejumper::sample::{CheckId, Outcome, Sample};
use tokio::runtime::Runtime;

#[global_allocator]
static COUNTED: AllocProfiler = AllocProfiler::system();

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [_, "--serve"] => serve(),
        [_, "--runs", connection, runs] => {
            let runs = runs.parse().expect("the number of runs");
            repeat(&Bench::new(Connection::named(connection)), runs);
        }
        _ => divan::main(),
    }
}

/// Whether each run opens a connection.
#[derive(Clone, Copy, Debug)]
enum Connection {
    Fresh,
    Kept,
}

impl Connection {
    fn named(name: &str) -> Self {
        match name {
            "fresh" => Self::Fresh,
            "kept" => Self::Kept,
            #[expect(
                clippy::panic,
                reason = "a measurement that was asked for wrongly is none"
            )]
            other => panic!("`{other}` is neither fresh nor kept"),
        }
    }

    const fn declared(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Kept => "keep_alive",
        }
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.declared())
    }
}

#[divan::bench(args = [Connection::Kept, Connection::Fresh])]
fn one_probe(bencher: Bencher<'_, '_>, connection: Connection) {
    let bench = Bench::new(connection);
    // The first run fills what later ones share.
    bench.run();
    bencher.bench_local(|| bench.run());
}

fn repeat(bench: &Bench, runs: u32) {
    for _ in 0..runs {
        black_box(bench.run());
    }
}

/// A probe with three expectations, its server, and the thread that runs it.
struct Bench {
    probe: Box<dyn Probe>,
    check: CheckId,
    clock: Arc<dyn Clock>,
    runtime: Runtime,
    _server: Server,
}

impl Bench {
    fn new(connection: Connection) -> Self {
        let server = Server::start();
        let settings = json!({
            "url": format!("http://{}/health", server.address),
            "connection": connection.declared(),
            "expect": {
                "status": 200,
                "headers": { "content-type": { "contains": "json" } },
                "json": { "$.status": "ok" }
            }
        });
        let probe = registry::build("http", settings, &Surroundings::default())
            .expect("the kind is registered")
            .expect("the settings can be read")
            .expect("the settings work");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            probe,
            check: CheckId::new("check"),
            clock: Arc::new(RealClock(tokio::time::Instant::now())),
            runtime,
            _server: server,
        }
    }

    fn run(&self) -> Sample {
        let sample = self.runtime.block_on(attempt::run(
            &*self.probe,
            &self.check,
            Arc::clone(&self.clock),
            DEADLINE,
            Conditions::default(),
        ));
        assert_eq!(sample.outcome, Outcome::Pass, "{:?}", sample.fault);
        sample
    }
}

/// No healthy exchange on loopback comes near it, under a debugger neither.
const DEADLINE: Duration = Duration::from_secs(20);

/// The process that answers; it ends with this value.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Self {
        let this = std::env::current_exe().expect("the path of this program");
        let mut process = Command::new(this)
            .arg("--serve")
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let output = process.stdout.take().expect("the output is piped");
        let mut address = String::new();
        BufReader::new(output)
            .read_line(&mut address)
            .expect("the server says where it listens");
        Self {
            process,
            address: address.trim().to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().expect("the server runs until here");
        self.process.wait().expect("the server ends");
    }
}

/// Answers whatever comes, on a thread for each connection, until the process is ended.
#[expect(clippy::print_stdout, reason = "the parent reads the address there")]
fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    println!("{}", listener.local_addr().expect("a local address"));
    for stream in listener.incoming().flatten() {
        std::thread::spawn(|| answer(stream));
    }
}

/// One request is one read: the probe's are far smaller than a segment.
fn answer(mut stream: TcpStream) {
    let mut request = [0; 4_096];
    while matches!(stream.read(&mut request), Ok(1..)) {
        if stream.write_all(ANSWER).is_err() {
            return;
        }
    }
}

/// As nginx would send it.
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nserver: nginx/1.26.3\r\n\
    date: Sat, 22 Nov 2025 12:00:00 GMT\r\ncontent-type: application/json\r\n\
    content-length: 48\r\nconnection: keep-alive\r\n\r\n\
    {\"status\":\"ok\",\"uptime\":86400,\"version\":\"1.4.2\"}";

/// Real time.
#[derive(Debug)]
struct RealClock(tokio::time::Instant);

impl Clock for RealClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    fn wall(&self) -> WallTime {
        WallTime::default()
    }
}
