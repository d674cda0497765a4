//! The ways into mappings, lists and variants; here errors learn where they are.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed};

use super::{Deserializer, Error, Sort};
use crate::config::place::Place;
use crate::config::tree::{Entry, Node, Step, Value};

/// The entries of a mapping.
pub struct Pairs<'a> {
    parent: Deserializer<'a>,
    entries: std::vec::IntoIter<&'a Entry>,
    current: Option<&'a Entry>,
}

impl<'a> Pairs<'a> {
    /// Begins.
    pub fn new(parent: Deserializer<'a>, entries: Vec<&'a Entry>) -> Self {
        Self {
            parent,
            entries: entries.into_iter(),
            current: None,
        }
    }
}

impl<'de> de::MapAccess<'de> for Pairs<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        self.current = self.entries.next();
        let Some(entry) = self.current else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(&entry.key.text))
            .map(Some)
            .map_err(|error: Error| {
                let step = Step::Key(entry.key.text.clone());
                error.under(step, || entry.key.place.clone())
            })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let entry = self
            .current
            .take()
            .ok_or_else(|| Error::new(Sort::Refused, "a value was asked for before its key"))?;
        within(self.parent, entry, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

fn within<'de, S: DeserializeSeed<'de>>(
    parent: Deserializer<'de>,
    entry: &'de Entry,
    seed: S,
) -> Result<S::Value, Error> {
    let child = Deserializer::new(&entry.value, parent.notes);
    seed.deserialize(child).map_err(|error| {
        let place = pointer(&error, &entry.value).unwrap_or_else(|| entry.pointer());
        error.under(Step::Key(entry.key.text.clone()), || place)
    })
}

/// An unknown key is pointed at itself, where the value has it.
fn pointer(error: &Error, node: &Node) -> Option<Place> {
    match error.sort() {
        Sort::Unknown(key) => node.entry(key).map(|entry| entry.key.place.clone()),
        _ => None,
    }
}

/// The items of a list.
pub struct Items<'a> {
    parent: Deserializer<'a>,
    items: &'a [Node],
    next: usize,
}

impl<'a> Items<'a> {
    /// Begins.
    pub const fn new(parent: Deserializer<'a>, items: &'a [Node]) -> Self {
        Self {
            parent,
            items,
            next: 0,
        }
    }
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Error> {
        let Some(item) = self.items.get(self.next) else {
            return Ok(None);
        };
        let step = Step::Item(self.next);
        self.next += 1;
        let child = Deserializer::new(item, self.parent.notes);
        seed.deserialize(child).map(Some).map_err(|error| {
            let place = pointer(&error, item).unwrap_or_else(|| item.place.clone());
            error.under(step, || place)
        })
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len().saturating_sub(self.next))
    }
}

/// A word, or a mapping with one key: a variant, with its content.
pub struct Variant<'a> {
    parent: Deserializer<'a>,
    name: &'a str,
    content: Option<&'a Entry>,
}

impl<'a> Variant<'a> {
    /// A word.
    pub const fn unit(parent: Deserializer<'a>, name: &'a str) -> Self {
        Self {
            parent,
            name,
            content: None,
        }
    }

    /// A mapping with one key.
    pub fn with(parent: Deserializer<'a>, entry: &'a Entry) -> Self {
        Self {
            parent,
            name: &entry.key.text,
            content: Some(entry),
        }
    }

    fn content<S: DeserializeSeed<'a>>(self, seed: S) -> Result<S::Value, Error> {
        let missing = || Error::new(Sort::Type, format!("`{}` needs a value", self.name));
        within(self.parent, self.content.ok_or_else(missing)?, seed)
    }
}

impl<'de> de::EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name: BorrowedStrDeserializer<'de, Error> = BorrowedStrDeserializer::new(self.name);
        let variant = seed.deserialize(name).map_err(|error| match self.content {
            Some(entry) => {
                let step = Step::Key(entry.key.text.clone());
                error.under(step, || entry.key.place.clone())
            }
            None => error,
        })?;
        Ok((variant, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.content.map(|entry| &entry.value.value) {
            None | Some(Value::Null | Value::Hole) => Ok(()),
            Some(_) => Err(Error::new(
                Sort::Type,
                format!("`{}` takes no value", self.name),
            )),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        self.content(seed)
    }

    fn tuple_variant<V: de::Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content(Tuple { length, visitor })
    }

    fn struct_variant<V: de::Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content(Struct { fields, visitor })
    }
}

struct Tuple<V> {
    length: usize,
    visitor: V,
}

impl<'de, V: de::Visitor<'de>> DeserializeSeed<'de> for Tuple<V> {
    type Value = V::Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_tuple(self.length, self.visitor)
    }
}

struct Struct<V> {
    fields: &'static [&'static str],
    visitor: V,
}

impl<'de, V: de::Visitor<'de>> DeserializeSeed<'de> for Struct<V> {
    type Value = V::Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_struct("variant", self.fields, self.visitor)
    }
}

impl<'de> de::IntoDeserializer<'de, Error> for Deserializer<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
