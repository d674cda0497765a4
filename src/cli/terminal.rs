//! The only way out: what goes to stdout, what to stderr, and that no secret goes anywhere.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

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
        Self::masked_data(&self.mask.apply(text))
    }

    /// Writes data whose format masks for itself, so that its form stays whole, to stdout.
    ///
    /// # Errors
    /// As [`Terminal::data`].
    pub fn masked_data(text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
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

    /// Replaces a file with a text that is masked already.
    ///
    /// # Errors
    /// When the file cannot be written; the old content is then still there.
    pub fn replace(path: &Path, text: &str) -> io::Result<()> {
        let mut file = Replacement::begin(path)?;
        file.write_all(text.as_bytes())?;
        file.put()
    }

    /// Says now, before anything has run, whether a report could not be written later.
    ///
    /// # Errors
    /// Why not.
    pub fn can_replace(path: &Path) -> io::Result<()> {
        match Place::of(path)? {
            Place::Special => Ok(()),
            Place::File(place) => {
                let folder = folder_of(&place);
                std::fs::metadata(folder)?;
                tempfile::NamedTempFile::new_in(folder).map(drop)
            }
        }
    }
}

/// A file that is being written to take the place of another: a reader sees the old content or the
/// new, never a part. What is no ordinary file (a pipe, a terminal, /dev/null) is written to at once
/// and stays what it is. Dropped before it is put, it leaves nothing behind.
#[derive(Debug)]
pub struct Replacement(Writing);

#[derive(Debug)]
enum Writing {
    Beside {
        file: tempfile::NamedTempFile,
        place: PathBuf,
    },
    Through(File),
}

impl Replacement {
    /// Begins to write what will stand at the path.
    ///
    /// # Errors
    /// When it cannot be written there.
    pub fn begin(path: &Path) -> io::Result<Self> {
        Ok(Self(match Place::of(path)? {
            Place::Special => Writing::Through(OpenOptions::new().write(true).open(path)?),
            Place::File(place) => Writing::Beside {
                file: tempfile::NamedTempFile::new_in(folder_of(&place))?,
                place,
            },
        }))
    }

    /// Puts it in its place.
    ///
    /// # Errors
    /// When it cannot be; the old content is then still there.
    pub fn put(self) -> io::Result<()> {
        match self.0 {
            Writing::Through(_) => Ok(()),
            Writing::Beside { file, place } => {
                file.as_file().sync_all()?;
                // What somebody keeps to themselves stays so.
                match std::fs::metadata(&place) {
                    Ok(before) => file.as_file().set_permissions(before.permissions())?,
                    Err(_) => make_readable(file.as_file())?,
                }
                file.persist(place).map_err(|error| error.error)?;
                Ok(())
            }
        }
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Writing::Beside { file, .. } => file.write(bytes),
            Writing::Through(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Writing::Beside { file, .. } => file.flush(),
            Writing::Through(file) => file.flush(),
        }
    }
}

/// Where a report goes.
enum Place {
    /// An ordinary file, there already or not; what a link leads to, and not the link.
    File(PathBuf),
    /// Something that must not be replaced.
    Special,
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        match std::fs::metadata(path) {
            Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(there) if there.is_file() => path.canonicalize().map(Self::File),
            Ok(_) => Ok(Self::Special),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Self::File(path.to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}

fn folder_of(file: &Path) -> &Path {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or_else(|| Path::new("."))
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

/// An error with the file that it is about.
pub(super) fn named(file: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_private_stays_private_when_it_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let private = folder.path().join("private.json");
        std::fs::write(&private, "before").unwrap();
        std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o600)).unwrap();
        let fresh = folder.path().join("fresh.json");
        for (path, expected) in [(&private, 0o600), (&fresh, 0o644)] {
            Terminal::replace(path, "after").unwrap();
            assert_eq!(std::fs::read_to_string(path).unwrap(), "after");
            assert_eq!(mode(path), expected, "{}", path.display());
        }
    }
}
