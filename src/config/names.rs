//! Where each name stands in a list of entries that grows. A few entries are looked through; of many
//! an index is kept, so that a hundred thousand checks are read in the time of a hundred thousand
//! checks. It is for lists to which entries are added at the end, and from which none is taken.

use std::collections::HashMap;

use super::tree::Entry;

/// So many entries are looked through sooner than an index of them is kept.
const FEW: usize = 32;

/// An index of the names of one list.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    places: HashMap<String, usize>,
}

impl Names {
    /// The place of the entry with this name in its list.
    pub(super) fn find(&mut self, entries: &[Entry], name: &str) -> Option<usize> {
        if entries.len() < FEW {
            return entries.iter().position(|entry| entry.key.text == name);
        }
        for (place, entry) in entries.iter().enumerate().skip(self.places.len()) {
            self.places.insert(entry.key.text.clone(), place);
        }
        self.places.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::place::{Place, SourceFile};
    use crate::config::tree::{Key, Node, Value};

    #[test]
    fn every_name_is_found_however_many_there_are() {
        let file = SourceFile::new("a.yaml".into(), ".".into(), String::new());
        let place = Place::new(&file, 0..0);
        let (mut entries, mut names) = (Vec::new(), Names::default());
        for number in 0..FEW * 4 {
            let text = number.to_string();
            assert_eq!(names.find(&entries, &text), None, "{number}");
            entries.push(Entry {
                key: Key {
                    text,
                    place: place.clone(),
                },
                value: Node {
                    place: place.clone(),
                    value: Value::Null,
                },
            });
            assert_eq!(names.find(&entries, "0"), Some(0));
            assert_eq!(names.find(&entries, &number.to_string()), Some(number));
        }
    }
}
