//! What a run of a flow knows: generated values, those of a login, those that its steps captured, its
//! cookies, and what of all that no output may show.
//!
//! The mask of the outputs knows the secrets of the configuration. What is captured comes later and is
//! another value in every run: it is masked here, before a message leaves the run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;

use super::capture::Capture;
use crate::clock::WallTime;
use crate::probe::{Cookies, Generated, Values};
use crate::sample::{Fault, Reason};
use crate::secret::Mask;

/// What one run knows.
pub struct Scope {
    generated: Generated,
    given: Values,
    captured: BTreeMap<String, Value>,
    /// The cookies of the run, or of the login that attends it.
    pub cookies: Arc<Cookies>,
    /// What no message of this run may show.
    pub mask: Mask,
    /// Whether something was sent that carries the tag of the run.
    is_tagged: AtomicBool,
}

impl Scope {
    /// For a run that begins now, with what a login gives it.
    pub fn new(now: WallTime, given: Values, cookies: Arc<Cookies>) -> Self {
        Self {
            generated: Generated::at(now),
            given,
            captured: BTreeMap::new(),
            cookies,
            mask: Mask::default(),
            is_tagged: AtomicBool::new(false),
        }
    }

    /// The value of a name; absent as long as no step has captured it.
    pub fn value(&self, name: &str) -> Option<Value> {
        let known = self.captured.get(name).or_else(|| self.given.get(name));
        if let Some(value) = known {
            return Some(value.clone());
        }
        let value = self.generated.value(name)?;
        if Generated::is_secret(name) {
            hide(&self.mask, &value);
        }
        if name.starts_with("run.") || name.starts_with("random.email") {
            self.is_tagged.store(true, Ordering::Relaxed);
        }
        Some(value)
    }

    /// Keeps what was captured, hides what is secret of it.
    ///
    /// # Errors
    /// The fault of the first capture that found nothing.
    pub fn keep(
        &mut self,
        captures: &[(String, Capture)],
        found: Vec<Result<Value, String>>,
    ) -> Result<(), Fault> {
        let mut missed = None;
        for ((name, capture), found) in captures.iter().zip(found) {
            match found {
                Ok(value) => {
                    if capture.secret {
                        hide(&self.mask, &value);
                    }
                    self.captured.insert(name.clone(), value);
                }
                Err(why) => missed = missed.or(Some((name, why))),
            }
        }
        match missed {
            None => Ok(()),
            Some((name, why)) => {
                let why = self.mask.apply(&why);
                let detail = format!("`{name}` cannot be captured: {why}");
                Err(Fault::new(Reason::Expectation, detail))
            }
        }
    }

    /// Hides the values of the cookies: most that are long open a session.
    pub fn hide_cookies(&self) {
        let values = self.cookies.values().into_iter();
        for value in values.filter(|value| value.len() >= CREDENTIAL) {
            self.mask.hide(&value);
        }
    }

    /// What marks all that this run created, where it created anything that carries it.
    pub fn tag(&self) -> Option<String> {
        let is_tagged = self.is_tagged.load(Ordering::Relaxed);
        is_tagged.then(|| self.generated.tag())
    }

    /// All that was captured.
    pub fn into_captured(self) -> BTreeMap<String, Value> {
        self.captured
    }
}

/// A shorter value is a word such as a language, and hidden it would garble messages.
const CREDENTIAL: usize = 8;

/// Hides a value in the forms in which it travels, base64 among them, and the texts in it one by one.
pub fn hide(mask: &Mask, value: &Value) {
    match value {
        Value::String(text) => {
            mask.hide(text);
            if text.len() >= CREDENTIAL {
                mask.hide(&STANDARD.encode(text));
                mask.hide(&URL_SAFE_NO_PAD.encode(text));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| hide(mask, item)),
        Value::Object(members) => members.values().for_each(|member| hide(mask, member)),
        Value::Number(number) => mask.hide(&number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Scope {
        let given = json!({ "user": "smoke", "token": "of the login" });
        let given: BTreeMap<String, Value> = serde_json::from_value(given).unwrap();
        Scope::new(WallTime::default(), Arc::new(given), Arc::default())
    }

    #[test]
    fn what_was_captured_goes_before_what_was_given() {
        let mut scope = scope();
        let captures: Vec<(String, Capture)> = [("token", true), ("id", false), ("none", false)]
            .map(|(name, secret)| {
                let capture = json!({ "json": "$.x", "secret": secret });
                (name.to_owned(), serde_json::from_value(capture).unwrap())
            })
            .into();
        let found = vec![
            Ok(json!({ "t": "canary" })),
            Ok(json!(42)),
            Err("canary: no".to_owned()),
        ];
        let missed = scope.keep(&captures, found).unwrap_err();
        assert_eq!(missed.detail, "`none` cannot be captured: ***: no");
        assert_eq!(scope.value("token"), Some(json!({ "t": "canary" })));
        assert_eq!(scope.value("id"), Some(json!(42)));
        assert_eq!(scope.value("user"), Some(json!("smoke")));
        assert_eq!(scope.value("none"), None);
        assert_eq!(scope.mask.apply("canary 42"), "*** 42");
    }

    #[test]
    fn a_run_knows_whether_it_has_marked_anything() {
        let scope = scope();
        assert_eq!((scope.value("uuid").is_some(), scope.tag()), (true, None));
        let tag = scope.value("run.tag").unwrap();
        assert_eq!(scope.tag().as_deref(), tag.as_str());
        hide(&scope.mask, &json!(["canary?token"]));
        for form in ["canary?token", "canary%3Ftoken", "Y2FuYXJ5P3Rva2Vu"] {
            assert_eq!(scope.mask.apply(form), "***");
        }
        let password = scope.value("random.password").unwrap();
        assert_eq!(scope.mask.apply(password.as_str().unwrap()), "***");
    }
}
