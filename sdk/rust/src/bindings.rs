//! The contract's own types and functions, generated from `wit/`.
#![allow(missing_docs, clippy::all, clippy::pedantic, unused_qualifications, reason = "generated")]

wit_bindgen::generate!({
    path: "wit",
    world: "connector-plugin",
    pub_export_macro: true,
    export_macro_name: "export_connector_world",
    default_bindings_module: "mortise_sdk::bindings",
    generate_unused_types: true,
    additional_derives: [PartialEq],
});
