//! What may stand where a file is expected, and what may be in it: read as meant or refused with
//! its reason, at once, and never passed over.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{compile_from, shown};

const RIGHT: &str = "checks:\n  web:\n    http: { url: https://example.org }\n";
const WRONG: &str = "checks:\n  web:\n    http: { url: https://example.org }\n    tmeout: 2s\n";

/// Everything that a person is told, or "" where all is well.
fn told(paths: &'static [&'static str], prepare: impl FnOnce(&Path)) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    prepare(folder.path());
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let (loaded, compiled) = compile_from(folder.path(), paths);
        sender
            .send(shown(&loaded, &compiled))
            .expect("somebody waits");
    });
    let told = receiver.recv_timeout(Duration::from_secs(20));
    let told = told.unwrap_or_else(|_| panic!("reading {paths:?} does not end"));
    // The lines of a message are broken where the terminal ends.
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn written(text: impl AsRef<[u8]>) -> String {
    told(&["a.yaml"], |folder| {
        fs::write(folder.join("a.yaml"), text).expect("a file");
    })
}

#[test]
fn marks_and_line_ends_of_other_systems_are_no_part_of_the_text() {
    assert_eq!(written(format!("\u{feff}{RIGHT}")), "");
    assert_eq!(written(RIGHT.replace('\n', "\r\n")), "");
    for text in [format!("\u{feff}{WRONG}"), WRONG.replace('\n', "\r\n")] {
        let told = written(&text);
        assert!(told.contains("--> a.yaml:4:5"), "{told}");
        assert!(told.contains("did you mean `timeout`?"), "{told}");
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_line() {
    let utf16: Vec<u8> = RIGHT.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(Vec<u8>, &str); 4] = [
        (
            b"checks:\n  a: \xff\n".to_vec(),
            "it is not UTF-8 text (line 2)",
        ),
        (
            [b"\xff\xfe".to_vec(), utf16].concat(),
            "it is not UTF-8 text (line 1)",
        ),
        (b"checks:\n  a: \0\n".to_vec(), "a.yaml:2:6"),
        (Vec::new(), "there is nothing to check"),
    ];
    for (bytes, expected) in cases {
        let told = written(&bytes);
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_file_of_a_hundred_megabytes_is_refused_unread() {
    let told = told(&["a.yaml"], |folder| {
        let file = fs::File::create(folder.join("a.yaml")).expect("a file");
        file.set_len(100 << 20).expect("a long file");
    });
    assert!(told.contains("it is larger than 1024 KiB"), "{told}");
}

#[test]
fn what_is_no_file_is_refused_and_keeps_nobody_waiting() {
    let pipe = |folder: &Path, name: &str| {
        let made = Command::new("mkfifo").arg(folder.join(name)).status();
        assert!(made.expect("mkfifo").success());
    };
    let circle = |folder: &Path| {
        symlink("b.yaml", folder.join("a.yaml")).expect("a link");
        symlink("a.yaml", folder.join("b.yaml")).expect("a link");
    };
    let cases = [
        (
            told(&["a.yaml"], |folder| pipe(folder, "a.yaml")),
            "it is not a file",
        ),
        (
            told(&[], |folder| pipe(folder, "smokejumper.yaml")),
            "it is not a file",
        ),
        (told(&["/dev/zero"], |_| {}), "it is not a file"),
        (told(&["a.yaml"], circle), "`a.yaml` cannot be read"),
        (
            told(&["a.yaml"], |folder| {
                fs::create_dir(folder.join("a.yaml")).expect("a folder")
            }),
            "the folder `a.yaml` has no YAML file",
        ),
        (told(&["."], |_| {}), "the folder `.` has no YAML file"),
        (
            told(&["a.yaml"], |_| {}),
            "`a.yaml` cannot be read: it does not exist",
        ),
    ];
    for (told, expected) in cases {
        assert!(told.contains(expected), "{told}");
    }
}

/// A check that is passed over in silence is a failure that nobody will see.
#[test]
fn what_cannot_be_read_in_a_folder_is_not_passed_over() {
    let told = told(&["."], |folder| {
        fs::write(folder.join("a.yaml"), RIGHT).expect("a file");
        symlink("elsewhere.yaml", folder.join("b.yaml")).expect("a link");
        fs::create_dir(folder.join("c.yaml")).expect("a folder");
        symlink(".", folder.join("d")).expect("a link");
    });
    assert!(
        told.contains("b.yaml` cannot be read: it does not exist"),
        "{told}"
    );
    assert!(!told.contains("c.yaml"), "{told}");
}
