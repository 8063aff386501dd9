//! `mortise plugin push`: a component goes to a host.

use std::path::PathBuf;

use clap::Args;
use mortise_model::plugin::{Plugin, Release};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::plugin::build::Toolchain;
use crate::plugin::client::{Host, HostClient};
use crate::plugin::{PluginError, build, check, permissions, show};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The component, or the directory of a crate, which is built first.
    #[arg(value_name = "FILE.wasm|DIR", default_value = ".")]
    plugin: PathBuf,
    #[command(flatten)]
    host: Host,
    /// Grants everything that the manifest asks for, after showing it.
    #[arg(long)]
    grant: bool,
    /// The host to grant for a setting that the manifest names: `base-url=api.example.com`. May be repeated.
    #[arg(long = "host-pattern", value_name = "SETTING=HOST", requires = "grant")]
    host_patterns: Vec<String>,
    #[command(flatten)]
    toolchain: Toolchain,
}

/// What the host answers to an upload.
#[derive(Debug, Deserialize)]
struct Uploaded {
    plugin: Plugin,
    release: Release,
    missing: Vec<String>,
}

pub(crate) async fn run(options: Options) -> Result<(), PluginError> {
    let patterns = permissions::host_patterns(&options.host_patterns)?;
    let component = if options.plugin.is_dir() {
        let Options { plugin, toolchain, .. } = &options;
        tokio::task::block_in_place(|| build::build(plugin, toolchain))?
    } else if options.plugin.is_file() {
        options.plugin.clone()
    } else {
        return Err(PluginError::NoPlugin(options.plugin));
    };
    let bytes = check::read(&component)?;
    let host = HostClient::new(options.host)?;
    let upload =
        host.request(Method::POST, "/manage/plugins").header("Content-Type", "application/wasm").body(bytes);
    let Uploaded { plugin, release, missing } = host.send(upload).await?;

    print!("{}", show::manifest(&release.manifest));
    println!("  release {}", release.digest);
    if plugin.active == Some(release.digest) {
        println!("it is active");
        return Ok(());
    }
    if !options.grant {
        println!("it waits for a grant:");
        for sentence in missing {
            println!("  {sentence}");
        }
        println!(
            "grant what it asks for with --grant, or give less through PUT /manage/plugins/{}/grant",
            plugin.name
        );
        return Ok(());
    }
    let permissions = permissions::asked_for(&release.manifest, &patterns)?;
    let body = json!({ "release": release.digest, "permissions": permissions });
    let path = format!("/manage/plugins/{}/grant", plugin.name);
    let _granted: Value = host.send(host.request(Method::PUT, &path).json(&body)).await?;
    println!("granted as it asks; it is active");
    Ok(())
}
