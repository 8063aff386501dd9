//! The API that is pulled from: pages that were made before the first request, in a process of its own, so that CPU time
//! and memory are the host's alone.

use std::collections::HashMap;
use std::env;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, http::header};
use bytes::Bytes;
use serde::Deserialize;

use crate::Failure;

/// How many customers the invoices are of.
const CUSTOMERS: u32 = 1_000;
/// Bytes of one invoice.
const INVOICE: usize = 559;

#[derive(Clone, Copy, Deserialize)]
struct Asked {
    page: u32,
    size: u32,
}

#[derive(Clone)]
struct Pages {
    /// By list, size and number.
    pages: Arc<HashMap<(&'static str, u32, u32), Bytes>>,
    delay: Duration,
}

/// The process that is pulled from. Ends when dropped.
pub struct Source {
    process: Child,
    /// Where it is: `http://127.0.0.1:PORT`.
    pub address: String,
}

impl Source {
    /// Starts the program that runs with arguments that have it [`serve`].
    ///
    /// # Errors
    /// That it does not start.
    pub fn start(arguments: &[String]) -> Result<Self, Failure> {
        let mut process = Command::new(env::current_exe()?).args(arguments).stdout(Stdio::piped()).spawn()?;
        let stdout = process.stdout.take().ok_or("the source has no output")?;
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address)?;
        Ok(Self { process, address: address.trim().to_owned() })
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Answers until the process is ended, each answer held back for `delay`. Prints the address once it does.
///
/// # Errors
/// That it cannot listen.
pub async fn serve(invoices: u32, sizes: &[u32], delay: Duration) -> std::io::Result<()> {
    let mut pages = HashMap::new();
    for &size in sizes {
        add(&mut pages, "customers", size, CUSTOMERS, customer);
        add(&mut pages, "invoices", size, invoices, invoice);
    }
    let state = Pages { pages: Arc::new(pages), delay };
    let router = Router::new()
        .route("/customers", get(|asked, state| page("customers", asked, state)))
        .route("/invoices", get(|asked, state| page("invoices", asked, state)))
        .with_state(state);
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router).await
}

async fn page(
    list: &'static str,
    Query(asked): Query<Asked>,
    State(state): State<Pages>,
) -> Result<([(header::HeaderName, &'static str); 1], Bytes), StatusCode> {
    if !state.delay.is_zero() {
        tokio::time::sleep(state.delay).await;
    }
    let body = state.pages.get(&(list, asked.size, asked.page)).cloned().ok_or(StatusCode::NOT_FOUND)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body))
}

fn add(
    pages: &mut HashMap<(&'static str, u32, u32), Bytes>,
    list: &'static str,
    size: u32,
    total: u32,
    record: fn(u32) -> String,
) {
    let page_count = total.div_ceil(size);
    for page in 1..=page_count {
        let first = (page - 1) * size + 1;
        let until = total.min(page * size);
        let mut body = format!(r#"{{"page":{page},"pages":{page_count},"total":{total},"items":["#);
        for number in first..=until {
            if number > first {
                body.push(',');
            }
            body.push_str(&record(number));
        }
        body.push_str("]}");
        pages.insert((list, size, page), body.into());
    }
}

fn customer(number: u32) -> String {
    format!(r#"{{"id":"C-{number:04}","name":"Customer {number}"}}"#)
}

/// Always 559 bytes: the note makes up for what numbers are longer or shorter.
fn invoice(number: u32) -> String {
    let customer = number % CUSTOMERS + 1;
    let quantity = number % 9 + 1;
    let price = 1_000 + number % 9_000;
    let net = quantity * price;
    let tax = net * 24 / 100;
    let state = ["OPEN", "PAID", "VOID"][number as usize % 3];
    let mut text = String::with_capacity(INVOICE);
    let _ = write!(
        text,
        r#"{{"id":"INV-{number:08}","number":"2026/{number:08}","dates":{{"issued":"2026-03-{:02}","due":"2026-04-{:02}"}},"state":"{state}","#,
        number % 28 + 1,
        number % 28 + 1,
    );
    let _ = write!(
        text,
        r#""customer":{{"id":"C-{customer:04}","email":"Accounts.{customer}@Example.COM"}},"amounts":{{"currency":"EUR","net":"{}","tax":"{}","gross":"{}"}},"#,
        cents(net),
        cents(tax),
        cents(net + tax),
    );
    let _ = write!(
        text,
        r#""lines":[{{"sku":"SKU-{:05}","text":"Hand-cut joint, oak","quantity":"{quantity}","price":"{}","rate":"24","tax":"{}","net":"{}"}}],"note":""#,
        number % 10_000,
        cents(price),
        cents(tax),
        cents(net),
    );
    let missing = INVOICE.saturating_sub(text.len() + 2);
    text.extend("to be paid within thirty days of the date of the invoice; ".chars().cycle().take(missing));
    text.push_str("\"}");
    text
}

fn cents(amount: u32) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}
