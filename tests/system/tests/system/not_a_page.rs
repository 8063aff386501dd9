//! A 200 that is not the page that was asked for: never a green run with records missing.

use futures::future::join_all;
use simulated_erp::{Fault, FaultRule};

use crate::trouble::{CUSTOMERS, Trouble, at_page_seven, impatient_house};

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_the_page_makes_no_green_run_with_records_missing() {
    let house = impatient_house().await;
    let cells = [
        ("cut-json", Fault::TruncatedJson, "JSON"),
        ("html", Fault::HtmlPage, "JSON"),
        ("error-object", Fault::ErrorObject, "items"),
        ("empty", Fault::EmptyPage, "it holds 0 records"),
        ("repeated", Fault::RepeatLastPage, "there again"),
        ("total-less", Fault::WrongTotal { by: -60 }, "records"),
        ("total-more", Fault::WrongTotal { by: 35 }, "records"),
    ];
    let mut troubles = Vec::new();
    for (name, fault, _) in &cells {
        let lasting = FaultRule { times: 1_000, ..at_page_seven(fault.clone()) };
        troubles.push(Trouble::with(&house, name, vec![lasting]).await);
    }

    join_all(troubles.iter().zip(&cells).map(|(trouble, (name, _, words))| async move {
        let run = trouble.first_attempt().await;
        let there = trouble.tenant.caller.records("accounts").await.unwrap().len();
        println!("{name}: {} with {there} of {CUSTOMERS}: {}", run["status"], run["error"]["message"]);
        assert_eq!(run["status"], "failed", "{name}: {run}");
        assert!(there < CUSTOMERS as usize, "{name}: the fault met nothing");
        let told = trouble.told(&run).await;
        assert!(told.contains(words), "{name}: {told}");
        assert!(told.contains("customers"), "{name} does not say where: {told}");

        trouble.linked.erp.clear_faults();
        trouble.recovered(name).await;
    }))
    .await;
}
