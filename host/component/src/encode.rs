//! From what the compiler made to a component of the contract.

use wit_component::{ComponentEncoder, DecodedWasm};

use crate::WasmTarget;

/// What every plugin exports, whatever its kind.
const MANIFEST: &str = "mortise:plugin/manifest@";

/// A component of what was compiled for `target`.
pub(crate) fn component(target: WasmTarget, compiled: Vec<u8>) -> Result<Vec<u8>, String> {
    let component = match target {
        WasmTarget::WasiP2 => compiled,
        WasmTarget::Unknown => ComponentEncoder::default()
            .validate(true)
            .module(&compiled)
            .and_then(ComponentEncoder::encode)
            .map_err(|error| format!("{error:#}"))?,
    };
    check_exports(&component)?;
    Ok(component)
}

fn check_exports(component: &[u8]) -> Result<(), String> {
    let DecodedWasm::Component(resolve, world) =
        wit_component::decode(component).map_err(|error| format!("{error:#}"))?
    else {
        return Err("it is a WIT package, not a component".to_owned());
    };
    let exports = resolve.worlds.get(world).map(|world| &world.exports).into_iter().flatten();
    let exports: Vec<_> = exports.map(|(key, _)| resolve.name_world_key(key)).collect();
    if exports.iter().any(|name| name.starts_with(MANIFEST)) {
        return Ok(());
    }
    Err(format!("it exports [{}] and no manifest: is `export_connector!` there?", exports.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_module_are_refused() {
        assert!(component(WasmTarget::Unknown, b"\0asm".to_vec()).is_err());
        assert!(component(WasmTarget::WasiP2, Vec::new()).is_err());
    }
}
