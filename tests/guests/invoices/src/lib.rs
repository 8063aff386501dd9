//! Pulls customers and invoices from lists with numbered pages, and maps 14 fields of each invoice.
//!
//! It is as short as a connector can be that asks for several pages at a time, believes only what is a page, and goes on
//! where it was interrupted. `cargo xtask bench sync` measures the host with it.

use mortise_sdk::Decimal;
use mortise_sdk::chrono::NaiveDate;
use mortise_sdk::http::{self, Response};
use mortise_sdk::objects::{InvoiceStatus, InvoiceType};
use mortise_sdk::paging::{self, Extent};
use mortise_sdk::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Invoices {
    base_url: String,
    page_size: u32,
    pages_in_flight: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listing<T> {
    page: u32,
    pages: u32,
    total: u32,
    items: Vec<T>,
}

#[derive(Deserialize)]
struct Customer {
    id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceInvoice {
    id: String,
    number: String,
    dates: Dates,
    state: State,
    customer: CustomerOf,
    amounts: Amounts,
    note: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Dates {
    issued: NaiveDate,
    due: NaiveDate,
}

#[derive(Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum State {
    Open,
    Paid,
    Void,
}

#[derive(Deserialize)]
struct CustomerOf {
    id: String,
}

#[derive(Deserialize)]
struct Amounts {
    currency: String,
    net: Decimal,
    tax: Decimal,
    gross: Decimal,
}

#[derive(Deserialize)]
struct Line {
    sku: String,
    text: String,
    quantity: Decimal,
    price: Decimal,
    rate: Decimal,
    tax: Decimal,
    net: Decimal,
}

impl Connector for Invoices {
    type Settings = Self;

    fn manifest() -> Manifest {
        Manifest::connector("mortise-tests/invoices", env!("CARGO_PKG_VERSION"))
            .title("Invoices")
            .description("Pulls invoices and their customers from lists with numbered pages.")
            .setting(Setting::address("base-url").title("Where the lists are").required())
            .setting(Setting::integer("page-size", 1..=5_000).title("Records a page").default(1_000))
            .setting(Setting::integer("pages-in-flight", 1..=32).title("Pages in flight").default(4))
            .secret(SecretField::required("token").title("Bearer token"))
            .credential(Credential::bearer("source", "token").for_host("{base-url}"))
            .calls("{base-url}", "Reads the lists.")
    }

    fn open(settings: Self) -> Result<Self> {
        Ok(settings)
    }

    fn entities(&self) -> Result<Vec<Entity>> {
        Ok(vec![Entity::named("account").pulled(), Entity::named("invoice").pulled()])
    }

    fn test(&self) -> Result<Vec<Check>> {
        let answer = self.page("customers", 1).send()?;
        Ok(vec![Check::passed("customers", format!("answered {}", answer.status()))])
    }

    fn pull(&self, request: PullRequest, sink: &Sink) -> Result<PullEnd> {
        let first = request.read_cursor()?.unwrap_or(1);
        match request.entity.as_str() {
            "account" => self.pages(first, "customers", sink, |page, customer: Customer| {
                page.record(customer.id, &Account { name: customer.name.into(), ..Account::default() });
            }),
            _ => self.pages(first, "invoices", sink, |page, invoice: SourceInvoice| {
                page.record(invoice.id.clone(), &mapped(invoice));
            }),
        }
    }
}

impl Invoices {
    fn page(&self, list: &str, number: u32) -> http::Request {
        http::get(format!("{}/{list}", self.base_url))
            .query("page", number)
            .query("size", self.page_size)
            .credential("source")
    }

    fn pages<T: DeserializeOwned>(
        &self,
        first: u32,
        list: &str,
        sink: &Sink,
        put: impl Fn(&mut Page, T),
    ) -> Result<PullEnd> {
        let read = |number: u32, answer: Response| {
            let listing: Listing<T> = answer.json()?;
            let before = u64::from(number - 1) * u64::from(self.page_size);
            let expected = u64::from(listing.total).saturating_sub(before).min(self.page_size.into());
            if listing.page != number || listing.items.len() as u64 != expected {
                return Err(answer.unexpected(format!("is not page {number} of {list}")).into());
            }
            Ok((Extent::Until(listing.pages), listing))
        };
        let pages = paging::numbered(first, |number| self.page(list, number), read);
        for page in pages.in_flight(self.pages_in_flight) {
            let (number, listing) = page?;
            let mut page = Page::before(&(number + 1))?.reported_total(listing.total);
            for item in listing.items {
                put(&mut page, item);
            }
            sink.commit(page)?;
        }
        Ok(PullEnd::without_bookmark())
    }
}

fn mapped(invoice: SourceInvoice) -> Invoice {
    let Amounts { currency, net, tax, gross } = invoice.amounts;
    let status = match invoice.state {
        State::Open | State::Paid => InvoiceStatus::Issued,
        State::Void => InvoiceStatus::Cancelled,
    };
    let paid = match invoice.state {
        State::Paid => gross,
        State::Open | State::Void => Decimal::ZERO,
    };
    let items: Vec<InvoiceItem> =
        (1..).zip(invoice.lines).map(|(position, line)| item(position, line)).collect();
    Invoice {
        code: invoice.number.into(),
        description: invoice.note.into(),
        kind: InvoiceType::Invoice.into(),
        status: status.into(),
        account: Reference::by_integration_id(invoice.customer.id).into(),
        invoice_date: invoice.dates.issued.into(),
        due_date: invoice.dates.due.into(),
        currency: currency.into(),
        sub_total: net.into(),
        tax_amount: tax.into(),
        total: gross.into(),
        paid_amount: paid.into(),
        items: items.into(),
        ..Invoice::default()
    }
}

fn item(position: u32, line: Line) -> InvoiceItem {
    InvoiceItem {
        position,
        description: Some(line.text),
        product: Some(Reference::by_integration_id(line.sku)),
        quantity: line.quantity,
        unit_price: line.price,
        tax_percent: line.rate,
        tax_amount: line.tax,
        sub_total: line.net,
        total: line.net + line.tax,
        ..InvoiceItem::default()
    }
}

mortise_sdk::export_connector!(Invoices);
