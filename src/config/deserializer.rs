//! serde over the tree: settings are plain `#[derive(Deserialize)]` structs, and each error knows
//! the innermost value that it is about.
//!
//! Keys that a struct does not have are noted and passed over, so that one run tells all of them.
//! A hole fits everywhere. Numbers stay exact. Called by [`super::section`].

mod access;
mod error;
mod number;

use std::cell::RefCell;

use serde::de::{self, Visitor};
use serde::forward_to_deserialize_any;

use self::access::{Items, Pairs, Variant};
pub use self::error::{Error, Sort};
use super::problem::{Code, Problem};
use super::scalar;
use super::suggestion;
use super::tree::{Entry, Form, Node, Text, Value};

/// Reads one value of the tree.
#[derive(Clone, Copy, Debug)]
pub struct Deserializer<'a> {
    node: &'a Node,
    notes: &'a RefCell<Vec<Problem>>,
}

impl<'a> Deserializer<'a> {
    /// Begins at a value; unknown keys go to `notes`.
    #[must_use]
    pub const fn new(node: &'a Node, notes: &'a RefCell<Vec<Problem>>) -> Self {
        Self { node, notes }
    }

    fn wrong(&self, expected: &str) -> Error {
        let node = self.node;
        let found = node.description();
        let error = Error::new(Sort::Type, format!("expected {expected}, found {found}"));
        match (&node.value, expected) {
            (Value::Text(text), "a list") if !text.form.is_quoted() => {
                error.help(format!("write [{}]", text.text))
            }
            (Value::Bool(_) | Value::Null, "text") => {
                error.help("put it in quotes if it is meant as text")
            }
            (Value::Text(text), "a number") if scalar::is_number(&text.text) => {
                error.help("remove the quotes")
            }
            (Value::Text(_), "`true` or `false`") => {
                error.help("only these two words, without quotes, are booleans")
            }
            _ => error,
        }
    }

    /// The digits of a number, where the value is one.
    fn digits(&self) -> Option<&'a str> {
        match &self.node.value {
            Value::Number(number) => Some(number),
            Value::Text(text) if text.form.is_filled() && scalar::is_number(&text.text) => {
                Some(&text.text)
            }
            Value::Hole => Some("0"),
            _ => None,
        }
    }

    /// The value that an unquoted `${…}` spells, where the setting takes any type.
    fn spelt(text: &Text) -> Option<Value> {
        if text.form != Form::Filled {
            return None;
        }
        match scalar::plain(&text.text) {
            value @ (Value::Number(_) | Value::Bool(_)) => Some(value),
            _ => None,
        }
    }

    /// The entries that a struct with these fields has; the others are noted as unknown.
    fn known(&self, entries: &'a [Entry], fields: &'static [&'static str]) -> Vec<&'a Entry> {
        let (known, unknown): (Vec<_>, Vec<_>) = entries
            .iter()
            .partition(|entry| fields.contains(&entry.key.text.as_str()));
        for entry in unknown {
            let absent = fields
                .iter()
                .copied()
                .filter(|field| self.node.entry(field).is_none());
            let name = &entry.key.text;
            let problem = Problem::error(Code::UnknownKey, format!("unknown key `{name}`"))
                .at(&entry.key.place)
                .maybe_help(suggestion::nearest(name, absent).map_or_else(
                    || suggestion::one_of(fields.iter().copied()),
                    |near| Some(format!("did you mean `{near}`?")),
                ));
            self.notes.borrow_mut().push(problem);
        }
        known
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty, $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let digits = self.digits().ok_or_else(|| self.wrong($expected))?;
            match digits.parse::<$type>() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(number::refused::<$type>(digits)),
            }
        }
    )*};
}

impl<'de> de::Deserializer<'de> for Deserializer<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null | Value::Hole => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(digits) => number::visit(digits, visitor),
            Value::Text(text) => match Self::spelt(text) {
                Some(Value::Number(digits)) => number::visit(&digits, visitor),
                Some(Value::Bool(value)) => visitor.visit_bool(value),
                _ => visitor.visit_borrowed_str(&text.text),
            },
            Value::List(items) => visitor.visit_seq(Items::new(self, items)),
            Value::Map(entries) => visitor.visit_map(Pairs::new(self, entries.iter().collect())),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Hole => visitor.visit_bool(false),
            Value::Text(text) if text.form.is_filled() => match scalar::plain(&text.text) {
                Value::Bool(value) => visitor.visit_bool(value),
                _ => Err(self.wrong("`true` or `false`")),
            },
            _ => Err(self.wrong("`true` or `false`")),
        }
    }

    numbers! {
        deserialize_u8 visit_u8 u8, "a whole number";
        deserialize_u16 visit_u16 u16, "a whole number";
        deserialize_u32 visit_u32 u32, "a whole number";
        deserialize_u64 visit_u64 u64, "a whole number";
        deserialize_u128 visit_u128 u128, "a whole number";
        deserialize_i8 visit_i8 i8, "a whole number";
        deserialize_i16 visit_i16 i16, "a whole number";
        deserialize_i32 visit_i32 i32, "a whole number";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_i128 visit_i128 i128, "a whole number";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Text(text) => visitor.visit_borrowed_str(&text.text),
            // Digits are as good as text: an account number, a version.
            Value::Number(digits) => visitor.visit_borrowed_str(digits),
            Value::Hole => visitor.visit_borrowed_str(""),
            _ => Err(self.wrong("text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null | Value::Hole => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Null | Value::Hole => visitor.visit_unit(),
            _ => Err(self.wrong("nothing")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::List(items) => visitor.visit_seq(Items::new(self, items)),
            Value::Hole => visitor.visit_seq(Items::new(self, &[])),
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Map(entries) => visitor.visit_map(Pairs::new(self, entries.iter().collect())),
            Value::Hole => visitor.visit_map(Pairs::new(self, Vec::new())),
            _ => Err(self.wrong("a mapping")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Map(entries) => visitor.visit_map(Pairs::new(self, self.known(entries, fields))),
            // A key with nothing behind it is a mapping without entries.
            Value::Hole | Value::Null => visitor.visit_map(Pairs::new(self, Vec::new())),
            _ => Err(self
                .wrong("a mapping")
                .maybe_help(suggestion::one_of(fields.iter().copied()))),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.value {
            Value::Text(text) => visitor.visit_enum(Variant::unit(self, &text.text)),
            Value::Map(entries) => match entries.as_slice() {
                [entry] => visitor.visit_enum(Variant::with(self, entry)),
                _ => Err(self
                    .wrong("a mapping with one key")
                    .maybe_help(suggestion::one_of(variants.iter().copied()))),
            },
            Value::Hole => match variants.first() {
                Some(first) => visitor.visit_enum(Variant::unit(self, first)),
                None => Err(self.wrong("a value")),
            },
            _ => Err(self
                .wrong("a word")
                .maybe_help(suggestion::one_of(variants.iter().copied()))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { bytes byte_buf unit_struct }
}

#[cfg(test)]
mod tests;
