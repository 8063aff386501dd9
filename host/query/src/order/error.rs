//! What is wrong with an order's text.

/// What kind of mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderErrorKind {
    /// The text does not follow the grammar.
    Syntax,
    /// The resource has no such property, or not for orders.
    UnknownProperty,
    /// A property stands twice.
    RepeatedProperty,
    /// A direction is neither `asc` nor `desc`.
    InvalidDirection,
    /// An expression in place of a property.
    Unsupported,
    /// A limit is passed.
    TooComplex,
}

impl OrderErrorKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "orderby.syntax",
            Self::UnknownProperty => "orderby.unknown_property",
            Self::RepeatedProperty => "orderby.repeated_property",
            Self::InvalidDirection => "orderby.invalid_direction",
            Self::Unsupported => "orderby.unsupported",
            Self::TooComplex => "orderby.too_complex",
        }
    }
}

/// An order's text that cannot be read: what, where, and what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {position})")]
pub struct OrderError {
    /// What kind of mistake it is.
    pub kind: OrderErrorKind,
    /// How many characters of the text come before it.
    pub position: usize,
    /// What is wrong and what to do, for people.
    pub message: String,
    /// The property it is about.
    pub property: Option<String>,
    /// What could stand there instead, where that is a short list.
    pub allowed: Vec<&'static str>,
}

impl OrderError {
    pub(super) fn new(kind: OrderErrorKind, position: usize, message: impl Into<String>) -> Self {
        Self { kind, position, message: message.into(), property: None, allowed: Vec::new() }
    }

    /// The stable code: `orderby.syntax` and its like.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}
