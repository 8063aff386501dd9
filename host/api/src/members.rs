//! The members of a type as serde knows them, so that no list of them is kept twice.

use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// The names of the members that `T` reads.
pub(crate) fn members_of<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut members: &'static [&'static str] = &[];
    // Always an error: the probe notes the names and stops.
    let _ = T::deserialize(Probe(&mut members));
    members
}

struct Probe<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a struct"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("noted"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mortise_model::account::AccountFields;
    use mortise_model::invoice::InvoiceFields;

    #[test]
    fn the_members_are_those_that_serde_reads() {
        let members = members_of::<AccountFields>();
        assert!(members.contains(&"name") && members.contains(&"parentAccount"), "{members:?}");
        assert!(members_of::<InvoiceFields>().contains(&"type"));
    }
}
