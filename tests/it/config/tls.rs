//! What a person sees who makes a mistake in the settings of TLS, or in the choice of a protocol,
//! with the kinds as they are.

use std::path::Path;

use super::{load_from, shown};

#[test]
fn every_mistake_in_tls_has_its_place_and_its_remedy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
    let loaded = load_from(&folder, &["settings.yaml"]);
    let compiled = smokejumper::plan::compile(&loaded.document);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("settings", shown(&loaded, &compiled)));
}
