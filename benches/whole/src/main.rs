//! What a probe costs, all in: the real binary against nginx on loopback, beside wrk, a bare hyper
//! client and, where it is installed, blackbox_exporter.
//!
//! Run by `scripts/bench`, which says what is missing. Everything listens on free ports of loopback
//! addresses, every run is bounded in time, and whatever was started is ended by its number, also
//! when this is interrupted.

mod bare;
mod hanging;
mod nginx;
mod ours;
mod process;
mod sections;
mod table;
mod yardstick;

use std::process::ExitCode;
use std::time::Duration;

use nginx::Nginx;
use sections::Stage;
use table::Table;

/// Whatever goes wrong in a benchmark ends it: nobody tells its errors apart.
pub type Trouble = Box<dyn std::error::Error + Send + Sync>;
/// A value, or what went wrong.
pub type Outcome<T> = Result<T, Trouble>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let work = async {
        match arguments.split_first() {
            Some((role, rest)) if role == bare::ROLE => bare::Bare::read(rest)?.run().await,
            _ => Wanted::read(&arguments)?.measure().await,
        }
    };
    let ended = tokio::select! {
        ended = work => ended,
        stopped = stopped() => stopped.and(Err("stopped".into())),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            say(&format!("error: {trouble}"));
            ExitCode::FAILURE
        }
    }
}

/// Waits until somebody asks us to stop; what was started is ended when its owners are dropped.
async fn stopped() -> Outcome<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// What was asked for.
struct Wanted {
    binary: String,
    lasting: Duration,
    sections: Vec<String>,
}

/// The sections, in the order in which they run.
const SECTIONS: [&str; 5] = ["rates", "tls", "many", "gate", "cores"];
/// How long each is measured where nothing else is said.
const LASTING: Duration = Duration::from_secs(10);

impl Wanted {
    fn read(arguments: &[String]) -> Outcome<Self> {
        let mut wanted = Self {
            binary: String::new(),
            lasting: LASTING,
            sections: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--binary" => wanted.binary = arguments.next().ok_or("which binary?")?.clone(),
                "--seconds" => {
                    let seconds = arguments.next().ok_or("how many seconds?")?;
                    wanted.lasting = Duration::from_secs(seconds.parse::<u64>()?.max(2));
                }
                name if SECTIONS.contains(&name) => wanted.sections.push(name.to_owned()),
                name => {
                    let known = SECTIONS.join(", ");
                    return Err(format!("`{name}` is no section; there are {known}").into());
                }
            }
        }
        if wanted.binary.is_empty() {
            return Err("say which binary is measured: --binary FILE".into());
        }
        if wanted.sections.is_empty() {
            wanted.sections = SECTIONS.map(str::to_owned).to_vec();
        }
        Ok(wanted)
    }

    async fn measure(&self) -> Outcome<()> {
        // Peers that hang hold a descriptor each here as well.
        rlimit::increase_nofile_limit(u64::MAX)?;
        let folder = tempfile::tempdir()?;
        let here = std::thread::available_parallelism()?.get();
        let apart = here > 1 && yardstick::is_installed("taskset");
        let (cores, servers, all) = if apart {
            (Some("0"), Some("1"), Some("0,1"))
        } else {
            (None, None, None)
        };
        let nginx = Nginx::start(folder.path(), servers).await?;
        let stage = Stage {
            binary: &self.binary,
            folder: folder.path(),
            nginx: &nginx,
            cores,
            all_cores: all,
            lasting: self.lasting,
        };
        let mut table = Table::default();
        for section in &self.sections {
            say(&format!("measuring: {section}"));
            match section.as_str() {
                "rates" => sections::rates(&stage, &mut table).await?,
                "tls" => sections::tls(&stage, &mut table).await?,
                "many" => sections::many(&stage, &mut table).await?,
                "gate" => sections::gate(&stage, &mut table).await?,
                _ => sections::cores(&stage, &mut table).await?,
            }
        }
        print(&format!("{}\n{table}", self.terms(apart, here)?));
        Ok(())
    }

    /// What the figures are worth nothing without.
    fn terms(&self, apart: bool, here: usize) -> Outcome<String> {
        let described = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = described
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .map_or("a processor without a name", |rest| {
                rest.trim_start_matches([' ', '\t', ':'])
            });
        let load = std::fs::read_to_string("/proc/loadavg")?;
        let load = load.split_whitespace().next().unwrap_or("?").to_owned();
        let cores = if apart {
            "whoever is measured on core 0, nginx on core 1"
        } else {
            "nginx on the same cores"
        };
        let seconds = self.lasting.as_secs();
        Ok(format!(
            "{model}, {here} cores, load {load} at the end\n\
             {cores}; three expectations a probe; {seconds} s each\n"
        ))
    }
}

#[expect(clippy::print_stderr, reason = "a benchmark says how far it is")]
fn say(line: &str) {
    eprintln!("bench: {line}");
}

#[expect(clippy::print_stdout, reason = "a benchmark's figures are its output")]
fn print(text: &str) {
    println!("{text}");
}
