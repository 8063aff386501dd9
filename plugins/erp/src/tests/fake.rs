//! A ledger in memory that keeps to the documented interface.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use mortise_sdk::chrono::{DateTime, SecondsFormat, TimeDelta};
use mortise_sdk::context::Timestamp;
use mortise_sdk::http::Method;
use mortise_sdk::testing::{Answer, Request};
use serde_json::{Value, json};

/// Clones are the same ledger.
#[derive(Clone, Default)]
pub(super) struct FakeLedger(Rc<RefCell<Books>>);

#[derive(Default)]
struct Books {
    /// By path: `customers`, `invoices`.
    records: BTreeMap<&'static str, BTreeMap<String, Value>>,
    deleted: BTreeMap<&'static str, Vec<Value>>,
    created: BTreeMap<String, String>,
    changes: i64,
    /// Done before requests that list pages are answered: how many of those come first, and what then.
    interruptions: Vec<(u32, Interruption)>,
}

type Interruption = Box<dyn FnOnce(&FakeLedger)>;

const PATHS: [(&str, &str, &str); 2] = [("customers", "customerNo", "C-"), ("invoices", "invoiceNo", "INV-")];

impl FakeLedger {
    pub(super) fn with_customers(count: u32) -> Self {
        let ledger = Self::default();
        for number in 1..=count {
            ledger.add("customers", customer(&format!("Customer {number}")));
        }
        ledger
    }

    /// Adds a record and returns its number.
    pub(super) fn add(&self, path: &str, mut record: Value) -> String {
        let (path, key, prefix) = place(path);
        let updated_at = self.tick();
        let mut books = self.0.borrow_mut();
        let deleted = books.deleted.get(path).map_or(0, Vec::len);
        let records = books.records.entry(path).or_default();
        let number = format!("{prefix}{:06}", records.len() + deleted + 1);
        record[key] = json!(number);
        record["revision"] = json!(1);
        record["updatedAt"] = json!(updated_at);
        record["createdAt"] = json!(updated_at);
        records.insert(number.clone(), record);
        number
    }

    /// Changes a field of a record, which moves it to the end of its list.
    pub(super) fn touch(&self, path: &str, number: &str, field: &str, value: Value) {
        let updated_at = self.tick();
        let mut books = self.0.borrow_mut();
        let record = books.records.get_mut(path).unwrap().get_mut(number).unwrap();
        record[field] = value;
        record["updatedAt"] = json!(updated_at);
        record["revision"] = json!(record["revision"].as_u64().unwrap() + 1);
    }

    pub(super) fn delete(&self, path: &str, number: &str) {
        let deleted_at = self.tick();
        let (path, key, _) = place(path);
        let mut books = self.0.borrow_mut();
        let record = books.records.get_mut(path).unwrap().remove(number).unwrap();
        let tombstone = json!({ key: number, "revision": record["revision"], "deletedAt": deleted_at });
        books.deleted.entry(path).or_default().push(tombstone);
    }

    pub(super) fn get(&self, path: &str, number: &str) -> Option<Value> {
        self.0.borrow().records.get(path)?.get(number).cloned()
    }

    pub(super) fn count(&self, path: &str) -> usize {
        self.0.borrow().records.get(path).map_or(0, BTreeMap::len)
    }

    /// Does something once that many more pages of more than one record were listed.
    pub(super) fn after_pages(&self, pages: u32, interruption: impl FnOnce(&Self) + 'static) {
        self.0.borrow_mut().interruptions.push((pages, Box::new(interruption)));
    }

    pub(super) fn far_side(&self) -> impl FnMut(&Request) -> Answer + 'static {
        let ledger = self.clone();
        move |request| ledger.answer(request)
    }

    pub(super) fn answer(&self, request: &Request) -> Answer {
        assert_eq!(request.credential(), Some("erp"));
        let segments: Vec<_> = request.path().trim_start_matches("/api/v2/").split('/').collect();
        match (request.method(), segments.as_slice()) {
            (Method::Get, ["ping"]) => {
                Answer::json(&json!({ "product": "Brindle Ledger", "account": "Test" }))
            }
            (Method::Get, [path]) => self.list(place(path).0, request),
            (Method::Get, [path, "deleted"]) => {
                let since = request.query("since");
                let books = self.0.borrow();
                let all = books.deleted.get(path).into_iter().flatten();
                let all = all.filter(|tombstone| is_since(&tombstone["deletedAt"], since.as_deref()));
                page_of(&all.cloned().collect::<Vec<_>>(), request)
            }
            (Method::Get, [path, number]) => match self.get(path, number) {
                Some(record) => Answer::json(&record),
                None => problem(404, "not_found"),
            },
            (Method::Post, [path]) => self.create(path, request),
            (Method::Patch, [path, number]) => self.patch(path, number, request),
            (Method::Delete, [path, number]) if self.get(path, number).is_some() => {
                self.delete(path, number);
                Answer::status(204)
            }
            _ => problem(404, "not_found"),
        }
    }

    fn list(&self, path: &str, request: &Request) -> Answer {
        if request.query("pageSize").as_deref() != Some("1") {
            self.interrupt();
        }
        let (since, reference) = (request.query("updatedSince"), request.query("externalRef"));
        let books = self.0.borrow();
        let mut all: Vec<Value> =
            books.records.get(path).into_iter().flatten().map(|(_, it)| it.clone()).collect();
        all.retain(|record| is_since(&record["updatedAt"], since.as_deref()));
        all.retain(|record| reference.as_deref().is_none_or(|it| record["externalRef"] == it));
        all.sort_by_key(|record| record["updatedAt"].to_string());
        page_of(&all, request)
    }

    fn create(&self, path: &str, request: &Request) -> Answer {
        let body: Value = request.json();
        if body["displayName"] == "" {
            let fields = json!([{ "field": "displayName", "message": "is empty" }]);
            let error =
                json!({ "code": "invalid", "message": "the customer is not valid", "fields": fields });
            return Answer::status(422).json_body(&json!({ "error": error }));
        }
        let key = request.header("Idempotency-Key").unwrap().to_owned();
        let known = self.0.borrow().created.get(&key).cloned();
        let number = known.unwrap_or_else(|| self.add(path, body));
        self.0.borrow_mut().created.insert(key, number.clone());
        Answer::status(201).json_body(&self.get(path, &number))
    }

    fn patch(&self, path: &str, number: &str, request: &Request) -> Answer {
        let Some(current) = self.get(path, number) else { return problem(404, "not_found") };
        if request.header("If-Match") != Some(&current["revision"].to_string()) {
            return problem(412, "revision_mismatch");
        }
        let Value::Object(fields) = request.json() else { return problem(400, "bad_body") };
        for (field, value) in fields {
            self.touch(path, number, &field, value);
        }
        Answer::json(&self.get(path, number))
    }

    fn interrupt(&self) {
        let due = {
            let mut books = self.0.borrow_mut();
            let due = books.interruptions.iter().position(|(pages, _)| *pages == 0);
            for (pages, _) in &mut books.interruptions {
                *pages = pages.saturating_sub(1);
            }
            due.map(|due| books.interruptions.remove(due).1)
        };
        if let Some(interruption) = due {
            interruption(self);
        }
    }

    /// A minute later.
    fn tick(&self) -> String {
        let mut books = self.0.borrow_mut();
        books.changes += 1;
        let start: Timestamp = DateTime::UNIX_EPOCH;
        (start + TimeDelta::minutes(books.changes)).to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

pub(super) fn customer(name: &str) -> Value {
    json!({
        "displayName": name,
        "taxNumber": "EL123456789",
        "email": "accounts@example.com",
        "phone": null,
        "website": null,
        "currency": "EUR",
        "creditLimit": "1000.00",
        "taxable": true,
        "status": "active",
        "externalRef": null,
        "billTo": { "line1": "1 High Street", "line2": null, "town": "Athens", "zip": "10434", "region": null,
            "countryIso": "GR" },
    })
}

pub(super) fn invoice(customer_no: &str, status: &str) -> Value {
    json!({
        "customerNo": customer_no,
        "issuedOn": "2026-03-01",
        "dueOn": "2026-03-31",
        "currency": "EUR",
        "status": status,
        "lines": [{ "lineNo": 1, "item": "OAK-1", "text": "Oak board", "qty": "2", "unitPrice": "50.00",
            "net": "100.00", "taxPercent": "24", "tax": "24.00" }],
        "netTotal": "100.00",
        "taxTotal": "24.00",
        "grossTotal": "124.00",
    })
}

fn place(path: &str) -> (&'static str, &'static str, &'static str) {
    *PATHS.iter().find(|(known, ..)| *known == path).unwrap()
}

fn is_since(time: &Value, since: Option<&str>) -> bool {
    let read = |text: &str| DateTime::parse_from_rfc3339(text).unwrap();
    since.is_none_or(|since| read(since) <= read(time.as_str().unwrap()))
}

fn page_of(all: &[Value], request: &Request) -> Answer {
    let read = |name: &str| request.query(name).map(|text| text.parse::<usize>().unwrap());
    let (page, size) = (read("page").unwrap_or(1), read("pageSize").unwrap_or(100));
    let items: Vec<_> = all.iter().skip((page - 1) * size).take(size).collect();
    let pages = all.len().div_ceil(size);
    Answer::json(
        &json!({ "items": items, "page": page, "pageSize": size, "pages": pages, "total": all.len() }),
    )
}

fn problem(status: u16, code: &str) -> Answer {
    Answer::status(status).json_body(&json!({ "error": { "code": code, "message": code } }))
}
