//! What a component may import and must export. Looked at before anything is compiled.

use semver::Version;
use wasmparser::Parser;

use super::Refused;
use crate::bounds::{NAME, TRAP, cut};
use crate::capability::{config, keyvalue, logging, wasi, wasi_http};
use crate::compiler::Names;

/// The version of the contract that this host offers.
const OFFERED: &str = "0.1.0";
/// The contract's interfaces that a plugin may import, without the package.
const OFFERED_INTERFACES: [&str; 9] =
    ["types", "http", "storage", "log", "settings", "secrets", "secret-reveal", "context", "sink"];
/// Kinds that the contract knows and this host does not run.
const OTHER_KINDS: [&str; 2] = ["payment-gateway", "service-manager"];
/// Drafts of WASI that a plugin may import. A draft is its exact version.
const DRAFTS: [&[&str]; 3] = [config::INTERFACES, keyvalue::INTERFACES, logging::INTERFACES];
const PACKAGE: &str = "mortise:plugin/";

/// What a component imports, and for which contract it was built.
#[derive(Debug)]
pub(super) struct Interfaces {
    pub(super) imports: Vec<String>,
    pub(super) contract: String,
}

/// Refuses what does not even begin as a component does.
pub(super) fn check_header(bytes: &[u8]) -> Result<(), Refused> {
    if !bytes.starts_with(b"\0asm") {
        return Err(Refused::NotWasm);
    }
    if Parser::is_core_wasm(bytes) {
        return Err(Refused::CoreModule);
    }
    Ok(())
}

/// Answers a component's interfaces, or says why it is none that this host runs.
pub(super) fn check(names: &Names) -> Result<Interfaces, Refused> {
    let contract = contract(names)?;
    let unknown: Vec<_> = names.imports.iter().filter(|name| !offered(name)).cloned().collect();
    if !unknown.is_empty() {
        return Err(Refused::Imports(unknown.into_iter().map(|name| told(&name)).collect()));
    }
    check_exports(names)?;
    Ok(Interfaces { imports: names.imports.clone(), contract })
}

/// The version of the contract that the component needs.
fn contract(names: &Names) -> Result<String, Refused> {
    let own = names.imports.iter().chain(&names.exports).filter_map(|name| name.strip_prefix(PACKAGE));
    let mut needs = None;
    for name in own {
        let (_, version) = name.split_once('@').unwrap_or((name, "no version"));
        if version != OFFERED {
            return Err(Refused::Contract { needs: cut(version.to_owned(), NAME), offers: OFFERED });
        }
        needs = Some(version.to_owned());
    }
    needs.ok_or_else(|| {
        Refused::World(format!(
            "it exports {}, and needs {PACKAGE}manifest@{OFFERED} and {PACKAGE}connector@{OFFERED}",
            list(&names.exports)
        ))
    })
}

fn offered(name: &str) -> bool {
    if let Some(own) = name.strip_prefix(PACKAGE) {
        let interface = own.split('@').next().unwrap_or_default();
        return OFFERED_INTERFACES.contains(&interface);
    }
    if drafts().any(|draft| draft == name) {
        return true;
    }
    let Some((interface, version)) = name.split_once('@') else { return false };
    let version = version.parse::<Version>();
    version.is_ok_and(|version| (version.major, version.minor) == (0, 2) && version.pre.is_empty())
        && is_of_wasi(interface)
}

fn drafts() -> impl Iterator<Item = &'static str> {
    DRAFTS.into_iter().flatten().copied()
}

fn is_of_wasi(interface: &str) -> bool {
    wasi::INTERFACES.contains(&interface) || wasi_http::INTERFACES.contains(&interface)
}

/// An import that is not offered, and at which versions it is.
fn told(name: &str) -> String {
    let interface = name.split('@').next().unwrap_or_default();
    let versions: Vec<_> = drafts()
        .filter_map(|draft| draft.split_once('@'))
        .filter(|(draft, _)| *draft == interface)
        .map(|(_, version)| version)
        .collect();
    let name = cut(name.to_owned(), NAME);
    if !versions.is_empty() {
        format!("{name} (which is offered at {})", versions.join(" and "))
    } else if is_of_wasi(interface) {
        format!("{name} (which is offered at 0.2)")
    } else {
        name
    }
}

fn check_exports(names: &Names) -> Result<(), Refused> {
    let exports = |interface: &str| {
        names.exports.iter().any(|name| name.as_str() == format!("{PACKAGE}{interface}@{OFFERED}"))
    };
    if !exports("manifest") {
        return Err(Refused::World(format!("it does not export {PACKAGE}manifest@{OFFERED}")));
    }
    if exports("connector") {
        return Ok(());
    }
    let other = OTHER_KINDS.into_iter().find(|kind| exports(kind));
    Err(Refused::World(match other {
        Some(kind) => format!("it is a {kind}, and this host does not run plugins of that kind yet"),
        None => format!("it does not export {PACKAGE}connector@{OFFERED}"),
    }))
}

fn list(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names => cut(names.join(", "), TRAP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(imports: &[&str], exports: &[&str]) -> Names {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Names { imports: owned(imports), exports: owned(exports) }
    }

    #[test]
    fn wasi_is_offered_at_every_patch_of_0_2() {
        for (name, is_offered) in [
            ("wasi:cli/environment@0.2.0", true),
            ("wasi:io/streams@0.2.12", true),
            ("wasi:io/streams@0.3.0", false),
            ("wasi:io/streams@0.2.0-rc-2023-12-05", false),
            ("wasi:http/outgoing-handler@0.2.3", true),
            ("wasi:http/incoming-handler@0.2.3", false),
            ("wasi:http/types@0.3.0", false),
            ("mortise:plugin/http@0.1.0", true),
            ("mortise:plugin/telepathy@0.1.0", false),
            ("http", false),
        ] {
            assert_eq!(offered(name), is_offered, "{name}");
        }
    }

    #[test]
    fn a_draft_is_offered_at_its_exact_version_and_another_one_is_told_so() {
        for name in [
            "wasi:keyvalue/store@0.2.0-draft",
            "wasi:keyvalue/atomics@0.2.0-draft2",
            "wasi:config/store@0.2.0-rc.1",
            "wasi:logging/logging@0.1.0-draft",
        ] {
            assert!(offered(name), "{name}");
        }
        for (name, sentence) in [
            (
                "wasi:keyvalue/store@0.2.0-draft3",
                "wasi:keyvalue/store@0.2.0-draft3 (which is offered at 0.2.0-draft and 0.2.0-draft2)",
            ),
            (
                "wasi:config/store@0.2.0-draft",
                "wasi:config/store@0.2.0-draft (which is offered at 0.2.0-rc.1)",
            ),
            ("wasi:http/types@0.3.0", "wasi:http/types@0.3.0 (which is offered at 0.2)"),
            ("wasi:keyvalue/watcher@0.2.0-draft", "wasi:keyvalue/watcher@0.2.0-draft"),
        ] {
            assert!(!offered(name), "{name}");
            assert_eq!(told(name), sentence);
        }
    }

    #[test]
    fn another_version_of_the_contract_is_told_in_a_sentence() {
        let refused = contract(&names(&["mortise:plugin/log@0.3.0"], &[])).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the component needs version 0.3.0 of mortise:plugin; this host offers 0.1.0"
        );
    }

    #[test]
    fn a_kind_that_is_not_run_yet_is_named() {
        let exports = ["mortise:plugin/manifest@0.1.0", "mortise:plugin/payment-gateway@0.1.0"];
        let refused = check_exports(&names(&[], &exports)).unwrap_err();
        assert!(refused.to_string().contains("it is a payment-gateway"), "{refused}");
    }
}
