//! A property as filters, orders and indexes refer to it, and how its values are read from a document.

use std::borrow::Cow;

use serde_json::Value;

use crate::scalar::Scalar;
use crate::schema::ValueType;

/// Whether a document has one value of a property or an array of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// One value.
    One,
    /// An array, or values below an array.
    Many,
}

/// A reference to a property of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The public name. The path, where Rust code refers to it.
    pub name: Cow<'static, str>,
    /// Member names joined by `/`.
    pub path: Cow<'static, str>,
    /// How the value is read and compared.
    pub value_type: ValueType,
    /// One value or an array.
    pub cardinality: Cardinality,
}

impl Field {
    /// A reference by path alone.
    pub fn at(path: impl Into<Cow<'static, str>>, value_type: ValueType) -> Self {
        let path = path.into();
        Self { name: path.clone(), path, value_type, cardinality: Cardinality::One }
    }

    /// The one value in `document`; null when it is missing, not of the type, or the field has many.
    pub fn read(&self, document: &Value) -> Scalar {
        match self.cardinality {
            Cardinality::One => read_one(document, &self.path, self.value_type),
            Cardinality::Many => Scalar::Null,
        }
    }

    /// Every value in `document` that is not null.
    pub fn read_all(&self, document: &Value) -> Vec<Scalar> {
        match self.cardinality {
            Cardinality::One => {
                Some(self.read(document)).filter(|value| !value.is_null()).into_iter().collect()
            }
            Cardinality::Many => read_many(document, &self.path, self.value_type),
        }
    }
}

/// The value at `path`, or null.
pub(crate) fn read_one(document: &Value, path: &str, value_type: ValueType) -> Scalar {
    path.split('/')
        .try_fold(document, |value, member| value.get(member))
        .map_or(Scalar::Null, |value| value_type.read(value))
}

/// The values at `path` that are not null, through every array on the way.
pub(crate) fn read_many(document: &Value, path: &str, value_type: ValueType) -> Vec<Scalar> {
    let mut found = vec![document];
    for member in path.split('/') {
        found = elements(found).into_iter().filter_map(|value| value.get(member)).collect();
    }
    elements(found).into_iter().map(|value| value_type.read(value)).filter(|value| !value.is_null()).collect()
}

fn elements(values: Vec<&Value>) -> Vec<&Value> {
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::Array(items) => all.extend(items),
            other => all.push(other),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_below_an_array_of_objects_are_read_in_order() {
        let field = Field { cardinality: Cardinality::Many, ..Field::at("items/sku", ValueType::Text) };
        let document = json!({"items": [{"sku": "a"}, {}, {"sku": null}, {"sku": 1}, {"sku": "b"}]});
        assert_eq!(field.read_all(&document), [Scalar::from("a"), Scalar::from("b")]);
    }

    #[test]
    fn a_value_of_another_type_reads_as_null() {
        let document = json!({"a": {"b": 5}, "list": ["x"]});
        assert_eq!(Field::at("a/b", ValueType::Text).read(&document), Scalar::Null);
        assert_eq!(Field::at("a/b/c", ValueType::Number).read(&document), Scalar::Null);
        assert_eq!(Field::at("list", ValueType::Text).read(&document), Scalar::Null);
        assert_eq!(Field::at("a/b", ValueType::Number).read(&document), Scalar::from(5));
    }
}
