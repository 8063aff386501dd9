//! What a component is made of: validated, and its names read. Nothing here knows what a host offers.

use serde::{Deserialize, Serialize};
use wasmparser::{ComponentTypeRef, Encoding, Parser, Payload, TypeBounds, Validator};

use crate::bounds::{TRAP, cut};
use crate::engine::features;

/// Imports and exports of one component.
const MAX_NAMES: usize = 1_000;
/// All of them together, in bytes.
const MAX_NAME_BYTES: usize = 128 << 10;

/// The names at the top of a component.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

/// Validates a component and reads its names, or says what is not valid.
pub(super) fn names(bytes: &[u8]) -> Result<Names, String> {
    let invalid = |error: wasmparser::BinaryReaderError| cut(error.to_string(), TRAP);
    Validator::new_with_features(features()).validate_all(bytes).map_err(invalid)?;
    let names = read(bytes).map_err(invalid)?;
    if names.imports.len() > MAX_NAMES || names.exports.len() > MAX_NAMES {
        return Err(format!("it has more than {MAX_NAMES} imports or exports"));
    }
    let bytes: usize = names.imports.iter().chain(&names.exports).map(String::len).sum();
    if bytes > MAX_NAME_BYTES {
        return Err(format!(
            "the names of its imports and exports have {bytes} bytes, more than {MAX_NAME_BYTES}"
        ));
    }
    Ok(names)
}

fn read(bytes: &[u8]) -> wasmparser::Result<Names> {
    let mut names = Names::default();
    // Modules and components within are not the component's own.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let import = import?;
                    // A name for a type brings no function with it.
                    if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                        names.imports.push(import.name.name.to_owned());
                    }
                }
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports {
                    names.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn only_the_names_at_the_top_are_read() {
        let within = r#"(component (import "a" (func)) (component (import "b" (func))) (instance $i) (export "c" (instance $i)))"#;
        let names = names(&component(within)).unwrap();
        assert_eq!((names.imports, names.exports), (vec!["a".to_owned()], vec!["c".to_owned()]));
    }

    #[test]
    fn names_without_end_are_refused() {
        let importing = |names: Vec<String>| {
            let imports: Vec<_> = names.iter().map(|name| format!("(import \"{name}\" (func))")).collect();
            component(&format!("(component {})", imports.concat()))
        };
        let many = importing((0..=MAX_NAMES).map(|number| format!("n{number}")).collect());
        assert!(names(&many).unwrap_err().contains("more than 1000"));
        let long = importing((0..4).map(|number| format!("n{number}{}", "x".repeat(40_000))).collect());
        assert!(names(&long).unwrap_err().contains("160008 bytes"));
    }
}
