//! Ledgers that misbehave, and what became of the runs.

use mortise_system_tests::{Comparison, Tenant};
use serde_json::{Value, json};
use simulated_erp::{Config, Fault, FaultRule, RetryAfter};

use crate::fixture::{House, Linked, config, link};

/// Customers of each ledger, and how many of them are on a page: twenty pages.
pub(crate) const CUSTOMERS: u32 = 200;
const PAGE_SIZE: u32 = 10;

/// A host that gives an exchange two seconds.
const CONFIG: &str = "\
[log]
level = \"info\"
[egress]
allow = [\"127.0.0.0/8\"]
plain_http = true
connect_timeout_seconds = 1
timeout_seconds = 2
[workers]
poll_milliseconds = 50
lease_seconds = 5
[sync]
retry_first_milliseconds = 200
retry_factor = 1.0
retry_attempts = 3
";

pub(crate) async fn impatient_house() -> House {
    House::configured(CONFIG).await
}

/// Meets the request for the seventh page of customers.
pub(crate) fn at_page_seven(fault: Fault) -> FaultRule {
    FaultRule {
        query_contains: Some(format!("page=7&pageSize={PAGE_SIZE}")),
        ..FaultRule::once_for("GET", "/api/v2/customers", fault)
    }
}

/// One tenant whose ledger has trouble.
pub(crate) struct Trouble {
    pub(crate) tenant: Tenant,
    pub(crate) linked: Linked,
}

impl Trouble {
    /// A tenant with a ledger of twenty pages that meets these rules.
    pub(crate) async fn with(house: &House, tenant: &str, rules: Vec<FaultRule>) -> Self {
        Self::of(house, tenant, config(CUSTOMERS, 0), json!({ "page-size": PAGE_SIZE }), rules).await
    }

    /// The same with a ledger and settings of its own.
    pub(crate) async fn of(
        house: &House,
        tenant: &str,
        config: Config,
        settings: Value,
        rules: Vec<FaultRule>,
    ) -> Self {
        let tenant = house.tenant(tenant).await;
        let pull = json!([{ "entity": "account", "direction": "pull" }]);
        let linked = link(&tenant, config, settings, pull).await;
        for rule in rules {
            linked.erp.inject(rule).unwrap();
        }
        Self { tenant, linked }
    }

    /// Runs the instance until its job is over: every attempt of it, the first one first.
    pub(crate) async fn attempts(&self) -> Vec<Value> {
        let job = self.tenant.start_run(&self.linked.instance).await.unwrap();
        let query = format!("job={job}");
        let is_over = |run: &Value| run["status"] != "running" && run["nextAttemptAt"].is_null();
        self.tenant.run_where(&query, is_over).await.unwrap();
        let mut runs = self.tenant.runs(&query).await.unwrap();
        runs.reverse();
        runs
    }

    /// Runs the instance until the first attempt is over.
    pub(crate) async fn first_attempt(&self) -> Value {
        self.tenant.run(&self.linked.instance).await.unwrap()
    }

    /// The attempts of a job that ended well, with every record there once.
    pub(crate) async fn recovered(&self, name: &str) -> Vec<Value> {
        let attempts = self.attempts().await;
        let last = attempts.last().unwrap();
        assert_eq!(last["status"], "succeeded", "{name}: {attempts:?}");
        self.is_complete(name).await;
        attempts
    }

    /// That the platform has what the ledger has, field by field.
    pub(crate) async fn is_complete(&self, name: &str) {
        let comparison = Comparison::make(&self.linked.ledger, &self.tenant.caller).await.unwrap();
        assert!(comparison.agrees(), "{name}: {:?}", comparison.differences);
        assert_eq!(comparison.accounts, CUSTOMERS as usize, "{name}");
    }

    /// What is written in a run and in its log, as text.
    pub(crate) async fn told(&self, run: &Value) -> String {
        format!("{run}\n{}", self.tenant.log(run).await.unwrap())
    }

    /// Requests for pages of records since the ledger was made; looks at the end of the list are none.
    pub(crate) fn pages_asked(&self) -> usize {
        let page = format!("pageSize={PAGE_SIZE}&");
        self.linked.erp.asked().iter().filter(|asked| asked.request.contains(&page)).count()
    }
}

/// 429 with `Retry-After`.
pub(crate) fn too_many(retry_after: RetryAfter) -> Fault {
    Fault::TooManyRequests { retry_after: Some(retry_after) }
}
