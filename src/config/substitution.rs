//! `${VAR}`, `${VAR:-default}`, `${file:PATH}` and `$$` in values that are already parsed: what is
//! filled in can become no YAML, whatever it contains.
//!
//! A value that cannot be filled in becomes a hole, so that the rest of the configuration is still
//! checked. Secrets reach the mask here, before any problem is shown.

mod template;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use self::template::{Part, Reference};
use super::place::Place;
use super::problem::{Code, Problem};
use super::secrets;
use super::suggestion;
use super::tree::{Form, Node, Text, Value};
use crate::secret::Mask;

/// Where values come from, and where what must not be seen goes.
pub struct Filler<'a> {
    /// The variables: the environment, overridden by `--var`.
    pub variables: &'a BTreeMap<String, String>,
    /// What is masked everywhere.
    pub mask: &'a Mask,
}

impl Filler<'_> {
    /// Fills in every value of a tree.
    pub fn fill(&self, node: &mut Node, problems: &mut Vec<Problem>) {
        match &mut node.value {
            Value::List(items) => {
                for item in items {
                    self.fill(item, problems);
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    self.fill(&mut entry.value, problems);
                }
            }
            Value::Text(text) if text.text.contains('$') => {
                node.value = self.filled(text, &node.place, problems);
            }
            _ => {}
        }
    }

    fn filled(&self, text: &Text, place: &Place, problems: &mut Vec<Problem>) -> Value {
        let parts = match template::parse(&text.text) {
            Ok(parts) => parts,
            Err(wrong) => {
                let problem = Problem::error(Code::BadReference, wrong.message)
                    .at(&place.narrowed_to(&wrong.excerpt))
                    .help(wrong.help);
                problems.push(problem);
                return Value::Hole;
            }
        };
        let whole = matches!(parts.as_slice(), [Part::Reference(_)]);
        let before = problems.len();
        let filled = self.join(&parts, place, problems);
        if problems.len() > before {
            return Value::Hole;
        }
        let form = match text.form {
            Form::Plain if whole => Form::Filled,
            Form::Quoted if whole => Form::FilledInQuotes,
            form => form,
        };
        Value::Text(Text { text: filled, form })
    }

    fn join(&self, parts: &[Part], place: &Place, problems: &mut Vec<Problem>) -> String {
        let mut joined = String::new();
        for part in parts {
            match part {
                Part::Literal(text) => joined.push_str(text),
                Part::Reference(reference) => match self.value_of(reference, place, problems) {
                    Ok(value) => joined.push_str(&value),
                    Err(problem) => problems.push(*problem),
                },
            }
        }
        joined
    }

    fn value_of(
        &self,
        reference: &Reference,
        place: &Place,
        problems: &mut Vec<Problem>,
    ) -> Result<String, Box<Problem>> {
        match reference {
            Reference::Variable { name, default } => {
                let set = self.variables.get(name);
                let value = match (set, default) {
                    (Some(value), None) => value.clone(),
                    (Some(value), Some(_)) if !value.is_empty() => value.clone(),
                    (_, Some(default)) => self.join(default, place, problems),
                    (None, None) => return Err(Box::new(self.unset(name, place))),
                };
                secrets::hide_variable(name, &value, self.mask);
                Ok(value)
            }
            Reference::File(path) => {
                let value = secret_file(&place.file().folder().join(path)).map_err(|cause| {
                    let message = format!("the file `{path}` {cause}");
                    let help = "the path starts at the folder of this file";
                    let place = place.narrowed_to(path);
                    Box::new(
                        Problem::error(Code::SecretFile, message)
                            .at(&place)
                            .help(help),
                    )
                })?;
                secrets::hide(&value, self.mask);
                Ok(value)
            }
            Reference::Elsewhere { form, text } => {
                let message = format!("`${{{form}:…}}` is not available in this version");
                let help =
                    "read the value into a variable or a file, and write ${NAME} or ${file:PATH}";
                let place = place.narrowed_to(text);
                Err(Box::new(
                    Problem::error(Code::NotAvailable, message)
                        .at(&place)
                        .help(help),
                ))
            }
        }
    }

    fn unset(&self, name: &str, place: &Place) -> Problem {
        let known = self.variables.keys().map(String::as_str);
        let meant = suggestion::nearest(name, known)
            .map(|near| format!("did you mean `{near}`? otherwise "))
            .unwrap_or_default();
        Problem::error(
            Code::UnsetVariable,
            format!("the variable `{name}` is not set"),
        )
        .at(&place.narrowed_to(&format!("${{{name}}}")))
        .help(format!(
            "{meant}set it, give `--var {name}=…`, or write ${{{name}:-default}}"
        ))
    }
}

/// A secret is not larger than this many bytes.
const LARGEST_SECRET: u64 = 64 * 1024;

/// The text of a file without its last line break, or why there is none.
fn secret_file(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("cannot be read: {}", reason(&error));
    let facts = std::fs::metadata(path).map_err(unreadable)?;
    // Anything else could keep us waiting for ever: a pipe, a device.
    if !facts.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(LARGEST_SECRET + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > LARGEST_SECRET {
        return Err(format!("is larger than {LARGEST_SECRET} bytes"));
    }
    let trimmed = text.strip_suffix('\n').unwrap_or(&text);
    Ok(trimmed.strip_suffix('\r').unwrap_or(trimmed).to_owned())
}

/// Why a file cannot be read, in words that are the same on every machine.
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission is denied".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests;
