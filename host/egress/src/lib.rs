//! The only crate that opens sockets to addresses that tenants or plugins choose.
