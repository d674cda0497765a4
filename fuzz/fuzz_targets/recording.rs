//! Recorded samples: whatever is in the file, it is read to its end or refused with the line.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use smokejumper::config::{Sources, load};
use smokejumper::engine::recorded::{Recording, Roster};
use smokejumper::plan::compile;
use smokejumper::sample::Outcome;

static ROSTER: LazyLock<Roster> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let declared = "checks: { api: { http: { url: 'http://a.test/' } }, db: { postgres: { url: 'postgres://smoke@a.test/b' } } }";
    std::fs::write(folder.path().join("a.yaml"), declared).expect("a file");
    let loaded = load(&Sources {
        folder: folder.path().to_owned(),
        paths: vec!["a.yaml".into()],
        ..Sources::default()
    });
    let Ok(compiled) = compile(&loaded.document) else {
        panic!("the declared checks are a plan");
    };
    Roster::new(&compiled.plan.checks, [])
});

fuzz_target!(|data: &[u8]| {
    let mut recording = Recording::new("fuzzed", data, &ROSTER);
    let mut lines = 0;
    loop {
        match recording.next_sample() {
            Ok(Some((place, sample))) => {
                lines += 1;
                assert!(place < ROSTER.len());
                assert_eq!(sample.fault.is_none(), sample.outcome == Outcome::Pass);
                assert!(
                    sample
                        .readings
                        .iter()
                        .all(|reading| reading.value.is_finite())
                );
            }
            Ok(None) => break,
            Err(refused) => {
                smokejumper_fuzz::text(&refused.to_string());
                break;
            }
        }
    }
    assert!(lines <= data.len());
});
