//! `mortise plugin new`: the crate of a connector, which builds at once.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use mortise_model::id::PluginName;

use crate::plugin::PluginError;

/// The publisher of a plugin whose name has none.
const PUBLISHER: &str = "example";
/// The files of the crate. `{{...}}` is filled in.
const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.in")),
    ("src/lib.rs", include_str!("template/lib.rs.in")),
    ("README.md", include_str!("template/README.md.in")),
    (".gitignore", "/target\n"),
];

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The plugin's name: `publisher/plugin`, or the part after the slash alone.
    name: String,
    /// Where the crate is made. A directory of the plugin's name when it is not given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// A copy of the SDK (the directory sdk/rust) to use instead of the published one.
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<(), PluginError> {
    let name = plugin_name(&options.name)?;
    let package = name.as_str().split_once('/').map_or(name.as_str(), |(_, package)| package);
    let directory = options.dir.clone().unwrap_or_else(|| PathBuf::from(package));
    let is_used = fs::read_dir(&directory).is_ok_and(|mut entries| entries.next().is_some());
    if is_used || directory.is_file() {
        return Err(PluginError::Exists(directory));
    }
    let sdk = sdk(options.sdk.as_deref())?;
    for (file, template) in FILES {
        let path = directory.join(file);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(PluginError::file("created", folder))?;
        }
        let text = fill(template, &[("plugin", name.as_str()), ("package", package), ("sdk", &sdk)]);
        fs::write(&path, text).map_err(PluginError::file("written", &path))?;
    }
    let shown = directory.display();
    println!("made {shown}: a connector that pulls one account. Next:");
    println!("  cd {shown}");
    println!("  cargo test              # its test, natively");
    println!("  mortise plugin build    # the component");
    println!("  mortise plugin push     # to a host; see `mortise plugin push --help`");
    Ok(())
}

fn plugin_name(text: &str) -> Result<PluginName, PluginError> {
    let full = if text.contains('/') { text.to_owned() } else { format!("{PUBLISHER}/{text}") };
    full.parse().map_err(|error| PluginError::Name(format!("{error}")))
}

/// The dependency on the SDK, as a line of TOML has it.
fn sdk(path: Option<&Path>) -> Result<String, PluginError> {
    let Some(path) = path else { return Ok(format!("\"{}\"", env!("CARGO_PKG_VERSION"))) };
    let path = path.canonicalize().map_err(PluginError::file("read", path))?;
    Ok(format!("{{ path = {} }}", toml::Value::String(path.display().to_string())))
}

fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values
        .iter()
        .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str) -> (tempfile::TempDir, Result<(), PluginError>) {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { name: name.to_owned(), dir: Some(folder.path().join("crate")), sdk: None };
        let outcome = run(&options);
        (folder, outcome)
    }

    #[test]
    fn every_place_of_the_templates_is_filled_in() {
        let (folder, outcome) = made("acme/ledger-two");
        outcome.unwrap();
        for (file, _) in FILES {
            let text = fs::read_to_string(folder.path().join("crate").join(file)).unwrap();
            assert!(!text.contains("{{"), "{file}: {text}");
        }
        let manifest = fs::read_to_string(folder.path().join("crate/Cargo.toml")).unwrap();
        let manifest: toml::Table = manifest.parse().unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some("ledger-two"));
        assert_eq!(manifest["dependencies"]["mortise-sdk"].as_str(), Some(env!("CARGO_PKG_VERSION")));
        mortise_component::Guest::read(&folder.path().join("crate")).unwrap();
    }

    #[test]
    fn a_directory_with_something_in_it_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes"), "mine").unwrap();
        let options = Options { name: "ledger".to_owned(), dir: Some(folder.path().to_owned()), sdk: None };
        assert!(matches!(run(&options), Err(PluginError::Exists(_))));
        assert!(!folder.path().join("Cargo.toml").exists());
    }

    #[test]
    fn a_name_that_no_plugin_can_have_is_refused_with_an_example() {
        for name in ["Ledger", "a/b/c", "", "1ledger", "../ledger"] {
            let message = made(name).1.unwrap_err().to_string();
            assert!(message.contains("mortise plugin new acme/ledger"), "{message}");
        }
    }
}
