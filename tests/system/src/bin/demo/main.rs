//! The main job, for real: two processes, one connector, records that arrive by schedule. Started by `cargo xtask demo`.

#![forbid(unsafe_code)]

mod churn;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use chrono::{SecondsFormat, Utc};
use clap::Parser;
use mortise_system_tests::{Comparison, Host, HostOptions, LedgerProcess, NewLink, Tenant, Uploaded};
use serde_json::{Value, json};

use self::churn::Churn;
use self::report::{Moved, Steps};

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

/// Shows the main job.
#[derive(Debug, Parser)]
struct Arguments {
    /// Ends once the data arrived and was checked. Without it everything stays up until an interrupt.
    #[arg(long)]
    once: bool,
    /// The component of the connector.
    #[arg(long)]
    component: PathBuf,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    // The programs under test are built together with this one.
    let programs = std::env::current_exe().map_err(|error| format!("where this program is: {error}"))?;
    let directory = tempfile::Builder::new()
        .prefix("mortise-demo-")
        .tempdir()
        .map_err(|error| format!("a directory for the demo cannot be made: {error}"))?;
    let demo = Demo {
        mortise: programs.with_file_name("mortise"),
        erp: programs.with_file_name("simulated-erp"),
        component: arguments.component,
        directory: directory.path().to_owned(),
    };
    let ending = if arguments.once { Ending::Once } else { Ending::OnInterrupt };
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| format!("threads cannot be started: {error}"))?;
    let outcome = runtime.block_on(demo.play(&mut Steps::default(), ending));
    if let Err(error) = outcome {
        // What happened is in there.
        let kept = directory.keep();
        return Err(format!("{error}\nthe logs of both processes are in {}", kept.display()));
    }
    Ok(())
}

/// How the demo ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Once the data arrived and was checked.
    Once,
    /// At an interrupt.
    OnInterrupt,
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
    if !status.success() {
        return Err(format!("the host did not stop in good order: {status}"));
    }
    println!("\nThat was --once: both are stopped and their directory is removed. Without it they stay up.");
    Ok(())
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
