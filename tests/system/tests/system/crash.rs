//! The demo's sync under `kill -9` of the host at random moments, while the records change on both sides.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{SecondsFormat, Utc};
use mortise_system_tests::{Caller, Comparison, Host, Tenant};
use serde_json::{Value, json};
use simulated_erp::SimulatedErp;

use crate::fixture::{House, both_ways, config, eventually, link};

/// How often the host is killed. `MORTISE_CRASH_KILLS` asks for more.
const KILLS: u64 = 20;
/// The longest life of a host, in milliseconds. A start takes a part of it.
const LONGEST_LIFE: u64 = 2_500;
/// Customers and invoices of the ledger at the start.
const RECORDS: (u32, u32) = (300, 700);

/// Short leases and waits: what a crash leaves behind is taken up soon.
const CONFIG: &str = "\
[log]
level = \"info\"
[egress]
allow = [\"127.0.0.0/8\"]
plain_http = true
[workers]
poll_milliseconds = 50
lease_seconds = 1
[sync]
retry_first_milliseconds = 200
retry_factor = 1.0
retry_attempts = 30
";

/// Numbers that look random and come again from the same seed (`SplitMix64`).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % end
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// Makes accounts on the platform, one after the other, for as long as the host lives.
async fn make_accounts(caller: &Caller, made: &mut u64) {
    loop {
        let account = json!({
            "name": format!("Made between crashes {made}"),
            "transactionCurrency": "EUR",
            "creditLimit": "250.00",
            "taxable": true,
            "orderingEnabled": true,
        });
        // The same key after a crash: whether the host had written the account or not, there is one.
        let request = caller
            .request(reqwest::Method::POST, "/api/accounts")
            .header("Idempotency-Key", format!("crash-account-{made}"))
            .json(&account);
        match caller.send(request).await {
            Ok(answer) => {
                answer.succeeded().unwrap();
                *made += 1;
            }
            Err(_) => return std::future::pending().await,
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// Has the ledger's records change for as long as it is polled.
async fn change_records(erp: &SimulatedErp) {
    loop {
        erp.churn(3);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn kill_again_and_again(
    house: &mut House,
    tenant: &mut Tenant,
    random: &mut Random,
    kills: u64,
) -> u64 {
    let mut made = 0;
    for _ in 0..kills {
        let life = Duration::from_millis(random.below(LONGEST_LIFE));
        let _ended = tokio::time::timeout(life, make_accounts(&tenant.caller, &mut made)).await;
        house.kill().await;
        // Now and then the next host is killed while it starts.
        if random.below(4) == 0 {
            let start = Duration::from_millis(random.below(400));
            let _killed = tokio::time::timeout(start, Host::start(house.options())).await;
        }
        house.restart(tenant).await;
    }
    made
}

/// The latest run by schedule that began after this and is green.
async fn green_run_after(tenant: &Tenant, instance: &str, moment: &str) -> Value {
    let is_it = |run: &Value| {
        run["trigger"]["cause"] == "schedule"
            && run["status"] == "succeeded"
            && run["startedAt"].as_str().is_some_and(|started| started > moment)
    };
    tenant.run_where(&format!("instance={instance}"), is_it).await.unwrap()
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_killed_again_and_again_loses_and_doubles_nothing() {
    let seed = number("MORTISE_CRASH_SEED").unwrap_or_else(|| Utc::now().timestamp_millis().unsigned_abs());
    let kills = number("MORTISE_CRASH_KILLS").unwrap_or(KILLS);
    println!("MORTISE_CRASH_SEED={seed} MORTISE_CRASH_KILLS={kills}");
    let mut random = Random(seed);
    let mut house = House::configured(CONFIG).await;
    let mut tenant = house.tenant("brindle").await;
    let mut settings = config(RECORDS.0, RECORDS.1);
    settings.latency = Duration::from_millis(10);
    settings.token_uses = Some(30);
    let further = json!({ "page-size": 20, "pages-in-flight": 2 });
    let linked = link(&tenant, settings, further, both_ways()).await;
    tenant.schedule(&linked.instance, "* * * * * *").await.unwrap();

    let started = Instant::now();
    let made = tokio::select! {
        made = kill_again_and_again(&mut house, &mut tenant, &mut random, kills) => made,
        () = change_records(&linked.erp) => unreachable!("changes go on for ever"),
    };
    println!("{kills} kills in {:?}, {made} accounts made meanwhile", started.elapsed());

    // The ledger rests. A first run brings and takes what is left, a second finds nothing more to do.
    let run = green_run_after(&tenant, &linked.instance, &now()).await;
    eventually("every account that was made is linked", || async {
        let accounts = tenant.caller.records("accounts").await.unwrap();
        accounts.iter().all(|account| account["links"].as_array().is_some_and(|links| links.len() == 1))
    })
    .await;
    let last = green_run_after(&tenant, &linked.instance, &now()).await;
    assert_ne!(run["id"], last["id"], "the schedule goes on");

    let comparison = Comparison::make(&linked.ledger, &tenant.caller).await.unwrap();
    assert!(comparison.agrees(), "seed {seed}: {:?}", comparison.differences);
    let creates = linked.erp.counters().creates;
    assert_eq!(creates.get("customer").copied().unwrap_or_default(), made, "seed {seed}: {creates:?}");
    let references: BTreeSet<_> =
        linked.erp.customers().into_iter().filter_map(|customer| customer.external_ref).collect();
    assert!(references.len() as u64 >= made, "seed {seed}: {} of {made}", references.len());
    assert_eq!(tenant.failed_items("dead").await.unwrap(), Vec::<Value>::new(), "seed {seed}");

    // No run is left behind as if it went on, and none of their jobs.
    let schedules = tenant.caller.get("/manage/schedules").await.unwrap().succeeded().unwrap();
    let schedule = format!("/manage/schedules/{}", schedules[0]["id"].as_str().unwrap());
    tenant.caller.delete(&schedule).await.unwrap().succeeded().unwrap();
    eventually("no run goes on any more", || async {
        tenant.runs("status=running").await.unwrap().is_empty()
    })
    .await;
    let run = tenant.run(&linked.instance).await.unwrap();
    assert_eq!(run["status"], "succeeded", "seed {seed}: {run}");
}
