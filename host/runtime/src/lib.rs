//! Loads, limits and calls plugin components. The only crate that names wasmtime.
