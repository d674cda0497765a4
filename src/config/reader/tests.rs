use super::*;
use crate::config::tree::{Form, Value};

fn read_text(text: &str) -> (Option<Node>, Vec<Problem>) {
    let file = SourceFile::new("a.yaml".into(), ".".into(), text.to_owned());
    let mut problems = Vec::new();
    let tree = read(&file, &mut problems);
    (tree, problems)
}

/// The tree in one line: `{a: "text", b: [1, ~]}`.
fn written(node: &Node) -> String {
    match &node.value {
        Value::Null => "~".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.clone(),
        Value::Text(text) if text.form == Form::Plain => text.text.clone(),
        Value::Text(text) => format!("{:?}", text.text),
        Value::Hole => "HOLE".to_owned(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(written).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|entry| format!("{}: {}", entry.key.text, written(&entry.value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[test]
fn yaml_of_every_form_is_read() {
    let cases = [
        ("", "nothing"),
        ("# only words\n", "nothing"),
        ("---\na: 1\n...\n", "{a: 1}"),
        (
            "a: 1\r\nb:\r\n  - x\r\n  - true\r\n",
            "{a: 1, b: [x, true]}",
        ),
        (
            "a: yes\nb: ~\nc:\nd: 'no'\n",
            "{a: yes, b: ~, c: ~, d: \"no\"}",
        ),
        (
            "a: 12345678901234567890123\nb: 0x1F\nc: 010\n",
            "{a: 12345678901234567890123, b: 0x1F, c: 010}",
        ),
        (
            "a: |\n  one\n  two\nb: >-\n  one\n  two\n",
            "{a: \"one\\ntwo\\n\", b: \"one two\"}",
        ),
        (
            "\"a b\": 1\n'c': 2\n3: 4\ntrue: 5\n",
            "{a b: 1, c: 2, 3: 4, true: 5}",
        ),
        (
            "a: { b: [1,\n  2], c: \"x: y\" }\n",
            "{a: {b: [1, 2], c: \"x: y\"}}",
        ),
        (
            "a: &x { b: 1 }\nc: *x\nd: [*x]\n",
            "{a: {b: 1}, c: {b: 1}, d: [{b: 1}]}",
        ),
        (
            "x: &x { b: 1, c: 2 }\na:\n  <<: *x\n  c: 3\n",
            "{x: {b: 1, c: 2}, a: {c: 3, b: 1}}",
        ),
        (
            "a:\n  <<: [{ b: 1 }, { b: 2, c: 3 }]\n",
            "{a: {b: 1, c: 3}}",
        ),
        ("a: { \"<<\": 1 }\n", "{a: {<<: 1}}"),
        ("k: &k name\n*k : 1\n", "{k: name, name: 1}"),
        ("ключ: \"\\u00e9 ☃\"\n", "{ключ: \"é ☃\"}"),
        ("a: x # words\nb: x#y\n", "{a: x, b: x#y}"),
        ("a: https://h:1/p?q=1#f\n", "{a: https://h:1/p?q=1#f}"),
        ("a: ${X}/b\nb: $.status\n", "{a: ${X}/b, b: $.status}"),
    ];
    for (text, expected) in cases {
        let (tree, problems) = read_text(text);
        assert!(problems.is_empty(), "{text:?}: {problems:?}");
        let found = tree.as_ref().map_or("nothing".to_owned(), written);
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn places_are_those_of_the_file() {
    let (tree, _) = read_text("a:\r\n  ü: [\"x\", 12]\r\n");
    let tree = tree.unwrap();
    let entry = &tree.entries()[0].value.entries()[0];
    let item = &entry.value.items()[1];
    assert_eq!((entry.key.place.line(), entry.key.place.column()), (2, 3));
    assert_eq!(
        (item.place.line(), item.place.column(), item.place.text()),
        (2, 12, "12")
    );
}

#[test]
fn a_reference_without_quotes_is_blotted_out_and_the_rest_is_read() {
    let text = "a: { b: ${X}/c, d: 1 }\ne: {{ f }}\ng: { h: {{ i }}/j, k: 2 }\nl: [${M}]\n";
    let (tree, problems) = read_text(text);
    assert_eq!(
        written(&tree.unwrap()),
        "{a: {b: HOLE, d: 1}, e: HOLE, g: {h: HOLE, k: 2}, l: [HOLE]}"
    );
    let places: Vec<_> = problems
        .iter()
        .map(|problem| (problem.code.id(), problem.place.as_ref().unwrap().text()))
        .collect();
    let code = Code::UnquotedBraces.id();
    assert_eq!(
        places,
        [
            (code, "${X}"),
            (code, "{{ f }}"),
            (code, "{{ i }}"),
            (code, "${M}")
        ]
    );
}

#[test]
fn what_grows_without_bound_is_refused() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned()
        + &["ab", "bc", "cd", "de", "ef", "fg"]
            .map(|pair| {
                let (from, to) = pair.split_at(1);
                let aliases = vec![format!("*{from}"); 10].join(",");
                format!("{to}: &{to} [{aliases}]\n")
            })
            .concat();
    let deep = format!("a: {}{}", "[".repeat(200), "]".repeat(200));
    let chain = "a: &a [[[[[[[[x]]]]]]]]\n".to_owned()
        + &(0..12)
            .map(|at| {
                let from = char::from(b'a' + at);
                let to = char::from(b'a' + at + 1);
                format!("{to}: &{to} [[[[[*{from}]]]]]\n")
            })
            .collect::<String>();
    for text in [bomb, deep, chain] {
        let (tree, problems) = read_text(&text);
        assert!(tree.is_none());
        assert!(problems.iter().any(Problem::is_error));
    }
}
