use bytes::Bytes;
use mortise_model::manifest::{Capability, PluginKind};
use mortise_runtime::Refused;

use crate::host::{Host, component};

fn wat(text: &str) -> Bytes {
    wat::parse_str(text).unwrap().into()
}

/// A component that exports both interfaces, with this before them.
fn with(before: &str) -> Bytes {
    wat(&format!(
        r#"(component {before}
            (instance $empty)
            (export "mortise:plugin/manifest@0.1.0" (instance $empty))
            (export "mortise:plugin/connector@0.1.0" (instance $empty)))"#
    ))
}

#[tokio::test]
async fn what_is_no_plugin_is_refused_with_what_to_do() {
    let host = Host::new();
    for (bytes, expected) in [
        (Bytes::from_static(b"hello"), "this is not WebAssembly"),
        (wat("(module)"), "this is a core module, not a component"),
        (Bytes::from_static(b"\0asm\x0d\0\x01\0\xff"), "the component is not valid"),
        (with("(core module (memory i64 1))"), "the component is not valid: memory64 must be enabled"),
        (wat("(component)"), "it exports nothing, and needs mortise:plugin/manifest@0.1.0"),
        (
            wat(r#"(component (import "mortise:plugin/log@0.3.0" (instance)))"#),
            "the component needs version 0.3.0 of mortise:plugin; this host offers 0.1.0",
        ),
        (
            with(
                r#"(import "acme:rockets/launch@1.0.0" (instance)) (import "wasi:nn/graph@0.2.0" (instance))"#,
            ),
            "the component imports acme:rockets/launch@1.0.0, wasi:nn/graph@0.2.0, which this host does not offer",
        ),
        (
            wat(
                r#"(component (instance $empty) (export "mortise:plugin/manifest@0.1.0" (instance $empty)))"#,
            ),
            "it does not export mortise:plugin/connector@0.1.0",
        ),
        (
            wat(r#"(component (instance $empty)
                (export "mortise:plugin/manifest@0.1.0" (instance $empty))
                (export "mortise:plugin/service-manager@0.1.0" (instance $empty)))"#),
            "it is a service-manager, and this host does not run plugins of that kind yet",
        ),
        (with(""), "the component exports none of the contract's worlds"),
        (
            with(
                "(core module $m (memory 1) (memory 1) (memory 1) (memory 1) (memory 1))
                 (core instance (instantiate $m))",
            ),
            "the component does not fit",
        ),
        (
            with("(core module $m (memory 9000)) (core instance (instantiate $m))"),
            "the component does not fit",
        ),
        (
            with("(core module $m (table 30000 funcref)) (core instance (instantiate $m))"),
            "the component does not fit",
        ),
    ] {
        let refused = host.admit(bytes).await.unwrap_err();
        assert!(refused.to_string().contains(expected), "{expected}: {refused}");
    }
}

#[tokio::test]
async fn a_component_that_is_too_large_is_not_even_looked_at() {
    let host = Host::with(|config| config.max_component_bytes = 10);
    let refused = host.admit(Bytes::from_static(b"eleven bytes")).await.unwrap_err();
    assert!(matches!(refused, Refused::TooLarge { most: 10 }), "{refused}");
}

#[tokio::test]
async fn a_plugin_is_admitted_with_what_it_says_of_itself() {
    let host = Host::new();
    let bytes = component("exercise");
    let admitted = host.admit(bytes.clone()).await.unwrap();
    assert_eq!(admitted.size, bytes.len() as u64);
    assert_eq!(admitted.contract, "0.1.0");
    assert_eq!(admitted.manifest.name.as_str(), "mortise-tests/exercise");
    assert_eq!(admitted.manifest.kind, PluginKind::Connector);
    assert!(admitted.manifest.capabilities.iter().any(|asked| asked.name == Capability::SecretReveal));
    assert!(admitted.imports.contains(&"mortise:plugin/secret-reveal@0.1.0".to_owned()), "{admitted:?}");
    assert_eq!(host.store.get_blob(&admitted.digest).await.unwrap(), Some(bytes.clone()));
    assert_eq!(host.admit(bytes).await.unwrap(), admitted);
}

#[tokio::test]
async fn every_plugin_of_the_house_is_admitted() {
    let host = Host::new();
    for name in ["hello", "erp", "misbehaving", "wasi"] {
        let admitted = host.admit(component(name)).await;
        assert!(admitted.is_ok(), "{name}: {admitted:?}");
    }
}

#[tokio::test]
async fn a_plugin_with_a_wrong_manifest_is_refused_and_not_kept() {
    let host = Host::new();
    let mut bytes = component("hello").to_vec();
    let name = b"mortise/hello";
    let place = bytes.windows(name.len()).position(|window| window == name).unwrap();
    bytes[place..place + name.len()].copy_from_slice(b"Mortise.hello");
    let bytes = Bytes::from(bytes);
    let refused = host.admit(bytes.clone()).await.unwrap_err();
    assert!(refused.to_string().contains("`name`: `Mortise.hello` is not a valid plugin id"), "{refused}");
    assert_eq!(host.store.get_blob(&mortise_model::id::Digest::of(&bytes)).await.unwrap(), None);
}
