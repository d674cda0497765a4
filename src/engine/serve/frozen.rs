//! The kill switches as people pull them through the daemon: that of this machine and one for each service,
//! files in the state folder, with the reason first, so that whoever looks at the file alone understands it,
//! and who and since when below. Read anew whenever somebody asks, and before each call of a rollback.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::live::Freeze;
use crate::clock::WallTime;
use crate::engine::freeze::BY;

const SINCE: &str = "since: ";
/// Nobody writes a longer one; more of a file is not read.
const MOST: usize = 4_096;

/// Pulls it.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn pull(file: &Path, by: &str, reason: &str, now: WallTime) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let reason = reason.lines().next().unwrap_or_default();
    let since = now.unix().as_secs();
    // Written whole beside it and then moved there: who looks sees the old or the new. No service has
    // this name.
    let mut beside = file.as_os_str().to_owned();
    beside.push("~");
    let written = std::fs::write(&beside, format!("{reason}\n{BY}{by}\n{SINCE}{since}\n"))
        .and_then(|()| std::fs::rename(&beside, file));
    // A disk that is full has room for a file of no length: without a reason it stops as well.
    written.or_else(|error| match std::fs::File::create(file) {
        Ok(_) => Ok(()),
        Err(_) => Err(error),
    })
}

/// Lets it go; that nobody had pulled it is no error.
///
/// # Errors
/// When the file cannot be removed.
pub(super) fn let_go(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Who pulled it, and why; nothing where nobody did. A file that cannot be read is a pulled one.
pub(super) fn read(file: &Path) -> Option<Freeze> {
    let text = match std::fs::read(file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => format!("{} cannot be read: {error}", file.display()),
    };
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let since = field(SINCE).and_then(|seconds| seconds.parse().ok());
    let mut lines = text.lines().map(str::trim);
    let reason = lines.find(|line| !line.is_empty() && !line.starts_with(BY));
    Some(Freeze {
        by: field(BY).map(str::to_owned),
        reason: reason.unwrap_or("no reason was given").to_owned(),
        since: since.map(|seconds| WallTime::since_unix_epoch(Duration::from_secs(seconds))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pulled_says_who_and_why_and_can_be_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/freeze");
        assert_eq!(read(&file), None);
        let now = WallTime::since_unix_epoch(Duration::from_secs(1_795_250_400));
        pull(&file, "ops", "sale of the year", now).unwrap();
        let freeze = read(&file).unwrap();
        assert_eq!(freeze.by.as_deref(), Some("ops"));
        assert_eq!(freeze.reason, "sale of the year");
        assert_eq!(freeze.since, Some(now));
        let_go(&file).unwrap();
        let_go(&file).unwrap();
        assert_eq!(read(&file), None);
    }

    #[test]
    fn a_file_that_somebody_made_by_hand_is_understood() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("freeze");
        for (text, reason) in [
            ("", "no reason was given"),
            ("\n migration under way \n", "migration under way"),
        ] {
            std::fs::write(&file, text).unwrap();
            let freeze = read(&file).unwrap();
            assert_eq!((freeze.by, freeze.reason.as_str()), (None, reason));
        }
    }
}
