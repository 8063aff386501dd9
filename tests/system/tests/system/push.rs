//! Records that are made on the platform arrive on the other side, once.

use mortise_system_tests::Tenant;
use serde_json::{Value, json};
use simulated_erp::{Fault, FaultRule};

use crate::fixture::{House, both_ways, config, link};

async fn make_account(tenant: &Tenant, name: &str) -> Value {
    let account = json!({
        "name": name,
        "transactionCurrency": "EUR",
        "creditLimit": "250.00",
        "taxable": true,
        "orderingEnabled": true,
        "addresses": [{ "address1": "Kade 1", "city": "Delft", "countryCode": "NL", "isBilling": true }],
    });
    tenant.caller.post("/api/accounts", &account).await.unwrap().succeeded().unwrap()
}

async fn make_invoice(tenant: &Tenant, account: &Value) -> Value {
    let invoice = json!({
        "account": { "id": account["id"] },
        "status": "issued",
        "invoiceDate": "2026-03-01",
        "dueDate": "2026-03-31",
        "currency": "EUR",
        "subTotal": "14.99",
        "taxAmount": "2.85",
        "total": "17.84",
        "items": [{
            "position": 1, "description": "Oak board", "quantity": "1.5", "unitPrice": "9.99",
            "subTotal": "14.99", "taxPercent": "19", "taxAmount": "2.85", "total": "17.84",
        }],
    });
    tenant.caller.post("/api/invoices", &invoice).await.unwrap().succeeded().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_and_its_invoice_arrive_and_come_back_as_the_same_records() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(5, 5), json!({}), both_ways()).await;
    tenant.run(&linked.instance).await.unwrap();
    let account = make_account(&tenant, "Nieuwe Meubelen B.V.").await;
    make_invoice(&tenant, &account).await;

    let run = tenant.run(&linked.instance).await.unwrap();

    assert_eq!(run["status"], "succeeded", "{run}");
    let customers = linked.erp.customers();
    let customer = customers.iter().find(|customer| customer.display_name == "Nieuwe Meubelen B.V.").unwrap();
    assert_eq!(customer.credit_limit.to_string(), "250.00");
    let invoices = linked.erp.invoices();
    let invoice = invoices.iter().find(|invoice| invoice.customer_no == customer.customer_no).unwrap();
    assert_eq!(invoice.gross_total.to_string(), "17.84");

    // What was pushed is pulled by the next run, finds its record, and is not pushed again.
    let run = tenant.run(&linked.instance).await.unwrap();
    assert_eq!(run["status"], "succeeded", "{run}");
    let counters = linked.erp.counters();
    assert_eq!(counters.creates.values().sum::<u64>(), 2, "{counters:?}");
    assert_eq!(tenant.caller.records("accounts").await.unwrap().len(), 6);
    assert_eq!(tenant.caller.records("invoices").await.unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pulled_is_not_pushed_back() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(20, 40), json!({}), both_ways()).await;

    for _ in 0..2 {
        let run = tenant.run(&linked.instance).await.unwrap();
        assert_eq!(run["status"], "succeeded", "{run}");
    }
    linked.erp.churn(10);
    tenant.run(&linked.instance).await.unwrap();

    let requests = linked.erp.counters().requests;
    let writing: Vec<_> =
        requests.keys().filter(|request| !request.starts_with("GET") && !request.contains("oauth")).collect();
    assert_eq!(writing, Vec::<&String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_was_lost_makes_no_second_record() {
    let house = House::start().await;
    let tenant = house.tenant("brindle").await;
    let linked = link(&tenant, config(3, 0), json!({}), both_ways()).await;
    tenant.run(&linked.instance).await.unwrap();
    make_account(&tenant, "Half Answered").await;
    let rule = FaultRule {
        method: Some("POST".to_owned()),
        path_prefix: "/api/v2/customers".to_owned(),
        ..FaultRule::once(Fault::DropMidBody)
    };
    linked.erp.inject(rule).unwrap();

    tenant.run(&linked.instance).await.unwrap();
    crate::fixture::eventually("the account is linked to the ledger's customer", || async {
        let accounts = tenant.caller.records("accounts").await.unwrap();
        let account = accounts.iter().find(|account| account["name"] == "Half Answered").unwrap();
        account["links"].as_array().is_some_and(|links| !links.is_empty())
    })
    .await;

    let customers = linked.erp.customers();
    let made = customers.iter().filter(|customer| customer.display_name == "Half Answered").count();
    assert_eq!(made, 1, "{:?}", linked.erp.counters());
}
