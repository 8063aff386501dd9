//! An upstream that fails: what arrives, how often it is asked, and what the run says.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use simulated_erp::{Fault, FaultRule, RetryAfter};

use crate::fixture::{House, config};
use crate::trouble::{CUSTOMERS, Trouble, at_page_seven, impatient_house, too_many};

/// Does something while another tenant runs, who is not to notice.
async fn beside_a_neighbour<T>(house: &House, work: impl Future<Output = T>) -> T {
    let neighbour = Trouble::with(house, "neighbour", Vec::new()).await;
    let undisturbed = async {
        let attempts = neighbour.recovered("neighbour").await;
        assert_eq!(attempts.len(), 1, "the neighbour noticed: {attempts:?}");
    };
    tokio::join!(work, undisturbed).0
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_fails_for_a_moment_is_asked_again_and_every_record_arrives_once() {
    let house = impatient_house().await;
    let twice = |fault| vec![FaultRule { times: 2, ..at_page_seven(fault) }];
    let once = |fault| vec![at_page_seven(fault)];
    let cells = [
        ("server-error", twice(Fault::Status { status: 500 }), "500"),
        ("too-many", twice(Fault::TooManyRequests { retry_after: None }), "429"),
        ("hang", once(Fault::Hang), "2000 ms"),
        ("trickle", once(Fault::Trickle { chunk_bytes: 10, pause_ms: 100 }), "2000 ms"),
        ("dropped-length", once(Fault::DropMidBody), "broke"),
        ("dropped-chunks", once(Fault::DropMidChunks), "broke"),
    ];

    // One after the other: the host takes in four components at a time.
    let mut troubles = Vec::new();
    for (name, rules, words) in cells {
        let times = rules[0].times as usize;
        troubles.push((name, times, words, Trouble::with(&house, name, rules).await));
    }
    let recovered = troubles.into_iter().map(|(name, times, words, trouble)| async move {
        let attempts = trouble.recovered(name).await;
        assert_eq!(attempts.len(), 1 + times, "{name}: {attempts:?}");
        let told = trouble.told(&attempts[0]).await;
        assert!(told.contains(words), "{name}: {told}");
        assert_eq!(attempts[0]["error"]["kind"], "retryable", "{name}: {told}");
    });
    beside_a_neighbour(&house, join_all(recovered)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_of_a_host_before_its_retry_after_has_passed() {
    let house = impatient_house().await;
    let cells = [("seconds", RetryAfter::Seconds(3)), ("date", RetryAfter::DateInSeconds(4))];

    let recovered = cells.map(|(name, after)| {
        let house = &house;
        async move {
            let rule = FaultRule { times: 2, ..at_page_seven(too_many(after)) };
            let trouble = Trouble::with(house, name, vec![rule]).await;
            let attempts = trouble.recovered(name).await;
            let asked = trouble.linked.erp.asked();
            let refused: Vec<_> = asked.iter().filter(|asked| asked.status == 429).collect();
            assert_eq!(refused.len(), 2, "{name}");
            for refusal in refused {
                // A date has whole seconds, so its window is up to a second shorter. What was on its way is no matter.
                let (begins, ends) = (Duration::from_millis(100), Duration::from_millis(2_900));
                let early = asked.iter().filter(|asked| {
                    let after = asked.at.saturating_duration_since(refusal.at);
                    begins < after && after < ends
                });
                assert_eq!(early.count(), 0, "{name}: asked inside the window: {attempts:?}");
            }
            let told = trouble.told(&attempts[0]).await;
            // A page that was to be asked for behind the refused one may be the first that the plugin hears of.
            let says_why = told.contains("429") || told.contains("asked to be left alone");
            assert!(says_why, "{name}: {told}");
        }
    });
    beside_a_neighbour(&house, join_all(recovered)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_taken_back_in_mid_run_are_replaced_by_one() {
    let house = impatient_house().await;
    let settings = json!({ "page-size": 10, "pages-in-flight": 8 });
    let mut ledger = config(CUSTOMERS, 0);
    ledger.latency = Duration::from_millis(50);
    let rules = vec![at_page_seven(Fault::RevokeTokens)];
    let trouble = Trouble::of(&house, "revoked", ledger, settings, rules).await;

    let attempts = trouble.recovered("revoked").await;

    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert_eq!(trouble.linked.erp.counters().tokens_issued, 2, "{:?}", trouble.linked.erp.counters());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_live_three_seconds_are_renewed_in_time() {
    let house = impatient_house().await;
    let settings = json!({ "page-size": 10, "pages-in-flight": 1 });
    let mut ledger = config(CUSTOMERS, 0);
    ledger.latency = Duration::from_millis(200);
    ledger.token_lifetime = Duration::from_secs(3);
    let trouble = Trouble::of(&house, "short-lived", ledger, settings, Vec::new()).await;

    let attempts = trouble.recovered("short-lived").await;

    assert_eq!(attempts.len(), 1, "{attempts:?}");
    let counters = trouble.linked.erp.counters();
    let refused: u64 = counters.requests.values().filter_map(|by_status| by_status.get(&401)).sum();
    println!("tokens of 3 s: {} taken, {refused} times 401", counters.tokens_issued);
    assert!((2..=10).contains(&counters.tokens_issued), "{counters:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_gigabyte_is_cut_off_and_the_run_says_what_to_do() {
    let house = impatient_house().await;
    let rules = vec![FaultRule { times: 1_000, ..at_page_seven(Fault::LongBody { bytes: 1 << 30 }) }];
    let trouble = Trouble::with(&house, "gigabyte", rules).await;

    let run = beside_a_neighbour(&house, trouble.first_attempt()).await;

    assert_eq!(run["status"], "failed", "{run}");
    let told = trouble.told(&run).await;
    assert!(told.contains("16777216 bytes") && told.contains("smaller pages"), "{told}");
    trouble.linked.erp.clear_faults();
    trouble.recovered("gigabyte").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_to_a_host_that_is_not_granted_is_not_followed() {
    let house = impatient_house().await;
    let elsewhere = Trouble::with(&house, "elsewhere", Vec::new()).await;
    let location = format!("{}/api/v2/customers", elsewhere.linked.erp.base_url());
    let trouble =
        Trouble::with(&house, "redirected", vec![at_page_seven(Fault::Redirect { location })]).await;

    let run = trouble.first_attempt().await;

    assert_eq!(run["status"], "failed", "{run}");
    let told = trouble.told(&run).await;
    assert!(told.contains("307"), "{told}");
    assert_eq!(elsewhere.linked.erp.asked().len(), 0, "the redirect was followed");
    trouble.recovered("redirected").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_run_goes_on_where_it_stopped() {
    let house = impatient_house().await;
    let cells = [1, 4, 8].map(|in_flight| (in_flight, format!("in-flight-{in_flight}")));
    for (in_flight, name) in cells {
        let settings = json!({ "page-size": 10, "pages-in-flight": in_flight });
        let rules = vec![at_page_seven(Fault::Status { status: 404 })];
        let trouble = Trouble::of(&house, &name, config(CUSTOMERS, 0), settings, rules).await;
        let run = trouble.attempts().await.pop().unwrap();
        assert_eq!(run["status"], "failed", "{run}");
        let told = trouble.told(&run).await;
        assert!(told.contains("/api/v2/customers answered 404"), "{told}");
        assert_eq!(run["actions"][0]["counts"]["created"], 60, "what came before page 7 is kept: {run}");
        let before = trouble.pages_asked();
        let all_before = trouble.linked.erp.asked().len();

        trouble.recovered(&name).await;

        let pages = trouble.pages_asked() - before;
        let all = trouble.linked.erp.asked().len() - all_before;
        println!(
            "{name}: {pages} pages asked to finish after failing at page 7 of 20, {all} requests in all"
        );
        assert!(pages <= 14, "{name}: {pages}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_whose_type_changes_once_is_told_and_arrives_when_it_is_well_again() {
    let house = impatient_house().await;
    let fault = Fault::MalformedRecord { index: 3, damage: simulated_erp::Damage::WrongTypes };
    let trouble = Trouble::with(&house, "changed-type", vec![at_page_seven(fault)]).await;

    let run = trouble.attempts().await.pop().unwrap();

    assert_eq!(run["status"], "partial", "{run}");
    assert_eq!(run["actions"][0]["counts"]["failed"], 1, "{run}");
    let items: Vec<Value> = trouble.tenant.failed_items("retrying").await.unwrap();
    assert!(items.is_empty() || items[0].to_string().contains("cannot be read"), "{items:?}");
    crate::fixture::eventually("the record is there", || async {
        trouble.tenant.caller.records("accounts").await.unwrap().len() == CUSTOMERS as usize
    })
    .await;
    trouble.is_complete("changed-type").await;
}
