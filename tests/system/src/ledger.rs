//! The simulated ERP from outside: its control interface, and as a process.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{Caller, Failure, Outcome, Program};

/// A simulated ERP at an address.
#[derive(Debug, Clone)]
pub struct Ledger {
    control: Caller,
}

/// A simulated ERP as a process of its own.
#[derive(Debug)]
pub struct LedgerProcess {
    program: Program,
    ledger: Ledger,
    client_id: String,
    client_secret: String,
}

impl Ledger {
    /// The ledger at an address.
    ///
    /// # Errors
    /// As [`Caller::nobody`].
    pub fn at(url: &str) -> Outcome<Self> {
        Ok(Self { control: Caller::nobody(url)? })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        self.control.base()
    }

    /// Its host and port, as a grant names them.
    pub fn host_pattern(&self) -> &str {
        self.url().trim_start_matches("http://")
    }

    /// Every customer it has.
    ///
    /// # Errors
    /// That it does not answer.
    pub async fn customers(&self) -> Outcome<Vec<Value>> {
        self.truth("customers").await
    }

    /// Every invoice it has.
    ///
    /// # Errors
    /// That it does not answer.
    pub async fn invoices(&self) -> Outcome<Vec<Value>> {
        self.truth("invoices").await
    }

    async fn truth(&self, kind: &str) -> Outcome<Vec<Value>> {
        match self.control.get(&format!("/_control/{kind}")).await?.succeeded()?["items"].take() {
            Value::Array(items) => Ok(items),
            other => Err(Failure::new(format!("the ledger's {kind} are not a list: {other}"))),
        }
    }

    /// Has records change: edits, and now and then a new record.
    ///
    /// # Errors
    /// That it refused.
    pub async fn churn(&self, changes: u32) -> Outcome<Value> {
        self.control.post("/_control/churn", &json!({ "changes": changes })).await?.succeeded()
    }

    /// What it was asked so far.
    ///
    /// # Errors
    /// That it does not answer.
    pub async fn counters(&self) -> Outcome<Value> {
        self.control.get("/_control/requests").await?.succeeded()
    }

    /// Ends the life of every token.
    ///
    /// # Errors
    /// That it does not answer.
    pub async fn expire_tokens(&self) -> Outcome<()> {
        let request = self.control.request(Method::DELETE, "/_control/tokens");
        self.control.send(request).await?.succeeded().map(drop)
    }
}

impl LedgerProcess {
    /// Starts a ledger on a free port with further options of the program.
    ///
    /// # Errors
    /// Why it does not start.
    pub async fn start(binary: &Path, options: &[&str], log: &Path) -> Outcome<Self> {
        let mut command = Command::new(binary);
        command.args(["--listen", "127.0.0.1:0"]).args(options);
        let program = Program::start(command, log).await?;
        Ok(Self {
            ledger: Ledger::at(&program.ready("listening")?)?,
            client_id: program.ready("clientId")?,
            client_secret: program.ready("clientSecret")?,
            program,
        })
    }

    /// The ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The id of its OAuth client.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The secret of its OAuth client.
    pub fn client_secret(&self) -> &str {
        &self.client_secret
    }

    /// The process.
    pub fn program(&mut self) -> &mut Program {
        &mut self.program
    }
}
