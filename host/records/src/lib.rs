//! The platform's own records: accounts and invoices, checked, numbered, linked and written.
