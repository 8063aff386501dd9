//! The crate as its users see it.

mod documents;
mod keys;
mod plans;
