//! A field that can be absent, empty or set.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A field of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Field<T> {
    /// Nothing is said about it.
    #[default]
    Absent,
    /// It is empty: `null`.
    Empty,
    /// It has this value.
    Set(T),
}

impl<T> Field<T> {
    /// The value, where there is one.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Absent | Self::Empty => None,
        }
    }

    /// Takes the value out, where there is one.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Absent | Self::Empty => None,
        }
    }

    /// True when nothing is said about it.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Field<String> {
    /// The text, where there is one.
    pub fn as_str(&self) -> Option<&str> {
        self.get().map(String::as_str)
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Set(value)
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Empty, Self::Set)
    }
}

impl From<&str> for Field<String> {
    fn from(text: &str) -> Self {
        Self::Set(text.to_owned())
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.get().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::objects::{Account, Field};

    #[test]
    fn what_is_absent_is_not_written_and_what_is_empty_is_null() {
        let account = Account { name: "Acme".into(), phone: Field::Empty, ..Account::default() };
        assert_eq!(serde_json::to_value(&account).unwrap(), json!({ "name": "Acme", "phone": null }));
    }

    #[test]
    fn an_object_reads_back_as_it_was_written() {
        let account = Account { name: "Acme".into(), phone: Field::Empty, ..Account::default() };
        let text = serde_json::to_string(&account).unwrap();
        assert_eq!(serde_json::from_str::<Account>(&text).unwrap(), account);
    }
}
