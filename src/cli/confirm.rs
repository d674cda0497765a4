//! A question to whoever sits before the terminal. Everything but a plain yes is a no: an empty
//! line, the end of the input, a terminal that hangs up, a signal.

use std::io::{self, BufRead as _, IsTerminal as _};

use super::stop::Stop;
use super::terminal::Terminal;

/// Whether there is somebody who can be asked.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and says whether the answer was yes.
pub(super) async fn confirmed(terminal: &Terminal, question: &str, stop: &Stop) -> bool {
    terminal.tell(&format!("{question} [y/N] "));
    // Reading cannot be given up; the thread ends with the program.
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        answer = answer => matches!(answer, Ok(Ok(line)) if is_yes(&line)),
        () = stop.token.cancelled() => {
            terminal.tell("\n");
            false
        }
    }
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_is_one() {
        for yes in ["y\n", "Y\n", "yes", " YES \r\n"] {
            assert!(is_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no", "yeah", "yes please", "1", "true"] {
            assert!(!is_yes(no), "{no:?}");
        }
    }
}
