//! A value as YAML again: what was declared, for whoever wants to see it beside what became of it. With
//! everything filled in; whoever shows it masks it.

use super::tree::{Node, Value};

/// The value as YAML, in block style, each line ended.
#[must_use]
pub fn yaml(node: &Node) -> String {
    let mut text = String::new();
    match &node.value {
        Value::Map(_) | Value::List(_) => block(&mut text, node, 0),
        _ => text.push_str(&scalar(node)),
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn block(text: &mut String, node: &Node, depth: usize) {
    let indent = "  ".repeat(depth);
    for entry in node.entries() {
        text.push_str(&format!("{indent}{}:", plain(&entry.key.text)));
        below(text, &entry.value, depth);
    }
    for item in node.items() {
        text.push_str(&format!("{indent}-"));
        below(text, item, depth);
    }
}

fn below(text: &mut String, node: &Node, depth: usize) {
    let is_block = !node.entries().is_empty() || !node.items().is_empty();
    if is_block {
        text.push('\n');
        block(text, node, depth + 1);
    } else {
        text.push_str(&format!(" {}\n", scalar(node)));
    }
}

fn scalar(node: &Node) -> String {
    match &node.value {
        Value::Null | Value::Hole => "~".to_owned(),
        Value::Bool(is) => is.to_string(),
        Value::Number(number) => number.clone(),
        Value::Text(text) if text.form.is_quoted() => quoted(&text.text),
        Value::Text(text) => plain(&text.text),
        Value::List(_) => "[]".to_owned(),
        Value::Map(_) => "{}".to_owned(),
    }
}

/// Text without quotes, where YAML takes it for the same text.
fn plain(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/' || c == '$')
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "_-./$%+ ".contains(c))
        && !text.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off"].contains(&text);
    match is_plain {
        true => text.to_owned(),
        false => quoted(text),
    }
}

/// Text in double quotes, whose escapes are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use crate::config::{Sources, load};

    #[test]
    fn what_was_declared_reads_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let declared = "checks:\n  home:\n    http:\n      url: \"http://x/\"\n      expect:\n        status: 200\n        headers:\n          - a b\n          - \"yes\"\n    tags: []\n    every: 5s\n";
        std::fs::write(folder.path().join("smokejumper.yaml"), declared).unwrap();
        let sources = Sources {
            folder: folder.path().to_owned(),
            ..Sources::default()
        };
        let document = load(&sources).document;
        let written = super::yaml(&document.checks[0].value);
        let expected: String = declared
            .lines()
            .skip(2)
            .map(|line| format!("{}\n", &line[4..]))
            .collect();
        assert_eq!(written, expected);
    }
}
