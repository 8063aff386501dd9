//! What the demo says.

use std::time::{Duration, Instant};

use chrono::DateTime;
use mortise_system_tests::{Comparison, Host, LedgerProcess};
use serde_json::Value;

/// The steps of the demo, each with its time.
#[derive(Default)]
pub(crate) struct Steps {
    present: Option<Instant>,
}

impl Steps {
    /// Ends the last step and begins another.
    pub(crate) fn begin(&mut self, what: &str) {
        self.end();
        println!("- {what}");
        self.present = Some(Instant::now());
    }

    /// Ends the last step.
    pub(crate) fn end(&mut self) {
        if let Some(began) = self.present.take()
            && began.elapsed() > Duration::from_secs(1)
        {
            println!("  {:.1} s", began.elapsed().as_secs_f64());
        }
    }
}

/// What moved, and how fast.
pub(crate) struct Moved {
    records: u64,
    pages: u64,
    time: Duration,
    waited: Duration,
    followed: u64,
    changes: u32,
    /// Tokens that the ERP gave out.
    pub(crate) tokens: u64,
    requests: u64,
}

impl Moved {
    /// Reads the counts of the first run that brought everything and of the last.
    pub(crate) fn of(first: &Value, last: &Value, counters: &Value, changes: u32, waited: Duration) -> Self {
        Self {
            records: sum(first, "records"),
            pages: sum(first, "pages"),
            time: duration(first),
            waited,
            followed: sum(last, "updated") + sum(last, "created"),
            changes,
            tokens: number(&counters["tokensIssued"]),
            requests: number(&counters["requests"]),
        }
    }
}

fn sum(run: &Value, count: &str) -> u64 {
    let actions = run["actions"].as_array().into_iter().flatten();
    actions.map(|action| number(&action["counts"][count])).sum()
}

/// A count, or the sum of counts by status.
fn number(value: &Value) -> u64 {
    match value {
        Value::Object(parts) => parts.values().map(number).sum(),
        value => value.as_u64().unwrap_or(0),
    }
}

fn duration(run: &Value) -> Duration {
    let time = |member: &str| DateTime::parse_from_rfc3339(run[member].as_str().unwrap_or_default()).ok();
    let taken =
        time("endedAt").zip(time("startedAt")).and_then(|(ended, started)| (ended - started).to_std().ok());
    taken.unwrap_or_default()
}

/// Prints what moved, how fast, and where to look.
pub(crate) fn print(
    moved: &Moved,
    comparison: &Comparison,
    host: &Host,
    erp: &LedgerProcess,
    instance: &str,
) {
    let seconds = moved.time.as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = moved.records as f64 / seconds;
    println!(
        "
moved     {} accounts and {} invoices, each compared field by field and the same
run       {} records in {} pages in {seconds:.1} s: {rate:.0} records/s, {:.1} s after it was scheduled
meanwhile {} changes in the ERP, the last {} of them brought by the next run; {} requests, {} tokens",
        comparison.accounts,
        comparison.invoices,
        moved.records,
        moved.pages,
        moved.waited.as_secs_f64(),
        moved.changes,
        moved.followed,
        moved.requests,
        moved.tokens,
    );
    let (url, key, erp) = (host.url(), host.operator_key_file(), erp.ledger().url());
    let key = key.display();
    println!(
        "
host      {url}  (/openapi.json, /metrics, /readyz)
ERP       {erp}  (/_control/customers, /_control/requests)
key       {key}
look      curl -H \"X-Api-Key: $(cat {key})\" -H 'X-Tenant: {tenant}' '{url}/manage/runs?instance={instance}'
          curl -H \"X-Api-Key: $(cat {key})\" -H 'X-Tenant: {tenant}' -H 'X-Api-Version: 3.0' '{url}/api/invoices?size=3'",
        tenant = super::TENANT,
    );
}
