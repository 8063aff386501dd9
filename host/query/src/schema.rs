//! What callers may name: the closed list of a resource's properties.

use std::fmt;

use crate::field::{Cardinality, Field};

/// How a property's value is read from JSON and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// A JSON string, compared without regard to case.
    Text,
    /// A JSON string, compared as it stands: identifiers, states.
    ExactText,
    /// A JSON number, or a string that holds a decimal.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A point in time: an RFC 3339 string.
    Timestamp,
    /// A day: a string `2026-03-01`.
    Date,
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text | Self::ExactText => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
        })
    }
}

/// A property that callers may name in `$filter`, in `$orderby` or in both.
///
/// ```
/// use mortise_query::{Property, PropertyTable, ValueType};
///
/// static ACCOUNTS: PropertyTable = PropertyTable {
///     resource: "accounts",
///     properties: &[
///         Property::new("name", "name", ValueType::Text).filterable().sortable(),
///         Property::new("billToAccountId", "billToAccount/id", ValueType::Number).filterable(),
///         Property::new("separateInvoices", "separateInvoices", ValueType::Boolean)
///             .filterable()
///             .aliases(&["seperateInvoices"]),
///     ],
/// };
/// assert!(ACCOUNTS.find("NAME").is_some());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Property {
    /// The public name, camel case. Matched without regard to the case of ASCII letters.
    pub name: &'static str,
    /// Where the value is in the stored document: member names joined by `/`.
    pub path: &'static str,
    /// How the value is read and compared.
    pub value_type: ValueType,
    /// Whether `$filter` may name it.
    pub filterable: bool,
    /// Whether `$orderby` may name it.
    pub sortable: bool,
    /// Further names that are accepted and never shown.
    pub aliases: &'static [&'static str],
    /// Whether the document has one value or an array of them.
    pub cardinality: Cardinality,
}

impl Property {
    /// A property that may be neither filtered nor sorted by.
    pub const fn new(name: &'static str, path: &'static str, value_type: ValueType) -> Self {
        Self {
            name,
            path,
            value_type,
            filterable: false,
            sortable: false,
            aliases: &[],
            cardinality: Cardinality::One,
        }
    }

    /// The same, for `$filter` too.
    #[must_use]
    pub const fn filterable(mut self) -> Self {
        self.filterable = true;
        self
    }

    /// The same, for `$orderby` too.
    #[must_use]
    pub const fn sortable(mut self) -> Self {
        self.sortable = true;
        self
    }

    /// The same with hidden names.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The same for an array: it takes `eq`, `ne` and `in`, and equals what any of its elements equals.
    #[must_use]
    pub const fn many(mut self) -> Self {
        self.cardinality = Cardinality::Many;
        self
    }

    /// The reference to it that filters and orders hold.
    pub const fn field(&self) -> Field {
        Field {
            name: std::borrow::Cow::Borrowed(self.name),
            path: std::borrow::Cow::Borrowed(self.path),
            value_type: self.value_type,
            cardinality: self.cardinality,
        }
    }

    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

/// The closed list of a resource's properties.
#[derive(Debug, Clone, Copy)]
pub struct PropertyTable {
    /// The resource's name in messages: `accounts`.
    pub resource: &'static str,
    /// The properties, in the order in which they are listed to people.
    pub properties: &'static [Property],
}

impl PropertyTable {
    /// The property of that name or alias, in whatever casing.
    pub fn find(&self, name: &str) -> Option<&'static Property> {
        self.properties.iter().find(|property| property.is_called(name))
    }

    /// The names that `$filter` takes.
    pub fn filterable_names(&self) -> Vec<&'static str> {
        self.properties.iter().filter(|property| property.filterable).map(|property| property.name).collect()
    }

    /// The names that `$orderby` takes.
    pub fn sortable_names(&self) -> Vec<&'static str> {
        self.properties.iter().filter(|property| property.sortable).map(|property| property.name).collect()
    }
}
