use std::sync::Arc;

use super::*;
use crate::config::place::SourceFile;
use crate::config::reader;

struct Filled {
    tree: Node,
    problems: Vec<Problem>,
    mask: Mask,
}

fn filled_in(text: &str, folder: &Path) -> Filled {
    let file = SourceFile::new("a.yaml".into(), folder.to_owned(), text.to_owned());
    filled_file(&file)
}

fn filled_file(file: &Arc<SourceFile>) -> Filled {
    let set = [
        ("HOST", "example.org"),
        ("EMPTY", ""),
        ("COUNT", "5"),
        ("EVIL", "x, y: [1]\n- z: {"),
        ("API_TOKEN", "canary-token"),
        ("RPC_URL", "https://u:canary-pass@h/"),
    ];
    let variables = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let variables = BTreeMap::from(variables);
    let (mask, mut problems) = (Mask::default(), Vec::new());
    let filler = Filler {
        variables: &variables,
        mask: &mask,
    };
    let mut tree = reader::read(file, &mut problems).unwrap();
    filler.fill(&mut tree, &mut problems);
    Filled {
        tree,
        problems,
        mask,
    }
}

fn value(text: &str) -> Value {
    let filled = filled_in(&format!("a: {text}\n"), Path::new("."));
    assert!(filled.problems.is_empty(), "{text}: {:?}", filled.problems);
    filled.tree.entries()[0].value.value.clone()
}

fn text(text: &str, form: Form) -> Value {
    let text = text.to_owned();
    Value::Text(Text { text, form })
}

#[test]
fn values_are_filled_in_and_stay_values() {
    let cases = [
        (
            "https://${HOST}/x",
            text("https://example.org/x", Form::Plain),
        ),
        ("\"${HOST}\"", text("example.org", Form::FilledInQuotes)),
        ("${COUNT}", text("5", Form::Filled)),
        ("'${COUNT}'", text("5", Form::FilledInQuotes)),
        ("\"${COUNT}0\"", text("50", Form::Quoted)),
        ("${COUNT}0", text("50", Form::Plain)),
        ("${NONE:-7}", text("7", Form::Filled)),
        ("${EMPTY:-7}", text("7", Form::Filled)),
        ("${EMPTY}", text("", Form::Filled)),
        ("${NONE:-${HOST}}", text("example.org", Form::Filled)),
        ("$${HOST} costs $5", text("${HOST} costs $5", Form::Plain)),
        ("${EVIL}", text("x, y: [1]\n- z: {", Form::Filled)),
    ];
    for (written, expected) in cases {
        assert_eq!(value(written), expected, "{written}");
    }
    let Value::Map(inside) = value("{ b: \"${EVIL}\" }") else {
        panic!("it is no mapping");
    };
    let evil = text("x, y: [1]\n- z: {", Form::FilledInQuotes);
    assert_eq!(inside[0].value.value, evil, "it stays one value");
    assert_eq!(inside.len(), 1);
}

#[test]
fn a_file_is_read_from_the_folder_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), "canary-file\n\n").unwrap();
    let filled = filled_in("a: \"${file:secret}\"\n", folder.path());
    let expected = text("canary-file\n", Form::FilledInQuotes);
    assert_eq!(filled.tree.entries()[0].value.value, expected);
    assert_eq!(filled.mask.apply("<canary-file>"), "<***>");
}

#[test]
fn secrets_reach_the_mask() {
    let filled = filled_in(
        "a: ${API_TOKEN}\nb: ${RPC_URL}\nc: ${DB_PASS:-canary-def}\n",
        Path::new("."),
    );
    for secret in ["canary-token", "canary-pass", "canary-def"] {
        assert_eq!(filled.mask.apply(secret), "***");
    }
    assert_eq!(filled.mask.apply("example.org"), "example.org");
}

#[test]
fn what_cannot_be_filled_in_is_a_hole_with_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("large"),
        vec![b'x'; LARGEST_SECRET as usize + 1],
    )
    .unwrap();
    std::fs::write(folder.path().join("binary"), [0xff, 0xfe]).unwrap();
    let cases = [
        (
            "${NONE}",
            Code::UnsetVariable,
            "the variable `NONE` is not set",
        ),
        ("\"a${HOST\"", Code::BadReference, "`${` is never closed"),
        (
            "${file:absent}",
            Code::SecretFile,
            "the file `absent` cannot be read: it does not exist",
        ),
        ("${file:.}", Code::SecretFile, "the file `.` is not a file"),
        (
            "${file:large}",
            Code::SecretFile,
            "the file `large` is larger than 65536 bytes",
        ),
        (
            "${file:binary}",
            Code::SecretFile,
            "the file `binary` cannot be read: it is not UTF-8 text",
        ),
        (
            "${secretsmanager:a#b}",
            Code::NotAvailable,
            "`${secretsmanager:…}` is not available in this version",
        ),
    ];
    for (written, code, message) in cases {
        let filled = filled_in(&format!("a: {written}\n"), folder.path());
        assert_eq!(
            filled.tree.entries()[0].value.value,
            Value::Hole,
            "{written}"
        );
        assert_eq!(filled.problems.len(), 1, "{written}");
        let problem = &filled.problems[0];
        assert_eq!((problem.code, problem.message.as_str()), (code, message));
    }
}
