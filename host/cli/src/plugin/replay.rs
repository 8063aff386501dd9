//! `mortise replay`: a recorded run is had again.

use clap::Args;
use mortise_model::id::{Digest, RunId};
use mortise_model::log::LogLine;
use reqwest::Method;
use serde::Deserialize;

use crate::plugin::PluginError;
use crate::plugin::client::{Host, HostClient};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The run.
    #[arg(value_name = "RUN")]
    run: RunId,
    /// Another release to ask than the one that ran, such as one that was just uploaded.
    #[arg(long, value_name = "DIGEST")]
    release: Option<Digest>,
    #[command(flatten)]
    host: Host,
}

/// What the host answers.
#[derive(Debug, Deserialize)]
struct Replay {
    same: bool,
    pulls: Vec<Pull>,
    log: Vec<LogLine>,
}

#[derive(Debug, Deserialize)]
struct Pull {
    entity: String,
    release: Digest,
    recorded: String,
    difference: Option<String>,
}

/// Prints how each pull compares with its recording, after what the plugin logged.
///
/// # Errors
/// [`PluginError::Differs`] when one of them does.
pub(crate) async fn run(options: Options) -> Result<(), PluginError> {
    let host = HostClient::new(options.host)?;
    let mut path = format!("/manage/runs/{}/replay", options.run);
    if let Some(release) = options.release {
        path = format!("{path}?release={release}");
    }
    let Replay { same, pulls, log } = host.send(host.request(Method::POST, &path)).await?;
    for line in log {
        println!("{} {:?}: {}", line.at, line.level, line.message);
    }
    for Pull { entity, release, recorded, difference } in pulls {
        println!("pull of {entity} by {release}");
        println!("  recorded: {recorded}");
        match difference {
            None => println!("  replayed: the same"),
            Some(sentence) => println!("  replayed: {sentence}"),
        }
    }
    if same { Ok(()) } else { Err(PluginError::Differs) }
}
