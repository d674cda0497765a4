//! Reads Rust sources far enough to see what they name: comments, literals and test modules fall
//! away, and what is left is tokens and the paths they spell.
//!
//! It is no parser. It refuses nothing; what it cannot make out it leaves as single tokens. The
//! rules of this folder work on it alone, so that each can be tried on a text of a few lines.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A source file of the crate, without its tests.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path below the crate's root: `src/probe/http.rs`.
    pub path: String,
    /// The text, tests included.
    pub text: String,
    /// What the text says outside comments, literals and tests.
    pub tokens: Vec<Token>,
    /// How many lines stand outside tests.
    pub lines: usize,
}

/// A word or a sign, and the line on which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// An identifier, `::`, a single sign, or `""` for any literal text.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

/// A path that a source names, with what it stands for in the crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The segments from the crate's root on: `["probe", "wire", "dial"]`.
    pub segments: Vec<String>,
    /// Counted from 1.
    pub line: usize,
}

impl Source {
    /// Reads a text as if it were the file at `path`.
    pub fn new(path: &str, text: &str) -> Self {
        let (tokens, test_lines) = without_tests(tokens(text));
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            tokens,
            lines: text.lines().count().saturating_sub(test_lines),
        }
    }

    /// The module that the file is: `["probe", "http"]`; empty for the roots `lib.rs`, `main.rs`.
    pub fn module(&self) -> Vec<String> {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let inside = inside.strip_suffix(".rs").unwrap_or(inside);
        let mut segments: Vec<String> = inside.split('/').map(str::to_owned).collect();
        if matches!(
            segments.last().map(String::as_str),
            Some("mod" | "lib" | "main")
        ) {
            segments.pop();
        }
        segments
    }

    /// Every path of this crate that the file names by `crate::`, `super::` or `self::`.
    pub fn named(&self) -> Vec<Named> {
        let mut found = Vec::new();
        for at in 0..self.tokens.len() {
            let after_path = at > 0 && matches!(self.text_at(at - 1), "::" | "$");
            if after_path || self.text_at(at + 1) != "::" {
                continue;
            }
            let (base, tree) = match self.text_at(at) {
                "crate" => (Vec::new(), at + 2),
                "self" => (self.module(), at + 2),
                "super" => self.climb(at),
                _ => continue,
            };
            self.expand(base, tree, &mut found);
        }
        found
    }

    /// The crates that the file names at the start of a path: `tokio::time` names `tokio`. Names
    /// that the file itself declares or imports from this crate are not crates.
    pub fn crates(&self) -> Vec<(String, usize)> {
        let mut own: BTreeSet<String> = self
            .named()
            .into_iter()
            .filter_map(|named| named.segments.last().cloned())
            .collect();
        own.extend(
            (0..self.tokens.len())
                .filter(|&at| self.text_at(at) == "mod")
                .map(|at| self.text_at(at + 1).to_owned()),
        );
        (0..self.tokens.len())
            .filter(|&at| self.text_at(at + 1) == "::")
            .filter(|&at| at == 0 || self.text_at(at - 1) != "::")
            .map(|at| (self.text_at(at).to_owned(), self.tokens[at].line))
            .filter(|(name, _)| is_word(name) && !ROOTS.contains(&name.as_str()))
            .filter(|(name, _)| !own.contains(name))
            .collect()
    }

    /// The lines on which these tokens stand in a row.
    pub fn lines_with(&self, wanted: &[&str]) -> Vec<usize> {
        (0..self.tokens.len())
            .filter(|&at| (0..wanted.len()).all(|i| self.text_at(at + i) == wanted[i]))
            .map(|at| self.tokens[at].line)
            .collect()
    }

    fn text_at(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| &token.text)
    }

    /// Follows `super::super::…`: where it leads, and where the rest of the path begins.
    fn climb(&self, mut at: usize) -> (Vec<String>, usize) {
        let mut base = self.module();
        while self.text_at(at) == "super" && self.text_at(at + 1) == "::" {
            base.pop();
            at += 2;
        }
        (base, at)
    }

    /// Follows a path, and every branch of a group in braces, to its ends. Gives the place after it.
    fn expand(&self, mut base: Vec<String>, mut at: usize, found: &mut Vec<Named>) -> usize {
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        loop {
            match self.text_at(at) {
                "{" => {
                    at += 1;
                    while !matches!(self.text_at(at), "}" | "") {
                        at = self.expand(base.clone(), at, found);
                        // Past `as other` and the comma.
                        while !matches!(self.text_at(at), "," | "}" | "") {
                            at += 1;
                        }
                        if self.text_at(at) == "," {
                            at += 1;
                        }
                    }
                    return at + 1;
                }
                word if is_word(word) => {
                    // `use a::{self}` names `a` itself.
                    if word != "self" {
                        base.push(word.to_owned());
                    }
                    at += 1;
                }
                _ => break,
            }
            if self.text_at(at) != "::" {
                break;
            }
            at += 1;
        }
        if !base.is_empty() {
            found.push(Named {
                segments: base,
                line,
            });
        }
        at
    }
}

/// All sources below `src/`, in the order of their paths. Files that only tests see are left out.
pub fn sources() -> Vec<Source> {
    let root = root();
    let mut paths = Vec::new();
    walk(&root.join("src"), &mut paths);
    paths.sort();
    let texts: Vec<(String, String)> = paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).expect("sources are readable");
            let below = path.strip_prefix(&root).expect("found below the root");
            (below.to_string_lossy().into_owned(), text)
        })
        .collect();
    let for_tests: Vec<String> = texts
        .iter()
        .flat_map(|(path, text)| test_files(path, text))
        .collect();
    texts
        .iter()
        .filter(|(path, _)| {
            !for_tests.iter().any(|prefix| {
                *path == format!("{prefix}.rs") || path.starts_with(&format!("{prefix}/"))
            })
        })
        .map(|(path, text)| Source::new(path, text))
        .collect()
}

/// The folder of `Cargo.toml`.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Gathers the Rust files below a folder.
pub fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folders are readable") {
        let path = entry.expect("folders are readable").path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The files, without their extension, that `#[cfg(test)] mod name;` declares.
fn test_files(path: &str, text: &str) -> Vec<String> {
    let source = Source {
        path: path.to_owned(),
        text: String::new(),
        tokens: tokens(text),
        lines: 0,
    };
    let folder = if source.module().is_empty() {
        "src".to_owned()
    } else {
        format!("src/{}", source.module().join("/"))
    };
    (0..source.tokens.len())
        .filter(|&at| is_test_attribute(&source.tokens, at))
        .filter_map(|at| {
            let at = after_attributes(&source.tokens, at);
            let declared = source.text_at(at) == "mod" && source.text_at(at + 2) == ";";
            declared.then(|| format!("{folder}/{}", source.text_at(at + 1)))
        })
        .collect()
}

/// Where a path can start that names no crate.
const ROOTS: &[&str] = &["crate", "self", "super", "Self"];

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Splits a text into tokens; comments vanish, literals become `""`.
fn tokens(text: &str) -> Vec<Token> {
    let characters: Vec<char> = text.chars().collect();
    let mut reader = Reader {
        characters: &characters,
        at: 0,
        line: 1,
        tokens: Vec::new(),
    };
    while reader.at < characters.len() {
        reader.step();
    }
    reader.tokens
}

struct Reader<'a> {
    characters: &'a [char],
    at: usize,
    line: usize,
    tokens: Vec<Token>,
}

impl Reader<'_> {
    fn step(&mut self) {
        let (this, next) = (self.peek(0), self.peek(1));
        match this {
            c if c.is_whitespace() => self.skip(1),
            '/' if next == '/' => self.skip_until(|reader| reader.peek(0) == '\n'),
            '/' if next == '*' => self.block_comment(),
            '"' => self.quoted(),
            '\'' if next == '\\' || self.peek(2) == '\'' => self.character(),
            '\'' => self.skip(1), // a lifetime: its name is read as a word
            ':' if next == ':' => self.sign("::"),
            c if c.is_alphanumeric() || c == '_' => self.word(),
            c => self.sign(&c.to_string()),
        }
    }

    fn peek(&self, ahead: usize) -> char {
        self.characters
            .get(self.at + ahead)
            .copied()
            .unwrap_or('\0')
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            if self.peek(0) == '\n' {
                self.line += 1;
            }
            self.at += 1;
        }
    }

    fn skip_until(&mut self, ended: impl Fn(&Self) -> bool) {
        while self.at < self.characters.len() && !ended(self) {
            self.skip(1);
        }
    }

    fn push(&mut self, text: &str, line: usize) {
        self.tokens.push(Token {
            text: text.to_owned(),
            line,
        });
    }

    fn sign(&mut self, text: &str) {
        self.push(text, self.line);
        self.skip(text.chars().count());
    }

    fn block_comment(&mut self) {
        let mut depth = 0_u32;
        loop {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => {
                    depth += 1;
                    self.skip(2);
                }
                ('*', '/') => {
                    depth -= 1;
                    self.skip(2);
                }
                _ => self.skip(1),
            }
            if depth == 0 || self.at >= self.characters.len() {
                return;
            }
        }
    }

    fn quoted(&mut self) {
        let line = self.line;
        self.skip(1);
        while self.at < self.characters.len() && self.peek(0) != '"' {
            self.skip(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.skip(1);
        self.push("\"\"", line);
    }

    fn character(&mut self) {
        let line = self.line;
        self.skip(1);
        while self.at < self.characters.len() && self.peek(0) != '\'' {
            self.skip(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.skip(1);
        self.push("\"\"", line);
    }

    fn word(&mut self) {
        let (start, line) = (self.at, self.line);
        self.skip_until(|reader| !(reader.peek(0).is_alphanumeric() || reader.peek(0) == '_'));
        let word: String = self.characters[start..self.at].iter().collect();
        let raw = matches!(word.as_str(), "r" | "br" | "cr");
        let hashes = (0..).take_while(|&i| self.peek(i) == '#').count();
        if raw && self.peek(hashes) == '"' {
            self.skip(hashes + 1);
            self.skip_until(|reader| {
                reader.peek(0) == '"' && (1..=hashes).all(|i| reader.peek(i) == '#')
            });
            self.skip(hashes + 1);
            self.push("\"\"", line);
        } else if !(matches!(word.as_str(), "b" | "c") && matches!(self.peek(0), '"' | '\'')) {
            self.push(&word, line);
        }
    }
}

/// Leaves out every item under `#[cfg(test)]`; gives what is left and how many lines went.
fn without_tests(tokens: Vec<Token>) -> (Vec<Token>, usize) {
    let mut kept = Vec::new();
    let mut lines = 0;
    let mut at = 0;
    while at < tokens.len() {
        if is_test_attribute(&tokens, at) {
            let end = after_item(&tokens, after_attributes(&tokens, at));
            let last = tokens[end.min(tokens.len()) - 1].line;
            lines += last - tokens[at].line + 1;
            at = end;
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    (kept, lines)
}

fn is_test_attribute(tokens: &[Token], at: usize) -> bool {
    let wanted = ["#", "[", "cfg", "(", "test", ")", "]"];
    (0..wanted.len()).all(|i| tokens.get(at + i).is_some_and(|t| t.text == wanted[i]))
}

/// The place after the attributes that begin here.
fn after_attributes(tokens: &[Token], mut at: usize) -> usize {
    while tokens.get(at).is_some_and(|token| token.text == "#") {
        at = after_brackets(tokens, at + 1);
    }
    at
}

/// The place after the item that begins here: after its `;` or its closing brace.
fn after_item(tokens: &[Token], mut at: usize) -> usize {
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            ";" => return at + 1,
            "{" => return after_brackets(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// The place after the bracket that closes the one that stands here.
fn after_brackets(tokens: &[Token], mut at: usize) -> usize {
    let mut depth = 0_i32;
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str, text: &str) -> Vec<String> {
        Source::new(path, text)
            .named()
            .into_iter()
            .map(|named| named.segments.join("::"))
            .collect()
    }

    #[test]
    fn paths_are_followed_into_groups() {
        let text = "use crate::{clock::{self, Moment}, sample::Sample as S};\nfn f() { crate::probe::attempt::run() }";
        assert_eq!(
            named("src/engine/mod.rs", text),
            [
                "clock",
                "clock::Moment",
                "sample::Sample",
                "probe::attempt::run"
            ]
        );
    }

    #[test]
    fn super_and_self_lead_from_the_module_of_the_file() {
        let text = "use super::wire::dial; use super::super::clock::Clock; use self::tests_of::X;";
        assert_eq!(
            named("src/probe/http.rs", text),
            [
                "probe::wire::dial",
                "clock::Clock",
                "probe::http::tests_of::X"
            ]
        );
        assert_eq!(
            named("src/probe/http/mod.rs", "use super::wire::tls;"),
            ["probe::wire::tls"]
        );
    }

    #[test]
    fn comments_literals_and_tests_name_nothing() {
        let text = r##"
            //! crate::engine
            /* crate::engine /* nested */ crate::cli */
            const A: &str = "crate::engine \" crate::cli";
            const B: &str = r#"crate::engine " crate::cli"#;
            const C: char = '"';
            fn f<'a>(x: &'a str) -> char { '\'' }
            #[cfg(test)]
            #[expect(dead_code)]
            mod tests { use crate::cli; fn g() { { } } }
            use crate::clock;
        "##;
        assert_eq!(named("src/probe/http.rs", text), ["clock"]);
    }

    #[test]
    fn lines_of_tests_are_not_counted() {
        let text = "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() {}\n}\n";
        assert_eq!(Source::new("src/a.rs", text).lines, 2);
    }

    #[test]
    fn crates_are_told_from_modules_of_the_same_name() {
        let names = |text: &str| -> Vec<String> {
            let crates = Source::new("src/probe/registry.rs", text).crates();
            crates.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names("use redis::Client;"), ["redis"]);
        assert!(names("use super::{http, redis};\nfn f() { redis::Redis }").is_empty());
        assert!(names("pub mod redis;\npub use redis::Redis;").is_empty());
    }

    #[test]
    fn a_file_that_only_tests_see_is_known() {
        assert_eq!(
            test_files("src/window/mod.rs", "#[cfg(test)]\nmod laws;\nmod latency;"),
            ["src/window/laws"]
        );
    }
}
