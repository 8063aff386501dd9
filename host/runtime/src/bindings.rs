//! The contract as Rust types and traits, generated from `wit/v0.1`.

#![allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    reason = "the code is generated"
)]

wasmtime::component::bindgen!({
    path: "../../wit/v0.1",
    inline: "
        package mortise:runtime;
        world everything {
            include mortise:plugin/host@0.1.0;
            export mortise:plugin/connector@0.1.0;
        }
    ",
    world: "mortise:runtime/everything",
    imports: {
        // These never wait. As plain functions they cost no future each.
        "mortise:plugin/context": trappable,
        "mortise:plugin/log": trappable,
        "mortise:plugin/settings": trappable,
        default: async | trappable,
    },
    exports: { default: async },
    with: {
        "mortise:plugin/http.pending": crate::capability::http::Pending,
        "mortise:plugin/secrets.secret": crate::capability::secrets::Secret,
    },
    // Recordings hold them.
    additional_derives: [serde::Serialize, serde::Deserialize],
});

/// The drafts of WASI that are offered, generated from `wit`.
pub(crate) mod drafts {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "mortise:standard/drafts",
        imports: {
            "wasi:config/store@0.2.0-rc.1": trappable,
            "wasi:logging/logging@0.1.0-draft": trappable,
            default: async | trappable,
        },
        with: {
            "wasi:keyvalue/store@0.2.0-draft.bucket": crate::capability::keyvalue::Bucket,
            "wasi:keyvalue/store@0.2.0-draft2.bucket": crate::capability::keyvalue::Bucket,
            "wasi:keyvalue/atomics@0.2.0-draft2.cas": crate::capability::keyvalue::Cas,
        },
    });
}

pub(crate) use self::exports::mortise::plugin::{connector, manifest};
pub(crate) use self::mortise::plugin as contract;
