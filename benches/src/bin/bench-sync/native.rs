//! The whole task by a plain program: fetch, parse, map, look up, write, with the cursor in the batch.

use std::collections::HashMap;

use futures::{StreamExt as _, stream};
use mortise_benches::Failure;
use mortise_benches::house::{Cost, measure, open_store};
use mortise_model::account::Account;
use mortise_model::clock::{Clock as _, SystemClock};
use mortise_model::entity::Reference;
use mortise_model::id::{InstanceId, TenantId};
use mortise_model::invoice::{Invoice, InvoiceFields, InvoiceItem, InvoiceStatus};
use mortise_model::money::Amount;
use mortise_records::Record as _;
use mortise_store::collections::{INVOICES, SYNC_STATES};
use mortise_store::{Batch, Expect, Origin, Store, Write};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Listing<T> {
    page: u32,
    pages: u32,
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Customer {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct SourceInvoice {
    id: String,
    number: String,
    dates: Dates,
    state: String,
    customer: CustomerOf,
    amounts: Amounts,
    note: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Dates {
    issued: chrono::NaiveDate,
    due: chrono::NaiveDate,
}

#[derive(Deserialize)]
struct CustomerOf {
    id: String,
}

#[derive(Deserialize)]
struct Amounts {
    currency: String,
    net: Amount,
    tax: Amount,
    gross: Amount,
}

#[derive(Deserialize)]
struct Line {
    sku: String,
    text: String,
    quantity: Amount,
    price: Amount,
    rate: Amount,
    tax: Amount,
    net: Amount,
}

/// A program that pulls into a store of its own.
pub(crate) struct Native {
    client: reqwest::Client,
    source: String,
    size: u32,
    in_flight: usize,
    tenant: TenantId,
    instance: InstanceId,
}

impl Native {
    pub(crate) fn new(source: &str, size: u32, in_flight: usize) -> Result<Self, Failure> {
        Ok(Self {
            client: reqwest::Client::builder().no_proxy().build()?,
            source: source.to_owned(),
            size,
            in_flight,
            tenant: "bench".parse()?,
            instance: InstanceId::new(),
        })
    }

    /// Pulls the customers, and then, measured, the invoices.
    pub(crate) async fn pull(&self) -> Result<Cost, Failure> {
        let directory = tempfile::tempdir()?;
        let store = open_store(directory.path())?;
        let customers: Vec<Customer> = self.all_pages("customers").await?;
        let mut accounts = HashMap::new();
        let mut batch = self.batch();
        for (number, customer) in (1..).zip(customers) {
            let fields = mortise_model::account::AccountFields { name: customer.name, ..Default::default() };
            accounts.insert(customer.id.clone(), (number, fields.name.clone()));
            let account = Account::new(number, fields, batch.at).with_link(&self.instance, &customer.id);
            put(&mut batch, &account)?;
        }
        store.commit(batch).await?;
        let measured = measure();
        let first = self.page::<SourceInvoice>("invoices", 1).await?;
        let pages = first.pages;
        let fetched =
            stream::iter(2..=pages).map(|number| self.page("invoices", number)).buffered(self.in_flight);
        let mut fetched = std::pin::pin!(stream::once(async { Ok(first) }).chain(fetched));
        while let Some(page) = fetched.next().await {
            self.keep(store.as_ref(), page?, &accounts).await?;
        }
        Ok(measured())
    }

    async fn keep(
        &self,
        store: &dyn Store,
        page: Listing<SourceInvoice>,
        accounts: &HashMap<String, (u64, String)>,
    ) -> Result<(), Failure> {
        let links: Vec<String> =
            page.items.iter().map(|invoice| format!("{}/{}", self.instance, invoice.id)).collect();
        let codes: Vec<String> = page.items.iter().map(|invoice| invoice.number.clone()).collect();
        let present = store.find_unique(&self.tenant, &INVOICES, "links", &links).await?;
        let taken = store.find_unique(&self.tenant, &INVOICES, "code", &codes).await?;
        let first = store.reserve_numbers(&self.tenant, "invoice", page.items.len() as u64).await?;
        let mut batch = self.batch();
        let rows = page.items.into_iter().zip(present.into_iter().zip(taken));
        for (number, (invoice, (present, taken))) in (first..).zip(rows) {
            if present.is_some() || taken.is_some() {
                return Err(format!("{} is there already", invoice.id).into());
            }
            let external_id = invoice.id.clone();
            let account = accounts.get(&invoice.customer.id).ok_or("an unknown customer")?;
            let invoice = Invoice::new(number, mapped(invoice, account)?, batch.at);
            if let Some(problem) = invoice.fields.problems().first() {
                return Err(problem.to_string().into());
            }
            put(&mut batch, &invoice.with_link(&self.instance, &external_id))?;
        }
        let cursor = format!(r#"{{"page":{}}}"#, page.page + 1);
        let id = format!("{}/cursor", self.instance);
        batch.push(Write::Put { collection: &SYNC_STATES, id: id.into(), expect: Expect::Any, body: cursor });
        store.commit(batch).await?;
        Ok(())
    }

    fn batch(&self) -> Batch {
        Batch::new(self.tenant.clone(), Origin::Instance(self.instance.clone()), SystemClock.now())
    }

    async fn page<T: DeserializeOwned>(&self, list: &str, number: u32) -> Result<Listing<T>, Failure> {
        let url = format!("{}/{list}?page={number}&size={}", self.source, self.size);
        let answer = self.client.get(url).bearer_auth("a token").send().await?.error_for_status()?;
        let page: Listing<T> = serde_json::from_slice(&answer.bytes().await?)?;
        if page.page != number {
            return Err(format!("page {number} is page {}", page.page).into());
        }
        Ok(page)
    }

    async fn all_pages<T: DeserializeOwned>(&self, list: &str) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        for number in 1.. {
            let page = self.page::<T>(list, number).await?;
            all.extend(page.items);
            if page.pages <= number {
                break;
            }
        }
        Ok(all)
    }
}

fn put<T: mortise_store::Entity>(batch: &mut Batch, entity: &T) -> Result<(), Failure> {
    Ok(batch.put(entity, Expect::Absent)?)
}

fn mapped(invoice: SourceInvoice, account: &(u64, String)) -> Result<InvoiceFields, Failure> {
    let Amounts { currency, net, tax, gross } = invoice.amounts;
    let items = (1..).zip(invoice.lines).map(|(position, line)| InvoiceItem {
        position,
        description: Some(line.text),
        product: Some(Reference { integration_id: Some(line.sku), ..Reference::default() }),
        quantity: line.quantity,
        unit_price: line.price,
        tax_percent: line.rate,
        tax_amount: line.tax,
        sub_total: line.net,
        total: Amount(line.net.0 + line.tax.0),
        ..InvoiceItem::default()
    });
    Ok(InvoiceFields {
        code: Some(invoice.number),
        description: Some(invoice.note),
        status: match invoice.state.as_str() {
            "VOID" => InvoiceStatus::Cancelled,
            _ => InvoiceStatus::Issued,
        },
        account: Reference { id: Some(account.0), name: Some(account.1.clone()), integration_id: None },
        invoice_date: Some(invoice.dates.issued),
        due_date: Some(invoice.dates.due),
        currency: Some(currency.parse()?),
        sub_total: net,
        tax_amount: tax,
        total: gross,
        paid_amount: if invoice.state == "PAID" { gross } else { Amount::ZERO },
        items: items.collect(),
        ..InvoiceFields::default()
    })
}
