//! The only way out: what goes to stdout, what to stderr, and that no secret goes anywhere.

use std::fs::File;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

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

    /// Writes data, masked, to stdout.
    ///
    /// # Errors
    /// When stdout cannot be written to, a closed pipe excepted: whoever closed it has read enough.
    pub fn data(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let written = out
            .write_all(self.mask.apply(text).as_bytes())
            .and_then(|()| out.flush());
        written.or_else(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(error),
        })
    }

    /// Tells a person something, masked, on stderr. That nobody listens is no error.
    pub fn tell(&self, text: &str) {
        let mut err = io::stderr().lock();
        let text = self.mask.apply(text);
        err.write_all(text.as_bytes())
            .and_then(|()| err.flush())
            .unwrap_or_default();
    }

    /// Replaces a file with a masked text: a reader sees the old content or the new, never a part.
    ///
    /// # Errors
    /// When the file cannot be written; the old content is then still there.
    pub fn replace(&self, path: &Path, text: &str) -> io::Result<()> {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or_else(|| Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(self.mask.apply(text).as_bytes())?;
        file.as_file().sync_all()?;
        make_readable(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

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
