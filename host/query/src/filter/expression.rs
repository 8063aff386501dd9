//! The tree of a filter.

use crate::field::Field;
use crate::filter::Function;
use crate::scalar::Scalar;

/// A node of the tree. Its value for a document is a [`Scalar`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A value as it was written.
    Literal(Scalar),
    /// The document's value of a property.
    Field(Field),
    /// True when the operand is false, unknown when it is unknown.
    Not(Box<Expression>),
    /// The number below zero for the one above.
    Negate(Box<Expression>),
    /// Two conditions.
    Logical {
        /// How they are joined.
        operator: Logical,
        /// The first.
        left: Box<Expression>,
        /// The second.
        right: Box<Expression>,
    },
    /// Two values. Never unknown.
    Comparison {
        /// What is asked of them.
        operator: Comparison,
        /// The first.
        left: Box<Expression>,
        /// The second.
        right: Box<Expression>,
    },
    /// Whether the operand equals any literal of the list. Never unknown.
    In {
        /// What is looked for.
        operand: Box<Expression>,
        /// Where.
        list: Vec<Scalar>,
    },
    /// A number from two. Null when either is, on division by zero and when the result has too many digits.
    Arithmetic {
        /// How.
        operator: Arithmetic,
        /// The first.
        left: Box<Expression>,
        /// The second.
        right: Box<Expression>,
    },
    /// A function. Null when an argument is.
    Call {
        /// Which.
        function: Function,
        /// As many as the function takes.
        arguments: Vec<Expression>,
    },
}

/// How two conditions are joined. Three-valued: `false and unknown` is false, `true or unknown` is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logical {
    /// Both.
    And,
    /// Either.
    Or,
}

/// How two values are compared.
///
/// Null equals null and differs from everything else; it is neither greater nor less than anything, itself included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

/// How two numbers become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient. Numbers are decimals, so `7 div 2` is 3.5, unlike the standard's division of integers.
    Div,
    /// Quotient too: the standard's name for the division of decimals.
    DivBy,
    /// Remainder, with the sign of the first.
    Mod,
}

macro_rules! named {
    ($enumeration:ty, $($variant:ident = $name:literal),*) => {
        impl $enumeration {
            /// Every one, in the order in which they are listed to people.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in `$filter`, lower case.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),*
                }
            }

            /// The one of that name, in whatever casing.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name().eq_ignore_ascii_case(name))
            }
        }
    };
}
pub(crate) use named;

named!(Logical, And = "and", Or = "or");
named!(Comparison, Eq = "eq", Ne = "ne", Gt = "gt", Ge = "ge", Lt = "lt", Le = "le");
named!(Arithmetic, Add = "add", Sub = "sub", Mul = "mul", Div = "div", DivBy = "divby", Mod = "mod");

impl Comparison {
    /// What `b ? a` asks when this is what `a ? b` asks.
    pub(crate) const fn flipped(self) -> Self {
        match self {
            Self::Eq => Self::Eq,
            Self::Ne => Self::Ne,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
        }
    }
}
