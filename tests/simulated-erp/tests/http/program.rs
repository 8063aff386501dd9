use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use reqwest::StatusCode;
use serde_json::Value;

use crate::caller::client;

/// A child process that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_program_says_where_it_listens_and_how_to_come_in() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_simulated-erp"));
    program.args(["--listen", "127.0.0.1:0", "--customers", "5", "--invoices", "8"]);
    program.args(["--client-id", "me", "--client-secret", "let-me-in"]);
    let mut running = Running(program.stdout(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();

    let url = format!("{}/oauth/token", ready["listening"].as_str().unwrap());
    let request = client()
        .post(url)
        .basic_auth(ready["clientId"].as_str().unwrap(), ready["clientSecret"].as_str())
        .form(&[("grant_type", "client_credentials")]);

    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(ready["clientSecret"], "let-me-in");
}
