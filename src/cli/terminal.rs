//! The only way out: what goes to stdout, what to stderr, and that no secret goes anywhere.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use serde_json::Value;

use super::arguments::{Shown, When};
use crate::report::line::Detail;
use crate::report::text::Colour;
use crate::secret::Mask;

/// Where output goes, and how it may look.
#[derive(Clone, Debug)]
pub struct Terminal {
    mask: Mask,
    /// How stdout may look.
    pub data_colour: Colour,
    /// How stderr may look.
    pub talk_colour: Colour,
    /// How much is told.
    pub detail: Detail,
}

impl Terminal {
    /// A terminal that shows what the flags ask for. `no_color` says whether NO_COLOR is set.
    #[must_use]
    pub fn new(shown: Shown, no_color: bool) -> Self {
        let colour = |is_terminal: bool| match shown.color {
            When::Always => Colour::Styled,
            When::Auto if is_terminal && !no_color => Colour::Styled,
            When::Auto | When::Never => Colour::Plain,
        };
        let detail = match (shown.quiet, shown.verbose) {
            (true, _) => Detail::Quiet,
            (_, true) => Detail::Verbose,
            _ => Detail::Normal,
        };
        Self {
            mask: Mask::default(),
            data_colour: colour(io::stdout().is_terminal()),
            talk_colour: colour(io::stderr().is_terminal()),
            detail,
        }
    }

    /// The same terminal, with the secrets of a configuration hidden.
    #[must_use]
    pub fn hiding(mut self, mask: Mask) -> Self {
        self.mask = mask;
        self
    }

    /// What is hidden.
    #[must_use]
    pub const fn mask(&self) -> &Mask {
        &self.mask
    }

    /// Masks a text for a person.
    #[must_use]
    pub fn masked(&self, text: &str) -> Masked {
        Masked(self.mask.apply(text))
    }

    /// Masks a JSON document inside of its strings, so that it stays one whatever the secrets are.
    #[must_use]
    pub fn masked_json(&self, document: &str) -> Masked {
        let parsed = serde_json::from_str(document);
        let masked = parsed.map(|mut value: Value| {
            mask_strings(&mut value, &self.mask);
            format!("{value}\n")
        });
        masked.map_or_else(|_| self.masked(document), Masked)
    }

    /// Writes data, masked, to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written to, a closed pipe excepted: whoever closed it has read enough.
    pub fn data(&self, text: &str) -> io::Result<()> {
        write_out(&self.masked(text))
    }

    /// Tells a person something, masked, on stderr. That nobody listens is no error.
    pub fn tell(&self, text: &str) {
        let mut err = io::stderr().lock();
        let text = self.mask.apply(text);
        err.write_all(text.as_bytes())
            .and_then(|()| err.flush())
            .unwrap_or_default();
    }
}

/// A text from which the secrets are taken out: nothing else is written anywhere.
#[derive(Debug)]
pub struct Masked(String);

impl Masked {
    /// Writes it to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written to, a closed pipe excepted.
    pub fn write(&self) -> io::Result<()> {
        write_out(self)
    }

    /// Replaces a file with it: a reader sees the old content or the new, never a part.
    ///
    /// # Errors
    /// When the file cannot be written; the old content is then still there.
    pub fn replace(&self, path: &Path) -> io::Result<()> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(self.0.as_bytes())?;
        file.as_file().sync_all()?;
        make_readable(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn write_out(text: &Masked) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.0.as_bytes()).and_then(|()| out.flush());
    written.or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })
}

/// Masks the strings of a document. The words of the report's own vocabulary stay: a program
/// reads them, and a password that happens to be one of them gives nothing away.
fn mask_strings(value: &mut Value, mask: &Mask) {
    match value {
        Value::String(text) => *text = mask.apply(text),
        Value::Array(items) => items.iter_mut().for_each(|item| mask_strings(item, mask)),
        Value::Object(fields) => {
            let open = fields
                .iter_mut()
                .filter(|(name, _)| !VOCABULARY.contains(&name.as_str()));
            open.for_each(|(_, value)| mask_strings(value, mask));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The fields of a report whose values are words of ours or points in time.
const VOCABULARY: [&str; 12] = [
    "schema",
    "command",
    "window",
    "started",
    "finished",
    "first_bad",
    "verdict",
    "kind",
    "code",
    "level",
    "action",
    "outcome",
];

/// Temporary files are private to their owner; a report is an ordinary file.
#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hiding(secrets: &[&str]) -> Terminal {
        let shown = Shown {
            color: When::Never,
            quiet: false,
            verbose: false,
        };
        let mask = Mask::default();
        secrets.iter().for_each(|secret| mask.hide(secret));
        Terminal::new(shown, true).hiding(mask)
    }

    #[test]
    fn a_masked_document_stays_one_whatever_the_secrets_are() {
        let document = r#"{"schema":"smokejumper.report/1","samples":12345,"reasons":[{"code":"samples","text":"samples: 12345, \"canary"}]}"#;
        let terminal = hiding(&["smoke", "samples", "1234", "\"canary"]);
        assert_eq!(
            terminal.masked_json(document).0,
            "{\"schema\":\"smokejumper.report/1\",\"samples\":12345,\"reasons\":[{\"code\":\"samples\",\"text\":\"***: ***5, ***\"}]}\n"
        );
    }

    #[test]
    fn what_is_no_document_is_masked_as_text() {
        assert_eq!(hiding(&["canary"]).masked_json("{canary").0, "{***");
    }
}
