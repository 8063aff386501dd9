//! Filters, orders and paging: text to a typed tree, evaluated over JSON, and order-preserving index keys.
