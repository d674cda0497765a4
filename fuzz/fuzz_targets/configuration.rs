//! The configuration: whatever is in the file, there is a plan or a list of problems, every problem
//! can be shown, and no secret is in what is shown.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use smokejumper::config::{Sources, load};
use smokejumper::diagnostic::render;
use smokejumper::plan::compile;
use smokejumper_fuzz::CANARY;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|data: &[u8]| {
    std::fs::write(FOLDER.path().join("a.yaml"), data).expect("a file");
    let variables = [
        ("BASE_URL", "http://127.0.0.1:1"),
        ("API_KEY", CANARY),
        ("N", "5"),
    ];
    let loaded = load(&Sources {
        folder: FOLDER.path().to_owned(),
        paths: vec!["a.yaml".into()],
        environment: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        ..Sources::default()
    });
    let compiled = compile(&loaded.document);
    let problems = match &compiled {
        Ok(compiled) => &compiled.warnings,
        Err(problems) => problems,
    };
    let shown = render(problems, &loaded.mask, false);
    // A file that spells the secret out is not what this is about.
    let spells_it_out = data
        .windows(CANARY.len())
        .any(|window| window == CANARY.as_bytes());
    assert!(
        spells_it_out || !shown.contains(CANARY),
        "a secret is shown: {shown}"
    );
    assert!(compiled.is_ok() || !shown.is_empty());
});
