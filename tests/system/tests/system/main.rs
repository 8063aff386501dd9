//! The whole system through its HTTP interface.
