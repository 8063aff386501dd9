//! A plugin's crate as its manifest describes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::encode;
use crate::{BuildError, WasmTarget};

/// A plugin's crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// The package's name.
    pub package: String,
    /// What it is compiled for: `package.metadata.mortise.target`, or [`WasmTarget::Unknown`].
    pub target: WasmTarget,
    library: String,
}

impl Guest {
    /// Reads the manifest of the crate in `folder`.
    ///
    /// # Errors
    /// [`BuildError::Manifest`] naming what is missing or wrong.
    pub fn read(folder: &Path) -> Result<Self, BuildError> {
        let path = folder.join("Cargo.toml");
        let text = fs::read_to_string(&path).map_err(BuildError::file("read", &path))?;
        Self::parse(&text).map_err(|reason| BuildError::Manifest { path, reason })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let manifest: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
        let package = manifest.get("package").ok_or("a plugin's crate needs a [package]")?;
        let name = package.get("name").and_then(toml::Value::as_str).ok_or("the package has no name")?;
        let library = manifest.get("lib");
        let makes_library = library
            .and_then(|library| library.get("crate-type"))
            .and_then(toml::Value::as_array)
            .is_some_and(|types| types.iter().any(|one| one.as_str() == Some("cdylib")));
        if !makes_library {
            return Err("a plugin's crate needs `crate-type = [\"cdylib\"]` in [lib]".to_owned());
        }
        let library = library.and_then(|library| library.get("name")).and_then(toml::Value::as_str);
        let target = match package.get("metadata").and_then(|it| it.get("mortise")?.get("target")) {
            None => WasmTarget::Unknown,
            Some(target) => target.as_str().and_then(WasmTarget::from_triple).ok_or_else(|| {
                let (unknown, wasi) = (WasmTarget::Unknown, WasmTarget::WasiP2);
                format!("package.metadata.mortise.target is {target}: expected \"{unknown}\" or \"{wasi}\"")
            })?,
        };
        Ok(Self {
            library: library.map_or_else(|| name.replace('-', "_"), str::to_owned),
            package: name.to_owned(),
            target,
        })
    }

    /// Makes the component of what was compiled into `target_directory`, and answers its size in bytes. A component
    /// that would not change is left alone.
    ///
    /// # Errors
    /// [`BuildError::Component`] when it exports no manifest; [`BuildError::File`].
    pub fn componentise(&self, target_directory: &Path, component: &Path) -> Result<usize, BuildError> {
        let compiled = self.compiled(target_directory);
        if is_newer(component, &compiled) {
            let kept = fs::metadata(component).map_err(BuildError::file("read", component))?;
            return Ok(usize::try_from(kept.len()).unwrap_or(usize::MAX));
        }
        let bytes = fs::read(&compiled).map_err(BuildError::file("read", &compiled))?;
        let encoded = encode::component(self.target, bytes)
            .map_err(|reason| BuildError::Component { path: compiled, reason })?;
        if let Some(folder) = component.parent() {
            fs::create_dir_all(folder).map_err(BuildError::file("created", folder))?;
        }
        fs::write(component, &encoded).map_err(BuildError::file("written", component))?;
        Ok(encoded.len())
    }

    fn compiled(&self, target_directory: &Path) -> PathBuf {
        target_directory.join(self.target.triple()).join("release").join(format!("{}.wasm", self.library))
    }
}

fn is_newer(path: &Path, than: &Path) -> bool {
    let modified = |path: &Path| -> Option<SystemTime> { fs::metadata(path).ok()?.modified().ok() };
    match (modified(path), modified(than)) {
        (Some(path), Some(than)) => than < path,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "[package]\nname = \"hello-world\"\n[lib]\ncrate-type = [\"cdylib\"]\n";

    #[test]
    fn a_guest_says_in_its_manifest_what_it_is_compiled_for() {
        let plain = Guest::parse(PLAIN).unwrap();
        assert_eq!((plain.target, plain.library.as_str()), (WasmTarget::Unknown, "hello_world"));
        let wasi = format!("{PLAIN}[package.metadata.mortise]\ntarget = \"wasm32-wasip2\"");
        assert_eq!(Guest::parse(&wasi).unwrap().target, WasmTarget::WasiP2);
        let refused = Guest::parse(&wasi.replace("wasip2", "wasi")).unwrap_err();
        assert!(refused.contains("expected \"wasm32-unknown-unknown\" or \"wasm32-wasip2\""), "{refused}");
    }

    #[test]
    fn a_crate_that_makes_no_library_for_others_is_told_what_to_add() {
        let refused = Guest::parse("[package]\nname = \"hello\"").unwrap_err();
        assert!(refused.contains("crate-type = [\"cdylib\"]"), "{refused}");
    }

    #[test]
    fn a_component_is_not_made_of_what_was_not_compiled() {
        let folder = tempfile::tempdir().unwrap();
        let guest = Guest::parse(PLAIN).unwrap();
        let refused = guest.componentise(folder.path(), &folder.path().join("out.wasm")).unwrap_err();
        assert!(refused.to_string().contains("hello_world.wasm cannot be read"), "{refused}");
    }
}
