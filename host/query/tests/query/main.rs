//! The crate as its users see it.

mod documents;
mod evaluation;
mod filter_errors;
mod filter_text;
mod keys;
mod orders;
mod pages;
mod plans;
