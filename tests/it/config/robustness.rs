//! Whatever is in a file, reading it ends, and ends without a panic.

use proptest::prelude::*;

use super::{compile_from, compile_text, shown};

/// A configuration with every feature of the language, to be damaged.
const WHOLE: &str = r#"
x-http: &http { url: "https://${HOST}/x", expect: { status: 200, headers: { a: { contains: b } } } }
services: { api: { deployment: { ecs: { cluster: c, service: s } }, policy: careful } }
defaults: { every: 10s, timeout: 5s }
checks:
  one:
    http: *http
    tags: [core, "two words"]
    thresholds: { error_rate: { warning: "> 1%", critical: "> 5%" }, p95: { critical: "> 2s", for: 1m } }
  two:
    <<: { every: 5s }
    postgres:
      url: ${DATABASE_URL}
      query: >
        select 1
      expect: { rows: 1 }
    thresholds:
      used: { warning: 75, critical: "> 90", consecutive: 3 }
policies:
  careful:
    bake: 15m
    rules:
      - { when: { tags: [core] }, then: hold, because: 'so' }
    rollback: { arm: true }
"#;

/// Pieces that mean something to YAML or to us.
const PIECES: [&str; 28] = [
    "\n",
    "  ",
    "\t",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "&a ",
    "*a",
    "<<: ",
    "? ",
    "|",
    ">",
    "#",
    "${",
    "${HOST}",
    "${file:x}",
    "{{ x }}",
    "$$",
    "!!str ",
    "---\n",
    "%YAML 1.2\n",
    "\u{feff}",
    "é",
];

fn ends(text: &str) {
    let (loaded, compiled) = compile_text(text);
    let told = shown(&loaded, &compiled);
    assert!(
        compiled.is_ok() || !told.is_empty(),
        "refused without a word: {text:?}"
    );
    assert!(!told.contains("canary"), "{text:?}\n{told}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.yaml"), bytes).expect("a file");
        let (loaded, compiled) = compile_from(folder.path(), &["a.yaml"]);
        prop_assert!(compiled.is_err());
        prop_assert!(!shown(&loaded, &compiled).is_empty());
    }

    #[test]
    fn a_damaged_configuration_is_read_to_an_end(
        damages in prop::collection::vec((0..WHOLE.len(), 0..12_usize, 0..PIECES.len()), 1..6)
    ) {
        let mut text = WHOLE.to_owned();
        for (at, length, piece) in damages {
            let start = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
            let start = start.unwrap_or_default();
            let end = (start + length).min(text.len());
            let end = (end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(start);
            text.replace_range(start..end, PIECES[piece]);
        }
        ends(&text);
    }

    #[test]
    fn any_soup_of_pieces_is_read_to_an_end(
        pieces in prop::collection::vec(0..PIECES.len(), 0..60)
    ) {
        let soup: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        ends(&soup);
        ends(&format!("checks:\n  a: {soup}"));
    }
}

#[test]
fn the_whole_configuration_is_right_before_it_is_damaged() {
    let (loaded, compiled) = compile_text(&WHOLE.replace(", \"two words\"", ""));
    assert!(compiled.is_ok(), "{}", shown(&loaded, &compiled));
}

#[test]
fn every_beginning_of_a_configuration_is_read_to_an_end() {
    for end in (0..WHOLE.len()).filter(|end| WHOLE.is_char_boundary(*end)) {
        ends(&WHOLE[..end]);
    }
}
