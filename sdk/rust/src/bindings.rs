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

/// The one interface that is in no standard world.
#[cfg(feature = "secret-reveal")]
pub mod secret_reveal {
    wit_bindgen::generate!({
        path: "wit",
        inline: "
            package mortise:sdk;
            world reveal { import mortise:plugin/secret-reveal@0.1.0; }
        ",
        with: {
            "mortise:plugin/types@0.1.0": crate::bindings::mortise::plugin::types,
            "mortise:plugin/secrets@0.1.0": crate::bindings::mortise::plugin::secrets,
            "mortise:plugin/secret-reveal@0.1.0": generate,
        },
        type_section_suffix: "secret-reveal",
    });
}
