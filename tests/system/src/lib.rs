//! Whole-system tests through the public HTTP interface.
