use super::*;

fn loaded(files: &[(&str, &str)], paths: &[&str], overlays: &[&str]) -> Loaded {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let owned = |paths: &[&str]| paths.iter().map(PathBuf::from).collect();
    load(&Sources {
        folder: folder.path().to_owned(),
        paths: owned(paths),
        overlays: owned(overlays),
        variables: vec![("HOST".to_owned(), "given".to_owned())],
        environment: BTreeMap::from([("HOST".to_owned(), "environment".to_owned())]),
    })
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries
        .iter()
        .map(|entry| entry.key.text.as_str())
        .collect()
}

fn text_at<'a>(entries: &'a [Entry], path: &[&str]) -> Option<&'a str> {
    let steps: Vec<Step> = path[1..]
        .iter()
        .map(|key| Step::Key((*key).to_owned()))
        .collect();
    let entry = entries.iter().find(|entry| entry.key.text == path[0])?;
    match &entry.value.at(&steps)?.value {
        Value::Text(text) => Some(&text.text),
        Value::Number(number) => Some(number),
        _ => None,
    }
}

#[test]
fn files_are_merged_by_key_in_their_order() {
    let files = [
        (
            "a.yaml",
            "checks: { one: { every: 1s } }\nservices: { api: }\n",
        ),
        (
            "b.yaml",
            "checks: { two: {} }\ndefaults: { every: 5s }\nx-kept: [anything]\n",
        ),
    ];
    let document = loaded(&files, &["b.yaml", "a.yaml"], &[]).document;
    assert!(document.problems.is_empty(), "{:?}", document.problems);
    assert_eq!(names(&document.checks), ["two", "one"]);
    assert_eq!(names(&document.services), ["api"]);
    assert_eq!(names(&document.defaults), ["every"]);
    assert!(!document.partial);
}

#[test]
fn one_name_in_two_files_names_both_places() {
    let files = [
        ("a.yaml", "checks: { one: {} }\n"),
        ("b.yaml", "checks:\n  one: {}\ndefaults: { every: 1s }\n"),
        ("c.yaml", "defaults: { every: 2s }\n"),
    ];
    let document = loaded(&files, &["a.yaml", "b.yaml", "c.yaml"], &[]).document;
    let places: Vec<String> = document
        .problems
        .iter()
        .map(|problem| {
            let shown =
                |place: &Place| format!("{}:{}", place.file().path().display(), place.line());
            format!(
                "{} {}",
                shown(problem.place.as_ref().unwrap()),
                shown(&problem.others[0].0)
            )
        })
        .collect();
    assert_eq!(places, ["b.yaml:2 a.yaml:1", "c.yaml:1 b.yaml:3"]);
}

#[test]
fn an_overlay_is_laid_over_what_is_there() {
    let files = [
        (
            "a.yaml",
            "checks:\n  one: { every: 1s, http: { url: a, tags: [x, y] } }\n",
        ),
        (
            "o.yaml",
            "checks:\n  one: { timeout: 2s, http: { url: b, tags: [z] } }\n  new: {}\n",
        ),
    ];
    let document = loaded(&files, &["a.yaml"], &["o.yaml"]).document;
    assert!(document.problems.is_empty(), "{:?}", document.problems);
    assert_eq!(names(&document.checks), ["one", "new"]);
    assert_eq!(text_at(&document.checks, &["one", "every"]), Some("1s"));
    assert_eq!(text_at(&document.checks, &["one", "timeout"]), Some("2s"));
    assert_eq!(
        text_at(&document.checks, &["one", "http", "url"]),
        Some("b")
    );
    let tags = document.checks[0]
        .value
        .at(&[Step::Key("http".into()), Step::Key("tags".into())]);
    assert_eq!(tags.unwrap().items().len(), 1);
}

#[test]
fn a_given_variable_goes_before_the_environment() {
    let document = loaded(
        &[("a.yaml", "checks: { one: \"${HOST}\" }\n")],
        &["a.yaml"],
        &[],
    )
    .document;
    assert_eq!(text_at(&document.checks, &["one"]), Some("given"));
}

#[test]
fn an_unreadable_file_leaves_the_others_and_says_so() {
    let files = [
        ("a.yaml", "checks: { one: {} }\n"),
        ("b.yaml", "checks: [\n"),
    ];
    let document = loaded(&files, &["a.yaml", "b.yaml", "absent.yaml"], &[]).document;
    assert_eq!(names(&document.checks), ["one"]);
    assert!(document.partial);
    assert_eq!(document.problems.len(), 2);
}

#[test]
fn what_is_kept_for_aliases_need_not_be_filled_in() {
    let text = "x-a: &a { url: \"${UNSET}\" }\nchecks: { one: { b: 1 } }\n";
    let document = loaded(&[("a.yaml", text)], &["a.yaml"], &[]).document;
    assert!(document.problems.is_empty(), "{:?}", document.problems);
}
