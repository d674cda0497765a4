//! What a program prints: as a Nagios plugin, as lines of JSON, as the report of a test suite. The first
//! byte chooses.

#![no_main]

use std::io::Write as _;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use smokejumper::sample::Reason;
use smokejumper_fuzz::peer::Manner;
use smokejumper_fuzz::{Arena, CANARY};
use tempfile::NamedTempFile;

const FORMATS: [&str; 3] = ["nagios", "json_lines", "junit"];

/// A file that is printed, and a check for each format.
static STAGE: LazyLock<(NamedTempFile, [Arena; 3])> = LazyLock::new(|| {
    let file = NamedTempFile::new().expect("a file");
    let arenas = FORMATS.map(|format| {
        let settings = |_| {
            json!({
                "command": ["cat", file.path().to_str().expect("a path in UTF-8")],
                "format": format,
                "folder": "/",
                "secrets": { "TOKEN": CANARY },
            })
        };
        // A program may say itself that it cannot tell, and a suite may have no test.
        Arena::new("exec", settings, Manner::default())
            .excusing(&[Reason::Undecided, Reason::NoData])
    });
    (file, arenas)
});

fuzz_target!(|data: &[u8]| {
    let [choice, printed @ ..] = data else {
        return;
    };
    let (file, arenas) = &*STAGE;
    let mut file = file.reopen().expect("the file");
    file.set_len(0).expect("a file that can be cut");
    file.write_all(printed).expect("room on the disk");
    arenas[usize::from(*choice) % arenas.len()].run(&[]);
});
