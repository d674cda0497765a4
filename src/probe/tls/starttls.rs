//! Asking for TLS in the words of a protocol that begins in the clear. Each talk is as short as its
//! protocol allows, each line of it bounded, and whatever is said in the clear after TLS was agreed
//! on is refused: somebody in between may have said it (CVE-2011-0411).
//!
//! Called by the kind before the handshake. Sends no credentials.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::probe::Attempt;
use crate::probe::wire::channel;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Phase, Reason};

/// A protocol that can go over to TLS in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Starttls {
    /// Mail between servers, and from clients: STARTTLS after EHLO (RFC 3207). Port 25.
    Smtp,
    /// Mailboxes: STARTTLS (RFC 9051, section 6.2.1). Port 143.
    Imap,
    /// Mailboxes: STLS (RFC 2595, section 4). Port 110.
    Pop3,
    /// Files: AUTH TLS on the control connection (RFC 4217). Port 21.
    Ftp,
    /// PostgreSQL: its `SSLRequest`. Port 5432.
    Postgres,
}

impl Starttls {
    /// The registered port of the protocol in the clear.
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Smtp => 25,
            Self::Imap => 143,
            Self::Pop3 => 110,
            Self::Ftp => 21,
            Self::Postgres => 5432,
        }
    }

    /// Asks the server at `host` to begin TLS. Enters [`Phase::Tls`], of which it is the beginning.
    ///
    /// # Errors
    /// [`Reason::Tls`] when it offers none, [`Reason::NotReady`] when it says that it cannot serve
    /// now, [`Reason::ServerFault`] for another refusal, [`Reason::Malformed`] for an answer that is
    /// not of the protocol, and what the connection met.
    pub async fn ask(
        self,
        attempt: &mut Attempt,
        stream: &mut TcpStream,
        host: &str,
    ) -> Result<(), Fault> {
        attempt.enter(Phase::Tls);
        let who = stream.local_addr().ok().map(|address| address.ip());
        let mut talk = Talk {
            stream: BufReader::new(stream),
            host,
            attempt,
        };
        match self {
            Self::Smtp => talk.smtp(who).await?,
            Self::Imap => talk.imap().await?,
            Self::Pop3 => talk.pop3().await?,
            Self::Ftp => talk.ftp().await?,
            Self::Postgres => talk.postgres().await?,
        }
        if talk.stream.buffer().is_empty() {
            return Ok(());
        }
        let detail = format!("{host} goes on in the clear after it agreed to begin TLS");
        Err(Fault::new(Reason::Malformed, detail))
    }
}

/// A talk in the clear.
struct Talk<'a> {
    stream: BufReader<&'a mut TcpStream>,
    host: &'a str,
    attempt: &'a mut Attempt,
}

impl Talk<'_> {
    async fn smtp(&mut self, who: Option<IpAddr>) -> Result<(), Fault> {
        self.reply("220", "waiting for the greeting").await?;
        // Who has no name in DNS greets with its address (RFC 5321, section 4.1.3).
        let name = match who {
            Some(IpAddr::V4(four)) => format!("[{four}]"),
            Some(IpAddr::V6(six)) => format!("[IPv6:{six}]"),
            None => "[127.0.0.1]".to_owned(),
        };
        self.say(&format!("EHLO {name}\r\n")).await?;
        let offers = self.reply("250", "waiting for what it offers").await?;
        let offered = |line: &String| {
            let word = line.get(4..).unwrap_or_default().trim();
            word.eq_ignore_ascii_case("STARTTLS")
        };
        if !offers.iter().any(offered) {
            return Err(self.without_tls("its answer to EHLO does not name STARTTLS"));
        }
        self.say("STARTTLS\r\n").await?;
        self.reply("220", ASKING).await.map(drop)
    }

    async fn ftp(&mut self) -> Result<(), Fault> {
        self.reply("220", "waiting for the greeting").await?;
        self.say("AUTH TLS\r\n").await?;
        self.reply("234", ASKING).await.map(drop)
    }

    async fn pop3(&mut self) -> Result<(), Fault> {
        for (command, doing) in [("", "waiting for the greeting"), ("STLS\r\n", ASKING)] {
            self.say(command).await?;
            let line = self.line(doing).await?;
            if line.starts_with("-ERR") {
                return Err(self.refusal(&line, doing));
            }
            if !line.starts_with("+OK") {
                return Err(self.malformed(&line, "POP3", doing));
            }
        }
        Ok(())
    }

    async fn imap(&mut self) -> Result<(), Fault> {
        let doing = "waiting for the greeting";
        let greeting = self.line(doing).await?;
        match second_word(&greeting).as_str() {
            "OK" | "PREAUTH" if greeting.starts_with('*') => {}
            "BYE" if greeting.starts_with('*') => return Err(self.not_ready(&greeting)),
            _ => return Err(self.malformed(&greeting, "IMAP", doing)),
        }
        self.say("a1 STARTTLS\r\n").await?;
        for _ in 0..MOST_LINES {
            let line = self.line(ASKING).await?;
            if line.starts_with("* ") {
                continue;
            }
            return match (line.starts_with("a1 "), second_word(&line).as_str()) {
                (true, "OK") => Ok(()),
                (true, "NO" | "BAD") => Err(self.refusal(&line, ASKING)),
                _ => Err(self.malformed(&line, "IMAP", ASKING)),
            };
        }
        Err(self.endless())
    }

    async fn postgres(&mut self) -> Result<(), Fault> {
        self.attempt.doing(ASKING);
        self.send(&TLS_REQUEST).await?;
        let answer = self.stream.read_u8().await;
        let answer = answer.map_err(|error| channel::fault(&error, self.host, ASKING))?;
        match answer {
            b'S' => Ok(()),
            b'N' => Err(self.without_tls("the server says that it offers none")),
            b'E' => {
                let detail = format!("{} reports an error where TLS is asked for", self.host);
                Err(Fault::new(Reason::ServerFault, detail).transient())
            }
            _ => {
                let detail = format!(
                    "the answer of {} is not PostgreSQL's, while {ASKING}",
                    self.host
                );
                Err(Fault::new(Reason::Malformed, detail))
            }
        }
    }

    /// The lines of a reply with a code of three digits (RFC 5321, section 4.2; RFC 959).
    async fn reply(&mut self, code: &str, doing: &'static str) -> Result<Vec<String>, Fault> {
        let mut lines = Vec::new();
        while lines.len() < MOST_LINES {
            let line = self.line(doing).await?;
            let bytes = line.as_bytes();
            let has_code = bytes.len() >= 3 && bytes[..3].iter().all(u8::is_ascii_digit);
            let is_last = bytes.get(3) != Some(&b'-');
            if !has_code || !matches!(bytes.get(3), None | Some(b' ' | b'-')) {
                return Err(self.malformed(&line, "a reply with a code", doing));
            }
            if !line.starts_with(code) {
                return Err(match &line[..3] {
                    // Going away, or busy (RFC 5321, section 4.2.3).
                    "421" => self.not_ready(&line),
                    _ => self.refusal(&line, doing),
                });
            }
            lines.push(line);
            if is_last {
                return Ok(lines);
            }
        }
        Err(self.endless())
    }

    async fn line(&mut self, doing: &'static str) -> Result<String, Fault> {
        self.attempt.doing(doing);
        let line = channel::until(&mut self.stream, b"\n", LONGEST_LINE).await;
        let line = line.map_err(|error| channel::fault(&error, self.host, doing))?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    async fn say(&mut self, command: &str) -> Result<(), Fault> {
        self.send(command.as_bytes()).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let sent = self.stream.get_mut().write_all(bytes).await;
        sent.map_err(|error| channel::fault(&error, self.host, ASKING))
    }

    fn without_tls(&self, why: &str) -> Fault {
        Fault::new(Reason::Tls, format!("{} offers no TLS: {why}", self.host))
    }

    fn not_ready(&self, line: &str) -> Fault {
        let detail = format!(
            "{} cannot serve now, it says: {}",
            self.host,
            one_line(line)
        );
        Fault::new(Reason::NotReady, detail)
    }

    fn refusal(&self, line: &str, doing: &str) -> Fault {
        let detail = format!("{} says while {doing}: {}", self.host, one_line(line));
        // Codes that begin with 4 stand for what passes by itself (RFC 5321, section 4.2.1).
        let passes = line.starts_with('4');
        let fault = Fault::new(Reason::ServerFault, detail);
        if passes { fault.transient() } else { fault }
    }

    fn malformed(&self, line: &str, what: &str, doing: &str) -> Fault {
        let (host, line) = (self.host, one_line(line));
        let line = match line.as_str() {
            "" => "bytes that are no text",
            text => text,
        };
        let detail = format!("expected {what} from {host} while {doing}, got: {line}");
        Fault::new(Reason::Malformed, detail)
    }

    fn endless(&self) -> Fault {
        let detail = format!("{} says more than {MOST_LINES} lines before TLS", self.host);
        Fault::new(Reason::TooLarge, detail)
    }
}

fn second_word(line: &str) -> String {
    let word = line.split_whitespace().nth(1).unwrap_or_default();
    word.to_ascii_uppercase()
}

/// What is going on once the greeting is over.
const ASKING: &str = "asking for TLS";

/// `SSLRequest`: the length, then a number that no version of the protocol has (PostgreSQL's
/// documentation, "Message Formats").
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// No protocol allows longer lines here: SMTP 512 bytes, IMAP suggests 8192.
const LONGEST_LINE: usize = 8_192;
/// How many lines one reply may have: the longest answers to EHLO have some thirty.
const MOST_LINES: usize = 128;
