//! What is wrong with a filter's text.

/// What kind of mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FilterErrorKind {
    /// The text does not follow the grammar.
    Syntax,
    /// The resource has no such property, or not for filters.
    UnknownProperty,
    /// Values of different types meet, or a function or operator is given what it does not take.
    TypeMismatch,
    /// A part of the standard's language that is not offered.
    Unsupported,
    /// A limit is passed.
    TooComplex,
}

impl FilterErrorKind {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Syntax => "filter.syntax",
            Self::UnknownProperty => "filter.unknown_property",
            Self::TypeMismatch => "filter.type_mismatch",
            Self::Unsupported => "filter.unsupported",
            Self::TooComplex => "filter.too_complex",
        }
    }
}

/// A filter's text that cannot be read: what, where, and what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at character {position})")]
pub struct FilterError {
    /// What kind of mistake it is.
    pub kind: FilterErrorKind,
    /// How many characters of the text come before it.
    pub position: usize,
    /// What is wrong and what to do, for people.
    pub message: String,
    /// The property it is about.
    pub property: Option<String>,
    /// What could stand there instead, where that is a short list.
    pub allowed: Vec<&'static str>,
}

impl FilterError {
    pub(crate) fn new(kind: FilterErrorKind, position: usize, message: impl Into<String>) -> Self {
        Self { kind, position, message: message.into(), property: None, allowed: Vec::new() }
    }

    pub(crate) fn about(mut self, property: Option<String>) -> Self {
        self.property = property;
        self
    }

    pub(crate) fn allowing(mut self, allowed: Vec<&'static str>) -> Self {
        self.allowed = allowed;
        self
    }

    /// The stable code: `filter.syntax` and its like.
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }
}
