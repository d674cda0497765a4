//! What stands in `dashboards/`, held against what `serve` really exports: nothing there may ask for a
//! metric, a label or a value that does not exist.

mod drawn;
mod panels;
mod promql;
mod rules;
mod scene;

use std::path::PathBuf;

/// A file of `dashboards/`.
fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("dashboards")
        .join(name)
}
