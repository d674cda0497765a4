//! The configuration language from outside: files in, a plan or every problem out.

mod files;
mod language;
mod mistakes;
mod robustness;
mod schema;
mod secrets;
mod tls;
mod toy;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use smokejumper::config::{Loaded, Problem, Sources, load};
use smokejumper::diagnostic::render;
use smokejumper::plan::{Compiled, compile_with};

/// The folder of the fixtures.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/config")
}

/// The variables that fixtures can use.
pub fn environment() -> BTreeMap<String, String> {
    let set = [
        ("BASE_URL", "https://example.org"),
        ("HOST", "example.org"),
        ("TAG", "core"),
        ("DATABASE_URL", "postgres://app:canary-in-url@db/app"),
        ("SMOKE_PASSWORD", "canary-in-variable"),
    ];
    set.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Reads files of a folder.
pub fn load_from(folder: &Path, paths: &[&str]) -> Loaded {
    load(&Sources {
        folder: folder.to_owned(),
        paths: paths.iter().map(PathBuf::from).collect(),
        environment: environment(),
        ..Sources::default()
    })
}

/// Reads files of a folder and makes a plan of them.
pub fn compile_from(folder: &Path, paths: &[&str]) -> (Loaded, Result<Compiled, Vec<Problem>>) {
    let loaded = load_from(folder, paths);
    let compiled = compile_with(&loaded.document, &toy::Toys);
    (loaded, compiled)
}

/// Makes a plan of one text.
pub fn compile_text(text: &str) -> (Loaded, Result<Compiled, Vec<Problem>>) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.yaml"), text).expect("a file");
    compile_from(folder.path(), &["a.yaml"])
}

/// Everything that a person would see, without colours.
pub fn shown(loaded: &Loaded, compiled: &Result<Compiled, Vec<Problem>>) -> String {
    let problems = match compiled {
        Ok(compiled) => &compiled.warnings,
        Err(problems) => problems,
    };
    render(problems, &loaded.mask, false)
}
