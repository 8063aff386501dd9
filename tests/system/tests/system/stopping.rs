//! A host that is told to stop: once, and twice.

use std::time::Duration;

use mortise_system_tests::Host;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::fixture::{House, config, link};

/// A host that lets what is in progress go on for a minute.
const PATIENT: &str = "\
[egress]
allow = [\"127.0.0.0/8\"]
plain_http = true
[workers]
poll_milliseconds = 50
drain_seconds = 60
[api]
drain_seconds = 60
";

#[tokio::test(flavor = "multi_thread")]
async fn the_first_signal_lets_what_is_in_progress_finish_and_the_second_ends_the_host_at_once() {
    let house = House::configured(PATIENT).await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(10, 0), json!({}), Value::Null).await;
    linked.erp.inject(simulated_erp::FaultRule::once(simulated_erp::Fault::Hang)).unwrap();
    // The test of the instance waits for the ledger, which does not answer.
    let asking = tokio::spawn({
        let (tenant, instance) = (tenant.clone(), linked.instance.clone());
        async move { tenant.test(&instance).await }
    });
    crate::fixture::eventually("the ledger is being asked", || async {
        !linked.erp.counters().faults.is_empty()
    })
    .await;
    let (mut host, _directory): (Host, _) = house.into_host();

    host.program().signal(Signal::TERM).unwrap();
    let early = tokio::time::timeout(Duration::from_secs(2), host.program().wait()).await;
    assert!(early.is_err(), "the request in progress was not waited for: {early:?}");
    assert!(!asking.is_finished(), "the request in progress was cut off");
    host.program().signal(Signal::TERM).unwrap();
    let status = tokio::time::timeout(Duration::from_secs(20), host.program().wait()).await.unwrap().unwrap();

    assert_eq!(status.code(), Some(130), "{status}");
    assert!(host.log().contains("a second signal stops at once"), "{}", host.log());
    assert!(asking.await.unwrap().is_err());
}
