//! Uses what the host offers beside its own contract, through bindings of the standards alone: `wasi:http` of WASI 0.2
//! by the crate `wasip2`, and the drafts of `wasi:keyvalue`, `wasi:config` and `wasi:logging`.
//!
//! `test` answers one check per use, with what it got as JSON in the message; a check that failed says why.

mod drafts;
mod http;

use mortise_sdk::prelude::*;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Standard {
    /// Where a server is that answers what the tests need.
    base_url: Option<String>,
    /// How many lines are logged.
    lines: u32,
    /// Bytes of the request's body that `http.post` sends.
    body: u32,
}

impl Connector for Standard {
    type Settings = Self;

    fn manifest() -> Manifest {
        Manifest::connector("mortise-tests/standard", env!("CARGO_PKG_VERSION"))
            .title("Standard")
            .description("Uses the standard interfaces.")
            .setting(Setting::address("base-url").title("A server that may be called"))
            .setting(Setting::integer("lines", 0..=100_000).title("Lines to log").default(1))
            .setting(Setting::integer("body", 0..=100_000_000).title("Bytes to send").default(5))
            .secret(SecretField::optional("token").title("Bearer token"))
            .credential(Credential::bearer("far-side", "token").for_host("{base-url}"))
            .calls("{base-url}", "Calls it.")
            .requires(Capability::Storage, "Keeps things.")
    }

    fn open(settings: Self) -> Result<Self> {
        Ok(settings)
    }

    fn entities(&self) -> Result<Vec<Entity>> {
        Ok(Vec::new())
    }

    fn test(&self) -> Result<Vec<Check>> {
        drafts::log(self.lines);
        let mut checks = vec![
            check("config.get", drafts::setting("lines")),
            check("config.get of nothing", drafts::setting("nothing")),
            check("config.get-all", drafts::settings()),
            check("keyvalue draft", drafts::draft()),
            check("keyvalue draft: counter", drafts::count()),
            check("keyvalue draft2", drafts::draft2()),
            check("keyvalue draft2: swap", drafts::swap()),
            check("keyvalue of another name", drafts::another_bucket()),
            check("http to nobody", http::get("https://nobody.invalid/")),
        ];
        if let Some(base_url) = &self.base_url {
            checks.push(check("http.get", http::get(&format!("{base_url}/one?q=1"))));
            checks.push(check("http.post", http::post(&format!("{base_url}/one"), self.body)));
            checks.push(check("http redirect", http::get(&format!("{base_url}/redirect"))));
            checks.push(check("http too late", http::get_within(&format!("{base_url}/slow"), 200)));
            checks.push(check("http too large", http::get(&format!("{base_url}/large"))));
            checks.push(check("http header of the host", http::with_header(base_url, "transfer-encoding")));
            checks.push(check("http many", http::many(base_url)));
        }
        Ok(checks)
    }
}

/// What was found, or why nothing was.
type Found = std::result::Result<Value, String>;

fn check(name: &str, found: Found) -> Check {
    match found {
        Ok(found) => Check::passed(name, found.to_string()),
        Err(error) => Check::failed(name, error),
    }
}

mortise_sdk::export_connector!(Standard);
