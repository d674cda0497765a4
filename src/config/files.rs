//! Which files make up the configuration, and their texts. Bounded: a configuration is small.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::place::SourceFile;
use super::problem::{Code, Problem};
use super::substitution::reason;

/// A file to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The name by which the user knows it.
    pub shown: PathBuf,
    /// Where it is.
    pub real: PathBuf,
    /// Whether it may define again what others define.
    pub overlay: bool,
}

/// Lists the files, each once, in the order in which they count.
pub fn list(
    folder: &Path,
    paths: &[PathBuf],
    overlays: &[PathBuf],
    problems: &mut Vec<Problem>,
) -> Vec<Listed> {
    let paths = if paths.is_empty() {
        default_paths(folder)
    } else {
        paths.to_vec()
    };
    if paths.is_empty() {
        problems.push(nothing());
    }
    let mut files: Vec<Listed> = Vec::new();
    let named = paths.iter().map(|path| (path, false));
    for (path, overlay) in named.chain(overlays.iter().map(|path| (path, true))) {
        for shown in expand(folder, path, problems) {
            let real = folder.join(&shown);
            let identity = real.canonicalize().unwrap_or_else(|_| real.clone());
            let known = files
                .iter()
                .any(|file| file.overlay == overlay && file.real == identity);
            if !known {
                files.push(Listed {
                    shown,
                    real: identity,
                    overlay,
                });
            }
        }
    }
    if files.len() > MOST_FILES {
        files.truncate(MOST_FILES);
        let message = format!("there are more than {MOST_FILES} files");
        problems.push(Problem::error(Code::TooLarge, message));
    }
    files
}

/// More files are a mistake: a folder of something else.
const MOST_FILES: usize = 1_000;

/// The larger file is something else than a configuration.
const LARGEST_FILE: u64 = 1024 * 1024;

fn default_paths(folder: &Path) -> Vec<PathBuf> {
    // Also when it is no file: that is then told, and nothing else is read in its stead.
    if folder.join("smokejumper.yaml").symlink_metadata().is_ok() {
        return vec!["smokejumper.yaml".into()];
    }
    ["config", "checks"]
        .map(PathBuf::from)
        .into_iter()
        .filter(|path| {
            !yaml_files(&folder.join(path))
                .unwrap_or_default()
                .is_empty()
        })
        .collect()
}

fn nothing() -> Problem {
    Problem::error(
        Code::NothingToRead,
        "there is no configuration in the current folder",
    )
    .help("write `smokejumper.yaml`, or YAML files in `config/` or `checks/`, or name a file or folder")
}

/// The files that a path stands for.
fn expand(folder: &Path, path: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let real = folder.join(path);
    if !real.is_dir() {
        return vec![path.to_owned()];
    }
    let shown = path.display();
    match yaml_files(&real) {
        Ok(names) if names.is_empty() => {
            let message = format!("the folder `{shown}` has no YAML file");
            let help = "files of a folder are read when they end in `.yaml` or `.yml`; \
                        folders within it are not";
            problems.push(Problem::error(Code::NothingToRead, message).help(help));
            Vec::new()
        }
        Ok(names) => names.into_iter().map(|name| path.join(name)).collect(),
        Err(error) => {
            let message = format!("the folder `{shown}` cannot be read: {}", reason(&error));
            problems.push(Problem::error(Code::Unreadable, message));
            Vec::new()
        }
    }
}

/// The names of the YAML files in a folder, in the order of their names.
fn yaml_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = PathBuf::from(entry?.file_name());
        let yaml = name
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml");
        // What cannot be read, a link that leads nowhere, say, is listed: the checks in it would
        // be missed in silence.
        if yaml && !folder.join(&name).is_dir() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Reads the text of a file.
pub fn open(file: &Listed) -> Result<Arc<SourceFile>, Box<Problem>> {
    let shown = file.shown.display();
    let refuse = |code, cause: String| {
        let message = format!("`{shown}` cannot be read: {cause}");
        Box::new(Problem::error(code, message))
    };
    let unreadable = |error: std::io::Error| refuse(Code::Unreadable, reason(&error));
    let facts = std::fs::metadata(&file.real).map_err(unreadable)?;
    // Anything else could keep us waiting for ever: a pipe, a device.
    if !facts.is_file() {
        return Err(refuse(Code::Unreadable, "it is not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(&file.real)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FILE {
        let cause = format!("it is larger than {} KiB", LARGEST_FILE / 1024);
        return Err(refuse(Code::TooLarge, cause));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        let cause = format!("it is not UTF-8 text (line {line})");
        refuse(Code::Unreadable, cause)
    })?;
    // A byte-order mark is no part of the text.
    let text = text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text);
    let folder = file.real.parent().unwrap_or(Path::new(".")).to_owned();
    Ok(SourceFile::new(file.shown.clone(), folder, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(folder: &Path, name: &str, text: &[u8]) {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn names(folder: &Path, paths: &[&str], overlays: &[&str]) -> (Vec<String>, usize) {
        let owned = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        let mut problems = Vec::new();
        let files = list(folder, &owned(paths), &owned(overlays), &mut problems);
        let names = files.iter().map(|file| file.shown.display().to_string());
        (names.collect(), problems.len())
    }

    #[test]
    fn folders_are_read_in_the_order_of_names_and_each_file_once() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "checks/b.yaml",
            "checks/a.yml",
            "checks/c.json",
            "checks/d/e.yaml",
            "config/z.yaml",
        ] {
            touch(folder.path(), name, b"");
        }
        let (found, problems) = names(folder.path(), &["checks", "checks/b.yaml"], &["config"]);
        assert_eq!(found, ["checks/a.yml", "checks/b.yaml", "config/z.yaml"]);
        assert_eq!(problems, 0);
    }

    #[test]
    fn without_paths_the_usual_places_are_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(names(folder.path(), &[], &[]), (vec![], 1));
        touch(folder.path(), "checks/a.yaml", b"");
        touch(folder.path(), "config/b.yaml", b"");
        assert_eq!(
            names(folder.path(), &[], &[]).0,
            ["config/b.yaml", "checks/a.yaml"]
        );
        touch(folder.path(), "smokejumper.yaml", b"");
        assert_eq!(names(folder.path(), &[], &[]).0, ["smokejumper.yaml"]);
    }

    #[test]
    fn a_folder_without_yaml_is_a_problem() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        assert_eq!(names(folder.path(), &["empty"], &[]), (vec![], 1));
    }

    #[test]
    fn what_is_no_small_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        touch(folder.path(), "big", &vec![b' '; LARGEST_FILE as usize + 1]);
        touch(folder.path(), "latin", b"a: 1\nb: \xe9\n");
        touch(folder.path(), "marked", b"\xef\xbb\xbfa: 1\n");
        let read = |name: &str| {
            let real = folder.path().join(name);
            let shown = PathBuf::from(name);
            open(&Listed {
                shown,
                real,
                overlay: false,
            })
        };
        for (name, message) in [
            ("big", "`big` cannot be read: it is larger than 1024 KiB"),
            (
                "latin",
                "`latin` cannot be read: it is not UTF-8 text (line 2)",
            ),
            ("absent", "`absent` cannot be read: it does not exist"),
            (".", "`.` cannot be read: it is not a file"),
        ] {
            assert_eq!(read(name).unwrap_err().message, message);
        }
        assert_eq!(read("marked").unwrap().text(), "a: 1\n");
    }
}
