//! What is measured, section by section. Each adds to the one table.

use std::path::Path;
use std::time::Duration;

use crate::Outcome;
use crate::bare::Bare;
use crate::hanging::Hanging;
use crate::nginx::Nginx;
use crate::ours::{Declared, Ours, Shown, lateness, spoilt};
use crate::process::{Cores, Measured};
use crate::table::{Group, Row, Table};
use crate::yardstick::{CONNECTIONS, Terms};

/// Where and how everything runs.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'a> {
    /// Our binary.
    pub binary: &'a str,
    /// Where files are written.
    pub folder: &'a Path,
    /// The server.
    pub nginx: &'a Nginx,
    /// The cores of whoever is measured.
    pub cores: Cores<'a>,
    /// All cores, where there is more than the one of whoever is measured.
    pub all_cores: Cores<'a>,
    /// How long each is measured.
    pub lasting: Duration,
}

impl Stage<'_> {
    const fn ours(&self) -> Ours<'_> {
        Ours {
            binary: self.binary,
            folder: self.folder,
            cores: self.cores,
        }
    }

    const fn terms(&self) -> Terms<'_> {
        Terms {
            nginx: self.nginx,
            cores: self.cores,
            lasting: self.lasting,
        }
    }

    async fn gate(&self, declared: &Declared, name: &str, table: &mut Table) -> Outcome<Shown> {
        let shown = self
            .ours()
            .gate(self.nginx, declared, name, self.lasting)
            .await?;
        let spoilt = spoilt(&shown.report);
        if spoilt > 0 {
            let fact = format!("{name}: {spoilt} samples were not passes; its figures say little");
            table.facts.push(fact);
        }
        Ok(shown)
    }
}

/// A check a second, a thousand and five thousand of them, over kept and fresh connections.
///
/// # Errors
/// When anything cannot be run.
pub async fn rates(stage: &Stage<'_>, table: &mut Table) -> Outcome<()> {
    let port = stage.nginx.ports().plain;
    for kept in [true, false] {
        let (name, wrk) = if kept {
            ("kept connections", "wrk, kept, as fast as it can")
        } else {
            ("fresh connections", "wrk, fresh, as fast as it can")
        };
        for checks in [1_000, 5_000] {
            let every = Duration::from_secs(1);
            let declared = Declared::plain(checks, every, kept, port);
            let kind = if kept { "kept" } else { "fresh" };
            let shown = stage
                .gate(&declared, &format!("rates-{kind}-{checks}"), table)
                .await?;
            let mut rows = vec![our_row(&shown, checks)];
            let bare = bare(checks, every, kept, port);
            rows.push(row(
                "bare hyper client",
                stage.terms().bare(&bare).await?,
                Some(checks),
            ));
            if checks > 1_000 {
                let measured = stage.terms().wrk(kept, "http", port).await?;
                rows.push(row(wrk, measured, Some(CONNECTIONS)));
            } else if !kept
                && let Some(measured) = stage.terms().blackbox(stage.folder, BLACKBOX_RATE).await?
            {
                rows.push(row("blackbox_exporter, fresh", measured, None));
            }
            let title = format!("HTTP, {name}, {checks} checks a second");
            table.groups.push(Group { title, rows });
        }
    }
    Ok(())
}

/// TLS 1.3 and HTTP/2 beside plain HTTP.
///
/// # Errors
/// When anything cannot be run.
pub async fn tls(stage: &Stage<'_>, table: &mut Table) -> Outcome<()> {
    let every = Duration::from_secs(1);
    let checks = 1_000;
    let ports = stage.nginx.ports();
    for (name, title, kept, port, resumed) in [
        (
            "tls-full",
            "TLS 1.3, full handshake, HTTP/1.1, 1000 a second",
            false,
            ports.tls,
            false,
        ),
        (
            "tls-resumed",
            "TLS 1.3, resumed, HTTP/1.1, 1000 a second",
            false,
            ports.tls,
            true,
        ),
        (
            "two-fresh",
            "HTTP/2 over TLS 1.3, fresh, 1000 a second",
            false,
            ports.two,
            false,
        ),
        (
            "two-kept",
            "HTTP/2 over TLS 1.3, kept, 1000 a second",
            true,
            ports.two,
            false,
        ),
    ] {
        let declared = Declared {
            scheme: "https",
            resumed,
            ..Declared::plain(checks, every, kept, port)
        };
        if !stage.ours().knows(&declared, name).await? {
            table
                .facts
                .push(format!("{title}: not a setting of this binary"));
            continue;
        }
        let shown = stage.gate(&declared, name, table).await?;
        let mut rows = vec![our_row(&shown, checks)];
        if name == "tls-full" {
            let measured = stage.terms().wrk(false, "https", port).await?;
            rows.push(row(
                "wrk, fresh, as fast as it can",
                measured,
                Some(CONNECTIONS),
            ));
        }
        let title = title.to_owned();
        table.groups.push(Group { title, rows });
    }
    Ok(())
}

/// A hundred thousand checks in one process, without and with peers that hang; ten thousand with
/// connections that are kept.
///
/// # Errors
/// When anything cannot be run.
pub async fn many(stage: &Stage<'_>, table: &mut Table) -> Outcome<()> {
    let port = stage.nginx.ports().plain;
    let every = Duration::from_secs(10);
    let fresh = Declared::plain(100_000, every, false, port);
    let mut rows = Vec::new();
    let alone = stage.gate(&fresh, "many", table).await?;
    table.facts.push(standing("100,000 checks at 10 s", &alone));
    rows.push(our_row(&alone, fresh.checks));
    let peers = Hanging::start().await?;
    let beside = Declared {
        hanging: Some((HANGING, peers.port())),
        ..fresh.clone()
    };
    let beside = stage.gate(&beside, "many-beside-hanging", table).await?;
    let mut among = our_row(&beside, fresh.checks);
    "smokejumper, 200 peers hanging".clone_into(&mut among.name);
    rows.push(among);
    table.facts.push(standing(
        "the same beside 200 peers that accept and hang",
        &beside,
    ));
    let yardstick = stage
        .terms()
        .bare(&bare(fresh.checks, every, false, port))
        .await?;
    rows.push(row("bare hyper client", yardstick, Some(fresh.checks)));
    table.groups.push(Group {
        title: "HTTP, fresh connections, 100,000 checks at 10 s".to_owned(),
        rows,
    });

    let kept = Declared::plain(10_000, every, true, port);
    let shown = stage.gate(&kept, "many-kept", table).await?;
    let yardstick = stage
        .terms()
        .bare(&bare(kept.checks, every, true, port))
        .await?;
    table.groups.push(Group {
        title: "HTTP, kept connections, 10,000 checks at 10 s".to_owned(),
        rows: vec![
            our_row(&shown, kept.checks),
            row("bare hyper client", yardstick, Some(kept.checks)),
        ],
    });
    Ok(())
}

/// A `gate` as a pipeline runs it: fifty checks, once; and a thousand.
///
/// # Errors
/// When it cannot be run.
pub async fn gate(stage: &Stage<'_>, table: &mut Table) -> Outcome<()> {
    let ours = Ours {
        cores: None,
        ..stage.ours()
    };
    let written = |checks: usize| -> Outcome<String> {
        let every = Duration::from_secs(10);
        let declared = Declared::plain(checks, every, false, stage.nginx.ports().plain);
        let below = declared.write(stage.folder, &format!("gate-{checks}"))?;
        Ok(below.display().to_string())
    };
    let (few, many) = (written(50)?, written(1_000)?);
    let quietly = |command: &str, below: &str| [command, "--quiet", below].map(str::to_owned);
    let gate = ours.runs(&quietly("gate", &few)).await?;
    let plan = ours.runs(&quietly("plan", &few)).await?;
    let help = ours.runs(&["--help".to_owned()]).await?;
    let thousand = ours.runs(&quietly("gate", &many)).await?;
    let ms = |span: Duration| span.as_secs_f64() * 1e3;
    let size = std::fs::metadata(stage.binary)?.len() as f64 / 1e6;
    table.facts.push(format!(
        "gate with 50 checks, from its start to its end: {:.1} ms (median of 20), of which reading \
         the configuration and starting up, as `plan` does: {:.1} ms; `--help`: {:.1} ms; gate \
         with 1,000 checks: {:.0} ms; the binary has {size:.1} MB",
        ms(gate),
        ms(plan),
        ms(help),
        ms(thousand),
    ));
    Ok(())
}

/// As many probes as one core can do, and as two can.
///
/// # Errors
/// When anything cannot be run.
pub async fn cores(stage: &Stage<'_>, table: &mut Table) -> Outcome<()> {
    let Some(all) = stage.all_cores else {
        table
            .facts
            .push("from one core to two: this machine has one".to_owned());
        return Ok(());
    };
    for (kept, kind) in [(true, "kept"), (false, "fresh")] {
        let declared = Declared::plain(64, Duration::from_secs(1), kept, stage.nginx.ports().plain);
        let mut rows = Vec::new();
        for (cores, name) in [(stage.cores, "one core"), (Some(all), "two cores")] {
            let ours = Ours {
                cores,
                ..stage.ours()
            };
            let name_of_files = format!("cores-{kind}-{}", rows.len());
            let measured = ours
                .saturate(stage.nginx, &declared, &name_of_files, stage.lasting / 2)
                .await?;
            let share = measured.share();
            rows.push(row(&format!("{name} ({share:.0} % used)"), measured, None));
        }
        let title = format!("As fast as we can, {kind} connections, nginx on the second core");
        table.groups.push(Group { title, rows });
    }
    Ok(())
}

fn bare(checks: usize, every: Duration, kept: bool, port: u16) -> Bare {
    Bare {
        checks,
        every,
        kept,
        port,
        spread: true,
        path: crate::nginx::PATH.to_owned(),
    }
}

fn our_row(shown: &Shown, checks: usize) -> Row {
    Row {
        late: lateness(&shown.report),
        ..row("smokejumper", shown.measured, Some(checks))
    }
}

fn row(name: &str, measured: Measured, checks: Option<usize>) -> Row {
    Row {
        name: name.to_owned(),
        rate: measured.rate(),
        cpu: measured.cpu_each(),
        memory: checks.map(|checks| measured.memory_each(checks)),
        late: None,
    }
}

fn standing(what: &str, shown: &Shown) -> String {
    let late = lateness(&shown.report).map_or_else(String::new, |late| {
        format!(", probes late by {late:.1} ms (p99)")
    });
    format!(
        "{what}: {:.0} % of one core, every check answered once within {:.1} s of the first, {} \
         descriptors{late}",
        shown.measured.share(),
        shown.first_results.as_secs_f64(),
        shown.measured.descriptors,
    )
}

/// How many peers hang.
const HANGING: usize = 200;
/// How many probes a second blackbox_exporter is asked for: below what saturates it.
const BLACKBOX_RATE: usize = 300;
