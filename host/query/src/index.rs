//! An index: by what documents are found without reading all of them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::field::{read_many, read_one};
use crate::key::encode_into;
use crate::scalar::Scalar;
use crate::schema::ValueType;

/// One value of an index key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexField {
    /// Where the value is in the document: member names joined by `/`.
    pub path: &'static str,
    /// How it is read and compared.
    pub value_type: ValueType,
}

impl IndexField {
    /// A value at a path.
    pub const fn new(path: &'static str, value_type: ValueType) -> Self {
        Self { path, value_type }
    }
}

/// An index over the documents of a collection.
///
/// ```
/// use mortise_query::{Index, IndexField, ValueType};
///
/// static INDEXES: &[Index] = &[
///     Index::new("code", &[IndexField::new("code", ValueType::Text)]).unique(),
///     Index::new("account", &[
///         IndexField::new("account/id", ValueType::Number),
///         IndexField::new("createdAt", ValueType::Timestamp),
///     ]),
///     Index::new("link", &[IndexField::new("links", ValueType::ExactText)]).unique().many(),
/// ];
/// assert_eq!(INDEXES[0].entries(&serde_json::json!({"code": "A-1"})).len(), 1);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// The name, unique within its collection.
    pub name: &'static str,
    /// The values of the key, the most significant first.
    pub fields: &'static [IndexField],
    /// Whether no two documents may have the same key. A key with a null in it may repeat.
    pub unique: bool,
    /// Whether the first field is an array with an entry for each element. A document without elements has no entry.
    pub many: bool,
}

/// An entry of a document in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexEntry {
    /// The key. The store appends the document's id, which sorts the documents of one key.
    pub key: Vec<u8>,
    /// Whether no other document may have the key.
    pub unique: bool,
}

impl Index {
    /// An index with one entry for each document; keys may repeat.
    pub const fn new(name: &'static str, fields: &'static [IndexField]) -> Self {
        Self { name, fields, unique: false, many: false }
    }

    /// The same, but no two documents may have the same key.
    #[must_use]
    pub const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    /// The same with an entry for each element of the first field.
    #[must_use]
    pub const fn many(mut self) -> Self {
        self.many = true;
        self
    }

    /// The entries of a document, by key; none twice.
    pub fn entries(&self, document: &Value) -> Vec<IndexEntry> {
        let Some((first, rest)) = self.fields.split_first() else { return Vec::new() };
        let heads = if self.many {
            read_many(document, first.path, first.value_type)
        } else {
            vec![read_one(document, first.path, first.value_type)]
        };
        let tail: Vec<_> =
            rest.iter().map(|field| read_one(document, field.path, field.value_type)).collect();
        let entries: BTreeSet<_> = heads
            .into_iter()
            .map(|head| {
                let has_null = head.is_null() || tail.iter().any(Scalar::is_null);
                (self.key(std::iter::once(&head).chain(&tail)), self.unique && !has_null)
            })
            .collect();
        entries.into_iter().map(|(key, unique)| IndexEntry { key, unique }).collect()
    }

    /// The key of values of the index's types, in the order of its fields. Fewer values than fields make the
    /// beginning that all keys with those values share.
    pub fn key<'a>(&self, values: impl IntoIterator<Item = &'a Scalar>) -> Vec<u8> {
        let mut key = Vec::new();
        for (field, value) in self.fields.iter().zip(values) {
            encode_into(&mut key, value, field.value_type);
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    static LINKS: Index = Index::new(
        "link",
        &[IndexField::new("links", ValueType::Text), IndexField::new("state", ValueType::ExactText)],
    )
    .unique()
    .many();

    #[test]
    fn an_array_has_one_entry_for_each_distinct_element() {
        let entries = LINKS.entries(&json!({"links": ["b", "a", "B"], "state": "on"}));
        let keys: Vec<_> = entries.iter().map(|entry| entry.key.clone()).collect();
        let key = |link: &str| LINKS.key([&Scalar::from(link), &Scalar::from("on")]);
        assert_eq!(keys, [key("a"), key("b")]);
        assert!(entries.iter().all(|entry| entry.unique));
        assert_eq!(LINKS.entries(&json!({"links": []})), []);
    }

    #[test]
    fn a_key_with_a_null_in_it_may_repeat() {
        let entries = LINKS.entries(&json!({"links": ["a"]}));
        assert_eq!(entries.iter().map(|entry| entry.unique).collect::<Vec<_>>(), [false]);
    }
}
