//! Following a file that somebody else writes: from where it ended, through rotation (another file of
//! the same name) and truncation, in pieces of bounded size. Synchronous: called on a thread that may
//! block.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A file that is followed.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    open: Option<Open>,
    /// The beginning of a line whose end is not written yet; no more of it than is looked at.
    begun: Vec<u8>,
}

#[derive(Debug)]
struct Open {
    file: File,
    inode: u64,
    at: u64,
}

impl Tail {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self {
            path,
            open: None,
            begun: Vec::new(),
        }
    }

    /// Goes to the end of the file, or to its beginning; of one that is not there yet, all is new.
    pub(super) fn start(&mut self, at_the_end: bool) -> io::Result<()> {
        self.begun.clear();
        self.open = match Open::of(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            opened => Some(opened?),
        };
        if let (true, Some(open)) = (at_the_end, &mut self.open) {
            open.at = open.file.metadata()?.len();
        }
        Ok(())
    }

    /// Hands over every line that was written since; says whether that is all of them.
    pub(super) fn read_on(&mut self, mut line: impl FnMut(&str)) -> io::Result<bool> {
        let mut room = MOST_AT_ONCE;
        loop {
            let Some(open) = &mut self.open else {
                self.open = Some(Open::of(&self.path)?);
                continue;
            };
            if open.file.metadata()?.len() < open.at {
                // Cut short under our hands: what it holds now is new.
                open.at = 0;
                self.begun.clear();
            }
            open.read(&mut room, &mut self.begun, &mut line)?;
            if room == 0 {
                return Ok(false);
            }
            // Where it was put aside, its last lines have just been read.
            match Open::of(&self.path) {
                Ok(other) if other.inode != open.inode => {
                    self.begun.clear();
                    self.open = Some(other);
                }
                Ok(_) => return Ok(true),
                // Put aside, and the next one not begun.
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Open {
    fn of(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for its writer.
        let found = std::fs::metadata(path)?;
        if !Metadata::is_file(&found) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        let file = File::open(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self { file, inode, at: 0 })
    }

    fn read(
        &mut self,
        room: &mut usize,
        begun: &mut Vec<u8>,
        line: &mut impl FnMut(&str),
    ) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.at))?;
        let mut buffer = vec![0; PIECE];
        while *room > 0 {
            let most = PIECE.min(*room);
            let count = self.file.read(&mut buffer[..most])?;
            if count == 0 {
                return Ok(());
            }
            self.at += count as u64;
            *room -= count;
            let mut parts = buffer[..count].split(|byte| *byte == b'\n');
            let last = parts.next_back().unwrap_or_default();
            for part in parts {
                add(begun, part);
                line(String::from_utf8_lossy(begun).trim_end_matches('\r'));
                begun.clear();
            }
            add(begun, last);
        }
        Ok(())
    }
}

/// Keeps as much of a line as is looked at.
fn add(begun: &mut Vec<u8>, part: &[u8]) {
    let room = LONGEST_LINE.saturating_sub(begun.len());
    begun.extend_from_slice(&part[..part.len().min(room)]);
}

/// What is read at a time.
const PIECE: usize = 65_536;
/// How much of a line is looked at; what says that something is wrong stands at its beginning.
const LONGEST_LINE: usize = 65_536;
/// How much one run reads; the next goes on there.
const MOST_AT_ONCE: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn write(path: &Path, text: &str) {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn lines(tail: &mut Tail) -> Vec<String> {
        let mut lines = Vec::new();
        assert!(tail.read_on(|line| lines.push(line.to_owned())).unwrap());
        lines
    }

    #[test]
    fn lines_are_followed_through_rotation_and_truncation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        write(&path, "old\n");
        let mut tail = Tail::new(path.clone());
        tail.start(true).unwrap();
        assert!(lines(&mut tail).is_empty());
        write(&path, "one\r\ntwo\nthr");
        assert_eq!(lines(&mut tail), ["one", "two"]);
        write(&path, "ee\n");
        assert_eq!(lines(&mut tail), ["three"]);

        write(&path, "last of the old\n");
        std::fs::rename(&path, folder.path().join("app.log.1")).unwrap();
        write(&path, "first of the new\n");
        assert_eq!(lines(&mut tail), ["last of the old", "first of the new"]);

        std::fs::rename(&path, folder.path().join("app.log.2")).unwrap();
        assert!(lines(&mut tail).is_empty(), "the next one is not begun");
        write(&path, "after a while\n");
        assert_eq!(lines(&mut tail), ["after a while"]);

        File::options()
            .write(true)
            .truncate(true)
            .open(&path)
            .unwrap();
        write(&path, "anew\n");
        assert_eq!(lines(&mut tail), ["anew"]);
    }

    #[test]
    fn a_huge_line_is_cut_and_the_next_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        write(&path, &format!("{}\nnext\n", "x".repeat(3 << 20)));
        let mut tail = Tail::new(path);
        tail.start(false).unwrap();
        let lines = lines(&mut tail);
        assert_eq!((lines[0].len(), lines[1].as_str()), (LONGEST_LINE, "next"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Tail::new(folder.path().to_owned()).start(true).is_err());
    }

    #[test]
    fn all_is_new_in_a_file_that_was_not_there_at_the_first_look() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        let mut tail = Tail::new(path.clone());
        tail.start(true).unwrap();
        let absent = tail.read_on(|line| panic!("{line}"));
        assert_eq!(absent.unwrap_err().kind(), io::ErrorKind::NotFound);
        write(&path, "the first\n");
        assert_eq!(lines(&mut tail), ["the first"]);
    }
}
