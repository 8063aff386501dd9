//! The ERP's records held against the platform's, one by one.
//!
//! Written from the connector's documentation and not from its code: what both get wrong in the same way is found.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;

use crate::{Caller, Ledger, Outcome};

/// Most differences that are told.
const TOLD: usize = 20;

/// What came of holding the ERP's records against the platform's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Accounts that were compared.
    pub accounts: usize,
    /// Invoices that were compared.
    pub invoices: usize,
    /// What differs, the first few, in sentences.
    pub differences: Vec<String>,
}

impl Comparison {
    /// Reads both sides and compares them.
    ///
    /// # Errors
    /// That one side does not answer.
    pub async fn make(ledger: &Ledger, platform: &Caller) -> Outcome<Self> {
        let (customers, invoices) = (ledger.customers().await?, ledger.invoices().await?);
        let records = (platform.records("accounts").await?, platform.records("invoices").await?);
        Ok(Self::of(&customers, &invoices, &records.0, &records.1))
    }

    /// Compares records.
    pub fn of(
        customers: &[Value],
        invoices: &[Value],
        accounts: &[Value],
        platform_invoices: &[Value],
    ) -> Self {
        let mut comparison = Self { accounts: customers.len(), invoices: invoices.len(), ..Self::default() };
        let found = comparison.by_code("account", accounts);
        comparison.check_complete("account", "customerNo", customers, &found);
        for customer in customers {
            if let Some(account) = found.get(&word(customer, "customerNo")) {
                comparison.check_account(customer, account);
            }
        }
        let numbers: BTreeMap<String, String> =
            accounts.iter().map(|account| (account["id"].to_string(), word(account, "code"))).collect();
        let found = comparison.by_code("invoice", platform_invoices);
        comparison.check_complete("invoice", "invoiceNo", invoices, &found);
        for invoice in invoices {
            if let Some(platform) = found.get(&word(invoice, "invoiceNo")) {
                comparison.check_invoice(invoice, platform, &numbers);
            }
        }
        comparison
    }

    /// Whether both sides hold the same.
    pub fn agrees(&self) -> bool {
        self.differences.is_empty()
    }

    fn tell(&mut self, difference: String) {
        if self.differences.len() < TOLD {
            self.differences.push(difference);
        }
    }

    fn by_code<'a>(&mut self, kind: &str, records: &'a [Value]) -> BTreeMap<String, &'a Value> {
        let mut found = BTreeMap::new();
        for record in records {
            let code = word(record, "code");
            if found.insert(code.clone(), record).is_some() {
                self.tell(format!("{kind} {code} is on the platform more than once"));
            }
        }
        found
    }

    fn check_complete(
        &mut self,
        kind: &str,
        key: &str,
        expected: &[Value],
        found: &BTreeMap<String, &Value>,
    ) {
        let mut surplus: Vec<&String> = found.keys().collect();
        for record in expected {
            let key = word(record, key);
            if found.contains_key(&key) {
                surplus.retain(|code| **code != key);
            } else {
                self.tell(format!("{kind} {key} is not on the platform"));
            }
        }
        for code in surplus {
            self.tell(format!("{kind} `{code}` is on the platform and not in the ledger"));
        }
    }

    fn check_account(&mut self, customer: &Value, account: &Value) {
        let what = format!("account {}", word(customer, "customerNo"));
        for (theirs, ours) in [
            ("displayName", "name"),
            ("taxNumber", "vatNumber"),
            ("email", "email"),
            ("phone", "phone"),
            ("website", "website"),
            ("currency", "transactionCurrency"),
            ("taxable", "taxable"),
        ] {
            self.same(&what, ours, &customer[theirs], &account[ours]);
        }
        self.same_amount(&what, "creditLimit", &customer["creditLimit"], &account["creditLimit"]);
        let may_order = Value::Bool(customer["status"] == "active");
        self.same(&what, "orderingEnabled", &may_order, &account["orderingEnabled"]);
        let address = &account["addresses"][0];
        let bill_to = &customer["billTo"];
        for (theirs, ours) in [
            ("line1", "address1"),
            ("line2", "address2"),
            ("town", "city"),
            ("zip", "postCode"),
            ("region", "region"),
            ("countryIso", "countryCode"),
        ] {
            self.same(&what, ours, &bill_to[theirs], &address[ours]);
        }
        if !bill_to.is_null() {
            self.same(&what, "isBilling", &Value::Bool(true), &address["isBilling"]);
        }
    }

    fn check_invoice(&mut self, invoice: &Value, platform: &Value, numbers: &BTreeMap<String, String>) {
        let what = format!("invoice {}", word(invoice, "invoiceNo"));
        for (theirs, ours) in [("issuedOn", "invoiceDate"), ("dueOn", "dueDate"), ("currency", "currency")] {
            self.same(&what, ours, &invoice[theirs], &platform[ours]);
        }
        for (theirs, ours) in [("netTotal", "subTotal"), ("taxTotal", "taxAmount"), ("grossTotal", "total")] {
            self.same_amount(&what, ours, &invoice[theirs], &platform[ours]);
        }
        let status = if invoice["status"] == "void" { "cancelled" } else { "issued" };
        self.same(&what, "status", &Value::from(status), &platform["status"]);
        let account = numbers.get(&platform["account"]["id"].to_string()).cloned().unwrap_or_default();
        self.same(&what, "account", &invoice["customerNo"], &Value::from(account));
        let paid =
            if invoice["status"] == "paid" { amount(&invoice["grossTotal"]) } else { Some(Decimal::ZERO) };
        let paid = paid.map(|paid| paid.max(Decimal::ZERO));
        if paid.is_none() || paid != amount(&platform["paidAmount"]) {
            self.tell(format!("{what}: paidAmount is {}, not {paid:?}", platform["paidAmount"]));
        }
        let (lines, items) = (list(&invoice["lines"]), list(&platform["items"]));
        if lines.len() != items.len() {
            self.tell(format!("{what}: has {} items, not {}", items.len(), lines.len()));
        }
        for (line, item) in lines.iter().zip(items) {
            self.check_item(&what, line, item);
        }
    }

    fn check_item(&mut self, what: &str, line: &Value, item: &Value) {
        self.same(what, "items/position", &line["lineNo"], &item["position"]);
        self.same(what, "items/description", &line["text"], &item["description"]);
        for (theirs, ours) in [
            ("qty", "quantity"),
            ("unitPrice", "unitPrice"),
            ("net", "subTotal"),
            ("taxPercent", "taxPercent"),
            ("tax", "taxAmount"),
        ] {
            self.same_amount(what, ours, &line[theirs], &item[ours]);
        }
        let total = amount(&line["net"]).zip(amount(&line["tax"])).map(|(net, tax)| net + tax);
        if total.is_none() || total != amount(&item["total"]) {
            self.tell(format!("{what}: the total of an item is {}, not {total:?}", item["total"]));
        }
    }

    fn same(&mut self, what: &str, field: &str, expected: &Value, found: &Value) {
        if expected != found {
            self.tell(format!("{what}: {field} is {found}, not {expected}"));
        }
    }

    fn same_amount(&mut self, what: &str, field: &str, expected: &Value, found: &Value) {
        let (expected_amount, found_amount) = (amount(expected), amount(found));
        if expected_amount.is_none() || expected_amount != found_amount {
            self.tell(format!("{what}: {field} is {found}, not {expected}"));
        }
    }
}

/// A decimal, as text or as a number.
fn amount(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

fn word(record: &Value, member: &str) -> String {
    record[member].as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn customer() -> Value {
        json!({
            "customerNo": "C-000001", "displayName": "Oak & Sons", "taxNumber": null, "currency": "EUR",
            "creditLimit": "100.00", "taxable": true, "status": "active",
            "billTo": { "line1": "Quay 1", "town": "Delft", "countryIso": "NL" },
        })
    }

    fn account() -> Value {
        json!({
            "id": 7, "code": "C-000001", "name": "Oak & Sons", "transactionCurrency": "EUR",
            "creditLimit": "100", "taxable": true, "orderingEnabled": true,
            "addresses": [{ "address1": "Quay 1", "city": "Delft", "countryCode": "NL", "isBilling": true }],
        })
    }

    #[test]
    fn records_that_say_the_same_agree() {
        let comparison = Comparison::of(&[customer()], &[], &[account()], &[]);
        assert_eq!(comparison.differences, Vec::<String>::new());
        assert_eq!(comparison.accounts, 1);
    }

    #[test]
    fn a_record_that_is_missing_doubled_or_not_the_ledgers_is_told() {
        let missing = Comparison::of(&[customer()], &[], &[], &[]);
        assert_eq!(missing.differences, ["account C-000001 is not on the platform"]);
        let doubled = Comparison::of(&[customer()], &[], &[account(), account()], &[]);
        assert_eq!(doubled.differences, ["account C-000001 is on the platform more than once"]);
        let surplus = Comparison::of(&[], &[], &[account()], &[]);
        assert_eq!(surplus.differences, ["account `C-000001` is on the platform and not in the ledger"]);
    }

    #[test]
    fn a_field_that_differs_is_told_with_both_values() {
        for (pointer, value) in [
            ("/name", json!("Oak")),
            ("/creditLimit", json!("100.01")),
            ("/orderingEnabled", json!(false)),
            ("/vatNumber", json!("NL1")),
            ("/addresses/0/city", json!("Leiden")),
        ] {
            let mut changed = account();
            match changed.pointer_mut(pointer) {
                Some(place) => *place = value,
                None => changed["vatNumber"] = value,
            }
            let comparison = Comparison::of(&[customer()], &[], &[changed], &[]);
            assert_eq!(comparison.differences.len(), 1, "{pointer}: {:?}", comparison.differences);
        }
    }
}
