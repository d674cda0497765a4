//! Where the programs that the tests need are found. `scripts/test` installs them.

use std::path::PathBuf;

/// The folder into which `scripts/test` installs what comes from npm and PyPI.
pub fn folder() -> PathBuf {
    std::env::var_os("SMOKEJUMPER_TEST_TOOLS").map_or_else(
        || {
            let home = std::env::var_os("HOME").expect("HOME is set");
            PathBuf::from(home).join(".cache/smokejumper-test-tools")
        },
        PathBuf::from,
    )
}

/// The program at one of these places.
///
/// Panics, with the command that installs it, when it is at none: a missing server is a failure.
pub fn program(name: &str, places: &[PathBuf]) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    places
        .iter()
        .cloned()
        .chain(std::env::split_paths(&path).map(|folder| folder.join(name)))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{name} is not installed: run scripts/test, which installs it"))
}
