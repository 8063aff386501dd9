//! Uses what WASI 0.2 gives through Rust's standard library, and tells what it got.
//!
//! Every check passes where the host gives what it should, and nothing that it should not.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Instant, SystemTime};
use std::{env, fs, net};

use mortise_sdk::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Wasi {}

impl Connector for Wasi {
    type Settings = Self;

    fn manifest() -> Manifest {
        Manifest::connector("mortise-tests/wasi", env!("CARGO_PKG_VERSION"))
            .title("WASI")
            .description("Uses what WASI 0.2 gives.")
    }

    fn open(settings: Self) -> Result<Self> {
        Ok(settings)
    }

    fn entities(&self) -> Result<Vec<Entity>> {
        Ok(Vec::new())
    }

    fn test(&self) -> Result<Vec<Check>> {
        println!("a line on standard output");
        eprintln!("a line on standard error");
        let started = Instant::now();
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let random = [0, 1].map(|_| RandomState::new().hash_one(0));
        let variables: Vec<_> = env::vars().collect();
        let arguments: Vec<_> = env::args().collect();
        Ok(vec![
            check("clock", since_1970.as_ref().is_ok_and(|time| 1_700_000_000 < time.as_secs()), &since_1970),
            check("monotonic clock", started <= Instant::now(), &started),
            check("random", random[0] != random[1], &random),
            check("environment is empty", variables.is_empty(), &variables),
            check("arguments are empty", arguments.is_empty(), &arguments),
            refused("no file is read", fs::read("/etc/passwd")),
            refused("no file is written", fs::write("/tmp/mark", "x")),
            refused("no folder is listed", fs::read_dir("/")),
            refused("no connection is made", net::TcpStream::connect("127.0.0.1:22")),
        ])
    }
}

fn check(name: &str, passed: bool, found: &impl std::fmt::Debug) -> Check {
    Check { name: name.to_owned(), passed, message: format!("{found:?}") }
}

fn refused<T>(name: &str, outcome: std::io::Result<T>) -> Check {
    match outcome {
        Ok(_) => Check::failed(name, "it worked"),
        Err(error) => Check::passed(name, error.to_string()),
    }
}

mortise_sdk::export_connector!(Wasi);
