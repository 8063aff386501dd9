//! `cargo xtask demo`: the main job, for real: two processes, one connector, records that arrive by schedule.

mod churn;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use chrono::{SecondsFormat, Utc};
use mortise_system_tests::{
    Binary, Comparison, Host, HostOptions, LedgerProcess, NewLink, Tenant, Uploaded, build,
};
use serde_json::{Value, json};

use self::churn::Churn;
use self::report::{Moved, Steps};
use crate::plugins;

/// Customers and invoices that the ERP has at the start.
const CUSTOMERS: &str = "2000";
const INVOICES: &str = "5000";
/// So short a life that tokens expire in the middle of a run.
const TOKEN_SECONDS: &str = "5";
const TOKEN_USES: &str = "12";
/// When the instance runs: every five seconds.
const CRON: &str = "*/5 * * * * *";
/// The tenant of the demo.
const TENANT: &str = "brindle";
/// The configuration of the host: the simulated ERP is on this machine, and speaks plain HTTP.
const CONFIG: &str = "[egress]\nallow = [\"127.0.0.0/8\"]\nplain_http = true\n";

/// How the demo ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Once the data arrived and was checked.
    Once,
    /// At an interrupt.
    OnInterrupt,
}

/// Builds everything and shows the main job.
///
/// # Errors
/// What did not come about, and where the logs are.
pub(crate) fn run(root: &Path, ending: Ending) -> Result<(), String> {
    let mut steps = Steps::default();
    steps.begin("building the host and the simulated ERP");
    let binaries = build(&[Binary::Mortise, Binary::SimulatedErp])?;
    let [mortise, erp] = binaries.as_slice() else { return Err("cargo built something else".to_owned()) };
    steps.begin("building the plugins");
    plugins::build_all(root)?;
    let target = root.join("target");
    fs::create_dir_all(&target)
        .map_err(|error| format!("{} cannot be created: {error}", target.display()))?;
    let directory = tempfile::Builder::new()
        .prefix("demo-")
        .tempdir_in(&target)
        .map_err(|error| format!("a directory for the demo cannot be made: {error}"))?;
    let demo = Demo {
        mortise: mortise.clone(),
        erp: erp.clone(),
        component: target.join("plugins/erp.wasm"),
        directory: directory.path().to_owned(),
    };
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| format!("threads cannot be started: {error}"))?;
    let outcome = runtime.block_on(demo.play(&mut steps, ending));
    if let Err(error) = outcome {
        // What happened is in there.
        let kept = directory.keep();
        return Err(format!("{error}\nthe logs of both processes are in {}", kept.display()));
    }
    Ok(())
}

/// Where everything is.
struct Demo {
    mortise: PathBuf,
    erp: PathBuf,
    component: PathBuf,
    directory: PathBuf,
}

impl Demo {
    async fn play(&self, steps: &mut Steps, ending: Ending) -> Result<(), String> {
        steps.begin("starting the simulated ERP and the host");
        let options = [
            ["--customers", CUSTOMERS],
            ["--invoices", INVOICES],
            ["--token-seconds", TOKEN_SECONDS],
            ["--token-uses", TOKEN_USES],
        ];
        let erp =
            LedgerProcess::start(&self.erp, options.as_flattened(), &self.directory.join("erp.log")).await?;
        let host = Host::start(&HostOptions {
            binary: self.mortise.clone(),
            directory: self.directory.join("host"),
            config: CONFIG.to_owned(),
        })
        .await?;

        steps.begin("with the operator's key: a tenant, a client, a token");
        let tenant = Tenant::create(&host.operator()?, TENANT).await?;
        let instance = self.link(steps, &tenant, &erp).await?;
        let moved = Self::wait_for_records(steps, &tenant, &instance, &erp).await?;

        steps.begin("comparing every record of the ERP with the platform's");
        let comparison = Comparison::make(erp.ledger(), &tenant.caller).await?;
        if !comparison.agrees() {
            return Err(format!(
                "the platform differs from the ERP:\n  {}",
                comparison.differences.join("\n  ")
            ));
        }
        if moved.tokens < 2 {
            return Err("no token of the ERP expired in the middle of a run".to_owned());
        }
        steps.end();
        report::print(&moved, &comparison, &host, &erp, &instance);
        match ending {
            Ending::Once => stop(host).await,
            Ending::OnInterrupt => stay(host, erp).await,
        }
    }

    /// Uploads the connector and links the ERP.
    async fn link(&self, steps: &mut Steps, tenant: &Tenant, erp: &LedgerProcess) -> Result<String, String> {
        steps.begin("uploading the connector, granting it the ERP's host");
        let uploaded: Uploaded = tenant.upload(&self.component).await?;
        tenant.grant(&uploaded, &[erp.ledger().host_pattern()]).await?;
        steps.begin("linking an instance and testing it");
        let link = NewLink {
            name: "Brindle Ledger".to_owned(),
            plugin: uploaded.plugin,
            settings: json!({ "base-url": erp.ledger().url(), "client-id": erp.client_id() }),
            secrets: json!({ "client-secret": erp.client_secret() }),
            actions: Value::Null,
        };
        let instance = tenant.link(&link).await?;
        let report = tenant.test(&instance).await?;
        if report["passed"] != true {
            return Err(format!("the connection test did not pass: {report}"));
        }
        Ok(instance)
    }

    /// Schedules the instance and waits for the records, while the ERP changes.
    async fn wait_for_records(
        steps: &mut Steps,
        tenant: &Tenant,
        instance: &str,
        erp: &LedgerProcess,
    ) -> Result<Moved, String> {
        let of_instance = format!("instance={instance}");
        let by_schedule = |run: &Value| run["trigger"]["cause"] == "schedule" && run["status"] == "succeeded";
        steps.begin("scheduling it by cron and waiting for the run, while records change");
        let churn = Churn::start(erp.ledger().clone());
        let scheduled = Instant::now();
        tenant.schedule(instance, CRON).await?;
        let first = tenant.run_where(&of_instance, by_schedule).await?;
        let waited = scheduled.elapsed();

        steps.begin("letting the ERP rest, and waiting for the run that brings the last changes");
        let changes = churn.stop().await?;
        let rest = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let is_later = |run: &Value| run["startedAt"].as_str().is_some_and(|started| started > rest.as_str());
        let last = tenant.run_where(&of_instance, |run| by_schedule(run) && is_later(run)).await?;
        let counters = erp.ledger().counters().await?;
        Ok(Moved::of(&first, &last, &counters, changes, waited))
    }
}

/// Has the host end in good order.
async fn stop(host: Host) -> Result<(), String> {
    let status = host.terminate().await?;
    if status.success() { Ok(()) } else { Err(format!("the host did not stop in good order: {status}")) }
}

/// Stays up until an interrupt, or until one of the processes ends.
async fn stay(mut host: Host, mut erp: LedgerProcess) -> Result<(), String> {
    println!("\nCtrl-C ends it.");
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(|error| error.to_string()),
        status = host.program().wait() => Err(format!("the host ended: {}", status?)),
        status = erp.program().wait() => Err(format!("the simulated ERP ended: {}", status?)),
    }
}
