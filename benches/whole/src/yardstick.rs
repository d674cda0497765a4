//! Others who ask the same server: wrk, which is close to the limit; a bare hyper client; and
//! blackbox_exporter, where it is installed.

use std::path::Path;
use std::time::Duration;

use crate::Outcome;
use crate::bare::Bare;
use crate::nginx::{HOSTS, Nginx, PATH};
use crate::process::{Cores, Measured, Program};

/// The name under which Debian installs blackbox_exporter, and its own.
const BLACKBOX: [&str; 2] = ["prometheus-blackbox-exporter", "blackbox_exporter"];

/// What everybody gets.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// The server.
    pub nginx: &'a Nginx,
    /// The cores.
    pub cores: Cores<'a>,
    /// How long is measured.
    pub lasting: Duration,
}

impl Terms<'_> {
    /// wrk, as fast as it can, over fifty connections.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn wrk(&self, kept: bool, scheme: &str, port: u16) -> Outcome<Measured> {
        let lasts = self.lasting + 2 * WARMING + Duration::from_secs(1);
        let mut arguments = vec!["-t1".to_owned(), format!("-c{CONNECTIONS}")];
        arguments.push(format!("-d{}s", lasts.as_secs()));
        if !kept {
            arguments.extend(["-H".to_owned(), "Connection: close".to_owned()]);
        }
        arguments.push(format!("{scheme}://{}:{port}{PATH}", HOSTS[0]));
        self.observe("wrk", &arguments).await
    }

    /// The bare client.
    ///
    /// # Errors
    /// When it cannot be run.
    pub async fn bare(&self, bare: &Bare) -> Outcome<Measured> {
        let ourselves = std::env::current_exe()?;
        let program = ourselves.to_str().ok_or("the benchmark has an odd name")?;
        let program = Program::start(program, &bare.arguments(), self.cores)?;
        tokio::time::sleep(bare.every + WARMING).await;
        let measured = program.measure(self.nginx, self.lasting).await?;
        program.kill().await?;
        Ok(measured)
    }

    /// blackbox_exporter, asked by the bare client at a fixed rate over kept connections, with the
    /// same three expectations; nothing where it is not installed.
    ///
    /// # Errors
    /// When it is installed and cannot be run.
    pub async fn blackbox(&self, folder: &Path, rate: usize) -> Outcome<Option<Measured>> {
        let Some(program) = BLACKBOX.into_iter().find(|name| is_installed(name)) else {
            return Ok(None);
        };
        let port = free_port()?;
        let written = folder.join("blackbox.yml");
        std::fs::write(&written, MODULE)?;
        let arguments = [
            format!("--config.file={}", written.display()),
            format!("--web.listen-address={}:{port}", HOSTS[0]),
            "--log.level=error".to_owned(),
        ];
        let exporter = Program::start(program, &arguments, self.cores)?;
        answers(port).await?;
        let plain = self.nginx.ports().plain;
        let asking = Bare {
            checks: rate,
            every: Duration::from_secs(1),
            kept: true,
            port,
            spread: false,
            path: format!(
                "/probe?module=health&target=http://{}:{plain}{PATH}",
                HOSTS[0]
            ),
        };
        let ourselves = std::env::current_exe()?;
        let ourselves = ourselves.to_str().ok_or("the benchmark has an odd name")?;
        let asker = Program::start(ourselves, &asking.arguments(), None)?;
        tokio::time::sleep(2 * WARMING).await;
        let measured = exporter.measure(self.nginx, self.lasting).await?;
        asker.kill().await?;
        exporter.kill().await?;
        Ok(Some(measured))
    }

    async fn observe(&self, program: &str, arguments: &[String]) -> Outcome<Measured> {
        let program = Program::start(program, arguments, self.cores)?;
        tokio::time::sleep(WARMING).await;
        let measured = program.measure(self.nginx, self.lasting).await?;
        program.kill().await?;
        Ok(measured)
    }
}

/// How many connections wrk has.
pub const CONNECTIONS: usize = 50;
/// Until connections stand and caches are warm.
const WARMING: Duration = Duration::from_secs(1);

const MODULE: &str = r#"modules:
  health:
    prober: http
    timeout: 5s
    http:
      preferred_ip_protocol: ip4
      valid_status_codes: [200]
      fail_if_header_not_matches: [{ header: Content-Type, regexp: json }]
      fail_if_body_not_matches_regexp: ['"status":"ok"']
"#;

/// Whether a program is found where the shell would look, or by its path.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind((HOSTS[0], 0))?
        .local_addr()?
        .port())
}

async fn answers(port: u16) -> Outcome<()> {
    for _ in 0..100 {
        if tokio::net::TcpStream::connect((HOSTS[0], port))
            .await
            .is_ok()
        {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("blackbox_exporter does not answer".into())
}
